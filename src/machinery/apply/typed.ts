/**
 * Values seen through their type: which of its forms a value takes, which path element names each element of a list, and
 * which fields a value has. Source: `sigs.k8s.io/structured-merge-diff/typed`.
 */
import { getField, isJsonObject, type JsonArray, type JsonObject, type JsonValue } from '../json.ts';
import { type FieldSet, leaf, withMembership } from './field-set.ts';
import { compareElements, fieldElement, keyElement, type PathElement, valueElement } from './path-element.ts';
import type { FieldType, ListType, MapType, Type } from './type.ts';

export type Form = 'map' | 'list' | 'scalar' | 'none';

/** The form of `value`: the one it has if its type allows that, otherwise the first that the type does allow. */
export function formOf(type: Type, value: JsonValue | undefined): Form {
  if (typeof value === 'object' && value !== null) {
    if (Array.isArray(value)) {
      if (type.list !== undefined) return 'list';
    } else if (type.map !== undefined) return 'map';
  } else if (value !== null && value !== undefined && type.scalar !== undefined) return 'scalar';
  if (type.map !== undefined) return 'map';
  if (type.scalar !== undefined) return 'scalar';
  return type.list === undefined ? 'none' : 'list';
}

/** The type of a field that is declared or, if not, of any other. */
export function fieldTypeOf(map: MapType, field: FieldType | undefined): Type {
  return field?.type ?? map.element ?? {};
}

/**
 * The path element of an element of a list that is not atomic.
 * Throws an {@link ElementError} where the element cannot be told apart from others.
 */
export function elementOf(list: ListType, value: JsonValue): PathElement {
  if (list.keys.length > 1) return makeElement(list, value);
  const [key = ''] = list.keys;
  const name = key === '' ? value : isJsonObject(value) ? getField(value, key) : undefined;
  if (typeof name !== 'string' || name.length > maxKnownLength) return makeElement(list, value);
  const known = knownElements.get(key) ?? new Map<string, PathElement>();
  let element = known.get(name);
  if (element === undefined) {
    element = makeElement(list, value);
    if (known.size >= maxKnown) known.clear();
    knownElements.set(key, known.set(name, element));
  }
  return element;
}

/**
 * The path elements of lists with one key (or none: '') that were seen lately, by key and value. The same names come again
 * and again, and each of them several times in an apply.
 */
const knownElements = new Map<string, Map<string, PathElement>>();
const maxKnown = 4096;
const maxKnownLength = 128;

function makeElement(list: ListType, value: JsonValue): PathElement {
  if (list.keys.length === 0) return setElement(value);
  if (value === null) throw new ElementError('associative list with keys may not have a null element');
  if (!isJsonObject(value)) throw new ElementError('associative list with keys may not have non-map elements');
  const element = keyElement(list.sortedKeys, (name) => {
    const held = getField(value, name);
    return held === undefined ? list.element.map?.fields.get(name)?.default : held;
  });
  if (element !== 'k:{}') return element;
  const keys = list.keys.map((name) => JSON.stringify(name)).join(' ');
  throw new ElementError(
    `associative list with keys has an element that omits all key fields [${keys}] (and doesn't have default values for any key fields)`,
  );
}

export class ElementError extends Error {}

function setElement(value: JsonValue): PathElement {
  if (Array.isArray(value)) throw new ElementError('not supported: associative list with lists as elements');
  if (value === null) throw new ElementError("associative list without keys has an element that's an explicit null");
  if (typeof value === 'object') {
    throw new ElementError("associative list without keys has an element that's a map type");
  }
  return valueElement(value);
}

/** The elements of a list by path element, in the list's order; where several share one, all of them. */
export function itemsOf(list: ListType, values: JsonArray): Map<PathElement, JsonArray> {
  const items = new Map<PathElement, JsonArray>();
  for (const value of values) {
    const element = elementOf(list, value);
    const same = items.get(element);
    if (same === undefined) items.set(element, [value]);
    else same.push(value);
  }
  return items;
}

/**
 * The path elements of two lists that hold the same elements in the same order, none of them twice: most lists that are
 * compared or merged do. `undefined`: they do not.
 */
export function commonElements(list: ListType, left: JsonArray, right: JsonArray): readonly PathElement[] | undefined {
  if (left.length !== right.length) return undefined;
  const elements: PathElement[] = [];
  for (let index = 0; index < left.length; index++) {
    const element = elementOf(list, left[index] as JsonValue);
    if (element !== elementOf(list, right[index] as JsonValue)) return undefined;
    elements.push(element);
  }
  return new Set(elements).size === elements.length ? elements : undefined;
}

/** The leaf fields of a value, its atomic parts, and the items of its lists and maps: what someone who applies it owns. */
export function toFieldSet(value: JsonValue, type: Type): FieldSet {
  return nodeOf(value, type, false, false) ?? leaf;
}

/** Every field of a value, those that hold others included: what someone who adds it, owns. */
export function toFullNode(value: JsonValue, type: Type): FieldSet {
  return nodeOf(value, type, true, true) ?? leaf;
}

/**
 * The node of a value.
 * @param member whether the value itself is in the set
 * @param full whether everything below it is
 */
function nodeOf(value: JsonValue, type: Type, member: boolean, full: boolean): FieldSet | undefined {
  let node: FieldSet | undefined;
  switch (formOf(type, value)) {
    case 'scalar':
      return leaf;
    case 'map': {
      const map = type.map as MapType;
      if (map.atomic) return leaf;
      if (isJsonObject(value)) node = mapNode(value, map, member, full);
      break;
    }
    case 'list': {
      const list = type.list as ListType;
      if (list.atomic) return leaf;
      if (Array.isArray(value)) node = listNode(value, list, member, full);
    }
  }
  return node ?? (member ? leaf : undefined);
}

function mapNode(value: JsonObject, map: MapType, member: boolean, full: boolean): FieldSet | undefined {
  const names = Object.keys(value);
  if (names.length > 1) names.sort();
  const node: Record<PathElement, FieldSet> = {};
  if (member) node['.'] = leaf;
  let empty = true;
  for (const name of names) {
    const held = value[name];
    if (held === undefined) continue;
    const field = map.fields.get(name);
    if (field?.untracked === true) continue;
    const below = nodeOf(held, fieldTypeOf(map, field), full || field === undefined || isHollow(held), full);
    if (below === undefined) continue;
    node[field?.name ?? fieldElement(name)] = below;
    empty = false;
  }
  return empty ? undefined : node;
}

/** Whether a field of this value belongs to a set itself, as nothing below it can. */
export function isHollow(value: JsonValue): boolean {
  if (value === null) return true;
  if (typeof value !== 'object' || Array.isArray(value)) return false;
  for (const _ in value) return false;
  return true;
}

function listNode(values: JsonArray, list: ListType, member: boolean, full: boolean): FieldSet | undefined {
  if (values.length === 0) return undefined;
  const items = itemsOf(list, values);
  const elements = [...items.keys()];
  if (elements.length > 1) elements.sort(compareElements);
  const node: Record<PathElement, FieldSet> = {};
  if (member) node['.'] = leaf;
  for (const element of elements) {
    const same = items.get(element) as JsonArray;
    // Elements that cannot be told apart are owned together, as if they were atomic.
    node[element] = same.length > 1 ? leaf : (nodeOf(same[0] as JsonValue, list.element, true, full) as FieldSet);
  }
  return node;
}

/**
 * The set with all declared fields that hold others in it. Removing what is left of a field that lost everything below it
 * takes this: a set names `spec.replicas`, not `spec`.
 */
export function withDeclaredFields(set: FieldSet, type: Type | undefined): FieldSet {
  const result: Record<PathElement, FieldSet> = {};
  if (set['.'] !== undefined) result['.'] = leaf;
  for (const element in set) {
    if (element === '.') continue;
    const node = set[element] as FieldSet;
    const map = type?.map;
    if (element.startsWith('f:')) {
      const field = map?.fields.get(element.slice(2));
      const below = withDeclaredFields(node, map === undefined ? undefined : fieldTypeOf(map, field));
      result[element] = field === undefined || field.permanent === true ? below : withMembership(below, true);
    } else {
      result[element] = withDeclaredFields(node, element.startsWith('k:') ? type?.list?.element : undefined);
    }
  }
  return result;
}
