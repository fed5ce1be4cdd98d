/**
 * Decoding into Go types: the first value of a wrong JSON type, in the words of Go's decoder, which is what kube-apiserver
 * answers for built-in kinds. Only what stands under a {@link Schema.definition} has a Go type; the rest of a schema (a
 * custom resource's own fields) is judged by validation.
 * Source: Go `encoding/json` (UnmarshalTypeError), apimachinery's `UnmarshalJSON` methods.
 */
import { DurationError, parseDuration } from '../machinery/duration.ts';
import { goQuote } from '../machinery/field.ts';
import { isJsonObject, type JsonValue } from '../machinery/json.ts';
import { Quantity, QuantityError } from '../machinery/quantity.ts';
import type { Schema } from '../machinery/schema.ts';
import { parseTime, TimeError } from '../machinery/time.ts';
import { isNumber } from './number.ts';

/** The first decoding error in the order of the document, e.g. `json: cannot unmarshal string into Go struct field …`. */
export function decodeError(value: JsonValue, schema: Schema): string | undefined {
  return decode(value, schema, undefined, '');
}

/** `struct` and `field`: the Go struct that holds the value, and the JSON path from the root, without list indices. */
function decode(
  value: JsonValue | undefined,
  schema: Schema,
  struct: string | undefined,
  field: string,
): string | undefined {
  if (value === null || value === undefined) return undefined;
  const typed = struct !== undefined || schema.definition !== undefined;
  if (!typed) return decodeChildren(value, schema, undefined, field);
  if (isAnything(schema)) return undefined;
  if (schema.definition?.includes('.JSONSchemaPropsOr') === true) return decodeSchemaOr(value, schema);
  const own = decodeWithMethod(value, schema);
  if (own !== undefined) return own === '' ? undefined : own;
  const actual = mismatch(value, schema);
  if (actual === undefined) return decodeChildren(value, schema, structName(schema) ?? struct, field);
  const target = struct === undefined || field === '' ? 'Go value' : `Go struct field ${struct}.${field}`;
  return `json: cannot unmarshal ${actual} into ${target} of type ${goType(schema)}`;
}

/** `JSONSchemaPropsOrBool` and the like decode themselves, and what is in them afresh: paths start again. */
function decodeSchemaOr(value: JsonValue, schema: Schema): string | undefined {
  if (schema.definition?.endsWith('OrBool') !== true) return decodeChildren(value, schema, 'JSONSchemaProps', '');
  if (typeof value === 'boolean') return undefined;
  return isJsonObject(value) ? decodeChildren(value, schema, 'JSONSchemaProps', '') : 'boolean or JSON schema expected';
}

function decodeChildren(
  value: JsonValue,
  schema: Schema,
  struct: string | undefined,
  field: string,
): string | undefined {
  if (Array.isArray(value)) {
    if (schema.items === undefined) return undefined;
    for (const item of value) {
      const error = decode(item, schema.items, struct, field);
      if (error !== undefined) return error;
    }
    return undefined;
  }
  if (!isJsonObject(value)) return undefined;
  const { properties, additionalProperties } = schema;
  for (const key of Object.keys(value)) {
    const known = properties !== undefined && Object.hasOwn(properties, key) ? properties[key] : undefined;
    const child = known ?? (typeof additionalProperties === 'object' ? additionalProperties : undefined);
    if (child === undefined) continue;
    // A map's keys are no struct fields: Go leaves them out of the path.
    const path = known === undefined || struct === undefined ? field : field === '' ? key : `${field}.${key}`;
    const error = decode(value[key], child, struct, path);
    if (error !== undefined) return error;
  }
  return undefined;
}

/** What Go calls the value, when it does not go into the schema's Go type. */
function mismatch(value: JsonValue, schema: Schema): string | undefined {
  switch (schema.type) {
    case 'string':
      return typeof value === 'string' ? undefined : goValue(value);
    case 'boolean':
      return typeof value === 'boolean' ? undefined : goValue(value);
    case 'number':
      return isNumber(value) ? undefined : goValue(value);
    case 'integer':
      if (!isNumber(value)) return goValue(value);
      return fitsInteger(value, schema.format) ? undefined : `number ${value}`;
    case 'array':
      return Array.isArray(value) ? undefined : goValue(value);
    case 'object':
      return isJsonObject(value) ? undefined : goValue(value);
    default:
      return undefined;
  }
}

function goValue(value: JsonValue): string {
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'boolean':
      return 'bool';
    case 'number':
    case 'bigint':
      return 'number';
    default:
      return Array.isArray(value) ? 'array' : 'object';
  }
}

function fitsInteger(value: number | bigint, format: string | undefined): boolean {
  if (typeof value === 'number' && !Number.isInteger(value)) return false;
  const bits = format === 'int32' ? 31n : 63n;
  const exact = BigInt(value);
  return exact < 1n << bits && exact >= -(1n << bits);
}

const structNames = new WeakMap<Schema, string>();

/** The Go struct of a definition: the last segment of its name. */
function structName(schema: Schema): string | undefined {
  if (schema.definition === undefined || schema.properties === undefined) return undefined;
  let name = structNames.get(schema);
  if (name === undefined) {
    name = schema.definition.slice(schema.definition.lastIndexOf('.') + 1);
    structNames.set(schema, name);
  }
  return name;
}

/** The type as Go prints it: `int32`, `[]v1.Container`, `map[string]string`. */
function goType(schema: Schema): string {
  if (isIntOrString(schema)) return 'intstr.IntOrString';
  if (schema.definition !== undefined) return schema.definition.split('.').slice(-2).join('.');
  switch (schema.type) {
    case 'integer':
      return schema.format === 'int32' ? 'int32' : 'int64';
    case 'number':
      return 'float64';
    case 'boolean':
      return 'bool';
    case 'array':
      return `[]${schema.items === undefined ? 'interface {}' : goType(schema.items)}`;
    case 'object':
      return `map[string]${typeof schema.additionalProperties === 'object' ? goType(schema.additionalProperties) : 'interface {}'}`;
    default:
      return schema.format === 'byte' ? '[]uint8' : 'string';
  }
}

/** `runtime.RawExtension`, `JSON` and the like: any value. */
function isAnything(schema: Schema): boolean {
  if (schema['x-kubernetes-int-or-string'] === true) return false;
  const open = schema.type === undefined || schema['x-kubernetes-preserve-unknown-fields'] === true;
  return open && schema.properties === undefined && schema.items === undefined;
}

function isIntOrString(schema: Schema): boolean {
  return schema['x-kubernetes-int-or-string'] === true || schema.format === 'int-or-string';
}

/**
 * Types that decode themselves: their errors carry no path. Answers the error, the empty string when all is well, and
 * `undefined` for a type without a method of its own.
 */
function decodeWithMethod(value: JsonValue, schema: Schema): string | undefined {
  if (isIntOrString(schema)) {
    if (typeof value === 'string') return '';
    if (!isNumber(value)) return `json: cannot unmarshal ${goValue(value)} into Go value of type int32`;
    return fitsInteger(value, 'int32') ? '' : `json: cannot unmarshal number ${value} into Go value of type int32`;
  }
  if (schema.type !== 'string') return undefined;
  if (schema.format === 'byte') return typeof value === 'string' ? base64Error(value) : undefined;
  const name = schema.definition === undefined ? '' : schema.definition.slice(schema.definition.lastIndexOf('.') + 1);
  if (name === 'Quantity' || schema.format === 'quantity') {
    return quantityError(typeof value === 'string' || isNumber(value) ? String(value) : JSON.stringify(value));
  }
  const parse =
    schema.format === 'date-time'
      ? name === 'MicroTime'
        ? microTimeError
        : timeError
      : name === 'Duration'
        ? durationError
        : undefined;
  if (parse === undefined) return undefined;
  return typeof value === 'string'
    ? parse(value)
    : `json: cannot unmarshal ${goValue(value)} into Go value of type string`;
}

function base64Error(text: string): string {
  const plain = text.replace(/[\r\n]/g, '');
  const broken = plain.search(/[^A-Za-z0-9+/]/);
  const body = broken < 0 ? plain : plain.slice(0, broken);
  const padding = plain.slice(body.length);
  const at = (offset: number): string => `illegal base64 data at input byte ${offset}`;
  switch (body.length % 4) {
    case 0:
      return padding === '' ? '' : at(body.length);
    case 2:
      if (padding === '==') return '';
      return padding.startsWith('=') || padding === ''
        ? at(padding === '' ? body.length - 2 : body.length + 1)
        : at(body.length);
    case 3:
      if (padding === '=') return '';
      return padding === '' ? at(body.length - 3) : at(padding.startsWith('=') ? body.length + 1 : body.length);
    default:
      return at(padding === '' ? body.length - 1 : body.length);
  }
}

/** The words of the parser that refuses a text, the empty string when it takes it. */
function parseError(parse: () => unknown): string {
  try {
    parse();
    return '';
  } catch (error) {
    if (error instanceof QuantityError || error instanceof TimeError || error instanceof DurationError) {
      return error.message;
    }
    throw error;
  }
}

const quantityError = (text: string): string => parseError(() => Quantity.parse(text.trim()));
const timeError = (text: string): string => parseError(() => parseTime(text));
const durationError = (text: string): string => parseError(() => parseDuration(text));

const microLayout = '2006-01-02T15:04:05.000000Z07:00';

/** A time with exactly six decimals; whatever else is wrong with it is wrong with any time. */
function microTimeError(text: string): string {
  const seconds = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/.exec(text)?.[0];
  if (seconds !== undefined && !/^[.,]\d{6}(?!\d)/.test(text.slice(seconds.length))) {
    const rest = text.slice(seconds.length);
    return `parsing time ${goQuote(text)} as ${goQuote(microLayout)}: cannot parse ${goQuote(rest)} as ".000000"`;
  }
  return timeError(text).replace('2006-01-02T15:04:05Z07:00', microLayout);
}
