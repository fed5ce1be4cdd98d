/**
 * Strategic merge patch: a JSON merge patch whose lists merge by key where the schema says so.
 * Source: `k8s.io/apimachinery/pkg/util/strategicpatch`; the directives are described in Kubernetes'
 * "Strategic Merge Patch" contributor document.
 */
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
import { checkElementOrder, orderElements } from './element-order.ts';
import {
  asList,
  asObject,
  badDirective,
  badElementOrder,
  badRetainKeys,
  deleteListPrefix,
  directiveField,
  elementKind,
  elementOrderPrefix,
  mergeKeyOf,
  type PatchMeta,
  patchDirective,
  patchError,
  patchMetaOf,
  retainKeysDirective,
} from './patch-meta.ts';

/**
 * `original` with `patch` applied. Neither is changed; the result shares what did not change with both.
 *
 * @param schema of the object, with `x-kubernetes-patch-strategy` and `x-kubernetes-patch-merge-key`.
 * @throws StatusError 400 for a malformed directive, 422 or 500 where Kubernetes answers so.
 */
export function strategicMergePatch(original: JsonObject, patch: JsonObject, schema: Schema): JsonObject {
  return mergeObjects(original, patch, schema, 'object');
}

/**
 * Lays the patch `second` over the patch `first`, which leaves a patch that does both: nulls and directives stay.
 * Two patches of one object are laid together this way for a three-way patch.
 */
export function combinePatches(first: JsonObject, second: JsonObject, schema: Schema): JsonObject {
  return mergeObjects(first, second, schema, 'patch');
}

/** What the patch is laid over: an object, so directives are carried out; or another patch, so they are kept. */
type Target = 'object' | 'patch';

function mergeObjects(original: JsonObject, patch: JsonObject, schema: Schema, target: Target): JsonObject {
  const directive = patch[patchDirective];
  if (directive !== undefined) return carryOut(directive, patch, target);

  const result = { ...original };
  applyRetainKeys(result, patch, target);
  const ordered = mergeOrderedLists(result, patch, schema, target);

  for (const key of Object.keys(patch)) {
    const value = patch[key] as JsonValue;
    if (key === retainKeysDirective || key.startsWith(elementOrderPrefix) || ordered.has(key)) continue;
    if (key.startsWith(deleteListPrefix)) {
      if (target === 'patch') result[key] = value;
      else deleteFromList(result, directiveField(key, deleteListPrefix), value, schema);
      continue;
    }
    if (value === null) {
      delete result[key];
      if (target === 'patch') setField(result, key, null);
      continue;
    }
    mergeField(result, key, value, schema, target);
  }
  return result;
}

function mergeField(result: JsonObject, key: string, value: JsonValue, schema: Schema, target: Target): void {
  const current = getField(result, key);
  if (isJsonObject(current) && isJsonObject(value)) {
    const meta = patchMetaOf(schema, key);
    setField(
      result,
      key,
      meta.strategy === 'replace' ? taken(value, target) : mergeObjects(current, value, meta.schema, target),
    );
  } else if (Array.isArray(current) && Array.isArray(value)) {
    setField(result, key, mergeLists(current, value, patchMetaOf(schema, key), target));
  } else {
    const plain = withoutDirectives(taken(value, target));
    if (plain === undefined) delete result[key];
    else setField(result, key, plain);
  }
}

function mergeLists(original: JsonArray, patch: JsonArray, meta: PatchMeta, target: Target): JsonArray {
  if (meta.strategy !== 'merge') return taken(patch, target) as JsonArray;
  if (original.length === 0 && patch.length === 0) return original;
  const kind = elementKind(original, patch);
  if (kind === 'scalar') {
    return orderElements([...new Set([...original, ...patch])], patch, original, meta.mergeKey, kind);
  }
  if (meta.mergeKey === '') throw patchError('cannot merge lists without merge key for struct');
  const { kept, elements } = applyElementDirectives(original, patch, meta.mergeKey, target);
  const merged = mergeElements(kept, elements, meta, target);
  return orderElements(merged, elements, kept, meta.mergeKey, kind);
}

/** Carries out `$patch: delete` and `$patch: replace` elements: what stays of `original`, and what the patch adds or changes. */
function applyElementDirectives(
  original: JsonArray,
  patch: JsonArray,
  mergeKey: string,
  target: Target,
): { kept: JsonArray; elements: JsonArray } {
  const elements: JsonArray = [];
  let kept = original;
  let replace = false;
  for (const element of patch) {
    const object = asObject(element);
    const directive = object[patchDirective];
    if (directive === undefined) {
      elements.push(element);
    } else if (directive === 'delete') {
      const deleted = mergeKeyOf(object, mergeKey);
      kept = kept.filter((candidate) => asObject(candidate)[mergeKey] !== deleted);
    } else if (directive === 'replace') {
      replace = true;
    } else if (directive === 'merge') {
      throw patchError('merging lists cannot yet be specified in the patch');
    } else {
      throw badDirective(directive, object);
    }
  }
  return replace ? { kept: elements.map((element) => taken(element, target)), elements: [] } : { kept, elements };
}

function mergeElements(original: JsonArray, patch: JsonArray, meta: PatchMeta, target: Target): JsonArray {
  const merged = [...original];
  for (const element of patch) {
    const object = asObject(element);
    const key = mergeKeyOf(object, meta.mergeKey);
    const index = merged.findIndex((candidate) => asObject(candidate)[meta.mergeKey] === key);
    if (index < 0) merged.push(taken(element, target));
    else merged[index] = mergeObjects(asObject(merged[index]), object, meta.schema.items ?? {}, target);
  }
  return merged;
}

/** Clears what `$retainKeys` does not name; the patch may set only what it names. */
function applyRetainKeys(result: JsonObject, patch: JsonObject, target: Target): void {
  const retained = patch[retainKeysDirective];
  if (retained === undefined) return;
  if (target === 'patch') {
    const other = result[retainKeysDirective];
    if (other !== undefined && !deepEqual(other, retained)) {
      throw patchError(
        `${goValue(other)} and ${goValue(retained)} are not deep equal: this may happen when calculating the 3-way diff patch`,
      );
    }
    result[retainKeysDirective] = retained;
    return;
  }
  if (!Array.isArray(retained)) throw badRetainKeys();
  const names = new Set(retained);
  for (const key of Object.keys(patch)) {
    const exempt =
      key === retainKeysDirective ||
      patch[key] === null ||
      key.startsWith(deleteListPrefix) ||
      key.startsWith(elementOrderPrefix);
    if (!exempt && !names.has(key)) throw badRetainKeys();
  }
  for (const key of Object.keys(result)) if (!names.has(key)) delete result[key];
}

/** Merges each list that has a `$setElementOrder` and puts it in that order. Returns the fields this has dealt with. */
function mergeOrderedLists(result: JsonObject, patch: JsonObject, schema: Schema, target: Target): Set<string> {
  const done = new Set<string>();
  for (const key of Object.keys(patch)) {
    if (!key.startsWith(elementOrderPrefix)) continue;
    const directive = patch[key] as JsonValue;
    if (target === 'patch') {
      const other = result[key];
      if (other !== undefined && !deepEqual(other, directive)) throw badElementOrder();
      result[key] = directive;
    }
    const order = asList(directive);
    const field = directiveField(key, elementOrderPrefix);
    const live = listAt(result, field);
    const change = listAt(patch, field);
    const meta = patchMetaOf(schema, field);
    checkElementOrder(change ?? [], order, meta.mergeKey);
    if (live === undefined && change === undefined) continue;

    const kind = elementKind(live ?? [], change ?? []);
    let merged = live ?? [];
    let serverOrder = merged;
    if (live === undefined) merged = withoutDirectives(taken(change ?? [], target)) as JsonArray;
    else if (change !== undefined) {
      merged = mergeLists(live, change, meta, target);
      if (kind === 'object') serverOrder = orderAfterDeletions(live, merged, change, meta.mergeKey);
    }
    result[field] = orderElements(merged, order, serverOrder, meta.mergeKey, kind);
    done.add(field);
  }
  return done;
}

/**
 * The server's order, in which the first elements that the patch adds stand in for those it deletes, at the end.
 * Kubernetes appends additions to the array whose length the deletions have left free.
 */
function orderAfterDeletions(live: JsonArray, merged: JsonArray, patch: JsonArray, mergeKey: string): JsonArray {
  const keyOf = (element: JsonValue): JsonValue => mergeKeyOf(asObject(element), mergeKey);
  const before = new Set(live.map(keyOf));
  const after = new Set(merged.map(keyOf));
  const kept = live.filter((element) => after.has(keyOf(element)));
  const added = patch.filter((element) => after.has(keyOf(element)) && !before.has(keyOf(element)));
  return [...kept, ...added].slice(0, live.length);
}

function listAt(object: JsonObject, field: string): JsonArray | undefined {
  const value = getField(object, field);
  return value === undefined ? undefined : asList(value);
}

function deleteFromList(result: JsonObject, field: string, deleted: JsonValue, schema: Schema): void {
  const current = getField(result, field);
  if (deleted === null) {
    delete result[field];
    return;
  }
  if (!Array.isArray(current) || !Array.isArray(deleted)) return;
  if (current.length === 0 && deleted.length === 0) return;
  const meta = patchMetaOf(schema, field);
  if (elementKind(current, deleted) === 'object') {
    result[field] = mergeLists(current, deleted, { ...meta, strategy: 'merge' }, 'object');
    return;
  }
  const gone = new Set(deleted);
  result[field] = current.filter((element) => !gone.has(element));
}

function carryOut(directive: JsonValue, patch: JsonObject, target: Target): JsonObject {
  if (directive === 'delete') return {};
  if (directive !== 'replace') throw badDirective(directive, patch);
  const { [patchDirective]: _, ...rest } = patch;
  return taken(rest, target) as JsonObject;
}

/** A value of the patch on its way into the target: an object's fields have no nulls, a patch keeps them. */
function taken(value: JsonValue, target: Target): JsonValue {
  return target === 'patch' ? value : withoutNulls(value);
}

function withoutNulls(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isJsonObject(value)) return value;
  const result: JsonObject = {};
  for (const key of Object.keys(value)) {
    const field = value[key];
    if (field !== null && field !== undefined) setField(result, key, withoutNulls(field));
  }
  return result;
}

/** Where there was nothing to merge with, a `$patch` element has nothing to act on and goes. */
function withoutDirectives(value: JsonValue): JsonValue | undefined {
  if (Array.isArray(value)) {
    return value.map(withoutDirectives).filter((element): element is JsonValue => element !== undefined);
  }
  if (!isJsonObject(value)) return value;
  if (value[patchDirective] !== undefined) return undefined;
  const result: JsonObject = {};
  for (const key of Object.keys(value)) {
    const field = withoutDirectives(value[key] as JsonValue);
    if (field !== undefined) setField(result, key, field);
  }
  return result;
}
