/** How expressions make lists, maps and objects. Source: cel-go `interpreter/interpretable.go` (`evalList`, `evalMap`, `evalObj`). */
import type { ListLiteral, MapLiteral, StructLiteral } from './ast.ts';
import { typeName } from './equality.ts';
import type { Evaluate, ExprPlanner } from './frame.ts';
import { listCreationCost, mapCreationCost, structCreationCost } from './runtime-cost.ts';
import type { Type } from './types.ts';
import { CelError, EntryMap, ListValue, OptionalValue, StructValue, Uint, type Value } from './values.ts';
import { elementWork, entryWork, work } from './work.ts';

export function listConstruction(planner: ExprPlanner, expr: ListLiteral): Evaluate {
  const evaluators = expr.elements.map((element) => planner.plan(element));
  const optional = new Set(expr.optionals);
  return (frame) => {
    const values: Value[] = [];
    frame.charge(listCreationCost);
    work(evaluators.length * elementWork);
    for (let i = 0; i < evaluators.length; i++) {
      const value = (evaluators[i] as Evaluate)(frame);
      if (value instanceof CelError) return value;
      if (!optional.has(i)) values.push(value);
      else if (!(value instanceof OptionalValue)) return notOptional(value);
      else if (value.value !== undefined) values.push(value.value);
    }
    return new ListValue(values);
  };
}

export function mapConstruction(planner: ExprPlanner, expr: MapLiteral): Evaluate {
  const entries = expr.entries.map((entry) => ({
    key: planner.plan(entry.key),
    value: planner.plan(entry.value),
    optional: entry.optional,
  }));
  return (frame) => {
    const values: [Value, Value][] = [];
    frame.charge(mapCreationCost);
    work(entries.length * entryWork);
    for (const entry of entries) {
      const key = entry.key(frame);
      if (key instanceof CelError) return key;
      if (!isKey(key)) return new CelError('unsupported key type');
      const value = entry.value(frame);
      if (value instanceof CelError) return value;
      if (!entry.optional) values.push([key, value]);
      else if (!(value instanceof OptionalValue)) return notOptional(value);
      else if (value.value !== undefined) values.push([key, value.value]);
    }
    return new EntryMap(values);
  };
}

export function objectConstruction(planner: ExprPlanner, expr: StructLiteral, type: Type): Evaluate {
  const fields = expr.fields.map((field) => ({ ...field, evaluate: planner.plan(field.value) }));
  return (frame) => {
    const values: [Value, Value][] = [];
    frame.charge(structCreationCost);
    work(fields.length * entryWork);
    for (const field of fields) {
      const value = field.evaluate(frame);
      if (value instanceof CelError) return value;
      if (!field.optional) values.push([field.name, value]);
      else if (!(value instanceof OptionalValue)) return notOptional(value);
      else if (value.value !== undefined) values.push([field.name, value.value]);
    }
    return new StructValue(type.name, values);
  };
}

/** Whether a value may be the key of a map. */
export function isKey(value: Value): boolean {
  return ['string', 'number', 'bigint', 'boolean'].includes(typeof value) || value instanceof Uint;
}

function notOptional(value: Value): CelError {
  return new CelError(`cannot initialize optional entry from non-optional value ${typeName(value)}`);
}
