/** Expressions over what a token says and over the user that was made of it. Source: `apiserver/pkg/authentication/cel`. */

import type { Expr } from '../../cel/ast.ts';
import {
  CompileError,
  type Environment,
  formatType,
  kubernetesEnvironment,
  listOf,
  mapOf,
  objectType,
  type Program,
  stringType,
} from '../../cel/index.ts';
import { type FieldError, type FieldPath, invalid } from '../../machinery/field.ts';
import type { JsonObject } from '../../machinery/json.ts';

const claims: Environment = kubernetesEnvironment.extend({ variables: { claims: 'map(string, dyn)' } });

const userInfo = objectType(
  'kubernetes.UserInfo',
  new Map([
    ['username', stringType],
    ['uid', stringType],
    ['groups', listOf(stringType)],
    ['extra', mapOf(stringType, listOf(stringType))],
  ]),
);

const user: Environment = kubernetesEnvironment.extend({ variables: { user: userInfo } });

/** Values for the variables of expressions over claims, or over a user. */
export const bindClaims = (value: JsonObject): Globals => claims.bind({ claims: value });
export const bindUser = (value: object): Globals => user.bind({ user: value });

export type Globals = ReturnType<Environment['bind']>;

/** `returns` undefined: what it answers is looked at when it is evaluated. Adds to `errors` and answers nothing if wrong. */
export function compileExpression(
  over: 'claims' | 'user',
  expression: string,
  returns: 'bool' | undefined,
  path: FieldPath,
  errors: FieldError[],
): Program | undefined {
  try {
    const program = (over === 'claims' ? claims : user).compile(expression);
    const type = formatType(program.type);
    if (returns === undefined || type === returns || type === 'dyn') return program;
    errors.push(invalid(path, expression, `must evaluate to ${returns}`));
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    errors.push(invalid(path, expression, `compilation failed: ${error.message}`));
  }
  return undefined;
}

/** Whether the expression reads `claims.<field>`, in whichever way it is written. */
export function readsClaim(program: Program, field: string): boolean {
  const reads = (expr: Expr | undefined): boolean => {
    if (expr === undefined) return false;
    switch (expr.kind) {
      case 'select':
        return (isClaims(expr.operand) && expr.field === field) || reads(expr.operand);
      case 'call': {
        const [first, second] = expr.args;
        const named = second?.kind === 'literal' && second.value === field;
        if (expr.function === '_?._' && first !== undefined && isClaims(first) && named) return true;
        return expr.args.some(reads) || reads(expr.target);
      }
      case 'list':
        return expr.elements.some(reads);
      case 'map':
        return expr.entries.some(({ key, value }) => reads(key) || reads(value));
      case 'struct':
        return expr.fields.some(({ value }) => reads(value));
      case 'comprehension':
        return [expr.iterRange, expr.accuInit, expr.loopCondition, expr.loopStep, expr.result].some(reads);
      default:
        return false;
    }
  };
  return reads(program.checked.expr);
}

const isClaims = (expr: Expr): boolean => expr.kind === 'ident' && expr.name === 'claims';
