/**
 * Schemas as types of CEL: what an expression may select, how large it may be, and how it is read.
 * Source: Kubernetes' `apiserver/pkg/cel/common/schemas.go` and `values.go`.
 */
import type { Schema } from '../machinery/schema.ts';
import { escapeFieldName } from './field-names.ts';
import { readerOf, withObjectMeta } from './schema-values.ts';
import {
  boolType,
  bytesType,
  doubleType,
  durationType,
  dynType,
  intType,
  listOf,
  mapOf,
  stringType,
  type Type,
  timestampType,
} from './types.ts';
import type { Reader } from './values.ts';

/** The largest request, in bytes, that sizes are estimated by. */
export const maxRequestBytes = 3 * 1024 * 1024;
const durationBytes = 32;
const dateTimeBytes = 32;
const dateBytes = 12;

/** What a schema means to expressions. Types of objects carry the name of the root and the path from it. */
export interface DeclaredType {
  readonly type: Type;
  /** The most elements, entries, characters or bytes that a value may have. */
  readonly maxElements: number;
  /** The fewest bytes that a value takes in JSON. */
  readonly minBytes: number;
  readonly element?: DeclaredType | undefined;
  readonly fields?: ReadonlyMap<string, DeclaredType> | undefined;
  /** Whether the value is a map, whose keys have no known size. */
  readonly isMap: boolean;
  readonly read: Reader;
}

/**
 * The type that a schema declares, or undefined when its values are not seen by expressions.
 * @param name what the type of an object is called; types of its fields are called after it
 * @param isRoot whether this is the root of a resource, which has a kind and a name whatever the schema says
 */
export function declaredType(schema: Schema, isRoot: boolean, name: string): DeclaredType | undefined {
  const minBytes = minBytesOf(schema, isRoot);
  if (minBytes === undefined) return undefined;
  return declare(isRoot ? withObjectMeta(schema) : schema, minBytes, name);
}

function declare(schema: Schema, minBytes: number, name: string): DeclaredType {
  const read = readerOf(schema);
  const scalar = (type: Type, maxElements = 0): DeclaredType => ({ type, maxElements, minBytes, isMap: false, read });
  if (schema['x-kubernetes-int-or-string']) {
    return scalar(dynType, schema.maxLength === undefined ? maxRequestBytes - 2 : maxTextLength(schema.maxLength));
  }
  switch (schema.type) {
    case 'array': {
      const element = child(schema.items as Schema, `${name}.@idx`);
      const fitting = Math.floor((maxRequestBytes - 2) / (element.minBytes + 1));
      const maxElements = schema.maxItems === undefined ? fitting : Math.max(schema.maxItems, 0);
      return { type: listOf(element.type), maxElements, minBytes, element, isMap: false, read };
    }
    case 'object': {
      const values = additionalSchema(schema);
      if (values === undefined) return new DeclaredObject(schema, minBytes, name, read);
      const element = child(values, `${name}.@elem`);
      const fitting = Math.floor((maxRequestBytes - 2) / (element.minBytes + 6));
      const maxElements = schema.maxProperties === undefined ? fitting : Math.max(schema.maxProperties, 0);
      return { type: mapOf(stringType, element.type), maxElements, minBytes, element, isMap: true, read };
    }
    case 'string':
      switch (schema.format) {
        case 'byte':
          return scalar(
            bytesType,
            schema.maxLength === undefined ? maxRequestBytes - 2 : Math.max(schema.maxLength, 0),
          );
        case 'duration':
          return scalar(durationType, durationBytes);
        case 'date':
          return scalar(timestampType, dateBytes);
        case 'date-time':
          return scalar(timestampType, dateTimeBytes);
        default:
          return scalar(stringType, maxStringLength(schema));
      }
    case 'boolean':
      return scalar(boolType);
    case 'number':
      return scalar(doubleType);
    default:
      return scalar(intType);
  }
}

function child(schema: Schema, name: string): DeclaredType {
  return declaredType(schema, schema['x-kubernetes-embedded-resource'] === true, name) as DeclaredType;
}

/** An object with fields; they are declared when somebody asks for them, so that large schemas cost only what is used. */
class DeclaredObject implements DeclaredType {
  readonly type: Type;
  readonly maxElements = 0;
  readonly minBytes: number;
  readonly isMap = false;
  readonly read: Reader;
  readonly #schema: Schema;
  #fields: ReadonlyMap<string, DeclaredType> | undefined;

  constructor(schema: Schema, minBytes: number, name: string, read: Reader) {
    this.#schema = schema;
    this.minBytes = minBytes;
    this.read = read;
    this.type = new ObjectSchemaType(name, () => this.fields);
  }

  get fields(): ReadonlyMap<string, DeclaredType> {
    this.#fields ??= this.#declareFields();
    return this.#fields;
  }

  #declareFields(): ReadonlyMap<string, DeclaredType> {
    const fields = new Map<string, DeclaredType>();
    for (const [name, property] of Object.entries(this.#schema.properties ?? {})) {
      const escaped = escapeFieldName(name);
      if (escaped === undefined) continue;
      const isRoot = property['x-kubernetes-embedded-resource'] === true;
      const field = declaredType(property, isRoot, `${this.type.name}.${escaped}`);
      if (field !== undefined) fields.set(escaped, field);
    }
    return fields;
  }
}

class ObjectSchemaType implements Type {
  readonly kind = 'object';
  readonly params: readonly Type[] = [];
  readonly name: string;
  readonly #declared: () => ReadonlyMap<string, DeclaredType>;
  #fields: ReadonlyMap<string, Type> | undefined;

  constructor(name: string, declared: () => ReadonlyMap<string, DeclaredType>) {
    this.name = name;
    this.#declared = declared;
  }

  get fields(): ReadonlyMap<string, Type> {
    this.#fields ??= new Map([...this.#declared()].map(([name, field]) => [name, field.type]));
    return this.#fields;
  }
}

/** The schema of a map's values, when the schema is one of a map. */
function additionalSchema(schema: Schema): Schema | undefined {
  return typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined;
}

/** A character takes up to four bytes, and sizes are in bytes. */
function maxTextLength(maxLength: number): number {
  return Math.max(maxLength, 0) * 4;
}

function maxStringLength(schema: Schema): number {
  if (schema.maxLength !== undefined) return maxTextLength(schema.maxLength);
  const values = schema.enum ?? [];
  if (values.length === 0) return maxRequestBytes - 2;
  return Math.max(0, ...values.map((value) => (typeof value === 'string' ? Buffer.byteLength(value) : 0)));
}

const minBytesCache = new WeakMap<Schema, { root?: number | undefined; inner?: number | undefined }>();

/** The fewest bytes that a value of the schema takes, or undefined when expressions do not see such values. */
function minBytesOf(schema: Schema, isRoot: boolean): number | undefined {
  const key = isRoot ? 'root' : 'inner';
  let known = minBytesCache.get(schema);
  if (known !== undefined && key in known) return known[key];
  if (known === undefined) {
    known = {};
    minBytesCache.set(schema, known);
  }
  // A schema that contains itself is at least an empty object.
  known[key] = 2;
  const minBytes = computeMinBytes(schema, isRoot);
  known[key] = minBytes;
  return minBytes;
}

function computeMinBytes(schema: Schema, isRoot: boolean): number | undefined {
  if (schema['x-kubernetes-int-or-string']) return 1;
  const isEmbedded = (inner: Schema): boolean => inner['x-kubernetes-embedded-resource'] === true;
  const seen = isRoot ? withObjectMeta(schema) : schema;
  switch (seen.type) {
    case 'array':
      return seen.items !== undefined && minBytesOf(seen.items, isEmbedded(seen.items)) !== undefined ? 2 : undefined;
    case 'object': {
      const values = additionalSchema(seen);
      if (values !== undefined) return minBytesOf(values, isEmbedded(values)) === undefined ? undefined : 2;
      let bytes = 2;
      for (const name of new Set(seen.required)) {
        const property = seen.properties?.[name];
        if (property === undefined || property.default !== undefined) continue;
        const inner = minBytesOf(property, isEmbedded(property));
        if (inner !== undefined) bytes += Buffer.byteLength(name) + inner + 4;
      }
      return bytes;
    }
    case 'string':
      return { duration: 3, date: dateBytes, 'date-time': 21 }[seen.format ?? ''] ?? 2;
    case 'boolean':
      return 4;
    case 'number':
    case 'integer':
      return 1;
    default:
      return undefined;
  }
}
