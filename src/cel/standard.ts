/** The functions and operators of the language itself. Source: cel-go `common/stdlib/standard.go`. */
import {
  bytesToString,
  doubleToIntValue,
  doubleToString,
  doubleToUintValue,
  durationToInt,
  formatDuration,
  formatTimestamp,
  intToDuration,
  intToTimestamp,
  intToUint,
  stringToBool,
  stringToBytes,
  stringToDouble,
  stringToDuration,
  stringToInt,
  stringToTimestamp,
  stringToUint,
  timestampToInt,
  toDouble,
  uintToInt,
} from './conversions.ts';
import { codePoints, compare, equal, typeName } from './equality.ts';
import { declare, type FunctionDeclaration, type Library, type OverloadTable } from './functions.ts';
import { standardMacros } from './macros.ts';
import {
  addInt,
  addUint,
  divideInt,
  divideUint,
  type Int,
  moduloInt,
  moduloUint,
  multiplyInt,
  multiplyUint,
  negateInt,
  subtractInt,
  subtractUint,
} from './numbers.ts';
import { compileRegex } from './regex.ts';
import {
  addDurations,
  addToTimestamp,
  calendar,
  dayOfYear,
  subtractDurations,
  subtractFromTimestamp,
  subtractTimestamps,
} from './time.ts';
import {
  boolType,
  bytesType,
  doubleType,
  durationType,
  intType,
  nullType,
  parseType,
  stringType,
  timestampType,
  typeOf,
  uintType,
} from './types.ts';
import {
  CelError,
  Double,
  type Duration,
  ListValue,
  type MapValue,
  rawOf,
  type Timestamp,
  TypeValue,
  type Uint,
  type Value,
} from './values.ts';
import { elementWork, entryWork, work } from './work.ts';

/** Operators that the evaluator knows by itself, because they do not evaluate or need all of their arguments. */
const special: readonly FunctionDeclaration[] = [
  declare('_?_:_', { conditional: ['(bool, A, A) -> A'] }),
  declare('_&&_', { logical_and: ['(bool, bool) -> bool'] }),
  declare('_||_', { logical_or: ['(bool, bool) -> bool'] }),
  declare('@not_strictly_false', { not_strictly_false: ['(bool) -> bool'] }),
  declare('_[_]', { index_list: ['(list(A), int) -> A'], index_map: ['(map(A, B), A) -> B'] }),
];

const same = <T extends Value>(value: T): Value => value;
const double = (value: number): Value => new Double(value);

const arithmetic: readonly FunctionDeclaration[] = [
  declare('!_', { logical_not: ['(bool) -> bool', (a: boolean) => !a] }),
  declare('_+_', {
    add_bytes: ['(bytes, bytes) -> bytes', concatenateBytes],
    add_double: ['(double, double) -> double', (a: Double, b: Double) => double(a.value + b.value)],
    add_duration_duration: ['(duration, duration) -> duration', addDurations],
    add_duration_timestamp: ['(duration, timestamp) -> timestamp', (a: Duration, b: Timestamp) => addToTimestamp(b, a)],
    add_timestamp_duration: ['(timestamp, duration) -> timestamp', addToTimestamp],
    add_int64: ['(int, int) -> int', addInt],
    add_list: ['(list(A), list(A)) -> list(A)', concatenateLists],
    add_string: ['(string, string) -> string', (a: string, b: string) => a + b],
    add_uint64: ['(uint, uint) -> uint', addUint],
  }),
  declare('_/_', {
    divide_double: ['(double, double) -> double', (a: Double, b: Double) => double(a.value / b.value)],
    divide_int64: ['(int, int) -> int', divideInt],
    divide_uint64: ['(uint, uint) -> uint', divideUint],
  }),
  declare('_%_', {
    modulo_int64: ['(int, int) -> int', moduloInt],
    modulo_uint64: ['(uint, uint) -> uint', moduloUint],
  }),
  declare('_*_', {
    multiply_double: ['(double, double) -> double', (a: Double, b: Double) => double(a.value * b.value)],
    multiply_int64: ['(int, int) -> int', multiplyInt],
    multiply_uint64: ['(uint, uint) -> uint', multiplyUint],
  }),
  declare('-_', {
    negate_double: ['(double) -> double', (a: Double) => double(-a.value)],
    negate_int64: ['(int) -> int', negateInt],
  }),
  declare('_-_', {
    subtract_double: ['(double, double) -> double', (a: Double, b: Double) => double(a.value - b.value)],
    subtract_duration_duration: ['(duration, duration) -> duration', subtractDurations],
    subtract_int64: ['(int, int) -> int', subtractInt],
    subtract_timestamp_duration: ['(timestamp, duration) -> timestamp', subtractFromTimestamp],
    subtract_timestamp_timestamp: ['(timestamp, timestamp) -> duration', subtractTimestamps],
    subtract_uint64: ['(uint, uint) -> uint', subtractUint],
  }),
];

/** The orderings: for every pair of types that have one, and for numbers across types. */
const ordering = (
  [
    ['_<_', 'less', (order) => order < 0],
    ['_<=_', 'less_equals', (order) => order <= 0],
    ['_>_', 'greater', (order) => order > 0],
    ['_>=_', 'greater_equals', (order) => order >= 0],
  ] as readonly [string, string, (order: number) => boolean][]
).map(([operator, id, holds]) => {
  const types = ['bool', 'int', 'int double', 'int uint', 'uint', 'uint double', 'uint int', 'double', 'double int'];
  const pairs = [...types, 'double uint', 'string', 'bytes', 'timestamp', 'duration'].map((pair) => pair.split(' '));
  const table = pairs.map(([a, b]) => {
    const idParts = [id, ...[a, b].filter((type) => type !== undefined).map(overloadName)];
    const test = (x: Value, y: Value): Value => holds(compare(x, y) as number);
    return [idParts.join('_'), [`(${a}, ${b ?? a}) -> bool`, test]] as const;
  });
  return declare(operator, Object.fromEntries(table));
});

function overloadName(type: string): string {
  return type === 'int' || type === 'uint' ? `${type}64` : type;
}

const relations: readonly FunctionDeclaration[] = [
  declare('_==_', { equals: ['(A, A) -> bool', equal] }),
  declare('_!=_', { not_equals: ['(A, A) -> bool', (a: Value, b: Value) => !equal(a, b)] }),
  ...ordering,
  declare('@in', {
    in_list: ['(A, list(A)) -> bool', inList],
    in_map: ['(A, map(A, B)) -> bool', (key: Value, map: MapValue) => map.get(key) !== undefined],
  }),
];

const sizeOfBytes = (bytes: Uint8Array): Value => bytes.length;
const sizeOfList = (list: ListValue): Value => list.length;
const sizeOfMap = (map: MapValue): Value => map.size;

const conversions: readonly FunctionDeclaration[] = [
  declare('size', {
    size_bytes: ['(bytes) -> int', sizeOfBytes],
    bytes_size: ['bytes.() -> int', sizeOfBytes],
    size_list: ['(list(A)) -> int', sizeOfList],
    list_size: ['list(A).() -> int', sizeOfList],
    size_map: ['(map(A, B)) -> int', sizeOfMap],
    map_size: ['map(A, B).() -> int', sizeOfMap],
    size_string: ['(string) -> int', codePoints],
    string_size: ['string.() -> int', codePoints],
  }),
  declare('type', { type: ['(A) -> type(A)', (value: Value) => new TypeValue(typeName(value))] }),
  declare('bool', { bool_to_bool: ['(bool) -> bool', same], string_to_bool: ['(string) -> bool', stringToBool] }),
  declare('bytes', {
    bytes_to_bytes: ['(bytes) -> bytes', same],
    string_to_bytes: ['(string) -> bytes', stringToBytes],
  }),
  declare('double', {
    double_to_double: ['(double) -> double', same],
    int64_to_double: ['(int) -> double', toDouble],
    string_to_double: ['(string) -> double', stringToDouble],
    uint64_to_double: ['(uint) -> double', toDouble],
  }),
  declare('duration', {
    duration_to_duration: ['(duration) -> duration', same],
    int64_to_duration: ['(int) -> duration', intToDuration],
    string_to_duration: ['(string) -> duration', stringToDuration],
  }),
  declare('dyn', { to_dyn: ['(A) -> dyn', same] }),
  declare('int', {
    int64_to_int64: ['(int) -> int', same],
    double_to_int64: ['(double) -> int', doubleToIntValue],
    duration_to_int64: ['(duration) -> int', durationToInt],
    string_to_int64: ['(string) -> int', stringToInt],
    timestamp_to_int64: ['(timestamp) -> int', timestampToInt],
    uint64_to_int64: ['(uint) -> int', uintToInt],
  }),
  declare('string', {
    string_to_string: ['(string) -> string', same],
    bool_to_string: ['(bool) -> string', (value: boolean) => String(value)],
    bytes_to_string: ['(bytes) -> string', bytesToString],
    double_to_string: ['(double) -> string', doubleToString],
    duration_to_string: ['(duration) -> string', formatDuration],
    int64_to_string: ['(int) -> string', (value: Int) => String(value)],
    timestamp_to_string: ['(timestamp) -> string', formatTimestamp],
    uint64_to_string: ['(uint) -> string', (value: Uint) => String(value.value)],
  }),
  declare('timestamp', {
    timestamp_to_timestamp: ['(timestamp) -> timestamp', same],
    int64_to_timestamp: ['(int) -> timestamp', intToTimestamp],
    string_to_timestamp: ['(string) -> timestamp', stringToTimestamp],
  }),
  declare('uint', {
    uint64_to_uint64: ['(uint) -> uint', same],
    double_to_uint64: ['(double) -> uint', doubleToUintValue],
    int64_to_uint64: ['(int) -> uint', intToUint],
    string_to_uint64: ['(string) -> uint', stringToUint],
  }),
];

const strings: readonly FunctionDeclaration[] = [
  declare('contains', { contains_string: ['string.(string) -> bool', (a: string, b: string) => a.includes(b)] }),
  declare('endsWith', { ends_with_string: ['string.(string) -> bool', (a: string, b: string) => a.endsWith(b)] }),
  declare('startsWith', { starts_with_string: ['string.(string) -> bool', (a: string, b: string) => a.startsWith(b)] }),
  declare('matches', {
    matches: ['(string, string) -> bool', matches],
    matches_string: ['string.(string) -> bool', matches],
  }),
];

/** A calendar field of a timestamp, in UTC or in a zone, and for some of them the whole units in a duration. */
function timeField(
  name: string,
  id: string,
  field: (date: Date, timestamp: Timestamp) => number,
  ofDuration?: (duration: Duration) => number,
): FunctionDeclaration {
  const inZone = (timestamp: Timestamp, zone: string): Value => {
    const date = calendar(timestamp, zone);
    return date instanceof CelError ? date : field(date, timestamp);
  };
  const table: Record<string, OverloadTable[string]> = {
    [`timestamp_to_${id}`]: ['timestamp.() -> int', (timestamp: Timestamp) => inZone(timestamp, 'UTC')],
    [id === 'seconds' ? 'timestamp_to_seconds_tz' : `timestamp_to_${id}_with_tz`]: [
      'timestamp.(string) -> int',
      inZone,
    ],
  };
  if (ofDuration !== undefined) table[`duration_to_${id}`] = ['duration.() -> int', ofDuration];
  return declare(name, table);
}

const calendars: readonly FunctionDeclaration[] = [
  timeField('getFullYear', 'year', (date) => date.getUTCFullYear()),
  timeField('getMonth', 'month', (date) => date.getUTCMonth()),
  timeField('getDayOfYear', 'day_of_year', dayOfYear),
  timeField('getDayOfMonth', 'day_of_month', (date) => date.getUTCDate() - 1),
  timeField('getDate', 'day_of_month_1_based', (date) => date.getUTCDate()),
  timeField('getDayOfWeek', 'day_of_week', (date) => date.getUTCDay()),
  timeField(
    'getHours',
    'hours',
    (date) => date.getUTCHours(),
    (d) => Math.trunc(d.seconds / 3600),
  ),
  timeField(
    'getMinutes',
    'minutes',
    (date) => date.getUTCMinutes(),
    (d) => Math.trunc(d.seconds / 60),
  ),
  timeField(
    'getSeconds',
    'seconds',
    (date) => date.getUTCSeconds(),
    (d) => d.seconds,
  ),
  timeField(
    'getMilliseconds',
    'milliseconds',
    (_, timestamp) => Math.trunc(timestamp.nanos / 1e6),
    (d) => d.seconds * 1000 + Math.trunc(d.nanos / 1e6),
  ),
];

export const standardLibrary: Library = {
  functions: [...special, ...arithmetic, ...relations, ...conversions, ...strings, ...calendars],
  macros: standardMacros,
  types: [
    ...[boolType, bytesType, doubleType, durationType, intType, nullType, stringType, timestampType, uintType],
    parseType('list(dyn)'),
    parseType('map(dyn, dyn)'),
    typeOf(),
  ],
};

function concatenateBytes(a: Uint8Array, b: Uint8Array): Value {
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a);
  bytes.set(b, a.length);
  return bytes;
}

/** `a + b`. Kubernetes' sets and map lists keep the left side's elements, replaced or followed by the right side's. */
export function concatenateLists(a: ListValue, b: ListValue): Value {
  if (a.length === 0 && a.semantics === undefined) return b;
  if (b.length === 0) return a;
  work((a.length + b.length) * (a.semantics === undefined ? 2 * elementWork : entryWork));
  if (a.semantics === undefined) {
    if (a.read === b.read) return new ListValue(a.items.concat(b.items), a.read);
    return new ListValue(a.values().concat(b.values()));
  }
  const { keyOf } = a.semantics;
  const items = [...a.items];
  const indices = new Map(items.map((item, i) => [keyOf(item), i]));
  for (const item of b.items) {
    const key = keyOf(item);
    const index = indices.get(key);
    if (index === undefined) {
      indices.set(key, items.length);
      items.push(rawOf(item));
    } else if (a.semantics.type === 'map') items[index] = rawOf(item);
  }
  return new ListValue(items, a.read, a.semantics);
}

function inList(value: Value, list: ListValue): Value {
  for (let i = 0; i < list.length; i++) if (equal(list.at(i), value)) return true;
  return false;
}

function matches(text: string, pattern: string): Value {
  const regex = compileRegex(pattern);
  return regex instanceof CelError ? regex : regex.test(text);
}
