/**
 * Defaults must be values that their own schema accepts, without unknown fields.
 * Source: apiextensions-apiserver `pkg/apiserver/schema/defaulting/validation.go`.
 */
import { compileRules } from '../cel/validation.ts';
import { coerceEmbedded, validateEmbedded } from '../machinery/embedded-resource.ts';
import { errorText, type FieldError, type FieldPath, invalid } from '../machinery/field.ts';
import { cloneJson, deepEqual, type JsonObject, type JsonValue } from '../machinery/json.ts';
import type { Schema } from '../machinery/schema.ts';
import { prune } from '../schema/prune.ts';
import { validateSchema } from '../schema/validate.ts';

/** `schema` is structural, and describes a whole resource. */
export function validateDefaults(schema: Schema, path: FieldPath, options: DefaultOptions): FieldError[] {
  const errors: FieldError[] = [];
  check({ ...schema, 'x-kubernetes-embedded-resource': true }, path, undefined, options, errors);
  return errors;
}

export interface DefaultOptions {
  /** Whether a default may have unknown fields. */
  readonly requirePrunedDefaults: boolean;
}

/** A value inside the type or object metadata of a resource: `surround` builds the resource around it. */
interface InsideMeta {
  readonly resource: Schema;
  readonly surround: (value: JsonValue) => JsonObject;
}

function check(
  schema: Schema,
  path: FieldPath,
  meta: InsideMeta | undefined,
  options: DefaultOptions,
  errors: FieldError[],
): void {
  const embedded = schema['x-kubernetes-embedded-resource'] === true;
  const inside = embedded ? undefined : meta;
  if (schema.default !== undefined && schema.default !== null) {
    errors.push(
      ...(inside === undefined
        ? checkDefault(schema, schema.default, path.child('default'), options)
        : checkMetaDefault(schema, schema.default, path.child('default'), inside)),
    );
  }
  // Defaults below additionalProperties of metadata are forbidden elsewhere.
  if (schema.items !== undefined) {
    check(schema.items, path.child('items'), inside && within(inside, (value) => [value]), options, errors);
  }
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const isMeta = embedded && (name === 'metadata' || name === 'apiVersion' || name === 'kind');
    const below = isMeta
      ? { resource: schema, surround: (value: JsonValue) => resourceWith(name, value) }
      : inside && within(inside, (value) => ({ [name]: value }));
    check(property, path.child('properties').key(name), below, options, errors);
  }
}

function within(meta: InsideMeta, wrap: (value: JsonValue) => JsonValue): InsideMeta {
  return { resource: meta.resource, surround: (value) => meta.surround(wrap(value)) };
}

function resourceWith(field: string, value: JsonValue): JsonObject {
  return { apiVersion: 'validation/v1', kind: 'Validation', [field]: value };
}

function checkDefault(schema: Schema, value: JsonValue, path: FieldPath, options: DefaultOptions): FieldError[] {
  const embedded = schema['x-kubernetes-embedded-resource'] === true;
  const errors: FieldError[] = [];
  if (options.requirePrunedDefaults) {
    const pruned = cloneJson(value);
    prune(pruned, schema);
    if (!deepEqual(pruned, value)) errors.push(invalid(path, value, 'must not have unknown fields'));
  }
  const { error } = coerceEmbedded(cloneJson(value), schema, { isResourceRoot: embedded, path });
  if (error !== undefined) return [...errors, error];
  const found = validateEmbedded(value, schema, { isResourceRoot: embedded, path });
  return [...errors, ...(found.length > 0 ? found : validateAt(value, schema, path))];
}

function checkMetaDefault(schema: Schema, value: JsonValue, path: FieldPath, meta: InsideMeta): FieldError[] {
  const resource = meta.surround(cloneJson(value));
  const { error } = coerceEmbedded(resource, meta.resource, { isResourceRoot: true });
  const problems = error === undefined ? validateEmbedded(resource, meta.resource, { isResourceRoot: true }) : [error];
  if (problems.length === 0) return validateAt(value, schema, path);
  const texts = [...new Set(problems.map(errorText))];
  const text = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
  return [invalid(path, value, `must result in valid metadata: ${text}`)];
}

/** Validation speaks of the value by itself; only the field tells where it stands. */
function validateAt(value: JsonValue, schema: Schema, path: FieldPath): FieldError[] {
  const errors = validateSchema(value, schema);
  if (errors.length === 0) return checkDefaultByRules(value, schema, path);
  return errors.map((error) => {
    const field = error.field === '<nil>' ? '' : error.field;
    return { ...error, field: field === '' || error.detail.startsWith('"') ? `${path}` : `${path}.${field}` };
  });
}

/** A default is what it was: rules see it as old and new value at once. */
function checkDefaultByRules(value: JsonValue, schema: Schema, path: FieldPath): FieldError[] {
  const isResourceRoot = schema['x-kubernetes-embedded-resource'] === true;
  return compileRules(schema, { isResourceRoot })?.validate(value, value, undefined, { path }).errors ?? [];
}
