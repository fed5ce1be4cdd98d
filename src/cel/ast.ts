/**
 * The syntax tree of an expression, with the shapes of `cel.expr.Expr` (cel-spec, syntax.proto). Macros are already
 * expanded: a tree holds comprehensions, never `all(…)`.
 *
 * Every node has an `id`, unique in its tree and dense from 1, by which positions, types and references are looked up.
 */
import type { Value } from './values.ts';

export type Expr = Literal | Ident | Select | Call | ListLiteral | MapLiteral | StructLiteral | Comprehension;

export interface Literal {
  readonly kind: 'literal';
  readonly id: number;
  readonly value: Value;
}

export interface Ident {
  readonly kind: 'ident';
  readonly id: number;
  readonly name: string;
}

/** `operand.field`; with `testOnly`, what `has(operand.field)` becomes. */
export interface Select {
  readonly kind: 'select';
  readonly id: number;
  readonly operand: Expr;
  readonly field: string;
  readonly testOnly: boolean;
}

/** A function, method or operator; operators are named `_+_`, `!_`, `_?_:_`, `_[_]`, `@in` and so on. */
export interface Call {
  readonly kind: 'call';
  readonly id: number;
  readonly target: Expr | undefined;
  readonly function: string;
  readonly args: readonly Expr[];
}

export interface ListLiteral {
  readonly kind: 'list';
  readonly id: number;
  readonly elements: readonly Expr[];
  /** The positions of elements written `?e`. */
  readonly optionals: readonly number[];
}

export interface MapEntry {
  readonly id: number;
  readonly key: Expr;
  readonly value: Expr;
  readonly optional: boolean;
}

export interface MapLiteral {
  readonly kind: 'map';
  readonly id: number;
  readonly entries: readonly MapEntry[];
}

export interface StructField {
  readonly id: number;
  readonly name: string;
  readonly value: Expr;
  readonly optional: boolean;
}

export interface StructLiteral {
  readonly kind: 'struct';
  readonly id: number;
  readonly name: string;
  readonly fields: readonly StructField[];
}

/** A fold over a list or a map: what every iterating macro becomes. `iterVar2` is empty in one-variable forms. */
export interface Comprehension {
  readonly kind: 'comprehension';
  readonly id: number;
  readonly iterRange: Expr;
  readonly iterVar: string;
  readonly iterVar2: string;
  readonly accuVar: string;
  readonly accuInit: Expr;
  readonly loopCondition: Expr;
  readonly loopStep: Expr;
  readonly result: Expr;
}

/** A parsed expression: its tree, and where each node begins. */
export interface Ast {
  readonly source: string;
  readonly expr: Expr;
  /** By node id: the offset in UTF-16 units. Index 0 is unused. */
  readonly positions: readonly number[];
}

/** `a.b.c` for a chain of selections on a name; undefined for anything else. */
export function qualifiedName(expr: Expr): string | undefined {
  if (expr.kind === 'ident') return expr.name;
  if (expr.kind !== 'select' || expr.testOnly) return undefined;
  const prefix = qualifiedName(expr.operand);
  return prefix === undefined ? undefined : `${prefix}.${expr.field}`;
}
