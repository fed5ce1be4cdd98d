/**
 * Takes fields out of an object, or keeps nothing but them.
 * Source: `sigs.k8s.io/structured-merge-diff/typed/remove.go`.
 */
import { isJsonObject, type JsonArray, type JsonObject, type JsonValue, setField } from '../json.ts';
import { below, type FieldSet, fieldSet, hasPath, isEmptySet, isMember, leaves, pathsOf, union } from './field-set.ts';
import { fieldElement, keyFields, type Path, type PathElement } from './path-element.ts';
import type { ListType, MapType, Type } from './type.ts';
import { elementOf, fieldTypeOf, formOf, toFieldSet } from './typed.ts';

/** `value` without the fields and items of `fields`. A container from which all is gone is null. */
export function removeFields(value: JsonValue, fields: FieldSet, type: Type): JsonValue {
  if (isEmptySet(fields)) return value;
  switch (formOf(type, value)) {
    case 'scalar':
      return value;
    case 'map':
      return isJsonObject(value) && !(type.map as MapType).atomic
        ? removeFromMap(value, fields, type.map as MapType)
        : null;
    case 'list':
      return Array.isArray(value) && !(type.list as ListType).atomic
        ? removeFromList(value, fields, type.list as ListType)
        : null;
    case 'none':
      return null;
  }
}

function removeFromMap(value: JsonObject, fields: FieldSet, map: MapType): JsonValue {
  let result: JsonObject | undefined;
  for (const name of Object.keys(value)) {
    const element = fieldElement(name);
    const node = fields[element];
    if (node === undefined) continue;
    result ??= { ...value };
    if (isMember(node)) delete result[name];
    else {
      const type = fieldTypeOf(map, map.fields.get(name));
      setField(result, name, removeFields(value[name] as JsonValue, node, type));
    }
  }
  const rest = result ?? value;
  return Object.keys(rest).length === 0 ? null : rest;
}

function removeFromList(values: JsonArray, fields: FieldSet, list: ListType): JsonValue {
  let changed = false;
  const rest: JsonArray = [];
  for (const value of values) {
    const node = fields[elementOf(list, value)];
    if (node === undefined) rest.push(value);
    else {
      changed = true;
      if (!isMember(node)) rest.push(removeFields(value, node, list.element));
    }
  }
  if (rest.length === 0) return null;
  return changed ? rest : values;
}

export interface ExtractOptions {
  /** Keep the keys of the elements that are kept, even where `fields` has them not. */
  keys?: boolean;
}

/** The part of `value` that `fields` names; atomic parts whole. */
export function extractFields(value: JsonValue, fields: FieldSet, type: Type, options: ExtractOptions = {}): JsonValue {
  const wanted = options.keys === true ? union(fields, keysOf(fields, toFieldSet(value, type))) : fields;
  return extract(value, wanted, type);
}

/** The key fields of all elements on the way to those fields that `present` has. */
function keysOf(fields: FieldSet, present: FieldSet): FieldSet {
  const keys: Path[] = [];
  for (const path of pathsOf(fields)) {
    if (!hasPath(present, path)) continue;
    for (const [index, element] of path.entries()) {
      if (!element.startsWith('k:')) continue;
      for (const name of Object.keys(keyFields(element))) keys.push([...path.slice(0, index + 1), fieldElement(name)]);
    }
  }
  return fieldSet(...keys);
}

function extract(value: JsonValue, fields: FieldSet, type: Type): JsonValue {
  switch (formOf(type, value)) {
    case 'scalar':
      return value;
    case 'map': {
      const map = type.map as MapType;
      if (!isJsonObject(value)) return null;
      return map.atomic || Object.keys(value).length === 0 ? value : extractFromMap(value, fields, map);
    }
    case 'list': {
      const list = type.list as ListType;
      if (!Array.isArray(value)) return null;
      return list.atomic || value.length === 0 ? value : extractFromList(value, fields, list);
    }
    case 'none':
      return null;
  }
}

function extractFromMap(value: JsonObject, fields: FieldSet, map: MapType): JsonValue {
  const kept: JsonObject = {};
  for (const name of Object.keys(value)) {
    const element = fieldElement(name);
    const node = fields[element];
    if (node === undefined) continue;
    const type = fieldTypeOf(map, map.fields.get(name));
    setField(kept, name, extract(value[name] as JsonValue, isMember(node) ? fields : below(fields, element), type));
  }
  return Object.keys(kept).length === 0 ? null : kept;
}

function extractFromList(values: JsonArray, fields: FieldSet, list: ListType): JsonValue {
  const kept: JsonArray = [];
  for (const value of values) {
    const element: PathElement = elementOf(list, value);
    const node = fields[element];
    if (node === undefined) continue;
    const inner = below(fields, element);
    kept.push(extract(value, isEmptySet(inner) ? fields : inner, list.element));
  }
  return kept.length === 0 ? null : kept;
}

/** What `owned` amounts to in `object`, as its manager would apply it. */
export function extractOwned(object: JsonObject, owned: FieldSet, type: Type): JsonValue {
  return extractFields(object, leaves(owned), type, { keys: true });
}
