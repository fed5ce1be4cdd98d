/** Numbers as Go sees them after decoding JSON: an integer that fits is an int64, everything else is a float64. */
import type { JsonValue } from '../machinery/json.ts';
import type { Schema } from '../machinery/schema.ts';
import { formatOf } from './formats.ts';

const maxInt64 = 2n ** 63n - 1n;
const minInt64 = -(2n ** 63n);

export type GoNumber = 'int64' | 'float64';

export function goNumber(value: number | bigint): GoNumber {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? 'int64' : 'float64';
  return value >= minInt64 && value <= maxInt64 ? 'int64' : 'float64';
}

export function isNumber(value: JsonValue | undefined): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

/** Whether a float is a whole number that JSON carries without loss, give or take rounding (go-openapi's rule). */
export function isJsonInteger(value: number): boolean {
  if (!Number.isFinite(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER) return false;
  const whole = Math.trunc(value);
  const difference = Math.abs(value - whole);
  return difference === 0 || difference / (Math.abs(value) + Math.abs(whole)) < 1e-9;
}

/** A bound or factor as Go's `%v` prints it: beside an integer it is one too, beside a float it may have an exponent. */
export function formatBound(bound: number, value: number | bigint): string {
  if (goNumber(value) === 'int64') return String(BigInt(Math.trunc(bound)));
  const [mantissa, exponent] = bound.toExponential().split('e') as [string, string];
  const power = Number(exponent);
  if (power >= -4 && power < 6) return String(bound);
  return `${mantissa}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
}

/** Against an integer, Go compares with the integer part of the bound. */
export function boundFor(value: number | bigint, bound: number): number {
  // Great bounds come out of JSON as bigints, whatever their type says.
  const limit = Number(bound);
  return goNumber(value) === 'int64' ? Math.trunc(limit) : limit;
}

export function isMultipleOf(value: number | bigint, multipleOf: number): boolean {
  const factor = Number(multipleOf);
  if (factor < 0) return false;
  if (goNumber(value) === 'int64' && Number.isInteger(factor)) {
    return factor === 0 || BigInt(value) % BigInt(factor) === 0n;
  }
  return isJsonInteger(factor < 1 ? (1 / factor) * Number(value) : Number(value) / factor);
}

const maxFloat32 = 3.4028235677973366e38;

/** Whether a number fits into the Go type that a schema's type and format mean. */
export function fitsRange(value: number | bigint, schema: Schema): boolean {
  if (schema['x-kubernetes-int-or-string'] === true) return true;
  if (schema.type === 'integer') {
    if (typeof value === 'number' && !Number.isInteger(value)) return false;
    if (formatOf(schema) === 'int32') return value >= -(2 ** 31) && value < 2 ** 31;
    return value >= minInt64 && value <= maxInt64;
  }
  if (schema.format === 'float' && schema.type === 'number') return Math.abs(Number(value)) < maxFloat32;
  return true;
}
