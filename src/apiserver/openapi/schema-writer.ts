/**
 * Schemas as OpenAPI writes them. v3 keeps everything; v2 knows no `oneOf`, no `nullable` and no types behind
 * preserved unknown fields, which are left out, as apiextensions-apiserver does for its v2 document.
 */
import type { Description } from '../../apis/schemas.ts';
import type { JsonObject, JsonValue } from '../../machinery/json.ts';
import type { Schema } from '../../machinery/schema.ts';

export type OpenApiVersion = 'v2' | 'v3';

const prefixes = { v2: '#/definitions/', v3: '#/components/schemas/' } as const;

export function reference(name: string, version: OpenApiVersion): JsonObject {
  return { $ref: prefixes[version] + name };
}

/** A published definition. `said` describes it and its fields where the schema does not. */
export function writeDefinition(schema: Schema, said: Description | undefined, version: OpenApiVersion): JsonObject {
  const written = writeMembers(schema, said?.fields ?? {}, version);
  const description = schema.description ?? said?.description;
  return description === undefined ? written : { description, ...written };
}

function write(schema: Schema, description: string | undefined, version: OpenApiVersion): JsonObject {
  const text = schema.description ?? description;
  const said = text === undefined ? {} : { description: text };
  const { definition } = schema;
  if (definition === undefined) return { ...said, ...writeMembers(schema, {}, version) };
  const beside = {
    ...said,
    ...extensions(schema),
    ...(schema.default === undefined ? {} : { default: schema.default }),
  };
  // In v2 a reference may have siblings, as Kubernetes writes them; in v3 it may not and goes into allOf.
  if (version === 'v2') return { ...beside, ...reference(definition, version) };
  const wrapped: JsonObject = Object.keys(beside).length === 0 ? {} : beside;
  return { ...wrapped, allOf: [reference(definition, version)] };
}

const plain = [
  'type',
  'format',
  'title',
  'enum',
  'example',
  'externalDocs',
  'required',
  'minProperties',
  'maxProperties',
  'minItems',
  'maxItems',
  'uniqueItems',
  'minLength',
  'maxLength',
  'pattern',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
] as const satisfies readonly (keyof Schema)[];

function writeMembers(schema: Schema, fields: Readonly<Record<string, string>>, version: OpenApiVersion): JsonObject {
  const open =
    version === 'v2' &&
    schema.definition === undefined &&
    (schema['x-kubernetes-preserve-unknown-fields'] === true || schema.nullable === true);
  const written: JsonObject = {};
  for (const member of plain) {
    const value = schema[member];
    if (value === undefined || value === '') continue;
    if (open && member === 'type') continue;
    written[member] = value as JsonValue;
  }
  const scalar = scalarType(schema.definition, version);
  if (scalar !== undefined) {
    delete written.type;
    return { ...written, ...scalar };
  }
  if (schema['x-kubernetes-int-or-string'] === true && version === 'v3') delete written.type;
  if (schema.default !== undefined) written.default = schema.default;
  if (version === 'v3') {
    if (schema.nullable !== undefined) written.nullable = schema.nullable;
    for (const junctor of ['allOf', 'anyOf', 'oneOf'] as const) {
      const branches = schema[junctor];
      if (branches !== undefined) written[junctor] = branches.map((branch) => write(branch, undefined, version));
    }
    if (schema.not !== undefined) written.not = write(schema.not, undefined, version);
  }
  if (!open && schema.properties !== undefined) {
    const properties: JsonObject = {};
    for (const [name, property] of Object.entries(schema.properties)) {
      properties[name] = write(property, fields[name], version);
    }
    written.properties = properties;
  }
  if (!open && schema.items !== undefined) written.items = write(schema.items, undefined, version);
  if (!open && schema.additionalProperties !== undefined) {
    const { additionalProperties } = schema;
    written.additionalProperties =
      typeof additionalProperties === 'boolean'
        ? additionalProperties
        : write(additionalProperties, undefined, version);
  }
  return { ...written, ...extensions(schema) };
}

function extensions(schema: Schema): JsonObject {
  const written: JsonObject = {};
  for (const [name, value] of Object.entries(schema)) {
    if (!name.startsWith('x-kubernetes-') || value === undefined) continue;
    // Kubernetes' own types say these by their names.
    if (schema.definition !== undefined && onlyOfCustomResources.has(name)) continue;
    written[name] = value as JsonValue;
  }
  return written;
}

const onlyOfCustomResources: ReadonlySet<string> = new Set([
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-int-or-string',
]);

/** Go types that are written in two ways. v2 cannot say that: there they are strings. */
const scalars: Readonly<Record<string, readonly ('integer' | 'number' | 'string')[]>> = {
  'io.k8s.apimachinery.pkg.api.resource.Quantity': ['string', 'number'],
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': ['integer', 'string'],
};

function scalarType(definition: string | undefined, version: OpenApiVersion): JsonObject | undefined {
  const types = definition === undefined ? undefined : scalars[definition];
  if (types === undefined) return undefined;
  return version === 'v2' ? { type: 'string' } : { oneOf: types.map((type) => ({ type })) };
}
