/**
 * Quantities: `500m`, `1.5Gi`, `12e6`. Fixed-point numbers which remember how they were written.
 * Source: `k8s.io/apimachinery/pkg/api/resource`.
 */

/** How a quantity is written: powers of 1024, of 1000, or an exponent. */
export type QuantityFormat = 'BinarySI' | 'DecimalSI' | 'DecimalExponent';

export class QuantityError extends Error {
  override readonly name = 'QuantityError';
}

const formatError = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const suffixError = "unable to parse quantity's suffix";

/** Digits can be read in one way only: a text of a megabyte that fails at its end fails at once. */
const pattern = /^([+-]?)0*((?:[1-9]\d*)?)(?:\.(\d*))?((?:(?:[eEinumkKMGTP]+[-+]?|[-+])\d*)?)$/;

const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const decimalSuffixes: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
/** The exponent of the largest suffix, `E`. */
const highestSuffix = 18;
const suffixOfExponent = new Map(Object.entries(decimalSuffixes).map(([suffix, exponent]) => [exponent, suffix]));

/** The finest part of a unit that a quantity holds: 10^-9. */
const nano = -9;
const maxInt64 = 2n ** 63n - 1n;
const minInt64 = -(2n ** 63n);

/**
 * How many digits are kept of a number, before and behind its point. Nothing is as large as what is cut, and nothing but
 * rounding needs it; a million digits would take a second.
 */
const maxDigits = 1000;

/** Beyond this many orders of magnitude the smaller number of a sum is nothing. */
const negligible = 1000;

/** The same few quantities are written everywhere, and read several times in each write. */
const parsed = new Map<string, Quantity>();
const maxParsed = 1024;
const maxParsedText = 32;

/** An immutable quantity: `unscaled × 10^exponent`. */
export class Quantity {
  static readonly zero = new Quantity(0n, 0, 'DecimalSI');

  readonly format: QuantityFormat;
  readonly #unscaled: bigint;
  readonly #exponent: number;
  #text: string | undefined;

  private constructor(unscaled: bigint, exponent: number, format: QuantityFormat, text?: string) {
    this.#unscaled = unscaled;
    this.#exponent = exponent;
    this.format = format;
    this.#text = text;
  }

  /** @throws QuantityError */
  static parse(text: string): Quantity {
    const known = parsed.get(text);
    if (known !== undefined) return known;
    const quantity = Quantity.#read(text);
    if (parsed.size === maxParsed) parsed.clear();
    if (text.length <= maxParsedText) parsed.set(text, quantity);
    return quantity;
  }

  static #read(text: string): Quantity {
    const found = text === '' ? null : pattern.exec(text);
    if (found === null) throw new QuantityError(formatError);
    const [, sign, whole = '', given = '', suffix = ''] = found;
    if (whole.length > maxDigits) return Quantity.#immense(sign === '-', whole, suffix, text);
    const fraction = cutFraction(given);
    const digits = whole + fraction;
    const magnitude = BigInt(digits === '' ? 0 : digits);
    const signed = sign === '-' ? -magnitude : magnitude;
    const binary = suffix === '' ? -1 : binarySuffixes.indexOf(suffix);
    if (binary > 0) return Quantity.#binary(signed, fraction.length, binary, text);
    const { exponent, format } = decimalSuffix(suffix);
    const scale = exponent - fraction.length;
    const [unscaled, rounded] = roundUp(signed, scale, nano);
    // Kubernetes gives back what it was given when that looks canonical, a needless sign and all.
    const verbatim = digits.length <= 18 && scale >= nano && scale % 3 === 0 && whole !== '' && !digits.endsWith('000');
    return new Quantity(unscaled, rounded, format, verbatim ? text : undefined);
  }

  /** Of a number that is too long the first digits count, and it is written as it was. */
  static #immense(negative: boolean, whole: string, suffix: string, text: string): Quantity {
    if (suffix !== '' && binarySuffixes.includes(suffix)) {
      return new Quantity(negative ? -maxInt64 : maxInt64, 0, 'BinarySI');
    }
    const { exponent, format } = decimalSuffix(suffix);
    const leading = BigInt(whole.slice(0, maxDigits));
    return new Quantity(negative ? -leading : leading, exponent + whole.length - maxDigits, format, text);
  }

  static #binary(signed: bigint, fractionDigits: number, power: number, text: string): Quantity {
    const [unscaled, exponent] = roundUp(signed << BigInt(10 * power), -fractionDigits, nano);
    const magnitude = unscaled < 0n ? -unscaled : unscaled;
    const whole = atScale(magnitude, exponent, 0);
    if (whole > maxInt64 || (whole === maxInt64 && exponent < 0)) {
      return new Quantity(unscaled < 0n ? -maxInt64 : maxInt64, 0, 'BinarySI');
    }
    const belowOne = magnitude > 0n && exponent < 0 && magnitude < 10n ** BigInt(-exponent);
    const verbatim = fractionDigits === 0 && !text.includes('.') && (signed & 7n) !== 0n;
    return new Quantity(unscaled, exponent, belowOne ? 'DecimalSI' : 'BinarySI', verbatim ? text : undefined);
  }

  static of(value: bigint | number, format: QuantityFormat = 'DecimalSI'): Quantity {
    return new Quantity(BigInt(value), 0, format);
  }

  /** `value` thousandths. */
  static ofMilli(value: bigint | number, format: QuantityFormat = 'DecimalSI'): Quantity {
    return new Quantity(BigInt(value), -3, format);
  }

  /** The sum, in this one's format; in the other's when this one is zero. */
  add(other: Quantity): Quantity {
    return this.#combine(other, other.#unscaled);
  }

  subtract(other: Quantity): Quantity {
    return this.#combine(other, -other.#unscaled);
  }

  multiply(factor: bigint | number): Quantity {
    return new Quantity(this.#unscaled * BigInt(factor), this.#exponent, this.format);
  }

  negate(): Quantity {
    return new Quantity(-this.#unscaled, this.#exponent, this.format);
  }

  compare(other: Quantity): -1 | 0 | 1 {
    const sign = this.sign;
    if (sign !== other.sign) return sign > other.sign ? 1 : -1;
    if (sign === 0) return 0;
    // Magnitudes settle what a far-fetched exponent would make expensive.
    const order = this.#magnitude() - other.#magnitude();
    if (order > 1 || order < -1) return order > 0 === sign > 0 ? 1 : -1;
    const exponent = Math.min(this.#exponent, other.#exponent);
    const difference =
      this.#unscaled * 10n ** BigInt(this.#exponent - exponent) -
      other.#unscaled * 10n ** BigInt(other.#exponent - exponent);
    return difference === 0n ? 0 : difference > 0n ? 1 : -1;
  }

  equals(other: Quantity): boolean {
    return this.compare(other) === 0;
  }

  get sign(): -1 | 0 | 1 {
    return this.#unscaled === 0n ? 0 : this.#unscaled > 0n ? 1 : -1;
  }

  get isZero(): boolean {
    return this.#unscaled === 0n;
  }

  /** The integer value, rounded away from zero. */
  value(): bigint {
    return this.scaledValue(0);
  }

  /** The value in thousandths, rounded away from zero. */
  milliValue(): bigint {
    return this.scaledValue(-3);
  }

  /** The value in units of 10^scale, rounded away from zero; the nearest int64 where it is out of that range. */
  scaledValue(scale: number): bigint {
    if (this.isZero) return 0n;
    if (this.#magnitude() - scale > 20) return this.sign > 0 ? maxInt64 : minInt64;
    const value = atScale(this.#unscaled, this.#exponent, scale);
    if (value > maxInt64) return maxInt64;
    return value < minInt64 ? minInt64 : value;
  }

  /** The integer value when the quantity is exactly one of 64 bits. */
  asInt64(): bigint | undefined {
    if (this.#magnitude() > 19) return undefined;
    const value = this.value();
    return this.compare(Quantity.of(value)) === 0 ? value : undefined;
  }

  /** The nearest floating-point number. */
  toNumber(): number {
    return Number(`${this.#unscaled}e${this.#exponent}`);
  }

  /** The canonical form: no fraction, and the largest suffix that loses nothing. */
  toString(): string {
    this.#text ??= this.#canonical();
    return this.#text;
  }

  toJSON(): string {
    return this.toString();
  }

  #combine(other: Quantity, unscaled: bigint): Quantity {
    const order = this.isZero || other.isZero ? 0 : this.#magnitude() - other.#magnitude();
    if (order > negligible) return this;
    if (order < -negligible) return new Quantity(unscaled, other.#exponent, this.format);
    const exponent = Math.min(this.#exponent, other.#exponent);
    const sum =
      this.#unscaled * 10n ** BigInt(this.#exponent - exponent) + unscaled * 10n ** BigInt(other.#exponent - exponent);
    return new Quantity(sum, exponent, this.isZero ? other.format : this.format);
  }

  /** The number of digits before the decimal point; negative for small fractions. */
  #magnitude(): number {
    return digitCount(this.#unscaled) + this.#exponent;
  }

  #canonical(): string {
    if (this.#unscaled === 0n) return '0';
    if (this.format === 'BinarySI') {
      const text = this.#canonicalBinary();
      if (text !== undefined) return text;
    }
    let amount = this.#unscaled;
    let exponent = this.#exponent;
    while (amount % 10n === 0n) {
      amount /= 10n;
      exponent++;
    }
    // Zeros without end are better written as an exponent.
    const decimals = this.format !== 'DecimalExponent' && exponent <= maxDigits;
    const excess =
      decimals && exponent > highestSuffix ? exponent - highestSuffix : exponent - Math.floor(exponent / 3) * 3;
    amount *= 10n ** BigInt(excess);
    exponent -= excess;
    if (decimals) return `${amount}${suffixOfExponent.get(exponent)}`;
    return exponent === 0 ? `${amount}` : `${amount}e${exponent}`;
  }

  /** Undefined where powers of 1024 would round, or are too coarse: that is written in powers of 1000. */
  #canonicalBinary(): string | undefined {
    let amount = atScale(this.#unscaled, this.#exponent, 0);
    if (amount > -1024n && amount < 1024n) return undefined;
    if (this.#exponent < 0 && amount * 10n ** BigInt(-this.#exponent) !== this.#unscaled) return undefined;
    let power = 0;
    while (amount % 1024n === 0n && power < binarySuffixes.length - 1) {
      amount /= 1024n;
      power++;
    }
    return `${amount}${binarySuffixes[power]}`;
  }
}

/** The canonical form of a quantity's text, or undefined when it is none. */
export function canonicalQuantity(text: string): string | undefined {
  try {
    return Quantity.parse(text.trim()).toString();
  } catch (error) {
    if (error instanceof QuantityError) return undefined;
    throw error;
  }
}

function decimalSuffix(suffix: string): { exponent: number; format: QuantityFormat } {
  const exponent = decimalSuffixes[suffix];
  if (exponent !== undefined) return { exponent, format: 'DecimalSI' };
  if (!/^[eE][-+]?\d+$/.test(suffix)) throw new QuantityError(suffixError);
  const [, sign, digits] = /^[eE]([-+]?)0*(\d*)$/.exec(suffix) as unknown as [string, string, string];
  if (digits.length > maxExponentDigits) throw new QuantityError(suffixError);
  const written = BigInt(`${sign === '-' ? '-' : ''}${digits || '0'}`);
  if (BigInt.asIntN(64, written) !== written) throw new QuantityError(suffixError);
  return { exponent: Number(BigInt.asIntN(32, written)), format: 'DecimalExponent' };
}

/** Digits behind the point are rounded up: of all that are cut it counts whether there is one besides zeros. */
function cutFraction(digits: string): string {
  if (digits.length <= maxDigits) return digits;
  const kept = digits.slice(0, maxDigits);
  return /[1-9]/.test(digits.slice(maxDigits)) ? `${kept}1` : kept;
}

/** An exponent has 64 bits. */
const maxExponentDigits = 19;

/** The same value with an exponent of at least `lowest`, rounded away from zero. */
function roundUp(unscaled: bigint, exponent: number, lowest: number): [bigint, number] {
  return exponent >= lowest ? [unscaled, exponent] : [atScale(unscaled, exponent, lowest), lowest];
}

/** `unscaled × 10^exponent` in units of 10^scale, rounded away from zero. */
function atScale(unscaled: bigint, exponent: number, scale: number): bigint {
  if (unscaled === 0n) return 0n;
  if (exponent >= scale) return unscaled * 10n ** BigInt(exponent - scale);
  const unit = unscaled < 0n ? -1n : 1n;
  // Nothing but the rounding is left of a number with fewer digits than are cut.
  if (digitCount(unscaled) + exponent < scale) return unit;
  const divisor = 10n ** BigInt(scale - exponent);
  const quotient = unscaled / divisor;
  return unscaled % divisor === 0n ? quotient : quotient + unit;
}

function digitCount(value: bigint): number {
  return value.toString().length - (value < 0n ? 1 : 0);
}
