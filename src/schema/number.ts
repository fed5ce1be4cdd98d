/** Numbers as Go sees them after decoding JSON: an integer that fits is an int64, everything else is a float64. */
import type { JsonValue } from '../machinery/json.ts';

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

/** A float as Go's `%v` prints it: shortest digits, an exponent of at least two digits below 1e-4 and from 1e21 on. */
export function formatFloat(value: number): string {
  const size = Math.abs(value);
  const text = size !== 0 && (size < 1e-4 || size >= 1e21) ? value.toExponential() : String(value);
  return text.replace(/e([+-])(\d)$/, 'e$10$2');
}
