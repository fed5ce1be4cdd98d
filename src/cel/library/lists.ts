/** Functions on lists: Kubernetes' own (`apiserver/pkg/cel/library/lists.go`) and cel-go's `ext/lists.go`. */

import { compare, equal, typeName } from '../equality.ts';
import { declare, type FunctionDeclaration, type Implementation, type Library } from '../functions.ts';
import { accumulator, type Macro, MacroError } from '../macros.ts';
import { addInt, addUint, type Int } from '../numbers.ts';
import { addDurations } from '../time.ts';
import { CelError, Double, Duration, ListValue, noSuchOverload, Uint, type Value } from '../values.ts';
import { elementWork, work } from '../work.ts';

const comparable = ['int', 'uint', 'double', 'bool', 'duration', 'timestamp', 'string', 'bytes'];
const runtimeNames: Readonly<Record<string, string>> = {
  duration: 'google.protobuf.Duration',
  timestamp: 'google.protobuf.Timestamp',
};

/** One overload for each type of element. */
function forTypes(
  name: string,
  types: readonly string[],
  id: (type: string) => string,
  signature: (type: string) => string,
  implementation: (type: string) => Implementation,
): FunctionDeclaration {
  return declare(
    name,
    Object.fromEntries(types.map((type) => [id(type), [signature(type), implementation(type)] as const])),
  );
}

export const kubernetesListsLibrary: Library = {
  functions: [
    forTypes(
      'isSorted',
      comparable,
      (type) => `list_${type}_is_sorted_bool`,
      (type) => `list(${type}).() -> bool`,
      () => isSorted,
    ),
    forTypes(
      'sum',
      ['int', 'uint', 'double', 'duration'],
      (type) => `list_${type}_sum_${type}`,
      (type) => `list(${type}).() -> ${type}`,
      (type) => (list: ListValue) => sum(list, zeros[type] as Value),
    ),
    forTypes(
      'max',
      comparable,
      (type) => `list_${type}_max_${type}`,
      (type) => `list(${type}).() -> ${type}`,
      () => (list: ListValue) => extreme(list, 'max', 1),
    ),
    forTypes(
      'min',
      comparable,
      (type) => `list_${type}_min_${type}`,
      (type) => `list(${type}).() -> ${type}`,
      () => (list: ListValue) => extreme(list, 'min', -1),
    ),
    declare('indexOf', { list_a_index_of_int: ['list(T).(T) -> int', indexOf] }),
    declare('lastIndexOf', { list_a_last_index_of_int: ['list(T).(T) -> int', lastIndexOf] }),
  ],
};

const zeros: Readonly<Record<string, Value>> = {
  int: 0,
  uint: new Uint(0),
  double: new Double(0),
  duration: new Duration(0, 0),
};

function isSorted(list: ListValue): Value {
  work(list.length * 3 * elementWork);
  for (let i = 1; i < list.length; i++) {
    const order = compare(list.at(i - 1), list.at(i));
    if (order === undefined) return noSuchOverload;
    if (order > 0) return false;
  }
  return true;
}

function sum(list: ListValue, zero: Value): Value {
  work(list.length * 2 * elementWork);
  let total: Value = list.length === 0 ? zero : list.at(0);
  for (let i = 1; i < list.length && !(total instanceof CelError); i++) total = add(total, list.at(i));
  return total;
}

function add(a: Value, b: Value): Value {
  if (typeof a === 'number' && typeof b === 'number') return addInt(a, b);
  if (a instanceof Double && b instanceof Double) return new Double(a.value + b.value);
  if (a instanceof Uint && b instanceof Uint) return addUint(a, b);
  if (a instanceof Duration && b instanceof Duration) return addDurations(a, b);
  return typeName(a) === 'int' && typeName(b) === 'int' ? addInt(a as Int, b as Int) : noSuchOverload;
}

function extreme(list: ListValue, name: string, sign: 1 | -1): Value {
  if (list.length === 0) return new CelError(`${name} called on empty list`);
  work(list.length * 3 * elementWork);
  let best = list.at(0);
  for (let i = 1; i < list.length; i++) {
    const element = list.at(i);
    const order = compare(element, best);
    if (order === undefined) return noSuchOverload;
    if (order * sign > 0) best = element;
  }
  return best;
}

function indexOf(list: ListValue, value: Value): Value {
  for (let i = 0; i < list.length; i++) if (equal(list.at(i), value)) return i;
  return -1;
}

function lastIndexOf(list: ListValue, value: Value): Value {
  for (let i = list.length - 1; i >= 0; i--) if (equal(list.at(i), value)) return i;
  return -1;
}

/** The hidden name to which `sortBy` binds its list. */
const sortInput = '@__sortBy_input__';

const sortBy: Macro = {
  name: 'sortBy',
  args: 2,
  receiver: true,
  expand: (make, target, [name, key]) => {
    if (!['list', 'select', 'ident', 'comprehension', 'call'].includes(target.kind)) {
      const accepted = 'a list, identifier, comprehension, call or select expression';
      return new MacroError(target, `sortBy can only be applied to ${accepted}`);
    }
    if (name?.kind !== 'ident') return new MacroError(name as typeof target, 'argument is not an identifier');
    const keys = make.fold({
      range: make.ident(sortInput),
      variable: name.name,
      accumulator,
      init: make.list(),
      condition: make.literal(true),
      step: make.call('_+_', make.ident(accumulator), make.list(key as typeof target)),
      result: make.ident(accumulator),
    });
    return make.fold({
      range: make.list(),
      variable: '#unused',
      accumulator: sortInput,
      init: target,
      condition: make.literal(false),
      step: make.ident(sortInput),
      result: make.method('@sortByAssociatedKeys', make.ident(sortInput), keys),
    });
  },
};

export const listsLibrary: Library = {
  macros: [sortBy],
  functions: [
    declare('slice', { list_slice: ['list(T).(int, int) -> list(T)', slice] }),
    declare('flatten', {
      list_flatten: ['list(list(T)).() -> list(T)', (list: ListValue) => new ListValue(flatten(list, 1))],
      list_flatten_int: [
        'list(dyn).(int) -> list(dyn)',
        (list: ListValue, depth: Int) =>
          depth < 0 ? new CelError('level must be non-negative') : new ListValue(flatten(list, Number(depth))),
      ],
    }),
    forTypes(
      'sort',
      comparable,
      (type) => `list_${runtimeNames[type] ?? type}_sort`,
      (type) => `list(${type}).() -> list(${type})`,
      () => (list: ListValue) => sort(list, list),
    ),
    forTypes(
      '@sortByAssociatedKeys',
      comparable,
      (type) => `list_${runtimeNames[type] ?? type}_sortByAssociatedKeys`,
      (type) => `list(T).(list(${type})) -> list(T)`,
      () => sort,
    ),
    declare('lists.range', { lists_range: ['(int) -> list(int)', range] }),
    declare('reverse', {
      list_reverse: ['list(T).() -> list(T)', reverse],
    }),
    declare('distinct', { list_distinct: ['list(T).() -> list(T)', distinct] }),
  ],
};

function slice(list: ListValue, start: Int, end: Int): Value {
  const what = `cannot slice(${start}, ${end})`;
  if (start < 0 || end < 0) return new CelError(`${what}, negative indexes not supported`);
  if (start > end) return new CelError(`${what}, start index must be less than or equal to end index`);
  if (list.length < end) return new CelError(`${what}, list is length ${list.length}`);
  work(Number(end) - Number(start));
  return new ListValue(list.items.slice(Number(start), Number(end)), list.read);
}

function reverse(list: ListValue): Value {
  work(list.length * elementWork);
  return new ListValue([...list.items].reverse(), list.read);
}

function flatten(list: ListValue, depth: number, into: Value[] = []): Value[] {
  work(list.length * 5 * elementWork);
  for (let i = 0; i < list.length; i++) {
    const element = list.at(i);
    if (element instanceof ListValue && depth > 0) flatten(element, depth - 1, into);
    else into.push(element);
  }
  return into;
}

function sort(list: ListValue, keyList: ListValue): Value {
  if (list.length === 0) return list;
  work((list.length + keyList.length) * elementWork);
  const keys = keyList.values();
  const type = typeName(keys[0] as Value);
  if (keys.some((key) => typeName(key) !== type)) return new CelError('list elements must have the same type');
  if (compare(keys[0] as Value, keys[0] as Value) === undefined)
    return new CelError('list elements must be comparable');
  const order = keys.map((_, i) => i).sort((a, b) => compare(keys[a] as Value, keys[b] as Value) ?? 0);
  return new ListValue(
    order.map((i) => list.items[i]),
    list.read,
  );
}

const maxRange = 10_000_000;

function range(size: Int): Value {
  if (size < 0) return new CelError(`lists.range: size must be non-negative, got ${size}`);
  if (size > maxRange) return new CelError(`lists.range: size ${size} exceeds maximum allowed (${maxRange})`);
  work(Number(size) * 2 * elementWork);
  return new ListValue(Array.from({ length: Number(size) }, (_, i) => i));
}

function distinct(list: ListValue): Value {
  const kept: Value[] = [];
  for (const element of list) if (!kept.some((other) => equal(other, element))) kept.push(element);
  return new ListValue(kept);
}
