/**
 * What differs between two objects, field by field. Source: `sigs.k8s.io/structured-merge-diff/typed/compare.go`.
 *
 * The price is what differs: parts that the two objects share are not looked into.
 */
import { deepEqual, type JsonArray, type JsonObject, type JsonValue } from '../json.ts';
import { emptySet, type FieldSet, leaf, recursiveDifference, union } from './field-set.ts';
import { compareElements, fieldElement, type PathElement } from './path-element.ts';
import type { ListType, MapType, Type } from './type.ts';
import { commonElements, fieldTypeOf, formOf, itemsOf, toFullNode } from './typed.ts';

/** No field is in more than one of the sets. */
export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

export const same: Comparison = { added: emptySet, modified: emptySet, removed: emptySet };

/** From `before` to `after`. Answers {@link same} itself when nothing differs. */
export function compare(before: JsonValue, after: JsonValue, type: Type): Comparison {
  const difference = differenceOf(before, after, type);
  if (difference === undefined) return same;
  const { added = emptySet, modified = emptySet, removed = emptySet } = difference;
  return { added, modified, removed };
}

/** The comparison without `fields` and everything below them. */
export function exclude(comparison: Comparison, fields: FieldSet | undefined): Comparison {
  if (fields === undefined || comparison === same) return comparison;
  const added = recursiveDifference(comparison.added, fields);
  const modified = recursiveDifference(comparison.modified, fields);
  const removed = recursiveDifference(comparison.removed, fields);
  return added === emptySet && modified === emptySet && removed === emptySet ? same : { added, modified, removed };
}

type Side = 'added' | 'modified' | 'removed';
const sides: readonly Side[] = ['added', 'modified', 'removed'];
/** The nodes of one place: a side is there when something at or below the place is on it. */
type Difference = Partial<Record<Side, FieldSet>>;

const modifiedLeaf: Difference = { modified: leaf };

function differenceOf(before: JsonValue | undefined, after: JsonValue | undefined, type: Type): Difference | undefined {
  if (before === after) return undefined;
  if (before === undefined) return { added: toFullNode(after as JsonValue, type) };
  if (after === undefined) return { removed: toFullNode(before, type) };
  const form = formOf(type, after);
  const formBefore = formOf(type, before);
  if (form === formBefore) return inForm(form, before, after, type);
  // A place whose form changes is compared in both; each takes the side that does not fit as nothing.
  return combine(inForm(formBefore, before, after, type), inForm(form, before, after, type));
}

function inForm(
  form: ReturnType<typeof formOf>,
  before: JsonValue,
  after: JsonValue,
  type: Type,
): Difference | undefined {
  if (form === 'map') {
    const map = type.map as MapType;
    const l = asMap(before);
    const r = asMap(after);
    if (!map.atomic && !(isEmptyMap(l) && isEmptyMap(r))) return compareMaps(l, r, map);
  } else if (form === 'list') {
    const list = type.list as ListType;
    const l = Array.isArray(before) ? before : [];
    const r = Array.isArray(after) ? after : [];
    if (!list.atomic && (l.length > 0 || r.length > 0)) return compareLists(l, r, list);
  }
  return deepEqual(before, after) ? undefined : modifiedLeaf;
}

function compareMaps(
  before: JsonObject | undefined,
  after: JsonObject | undefined,
  map: MapType,
): Difference | undefined {
  const changes = new Changes();
  for (const name in before) changes.field(name, before, after, map);
  for (const name in after) {
    if (before === undefined || valueAt(before, name) === undefined) changes.field(name, before, after, map);
  }
  return changes.difference((left, right) => (left < right ? -1 : 1));
}

function compareLists(before: JsonArray, after: JsonArray, list: ListType): Difference | undefined {
  const changes = new Changes();
  const common = commonElements(list, before, after);
  if (common !== undefined) {
    for (const [index, element] of common.entries()) {
      changes.add(element, differenceOf(before[index], after[index], list.element));
    }
    return changes.difference(compareElements);
  }
  const left = itemsOf(list, before);
  const right = itemsOf(list, after);
  for (const [element, values] of left) changes.add(element, compareItems(values, right.get(element) ?? [], list));
  for (const [element, values] of right) {
    if (!left.has(element)) changes.add(element, compareItems([], values, list));
  }
  return changes.difference(compareElements);
}

/** Elements that cannot be told apart count as one atomic value. */
function compareItems(before: JsonArray, after: JsonArray, list: ListType): Difference | undefined {
  if (before.length < 2 && after.length < 2) return differenceOf(before[0], after[0], list.element);
  if (before.length > 1 && after.length > 1) return deepEqual(before, after) ? undefined : modifiedLeaf;
  if (before.length > 1) {
    return combine(after.length === 0 ? undefined : differenceOf(undefined, after[0], list.element), { removed: leaf });
  }
  return combine(before.length === 0 ? undefined : differenceOf(before[0], undefined, list.element), { added: leaf });
}

/** Gathers the differences of a container's parts, and puts them in order once it is known that there are any. */
class Changes {
  #changed: [PathElement, Difference][] | undefined;

  field(name: string, before: JsonObject | undefined, after: JsonObject | undefined, map: MapType): void {
    const l = before === undefined ? undefined : valueAt(before, name);
    const r = after === undefined ? undefined : valueAt(after, name);
    if (l === r) return;
    const field = map.fields.get(name);
    if (field?.untracked === true) return;
    this.add(field?.name ?? fieldElement(name), differenceOf(l, r, fieldTypeOf(map, field)));
  }

  add(element: PathElement, difference: Difference | undefined): void {
    if (difference === undefined) return;
    this.#changed ??= [];
    this.#changed.push([element, difference]);
  }

  difference(order: (left: PathElement, right: PathElement) => number): Difference | undefined {
    if (this.#changed === undefined) return undefined;
    if (this.#changed.length > 1) this.#changed.sort(([left], [right]) => order(left, right));
    const result: Partial<Record<Side, Record<PathElement, FieldSet>>> = {};
    for (const [element, difference] of this.#changed) {
      for (const side of sides) {
        const node = difference[side];
        if (node === undefined) continue;
        result[side] ??= {};
        result[side][element] = node;
      }
    }
    return result;
  }
}

function combine(left: Difference | undefined, right: Difference | undefined): Difference | undefined {
  if (left === undefined) return right;
  if (right === undefined) return left;
  const result: Difference = {};
  for (const side of sides) {
    const l = left[side];
    const r = right[side];
    const node = l === undefined ? r : r === undefined ? l : uniteNodes(l, r);
    if (node !== undefined) result[side] = node;
  }
  return result;
}

/** The union of two nodes of one place, which may be in the set themselves. */
function uniteNodes(left: FieldSet, right: FieldSet): FieldSet {
  return union({ 'f:': left }, { 'f:': right })['f:'] as FieldSet;
}

function asMap(value: JsonValue): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
}

function isEmptyMap(value: JsonObject | undefined): boolean {
  for (const _ in value) return false;
  return true;
}

/** An own field. JSON holds no functions, so what is one, or is the prototype itself, was inherited. */
function valueAt(object: JsonObject, name: string): JsonValue | undefined {
  const value = object[name];
  return typeof value === 'function' || value === Object.prototype ? undefined : value;
}
