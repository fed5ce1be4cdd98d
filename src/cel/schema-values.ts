/** Raw JSON read as values through its schema. Source: Kubernetes' `apiserver/pkg/cel/common/values.go`. */
import type { Schema } from '../machinery/schema.ts';
import { escapeFieldName } from './field-names.ts';
import { fromJson } from './json.ts';
import { normalInt } from './literals.ts';
import { parseDuration, parseTimestamp, utcSeconds } from './time.ts';
import {
  CelError,
  Double,
  Duration,
  JsonMap,
  type ListSemantics,
  ListValue,
  type ObjectField,
  type ObjectShape,
  ObjectValue,
  type Reader,
  rawOf,
  Timestamp,
  type Value,
} from './values.ts';
import { work } from './work.ts';

const stringSchema: Schema = { type: 'string' };
const metaCache = new WeakMap<Schema, Schema>();

/** The schema of a resource with what every resource has: a kind, an apiVersion, and a metadata with a name. */
export function withObjectMeta(schema: Schema): Schema {
  const { kind, apiVersion, metadata } = schema.properties ?? {};
  const names = metadata?.properties;
  if (kind?.type === 'string' && apiVersion?.type === 'string' && metadata?.type === 'object') {
    if (names?.name?.type === 'string' && names.generateName?.type === 'string') return schema;
  }
  let result = metaCache.get(schema);
  if (result === undefined) {
    const meta: Schema = { type: 'object', properties: { name: stringSchema, generateName: stringSchema } };
    const properties = { ...schema.properties, kind: stringSchema, apiVersion: stringSchema, metadata: meta };
    result = { ...schema, properties };
    metaCache.set(schema, result);
  }
  return result;
}

const readers = new WeakMap<Schema, Reader>();

/** How values of a schema are read. Readers are made once for each schema, and those of fields when they are used. */
export function readerOf(schema: Schema): Reader {
  let reader = readers.get(schema);
  if (reader === undefined) {
    reader = nonNull(schema, makeReader(schema));
    readers.set(schema, reader);
  }
  return reader;
}

const unexpectedNull = new CelError('invalid data, got null for schema with nullable=false');

function nonNull(schema: Schema, read: Reader): Reader {
  const whenNull = schema.nullable ? null : unexpectedNull;
  return (raw) => (raw === null ? whenNull : read(raw));
}

function makeReader(schema: Schema): Reader {
  if (schema['x-kubernetes-int-or-string']) return readIntOrString;
  switch (schema.type) {
    case 'object':
      return objectReader(schema);
    case 'array':
      return arrayReader(schema);
    case 'string':
      return stringReader(schema.format);
    case 'number':
      return (raw) =>
        typeof raw === 'number' || typeof raw === 'bigint' ? new Double(Number(raw)) : unexpected('float', raw);
    case 'integer':
      return readInteger;
    case 'boolean':
      return (raw) => (typeof raw === 'boolean' ? raw : unexpected('bool', raw));
    default:
      if (schema['x-kubernetes-preserve-unknown-fields']) return fromJson;
      return () =>
        new CelError(
          'invalid type, expected object, array, number, integer, boolean or string, or no type with ' +
            'x-kubernetes-int-or-string or x-kubernetes-preserve-unknown-fields is true, got ' +
            (schema.type ?? ''),
        );
  }
}

function unexpected(expected: string, raw: unknown): CelError {
  return new CelError(`invalid data, expected ${expected}, got ${goType(raw)}`);
}

/** What Go calls the type of raw JSON. */
function goType(raw: unknown): string {
  if (Array.isArray(raw)) return '[]interface {}';
  switch (typeof raw) {
    case 'number':
      return Number.isInteger(raw) ? 'int64' : 'float64';
    case 'bigint':
      return 'int64';
    case 'boolean':
      return 'bool';
    case 'string':
      return 'string';
    default:
      return 'map[string]interface {}';
  }
}

function readInteger(raw: unknown): Value {
  if (typeof raw === 'number') {
    if (Number.isSafeInteger(raw)) return raw;
    return Number.isInteger(raw) ? normalInt(BigInt(raw)) : unexpected('int', raw);
  }
  return typeof raw === 'bigint' ? normalInt(raw) : unexpected('int', raw);
}

function readIntOrString(raw: unknown): Value {
  if (typeof raw === 'string') return raw;
  if (typeof raw === 'bigint' || (typeof raw === 'number' && Number.isInteger(raw))) return readInteger(raw);
  return new CelError('invalid data, expected XIntOrString value to be either a string or integer');
}

// Objects.

const notAMap = new CelError('invalid data, expected a map for the provided schema with type=object');

function objectReader(schema: Schema): Reader {
  const isObject = (raw: unknown): raw is Record<string, unknown> => typeof raw === 'object' && !Array.isArray(raw);
  const embedded = schema['x-kubernetes-embedded-resource'] === true;
  if (embedded || schema.properties !== undefined) {
    const shape = new SchemaShape(embedded ? withObjectMeta(schema) : schema);
    return (raw) => (isObject(raw) ? new ObjectValue(raw, shape) : notAMap);
  }
  const values = schema.additionalProperties;
  if (typeof values === 'object') {
    const read = whenFirstRead(values);
    return (raw) => (isObject(raw) ? new JsonMap(raw, read) : notAMap);
  }
  if (schema['x-kubernetes-preserve-unknown-fields']) {
    const shape = new SchemaShape(schema);
    return (raw) => (isObject(raw) ? new ObjectValue(raw, shape) : notAMap);
  }
  const invalid = new CelError(
    'invalid object type, expected either Properties or AdditionalProperties with Allows=true and non-empty Schema',
  );
  return () => invalid;
}

/** The fields of an object by their names in CEL, made when the first object is looked into. */
class SchemaShape implements ObjectShape {
  readonly #properties: Readonly<Record<string, Schema>>;
  #fields: ReadonlyMap<string, ObjectField> | undefined;

  constructor(schema: Schema) {
    this.#properties = schema.properties ?? {};
  }

  get fields(): ReadonlyMap<string, ObjectField> {
    this.#fields ??= new Map(
      Object.entries(this.#properties).map(([name, property]) => [
        escapeFieldName(name) ?? name,
        { name, read: readerOf(property), isInherited: name in Object.prototype },
      ]),
    );
    return this.#fields;
  }

  declares(name: string): boolean {
    return Object.hasOwn(this.#properties, name);
  }
}

/** The reader of a schema, made when it is first needed: what schemas hold is often not looked at. */
function whenFirstRead(schema: Schema): Reader {
  let read: Reader | undefined;
  return (raw) => {
    read ??= readerOf(schema);
    return read(raw);
  };
}

// Arrays.

const notAnArray = new CelError('invalid data, expected an array for the provided schema with type=array');

function arrayReader(schema: Schema): Reader {
  const { items } = schema;
  if (items === undefined) {
    const invalid = new CelError('invalid array type, expected Items with a non-empty Schema');
    return () => invalid;
  }
  const read = whenFirstRead(items);
  const semantics = listSemantics(schema);
  return (raw) => (Array.isArray(raw) ? new ListValue(raw, read, semantics) : notAnArray);
}

function listSemantics(schema: Schema): ListSemantics | undefined {
  switch (schema['x-kubernetes-list-type']) {
    case 'set':
      return { type: 'set', keyOf: rawOf };
    case 'map': {
      const keys = schema['x-kubernetes-list-map-keys'] ?? [];
      return { type: 'map', keyOf: (item) => mapListKey(keys, rawOf(item)) };
    }
    default:
      return undefined;
  }
}

/** The identity of an element of a map list: its key field, or all of them together. */
export function mapListKey(keys: readonly string[], raw: unknown): unknown {
  if (typeof raw !== 'object' || raw === null) return undefined;
  const fields = raw as Readonly<Record<string, unknown>>;
  if (keys.length === 1) return fields[keys[0] as string];
  return JSON.stringify(
    keys.map((key) => fields[key] ?? null),
    (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value),
  );
}

// Strings.

function stringReader(format: string | undefined): Reader {
  const parse = format === undefined ? undefined : formats[format];
  if (parse === undefined) return (raw) => (typeof raw === 'string' ? raw : unexpected('string', raw));
  return (raw) => {
    if (typeof raw !== 'string') return unexpected('string', raw);
    work(formatWork + raw.length);
    return parse(raw);
  };
}

/** Timestamps and the like are parsed whenever they are read. */
const formatWork = 400;

const formats: Readonly<Record<string, (text: string) => Value>> = {
  duration: (text) => parseDuration(text) ?? namedDuration(text),
  date: (text) => {
    const match = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text);
    const [year, month, day] = (match ?? []).slice(1).map(Number) as [number, number, number];
    const seconds = match === null ? Number.NaN : utcSeconds(year, month, day);
    if (Number.isNaN(seconds) || month > 12 || new Date(seconds * 1000).getUTCDate() !== day) {
      return new CelError(`Invalid date formatted string ${text}`);
    }
    return new Timestamp(seconds, 0);
  },
  'date-time': (text) => {
    // strfmt also reads offsets without a colon and times without an offset.
    const zoned = text.replace(/([+-]\d\d)(\d\d)$/, '$1:$2').replace(/(T[\d:]+(?:\.\d+)?)$/, '$1Z');
    return parseTimestamp(zoned) ?? new CelError(`Invalid date-time formatted string ${text}`);
  },
  byte: (text) => {
    if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) {
      return new CelError(`Invalid byte formatted string ${text}`);
    }
    return new Uint8Array(Buffer.from(text, 'base64'));
  },
};

const unitSeconds: Readonly<Record<string, number>> = { s: 1, sec: 1, m: 60, min: 60, h: 3600, hr: 3600, d: 86_400 };

/** `3 days`, `2 weeks`: what strfmt reads besides Go's durations. */
function namedDuration(text: string): Value {
  const match = /^(\d+)\s*(s|sec|second|m|min|minute|h|hr|hour|d|day|w|week|wk)s?$/.exec(text.trim());
  if (match === null) return new CelError(`Invalid duration ${text}: time: invalid duration "${text}"`);
  const unit = { second: 's', minute: 'm', hour: 'h', day: 'd' }[match[2] as string] ?? (match[2] as string);
  const seconds = unit.startsWith('w') ? 604_800 : (unitSeconds[unit] as number);
  return new Duration(Number(match[1]) * seconds, 0);
}
