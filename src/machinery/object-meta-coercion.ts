/**
 * `metadata` of objects without a Go type, brought into the form which a round trip through `metav1.ObjectMeta` gives it:
 * wrong types are refused with the words of Go's decoder, unknown fields and empty values are dropped, times are in UTC
 * and whole seconds. Source: `k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta`.
 */
import { goNumber } from './go-text.ts';
import { isJsonObject, type JsonObject, type JsonValue, jsonKind, setField } from './json.ts';
import { formatSeconds, parseTime, TimeError } from './time.ts';

export interface CoercedMeta {
  /** Why the metadata cannot be taken, as Go's decoder says it. The object is unchanged then. */
  error?: string;
  /** Paths of dropped fields, from the object's root: `metadata.foo`. */
  unknown: string[];
}

/**
 * Replaces `object.metadata` by its coerced form, in place. Objects with a Go type of their own (`struct`, its name) have a
 * decoder that names the field from the root and reads the fields as they come (instead of sorted).
 */
export function coerceObjectMeta(object: JsonObject, struct = ''): CoercedMeta {
  const unknown: string[] = [];
  if (!Object.hasOwn(object, 'metadata')) return { unknown };
  const decoder = new Decoder(unknown, struct);
  try {
    object.metadata = decoder.metadata(object.metadata ?? null);
  } catch (error) {
    if (error instanceof DecodeError || error instanceof TimeError) return { error: error.message, unknown: [] };
    throw error;
  }
  return { unknown };
}

// ---------------------------------------------------------------------------------------------- decoding

class DecodeError extends Error {
  override readonly name = 'DecodeError';
}

/** The Go types that metadata is made of. A `struct` lists its fields in the order in which they are written. */
type GoType =
  | { readonly kind: 'string' | 'integer' | 'boolean' | 'time' | 'any'; readonly name: string; readonly pointer?: true }
  | { readonly kind: 'list' | 'map'; readonly name: string; readonly items: GoType }
  | {
      readonly kind: 'struct';
      readonly name: string;
      readonly short: string;
      readonly fields: Record<string, GoType>;
      readonly keepEmpty: readonly string[];
    };

const text: GoType = { kind: 'string', name: 'string' };
const uid: GoType = { kind: 'string', name: 'types.UID' };
const boolean: GoType = { kind: 'boolean', name: 'bool', pointer: true };
const integer: GoType = { kind: 'integer', name: 'int64' };
/** A pointer: zero is a value. */
const optionalInteger: GoType = { kind: 'integer', name: 'int64', pointer: true };
const time: GoType = { kind: 'time', name: 'string' };
const textMap: GoType = { kind: 'map', name: 'map[string]string', items: text };

const ownerReference: GoType = {
  kind: 'struct',
  name: 'v1.OwnerReference',
  short: 'OwnerReference',
  fields: { apiVersion: text, kind: text, name: text, uid, controller: boolean, blockOwnerDeletion: boolean },
  keepEmpty: ['apiVersion', 'kind', 'name', 'uid'],
};

const managedFieldsEntry: GoType = {
  kind: 'struct',
  name: 'v1.ManagedFieldsEntry',
  short: 'ManagedFieldsEntry',
  fields: {
    manager: text,
    operation: { kind: 'string', name: 'v1.ManagedFieldsOperationType' },
    apiVersion: text,
    time,
    fieldsType: text,
    fieldsV1: { kind: 'any', name: 'v1.FieldsV1' },
    subresource: text,
  },
  keepEmpty: [],
};

const objectMeta: Extract<GoType, { kind: 'struct' }> = {
  kind: 'struct',
  name: 'v1.ObjectMeta',
  short: 'ObjectMeta',
  fields: {
    name: text,
    generateName: text,
    namespace: text,
    selfLink: text,
    uid,
    resourceVersion: text,
    generation: integer,
    creationTimestamp: time,
    deletionTimestamp: time,
    deletionGracePeriodSeconds: optionalInteger,
    labels: textMap,
    annotations: textMap,
    ownerReferences: { kind: 'list', name: '[]v1.OwnerReference', items: ownerReference },
    finalizers: { kind: 'list', name: '[]string', items: text },
    managedFields: { kind: 'list', name: '[]v1.ManagedFieldsEntry', items: managedFieldsEntry },
  },
  keepEmpty: [],
};

/** Where a value stands, as an error names it: the innermost struct and the names of the fields that led to it. */
interface Position {
  readonly struct: string;
  readonly fields: string;
  readonly path: string;
}

class Decoder {
  readonly #unknown: string[];
  readonly #struct: string;

  constructor(unknown: string[], struct: string) {
    this.#unknown = unknown;
    this.#struct = struct;
  }

  metadata(value: JsonValue): JsonValue {
    const position = { struct: this.#struct, fields: this.#struct === '' ? '' : 'metadata', path: 'metadata' };
    return this.#decode(value, objectMeta, position) ?? {};
  }

  /** The value as the type writes it; undefined for what it does not write. */
  #decode(value: JsonValue, type: GoType, position: Position): JsonValue | undefined {
    if (value === null) return undefined;
    switch (type.kind) {
      case 'any':
        return value;
      case 'string':
        return typeof value === 'string' ? value : refuse(value, type, position);
      case 'boolean':
        return typeof value === 'boolean' ? value : refuse(value, type, position);
      case 'integer':
        return typeof value === 'bigint' || Number.isInteger(value) ? value : refuse(value, type, position);
      case 'time':
        if (typeof value !== 'string') return refuse(value, type, position);
        return formatSeconds(parseTime(value));
      case 'list':
        if (!Array.isArray(value)) return refuse(value, type, position);
        return value.map((item, i) => {
          const at = { ...position, path: `${position.path}[${i}]` };
          return this.#decode(item, type.items, at) ?? zero(type.items);
        });
      case 'map': {
        if (!isJsonObject(value)) return refuse(value, type, position);
        const map: JsonObject = {};
        for (const key of this.#keys(value)) {
          setField(map, key, this.#decode(value[key] ?? null, type.items, position) ?? zero(type.items));
        }
        return map;
      }
      case 'struct':
        return isJsonObject(value) ? this.#fieldsOf(value, type, position) : refuse(value, type, position);
    }
  }

  #fieldsOf(value: JsonObject, type: Extract<GoType, { kind: 'struct' }>, position: Position): JsonObject {
    const decoded: JsonObject = {};
    for (const key of this.#keys(value)) {
      const field = Object.hasOwn(type.fields, key) ? type.fields[key] : undefined;
      const path = `${position.path}.${key}`;
      if (field === undefined) {
        this.#unknown.push(path);
        continue;
      }
      const fields = position.fields === '' ? key : `${position.fields}.${key}`;
      const written = this.#decode(value[key] ?? null, field, { struct: type.short, fields, path });
      if (written !== undefined) decoded[key] = written;
    }
    const ordered: JsonObject = {};
    for (const key of Object.keys(type.fields)) {
      const field = type.fields[key]!;
      const keep = type.keepEmpty.includes(key);
      const written = decoded[key] ?? (keep ? zero(field) : undefined);
      const pointer = 'pointer' in field;
      if (written !== undefined && (keep || pointer || !isEmpty(written))) ordered[key] = written;
    }
    return ordered;
  }

  #keys(value: JsonObject): string[] {
    const keys = Object.keys(value).filter((key) => value[key] !== undefined);
    return this.#struct !== '' ? keys : keys.sort();
  }
}

/** What Go leaves where JSON says null. */
function zero(type: GoType): JsonValue {
  if (type.kind === 'string') return '';
  return type.kind === 'struct' ? Object.fromEntries(type.keepEmpty.map((key) => [key, ''])) : null;
}

function isEmpty(value: JsonValue): boolean {
  if (value === '' || value === 0) return true;
  if (Array.isArray(value)) return value.length === 0;
  return isJsonObject(value) && Object.keys(value).length === 0;
}

function refuse(value: JsonValue, type: GoType, { struct, fields }: Position): never {
  // A number of the wrong form is shown, other values are named by their kind only.
  const shown = typeof value === 'number' && type.kind === 'integer' ? `number ${goNumber(value)}` : jsonKind(value);
  const into = struct === '' ? `value of type ${type.name}` : `struct field ${struct}.${fields} of type ${type.name}`;
  throw new DecodeError(`json: cannot unmarshal ${shown} into Go ${into}`);
}
