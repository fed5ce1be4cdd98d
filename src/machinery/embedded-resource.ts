/**
 * Resources inside resources (`x-kubernetes-embedded-resource`), and the root, which is one too: their `apiVersion`,
 * `kind` and `metadata`. Source: `k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta`.
 */
import { type FieldError, FieldPath, invalid, required } from './field.ts';
import type { JsonObject, JsonValue } from './json.ts';
import { isDns1035Label, isPathSegmentName } from './names.ts';
import type { ObjectMeta } from './object.ts';
import { validateObjectMeta } from './object-meta.ts';
import { coerceObjectMeta } from './object-meta-coercion.ts';
import type { Schema } from './schema.ts';

export interface EmbeddedOptions {
  /** The value is a whole resource, not a part of one. */
  readonly isResourceRoot?: boolean;
  readonly path?: FieldPath;
}

/**
 * Coerces `apiVersion`, `kind` and `metadata` of every embedded resource in a value, in place. Stops at the first error;
 * answers the paths of the fields it dropped.
 */
export function coerceEmbedded(
  value: JsonValue | undefined,
  schema: Schema | undefined,
  { isResourceRoot = false, path = FieldPath.of() }: EmbeddedOptions = {},
): { error?: FieldError; unknown: string[] } {
  const unknown: string[] = [];
  let error: FieldError | undefined;
  const visit: Visit = (object, at, trail) => {
    for (const name of ['apiVersion', 'kind']) {
      const found = Object.hasOwn(object, name) ? object[name] : undefined;
      if (found !== undefined && typeof found !== 'string')
        error ??= invalid(at.child(name), found, 'must be a string');
    }
    if (error !== undefined) return false;
    const before = object.metadata;
    const coerced = coerceObjectMeta(object);
    if (coerced.error !== undefined) {
      error = invalid(at.child('metadata'), before, coerced.error);
      return false;
    }
    for (const field of coerced.unknown) unknown.push(trail === '' ? field : `${trail}.${field}`);
    return true;
  };
  walk(value, schema, isResourceRoot || embeds(schema), path, path.toString(), visit);
  return { ...(error === undefined ? {} : { error }), unknown };
}

/** What is wrong with the type and the metadata of embedded resources. */
export function validateEmbedded(
  value: JsonValue | undefined,
  schema: Schema | undefined,
  { isResourceRoot = false, path = FieldPath.of() }: EmbeddedOptions = {},
): FieldError[] {
  const errors: FieldError[] = [];
  walk(value, schema, isResourceRoot || embeds(schema), path, '', (object, at) => {
    errors.push(...validateEmbeddedResource(object, at));
    return true;
  });
  return errors;
}

function validateEmbeddedResource(object: JsonObject, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  for (const name of ['apiVersion', 'kind']) {
    const at = path.child(name);
    const value = Object.hasOwn(object, name) ? object[name] : undefined;
    if (value === undefined || value === '') errors.push(required(at));
    else if (typeof value !== 'string') errors.push(invalid(at, value, 'must be a string'));
    else if (name === 'apiVersion') {
      if (value.indexOf('/') !== value.lastIndexOf('/')) {
        errors.push(invalid(at, value, `unexpected GroupVersion string: ${value}`));
      }
    } else {
      const wrong = isDns1035Label(value.toLowerCase());
      if (wrong.length > 0) {
        errors.push(invalid(at, value, `may have mixed case, but should otherwise match: ${wrong.join(',')}`));
      }
    }
  }
  if (!Object.hasOwn(object, 'metadata')) return errors;
  const draft: JsonObject = { metadata: object.metadata };
  const { error } = coerceObjectMeta(draft);
  if (error !== undefined) return [...errors, invalid(path.child('metadata'), object.metadata, error)];
  const metadata = draft.metadata as unknown as ObjectMeta;
  // An embedded resource need not be named.
  if ((metadata.name ?? '') === '') metadata.name = 'fakename';
  const rules = { namespaced: (metadata.namespace ?? '') !== '', validateName: isPathSegmentName };
  return [...errors, ...validateObjectMeta({ metadata }, rules, path.child('metadata'))];
}

type Visit = (object: JsonObject, path: FieldPath, trail: string) => boolean;

/**
 * Calls `visit` for each embedded resource, outer ones first; ends when it answers false. `trail` is the path as strict
 * decoding writes it, where the key of a map looks like a field.
 */
function walk(
  value: JsonValue | undefined,
  schema: Schema | undefined,
  isResource: boolean,
  path: FieldPath,
  trail: string,
  visit: Visit,
): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) {
    const items = schema?.items;
    if (items === undefined || !holdsEmbedded(items)) return true;
    return value.every((item, i) => walk(item, items, embeds(items), path.index(i), `${trail}[${i}]`, visit));
  }
  if (isResource && !visit(value, path, trail)) return false;
  if (schema === undefined || !holdsEmbedded(schema)) return true;
  const { properties, additionalProperties } = schema;
  for (const key of Object.keys(value)) {
    const property = properties !== undefined && Object.hasOwn(properties, key) ? properties[key] : undefined;
    const inner = property ?? (typeof additionalProperties === 'object' ? additionalProperties : undefined);
    if (inner === undefined || !holdsEmbedded(inner)) continue;
    const at = property === undefined ? path.key(key) : path.child(key);
    const innerTrail = trail === '' ? key : `${trail}.${key}`;
    if (!walk(value[key], inner, embeds(inner), at, innerTrail, visit)) return false;
  }
  return true;
}

const embeds = (schema: Schema | undefined): boolean => schema?.['x-kubernetes-embedded-resource'] === true;

const embeddedIn = new WeakMap<Schema, boolean>();

/** Whether a value of this schema can hold an embedded resource, or be one. */
function holdsEmbedded(schema: Schema): boolean {
  const known = embeddedIn.get(schema);
  if (known !== undefined) return known;
  // A schema that holds itself adds nothing to what it holds.
  embeddedIn.set(schema, false);
  const { properties, additionalProperties, items } = schema;
  const holds =
    embeds(schema) ||
    Object.values(properties ?? {}).some(holdsEmbedded) ||
    (typeof additionalProperties === 'object' && holdsEmbedded(additionalProperties)) ||
    (items !== undefined && holdsEmbedded(items));
  embeddedIn.set(schema, holds);
  return holds;
}
