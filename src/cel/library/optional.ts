/** Optional values: `optional.of(x)`, `a.?b`, `x.orValue(y)`. Source: cel-go `cel/library.go`, OptionalTypes version 2. */
import { equal } from '../equality.ts';
import { declare, type Library } from '../functions.ts';
import { bindMacro, optionalMacros } from '../macros.ts';
import { parseType } from '../types.ts';
import {
  CelError,
  Double,
  Duration,
  ListValue,
  MapValue,
  noneOptional,
  OptionalValue,
  Timestamp,
  Uint,
  type Value,
} from '../values.ts';
import { elementWork, work } from '../work.ts';

export const optionalLibrary: Library = {
  macros: [...optionalMacros],
  types: [parseType('optional_type(dyn)')],
  functions: [
    declare('optional.of', {
      optional_of: ['(V) -> optional_type(V)', (value: Value) => new OptionalValue(value)],
    }),
    declare('optional.ofNonZeroValue', {
      optional_ofNonZeroValue: [
        '(V) -> optional_type(V)',
        (value: Value) => (isZero(value) ? noneOptional : new OptionalValue(value)),
      ],
    }),
    declare('optional.none', { optional_none: ['() -> optional_type(V)', () => noneOptional] }),
    declare('optional.unwrap', { optional_unwrap: ['(list(optional_type(V))) -> list(V)', unwrap] }),
    declare('unwrapOpt', { optional_unwrapOpt: ['list(optional_type(V)).() -> list(V)', unwrap] }),
    declare('value', {
      optional_value: [
        'optional_type(V).() -> V',
        (optional: OptionalValue) => (optional.value === undefined ? noValue : optional.value),
      ],
    }),
    declare('hasValue', {
      optional_hasValue: ['optional_type(V).() -> bool', (optional: OptionalValue) => optional.value !== undefined],
    }),
    // The evaluator sees to it that the argument is evaluated only when it is needed.
    declare('or', { optional_or_optional: ['optional_type(V).(optional_type(V)) -> optional_type(V)'] }),
    declare('orValue', { optional_orValue_value: ['optional_type(V).(V) -> V'] }),
    declare('_?._', { select_optional_field: ['(dyn, string) -> optional_type(V)'] }),
    declare('_[?_]', {
      list_optindex_optional_int: ['(list(V), int) -> optional_type(V)'],
      optional_list_optindex_optional_int: ['(optional_type(list(V)), int) -> optional_type(V)'],
      map_optindex_optional_value: ['(map(K, V), K) -> optional_type(V)'],
      optional_map_optindex_optional_value: ['(optional_type(map(K, V)), K) -> optional_type(V)'],
    }),
    declare('_[_]', {
      optional_list_index_int: ['(optional_type(list(V)), int) -> optional_type(V)'],
      optional_map_index_value: ['(optional_type(map(K, V)), K) -> optional_type(V)'],
    }),
    declare('first', { list_first: ['list(V).() -> optional_type(V)', (list: ListValue) => elementAt(list, 0)] }),
    declare('last', {
      list_last: ['list(V).() -> optional_type(V)', (list: ListValue) => elementAt(list, list.length - 1)],
    }),
  ],
};

export const bindingsLibrary: Library = { macros: [bindMacro] };

const noValue = new CelError('optional.none() dereference');

function elementAt(list: ListValue, index: number): Value {
  return index < 0 || index >= list.length ? noneOptional : new OptionalValue(list.at(index));
}

function unwrap(list: ListValue): Value {
  work(list.length * elementWork);
  const values: Value[] = [];
  for (const element of list) {
    if (!(element instanceof OptionalValue)) return new CelError('value is not of type optional');
    if (element.value !== undefined) values.push(element.value);
  }
  return new ListValue(values);
}

/** Whether a value is the default of its type. */
function isZero(value: Value): boolean {
  if (value === null || value === false || value === 0 || value === '') return true;
  if (value instanceof Double || value instanceof Uint) return value.value === 0;
  if (value instanceof ListValue || value instanceof Uint8Array) return value.length === 0;
  if (value instanceof MapValue) return value.size === 0;
  if (value instanceof Duration) return equal(value, new Duration(0, 0));
  return value instanceof Timestamp ? value.seconds === -62135596800 && value.nanos === 0 : false;
}
