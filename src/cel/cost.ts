/**
 * What an expression may cost at least and at most, before it is evaluated. Kubernetes refuses rules by this estimate,
 * so every number matters. Source: cel-go `checker/cost.go`.
 */
import type { Call, Comprehension, Expr, ListLiteral, MapLiteral } from './ast.ts';
import type { CheckedAst } from './checked-ast.ts';
import {
  add,
  fixedRange,
  maxAmount,
  multiply,
  type Range,
  scale,
  smaller,
  union,
  unknownRange,
} from './cost-amounts.ts';
import { codePoints } from './equality.ts';
import { type CallEstimate, type CostNode, estimateCall } from './library-cost.ts';
import { accumulator } from './macros.ts';
import {
  listCreationCost,
  mapCreationCost,
  regexLengthFactor,
  stringTraversalFactor,
  structCreationCost,
} from './runtime-cost.ts';
import type { Type } from './types.ts';
import { Double, Uint } from './values.ts';

export type CostEstimate = Range;

/**
 * The size of what a path leads to: a variable, then names of fields, `@items`, `@keys`, `@values` or `@indices`.
 * Sizes are those of the function `size`; undefined means that nothing is known.
 */
export type SizeHints = (path: readonly string[]) => Range | undefined;

export function estimateCost(ast: CheckedAst, hints: SizeHints = () => undefined): CostEstimate {
  return new Estimator(ast, hints).cost(ast.expr);
}

/** The sizes of the keys (or indices) and values of a container. */
interface EntrySizes {
  readonly kind: 'list' | 'map';
  readonly key: Range;
  readonly value: Range;
}

interface LocalSizes {
  readonly name: string;
  readonly path: readonly string[];
  readonly size: Range | undefined;
  readonly entries: EntrySizes | undefined;
}

const nothing = fixedRange(0);
const one = fixedRange(1);

class Estimator {
  readonly #ast: CheckedAst;
  readonly #hints: SizeHints;
  readonly #paths = new Map<number, readonly string[]>();
  readonly #sizes = new Map<number, Range>();
  readonly #entries = new Map<number, EntrySizes>();
  readonly #locals: LocalSizes[] = [];

  constructor(ast: CheckedAst, hints: SizeHints) {
    this.#ast = ast;
    this.#hints = hints;
  }

  cost(expr: Expr): Range {
    switch (expr.kind) {
      case 'literal':
        return nothing;
      case 'ident':
        return this.#name(expr, expr.name);
      case 'select': {
        const reference = this.#ast.references[expr.id];
        if (reference?.kind === 'ident') return this.#name(expr, reference.name);
        const operand = this.cost(expr.operand);
        // Kubernetes does not charge for `has`.
        if (expr.testOnly) return operand;
        this.#paths.set(expr.id, [...this.#path(expr.operand), expr.field]);
        return ['map', 'object', 'param'].includes(this.#type(expr.operand).kind) ? add(operand, one) : operand;
      }
      case 'call':
        return this.#call(expr);
      case 'list':
        return this.#list(expr);
      case 'map':
        return this.#map(expr);
      case 'struct':
        return expr.fields.reduce((sum, field) => add(sum, this.cost(field.value)), fixedRange(structCreationCost));
      case 'comprehension':
        return isBind(expr) ? this.#bind(expr) : this.#fold(expr);
    }
  }

  #name(expr: Expr, name: string): Range {
    this.#paths.set(expr.id, this.#local(name)?.path ?? [name]);
    return one;
  }

  #list(expr: ListLiteral): Range {
    let cost = fixedRange(listCreationCost);
    let value: Range | undefined;
    for (const element of expr.elements) {
      cost = add(cost, this.cost(element));
      value = widen(value, this.#sizeOrUnknown(element));
    }
    this.#entries.set(expr.id, { kind: 'list', key: one, value: value ?? nothing });
    return cost;
  }

  #map(expr: MapLiteral): Range {
    let cost = fixedRange(mapCreationCost);
    let key: Range | undefined;
    let value: Range | undefined;
    for (const entry of expr.entries) {
      cost = add(add(cost, this.cost(entry.key)), this.cost(entry.value));
      key = widen(key, this.#sizeOrUnknown(entry.key));
      value = widen(value, this.#sizeOrUnknown(entry.value));
    }
    this.#entries.set(expr.id, { kind: 'map', key: key ?? nothing, value: value ?? nothing });
    return cost;
  }

  // Comprehensions.

  #bind(expr: Comprehension): Range {
    const cost = add(this.cost(expr.iterRange), this.cost(expr.accuInit));
    this.#pushValue(expr.accuVar, expr.accuInit);
    const result = this.cost(expr.result);
    this.#locals.pop();
    this.#copySizes(expr, expr.result);
    return add(cost, result);
  }

  #fold(expr: Comprehension): Range {
    let cost = add(this.cost(expr.iterRange), this.cost(expr.accuInit));
    this.#pushValue(expr.accuVar, expr.accuInit);
    this.#pushIteration(expr);
    const round = add(this.cost(expr.loopStep), this.cost(expr.loopCondition));
    this.#locals.length -= expr.iterVar2 === '' ? 1 : 2;
    cost = add(cost, this.cost(expr.result));
    this.#locals.pop();
    const count = this.#sizeOrUnknown(expr.iterRange);
    cost = add(cost, multiply(count, round));
    if (expr.accuInit.kind === 'literal') this.#setSize(expr, this.#size(expr.accuInit));
    else if (expr.accuInit.kind === 'list' || expr.accuInit.kind === 'map') {
      this.#setSize(expr, count);
      const entries = this.#entrySizes(expr.loopStep);
      if (entries !== undefined) this.#entries.set(expr.id, entries);
    }
    return cost;
  }

  #pushValue(name: string, value: Expr): void {
    const path = this.#path(value);
    this.#locals.push({ name, path, size: this.#size(value), entries: this.#entrySizes(value) });
  }

  #pushIteration(expr: Comprehension): void {
    const { iterRange: range, iterVar, iterVar2 } = expr;
    const entries = this.#entrySizes(range);
    const isList = (entries?.kind ?? this.#type(range).kind) === 'list';
    const path = this.#path(range);
    const push = (name: string, step: string, size: Range | undefined): void => {
      this.#locals.push({ name, path: [...path, step], size, entries: undefined });
    };
    if (iterVar2 === '') push(iterVar, isList ? '@items' : '@keys', isList ? entries?.value : entries?.key);
    else {
      push(iterVar, isList ? '@indices' : '@keys', entries?.key);
      push(iterVar2, isList ? '@items' : '@values', entries?.value);
    }
  }

  // Calls.

  #call(expr: Call): Range {
    if (expr.function === 'dyn' && expr.target === undefined && expr.args[0] !== undefined) {
      const cost = add(one, this.cost(expr.args[0]));
      this.#copySizes(expr, expr.args[0]);
      return cost;
    }
    const argCosts = expr.args.map((arg) => this.cost(arg));
    const args = expr.args.map((arg) => this.#node(arg));
    const reference = this.#ast.references[expr.id];
    if (reference?.kind !== 'function') return nothing;
    let cost = nothing;
    let target: CostNode | undefined;
    if (expr.target !== undefined && !reference.namespaced) {
      cost = this.cost(expr.target);
      target = this.#node(expr.target);
    }
    let call: Range | undefined;
    let size: Range | undefined;
    for (const overload of overloadIds(expr, reference.overloads)) {
      const estimate = this.#overload(expr, overload, target, args, argCosts);
      call = widen(call, estimate.cost);
      if (estimate.size !== undefined) size = widen(size, estimate.size);
      const step = { index_list: '@items', index_map: '@values' }[overload];
      const [container] = expr.args;
      if (step !== undefined && container !== undefined) {
        size = this.#entrySizes(container)?.value;
        this.#paths.set(expr.id, [...this.#path(container), step]);
      }
      size ??= this.#size(expr);
    }
    this.#setSize(expr, size);
    return add(cost, call ?? { min: maxAmount, max: 0 });
  }

  #overload(
    expr: Call,
    overload: string,
    target: CostNode | undefined,
    args: readonly CostNode[],
    argCosts: readonly Range[],
  ): CallEstimate {
    const all = argCosts.reduce(add, nothing);
    const sizes = (node: CostNode): Range => node.size ?? this.#hint(node.path) ?? unknownRange;
    const reference = this.#ast.references[expr.id];
    const name = reference?.kind === 'function' ? reference.name : expr.function;
    const estimate = estimateCall(name, overload, target, args, sizes);
    if (estimate !== undefined) return { ...estimate, cost: add(estimate.cost, all) };
    const standard = this.#standard(expr, overload, target, args, argCosts);
    if (standard === undefined) return { cost: add(one, all) };
    return standard.complete ? standard : { ...standard, cost: add(standard.cost, all) };
  }

  /** The functions of the language that cost more than one; `complete` when the arguments are counted already. */
  #standard(
    expr: Call,
    overload: string,
    target: CostNode | undefined,
    args: readonly CostNode[],
    argCosts: readonly Range[],
  ): (CallEstimate & { readonly complete?: boolean }) | undefined {
    const size = (node: CostNode | undefined): Range => node?.size ?? unknownRange;
    const traverse = (range: Range): Range => scale(range, stringTraversalFactor);
    const [a, b] = args;
    switch (overload) {
      case 'string_format':
        return { cost: traverse(size(target)) };
      case 'string_to_bytes':
        return { cost: traverse(size(a)), size: { min: size(a).min, max: wrap(size(a).max, 4n, 0n) } };
      case 'bytes_to_string':
        return { cost: traverse(size(a)), size: { min: Number(BigInt(size(a).min) / 4n), max: size(a).max } };
      case 'strings_quote':
        return {
          cost: traverse(size(a)),
          size: { min: wrap(size(a).min, 1n, 2n), max: wrap(size(a).max, 2n, 2n) },
        };
      case 'starts_with_string':
      case 'ends_with_string':
        return { cost: traverse(size(a)) };
      case 'in_list':
        return { cost: size(b) };
      case 'matches_string':
        return { cost: multiply(traverse(add(size(target), one)), scale(size(a), regexLengthFactor)) };
      case 'contains_string':
        return { cost: multiply(traverse(size(target)), traverse(size(a))) };
      case 'logical_or':
      case 'logical_and': {
        const [left, right] = argCosts as [Range, Range];
        return { cost: { min: left.min, max: add(left, right).max }, complete: true };
      }
      case 'conditional':
        return this.#conditional(expr, args, argCosts);
      case 'add_string':
      case 'add_bytes':
      case 'add_list': {
        const total = add(size(a), size(b));
        const entries = joinEntries(this.#entrySizes(expr.args[0] as Expr), this.#entrySizes(expr.args[1] as Expr));
        if (entries !== undefined) this.#entries.set(expr.id, entries);
        return { cost: overload === 'add_list' ? one : traverse(total), size: total };
      }
      default:
        return comparisons.has(overload) ? { cost: traverse(comparison(size(a), size(b))) } : undefined;
    }
  }

  #conditional(
    expr: Call,
    args: readonly CostNode[],
    argCosts: readonly Range[],
  ): CallEstimate & { readonly complete: boolean } {
    const [condition, whenTrue, whenFalse] = argCosts as [Range, Range, Range];
    const entries = joinEntries(this.#entrySizes(expr.args[1] as Expr), this.#entrySizes(expr.args[2] as Expr));
    if (entries !== undefined) this.#entries.set(expr.id, entries);
    return {
      cost: add(condition, union(whenTrue, whenFalse)),
      size: union(args[1]?.size ?? unknownRange, args[2]?.size ?? unknownRange),
      complete: true,
    };
  }

  // What is known of an expression.

  #node(expr: Expr): CostNode {
    return { expr, type: this.#type(expr), path: this.#path(expr), size: this.#size(expr) };
  }

  #type(expr: Expr): Type {
    return this.#ast.types[expr.id] as Type;
  }

  #local(name: string): LocalSizes | undefined {
    for (let i = this.#locals.length - 1; i >= 0; i--) if (this.#locals[i]?.name === name) return this.#locals[i];
    return undefined;
  }

  #path(expr: Expr): readonly string[] {
    const local = expr.kind === 'ident' ? this.#local(expr.name) : undefined;
    return local?.path ?? this.#paths.get(expr.id) ?? [];
  }

  #hint(path: readonly string[]): Range | undefined {
    return path.length === 0 ? undefined : this.#hints(path);
  }

  #setSize(expr: Expr, size: Range | undefined): void {
    if (size !== undefined) this.#sizes.set(expr.id, size);
  }

  #copySizes(to: Expr, from: Expr): void {
    this.#setSize(to, this.#size(from));
    const entries = this.#entrySizes(from);
    if (entries !== undefined) this.#entries.set(to.id, entries);
  }

  #sizeOrUnknown(expr: Expr): Range {
    return this.#size(expr) ?? unknownRange;
  }

  #size(expr: Expr): Range | undefined {
    const known = this.#sizes.get(expr.id) ?? literalSize(expr);
    if (known !== undefined) return known;
    const hint = this.#hint(this.#path(expr));
    if (hint !== undefined) {
      this.#sizes.set(expr.id, hint);
      return hint;
    }
    if (isScalar(this.#type(expr))) return one;
    return expr.kind === 'ident' ? this.#local(expr.name)?.size : undefined;
  }

  #entrySizes(expr: Expr): EntrySizes | undefined {
    return this.#entries.get(expr.id) ?? (expr.kind === 'ident' ? this.#local(expr.name)?.entries : undefined);
  }
}

const comparisons = new Set([
  'equals',
  'not_equals',
  ...['less', 'less_equals', 'greater', 'greater_equals'].flatMap((name) => [`${name}_string`, `${name}_bytes`]),
]);

/** Comparing costs the traversal of the smaller side. */
function comparison(a: Range, b: Range): Range {
  const max = smaller(a.max, b.max);
  return { min: max > 0 ? 1 : 0, max };
}

function overloadIds(expr: Call, overloads: readonly { readonly id: string }[]): string[] {
  return expr.function === '_?._' ? ['select_optional_field'] : overloads.map((overload) => overload.id);
}

function widen(range: Range | undefined, more: Range): Range {
  return range === undefined ? more : union(range, more);
}

function joinEntries(a: EntrySizes | undefined, b: EntrySizes | undefined): EntrySizes | undefined {
  if (a === undefined || b === undefined) return undefined;
  return { kind: a.kind, key: union(a.key, b.key), value: union(a.value, b.value) };
}

/** `amount × factor + more` in 64 bits that wrap around, as the reference computes these two. */
function wrap(amount: number | bigint, factor: bigint, more: bigint): number | bigint {
  const wrapped = BigInt.asUintN(64, BigInt(amount) * factor + more);
  return wrapped <= Number.MAX_SAFE_INTEGER ? Number(wrapped) : wrapped;
}

function literalSize(expr: Expr): Range | undefined {
  if (expr.kind === 'list') return fixedRange(expr.elements.length);
  if (expr.kind === 'map') return fixedRange(expr.entries.length);
  if (expr.kind !== 'literal') return undefined;
  const { value } = expr;
  if (typeof value === 'string') return fixedRange(codePoints(value));
  if (value instanceof Uint8Array) return fixedRange(value.length);
  return value === null || typeof value !== 'object' || value instanceof Double || value instanceof Uint
    ? one
    : undefined;
}

function isScalar(type: Type): boolean {
  if (type.kind === 'opaque') return type.name === 'optional_type' && isScalar(type.params[0] as Type);
  return ['bool', 'double', 'duration', 'int', 'timestamp', 'uint'].includes(type.kind);
}

function isBind(expr: Comprehension): boolean {
  const { iterRange, loopCondition, accuVar } = expr;
  const overNothing = iterRange.kind === 'list' && iterRange.elements.length === 0;
  return overNothing && loopCondition.kind === 'literal' && loopCondition.value === false && accuVar !== accumulator;
}
