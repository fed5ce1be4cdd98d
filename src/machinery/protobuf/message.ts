/**
 * Messages between protobuf and the JSON that Go's types write for them: which numbers the fields have and which types
 * stand in them is data ({@link MessageType}); this file knows how such a message is read and written.
 */
import { type JsonObject, type JsonValue, setField } from '../json-value.ts';
import { delimited, fixed64, ProtobufError, varint, type WireReader, type WireType, type WireWriter } from './wire.ts';

/** What may stand in a field: a scalar, a message, or a message with a JSON form of its own. */
export interface ValueType {
  readonly wire: WireType;
  /** What a map's entry holds when it comes without a value. */
  readonly zero: () => JsonValue;
  /**
   * Reads what follows the tag. `old` is what the field holds already: embedded messages are merged.
   * `undefined`: the value is one that Go's JSON writes as null.
   */
  read(from: WireReader, depth: number, old: JsonValue | undefined): JsonValue | undefined;
  /** @throws ProtobufError when the value is not of this type. */
  write(to: WireWriter, value: JsonValue): void;
}

export type FieldType =
  | {
      readonly shape: 'one' | 'list' | 'map';
      /** In JSON. */
      readonly name: string;
      readonly value: ValueType;
      /** Whether Go's JSON leaves out the zero value, which protobuf writes. */
      readonly omitEmpty: boolean;
    }
  /** A message whose fields are the outer one's in JSON. */
  | { readonly shape: 'inline'; readonly message: MessageType };

export interface MessageType {
  readonly name: string;
  /** By number. */
  readonly fields: readonly (FieldType | undefined)[];
}

/** How deep messages may nest, as in other implementations of protobuf. */
export const maxDepth = 100;

/** Reads fields until the end of the message that `from` is in. What the type does not know is passed over. */
export function readMessage(type: MessageType, from: WireReader, into: JsonObject, depth = 0): void {
  if (depth > maxDepth) throw new ProtobufError(`proto: ${type.name}: messages nest deeper than ${maxDepth}`);
  while (!from.done) {
    from.tag(type.name);
    const field = type.fields[from.field];
    if (field === undefined) from.skip();
    else if (field.shape === 'inline') {
      from.expect(delimited, field.message.name);
      const outer = from.enter();
      readMessage(field.message, from, into, depth + 1);
      from.leave(outer);
    } else if (field.shape === 'one') {
      from.expect(field.value.wire, field.name);
      const value = field.value.read(from, depth + 1, into[field.name]);
      if (value === undefined || (field.omitEmpty && isZero(value))) delete into[field.name];
      else into[field.name] = value;
    } else if (field.shape === 'list') {
      into[field.name] ??= [];
      const list = into[field.name] as JsonValue[];
      if (from.wireType === delimited && field.value.wire !== delimited) {
        const outer = from.enter();
        while (!from.done) list.push(field.value.read(from, depth + 1, undefined) ?? null);
        from.leave(outer);
      } else {
        from.expect(field.value.wire, field.name);
        list.push(field.value.read(from, depth + 1, undefined) ?? null);
      }
    } else {
      from.expect(delimited, field.name);
      into[field.name] ??= {};
      readEntry(field.name, field.value, from, into[field.name] as JsonObject, depth + 1);
    }
  }
}

function readEntry(name: string, type: ValueType, from: WireReader, into: JsonObject, depth: number): void {
  let key = '';
  let value: JsonValue | undefined;
  const outer = from.enter();
  while (!from.done) {
    from.tag(name);
    if (from.field === 1) {
      from.expect(delimited, name);
      key = from.string();
    } else if (from.field === 2) {
      from.expect(type.wire, name);
      value = type.read(from, depth, value) ?? null;
    } else from.skip();
  }
  from.leave(outer);
  setField(into, key, value === undefined ? type.zero() : value);
}

function isZero(value: JsonValue): boolean {
  return value === '' || value === 0 || value === false;
}

/** Writes the fields of `object` that the type knows, by number, maps by key. Nulls are absent. */
export function writeMessage(type: MessageType, to: WireWriter, object: JsonObject): void {
  for (const [number, field] of type.fields.entries()) {
    if (field === undefined) continue;
    if (field.shape === 'inline') {
      to.tag(number, delimited);
      const start = to.begin();
      writeMessage(field.message, to, object);
      to.end(start);
      continue;
    }
    const value = Object.hasOwn(object, field.name) ? object[field.name] : undefined;
    if (value === undefined || value === null) continue;
    if (field.shape === 'one') {
      to.tag(number, field.value.wire);
      field.value.write(to, value);
    } else if (field.shape === 'list') {
      if (!Array.isArray(value)) throw new ProtobufError(`proto: ${type.name}.${field.name} is not a list`);
      for (const item of value) {
        to.tag(number, field.value.wire);
        field.value.write(to, item);
      }
    } else {
      const map = objectIn(value, `${type.name}.${field.name}`);
      for (const key of Object.keys(map).sort()) {
        to.tag(number, delimited);
        const start = to.begin();
        to.tag(1, delimited);
        to.string(key);
        to.tag(2, field.value.wire);
        field.value.write(to, map[key] ?? null);
        to.end(start);
      }
    }
  }
}

// ------------------------------------------------------------------------------------------------------ value types

function scalar(
  wire: WireType,
  zero: JsonValue,
  read: (from: WireReader) => JsonValue,
  write: (to: WireWriter, value: JsonValue) => void,
): ValueType {
  return { wire, zero: () => zero, read, write };
}

const writeInteger = (to: WireWriter, value: JsonValue): void => {
  if (typeof value !== 'bigint' && !Number.isInteger(value)) throw new ProtobufError('proto: not an integer');
  to.int64(value as number | bigint);
};

export const boolValue = scalar(
  varint,
  false,
  (from) => from.bool(),
  (to, value) => to.bool(value === true),
);
export const int32Value = scalar(varint, 0, (from) => from.int32(), writeInteger);
export const int64Value = scalar(varint, 0, (from) => from.int64(), writeInteger);
export const doubleValue = scalar(
  fixed64,
  0,
  (from) => from.double(),
  (to, value) => to.double(Number(value)),
);
export const stringValue = scalar(
  delimited,
  '',
  (from) => from.string(),
  (to, value) => to.string(textIn(value)),
);
/** In JSON: base64. */
export const bytesValue = scalar(
  delimited,
  '',
  (from) => from.bytes().toString('base64'),
  (to, value) => to.bytes(Buffer.from(textIn(value), 'base64')),
);

/** A message that is an object in JSON. `type` is asked for when it is first needed: messages may hold themselves. */
export function messageValue(type: () => MessageType): ValueType {
  return {
    wire: delimited,
    zero: () => ({}),
    read(from, depth, old) {
      const object = (old ?? {}) as JsonObject;
      const outer = from.enter();
      readMessage(type(), from, object, depth);
      from.leave(outer);
      return object;
    },
    write(to, value) {
      const message = type();
      const start = to.begin();
      writeMessage(message, to, objectIn(value, message.name));
      to.end(start);
    },
  };
}

/** A message with a JSON form of its own: read as an object of `type`, then turned into that form. */
export function convertedValue(
  type: MessageType,
  toJson: (message: JsonObject) => JsonValue | undefined,
  fromJson: (value: JsonValue) => JsonObject,
): ValueType {
  const message = messageValue(() => type);
  return {
    wire: delimited,
    zero: () => toJson({}) ?? null,
    read: (from, depth) => toJson(message.read(from, depth, undefined) as JsonObject),
    write: (to, value) => message.write(to, fromJson(value)),
  };
}

function textIn(value: JsonValue): string {
  if (typeof value !== 'string') throw new ProtobufError('proto: not a string');
  return value;
}

function objectIn(value: JsonValue, name: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ProtobufError(`proto: ${name} is not an object`);
  }
  return value;
}
