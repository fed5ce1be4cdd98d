/**
 * Making strategic merge patches: what takes one object to another (two-way), and what takes a live object to a new
 * configuration given the last one (three-way, as `kubectl apply` does on the client's side).
 * Source: `k8s.io/apimachinery/pkg/util/strategicpatch`.
 */

import { stringify } from 'yaml';
import { goValue } from '../go-text.ts';
import {
  deepEqual,
  getField,
  isJsonObject,
  type JsonArray,
  type JsonObject,
  type JsonValue,
  setField,
} from '../json.ts';
import type { Schema } from '../schema.ts';
import { isSameOrder, sortLike } from './element-order.ts';
import { combinePatches } from './merge.ts';
import {
  asObject,
  deleteListPrefix,
  type ElementKind,
  elementKind,
  elementOrderPrefix,
  mergeKeyOf,
  type PatchMeta,
  patchDirective,
  patchError,
  patchMetaOf,
  retainKeysDirective,
} from './patch-meta.ts';

/** The patch that makes `modified` of `original`. */
export function createTwoWayMergePatch(original: JsonObject, modified: JsonObject, schema: Schema): JsonObject {
  return diffObjects(original, modified, schema, { changes: true, deletions: true, elementOrder: true }, false);
}

export interface ThreeWayOptions {
  /** Whether the patch may undo what was changed since `original`. Without it, such a change is an error. */
  overwrite: boolean;
}

/**
 * The patch that brings `current` to `modified`: what `modified` sets that `current` has not, and what went from
 * `original` to `modified`. What others added to `current` stays.
 * @throws StatusError where, without `overwrite`, `current` was changed in another way than `modified` asks for.
 */
export function createThreeWayMergePatch(
  original: JsonObject,
  modified: JsonObject,
  current: JsonObject,
  schema: Schema,
  { overwrite }: ThreeWayOptions,
): JsonObject {
  const changes = diffObjects(
    current,
    modified,
    schema,
    { changes: true, deletions: false, elementOrder: true },
    false,
  );
  const deletions = diffObjects(
    original,
    modified,
    schema,
    { changes: false, deletions: true, elementOrder: true },
    false,
  );
  const patch = combinePatches(deletions, changes, schema);
  if (!overwrite) {
    const changed = diffObjects(
      original,
      current,
      schema,
      { changes: true, deletions: true, elementOrder: false },
      false,
    );
    if (objectsConflict(patch, changed, schema)) {
      throw patchError(
        `patch:\n${toYaml(patch)}\nconflicts with changes made from original to current:\n${toYaml(changed)}\n`,
      );
    }
  }
  return patch;
}

interface DiffOptions {
  changes: boolean;
  deletions: boolean;
  /** Whether to say in which order merged lists are to be. */
  elementOrder: boolean;
}

function diffObjects(
  original: JsonObject,
  modified: JsonObject,
  schema: Schema,
  options: DiffOptions,
  retainKeys: boolean,
): JsonObject {
  const patch: JsonObject = {};
  for (const key of Object.keys(modified)) {
    const after = modified[key] as JsonValue;
    const before = getField(original, key);
    if (before === undefined) {
      if (options.changes) setField(patch, key, after);
    } else if (key === patchDirective) {
      if (typeof before !== 'string' || typeof after !== 'string') {
        throw patchError(`invalid value for special key: ${patchDirective}`);
      }
      if (before !== after) setField(patch, key, after);
    } else if (isJsonObject(before) && isJsonObject(after)) {
      diffField(patch, key, before, after, schema, options);
    } else if (Array.isArray(before) && Array.isArray(after)) {
      diffListField(patch, key, before, after, schema, options);
    } else if (options.changes && before !== after) {
      setField(patch, key, after);
    }
  }
  const gone = Object.keys(original).filter((key) => getField(modified, key) === undefined);
  if (options.deletions) for (const key of gone) setField(patch, key, null);

  if (retainKeys) {
    const retained = Object.keys(modified).filter((key) => modified[key] !== null);
    const clears = gone.some((key) => original[key] !== null);
    if (retained.length > 0 && (clears || Object.keys(patch).length > 0)) patch[retainKeysDirective] = retained.sort();
  }
  return patch;
}

function diffField(
  patch: JsonObject,
  key: string,
  before: JsonObject,
  after: JsonObject,
  schema: Schema,
  options: DiffOptions,
): void {
  const meta = metaUnlessEqual(schema, key, before, after);
  if (meta === undefined) return;
  if (meta.strategy === 'replace') {
    if (options.changes) setField(patch, key, after);
    return;
  }
  const difference = diffObjects(before, after, meta.schema, options, meta.retainKeys);
  if (Object.keys(difference).length > 0) setField(patch, key, difference);
}

function diffListField(
  patch: JsonObject,
  key: string,
  before: JsonArray,
  after: JsonArray,
  schema: Schema,
  options: DiffOptions,
): void {
  const meta = metaUnlessEqual(schema, key, before, after);
  if (meta === undefined) return;
  if (meta.strategy !== 'merge') {
    if (options.changes && !deepEqual(before, after)) setField(patch, key, after);
    return;
  }
  const { elements, deleted, order } = diffLists(before, after, meta, options);
  if (elements.length > 0) patch[key] = elements;
  if (deleted.length > 0) patch[`${deleteListPrefix}/${key}`] = deleted;
  if (order.length > 0) patch[`${elementOrderPrefix}/${key}`] = order;
}

/** A field without a schema is no matter as long as it does not differ. */
function metaUnlessEqual(schema: Schema, key: string, before: JsonValue, after: JsonValue): PatchMeta | undefined {
  try {
    return patchMetaOf(schema, key);
  } catch (error) {
    if (deepEqual(before, after)) return undefined;
    throw error;
  }
}

/** What the patch says of a merged list: the list itself, the list of deleted scalars, the list that orders it. */
interface ListDiff {
  elements: JsonArray;
  deleted: JsonArray;
  order: JsonArray;
}

function diffLists(original: JsonArray, modified: JsonArray, meta: PatchMeta, options: DiffOptions): ListDiff {
  if (original.length === 0) return { elements: options.changes ? modified : [], deleted: [], order: [] };
  return elementKind(original, modified) === 'object'
    ? diffObjectLists(original, modified, meta, options)
    : diffScalarLists(original, modified, options);
}

function diffObjectLists(original: JsonArray, modified: JsonArray, meta: PatchMeta, options: DiffOptions): ListDiff {
  const { mergeKey } = meta;
  const changed: JsonArray = [];
  const deletions: JsonArray = [];
  walkSorted(byKey(original, mergeKey), byKey(modified, mergeKey), (before, after) => {
    if (before !== undefined && after !== undefined) {
      const difference = diffObjects(
        asObject(before),
        asObject(after),
        meta.schema.items ?? {},
        options,
        meta.retainKeys,
      );
      if (Object.keys(difference).length > 0) {
        changed.push({ ...difference, [mergeKey]: mergeKeyOf(asObject(after), mergeKey) });
      }
    } else if (after !== undefined) {
      if (options.changes) changed.push(after);
    } else if (options.deletions) {
      deletions.push({ [mergeKey]: mergeKeyOf(asObject(before), mergeKey), [patchDirective]: 'delete' });
    }
  });
  const elements = [...sortLike(changed, modified, mergeKey, 'object'), ...deletions];
  const ordered =
    options.elementOrder && (elements.length > 0 || (options.changes && !isSameOrder(original, modified, mergeKey)));
  const order = ordered ? modified.map((element) => ({ [mergeKey]: mergeKeyOf(asObject(element), mergeKey) })) : [];
  return { elements, deleted: [], order };
}

function diffScalarLists(original: JsonArray, modified: JsonArray, options: DiffOptions): ListDiff {
  const added: JsonArray = [];
  const deleted: JsonArray = [];
  walkSorted(byText(original), byText(modified), (before, after) => {
    if (before === undefined && after !== undefined && options.changes) added.push(after);
    if (after === undefined && before !== undefined && options.deletions) deleted.push(before);
  });
  const ordered = options.elementOrder && (deleted.length > 0 || (options.changes && !deepEqual(original, modified)));
  return {
    elements: sortLike(added, modified, '', 'scalar'),
    deleted: [...new Set(deleted)],
    order: ordered ? modified : [],
  };
}

/** An element with the text it is sorted and matched by. */
type Texted = [text: string, element: JsonValue];

function byKey(list: JsonArray, mergeKey: string): Texted[] {
  return sorted(list.map((element) => [goValue(mergeKeyOf(asObject(element), mergeKey)), element]));
}

function byText(list: JsonArray): Texted[] {
  return sorted(list.map((element) => [goValue(element), element]));
}

function sorted(list: Texted[]): Texted[] {
  return list.sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0));
}

/** Visits two sorted lists side by side: both elements where the texts are equal, otherwise the one that comes first. */
function walkSorted(
  left: Texted[],
  right: Texted[],
  visit: (left: JsonValue | undefined, right: JsonValue | undefined) => void,
): void {
  let l = 0;
  let r = 0;
  while (l < left.length || r < right.length) {
    const [leftText, leftElement] = left[l] ?? [];
    const [rightText, rightElement] = right[r] ?? [];
    if (leftText === rightText) {
      visit(leftElement, rightElement);
      l++;
      r++;
    } else if (leftText === undefined || (rightText !== undefined && leftText > rightText)) {
      visit(undefined, rightElement);
      r++;
    } else {
      visit(leftElement, undefined);
      l++;
    }
  }
}

/** Whether two patches of one object set some field differently. */
function objectsConflict(left: JsonObject, right: JsonObject, schema: Schema): boolean {
  return Object.keys(left).some((key) => {
    const l = left[key] as JsonValue;
    const r = getField(right, key);
    if (r === undefined || key === patchDirective || key === retainKeysDirective) return false;
    if (typeof l !== 'object' || l === null) return l !== r;
    return valuesConflict(l, r, patchMetaOf(schema, key));
  });
}

function valuesConflict(left: JsonValue, right: JsonValue, meta: PatchMeta): boolean {
  if (isJsonObject(left)) {
    if (!isJsonObject(right) || left[patchDirective] !== right[patchDirective]) return true;
    return meta.strategy !== 'replace' && objectsConflict(left, right, meta.schema);
  }
  if (Array.isArray(left)) return !Array.isArray(right) || listsConflict(left, right, meta);
  return left !== right;
}

function listsConflict(left: JsonArray, right: JsonArray, meta: PatchMeta): boolean {
  const kind: ElementKind = elementKind(left, right);
  const element: PatchMeta = { schema: meta.schema.items ?? {}, strategy: '', retainKeys: false, mergeKey: '' };
  if (meta.strategy === 'merge') {
    if (kind === 'scalar') return false;
    const others = new Map(right.map((other) => [mergeKeyOf(asObject(other), meta.mergeKey), other]));
    return left.some((mine) => {
      const other = others.get(mergeKeyOf(asObject(mine), meta.mergeKey));
      return other !== undefined && valuesConflict(mine, other, element);
    });
  }
  if (left.length !== right.length) return true;
  const [l, r] = kind === 'object' ? [left, right] : [sortedSet(left), sortedSet(right)];
  return l.some((mine, index) => r[index] === undefined || valuesConflict(mine, r[index], element));
}

function sortedSet(list: JsonArray): JsonArray {
  return byText([...new Set(list)]).map(([, element]) => element);
}

function toYaml(value: JsonObject): string {
  return stringify(value, { indentSeq: false, sortMapEntries: true, lineWidth: 0 });
}
