/** Lists as sets. Source: cel-go `ext/sets.go`. */
import { equal } from '../equality.ts';
import { declare, type Library } from '../functions.ts';
import type { ListValue, Value } from '../values.ts';
import { elementWork, work } from '../work.ts';

export const setsLibrary: Library = {
  functions: [
    declare('sets.contains', { list_sets_contains_list: ['(list(T), list(T)) -> bool', contains] }),
    declare('sets.equivalent', {
      list_sets_equivalent_list: [
        '(list(T), list(T)) -> bool',
        (a: ListValue, b: ListValue) => contains(a, b) && contains(b, a),
      ],
    }),
    declare('sets.intersects', {
      list_sets_intersects_list: ['(list(T), list(T)) -> bool', intersects],
    }),
  ],
};

/** Whether every element of `b` is one of `a`. */
function contains(a: ListValue, b: ListValue): boolean {
  work(b.length * elementWork);
  return b.values().every((element) => includes(a, element));
}

function intersects(a: ListValue, b: ListValue): boolean {
  work(b.length * elementWork);
  return b.values().some((element) => includes(a, element));
}

function includes(list: ListValue, value: Value): boolean {
  for (let i = 0; i < list.length; i++) if (equal(list.at(i), value)) return true;
  return false;
}
