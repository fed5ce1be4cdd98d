/**
 * Lays an applied configuration over a live object. Source: `sigs.k8s.io/structured-merge-diff/typed/merge.go`.
 *
 * What does not change is shared: a configuration that the object already has answers the object itself.
 */
import { deepEqual, getField, type JsonArray, type JsonObject, type JsonValue, setField } from '../json.ts';
import type { PathElement } from './path-element.ts';
import type { ListType, MapType, Type } from './type.ts';
import { commonElements, elementOf, fieldTypeOf, formOf } from './typed.ts';

/**
 * `live` with everything that `config` sets; nothing is removed. Lists with owned elements get the configuration's order,
 * and what only the live object has keeps its place between its neighbours.
 *
 * Both must fit the type (the live object may hold duplicates in its lists).
 */
export function merge(live: JsonValue, config: JsonValue, type: Type): JsonValue {
  if (live === config) return live;
  switch (formOf(type, config)) {
    case 'map': {
      const left = asMap(live);
      const right = asMap(config);
      if ((type.map as MapType).atomic || (isEmptyMap(left) && isEmptyMap(right))) break;
      return mergeMaps(left, right, type.map as MapType);
    }
    case 'list': {
      const left = Array.isArray(live) ? live : [];
      const right = Array.isArray(config) ? config : [];
      if ((type.list as ListType).atomic || (left.length === 0 && right.length === 0)) break;
      return mergeLists(left, right, type.list as ListType);
    }
  }
  return deepEqual(live, config) ? live : config;
}

function mergeMaps(live: JsonObject | undefined, config: JsonObject | undefined, map: MapType): JsonObject {
  if (live === undefined || config === undefined) return (live ?? config) as JsonObject;
  let result: JsonObject | undefined;
  for (const name of Object.keys(config)) {
    const before = getField(live, name);
    const value = config[name] as JsonValue;
    if (value === before) continue;
    const merged = before === undefined ? value : merge(before, value, fieldTypeOf(map, map.fields.get(name)));
    if (merged === before) continue;
    result ??= { ...live };
    setField(result, name, merged);
  }
  return result ?? live;
}

function mergeLists(live: JsonArray, config: JsonArray, list: ListType): JsonArray {
  if (config.length === 0) return live;
  if (commonElements(list, live, config) !== undefined) return mergeEach(live, config, list);
  const left = live.map((value) => elementOf(list, value));
  const right = config.map((value) => elementOf(list, value));
  const liveAt = positions(left);
  const configAt = positions(right);
  const result: JsonArray = [];
  for (const at of interleave(left, right, liveAt, configAt)) {
    if (at.side === 'live') {
      result.push(live[at.index] as JsonValue);
      continue;
    }
    const before = liveAt.get(right[at.index] as PathElement);
    const value = config[at.index] as JsonValue;
    // Duplicates of the live object are not merged into; the configuration's element takes their place.
    if (before === undefined) result.push(value);
    else if (before === 'several') result.push(merge(null, value, list.element));
    else result.push(merge(live[before] as JsonValue, value, list.element));
  }
  return result.length === live.length && result.every((value, index) => value === live[index]) ? live : result;
}

function mergeEach(live: JsonArray, config: JsonArray, list: ListType): JsonArray {
  let result: JsonArray | undefined;
  for (let index = 0; index < live.length; index++) {
    const before = live[index] as JsonValue;
    const merged = merge(before, config[index] as JsonValue, list.element);
    if (merged === before) continue;
    result ??= [...live];
    result[index] = merged;
  }
  return result ?? live;
}

type Positions = Map<PathElement, number | 'several'>;

function positions(elements: readonly PathElement[]): Positions {
  const found: Positions = new Map();
  for (const [index, element] of elements.entries()) found.set(element, found.has(element) ? 'several' : index);
  return found;
}

interface Place {
  side: 'live' | 'config';
  index: number;
}

/**
 * The order of the merged list. Both lists are walked together: elements of both come in the order of the configuration,
 * and an element of one list alone comes before the next element that both have.
 */
function interleave(
  left: readonly PathElement[],
  right: readonly PathElement[],
  liveAt: Positions,
  configAt: Positions,
): Place[] {
  const places: Place[] = [];
  const shared = right.filter((element) => liveAt.has(element));
  let nextShared = 0;
  const merged = new Set<PathElement>();
  let l = 0;
  let r = 0;
  while (l < left.length || r < right.length) {
    const mine = left[l];
    const theirs = right[r];
    if (mine !== undefined && theirs !== undefined) {
      if (mine === theirs) {
        merged.add(mine);
        places.push({ side: 'config', index: r });
        l++;
        r++;
        nextShared++;
        continue;
      }
      if (configAt.has(mine) && nextShared < shared.length && shared[nextShared] !== mine) {
        l++;
        continue;
      }
    }
    if (mine !== undefined) {
      if (!configAt.has(mine)) {
        places.push({ side: 'live', index: l });
        l++;
        continue;
      }
      if (merged.has(mine)) l++;
    }
    if (theirs !== undefined) {
      merged.add(theirs);
      places.push({ side: 'config', index: r });
      r++;
      if (shared[nextShared] === theirs) nextShared++;
    }
  }
  return places;
}

function asMap(value: JsonValue): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
}

function isEmptyMap(value: JsonObject | undefined): boolean {
  for (const _ in value) return false;
  return true;
}
