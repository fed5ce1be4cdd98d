/**
 * Validation as a yes or no: the same rules as `validate.ts` has words for, without allocating anything, since almost
 * every object is valid. It interprets the schema: a thousand definitions cost no code, and the first object of a kind is
 * as fast as the next.
 */
import { deepEqual, type JsonArray, type JsonObject, type JsonValue } from '../machinery/json.ts';
import type { Schema } from '../machinery/schema.ts';
import { formatOf, stringFormat } from './formats.ts';
import { boundFor, fitsRange, goNumber, isJsonInteger, isMultipleOf } from './number.ts';
import { compilePattern } from './regexp.ts';
import { countRunes } from './text.ts';

/** Whether `schema` finds nothing wrong with `value`. */
export function accepts(value: JsonValue, schema: Schema): boolean {
  switch (typeof value) {
    case 'string':
      return acceptsString(value, schema) && acceptsRest(value, schema);
    case 'number':
    case 'bigint':
      return acceptsNumber(value, schema) && acceptsRest(value, schema);
    case 'boolean':
      return (isUntyped(schema) || schema.type === 'boolean') && acceptsRest(value, schema);
    default:
      if (value === null) return (schema.nullable === true || isUntyped(schema, true)) && schema.enum === undefined;
      return Array.isArray(value)
        ? acceptsArray(value, schema) && acceptsRest(value, schema)
        : acceptsObject(value, schema) && acceptsRest(value, schema);
  }
}

/** Without a type anything goes, unless there is a format: that asks for text. `nothing`: of a null, it does not. */
function isUntyped(schema: Schema, nothing = false): boolean {
  if (schema.type !== undefined && schema.type !== '') return false;
  return schema['x-kubernetes-int-or-string'] !== true && (nothing || formatOf(schema) === undefined);
}

/** What may be asked of any value. */
function acceptsRest(value: JsonValue, schema: Schema): boolean {
  if (schema.enum !== undefined && schema.enum.length > 0 && !isListed(value, schema.enum)) return false;
  if (schema.allOf !== undefined && !schema.allOf.every((part) => accepts(value, part))) return false;
  if (schema.anyOf !== undefined && schema.anyOf.length > 0 && !schema.anyOf.some((part) => accepts(value, part))) {
    return false;
  }
  if (schema.oneOf !== undefined && schema.oneOf.length > 0) {
    let valid = 0;
    for (const part of schema.oneOf) if (accepts(value, part)) valid++;
    if (valid !== 1) return false;
  }
  return schema.not === undefined || !accepts(value, schema.not);
}

export function isListed(value: JsonValue, list: readonly JsonValue[]): boolean {
  for (const allowed of list) if (allowed !== null && (allowed === value || deepEqual(allowed, value))) return true;
  return false;
}

function acceptsString(value: string, schema: Schema): boolean {
  const { type, minLength, maxLength, pattern } = schema;
  const format = formatOf(schema);
  if (type !== 'string' && schema['x-kubernetes-int-or-string'] !== true) {
    if (type !== undefined && type !== '' && (format === undefined || type === 'integer' || type === 'number'))
      return false;
  }
  // A string has at most as many characters as UTF-16 units, and at least half as many.
  if (maxLength !== undefined && value.length > maxLength && countRunes(value) > maxLength) return false;
  if (minLength !== undefined && value.length < minLength * 2 && countRunes(value) < minLength) return false;
  if (pattern !== undefined && pattern !== '' && compilePattern(pattern).test?.(value) !== true) return false;
  return format === undefined || stringFormat(format)?.(value) !== false;
}

function acceptsNumber(value: number | bigint, schema: Schema): boolean {
  if (schema.type === 'integer' || schema['x-kubernetes-int-or-string'] === true) {
    if (goNumber(value) !== 'int64' && !isJsonInteger(Number(value))) return false;
  } else if (schema.type !== 'number' && !isUntyped(schema)) return false;
  if (!fitsRange(value, schema)) return false;
  const { minimum, maximum, multipleOf } = schema;
  if (minimum !== undefined) {
    const bound = boundFor(value, minimum);
    if (schema.exclusiveMinimum === true ? value <= bound : value < bound) return false;
    if (!fitsRange(minimum, schema)) return false;
  }
  if (maximum !== undefined) {
    const bound = boundFor(value, maximum);
    if (schema.exclusiveMaximum === true ? value >= bound : value > bound) return false;
    if (!fitsRange(maximum, schema)) return false;
  }
  return multipleOf === undefined || (fitsRange(multipleOf, schema) && isMultipleOf(value, multipleOf));
}

function acceptsArray(value: JsonArray, schema: Schema): boolean {
  if (schema.type !== 'array' && !isUntyped(schema)) {
    // Go's validator takes a list for text when there is a format.
    const format = formatOf(schema);
    if (format === undefined || schema.type === 'integer' || schema.type === 'number') return false;
    if (schema['x-kubernetes-int-or-string'] === true) return false;
  }
  const { items, minItems, maxItems } = schema;
  if (minItems !== undefined && value.length < minItems) return false;
  if (maxItems !== undefined && value.length > maxItems) return false;
  if (items !== undefined) {
    for (let i = 0; i < value.length; i++) if (!accepts(value[i] as JsonValue, items)) return false;
  }
  return schema.uniqueItems !== true || !hasDuplicates(value);
}

export function hasDuplicates(list: JsonArray): boolean {
  for (let i = 1; i < list.length; i++) {
    for (let j = 0; j < i; j++) if (deepEqual(list[i], list[j])) return true;
  }
  return false;
}

function acceptsObject(value: JsonObject, schema: Schema): boolean {
  if (schema.type !== 'object' && !isUntyped(schema)) return false;
  const { properties, additionalProperties, required, minProperties, maxProperties } = schema;
  let count = 0;
  for (const key in value) {
    if (!Object.hasOwn(value, key)) continue;
    count++;
    const child = value[key];
    if (child === undefined) continue;
    const known = properties !== undefined && Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (known !== undefined) {
      if (!accepts(child, known)) return false;
    } else if (additionalProperties === false) return false;
    else if (typeof additionalProperties === 'object' && !accepts(child, additionalProperties)) return false;
  }
  if (minProperties !== undefined && count < minProperties) return false;
  if (maxProperties !== undefined && count > maxProperties) return false;
  if (required !== undefined) {
    for (const name of required) if (value[name] === undefined || !Object.hasOwn(value, name)) return false;
  }
  return true;
}
