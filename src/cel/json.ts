/** JSON as values, and values as JSON. */
import { formatDuration, formatTimestamp } from './time.ts';
import {
  CelError,
  Double,
  Duration,
  EntryMap,
  JsonMap,
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

const valueClasses = [
  Uint,
  Double,
  ListValue,
  MapValue,
  Timestamp,
  Duration,
  TypeValue,
  OptionalValue,
  OpaqueValue,
  CelError,
];

/** JSON without a schema: integral numbers are ints, others doubles. What is a value already stays as it is. */
export function fromJson(raw: unknown): Value {
  switch (typeof raw) {
    case 'string':
    case 'boolean':
    case 'bigint':
      return raw;
    case 'number':
      return Number.isSafeInteger(raw) ? raw : new Double(raw);
    case 'object':
      if (raw === null) return null;
      if (Array.isArray(raw)) return new ListValue(raw, fromJson);
      // Nearly everything is plain, and values never are.
      if (Object.getPrototypeOf(raw) === Object.prototype) return new JsonMap(raw as Record<string, unknown>, fromJson);
      if (raw instanceof Uint8Array || valueClasses.some((valueClass) => raw instanceof valueClass))
        return raw as Value;
      return new JsonMap(raw as Record<string, unknown>, fromJson);
    default:
      return new CelError(`unsupported type: ${typeof raw}`);
  }
}

/** The JSON of a value, or an error for what JSON cannot hold. Bytes become base64, timestamps and durations text. */
export function toJson(value: Value): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (value instanceof ListValue) {
    if (value.read !== undefined && value.items.length > 0 && value.read === fromJson) return value.items;
    return [...value].map(toJson);
  }
  if (value instanceof JsonMap || value instanceof ObjectValue) return value.raw;
  if (value instanceof EntryMap) {
    return Object.fromEntries(
      [...value.entries()].map(([key, entry]) => [String(key instanceof Uint ? key.value : key), toJson(entry)]),
    );
  }
  if (value instanceof MapValue) {
    return Object.fromEntries([...value.keys()].map((key) => [String(key), toJson(value.get(key) as Value)]));
  }
  if (value instanceof Double || value instanceof Uint) return value.value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof Timestamp) return formatTimestamp(value);
  if (value instanceof Duration) return formatDuration(value);
  if (value instanceof OptionalValue) return value.value === undefined ? null : toJson(value.value);
  if (value instanceof CelError) return value;
  return new CelError(`unsupported type conversion to JSON: ${value instanceof TypeValue ? 'type' : value.typeName}`);
}
