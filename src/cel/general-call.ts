/** Calls as they are made where there is no shorter way: arguments, cost, work, and the overload that takes the values. */
import { countCall } from './call-work.ts';
import { accepts } from './calls.ts';
import type { Evaluate } from './frame.ts';
import type { Overload } from './functions.ts';
import { noSuchFunction } from './operators.ts';
import type { CallCost } from './runtime-cost.ts';
import { CelError, noSuchOverload, type Value } from './values.ts';
import { textWork, work } from './work.ts';

/**
 * @param name as the expression calls it
 * @param fullName with the namespace that it is in
 */
export function generalCall(
  name: string,
  fullName: string,
  overloads: readonly Overload[],
  args: readonly Evaluate[],
  cost: CallCost | undefined,
): Evaluate {
  const last = args.length - 1;
  const isKnownBefore = cost === undefined || cost.length < 2;
  const count = countCall(fullName);
  return (frame) => {
    const values = new Array<Value>(args.length);
    let failed: CelError | undefined;
    for (let i = 0; i <= last; i++) {
      const value = (args[i] as Evaluate)(frame);
      values[i] = value;
      if (!(value instanceof CelError)) continue;
      // A call costs nothing unless all of its arguments were evaluated.
      if (i < last) return value;
      failed = value;
    }
    // What a call costs is counted before it is made, unless it depends on the result.
    if (isKnownBefore) frame.charge(cost === undefined ? 1 : (cost as (args: readonly Value[]) => number)(values));
    count(values);
    const result = failed ?? apply(name, overloads, values);
    if (typeof result === 'string') work(textWork(result.length));
    if (!isKnownBefore) frame.charge(cost(values, result));
    return result;
  };
}

/** What the first overload gives that takes the values. */
export function apply(name: string, overloads: readonly Overload[], values: readonly Value[]): Value {
  for (const overload of overloads) {
    if (overload.implementation === undefined || !accepts(overload, values)) continue;
    return (overload.implementation as (...args: readonly Value[]) => Value)(...values);
  }
  return /^[_@!-]/.test(name) ? noSuchOverload : noSuchFunction(name, values);
}
