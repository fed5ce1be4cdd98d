/** The operators and functions that rules use most, without the detour over arrays of arguments. */
import { compare, compareStrings, equal, typeName } from './equality.ts';
import type { Evaluate, Frame } from './frame.ts';
import { addInt } from './numbers.ts';
import { compileRegex } from './regex.ts';
import { regexLengthFactor, sizeOf, stringTraversalFactor } from './runtime-cost.ts';
import { CelError, ListValue, MapValue, noSuchOverload, type Value } from './values.ts';

/**
 * A closure for this call, or undefined when the general way must be gone. It evaluates and costs exactly what the
 * general way would.
 */
export function fastCall(
  name: string,
  overloads: readonly string[],
  args: readonly Evaluate[],
  constants: readonly (Value | undefined)[],
): Evaluate | undefined {
  const [a, b] = args as [Evaluate, Evaluate];
  switch (name) {
    case '_==_':
      return equality(a, b, true);
    case '_!=_':
      return equality(a, b, false);
    case '_<_':
    case '_<=_':
    case '_>_':
    case '_>=_':
      return ordering(name, overloads, a, b);
    case '_+_':
      return overloads.length === 1 && overloads[0] === 'add_int64' ? intSum(a, b) : undefined;
    case '!_':
      return negation(a);
    case 'size':
      return overloads.length === 1 ? size(a) : undefined;
    case 'matches':
      return typeof constants[1] === 'string' && overloads[0] === 'matches_string' && overloads.length === 1
        ? constantMatch(a, constants[1])
        : undefined;
    case 'startsWith':
      return overloads.length === 1 ? startsWith(a, b) : undefined;
    default:
      return undefined;
  }
}

/** The cost of comparing two values: the traversal of the smaller one. */
function comparisonCost(a: Value, b: Value): number {
  if (typeof a === 'string' && typeof b === 'string') {
    // Up to ten characters cost one; no need to count them.
    if (a.length === 0 || b.length === 0) return 0;
    if (a.length <= 10 || b.length <= 10) return 1;
  }
  return Math.ceil(Math.min(sizeOf(a), sizeOf(b)) * stringTraversalFactor);
}

function equality(left: Evaluate, right: Evaluate, expected: boolean): Evaluate {
  return (frame) => {
    const a = left(frame);
    if (a instanceof CelError) return a;
    const b = right(frame);
    if (typeof a === 'number' && typeof b === 'number') {
      frame.cost++;
      return (a === b) === expected;
    }
    frame.charge(comparisonCost(a, b));
    if (typeof a === 'string' && typeof b === 'string') return (a === b) === expected;
    return b instanceof CelError ? b : equal(a, b) === expected;
  };
}

function ordering(name: string, overloads: readonly string[], left: Evaluate, right: Evaluate): Evaluate {
  const isText = overloads.length === 1 && /_(?:string|bytes)$/.test(overloads[0] as string);
  const slow = (frame: Frame, a: Value, b: Value): Value => {
    frame.charge(isText ? comparisonCost(a, b) : 1);
    if (b instanceof CelError) return b;
    const order = typeof a === 'string' && typeof b === 'string' ? compareStrings(a, b) : compare(a, b);
    return order === undefined ? noSuchOverload : holds(name, order);
  };
  // One closure for each operator: the engine then knows what it compares.
  switch (name) {
    case '_<_':
      return (frame) => {
        const a = left(frame);
        if (a instanceof CelError) return a;
        const b = right(frame);
        if (typeof a !== 'number' || typeof b !== 'number') return slow(frame, a, b);
        frame.cost++;
        return a < b;
      };
    case '_<=_':
      return (frame) => {
        const a = left(frame);
        if (a instanceof CelError) return a;
        const b = right(frame);
        if (typeof a !== 'number' || typeof b !== 'number') return slow(frame, a, b);
        frame.cost++;
        return a <= b;
      };
    case '_>_':
      return (frame) => {
        const a = left(frame);
        if (a instanceof CelError) return a;
        const b = right(frame);
        if (typeof a !== 'number' || typeof b !== 'number') return slow(frame, a, b);
        frame.cost++;
        return a > b;
      };
    default:
      return (frame) => {
        const a = left(frame);
        if (a instanceof CelError) return a;
        const b = right(frame);
        if (typeof a !== 'number' || typeof b !== 'number') return slow(frame, a, b);
        frame.cost++;
        return a >= b;
      };
  }
}

function holds(name: string, order: number): boolean {
  switch (name) {
    case '_<_':
      return order < 0;
    case '_<=_':
      return order <= 0;
    case '_>_':
      return order > 0;
    default:
      return order >= 0;
  }
}

function intSum(left: Evaluate, right: Evaluate): Evaluate {
  return (frame) => {
    const a = left(frame);
    if (a instanceof CelError) return a;
    const b = right(frame);
    frame.cost++;
    if (isInt(a) && isInt(b)) return addInt(a, b);
    return b instanceof CelError ? b : noSuchOverload;
  };
}

function isInt(value: Value): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

function negation(operand: Evaluate): Evaluate {
  return (frame) => {
    const value = operand(frame);
    frame.cost++;
    if (typeof value === 'boolean') return !value;
    return value instanceof CelError ? value : noSuchOverload;
  };
}

function size(operand: Evaluate): Evaluate {
  return (frame) => {
    const value = operand(frame);
    frame.cost++;
    if (value instanceof ListValue || value instanceof MapValue) return sizeOf(value);
    if (typeof value === 'string' || value instanceof Uint8Array) return sizeOf(value);
    return value instanceof CelError ? value : noSuchOverload;
  };
}

function constantMatch(operand: Evaluate, pattern: string): Evaluate {
  const regex = compileRegex(pattern);
  const patternCost = Math.ceil(sizeOf(pattern) * regexLengthFactor);
  return (frame) => {
    const text = operand(frame);
    if (text instanceof CelError) return text;
    frame.charge(Math.ceil((1 + sizeOf(text)) * stringTraversalFactor) * patternCost);
    if (typeof text !== 'string') return noSuchOverload;
    return regex instanceof CelError ? regex : regex.test(text);
  };
}

function startsWith(operand: Evaluate, prefix: Evaluate): Evaluate {
  return (frame) => {
    const text = operand(frame);
    if (text instanceof CelError) return text;
    const start = prefix(frame);
    frame.charge(Math.ceil(sizeOf(start) * stringTraversalFactor));
    if (typeof text === 'string' && typeof start === 'string') return text.startsWith(start);
    return start instanceof CelError ? start : noSuchFunction('startsWith', [text, start]);
  };
}

/** The error of calling a function, rather than an operator, with values that none of its overloads takes. */
export function noSuchFunction(name: string, values: readonly Value[]): CelError {
  return new CelError(`no such overload: ${name}(${values.map(typeName).join(', ')})`);
}
