/**
 * The order of a merged list: `$setElementOrder` before the patch's order before the live order.
 * Source: "Preserve Order in Strategic Merge Patch", a design proposal of Kubernetes' command line group.
 */
import { goValue } from '../go-text.ts';
import { isJsonObject, type JsonArray, type JsonObject, type JsonValue } from '../json.ts';
import {
  asObject,
  type ElementKind,
  elementOrderPrefix,
  mergeKeyOf,
  patchDirective,
  patchError,
} from './patch-meta.ts';

/**
 * Puts `merged` in order: what `patchOrder` names follows it, everything else follows `serverOrder`, and the two are
 * interleaved by where the server had them. Elements that only say `$patch: delete` come last.
 */
export function orderElements(
  merged: JsonArray,
  patchOrder: JsonArray,
  serverOrder: JsonArray,
  mergeKey: string,
  kind: ElementKind,
): JsonArray {
  const patchPosition = positions(patchOrder, mergeKey, kind);
  const fromPatch: JsonArray = [];
  const serverOnly: JsonArray = [];
  for (const element of merged) {
    (patchPosition.has(identity(element, mergeKey, kind)) ? fromPatch : serverOnly).push(element);
  }
  const serverPosition = positions(serverOrder, mergeKey, kind);
  return interleave(
    sortByPosition(serverOnly, serverPosition, mergeKey, kind),
    sortByPosition(fromPatch, patchPosition, mergeKey, kind),
    (element) => serverPosition.get(identity(element, mergeKey, kind)),
  );
}

/** Sorts `list` as `order` has it, and what only says `$patch: delete` last. */
export function sortLike(list: JsonArray, order: JsonArray, mergeKey: string, kind: ElementKind): JsonArray {
  return sortByPosition(list, positions(order, mergeKey, kind), mergeKey, kind);
}

/**
 * `$setElementOrder` must name every element that the patch holds (deletions apart), in the patch's order.
 * @throws StatusError otherwise.
 */
export function checkElementOrder(patchList: JsonArray, order: JsonArray, mergeKey: string): void {
  if (order.length === 0 || patchList.length === 0) return;
  const kept = mergeKey === '' ? patchList : patchList.filter((element) => !isDeletion(asObject(element)));
  let next = 0;
  let at = 0;
  while (next < kept.length && at < order.length) {
    const element = kept[next] as JsonValue;
    if (isJsonObject(element) && element[patchDirective] !== undefined) {
      next++;
      continue;
    }
    if (sameIdentity(element, order[at] as JsonValue, mergeKey)) next++;
    at++;
  }
  if (next < kept.length && at >= order.length) {
    throw patchError(
      `The order in patch list:\n${goValue(patchList)}\n doesn't match ${elementOrderPrefix} list:\n${goValue(order)}\n`,
    );
  }
}

/** Whether both lists hold the same elements, told apart by merge key, in the same order. */
export function isSameOrder(left: JsonArray, right: JsonArray, mergeKey: string): boolean {
  return (
    left.length === right.length &&
    left.every((element, index) => sameIdentity(element, right[index] as JsonValue, mergeKey))
  );
}

function isDeletion(element: JsonObject): boolean {
  return element[patchDirective] === 'delete';
}

function sameIdentity(left: JsonValue, right: JsonValue, mergeKey: string): boolean {
  if (mergeKey === '') return left === right;
  return mergeKeyOf(asObject(left), mergeKey) === mergeKeyOf(asObject(right), mergeKey);
}

function identity(element: JsonValue, mergeKey: string, kind: ElementKind): JsonValue {
  return kind === 'object' ? mergeKeyOf(asObject(element), mergeKey) : element;
}

function positions(list: JsonArray, mergeKey: string, kind: ElementKind): Map<JsonValue, number> {
  const found = new Map<JsonValue, number>();
  for (const [index, element] of list.entries()) {
    const key = identity(element, mergeKey, kind);
    if (!found.has(key)) found.set(key, index);
  }
  return found;
}

function sortByPosition(
  list: JsonArray,
  position: ReadonlyMap<JsonValue, number>,
  mergeKey: string,
  kind: ElementKind,
): JsonArray {
  const deleted = kind === 'object' ? list.filter((element) => isDeletion(asObject(element))) : [];
  const kept = deleted.length === 0 ? [...list] : list.filter((element) => !isDeletion(asObject(element)));
  kept.sort((left, right) => {
    const l = position.get(identity(left, mergeKey, kind));
    const r = position.get(identity(right, mergeKey, kind));
    return l === undefined || r === undefined ? 0 : l - r;
  });
  return deleted.length === 0 ? kept : [...kept, ...deleted];
}

/** A server element goes before the first patch element that the server had after it. */
function interleave(
  server: JsonArray,
  patch: JsonArray,
  position: (element: JsonValue) => number | undefined,
): JsonArray {
  const result: JsonArray = [];
  let next = 0;
  for (const element of patch) {
    const at = position(element);
    while (at !== undefined && next < server.length) {
      const serverAt = position(server[next] as JsonValue);
      if (serverAt === undefined || serverAt >= at) break;
      result.push(server[next++] as JsonValue);
    }
    result.push(element);
  }
  while (next < server.length) result.push(server[next++] as JsonValue);
  return result;
}
