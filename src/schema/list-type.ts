/**
 * Uniqueness in lists of type `set` (whole items) and `map` (their keys).
 * Source: KEP-555 "Topology"; apiextensions-apiserver `pkg/apiserver/schema/listtype`.
 */
import { duplicate, type FieldError, FieldPath, invalid } from '../machinery/field.ts';
import { isJsonObject, type JsonArray, type JsonObject, type JsonValue } from '../machinery/json.ts';
import type { Schema } from '../machinery/schema.ts';

/** `root` is where `value` stands, the empty path for a whole object. */
export function validateListTypes(value: JsonValue, schema: Schema, root: FieldPath = FieldPath.of()): FieldError[] {
  const errors: FieldError[] = [];
  walk(value, schema, root, errors);
  return errors;
}

function walk(value: JsonValue | undefined, schema: Schema | undefined, path: FieldPath, errors: FieldError[]): void {
  if (schema === undefined || typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    const type = schema['x-kubernetes-list-type'];
    if (type === 'set') {
      for (const i of repeated(value)) errors.push(duplicate(path.index(i), value[i]));
    } else if (type === 'map') validateListMap(value, schema['x-kubernetes-list-map-keys'] ?? [], path, errors);
    if (schema.items !== undefined) {
      for (let i = 0; i < value.length; i++) {
        if (typeof value[i] === 'object') walk(value[i], schema.items, path.index(i), errors);
      }
    }
    return;
  }
  const properties = schema.properties;
  const additional = schema.additionalProperties;
  for (const key of Object.keys(value)) {
    const child = value[key];
    if (typeof child !== 'object' || child === null) continue;
    if (typeof additional === 'object') walk(child, additional, path.key(key), errors);
    if (properties !== undefined && Object.hasOwn(properties, key))
      walk(child, properties[key], path.child(key), errors);
  }
}

function validateListMap(list: JsonArray, keys: readonly string[], path: FieldPath, errors: FieldError[]): void {
  for (let i = 0; i < list.length; i++) {
    if (list[i] !== null && !isJsonObject(list[i])) {
      errors.push(invalid(path.index(i), list[i], 'must be an object for an array of list-type map'));
      return;
    }
  }
  if (list.length < 2) return;
  const found = list.map((item) => {
    const key: JsonObject = {};
    if (isJsonObject(item)) {
      for (const name of keys) if (item[name] !== undefined) key[name] = item[name];
    }
    return key;
  });
  for (const i of repeated(found)) errors.push(duplicate(path.index(i), found[i]));
}

/** The index of each item's second appearance; a third is not reported again. */
function repeated(items: JsonArray): number[] {
  if (items.length < 2) return [];
  const seen = new Map<JsonValue, number>();
  const indices: number[] = [];
  for (let i = 0; i < items.length; i++) {
    const item = items[i] as JsonValue;
    const identity =
      typeof item === 'object' && item !== null ? canonicalJson(item) : typeof item === 'string' ? `"${item}` : item;
    const times = seen.get(identity) ?? 0;
    seen.set(identity, times + 1);
    if (times === 1) indices.push(i);
  }
  return indices;
}

/** JSON with sorted keys: equal values have equal texts. */
export function canonicalJson(value: JsonValue | undefined): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item)).join(',')}]`;
  if (typeof value === 'bigint') return String(value);
  if (!isJsonObject(value)) return JSON.stringify(value) ?? 'null';
  const fields = Object.keys(value).filter((key) => value[key] !== undefined);
  return `{${fields
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key])}`)
    .join(',')}}`;
}
