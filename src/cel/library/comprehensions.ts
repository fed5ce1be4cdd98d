/** Macros over keys and values: `m.all(k, v, …)`, `transformMap`. Source: cel-go `ext/comprehensions.go`. */
import { declare, type Library } from '../functions.ts';
import { twoVariableMacros } from '../macros.ts';
import { CelError, EntryMap, type MapValue, type Value } from '../values.ts';
import { entryWork, work } from '../work.ts';

export const comprehensionsLibrary: Library = {
  macros: twoVariableMacros,
  functions: [
    declare('cel.@mapInsert', {
      '@mapInsert_map_map': ['(map(K, V), map(K, V)) -> map(K, V)', insertAll],
      '@mapInsert_map_key_value': ['(map(K, V), K, V) -> map(K, V)', insert],
    }),
  ],
};

/** An entry of a map that grows, with what the tables behind such maps take when they grow with it. */
const insertionWork = 4 * entryWork;

function insertAll(map: MapValue, more: MapValue): Value {
  const result = growing(map);
  for (const key of more.keys()) {
    const failed = add(result, key, more.get(key) as Value);
    if (failed !== undefined) return failed;
  }
  return result;
}

function insert(map: MapValue, key: Value, value: Value): Value {
  const result = growing(map);
  return add(result, key, value) ?? result;
}

/** A map to add to. A fold passes its accumulator, which nobody else sees: it is extended in place. */
function growing(map: MapValue): EntryMap {
  if (map instanceof EntryMap && map.growing) return map;
  work(map.size * insertionWork);
  return EntryMap.growingFrom(map);
}

function add(map: EntryMap, key: Value, value: Value): CelError | undefined {
  work(insertionWork);
  if (map.get(key) !== undefined) return new CelError(`insert failed: key ${String(key)} already exists`);
  map.set(key, value);
  return undefined;
}
