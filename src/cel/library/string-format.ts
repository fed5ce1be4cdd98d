/**
 * `format.format([…])`. Source: cel-go `ext/formatting.go` (before version 4 of the strings library, "localized") and
 * `ext/formatting_v2.go` (from version 4, "plain"). They differ in how numbers and what is inside lists are written.
 */
import { goQuote } from '../../machinery/go-text.ts';
import { bytesToString } from '../conversions.ts';
import { typeName } from '../equality.ts';
import { formatDouble } from '../numbers.ts';
import { formatDuration, formatTimestamp } from '../time.ts';
import { CelError, Double, Duration, ListValue, MapValue, Timestamp, TypeValue, Uint, type Value } from '../values.ts';
import { elementWork, entryWork, work } from '../work.ts';

export type FormatStyle = 'localized' | 'plain';

const maxPrecision = 1000;
const defaultPrecision = 6;

const clauseWork = 80;
/** All digits of a double, and each that is asked for besides. */
const exactDigitsWork = 1000;
const digitWork = 12;
const listedWork = 30;
/** The two digits of a byte. */
const hexadecimalWork = 2;
const entryTextWork = 5 * entryWork;

/** Thrown inside, turned into a {@link CelError} at the border. */
class FormatError extends Error {}

export function format(text: string, args: ListValue, style: FormatStyle): Value {
  try {
    return interpolate(text, args, style);
  } catch (error) {
    if (error instanceof FormatError) return new CelError(error.message);
    throw error;
  }
}

function interpolate(text: string, args: ListValue, style: FormatStyle): string {
  let out = '';
  let index = 0;
  for (let i = 0; i < text.length; ) {
    const percent = text.indexOf('%', i);
    if (percent < 0) return out + text.slice(i);
    out += text.slice(i, percent);
    if (text[percent + 1] === '%') {
      out += '%';
      i = percent + 2;
      continue;
    }
    if (index >= args.length) throw new FormatError(`index ${index} out of range`);
    if (percent + 1 >= text.length) throw new FormatError('unexpected end of string');
    const arg = args.at(index++);
    const clause = /^(?:\.(\d*))?([\s\S]?)/u.exec(text.slice(percent + 1)) as RegExpExecArray;
    work(clauseWork);
    out += formatArgument(arg, clause[2] as string, precisionOf(clause[1], clause[2] as string), style);
    i = percent + 1 + clause[0].length;
  }
  return out;
}

function precisionOf(digits: string | undefined, verb: string): number {
  const problem = 'could not parse formatting clause: error while parsing precision: ';
  if (digits === undefined) return defaultPrecision;
  if (verb === '') throw new FormatError(`${problem}could not find end of precision specifier`);
  if (digits === '') throw new FormatError(`${problem}error while converting precision to integer`);
  if (Number(digits) > maxPrecision) {
    throw new FormatError(`${problem}precision ${digits} exceeds maximum allowed precision ${maxPrecision}`);
  }
  return Number(digits);
}

function formatArgument(arg: Value, verb: string, precision: number, style: FormatStyle): string {
  const plain = style === 'plain';
  const wrong = (message: string): never => {
    throw new FormatError(`error during formatting: ${message}, was given ${typeName(arg)}`);
  };
  switch (verb) {
    case 's':
      return plain ? plainText(arg) : localizedText(arg);
    case 'd':
      if (isInteger(arg)) return String(integer(arg));
      if (plain && arg instanceof Double) return plainText(arg);
      return wrong(`decimal clause can only be used on ${plain ? 'ints, uints, and doubles' : 'integers'}`);
    case 'f':
    case 'e': {
      const number = floating(arg, plain);
      const clause = verb === 'f' ? 'fixed-point' : 'scientific';
      const accepted = plain ? 'ints, uints, and doubles' : 'doubles';
      if (number === undefined) return wrong(`${clause} clause can only be used on ${accepted}`);
      if (!Number.isFinite(number)) return nonFinite(number, plain);
      work(exactDigitsWork + precision * digitWork);
      if (verb === 'f') return plain ? fixed(number, precision) : grouped(fixed(number, precision));
      return plain ? scientific(number, precision) : superscript(number, precision);
    }
    case 'b':
      if (typeof arg === 'boolean') return arg ? '1' : '0';
      return isInteger(arg)
        ? integer(arg).toString(2)
        : wrong(`only ${plain ? 'ints, uints, and bools' : 'integers and bools'} can be formatted as binary`);
    case 'o':
      return isInteger(arg)
        ? integer(arg).toString(8)
        : wrong(`octal clause can only be used on ${plain ? 'ints and uints' : 'integers'}`);
    case 'x':
    case 'X': {
      const hex = hexadecimal(arg);
      const accepted = plain ? 'ints, uints, bytes, and strings' : 'integers, byte buffers, and strings';
      if (hex === undefined) return wrong(`only ${accepted} can be formatted as hex`);
      return verb === 'X' ? hex.toUpperCase() : hex;
    }
    default:
      throw new FormatError(`could not parse formatting clause: unrecognized formatting clause "${verb}"`);
  }
}

function isInteger(value: Value): value is number | bigint | Uint {
  return typeof value === 'number' || typeof value === 'bigint' || value instanceof Uint;
}

function integer(value: number | bigint | Uint): number | bigint {
  return value instanceof Uint ? value.value : value;
}

function floating(value: Value, plain: boolean): number | undefined {
  if (value instanceof Double) return value.value;
  if (plain) return isInteger(value) ? Number(integer(value)) : undefined;
  // The names of what is not a number may be given as text.
  if (value === 'NaN') return Number.NaN;
  if (value === 'Infinity') return Number.POSITIVE_INFINITY;
  return value === '-Infinity' ? Number.NEGATIVE_INFINITY : undefined;
}

function nonFinite(value: number, plain: boolean): string {
  if (Number.isNaN(value)) return 'NaN';
  if (plain) return value > 0 ? 'Infinity' : '-Infinity';
  return value > 0 ? '∞' : '-∞';
}

/** With exactly this many digits after the point; what lies halfway goes to the even neighbour, as in Go. */
function fixed(value: number, precision: number): string {
  const [whole, fraction = ''] = exactDecimal(Math.abs(value)).split('.') as [string, string?];
  const rest = fraction.slice(precision).replace(/0+$/, '');
  let kept = BigInt(whole + fraction.slice(0, precision).padEnd(precision, '0'));
  if (rest > '5' || (rest === '5' && kept % 2n === 1n)) kept += 1n;
  const digits = kept.toString().padStart(precision + 1, '0');
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  return sign + (precision === 0 ? digits : `${digits.slice(0, -precision)}.${digits.slice(-precision)}`);
}

/** All digits of a double: a fraction over a power of two has finitely many. */
function exactDecimal(value: number): string {
  if (Number.isInteger(value)) return BigInt(value).toString();
  let scaled = Math.abs(value);
  let power = 0;
  while (!Number.isInteger(scaled)) {
    scaled *= 2;
    power++;
  }
  const digits = (BigInt(scaled) * 5n ** BigInt(power)).toString().padStart(power + 1, '0');
  return `${value < 0 ? '-' : ''}${digits.slice(0, -power)}.${digits.slice(-power)}`;
}

/** Thousands separated, as in English. */
function grouped(text: string): string {
  const [whole, fraction] = text.split('.') as [string, string?];
  const groups = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? groups : `${groups}.${fraction}`;
}

function scientific(value: number, precision: number): string {
  return value.toExponential(Math.min(precision, 100)).replace(/e([+-])(\d)$/, 'e$10$2');
}

/** `1.234568 × 10⁰³`, with narrow spaces that do not break, as `golang.org/x/text/message` writes it. */
function superscript(value: number, precision: number): string {
  const [mantissa, exponent] = scientific(value, precision).split('e') as [string, string];
  const digits = exponent
    .replace('+', '')
    .replace(/[-\d]/g, (char) => (char === '-' ? '⁻' : ('⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(char)] as string)));
  return `${mantissa}\u202f×\u202f10${digits}`;
}

function hexadecimal(value: Value): string | undefined {
  if (isInteger(value)) return integer(value).toString(16);
  if (typeof value === 'string' || value instanceof Uint8Array) work(value.length * hexadecimalWork);
  if (typeof value === 'string') return Buffer.from(value).toString('hex');
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : undefined;
}

/** What `%s` accepts, as the error says it. */
function notText(value: Value): never {
  const accepted = 'strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps';
  throw new FormatError(
    `error during formatting: string clause can only be used on ${accepted}, was given ${typeName(value)}`,
  );
}

/** What both styles write alike; undefined for the rest. */
function commonText(value: Value): string | undefined {
  work(listedWork + (typeof value === 'string' || value instanceof Uint8Array ? value.length * elementWork : 0));
  if (value === null) return 'null';
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean' || isInteger(value)) return String(isInteger(value) ? integer(value) : value);
  if (value instanceof Uint8Array) {
    const text = bytesToString(value);
    return typeof text === 'string' ? text : new TextDecoder().decode(value);
  }
  if (value instanceof Duration) return formatDuration(value);
  if (value instanceof Timestamp) return formatTimestamp(value);
  return value instanceof TypeValue ? value.name : undefined;
}

function plainText(value: Value): string {
  const text = commonText(value);
  if (text !== undefined) return text;
  if (value instanceof Double) {
    return Number.isFinite(value.value) ? plainDouble(value.value) : nonFinite(value.value, true);
  }
  if (value instanceof ListValue) return `[${value.values().map(plainText).join(', ')}]`;
  if (!(value instanceof MapValue)) return notText(value);
  work(value.size * entryTextWork);
  const entries = [...value.keys()].map((key) => [plainText(key), plainText(value.get(key) as Value)] as const);
  return `{${sorted(entries)
    .map(([key, entry]) => `${key}: ${entry}`)
    .join(', ')}}`;
}

/** The shortest digits, never with an exponent. */
function plainDouble(value: number): string {
  const text = String(value);
  if (!text.includes('e')) return Object.is(value, -0) ? '-0' : text;
  const [mantissa, exponent] = text.replace('-', '').split('e') as [string, string];
  const [whole, fraction = ''] = mantissa.split('.') as [string, string?];
  const point = whole.length + Number(exponent);
  const digits = whole + fraction;
  const sign = value < 0 ? '-' : '';
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  return sign + digits.padEnd(point, '0');
}

function localizedText(value: Value): string {
  const text = commonText(value);
  if (text !== undefined) return text;
  if (value instanceof Double) return formatDouble(value.value);
  return value instanceof ListValue || value instanceof MapValue ? literal(value) : notText(value);
}

/** As the value would be written in an expression. */
function literal(value: Value): string {
  if (typeof value === 'number') return commonText(value) as string;
  if (typeof value === 'string') {
    work(listedWork + value.length * digitWork);
    return goQuote(value);
  }
  if (value instanceof Uint8Array) return `b${goQuote(commonText(value) as string)}`;
  if (value instanceof Timestamp) return `timestamp("${formatTimestamp(value)}")`;
  if (value instanceof Duration) return `duration("${formatDuration(value)}")`;
  if (value instanceof Double) {
    work(exactDigitsWork);
    return Number.isFinite(value.value) ? fixed(value.value, defaultPrecision) : goQuote(formatDouble(value.value));
  }
  if (value instanceof ListValue) return `[${value.values().map(literal).join(', ')}]`;
  if (value instanceof MapValue) {
    work(value.size * entryTextWork);
    const entries = [...value.keys()].map((key) => [literal(key), literal(value.get(key) as Value)] as const);
    return `{${sorted(entries)
      .map(([key, entry]) => `${key}:${entry}`)
      .join(', ')}}`;
  }
  return commonText(value) ?? notText(value);
}

function sorted(entries: (readonly [string, string])[]): (readonly [string, string])[] {
  return entries.sort(([a], [b]) => (a < b ? -1 : Number(a > b)));
}
