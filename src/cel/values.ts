import { entryWork, work } from './work.ts';

/**
 * The values of CEL and how they are held in JavaScript.
 *
 * | CEL | JavaScript |
 * |---|---|
 * | int | `number` while it is a safe integer, `bigint` beyond (never the other way round) |
 * | uint | {@link Uint}, whose value follows the same rule |
 * | double | {@link Double} |
 * | bool, string, null | `boolean`, `string`, `null` |
 * | bytes | `Uint8Array` |
 * | list | {@link ListValue} |
 * | map, object | {@link MapValue} |
 * | timestamp, duration | {@link Timestamp}, {@link Duration} |
 * | type | {@link TypeValue} |
 * | optional | {@link OptionalValue} |
 * | anything a library adds | an {@link OpaqueValue} |
 *
 * Lists and maps over JSON are views: an element is read, through its schema, when an expression asks for it.
 * A failure is a value too, an {@link CelError}, so that `||`, `&&` and `?:` can absorb it.
 */
export type Value =
  | number
  | bigint
  | string
  | boolean
  | null
  | Uint8Array
  | Uint
  | Double
  | ListValue
  | MapValue
  | Timestamp
  | Duration
  | TypeValue
  | OptionalValue
  | OpaqueValue
  | CelError;

/** The outcome of an evaluation that has no value; `message` is cel-go's. */
export class CelError {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

/** What calling a function with values that none of its overloads takes gives. */
export const noSuchOverload = new CelError('no such overload');

export class Double {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

export class Uint {
  readonly value: number | bigint;
  constructor(value: number | bigint) {
    this.value = value;
  }
}

/** Seconds since 1970 and, within the second, nanoseconds (0 to 999,999,999). */
export class Timestamp {
  readonly seconds: number;
  readonly nanos: number;
  constructor(seconds: number, nanos: number) {
    this.seconds = seconds;
    this.nanos = nanos;
  }
}

/** Seconds and nanoseconds of the same sign. */
export class Duration {
  readonly seconds: number;
  readonly nanos: number;
  constructor(seconds: number, nanos: number) {
    this.seconds = seconds;
    this.nanos = nanos;
  }
}

/** A type as a value: what `type(x)` gives and what `int` names. Two are equal when their names are. */
export class TypeValue {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

export class OptionalValue {
  readonly value: Value | undefined;
  constructor(value: Value | undefined) {
    this.value = value;
  }
}

export const noneOptional = new OptionalValue(undefined);

/** A value of a library's own type: quantity, URL, IP address, authorizer and so on. */
export abstract class OpaqueValue {
  abstract readonly typeName: string;
  abstract equals(other: OpaqueValue): boolean;
  /** What `size` is to the cost of a call; values without a size cost as one. */
  get costSize(): number {
    return 1;
  }
}

/** Reads a raw element as a value. */
export type Reader = (raw: unknown) => Value;

/** How a list compares and concatenates: Kubernetes' list types, by `x-kubernetes-list-type`. */
export interface ListSemantics {
  readonly type: 'set' | 'map';
  /** The key of an element, comparable with `===`. */
  readonly keyOf: (raw: unknown) => unknown;
}

/** A list: raw elements and, unless they are values already, how to read one. */
export class ListValue {
  readonly items: readonly unknown[];
  readonly read: Reader | undefined;
  readonly semantics: ListSemantics | undefined;

  constructor(items: readonly unknown[], read?: Reader, semantics?: ListSemantics) {
    this.items = items;
    this.read = read;
    this.semantics = semantics;
  }

  get length(): number {
    return this.items.length;
  }

  at(index: number): Value {
    const raw = this.items[index];
    return this.read === undefined ? (raw as Value) : this.read(raw);
  }

  /** All elements, read: not to be changed. */
  values(): readonly Value[] {
    const { read } = this;
    return read === undefined ? (this.items as readonly Value[]) : this.items.map((raw) => read(raw));
  }

  [Symbol.iterator](): Iterator<Value> {
    return this.values()[Symbol.iterator]();
  }
}

/** What maps and objects have in common. Keys are int, uint, bool and string; numbers of equal value are one key. */
export abstract class MapValue {
  abstract get size(): number;
  /** The value at a key, or undefined when there is none. */
  abstract get(key: Value): Value | undefined;
  abstract keys(): Iterable<Value>;
  /** The type's name: `map`, or the name of the type that an expression constructed. */
  get typeName(): string {
    return 'map';
  }
}

/** A map that an expression made. */
export class EntryMap extends MapValue {
  readonly #values = new Map<unknown, Value>();
  /** The keys that are not their own identity. */
  #written: Map<unknown, Value> | undefined;

  constructor(entries: Iterable<readonly [Value, Value]> = []) {
    super();
    for (const [key, value] of entries) this.set(key, value);
  }

  /** A copy of a map for a fold to add entries to. */
  static growingFrom(map: MapValue): EntryMap {
    const copy = new EntryMap();
    copy.growing = true;
    for (const key of map.keys()) copy.set(key, map.get(key) as Value);
    return copy;
  }

  /** Whether only a fold that is still running has this map. */
  growing = false;

  set(key: Value, value: Value): void {
    const identity = mapKey(key);
    if (identity === key) this.#written?.delete(identity);
    else {
      this.#written ??= new Map();
      this.#written.set(identity, key);
    }
    this.#values.set(identity, value);
  }

  get size(): number {
    return this.#values.size;
  }

  get(key: Value): Value | undefined {
    return this.#values.get(mapKey(key));
  }

  keys(): readonly Value[] {
    const identities = [...this.#values.keys()] as Value[];
    const written = this.#written;
    return written === undefined ? identities : identities.map((identity) => written.get(identity) ?? identity);
  }

  entries(): (readonly [Value, Value])[] {
    return this.keys().map((key) => [key, this.get(key) as Value]);
  }
}

/** An object that an expression constructed: `Type{field: value}`. */
export class StructValue extends EntryMap {
  readonly #typeName: string;

  constructor(typeName: string, fields: Iterable<readonly [Value, Value]>) {
    super(fields);
    this.#typeName = typeName;
  }

  override get typeName(): string {
    return this.#typeName;
  }
}

/** The keys that have a value: JSON in memory may also hold `undefined`. */
function definedKeys(raw: Readonly<Record<string, unknown>>): readonly string[] {
  const keys = Object.keys(raw);
  work(keys.length * entryWork);
  for (const key of keys) if (raw[key] === undefined) return keys.filter((k) => raw[k] !== undefined);
  return keys;
}

/** A map with string keys over raw JSON. */
export class JsonMap extends MapValue {
  readonly raw: Readonly<Record<string, unknown>>;
  readonly read: Reader;

  constructor(raw: Readonly<Record<string, unknown>>, read: Reader) {
    super();
    this.raw = raw;
    this.read = read;
  }

  get size(): number {
    return definedKeys(this.raw).length;
  }

  get(key: Value): Value | undefined {
    if (typeof key !== 'string' || !Object.hasOwn(this.raw, key)) return undefined;
    const raw = this.raw[key];
    return raw === undefined ? undefined : this.read(raw);
  }

  keys(): readonly string[] {
    return definedKeys(this.raw);
  }
}

/** A field of an object type: its name in JSON, and how to read it. */
export interface ObjectField {
  readonly name: string;
  readonly read: Reader;
  /** Whether every JavaScript object has something of this name. */
  readonly isInherited: boolean;
}

/** What an object view needs to know of its type. Fields are keyed by the name that expressions use. */
export interface ObjectShape {
  readonly fields: ReadonlyMap<string, ObjectField>;
  /** Whether a field of this name in JSON is one of them. */
  declares(name: string): boolean;
}

/** An object with declared fields over raw JSON. Fields that are null or not declared are not seen. */
export class ObjectValue extends MapValue {
  readonly raw: Readonly<Record<string, unknown>>;
  readonly shape: ObjectShape;

  constructor(raw: Readonly<Record<string, unknown>>, shape: ObjectShape) {
    super();
    this.raw = raw;
    this.shape = shape;
  }

  get size(): number {
    return definedKeys(this.raw).length;
  }

  get(key: Value): Value | undefined {
    if (typeof key !== 'string') return undefined;
    const field = this.shape.fields.get(key);
    if (field === undefined || !Object.hasOwn(this.raw, field.name)) return undefined;
    const raw = this.raw[field.name];
    return raw === undefined || raw === null ? undefined : field.read(raw);
  }

  *keys(): Iterable<Value> {
    for (const [key, field] of this.shape.fields) {
      if (Object.hasOwn(this.raw, field.name) && this.raw[field.name] !== undefined) yield key;
    }
  }
}

/** The JSON behind a view, or the number behind a double; other elements of lists are raw already. */
export function rawOf(item: unknown): unknown {
  if (item instanceof ObjectValue || item instanceof JsonMap) return item.raw;
  return item instanceof Double ? item.value : item;
}

/** The identity of a map key: strings, booleans, and for all numbers of equal value the same. */
export function mapKey(key: Value): unknown {
  if (key instanceof Uint) return key.value;
  if (key instanceof Double) return Number.isSafeInteger(key.value) ? key.value : normalKey(key.value);
  return key;
}

function normalKey(value: number): unknown {
  return Number.isInteger(value) ? BigInt(value) : value;
}
