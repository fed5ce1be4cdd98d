/** How names and selections are evaluated: each step costs one, and so does the name that they start from. */
import { qualifiedName, type Select } from './ast.ts';
import { typeName } from './equality.ts';
import type { Evaluate, Frame, Local } from './frame.ts';
import type { Type } from './types.ts';
import {
  CelError,
  Double,
  ListValue,
  MapValue,
  noneOptional,
  noSuchOverload,
  type ObjectField,
  type ObjectShape,
  ObjectValue,
  OpaqueValue,
  OptionalValue,
  Uint,
  type Value,
} from './values.ts';

export function localVariable({ slot, init }: Local, root: 0 | 1): Evaluate {
  if (init === undefined) {
    return (frame) => {
      frame.cost += root;
      return frame.locals[slot] as Value;
    };
  }
  return (frame) => {
    frame.cost += root;
    let value = frame.locals[slot];
    if (value === undefined) {
      value = init(frame);
      frame.locals[slot] = value;
    }
    return value;
  };
}

export function globalVariable(index: number, name: string, root: 0 | 1): Evaluate {
  const missing = new CelError(`no such attribute(s): ${name}`);
  return (frame) => {
    frame.cost += root;
    const value = frame.globals[index];
    return value === undefined ? missing : value;
  };
}

/** A variable: one of the globals, or a local that is bound. */
export interface Slot {
  readonly index: number;
  readonly local: boolean;
}

/** A field of objects, remembered for the shape that was seen last: nearly always all objects here are of one shape. */
class FieldCache {
  readonly name: string;
  shape: ObjectShape | undefined;
  field: ObjectField | undefined;

  constructor(name: string) {
    this.name = name;
  }

  /** The field's value; undefined when it is absent, null or not declared. */
  read(object: ObjectValue): Value | undefined {
    if (object.shape !== this.shape) {
      this.shape = object.shape;
      this.field = object.shape.fields.get(this.name);
    }
    const { field } = this;
    if (field === undefined) return undefined;
    // Names that every JavaScript object inherits must be looked for among its own.
    if (field.isInherited && !Object.hasOwn(object.raw, field.name)) return undefined;
    const raw = object.raw[field.name];
    return raw === undefined || raw === null ? undefined : field.read(raw);
  }
}

export function selection(operand: Evaluate, name: string, shownName: string, type: Type | undefined): Evaluate {
  const missing = new CelError(`no such key: ${shownName}`);
  const cache = new FieldCache(name);
  if (type?.kind !== 'object') {
    return (frame) => {
      const value = operand(frame);
      return value instanceof CelError ? value : selectField(frame, value, name, missing);
    };
  }
  return (frame) => {
    const value = operand(frame);
    if (value instanceof ObjectValue) {
      frame.cost++;
      return cache.read(value) ?? missing;
    }
    return value instanceof CelError ? value : selectField(frame, value, name, missing);
  };
}

export function variableSelection({ index, local }: Slot, name: string, expr: Select, root: 0 | 1): Evaluate {
  const missing = new CelError(`no such key: ${expr.field}`);
  const unbound = new CelError(`no such attribute(s): ${qualifiedName(expr.operand)}`);
  const cache = new FieldCache(name);
  const cost = root + 1;
  const slow = (frame: Frame, value: Value | undefined): Value => {
    frame.cost += root;
    if (value === undefined) return unbound;
    return value instanceof CelError ? value : selectField(frame, value, name, missing);
  };
  if (local) {
    return (frame) => {
      const value = frame.locals[index];
      if (!(value instanceof ObjectValue)) return slow(frame, value);
      frame.cost += cost;
      return cache.read(value) ?? missing;
    };
  }
  return (frame) => {
    const value = frame.globals[index];
    if (!(value instanceof ObjectValue)) return slow(frame, value);
    frame.cost += cost;
    return cache.read(value) ?? missing;
  };
}

function selectField(frame: Frame, value: Value, name: string, missing: CelError): Value {
  if (value instanceof OptionalValue) return optionalStep(frame, value, name);
  frame.cost++;
  if (!(value instanceof MapValue)) return missing;
  const found = value.get(name);
  return found === undefined ? missing : found;
}

export function presence(operand: Evaluate, name: string): Evaluate {
  const cache = new FieldCache(name);
  return (frame) => {
    let value = operand(frame);
    if (value instanceof CelError) return value;
    frame.cost++;
    if (value instanceof OptionalValue) {
      if (value.value === undefined) return false;
      value = value.value;
    }
    const isObject = value instanceof ObjectValue;
    if (!isObject && !(value instanceof MapValue)) return value instanceof OpaqueValue ? noSuchOverload : false;
    const field = isObject ? cache.read(value as ObjectValue) : (value as MapValue).get(name);
    return field instanceof CelError ? field : field !== undefined;
  };
}

export function optionalSelection(operand: Evaluate, name: string): Evaluate {
  return (frame) => {
    const value = operand(frame);
    return value instanceof CelError ? value : optionalStep(frame, value, name);
  };
}

/** Selects from a value or an optional; a step to nothing is not taken, and costs nothing. */
function optionalStep(frame: Frame, value: Value, name: string): Value {
  const found = optionalElement(value, name);
  if (found !== noneOptional) frame.cost++;
  return found;
}

/** What is at a key or index, or an error when nothing is. */
export function element(container: Value, key: Value): Value {
  if (container instanceof ListValue) {
    const index = listIndex(key);
    if (index === undefined) return new CelError(`unsupported index type '${typeName(key)}' in list`);
    if (index < 0 || index >= container.length) return new CelError(`index out of bounds: ${index}`);
    return container.at(Number(index));
  }
  if (container instanceof MapValue) {
    const value = container.get(key);
    return value === undefined ? new CelError(`no such key: ${keyText(key)}`) : value;
  }
  return container instanceof CelError ? container : noSuchOverload;
}

/** What is at a key or index of a value or of an optional, as an optional. */
export function optionalElement(container: Value, key: Value): Value {
  let value = container;
  if (value instanceof OptionalValue) {
    if (value.value === undefined) return noneOptional;
    value = value.value;
  }
  if (value instanceof ListValue) {
    const index = listIndex(key);
    if (index === undefined || index < 0 || index >= value.length) return noneOptional;
    const found = value.at(Number(index));
    return found instanceof CelError ? found : new OptionalValue(found);
  }
  if (!(value instanceof MapValue)) return new CelError(`no such key: ${keyText(key)}`);
  const found = value.get(key);
  if (found === undefined) return noneOptional;
  return found instanceof CelError ? found : new OptionalValue(found);
}

function listIndex(key: Value): number | bigint | undefined {
  if (typeof key === 'number' || typeof key === 'bigint') return key;
  if (key instanceof Uint) return key.value;
  return key instanceof Double && Number.isInteger(key.value) ? key.value : undefined;
}

function keyText(key: Value): string {
  return key instanceof Uint || key instanceof Double ? String(key.value) : String(key);
}
