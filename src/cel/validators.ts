/**
 * Literals that can be seen to be wrong before anything is evaluated. Source: cel-go `cel/validator.go`
 * (ValidateDurationLiterals, ValidateTimestampLiterals, ValidateRegexLiterals, ValidateHomogeneousAggregateLiterals),
 * all of which Kubernetes enables.
 */
import type { Call, Expr, ListLiteral, MapLiteral } from './ast.ts';
import type { CheckedAst } from './checked-ast.ts';
import { intToTimestamp, stringToDuration, stringToTimestamp } from './conversions.ts';
import { compileRegex } from './regex.ts';
import type { SourceIssue } from './source.ts';
import { formatType, sameType, type Type } from './types.ts';
import { CelError, type Value } from './values.ts';

export function validateLiterals(ast: CheckedAst): SourceIssue[] {
  const validator = new Validator(ast);
  validator.visit(ast.expr, false);
  return validator.issues;
}

class Validator {
  readonly issues: SourceIssue[] = [];
  readonly #ast: CheckedAst;

  constructor(ast: CheckedAst) {
    this.#ast = ast;
  }

  /** `exempt`: inside the arguments of `format`, whose elements may be of any types. */
  visit(expr: Expr, exempt: boolean): void {
    switch (expr.kind) {
      case 'literal':
      case 'ident':
        return;
      case 'select':
        this.visit(expr.operand, exempt);
        return;
      case 'call':
        this.#call(expr);
        if (expr.target !== undefined) this.visit(expr.target, exempt || expr.function === 'format');
        for (const arg of expr.args) this.visit(arg, exempt || expr.function === 'format');
        return;
      case 'list':
        if (!exempt) this.#list(expr);
        for (const element of expr.elements) this.visit(element, exempt);
        return;
      case 'map':
        if (!exempt) this.#map(expr);
        for (const entry of expr.entries) {
          this.visit(entry.key, exempt);
          this.visit(entry.value, exempt);
        }
        return;
      case 'struct':
        for (const field of expr.fields) this.visit(field.value, exempt);
        return;
      case 'comprehension':
        for (const part of [expr.iterRange, expr.accuInit, expr.loopCondition, expr.loopStep, expr.result]) {
          this.visit(part, exempt);
        }
    }
  }

  #report(id: number, message: string): void {
    this.issues.push({ offset: this.#ast.positions[id] as number, message });
  }

  #call(call: Call): void {
    if (!validated.has(call.function)) return;
    const arg = call.args.at(call.function === 'matches' ? -1 : 0);
    if (arg?.kind === 'literal' && isInvalid(call.function, arg.value)) {
      this.#report(arg.id, `invalid ${call.function} argument`);
    }
  }

  #list(list: ListLiteral): void {
    let expected: Type | undefined;
    for (const [i, element] of list.elements.entries()) {
      const type = this.#type(element, list.optionals.includes(i));
      expected ??= type;
      if (!this.#agrees(element, expected, type)) return;
    }
  }

  #map(map: MapLiteral): void {
    let keyType: Type | undefined;
    let valueType: Type | undefined;
    for (const { key, value, optional } of map.entries) {
      const types = [this.#type(key, false), this.#type(value, optional)] as const;
      keyType ??= types[0];
      valueType ??= types[1];
      this.#agrees(key, keyType, types[0]);
      this.#agrees(value, valueType, types[1]);
    }
  }

  #type(expr: Expr, optional: boolean): Type {
    const type = this.#ast.types[expr.id] as Type;
    return optional ? (type.params[0] ?? type) : type;
  }

  #agrees(expr: Expr, expected: Type, actual: Type): boolean {
    if (sameType(expected, actual)) return true;
    this.#report(expr.id, `expected type '${formatType(expected)}' but found '${formatType(actual)}'`);
    return false;
  }
}

const validated = new Set(['duration', 'timestamp', 'matches']);

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
