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
      '@mapInsert_map_key_value': [
        '(map(K, V), K, V) -> map(K, V)',
        (map: MapValue, key: Value, value: Value) => insert(map, [[key, value]]),
      ],
    }),
  ],
};

function insertAll(map: MapValue, more: MapValue): Value {
  return insert(
    map,
    [...more.keys()].map((key) => [key, more.get(key) as Value]),
  );
}

/** The map and more entries. A fold passes its accumulator, which nobody else sees: it is extended in place. */
function insert(map: MapValue, entries: readonly (readonly [Value, Value])[]): Value {
  const isOwn = map instanceof EntryMap && map.growing;
  work((entries.length + (isOwn ? 0 : map.size)) * entryWork);
  const result = isOwn ? map : EntryMap.growingFrom(map);
  for (const [key, value] of entries) {
    if (result.get(key) !== undefined) return new CelError(`insert failed: key ${String(key)} already exists`);
    result.set(key, value);
  }
  return result;
}
