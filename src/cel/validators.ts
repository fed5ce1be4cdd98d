/**
 * Literals that can be seen to be wrong before anything is evaluated. Source: cel-go `cel/validator.go`
 * (ValidateDurationLiterals, ValidateTimestampLiterals, ValidateRegexLiterals), which Kubernetes enables.
 */
import type { Call, Expr } from './ast.ts';
import type { CheckedAst } from './checker.ts';
import { intToTimestamp, stringToDuration, stringToTimestamp } from './conversions.ts';
import { compileRegex } from './regex.ts';
import type { SourceIssue } from './source.ts';
import { CelError, type Value } from './values.ts';

export function validateLiterals(ast: CheckedAst): SourceIssue[] {
  const issues: SourceIssue[] = [];
  visit(ast.expr, (call) => {
    const literal = literalOf(call);
    if (literal === undefined || !isInvalid(call.function, literal.value)) return;
    issues.push({ offset: ast.positions[literal.id] as number, message: `invalid ${call.function} argument` });
  });
  return issues;
}

function literalOf(call: Call): { readonly id: number; readonly value: Value } | undefined {
  const arg = call.args.at(call.function === 'matches' ? -1 : 0);
  return arg?.kind === 'literal' ? arg : undefined;
}

function isInvalid(name: string, value: Value): boolean {
  switch (name) {
    case 'duration':
      return typeof value === 'string' && stringToDuration(value) instanceof CelError;
    case 'timestamp':
      if (typeof value === 'string') return stringToTimestamp(value) instanceof CelError;
      return (typeof value === 'number' || typeof value === 'bigint') && intToTimestamp(value) instanceof CelError;
    case 'matches':
      return typeof value === 'string' && compileRegex(value) instanceof CelError;
    default:
      return false;
  }
}

function visit(expr: Expr, onCall: (call: Call) => void): void {
  const go = (child: Expr): void => visit(child, onCall);
  switch (expr.kind) {
    case 'literal':
    case 'ident':
      return;
    case 'select':
      go(expr.operand);
      return;
    case 'call':
      onCall(expr);
      if (expr.target !== undefined) go(expr.target);
      for (const arg of expr.args) go(arg);
      return;
    case 'list':
      for (const element of expr.elements) go(element);
      return;
    case 'map':
      for (const entry of expr.entries) {
        go(entry.key);
        go(entry.value);
      }
      return;
    case 'struct':
      for (const field of expr.fields) go(field.value);
      return;
    case 'comprehension':
      for (const part of [expr.iterRange, expr.accuInit, expr.loopCondition, expr.loopStep, expr.result]) go(part);
  }
}
