/**
 * The form in which Kubernetes' Go types write an object: reading JSON into them and writing it again drops nulls, zero
 * values of optional fields and empty lists, writes required fields that were absent, and spells quantities and times in
 * one way. Clients see that form in every answer, so built-in kinds pass through it before they are defaulted.
 * Source: `encoding/json` with the tags of `k8s.io/api`; `resource.Quantity`, `metav1.Time` and `metav1.MicroTime`.
 */
import { formatMicroTime, formatTime } from '../clock/clock.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../machinery/json.ts';
import { canonicalQuantity } from '../machinery/quantity.ts';
import type { Schema } from '../machinery/schema.ts';
import { presenceOf, schemaOf } from './schemas.ts';

/**
 * Brings a value that a field holds into its normal form, in place where it is an object; answers what to store. Nothing is
 * assigned that stays: managed fields are the stored object's own, and frozen.
 */
type Normalize = (value: JsonValue) => JsonValue;

interface Field {
  readonly normalize: Normalize | undefined;
  /** Whether an empty value (zero, '', false, [] or {}) is not written. */
  readonly omitEmpty: boolean;
  /** What is written when the field is absent; `undefined`: nothing. A function, as drafts are changed in place. */
  readonly zero: (() => JsonValue) | undefined;
}

interface Struct {
  readonly fields: ReadonlyMap<string, Field>;
  readonly always: readonly (readonly [string, () => JsonValue])[];
}

const quantity = 'io.k8s.apimachinery.pkg.api.resource.Quantity';
const time = 'io.k8s.apimachinery.pkg.apis.meta.v1.Time';
const microTime = 'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime';

const structs = new Map<string, Struct>();

/** Brings a whole object of a built-in kind into its normal form, in place. `schema` is its version's. */
export function normalize(object: JsonObject, schema: Schema): void {
  const { creationTimestamp } = isJsonObject(object.metadata) ? object.metadata : {};
  applyStruct(object, structOf(schema));
  // The server stamps objects itself; only objects inside objects keep the null of an unset time.
  if (isJsonObject(object.metadata) && (creationTimestamp ?? null) === null) delete object.metadata.creationTimestamp;
}

/** A new zero value of a definition, as Go writes it: `{ replicas: 0 }` for a ReplicaSet's status. */
export function zeroOf<T extends object>(definition: string): T {
  const object: JsonObject = {};
  applyStruct(object, structOf(schemaOf(definition)));
  return object as T;
}

function applyStruct(object: JsonObject, struct: Struct): void {
  for (const key of Object.keys(object)) {
    const field = struct.fields.get(key);
    if (field === undefined) continue;
    const value = object[key];
    if (value === null || value === undefined) {
      delete object[key];
      continue;
    }
    const normal = field.normalize === undefined ? value : field.normalize(value);
    if (normal !== value) object[key] = normal;
    if (field.omitEmpty && isEmpty(normal)) delete object[key];
    // The storage's encoding does not know an empty list from none.
    else if (field.zero !== undefined && Array.isArray(normal) && normal.length === 0) object[key] = field.zero();
  }
  for (const [name, zero] of struct.always) if (object[name] === undefined) object[name] = zero();
}

function isEmpty(value: JsonValue): boolean {
  switch (typeof value) {
    case 'string':
      return value === '';
    case 'number':
      return value === 0;
    case 'boolean':
      return !value;
    case 'object':
      if (Array.isArray(value)) return value.length === 0;
      for (const _ in value) return false;
      return true;
    default:
      return false;
  }
}

function structOf(schema: Schema): Struct {
  const name = schema.definition as string;
  const known = structs.get(name);
  if (known !== undefined) return known;
  const { pointers = [], always = [] } = presenceOf(name);
  const fields = new Map<string, Field>();
  const written: [string, () => JsonValue][] = [];
  const struct: Struct = { fields, always: written };
  structs.set(name, struct);
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    if (property['x-kubernetes-preserve-unknown-fields'] === true) continue;
    const pointer = pointers.includes(key);
    const stays = always.includes(key) || (schema.required?.includes(key) === true && !pointer);
    const isStruct = property.definition !== undefined && property.type === 'object';
    const isPointer = pointer || isStruct || property['x-kubernetes-int-or-string'] === true;
    // A required pointer that is absent is written as null.
    const zero = stays ? zeroValueOf(property) : schema.required?.includes(key) === true ? () => null : undefined;
    fields.set(key, { normalize: normalizerOf(property), omitEmpty: !stays && !isPointer, zero });
    if (zero !== undefined) written.push([key, zero]);
  }
  return struct;
}

/** Resolved when it is first used: definitions may refer to themselves. */
function lazily(schema: Schema): () => Struct {
  let struct: Struct | undefined;
  return () => {
    struct ??= structOf(schema);
    return struct;
  };
}

function normalizerOf(schema: Schema): Normalize | undefined {
  switch (schema.definition) {
    case quantity:
      return normalQuantity;
    case time:
      return (value) => normalTime(value, wholeSeconds, formatTime);
    case microTime:
      return (value) => normalTime(value, sixDecimals, formatMicroTime);
  }
  if (schema.format === 'byte') return normalBase64;
  if (schema.properties !== undefined && schema.definition !== undefined) {
    const struct = lazily(schema);
    return (value) => {
      if (isJsonObject(value)) applyStruct(value, struct());
      return value;
    };
  }
  if (schema.items !== undefined) {
    const item = normalizerOf(schema.items);
    const whenNull = zeroValueOf(schema.items) ?? (() => null);
    return (value) => {
      if (!Array.isArray(value)) return value;
      for (let i = 0; i < value.length; i++) {
        const old = value[i] as JsonValue;
        const normal = old === null ? whenNull() : (item?.(old) ?? old);
        if (normal !== old) value[i] = normal;
      }
      return value;
    };
  }
  if (typeof schema.additionalProperties === 'object') {
    const entry = normalizerOf(schema.additionalProperties);
    const whenNull = zeroValueOf(schema.additionalProperties) ?? (() => null);
    return (value) => {
      if (!isJsonObject(value)) return value;
      for (const key of Object.keys(value)) {
        const old = value[key];
        if (old === undefined) continue;
        const normal = old === null ? whenNull() : (entry?.(old) ?? old);
        if (normal !== old) value[key] = normal;
      }
      return value;
    };
  }
  return undefined;
}

function zeroValueOf(schema: Schema): (() => JsonValue) | undefined {
  switch (schema.definition) {
    case quantity:
      return () => '0';
    case time:
    case microTime:
      return () => null;
  }
  if (schema['x-kubernetes-int-or-string'] === true) return () => 0;
  switch (schema.type) {
    case 'string':
      return () => '';
    case 'integer':
    case 'number':
      return () => 0;
    case 'boolean':
      return () => false;
    case 'array':
      return () => null;
    case 'object': {
      if (schema.properties === undefined) return schema.definition === undefined ? () => null : () => ({});
      const struct = lazily(schema);
      return () => {
        const object: JsonObject = {};
        applyStruct(object, struct());
        return object;
      };
    }
    default:
      return undefined;
  }
}

function normalQuantity(value: JsonValue): JsonValue {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'bigint') return value;
  return canonicalQuantity(String(value)) ?? value;
}

/** Go's decoder passes over line breaks. */
function normalBase64(value: JsonValue): JsonValue {
  return typeof value === 'string' && /[\r\n]/.test(value) ? value.replace(/[\r\n]+/g, '') : value;
}

const wholeSeconds = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const sixDecimals = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

function normalTime(value: JsonValue, normal: RegExp, format: (milliseconds: number) => string): JsonValue {
  if (typeof value !== 'string' || normal.test(value)) return value;
  const milliseconds = Date.parse(value);
  if (Number.isNaN(milliseconds)) return value;
  const micros = /\.(\d{4,6})\d*(?:Z|[+-])/.exec(value)?.[1];
  const text = format(milliseconds);
  // Date knows milliseconds; what it cuts off is put back.
  return micros === undefined || format === formatTime ? text : text.replace(/\d{6}Z$/, `${micros.padEnd(6, '0')}Z`);
}
