/**
 * `x-kubernetes-validations`: the rules of a whole schema, and objects checked by them.
 * Source: `apiextensions-apiserver/pkg/apiserver/schema/cel/validation.go`; KEP-2876.
 */
import { duplicate, type FieldError, FieldPath, forbidden, invalid, omitValue, required } from '../machinery/field.ts';
import { goQuote } from '../machinery/go-text.ts';
import type { Schema, ValidationRule } from '../machinery/schema.ts';
import { Correlation, OldItems } from './correlation.ts';
import type { Outcome, Program } from './environment.ts';
import { escapeFieldName } from './field-names.ts';
import { perCallLimit as defaultCallLimit, runtimeCostBudget } from './kubernetes.ts';
import { type CompiledRule, compileNodeRules, selfTypeName } from './rules.ts';
import { type DeclaredType, declaredType } from './schema-types.ts';
import { CelError, noneOptional, OptionalValue, type Value } from './values.ts';
import { workOf } from './work.ts';

export interface RuleOptions {
  /** Whether the schema is that of a resource, whose kind and name rules may always use. Defaults to true. */
  readonly isResourceRoot?: boolean;
  /** What one expression may cost. Defaults to Kubernetes' 1,000,000. */
  readonly perCallLimit?: number;
}

export interface ValidateOptions {
  /** Where the object is, for the fields of errors. Defaults to the empty path. */
  readonly path?: FieldPath;
  /** Whether failures of what has not changed since the old object are forgiven, and reported as warnings. */
  readonly ratchet?: boolean;
}

export interface RuleResult {
  readonly errors: FieldError[];
  /** Failures that are forgiven because nothing has changed. */
  readonly warnings: FieldError[];
  /** What is left of the budget; -1 when it did not suffice and not all rules were checked. */
  readonly remainingBudget: number;
}

/** The rules of a schema. Compiled once, used for every object. */
export interface CompiledRules {
  /**
   * Checks an object (raw JSON) against the rules.
   * @param old the object before the update, or undefined when it is created
   * @param budget what all expressions together may cost; defaults to Kubernetes' 10,000,000
   */
  validate(object: unknown, old?: unknown, budget?: number, options?: ValidateOptions): RuleResult;
}

/** Compiles all rules of a schema; undefined when it has none. A rule that does not compile fails every object. */
export function compileRules(schema: Schema, options: RuleOptions = {}): CompiledRules | undefined {
  const isRoot = options.isResourceRoot ?? true;
  if (!hasRules(schema, new Set())) return undefined;
  const declared = declaredType(schema, isRoot, selfTypeName);
  const root = compileNode(schema, schema, isRoot, declared, new Map());
  if (root === undefined) return undefined;
  const callLimit = options.perCallLimit ?? defaultCallLimit;
  return {
    validate(object, old, budget = runtimeCostBudget, { path = FieldPath.of(), ratchet = false } = {}) {
      const run = new Run(budget, callLimit);
      const current = ratchet && old !== undefined ? new Correlation(object, old, schema) : undefined;
      run.node(root, path, object, old, { current, parent: undefined });
      return { errors: run.errors, warnings: run.warnings, remainingBudget: run.budget };
    },
  };
}

/** A node of the schema at which, or below which, there are rules. */
interface RuleNode {
  readonly schema: Schema;
  readonly read: (raw: unknown) => Value;
  readonly rules: readonly CompiledRule[];
  readonly items: RuleNode | undefined;
  readonly properties: ReadonlyMap<string, RuleNode>;
  readonly additional: RuleNode | undefined;
  readonly allOf: readonly RuleNode[];
}

function hasRules(schema: Schema, seen: Set<Schema>): boolean {
  if (seen.has(schema)) return false;
  seen.add(schema);
  if (schema['x-kubernetes-validations']?.length) return true;
  return children(schema).some((child) => hasRules(child, seen));
}

function children(schema: Schema): Schema[] {
  const { items, additionalProperties: additional, properties = {}, allOf = [] } = schema;
  const found = [...Object.values(properties), ...allOf];
  if (items !== undefined) found.push(items);
  if (typeof additional === 'object') found.push(additional);
  return found;
}

/**
 * The rules of `rules` for values of `schema`: the two are one schema, except inside `allOf`, whose parts add rules to
 * the fields of the schema around them.
 */
function compileNode(
  rules: Schema,
  schema: Schema,
  isRoot: boolean,
  declared: DeclaredType | undefined,
  open: Map<Schema, RuleNode>,
): RuleNode | undefined {
  if (declared === undefined) return undefined;
  const known = rules === schema ? open.get(schema) : undefined;
  if (known !== undefined) return known;
  const properties = new Map<string, RuleNode>();
  const node: { -readonly [K in keyof RuleNode]: RuleNode[K] } = {
    schema,
    read: declared.read,
    rules: compileNodeRules(schema, rules['x-kubernetes-validations'] ?? [], named(schema, isRoot, declared, rules)),
    items: undefined,
    properties,
    additional: undefined,
    allOf: [],
  };
  if (rules === schema) open.set(schema, node);
  const descend = (inner: Schema, of: Schema, type: DeclaredType | undefined): RuleNode | undefined =>
    compileNode(inner, of, of['x-kubernetes-embedded-resource'] === true, type, open);
  if (rules.items !== undefined && schema.items !== undefined) {
    node.items = descend(rules.items, schema.items, declared.element);
  }
  for (const [name, property] of Object.entries(rules.properties ?? {})) {
    const of = schema.properties?.[name];
    if (of === undefined) continue;
    const escaped = escapeFieldName(name);
    const isEmbedded = of['x-kubernetes-embedded-resource'] === true;
    const type = escaped === undefined ? declaredType(of, isEmbedded, selfTypeName) : declared.fields?.get(escaped);
    const child = descend(property, of, type);
    if (child !== undefined) properties.set(name, child);
  }
  const [additional, of] = [rules.additionalProperties, schema.additionalProperties];
  if (typeof additional === 'object' && typeof of === 'object') {
    node.additional = descend(additional, of, declared.element);
  }
  node.allOf = (rules.allOf ?? []).flatMap((part) => compileNode(part, schema, isRoot, declared, open) ?? []);
  open.delete(schema);
  const { items, additional: values, allOf } = node;
  const isEmpty = node.rules.length === 0 && items === undefined && values === undefined;
  return isEmpty && properties.size === 0 && allOf.length === 0 ? undefined : node;
}

/** The declared type with names that begin at this node, which is `self` to its own rules. */
function named(schema: Schema, isRoot: boolean, declared: DeclaredType, rules: Schema): DeclaredType {
  if (!rules['x-kubernetes-validations']?.length) return declared;
  return declaredType(schema, isRoot, selfTypeName) ?? declared;
}

// Validation.

/** The part of the old object that a node corresponds to, for ratcheting; `parent` is the nearest one that exists. */
interface Ratchet {
  readonly current: Correlation | undefined;
  readonly parent: Correlation | undefined;
}

function keyOf(ratchet: Ratchet, name: string): Ratchet {
  if (ratchet.current === undefined) return ratchet;
  // Both versions were converted to the same apiVersion and kind: a change of these cannot be seen.
  if (ratchet.parent === undefined && (name === 'apiVersion' || name === 'kind')) {
    return { current: undefined, parent: undefined };
  }
  return { current: ratchet.current.key(name), parent: ratchet.current };
}

function indexOf(ratchet: Ratchet, index: number): Ratchet {
  return ratchet.current === undefined ? ratchet : { current: ratchet.current.index(index), parent: ratchet.current };
}

const maxMessageBytes = 5 * 1024;
const outOfBudget = 'validation failed due to running out of cost budget, no further validation rules will be run';

/** One validation of one object. */
class Run {
  readonly errors: FieldError[] = [];
  readonly warnings: FieldError[] = [];
  readonly #callLimit: number;
  #workLeft: number;
  budget: number;

  constructor(budget: number, callLimit: number) {
    this.budget = budget;
    this.#workLeft = workOf(budget);
    this.#callLimit = callLimit;
  }

  /** Checks a value and everything in it. Nothing more is checked once the budget is used up. */
  node(node: RuleNode, path: FieldPath, value: unknown, old: unknown, ratchet: Ratchet): void {
    if (value === null || value === undefined || this.budget < 0) return;
    this.#rules(node, path, value, old ?? undefined, ratchet);
    for (const part of node.allOf) {
      if (this.budget < 0) return;
      this.node(part, path, value, old, { current: undefined, parent: ratchet.parent });
    }
    if (Array.isArray(value)) this.#array(node, path, value, old, ratchet);
    else if (typeof value === 'object') this.#object(node, path, value as Record<string, unknown>, old, ratchet);
  }

  #array(node: RuleNode, path: FieldPath, value: readonly unknown[], old: unknown, ratchet: Ratchet): void {
    if (node.items === undefined) return;
    const oldItems = new OldItems(node.schema, old);
    for (let i = 0; i < value.length && this.budget >= 0; i++) {
      this.node(node.items, path.index(i), value[i], oldItems.get(value[i]), indexOf(ratchet, i));
    }
  }

  #object(node: RuleNode, path: FieldPath, value: Record<string, unknown>, old: unknown, ratchet: Ratchet): void {
    const oldFields = typeof old === 'object' && old !== null && !Array.isArray(old) ? (old as typeof value) : {};
    for (const name of Object.keys(value)) {
      const property = node.properties.get(name);
      if (property === undefined && node.additional === undefined) continue;
      const before = Object.hasOwn(oldFields, name) ? oldFields[name] : undefined;
      const inner = keyOf(ratchet, name);
      if (node.additional !== undefined) this.node(node.additional, path.key(name), value[name], before, inner);
      if (property !== undefined) this.node(property, path.child(name), value[name], before, inner);
      if (this.budget < 0) return;
    }
  }

  #rules(node: RuleNode, path: FieldPath, value: unknown, old: unknown, ratchet: Ratchet): void {
    if (node.rules.length === 0) return;
    const typeName = node.schema.type ?? '';
    if (this.budget <= 0) {
      this.#stop(invalid(path, typeName, outOfBudget));
      return;
    }
    const self = node.read(value);
    const oldSelf = old === undefined ? undefined : node.read(old);
    for (const compiled of node.rules) {
      this.#rule(node, compiled, path, value, self, oldSelf, ratchet);
      if (this.budget < 0) return;
    }
  }

  #rule(
    node: RuleNode,
    compiled: CompiledRule,
    path: FieldPath,
    value: unknown,
    self: Value,
    oldSelf: Value | undefined,
    ratchet: Ratchet,
  ): void {
    const { rule, program } = compiled;
    const typeName = node.schema.type ?? '';
    if (compiled.error !== undefined) {
      this.errors.push(invalid(path, typeName, `rule compile error: ${compiled.error}`));
      return;
    }
    if (program === undefined) return;
    if (compiled.usesOldSelf && oldSelf === undefined && !rule.optionalOldSelf) return;
    const variables = [self, rule.optionalOldSelf ? optional(oldSelf) : oldSelf];
    const outcome = program.run(variables, this.#callLimit);
    if (!this.#pay(outcome)) {
      this.#stop(invalid(path, typeName, outOfBudget));
      return;
    }
    if (outcome.value instanceof CelError) {
      const problem = evaluationProblem(outcome.value.message, shownRule(rule), outcome.limitExceeded);
      if (outcome.limitExceeded) this.#stop(invalid(path, typeName, problem));
      else this.errors.push(invalid(path, typeName, problem));
      return;
    }
    if (outcome.value === true) return;
    const at = compiled.fieldPath === '' ? path : path.child(compiled.fieldPath);
    const report = (error: FieldError): void => {
      const forgiven = !compiled.usesOldSelf && (ratchet.current ?? ratchet.parent)?.unchanged === true;
      (forgiven ? this.warnings : this.errors).push(error);
    };
    let detail: string | undefined;
    if (compiled.messageExpression !== undefined) {
      const message = this.#message(compiled.messageExpression, rule.messageExpression as string, [self, oldSelf]);
      if (message.stop !== undefined) {
        report(invalid(at, typeName, message.stop));
        this.budget = -1;
        return;
      }
      detail = message.text;
    }
    const shown = typeName === 'object' || typeName === 'array' ? omitValue : value;
    report(failure(rule, at, shown, detail ?? messageOf(rule)));
  }

  /** The text of a message, nothing when it has none, or why validation must stop. */
  #message(
    program: Program,
    expression: string,
    variables: readonly (Value | undefined)[],
  ): { readonly text?: string; readonly stop?: string } {
    const outcome = program.run(variables, this.#callLimit);
    if (!this.#pay(outcome)) {
      const what = 'messageExpression evaluation failed due to running out of cost budget';
      return { stop: `${what}, no further validation rules will be run` };
    }
    if (outcome.limitExceeded) {
      const what = 'no further validation rules will be run due to call cost exceeds limit for messageExpression';
      return { stop: `${what}: ${goQuote(expression)}` };
    }
    if (typeof outcome.value !== 'string') return {};
    const text = outcome.value.trim();
    const usable = text !== '' && !text.includes('\n') && Buffer.byteLength(text) <= maxMessageBytes;
    return usable ? { text } : {};
  }

  /** Whether the budget suffices for what an evaluation cost and did, which it is then diminished by. */
  #pay({ cost, work }: Outcome): boolean {
    if (cost > this.budget || work > this.#workLeft) return false;
    this.budget -= cost;
    this.#workLeft -= work;
    return true;
  }

  #stop(error: FieldError): void {
    this.errors.push(error);
    this.budget = -1;
  }
}

function optional(value: Value | undefined): Value {
  return value === undefined ? noneOptional : new OptionalValue(value);
}

function evaluationProblem(message: string, rule: string, limitExceeded: boolean): string {
  if (limitExceeded) {
    return `'${message}': no further validation rules will be run due to call cost exceeds limit for rule: ${rule}`;
  }
  if (message.startsWith('no such overload')) {
    const what = 'call arguments did not match a supported operator, function or macro signature for rule';
    return `'${message}': ${what}: ${rule}`;
  }
  return `${message} evaluating rule: ${rule}`;
}

function shownRule(rule: ValidationRule): string {
  return (rule.message || rule.rule).trim();
}

function messageOf(rule: ValidationRule): string {
  return rule.message ? rule.message.trim() : `failed rule: ${rule.rule.trim()}`;
}

function failure(rule: ValidationRule, path: FieldPath, value: unknown, detail: string): FieldError {
  switch (rule.reason) {
    case 'FieldValueForbidden':
      return forbidden(path, detail);
    case 'FieldValueRequired':
      return required(path, detail);
    case 'FieldValueDuplicate':
      return duplicate(path, value);
    default:
      return invalid(path, value, detail);
  }
}
