/** Calls that are evaluated in a way of their own, and which overload takes which values. */
import { typeName } from './equality.ts';
import type { Evaluate } from './frame.ts';
import type { Overload } from './functions.ts';
import { isDyn, type Type } from './types.ts';
import { CelError, ListValue, MapValue, mapKey, noSuchOverload, OptionalValue, type Value } from './values.ts';

/** `&&` (decided by false) and `||` (decided by true): either side may decide, whatever the other one is. */
export function logical(left: Evaluate, right: Evaluate, decisive: boolean): Evaluate {
  return (frame) => {
    const a = left(frame);
    if (a === decisive) return decisive;
    const b = right(frame);
    if (b === decisive) return decisive;
    if (a === !decisive && b === !decisive) return !decisive;
    if (a instanceof CelError) return a;
    return b instanceof CelError ? b : noSuchOverload;
  };
}

export function notStrictlyFalse(operand: Evaluate): Evaluate {
  return (frame) => {
    const value = operand(frame);
    frame.cost++;
    return value !== false;
  };
}

export function membership(operand: Evaluate, members: ReadonlySet<unknown>): Evaluate {
  return (frame) => {
    const value = operand(frame);
    return value instanceof CelError ? value : members.has(mapKey(value));
  };
}

/** The members of a constant list of scalars of one type, which is looked up instead of searched. */
export function scalarSet(list: Value | undefined): ReadonlySet<unknown> | undefined {
  if (!(list instanceof ListValue)) return undefined;
  const values = list.values();
  const type = values[0] === undefined ? '' : typeName(values[0]);
  if (!['bool', 'int', 'uint', 'double', 'string'].includes(type)) return undefined;
  return values.every((value) => typeName(value) === type) ? new Set(values.map(mapKey)) : undefined;
}

export function isLazyOptional(name: string, overloads: readonly Overload[]): boolean {
  return (name === 'or' || name === 'orValue') && overloads.some((overload) => overload.id.startsWith('optional_or'));
}

/** `a.or(b)` and `a.orValue(b)` evaluate `b` only when `a` has no value; they cost nothing themselves. */
export function lazyOptional(name: string, optional: Evaluate, otherwise: Evaluate): Evaluate {
  return (frame) => {
    const value = optional(frame);
    if (value instanceof CelError) return value;
    if (!(value instanceof OptionalValue)) return noSuchOverload;
    if (value.value === undefined) return otherwise(frame);
    return name === 'or' ? value : value.value;
  };
}

export function accepts(overload: Overload, values: readonly Value[]): boolean {
  const { params } = overload;
  if (params.length !== values.length) return false;
  for (let i = 0; i < params.length; i++) if (!isOfType(values[i] as Value, params[i] as Type)) return false;
  return true;
}

/** Whether a value may be given for a parameter; of containers only the kind counts, as in cel-go. */
function isOfType(value: Value, type: Type): boolean {
  if (isDyn(type) || type.kind === 'param') return true;
  switch (type.kind) {
    case 'list':
      return value instanceof ListValue;
    case 'map':
      return value instanceof MapValue;
    case 'null':
      return value === null;
    default:
      return typeName(value) === type.name || (type.nullable === true && value === null);
  }
}
