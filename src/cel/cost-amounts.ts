/** Unsigned 64-bit amounts that saturate, and ranges of them: the arithmetic of cost estimates (cel-go `checker/cost.go`). */

/** A `number` while it is a safe integer, a `bigint` beyond. */
export type Amount = number | bigint;

/** A range of sizes or of costs. */
export interface Range {
  readonly min: Amount;
  readonly max: Amount;
}

/** The largest amount: what is not bounded. */
export const maxAmount: Amount = 2n ** 64n - 1n;
export const unknownRange: Range = { min: 0, max: maxAmount };

export const fixedRange = (amount: Amount): Range => ({ min: amount, max: amount });

function normal(value: bigint): Amount {
  if (value >= maxAmount) return maxAmount;
  return value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}

export function addAmounts(a: Amount, b: Amount): Amount {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b;
    if (Number.isSafeInteger(sum)) return sum;
  }
  return normal(BigInt(a) + BigInt(b));
}

export function multiplyAmounts(a: Amount, b: Amount): Amount {
  if (typeof a === 'number' && typeof b === 'number') {
    const product = a * b;
    if (Number.isSafeInteger(product)) return product;
  }
  return normal(BigInt(a) * BigInt(b));
}

/** Multiplied in floating point, rounded up. */
export function scaleAmount(amount: Amount, factor: number): Amount {
  const scaled = Math.ceil(Number(amount) * factor);
  if (Number.isSafeInteger(scaled)) return scaled;
  return scaled >= 2 ** 64 ? maxAmount : normal(BigInt(scaled));
}

export function add(a: Range, b: Range): Range {
  return { min: addAmounts(a.min, b.min), max: addAmounts(a.max, b.max) };
}

export function multiply(a: Range, b: Range): Range {
  return { min: multiplyAmounts(a.min, b.min), max: multiplyAmounts(a.max, b.max) };
}

export function scale(range: Range, factor: number): Range {
  return { min: scaleAmount(range.min, factor), max: scaleAmount(range.max, factor) };
}

/** The smallest range that has both. */
export function union(a: Range, b: Range): Range {
  return { min: smaller(a.min, b.min), max: larger(a.max, b.max) };
}

function larger(a: Amount, b: Amount): Amount {
  return a > b ? a : b;
}

export function smaller(a: Amount, b: Amount): Amount {
  return a < b ? a : b;
}
