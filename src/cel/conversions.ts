/** Conversions between the types of CEL, with cel-go's errors. Source: CEL language definition, "Standard Definitions". */
import { typeName } from './equality.ts';
import {
  doubleToInt,
  doubleToUint,
  formatDouble,
  type Int,
  intOverflow,
  parseDouble,
  parseInt64,
  parseUint64,
  uintOverflow,
} from './numbers.ts';
import { formatDuration, formatTimestamp, parseDuration, parseTimestamp, timestampOf } from './time.ts';
import { CelError, Double, Duration, type Timestamp, Uint, type Value } from './values.ts';

function conversionError(from: Value, to: string): CelError {
  return new CelError(`type conversion error from '${typeName(from)}' to '${to}'`);
}

const booleans: Readonly<Record<string, boolean>> = {
  1: true,
  t: true,
  T: true,
  true: true,
  TRUE: true,
  True: true,
  0: false,
  f: false,
  F: false,
  false: false,
  FALSE: false,
  False: false,
};

export function stringToBool(text: string): Value {
  return Object.hasOwn(booleans, text) ? (booleans[text] as boolean) : conversionError(text, 'bool');
}

export function stringToBytes(text: string): Value {
  return new TextEncoder().encode(text);
}

const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function bytesToString(bytes: Uint8Array): Value {
  try {
    return strictDecoder.decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return new CelError('invalid UTF-8 in bytes, cannot convert to string');
  }
}

export function stringToDouble(text: string): Value {
  return parseDouble(text) ?? conversionError(text, 'double');
}

export function toDouble(value: Int | Uint): Value {
  return new Double(Number(value instanceof Uint ? value.value : value));
}

export function doubleToString({ value }: Double): Value {
  return formatDouble(value);
}

export function stringToInt(text: string): Value {
  return parseInt64(text) ?? conversionError(text, 'int');
}

export function doubleToIntValue({ value }: Double): Value {
  return doubleToInt(value);
}

export function uintToInt({ value }: Uint): Value {
  return value > 2n ** 63n - 1n ? intOverflow : value;
}

export function timestampToInt({ seconds }: Timestamp): Value {
  return seconds;
}

export function durationToInt(duration: Duration): Value {
  return Number.isSafeInteger(duration.seconds * 1e9 + duration.nanos)
    ? duration.seconds * 1e9 + duration.nanos
    : BigInt(duration.seconds) * 1_000_000_000n + BigInt(duration.nanos);
}

export function stringToUint(text: string): Value {
  return parseUint64(text) ?? conversionError(text, 'uint');
}

export function doubleToUintValue({ value }: Double): Value {
  return doubleToUint(value);
}

export function intToUint(value: Int): Value {
  return value < 0 ? uintOverflow : new Uint(value);
}

export function stringToTimestamp(text: string): Value {
  return parseTimestamp(text) ?? conversionError(text, 'google.protobuf.Timestamp');
}

export function intToTimestamp(seconds: Int): Value {
  return timestampOf(Number(seconds), 0);
}

export function stringToDuration(text: string): Value {
  return parseDuration(text) ?? conversionError(text, 'google.protobuf.Duration');
}

export function intToDuration(nanos: Int): Value {
  const whole = BigInt(nanos);
  return new Duration(Number(whole / 1_000_000_000n), Number(whole % 1_000_000_000n));
}

export { formatDuration, formatTimestamp };
