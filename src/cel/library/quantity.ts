/** Quantities: `quantity('1.5Gi').isGreaterThan(…)`. Source: Kubernetes' `apiserver/pkg/cel/library/quantity.go`. */
import { Quantity, QuantityError } from '../../machinery/quantity.ts';
import { declare, type Library } from '../functions.ts';
import { normalInt } from '../literals.ts';
import type { Int } from '../numbers.ts';
import { parseType } from '../types.ts';
import { CelError, Double, OpaqueValue, type Value } from '../values.ts';
import { work } from '../work.ts';

const name = 'kubernetes.Quantity';

export class QuantityValue extends OpaqueValue {
  readonly typeName = name;
  readonly quantity: Quantity;

  constructor(quantity: Quantity) {
    super();
    this.quantity = quantity;
  }

  equals(other: OpaqueValue): boolean {
    return other instanceof QuantityValue && this.quantity.compare(other.quantity) === 0;
  }
}

export const quantityLibrary: Library = {
  types: [parseType(name)],
  functions: [
    declare('quantity', { string_to_quantity: [`(string) -> ${name}`, parse] }),
    declare('isQuantity', {
      is_quantity_string: ['(string) -> bool', (text: string) => parse(text) instanceof QuantityValue],
    }),
    declare('sign', { quantity_sign: [`${name}.() -> int`, ({ quantity }: QuantityValue) => quantity.sign] }),
    declare('isGreaterThan', {
      quantity_is_greater_than: [
        `${name}.(${name}) -> bool`,
        (a: QuantityValue, b: QuantityValue) => compare(a, b) > 0,
      ],
    }),
    declare('isLessThan', {
      quantity_is_less_than: [`${name}.(${name}) -> bool`, (a: QuantityValue, b: QuantityValue) => compare(a, b) < 0],
    }),
    declare('compareTo', { quantity_compare_to: [`${name}.(${name}) -> int`, compare] }),
    declare('asApproximateFloat', {
      quantity_get_float: [`${name}.() -> double`, ({ quantity }: QuantityValue) => new Double(quantity.toNumber())],
    }),
    declare('asInteger', { quantity_get_int: [`${name}.() -> int`, asInteger] }),
    declare('isInteger', {
      quantity_is_integer: [`${name}.() -> bool`, (value: QuantityValue) => integer(value) !== undefined],
    }),
    declare('add', {
      quantity_add: [`${name}.(${name}) -> ${name}`, (a: QuantityValue, b: QuantityValue) => plus(a, b.quantity)],
      quantity_add_int: [`${name}.(int) -> ${name}`, (a: QuantityValue, b: Int) => plus(a, Quantity.of(b))],
    }),
    declare('sub', {
      quantity_sub: [`${name}.(${name}) -> ${name}`, (a: QuantityValue, b: QuantityValue) => minus(a, b.quantity)],
      quantity_sub_int: [`${name}.(int) -> ${name}`, (a: QuantityValue, b: Int) => minus(a, Quantity.of(b))],
    }),
  ],
};

/** What throwing and catching an error takes. */
const errorWork = 1000;

function parse(text: string): Value {
  try {
    return new QuantityValue(Quantity.parse(text));
  } catch (error) {
    work(errorWork);
    if (error instanceof QuantityError) return new CelError(error.message);
    throw error;
  }
}

function compare(a: QuantityValue, b: QuantityValue): number {
  return a.quantity.compare(b.quantity);
}

function plus(a: QuantityValue, b: Quantity): Value {
  return new QuantityValue(a.quantity.add(b));
}

function minus(a: QuantityValue, b: Quantity): Value {
  return new QuantityValue(a.quantity.subtract(b));
}

/** The quantity as an int64, when it is a whole number in range. */
function integer({ quantity }: QuantityValue): Int | undefined {
  const value = quantity.value();
  const inRange = value >= -(2n ** 63n) && value < 2n ** 63n;
  return inRange && Quantity.of(value).compare(quantity) === 0 ? normalInt(value) : undefined;
}

function asInteger(value: QuantityValue): Value {
  return integer(value) ?? new CelError('cannot convert value to integer');
}
