/**
 * Schema validation, in the words and the order of Kubernetes.
 * Source: kube-openapi `pkg/validation/validate`; apiextensions-apiserver `pkg/apiserver/validation`;
 * ratcheting: KEP-4008.
 */
import {
  type FieldError,
  goQuote,
  invalid,
  notSupported,
  required,
  tooLong,
  tooMany,
  typeInvalid,
} from '../machinery/field.ts';
import { deepEqual, isJsonObject, type JsonArray, type JsonObject, type JsonValue } from '../machinery/json.ts';
import type { Schema } from '../machinery/schema.ts';
import { accepts, hasDuplicates, isListed } from './accept.ts';
import { formatOf, stringFormat } from './formats.ts';
import { canonicalJson } from './list-type.ts';
import { boundFor, fitsRange, formatBound, goNumber, isJsonInteger, isMultipleOf, isNumber } from './number.ts';
import { compilePattern } from './regexp.ts';
import { countRunes } from './text.ts';

/**
 * Everything that `schema` finds wrong with `value`. With `old`, what was wrong before and has not changed is let pass.
 * `root` is where `value` stands, the empty string for a whole object.
 */
export function validateSchema(value: JsonValue, schema: Schema, old?: JsonValue, root = ''): FieldError[] {
  return accepts(value, schema) ? [] : explain(value, schema, old, root);
}

/** What the walk that finds words finds; for a valid value, nothing. */
export function explain(value: JsonValue, schema: Schema, old?: JsonValue, root = ''): FieldError[] {
  return [...ratchet(value, schema, root, old).errors.values()];
}

/** `matches` counts passed checks: of several failed alternatives, the one that came furthest explains the failure. */
class Result {
  /** By the text of the complaint: one complaint is made once. */
  readonly errors = new Map<string, FieldError>();
  matches = 0;

  get failed(): boolean {
    return this.errors.size > 0;
  }

  add(text: string, error: FieldError): void {
    if (!this.errors.has(text)) this.errors.set(text, error);
  }

  merge(other: Result): void {
    for (const [text, error] of other.errors) this.add(text, error);
    this.matches += other.matches;
  }
}

/** The field of complaints that are about no single field. */
const noField = '<nil>';

function addInvalid(result: Result, path: string, value: unknown, text: string): void {
  result.add(text, invalid(fieldOf(path), value, text));
}

function addGeneral(result: Result, text: string): void {
  result.add(text, invalid(noField, '', text));
}

function fieldOf(path: string): string {
  const field = path.startsWith('.') ? path.slice(1) : path;
  return field === '' ? noField : field;
}

/** A value whose predecessor is known: unchanged, it passes. */
function ratchet(value: JsonValue, schema: Schema, path: string, old: JsonValue | undefined): Result {
  const result = validateValue(value, schema, path, old);
  return result.failed && old !== undefined && deepEqual(value, old) ? new Result() : result;
}

function validateValue(value: JsonValue, schema: Schema, path: string, old: JsonValue | undefined): Result {
  const result = new Result();
  if (value === null) {
    if (checkType(value, schema, path, result)) result.matches++;
    checkEnum(value, schema, path, result);
    return result;
  }
  if (typesOf(schema) !== undefined || formatOf(schema) !== undefined) {
    if (checkType(value, schema, path, result)) result.matches++;
    result.matches++;
  }
  checkAlternatives(value, schema, path, old, result);
  if (typeof value === 'string') checkString(value, schema, path, result);
  else if (isNumber(value)) checkNumber(value, schema, path, result);
  else if (Array.isArray(value)) checkArray(value, schema, path, old, result);
  checkEnum(value, schema, path, result);
  if (isJsonObject(value)) checkObject(value, schema, path, old, result);
  // The checks that apply to every value (alternatives twice, enum, the schema itself) count as passed ones do.
  result.matches += 4;
  return result;
}

const intOrString: readonly string[] = ['integer', 'string'];
const singleTypes = new Map(
  ['object', 'array', 'string', 'integer', 'number', 'boolean'].map((type) => [type, [type]] as const),
);

function typesOf(schema: Schema): readonly string[] | undefined {
  if (schema['x-kubernetes-int-or-string'] === true) return intOrString;
  return schema.type === undefined ? undefined : singleTypes.get(schema.type);
}

function checkType(value: JsonValue, schema: Schema, path: string, result: Result): boolean {
  const types = typesOf(schema);
  const format = formatOf(schema);
  const mismatch = (expected: string, actual: string): boolean => {
    const text = `${path} in body must be of type ${expected}: ${goQuote(actual)}`;
    result.add(text, typeInvalid(fieldOf(path), actual, text));
    return false;
  };
  if (value === null) {
    return types === undefined || schema.nullable === true ? true : mismatch(types.join(','), 'null');
  }
  const actual = jsonType(value);
  const matches =
    types === undefined
      ? false
      : types.includes(actual) ||
        (actual === 'number' && types.includes('integer') && isJsonInteger(Number(value))) ||
        (actual === 'integer' && types.includes('number'));
  const textual = typeof value === 'string' || Array.isArray(value);
  if (format !== undefined && !textual && !matches) return mismatch(format, isNumber(value) ? goNumber(value) : '');
  if (format !== undefined && textual && !types?.includes('number') && !types?.includes('integer')) return true;
  return matches ? true : mismatch((types ?? []).join(','), actual);
}

function jsonType(value: JsonValue): string {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return typeof value;
    case 'number':
    case 'bigint':
      return goNumber(value) === 'int64' ? 'integer' : 'number';
    default:
      return value === null ? 'null' : Array.isArray(value) ? 'array' : 'object';
  }
}

function checkAlternatives(
  value: JsonValue,
  schema: Schema,
  path: string,
  old: JsonValue | undefined,
  result: Result,
): void {
  if (schema.anyOf !== undefined && schema.anyOf.length > 0) {
    const tried: Result[] = [];
    for (const alternative of schema.anyOf) {
      const outcome = validateValue(value, alternative, path, old);
      tried.push(outcome);
      if (!outcome.failed) break;
    }
    const success = tried.find((outcome) => !outcome.failed);
    if (success === undefined) addGeneral(result, `${goQuote(path)} must validate at least one schema (anyOf)`);
    result.merge(success ?? furthest(tried));
  }
  if (schema.oneOf !== undefined && schema.oneOf.length > 0) {
    const tried = schema.oneOf.map((alternative) => validateValue(value, alternative, path, old));
    const successes = tried.filter((outcome) => !outcome.failed);
    if (successes.length === 1) result.merge(successes[0] as Result);
    else {
      const found = successes.length === 0 ? 'Found none valid' : `Found ${successes.length} valid alternatives`;
      addGeneral(result, `${goQuote(path)} must validate one and only one schema (oneOf). ${found}`);
      if (successes.length === 0) result.merge(furthest(tried));
    }
  }
  if (schema.allOf !== undefined && schema.allOf.length > 0) {
    let validated = 0;
    for (const part of schema.allOf) {
      const outcome = validateValue(value, part, path, old);
      if (!outcome.failed) validated++;
      result.merge(outcome);
    }
    if (validated !== schema.allOf.length) {
      const none = validated === 0 ? '. None validated' : '';
      addGeneral(result, `${goQuote(path)} must validate all the schemas (allOf)${none}`);
    }
  }
  if (schema.not !== undefined && !validateValue(value, schema.not, path, old).failed) {
    addGeneral(result, `${goQuote(path)} must not validate the schema (not)`);
  }
}

/** The first of those with most passed checks. */
function furthest(results: readonly Result[]): Result {
  return results.reduce((best, result) => (result.matches > best.matches ? result : best));
}

function checkString(value: string, schema: Schema, path: string, result: Result): void {
  result.matches++;
  const text = stringProblem(value, schema, path);
  if (text !== undefined) {
    if (schema.maxLength !== undefined && countRunes(value) > schema.maxLength) {
      result.add(text, tooLong(fieldOf(path), value, schema.maxLength));
    } else addInvalid(result, path, value, text);
  }
  const format = formatOf(schema);
  const check = format === undefined ? undefined : stringFormat(format);
  if (check === undefined) return;
  result.matches++;
  if (!check(value)) {
    const wrong = `${path} in body must be of type ${format}: ${goQuote(value)}`;
    result.add(wrong, typeInvalid(fieldOf(path), value, wrong));
  }
}

function stringProblem(value: string, schema: Schema, path: string): string | undefined {
  if (schema.maxLength !== undefined && countRunes(value) > schema.maxLength) {
    return `${path} in body should be at most ${schema.maxLength} chars long`;
  }
  if (schema.minLength !== undefined && countRunes(value) < schema.minLength) {
    return `${path} in body should be at least ${schema.minLength} chars long`;
  }
  if (schema.pattern === undefined || schema.pattern === '') return undefined;
  const pattern = compilePattern(schema.pattern);
  if (pattern.error !== undefined) {
    return `${path} in body should match '${schema.pattern}, but pattern is invalid: ${pattern.error}'`;
  }
  return pattern.test(value) ? undefined : `${path} in body should match '${schema.pattern}'`;
}

function checkNumber(value: number | bigint, schema: Schema, path: string, result: Result): void {
  checkRange(value, schema, 'Checked', path, result);
  if (schema.multipleOf !== undefined) {
    checkRange(schema.multipleOf, schema, 'MultipleOf', path, result);
    checkMultipleOf(value, schema.multipleOf, path, result);
  }
  if (schema.minimum !== undefined) {
    checkRange(schema.minimum, schema, 'Minimum boundary', path, result);
    const limit = boundFor(value, schema.minimum);
    const exclusive = schema.exclusiveMinimum === true;
    if (exclusive ? value <= limit : value < limit) {
      const words = exclusive ? 'should be greater than' : 'should be greater than or equal to';
      addInvalid(result, path, value, `${path} in body ${words} ${formatBound(limit, value)}`);
    }
  }
  if (schema.maximum !== undefined) {
    checkRange(schema.maximum, schema, 'Maximum boundary', path, result);
    const limit = boundFor(value, schema.maximum);
    const exclusive = schema.exclusiveMaximum === true;
    if (exclusive ? value >= limit : value > limit) {
      const words = exclusive ? 'should be less than' : 'should be less than or equal to';
      addInvalid(result, path, value, `${path} in body ${words} ${formatBound(limit, value)}`);
    }
  }
  result.matches += 2;
}

function checkRange(value: number | bigint, schema: Schema, prefix: string, path: string, result: Result): void {
  if (fitsRange(value, schema)) return;
  const format = formatOf(schema);
  const described = format === undefined ? `${schema.type} (default format)` : `${schema.type} with format ${format}`;
  addGeneral(result, `${prefix} value must be of type ${described} in ${path}`);
}

function checkMultipleOf(value: number | bigint, factor: number, path: string, result: Result): void {
  if (isMultipleOf(value, factor)) return;
  const text =
    factor < 0
      ? `factor MultipleOf declared for ${path} must be positive: ${formatBound(factor, value)}`
      : `${path} in body should be a multiple of ${formatBound(factor, value)}`;
  addInvalid(result, path, factor < 0 ? factor : value, text);
}

function checkArray(value: JsonArray, schema: Schema, path: string, old: JsonValue | undefined, result: Result): void {
  if (schema.items !== undefined) {
    const before = Array.isArray(old) ? correlate(value, old, schema) : undefined;
    for (let i = 0; i < value.length; i++) {
      result.merge(ratchet(value[i] as JsonValue, schema.items, `${path}[${i}]`, before?.(i)));
    }
  }
  if (schema.minItems !== undefined && value.length < schema.minItems) {
    addInvalid(result, path, value.length, `${path} in body should have at least ${schema.minItems} items`);
  }
  if (schema.maxItems !== undefined && value.length > schema.maxItems) {
    const text = `${path} in body should have at most ${schema.maxItems} items`;
    result.add(text, tooMany(fieldOf(path), value.length, schema.maxItems));
  }
  if (schema.uniqueItems === true && hasDuplicates(value)) {
    addInvalid(result, path, '', `${path} in body shouldn't contain duplicates`);
  }
  result.matches += 2;
}

/** Which old item stands for a new one: by key in a list of type map, by index in a plain list, else none does. */
function correlate(list: JsonArray, old: JsonArray, schema: Schema): (index: number) => JsonValue | undefined {
  switch (schema['x-kubernetes-list-type']) {
    case 'map': {
      const keys = schema['x-kubernetes-list-map-keys'] ?? [];
      const byKeys = new Map<string, JsonValue>();
      for (const item of old) {
        const identity = keysOf(item, keys);
        if (identity !== undefined && !byKeys.has(identity)) byKeys.set(identity, item);
      }
      return (index) => {
        const identity = keysOf(list[index], keys);
        return identity === undefined ? undefined : byKeys.get(identity);
      };
    }
    case 'set':
    case 'atomic':
      return () => undefined;
    default:
      return (index) => old[index];
  }
}

/** The keys of an item as one text; none unless all of them are there. */
function keysOf(item: JsonValue | undefined, keys: readonly string[]): string | undefined {
  if (!isJsonObject(item)) return undefined;
  const values = keys.map((key) => item[key]);
  return values.includes(undefined) ? undefined : canonicalJson(values as JsonArray);
}

function checkEnum(value: JsonValue, schema: Schema, path: string, result: Result): void {
  if (schema.enum === undefined || schema.enum.length === 0) return;
  if (value !== null && isListed(value, schema.enum)) return;
  const supported = schema.enum.map((allowed) => (typeof allowed === 'string' ? allowed : JSON.stringify(allowed)));
  result.add(`${path} in body should be one of ${supported.join(' ')}`, notSupported(fieldOf(path), value, supported));
}

function checkObject(
  value: JsonObject,
  schema: Schema,
  path: string,
  old: JsonValue | undefined,
  result: Result,
): void {
  result.matches++;
  const keys = Object.keys(value);
  if (schema.minProperties !== undefined && keys.length < schema.minProperties) {
    addInvalid(result, path, keys.length, `${path} in body should have at least ${schema.minProperties} properties`);
  }
  if (schema.maxProperties !== undefined && keys.length > schema.maxProperties) {
    const text = `${path} in body should have at most ${schema.maxProperties} properties`;
    result.add(text, tooMany(fieldOf(path), keys.length, schema.maxProperties));
  }
  const { properties, additionalProperties } = schema;
  const before = isJsonObject(old) ? old : undefined;
  const failed: (readonly [key: string, result: Result])[] = [];
  for (const key of keys) {
    const child = value[key];
    if (child === undefined) continue;
    const known = properties !== undefined && Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (known === undefined && additionalProperties === false) {
      addInvalid(result, path, key, `${path}.${key} in body is a forbidden property`);
      continue;
    }
    const part = known ?? (typeof additionalProperties === 'object' ? additionalProperties : undefined);
    if (part === undefined) continue;
    const oldChild = before !== undefined && Object.hasOwn(before, key) ? before[key] : undefined;
    const where = known !== undefined && path === '' ? key : `${path}.${key}`;
    const outcome = ratchet(child, part, where, oldChild);
    if (!outcome.failed) result.matches += outcome.matches;
    else failed.push([key, outcome]);
  }
  // Whatever the order of the document, complaints come in the order of names.
  for (const [, outcome] of failed.sort(([a], [b]) => (a < b ? -1 : 1))) result.merge(outcome);
  for (const name of schema.required ?? []) {
    if (value[name] === undefined || !Object.hasOwn(value, name)) {
      result.add(`${path}.${name} in body is required`, required(fieldOf(`${path}.${name}`)));
    }
  }
}
