/**
 * The rules of `x-kubernetes-validations` at one node of a schema, compiled.
 * Source: `apiextensions-apiserver/pkg/apiserver/schema/cel/compilation.go`.
 */
import type { Schema, ValidationRule } from '../machinery/schema.ts';
import type { SizeHints } from './cost.ts';
import type { Amount, Range } from './cost-amounts.ts';
import { CompileError, type Environment, type Program } from './environment.ts';
import { kubernetesEnvironment } from './kubernetes.ts';
import { parseRuleFieldPath } from './rule-path.ts';
import { type DeclaredType, maxRequestBytes } from './schema-types.ts';
import { optionalOf } from './types.ts';

export interface CompiledRule {
  readonly rule: ValidationRule;
  /** Absent when the rule is empty or does not compile. */
  readonly program?: Program;
  /** Why the rule does not compile. */
  readonly error?: string;
  /** Whether the rule speaks of `oldSelf`: it is then checked on updates only, unless `oldSelf` is optional. */
  readonly usesOldSelf: boolean;
  /** What one evaluation may cost at most. */
  readonly maxCost: Amount;
  /** How often the rule may be evaluated for one object when nothing bounds the lists and maps around it. */
  readonly maxCardinality: number;
  readonly messageExpression?: Program;
  readonly messageExpressionError?: string;
  readonly messageExpressionMaxCost: Amount;
  /** The field that a failure is reported at, relative to the node; empty for the node itself. */
  readonly fieldPath: string;
}

/** The root of the names of object types. Expressions cannot name them; messages and `type(…)` show them. */
export const selfTypeName = 'selfType';

/** Compiles the rules of a node whose values are of the declared type. */
export function compileNodeRules(
  schema: Schema,
  rules: readonly ValidationRule[],
  declared: DeclaredType,
): readonly CompiledRule[] {
  const { type } = declared;
  let plain: Environment | undefined;
  let optional: Environment | undefined;
  const environmentOf = (rule: ValidationRule): Environment => {
    if (rule.optionalOldSelf) {
      optional ??= kubernetesEnvironment.extend({ variables: { self: type, oldSelf: optionalOf(type) } });
      return optional;
    }
    plain ??= kubernetesEnvironment.extend({ variables: { self: type, oldSelf: type } });
    return plain;
  };
  const hints = sizeHints(declared);
  const maxCardinality = Math.floor(maxRequestBytes / (declared.minBytes + 1));
  return rules.map((rule) => {
    const environment = environmentOf(rule);
    const compiled = compileRule(schema, rule, environment, hints, maxCardinality);
    if (compiled.program === undefined || !rule.messageExpression) return compiled;
    return { ...compiled, ...compileMessage(environment, rule.messageExpression, hints) };
  });
}

function compileRule(
  schema: Schema,
  rule: ValidationRule,
  environment: Environment,
  hints: SizeHints,
  maxCardinality: number,
): CompiledRule {
  const empty = {
    rule,
    usesOldSelf: false,
    maxCost: 0,
    maxCardinality: 0,
    messageExpressionMaxCost: 0,
    fieldPath: '',
  };
  if (rule.rule.trim() === '') return empty;
  const program = compile(environment, rule.rule);
  if (typeof program === 'string') return { ...empty, error: `compilation failed: ${program}` };
  if (program.type.kind !== 'bool') return { ...empty, error: 'cel expression must evaluate to a bool' };
  const usesOldSelf = program.checked.references.some(
    (reference) => reference?.kind === 'ident' && reference.name === 'oldSelf',
  );
  if (program.problem !== undefined) {
    return { ...empty, usesOldSelf, error: `program instantiation failed: ${program.problem.message}` };
  }
  const path = rule.fieldPath ? parseRuleFieldPath(rule.fieldPath, schema) : undefined;
  return {
    rule,
    program,
    usesOldSelf,
    maxCost: program.cost(hints).max,
    maxCardinality,
    fieldPath: typeof path === 'object' ? path.path : '',
    messageExpressionMaxCost: 0,
  };
}

type Message = Partial<Pick<CompiledRule, 'messageExpression' | 'messageExpressionError' | 'messageExpressionMaxCost'>>;

function compileMessage(environment: Environment, expression: string, hints: SizeHints): Message {
  const program = compile(environment, expression);
  if (typeof program === 'string') {
    return { messageExpressionError: `messageExpression compilation failed: ${program}` };
  }
  if (program.type.kind !== 'string') {
    return { messageExpressionError: 'messageExpression must evaluate to a string' };
  }
  if (program.problem !== undefined) {
    return { messageExpressionError: `messageExpression instantiation failed: ${program.problem.message}` };
  }
  return { messageExpression: program, messageExpressionMaxCost: program.cost(hints).max };
}

function compile(environment: Environment, expression: string): Program | string {
  try {
    return environment.compile(expression);
  } catch (error) {
    if (error instanceof CompileError) return error.message;
    throw error;
  }
}

/** The sizes that the schema allows, by path from `self` or `oldSelf`. */
function sizeHints(root: DeclaredType): SizeHints {
  return (path) => {
    let node: DeclaredType | undefined = root;
    for (const step of path.slice(1)) {
      // The reference knows nothing of the sizes of keys.
      if (step === '@keys') return node?.isMap ? noElements : undefined;
      node = step === '@items' || step === '@values' ? node?.element : node?.fields?.get(step);
      if (node === undefined) return undefined;
    }
    return { min: 0, max: node.maxElements };
  };
}

const noElements: Range = { min: 0, max: 0 };
