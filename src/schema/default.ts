/**
 * Structural defaulting.
 * Source: KEP "Defaulting for Custom Resources"; apiextensions-apiserver `pkg/apiserver/schema/defaulting`.
 */
import { cloneJson, type JsonValue } from '../machinery/json.ts';
import type { Schema } from '../machinery/schema.ts';

/**
 * Fills in defaults, in place. A null where the schema does not allow one counts as absent: the default takes its place,
 * and without a default the field is removed, unless `keepNulls`: what a null means to a Go type is for its kind to say.
 */
export function applyDefaults(value: JsonValue | undefined, schema: Schema | undefined, keepNulls = false): void {
  if (schema === undefined || typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    const items = schema.items;
    if (items === undefined) return;
    for (let i = 0; i < value.length; i++) {
      if (value[i] === null && items.nullable !== true && items.default !== undefined)
        value[i] = cloneJson(items.default);
      applyDefaults(value[i], items, keepNulls);
    }
    return;
  }
  const properties = schema.properties;
  if (properties !== undefined) {
    for (const [key, property] of defaultedProperties(schema)) {
      const current = Object.hasOwn(value, key) ? value[key] : undefined;
      if (current === undefined || (current === null && property.nullable !== true)) {
        value[key] = cloneJson(property.default as JsonValue);
      }
    }
  }
  const additional = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined;
  for (const key of Object.keys(value)) {
    const child = properties !== undefined && Object.hasOwn(properties, key) ? properties[key] : additional;
    if (child === undefined) continue;
    if (value[key] !== null) applyDefaults(value[key], child, keepNulls);
    else if (child.nullable !== true) {
      if (child.default === undefined) {
        if (!keepNulls) delete value[key];
      } else {
        value[key] = cloneJson(child.default);
        applyDefaults(value[key], child, keepNulls);
      }
    }
  }
}

const defaulted = new WeakMap<Schema, readonly (readonly [string, Schema])[]>();

/** The properties that have a default, found once: most have none. */
function defaultedProperties(schema: Schema): readonly (readonly [string, Schema])[] {
  let found = defaulted.get(schema);
  if (found === undefined) {
    found = Object.entries(schema.properties ?? {}).filter(([, property]) => property.default !== undefined);
    defaulted.set(schema, found);
  }
  return found;
}
