/** When two values are equal, and which of two comes first. Source: CEL language definition, "Equality" and "Ordering". */
import { fromJson } from './json.ts';
import { compareNumbers, isNumeric } from './numbers.ts';
import { compareTimes } from './time.ts';
import {
  CelError,
  Double,
  Duration,
  ListValue,
  MapValue,
  ObjectValue,
  OpaqueValue,
  OptionalValue,
  Timestamp,
  TypeValue,
  Uint,
  type Value,
} from './values.ts';
import { comparisonWork, entryWork, textWork, work } from './work.ts';

/** Whether two values are equal. Values of different types are not, except numbers, which compare by magnitude. */
export function equal(a: Value, b: Value): boolean {
  if (typeof a === 'string') {
    work(comparisonWork + (typeof b === 'string' && a.length === b.length ? textWork(a.length) : 0));
    return a === b;
  }
  work(comparisonWork);
  if (a === b) return true;
  if (typeof a !== 'object' && typeof b !== 'object') return false;
  work(comparisonWork);
  if (isNumeric(a)) return isNumeric(b) && compareNumbers(a, b) === 0;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (a instanceof ListValue) return b instanceof ListValue && equalLists(a, b);
  if (a instanceof MapValue) return b instanceof MapValue && equalMaps(a, b);
  if (a instanceof Uint8Array) return b instanceof Uint8Array && compareBytes(a, b) === 0;
  if (a instanceof Timestamp) return b instanceof Timestamp && compareTimes(a, b) === 0;
  if (a instanceof Duration) return b instanceof Duration && compareTimes(a, b) === 0;
  if (a instanceof TypeValue) return b instanceof TypeValue && a.name === b.name;
  if (a instanceof OptionalValue) {
    if (!(b instanceof OptionalValue)) return false;
    if (a.value === undefined || b.value === undefined) return a.value === b.value;
    return equal(a.value, b.value);
  }
  if (a instanceof OpaqueValue) return b instanceof OpaqueValue && a.typeName === b.typeName && a.equals(b);
  return false;
}

function equalLists(a: ListValue, b: ListValue): boolean {
  if (a.length !== b.length) return false;
  // Kubernetes compares by the list type of the left side.
  if (a.semantics?.type === 'set') {
    work(a.length * entryWork);
    const members = new Set(a.items.map(a.semantics.keyOf));
    return b.items.every((item) => members.has(a.semantics?.keyOf(item)));
  }
  if (a.semantics?.type === 'map') {
    const { keyOf } = a.semantics;
    work(a.length * entryWork);
    const indices = new Map(a.items.map((item, i) => [keyOf(item), i]));
    return b.items.every((item, i) => {
      const index = indices.get(keyOf(item));
      return index !== undefined && equal(a.at(index), b.at(i));
    });
  }
  for (let i = 0; i < a.length; i++) if (!equal(a.at(i), b.at(i))) return false;
  return true;
}

function equalMaps(a: MapValue, b: MapValue): boolean {
  const { size } = a;
  if (size !== b.size) return false;
  work(size * entryWork);
  for (const key of a.keys()) {
    const other = b.get(key);
    const own = a.get(key);
    if (own === undefined ? other !== undefined : other === undefined || !equal(own, other)) return false;
  }
  return !(a instanceof ObjectValue && b instanceof ObjectValue) || equalUndeclared(a, b);
}

/** Fields that no schema declares are compared as JSON where both objects have them. */
function equalUndeclared(a: ObjectValue, b: ObjectValue): boolean {
  for (const name of Object.keys(a.raw)) {
    if (a.shape.declares(name) || !Object.hasOwn(b.raw, name)) continue;
    if (!equal(fromJson(a.raw[name]), fromJson(b.raw[name]))) return false;
  }
  return true;
}

/** The order of two values of types that have one; undefined when these have none; NaN when they are unordered. */
export function compare(a: Value, b: Value): number | undefined {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (isNumeric(a)) return isNumeric(b) ? compareNumbers(a, b) : undefined;
  if (typeof a === 'string') return typeof b === 'string' ? compareStrings(a, b) : undefined;
  if (typeof a === 'boolean') return typeof b === 'boolean' ? Number(a) - Number(b) : undefined;
  if (a instanceof Uint8Array) return b instanceof Uint8Array ? compareBytes(a, b) : undefined;
  if (a instanceof Timestamp) return b instanceof Timestamp ? compareTimes(a, b) : undefined;
  if (a instanceof Duration) return b instanceof Duration ? compareTimes(a, b) : undefined;
  return undefined;
}

/** By code point, as Go compares UTF-8; JavaScript's own order differs for characters outside the basic plane. */
export function compareStrings(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    work(textWork(i));
    const surrogates = Number((x & 0xf800) === 0xd800) - Number((y & 0xf800) === 0xd800);
    return surrogates === 0 ? x - y : surrogates;
  }
  work(textWork(length));
  return a.length - b.length;
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  work(textWork(length));
  for (let i = 0; i < length; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** The name of a value's type at run time: what `type(x)` gives. */
export function typeName(value: Value): string {
  switch (typeof value) {
    case 'number':
    case 'bigint':
      return 'int';
    case 'string':
      return 'string';
    case 'boolean':
      return 'bool';
    default:
      if (value === null) return 'null_type';
      if (value instanceof ListValue) return 'list';
      if (value instanceof MapValue || value instanceof OpaqueValue) return value.typeName;
      if (value instanceof Double) return 'double';
      if (value instanceof Uint) return 'uint';
      if (value instanceof Uint8Array) return 'bytes';
      if (value instanceof Timestamp) return 'google.protobuf.Timestamp';
      if (value instanceof Duration) return 'google.protobuf.Duration';
      if (value instanceof TypeValue) return 'type';
      return value instanceof CelError ? 'error' : 'optional_type';
  }
}

/** Texts that take no work to speak of. */
const shortText = 64;

const surrogate = /[\ud800-\udbff]/;

/** The number of code points: what `size` of a string is. */
export function codePoints(text: string): number {
  let size = text.length;
  if (size > shortText) work(textWork(size));
  if (!surrogate.test(text)) return size;
  work(size);
  for (let i = 0; i < text.length; i++) {
    if ((text.charCodeAt(i) & 0xfc00) === 0xd800 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) size--;
  }
  return size;
}
