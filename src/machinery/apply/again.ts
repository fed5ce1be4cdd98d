/**
 * The usual case of an apply: the manager names the same fields as last time, if with other values. One walk finds that out,
 * and that the configuration fits its type, without making the set that it is compared with.
 */
import { isJsonObject, type JsonArray, type JsonObject, type JsonValue } from '../json.ts';
import { type FieldSet, isEmptySet } from './field-set.ts';
import { fieldElement, type PathElement } from './path-element.ts';
import type { ListType, MapType, Scalar, Type } from './type.ts';
import { ElementError, elementOf, fieldTypeOf, formOf, isHollow } from './typed.ts';
import { scalarError, validate } from './validate.ts';

/** Whether `config` fits its type ({@link validate}) and `set` is what it sets ({@link toFieldSet}). */
export function setsAgain(config: JsonValue, type: Type, set: FieldSet): boolean {
  try {
    return isNodeOf(config, type, false, set);
  } catch (error) {
    if (error instanceof ElementError) return false;
    throw error;
  }
}

/**
 * Whether `node` is the one of the value; `undefined`: it has none.
 * @param member whether the value itself is in the set
 */
function isNodeOf(value: JsonValue, type: Type, member: boolean, node: FieldSet | undefined): boolean {
  let parts: number | undefined = 0;
  switch (formOf(type, value)) {
    case 'scalar':
      return isLeaf(node) && scalarError(value, type.scalar as Scalar) === undefined;
    case 'map': {
      const map = type.map as MapType;
      if (map.atomic) return isLeaf(node) && fits(value, type);
      if (isJsonObject(value)) parts = fieldsIn(node, value, map);
      else if (value !== null) return false;
      break;
    }
    case 'list': {
      const list = type.list as ListType;
      if (list.atomic) return isLeaf(node) && fits(value, type);
      if (Array.isArray(value)) parts = itemsIn(node, value, list);
      else if (value !== null) return false;
      break;
    }
    case 'none':
      return false;
  }
  if (parts === undefined) return false;
  if (node === undefined) return !member;
  let entries = 0;
  for (const _ in node) entries++;
  if (parts === 0) return member && entries === 0;
  return entries === parts + (member ? 1 : 0) && (node['.'] !== undefined) === member;
}

/** How many entries of the node are fields of the value; `undefined`: the node is not the value's. */
function fieldsIn(node: FieldSet | undefined, value: JsonObject, map: MapType): number | undefined {
  let parts = 0;
  for (const name of Object.keys(value)) {
    const held = value[name];
    const field = map.fields.get(name);
    if (held === undefined || (field === undefined && map.element === undefined)) return undefined;
    const type = fieldTypeOf(map, field);
    if (field?.untracked === true) {
      if (fits(held, type)) continue;
      return undefined;
    }
    const below = node?.[field?.name ?? fieldElement(name)];
    if (!isNodeOf(held, type, field === undefined || isHollow(held), below)) return undefined;
    if (below !== undefined) parts++;
  }
  return parts;
}

/** The same for the items of a list, which must not come twice. */
function itemsIn(node: FieldSet | undefined, values: JsonArray, list: ListType): number | undefined {
  const seen = new Set<PathElement>();
  for (const value of values) {
    const element = elementOf(list, value);
    const below = node?.[element];
    if (below === undefined || !isNodeOf(value, list.element, true, below)) return undefined;
    seen.add(element);
  }
  return seen.size === values.length ? seen.size : undefined;
}

function isLeaf(node: FieldSet | undefined): boolean {
  return node !== undefined && isEmptySet(node);
}

function fits(value: JsonValue, type: Type): boolean {
  return validate(value, type).length === 0;
}
