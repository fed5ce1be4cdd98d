/** JSON as values, and values as JSON. */
import { formatDuration, formatTimestamp } from './time.ts';
import {
  CelError,
  Double,
  Duration,
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

/**
 * How large the JSON of a value may become, in characters or so: as large as requests. Values share their parts, which
 * JSON repeats: thirty doublings of a list make a thousand million elements.
 */
const maxJsonSize = 3 * 1024 * 1024;

/** The JSON of a value, or an error for what JSON cannot hold. Bytes become base64, timestamps and durations text. */
export function toJson(value: Value): unknown {
  try {
    return write(value, { left: maxJsonSize });
  } catch (error) {
    if (error instanceof NotJson) return new CelError(error.message);
    throw error;
  }
}

/** Thrown inside, turned into a {@link CelError} at the border. */
class NotJson extends Error {}

interface Space {
  left: number;
}

function take(space: Space, size: number): void {
  space.left -= size;
  if (space.left < 0) throw new NotJson('the result is too large');
}

function write(value: Value, space: Space): unknown {
  take(space, typeof value === 'string' ? value.length + 2 : 2);
  if (value === null || typeof value !== 'object') return value;
  if (value instanceof ListValue) {
    if (value.read !== fromJson) return value.values().map((element) => write(element, space));
    takeRaw(value.items, space);
    return value.items;
  }
  if (value instanceof JsonMap || value instanceof ObjectValue) {
    takeRaw(value.raw, space);
    return value.raw;
  }
  if (value instanceof MapValue) {
    const entries: [string, unknown][] = [];
    for (const key of value.keys()) {
      const name = String(key instanceof Uint ? key.value : key);
      take(space, name.length + 2);
      entries.push([name, write(value.get(key) as Value, space)]);
    }
    return Object.fromEntries(entries);
  }
  if (value instanceof Double || value instanceof Uint) return value.value;
  if (value instanceof Uint8Array) {
    take(space, value.length);
    return Buffer.from(value).toString('base64');
  }
  if (value instanceof Timestamp) return formatTimestamp(value);
  if (value instanceof Duration) return formatDuration(value);
  if (value instanceof OptionalValue) return value.value === undefined ? null : write(value.value, space);
  if (value instanceof CelError) throw new NotJson(value.message);
  throw new NotJson(`unsupported type conversion to JSON: ${value instanceof TypeValue ? 'type' : value.typeName}`);
}

/** JSON that is handed out as it is takes the same space. */
function takeRaw(raw: unknown, space: Space): void {
  take(space, typeof raw === 'string' ? raw.length + 2 : 2);
  if (Array.isArray(raw)) for (const item of raw) takeRaw(item, space);
  else if (typeof raw === 'object' && raw !== null) {
    for (const [name, member] of Object.entries(raw)) {
      take(space, name.length + 2);
      takeRaw(member, space);
    }
  }
}
