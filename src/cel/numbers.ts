/**
 * Arithmetic and conversions of int (64 bit), uint (64 bit) and double, with cel-go's errors.
 * An int is a `number` while that is exact; only results that may not be are computed again with `bigint`.
 */
import { normalInt } from './literals.ts';
import { CelError, Double, Uint, type Value } from './values.ts';

export type Int = number | bigint;

const maxInt64 = 2n ** 63n - 1n;
const minInt64 = -(2n ** 63n);
const maxUint64 = 2n ** 64n - 1n;

export const intOverflow = new CelError('integer overflow');
export const uintOverflow = new CelError('unsigned integer overflow');
const divisionByZero = new CelError('division by zero');
const modulusByZero = new CelError('modulus by zero');

/** The int of this value, or the overflow error when it is out of range. */
export function checkedInt(value: bigint): Int | CelError {
  return value > maxInt64 || value < minInt64 ? intOverflow : normalInt(value);
}

export function checkedUint(value: bigint): Uint | CelError {
  return value > maxUint64 || value < 0n ? uintOverflow : new Uint(normalInt(value));
}

export function addInt(a: Int, b: Int): Int | CelError {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b;
    if (Number.isSafeInteger(sum)) return sum;
  }
  return checkedInt(BigInt(a) + BigInt(b));
}

export function subtractInt(a: Int, b: Int): Int | CelError {
  if (typeof a === 'number' && typeof b === 'number') {
    const difference = a - b;
    if (Number.isSafeInteger(difference)) return difference;
  }
  return checkedInt(BigInt(a) - BigInt(b));
}

export function multiplyInt(a: Int, b: Int): Int | CelError {
  if (typeof a === 'number' && typeof b === 'number') {
    const product = a * b;
    if (Number.isSafeInteger(product)) return product + 0;
  }
  return checkedInt(BigInt(a) * BigInt(b));
}

export function divideInt(a: Int, b: Int): Int | CelError {
  if (b === 0) return divisionByZero;
  if (typeof a === 'number' && typeof b === 'number') return Math.trunc(a / b) + 0;
  return checkedInt(BigInt(a) / BigInt(b));
}

export function moduloInt(a: Int, b: Int): Int | CelError {
  if (b === 0) return modulusByZero;
  if (typeof a === 'number' && typeof b === 'number') return (a % b) + 0;
  if (BigInt(a) === minInt64 && b === -1) return intOverflow;
  return normalInt(BigInt(a) % BigInt(b));
}

export function negateInt(a: Int): Int | CelError {
  return typeof a === 'number' ? 0 - a : checkedInt(-a);
}

export function addUint(a: Uint, b: Uint): Value {
  return checkedUint(BigInt(a.value) + BigInt(b.value));
}

export function subtractUint(a: Uint, b: Uint): Value {
  return checkedUint(BigInt(a.value) - BigInt(b.value));
}

export function multiplyUint(a: Uint, b: Uint): Value {
  return checkedUint(BigInt(a.value) * BigInt(b.value));
}

export function divideUint(a: Uint, b: Uint): Value {
  return b.value === 0 ? divisionByZero : checkedUint(BigInt(a.value) / BigInt(b.value));
}

export function moduloUint(a: Uint, b: Uint): Value {
  return b.value === 0 ? modulusByZero : checkedUint(BigInt(a.value) % BigInt(b.value));
}

export type Numeric = Int | Uint | Double;

export function isNumeric(value: Value): value is Numeric {
  return typeof value === 'number' || typeof value === 'bigint' || value instanceof Double || value instanceof Uint;
}

/** Negative, zero or positive as `a` is less than, equal to or greater than `b`, whatever their types; NaN if unordered. */
export function compareNumbers(a: Numeric, b: Numeric): number {
  let x = a instanceof Double || a instanceof Uint ? a.value : a;
  let y = b instanceof Double || b instanceof Uint ? b.value : b;
  // cel-go compares an integer with a double as doubles, at the precision of those.
  if (a instanceof Double || b instanceof Double) {
    x = Number(x);
    y = Number(y);
  }
  if (x < y) return -1;
  if (x > y) return 1;
  return x === y ? 0 : Number.NaN;
}

/** Towards zero; NaN, infinities and what int64 cannot hold are errors. */
export function doubleToInt(value: number): Int | CelError {
  const truncated = Math.trunc(value);
  if (Number.isSafeInteger(truncated)) return truncated + 0;
  if (!Number.isFinite(value) || value <= -(2 ** 63) || value >= 2 ** 63) return intOverflow;
  return normalInt(BigInt(truncated));
}

export function doubleToUint(value: number): Value {
  if (!Number.isFinite(value) || value < 0 || value >= 2 ** 64) return uintOverflow;
  return new Uint(normalInt(BigInt(Math.trunc(value))));
}

/** Of the largest uint64. */
const maxDigits = 20;

export function parseInt64(text: string): Int | CelError | undefined {
  const match = /^([+-]?)0*(?=\d)([1-9]\d*|0)$/.exec(text);
  if (match === null || (match[2] as string).length > maxDigits) return undefined;
  const magnitude = BigInt(match[2] as string);
  const value = match[1] === '-' ? -magnitude : magnitude;
  return value > maxInt64 || value < minInt64 ? undefined : normalInt(value);
}

export function parseUint64(text: string): Uint | undefined {
  const match = /^0*(?=\d)([1-9]\d*|0)$/.exec(text);
  if (match === null || (match[1] as string).length > maxDigits) return undefined;
  const value = BigInt(match[1] as string);
  return value > maxUint64 ? undefined : new Uint(normalInt(value));
}

/** As Go's `strconv.ParseFloat` reads decimal numbers and names. */
export function parseDouble(text: string): Double | undefined {
  const name = /^([+-]?)(?:(inf|infinity)|nan)$/i.exec(text);
  if (name !== null) {
    if (name[2] === undefined) return name[1] === '' ? new Double(Number.NaN) : undefined;
    return new Double(name[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY);
  }
  if (!/^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? new Double(value) : undefined;
}

/** As Go's `%g` prints a double: the shortest digits, with an exponent from 1e6 up and below 1e-4. */
export function formatDouble(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const scientific = value.toExponential();
  const exponent = Number(scientific.slice(scientific.indexOf('e') + 1));
  if (exponent >= -4 && exponent < 6) return String(value);
  return scientific.replace(/e([+-])(\d)$/, 'e$10$2');
}
