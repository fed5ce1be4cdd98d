/**
 * JSON as Kubernetes reads and writes it: integers past 2^53 (within int64) are `bigint`, everything else is what
 * `JSON.parse` gives. Keys are data: `__proto__` is an ordinary own property everywhere in this file.
 */

import { findDuplicateFields, JsonSyntaxError, maxJsonDepth, readJson } from './json-reader.ts';
import { type JsonArray, type JsonObject, type JsonValue, setField } from './json-value.ts';

export type { JsonArray, JsonObject, JsonValue };
export { JsonSyntaxError, setField };

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value's type as Go's JSON errors name it: `object`, `array`, `string`, `number`, `bool` or `null`. */
export function jsonKind(value: JsonValue): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'bigint' ? 'number' : typeof value;
}

/** An object's own field; never something inherited from a prototype, as `object['constructor']` would be. */
export function getField(object: JsonObject, key: string): JsonValue | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

// ---------------------------------------------------------------------------------------------- text to value

// Invalid UTF-8 becomes U+FFFD and a byte order mark stays (and is then refused), both as in Go.
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** A number of sixteen digits or more where a value may stand: only then can precision be lost. */
const wideInteger = /(?:^|[[:,\s])-?\d{16}/;

/** The text of UTF-8 bytes, read as Go reads it. */
export function jsonText(source: string | Uint8Array): string {
  return typeof source === 'string' ? source : utf8.decode(source);
}

/**
 * Reads JSON text or its UTF-8 bytes.
 * @throws JsonSyntaxError with the words of Go's `encoding/json`.
 */
export function parseJson(source: string | Uint8Array): JsonValue {
  const text = jsonText(source);
  if (wideInteger.test(text) || mayBeTooDeep(text)) return readJson(text);
  try {
    return JSON.parse(text);
  } catch {
    // The engine's own words are replaced by Go's; what JSON.parse refuses, the reader refuses too.
    return readJson(text);
  }
}

/** An upper bound of the depth: the number of opening brackets, wherever they stand. */
function mayBeTooDeep(text: string): boolean {
  if (text.length <= maxJsonDepth) return false;
  let openings = 0;
  for (const bracket of '[{') {
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1)) {
      if (++openings > maxJsonDepth) return true;
    }
  }
  return false;
}

/**
 * The fields that the text gives more than once, as strict decoding reports them: `duplicate field "spec.replicas"`,
 * each once and at most a hundred. `value` is what {@link parseJson} made of the same text.
 */
export function duplicateFields(text: string, value: JsonValue): string[] {
  // A text has at least as many `":` as it has keys; when the value has kept that many, none was given twice.
  return countKeys(value) === countKeyEnds(text) ? [] : findDuplicateFields(text);
}

function countKeys(value: JsonValue | undefined): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) count += countKeys(item);
    return count;
  }
  for (const key of Object.keys(value)) count += 1 + countKeys(value[key]);
  return count;
}

function countKeyEnds(text: string): number {
  let count = 0;
  for (let colon = text.indexOf(':'); colon >= 0; colon = text.indexOf(':', colon + 1)) {
    let before = colon - 1;
    while (before > 0 && text.charCodeAt(before) <= 32) before--;
    if (text.charCodeAt(before) !== 34) continue;
    // A quote behind an odd number of backslashes stands inside a string, as in a managed field's `k:{\"name\":…}`.
    let backslashes = 0;
    while (text.charCodeAt(before - 1 - backslashes) === 92) backslashes++;
    if (backslashes % 2 === 0) count++;
  }
  return count;
}

// ---------------------------------------------------------------------------------------------- value to text

/** Writes JSON; `bigint` is written as the integer it is. The inverse of {@link parseJson}. */
export function stringifyJson(value: JsonValue): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (error instanceof TypeError && holdsBigint(value)) return writeJson(value);
    throw error;
  }
}

function holdsBigint(value: JsonValue | undefined): boolean {
  if (typeof value === 'bigint') return true;
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some(holdsBigint);
}

function writeJson(value: JsonValue): string {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item) => writeJson(item ?? null)).join(',')}]`;
  const members: string[] = [];
  for (const [key, member] of Object.entries(value)) {
    if (member !== undefined) members.push(`${JSON.stringify(key)}:${writeJson(member)}`);
  }
  return `{${members.join(',')}}`;
}

// ---------------------------------------------------------------------------------------------- whole values

/** Freezes a value and everything in it, and answers it. What is frozen already is taken to be frozen throughout. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  if (Array.isArray(value)) for (const item of value) deepFreeze(item);
  else for (const key of Object.keys(value)) deepFreeze((value as JsonObject)[key]);
  return value;
}

/** A deep, mutable copy. Fields that are `undefined` are left out, as JSON would. */
export function cloneJson<T>(value: T): T {
  return clone(value as JsonValue) as T;
}

function clone(value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const copy = new Array<JsonValue>(value.length);
    for (let i = 0; i < value.length; i++) copy[i] = clone(value[i]!);
    return copy;
  }
  const copy: JsonObject = {};
  for (const key of Object.keys(value)) {
    const member = value[key];
    if (member === undefined) continue;
    if (key === '__proto__') setField(copy, key, clone(member));
    else copy[key] = clone(member);
  }
  return copy;
}

/** Equality of JSON values: the order of keys does not matter, `undefined` is absence, and `1n` equals `1`. */
export function deepEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) {
    return (
      (typeof a === 'bigint' || typeof b === 'bigint') &&
      typeof a !== 'string' &&
      typeof b !== 'string' &&
      typeof a !== 'boolean' &&
      typeof b !== 'boolean' &&
      // biome-ignore lint/suspicious/noDoubleEquals: a bigint and a number are the same number when they are loosely equal
      a == b
    );
  }
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++) if (!deepEqual(a[i], b[i])) return false;
    return true;
  }
  return !Array.isArray(b) && equalObjects(a as JsonObject, b as JsonObject);
}

function equalObjects(a: JsonObject, b: JsonObject): boolean {
  let present = 0;
  for (const key of Object.keys(a)) {
    const member = a[key];
    if (member === undefined) continue;
    present++;
    if (!Object.hasOwn(b, key) || !deepEqual(member, b[key])) return false;
  }
  for (const key of Object.keys(b)) if (b[key] !== undefined) present--;
  return present === 0;
}
