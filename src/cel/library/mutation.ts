/**
 * The types that mutating policies construct: `Object{spec: Object.spec{replicas: 3}}`, whose fields are not checked
 * against a schema, and `JSONPatch{op: "add", path: "/spec/replicas", value: 3}`.
 * Source: `apiserver/pkg/cel/mutation` (KEP-3962).
 */
import type { Library } from '../functions.ts';
import { dynType, objectType, openObjectType, stringType, type Type } from '../types.ts';
import { ListValue, MapValue, StructValue, type Value } from '../values.ts';

/** The type of the object that an apply configuration is for. */
export const appliedObjectType: Type = openObjectType('Object');

/** One operation of a JSON patch (RFC 6902). */
export const jsonPatchType: Type = objectType(
  'JSONPatch',
  new Map([
    ['op', stringType],
    ['path', stringType],
    ['from', stringType],
    ['value', dynType],
  ]),
);

export const mutationLibrary: Library = {
  findType: (name) => {
    if (name === jsonPatchType.name) return jsonPatchType;
    if (name === appliedObjectType.name) return appliedObjectType;
    return name.startsWith('Object.') ? openObjectType(name) : undefined;
  },
};

/**
 * What is wrong with the type names in a constructed object: what stands at the field `spec` of an `Object` must be an
 * `Object.spec`, and so on; lists and maps in between have no names.
 */
export function misnamedObjects(value: Value): string[] {
  return value instanceof StructValue ? misnamed(value, value.typeName) : [];
}

function misnamed(value: Value, expected: string): string[] {
  if (value instanceof StructValue) {
    const problems = [...value.entries()].flatMap(([field, inner]) => misnamed(inner, `${expected}.${field}`));
    if (value.typeName === expected) return problems;
    const rule = 'which matches field name path from root Object type';
    return [`unexpected type name "${value.typeName}", expected "${expected}", ${rule}`, ...problems];
  }
  if (value instanceof ListValue) return [...value].flatMap((item) => misnamed(item, expected));
  if (!(value instanceof MapValue)) return [];
  return [...value.keys()].flatMap((key) => misnamed(value.get(key) as Value, expected));
}
