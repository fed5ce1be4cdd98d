/**
 * What a schema says about strategic merge patch, and the words its errors use.
 * Source: `k8s.io/apimachinery/pkg/util/strategicpatch`, "Strategic Merge Patch" in the API conventions.
 */
import { goQuote, goValue } from '../go-text.ts';
import { isJsonObject, type JsonArray, type JsonObject, type JsonValue } from '../json.ts';
import type { Schema } from '../schema.ts';
import { badRequest, StatusError } from '../status.ts';

export const patchDirective = '$patch';
export const retainKeysDirective = '$retainKeys';
export const deleteListPrefix = '$deleteFromPrimitiveList';
export const elementOrderPrefix = '$setElementOrder';

/** How one field is patched. */
export interface PatchMeta {
  /** The schema of the field's value: for a list, the list itself. */
  readonly schema: Schema;
  readonly strategy: 'merge' | 'replace' | '';
  readonly retainKeys: boolean;
  /** Which field of a list's elements tells them apart; empty where none is declared. */
  readonly mergeKey: string;
}

/** A list of objects, or a list of scalars: the two are merged differently, and never mixed. */
export type ElementKind = 'object' | 'scalar';

/** @throws StatusError where the schema has no such field, as Kubernetes' struct types have it. */
export function patchMetaOf(schema: Schema, field: string): PatchMeta {
  const property = propertyOf(schema, field);
  if (property === undefined) {
    const name = schema.definition?.slice(schema.definition.lastIndexOf('.') + 1) ?? '';
    throw patchError(`unable to find api field in struct ${name} for the json field ${goQuote(field)}`);
  }
  const strategies = property['x-kubernetes-patch-strategy']?.split(',') ?? [];
  const others = strategies.filter((strategy) => strategy !== 'retainKeys');
  if (others.length > 1) throw patchError(`unexpected patch strategy: ${goValue(strategies)}`);
  return {
    schema: property,
    strategy: (others[0] ?? '') as PatchMeta['strategy'],
    retainKeys: strategies.length > others.length,
    mergeKey: property['x-kubernetes-patch-merge-key'] ?? '',
  };
}

function propertyOf(schema: Schema, field: string): Schema | undefined {
  if (schema.properties !== undefined && Object.hasOwn(schema.properties, field)) return schema.properties[field];
  return typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined;
}

/** The field that `$setElementOrder/field` or `$deleteFromPrimitiveList/field` is about. */
export function directiveField(key: string, prefix: typeof deleteListPrefix | typeof elementOrderPrefix): string {
  if (key[prefix.length] === '/') return key.slice(prefix.length + 1);
  throw prefix === deleteListPrefix ? badDeleteList() : badElementOrder();
}

/** The common kind of all elements. Lists of lists and lists of several kinds have no merge. */
export function elementKind(...lists: (readonly JsonValue[])[]): ElementKind {
  let found: string | undefined;
  for (const list of lists) {
    for (const element of list) {
      const type = goType(element);
      if (type === goTypes.list) throw generic422('lists of lists are not supported');
      found ??= type;
      if (type !== found) throw patchError(`list element types are not identical: ${goValue(lists as JsonValue)}`);
    }
  }
  if (found === undefined) throw patchError('no elements in any of the given slices');
  return found === goTypes.object ? 'object' : 'scalar';
}

export function asObject(value: JsonValue | undefined): JsonObject {
  if (isJsonObject(value)) return value;
  throw badType(goTypes.object, value);
}

export function asList(value: JsonValue | undefined): JsonArray {
  if (Array.isArray(value)) return value;
  throw badType(goTypes.list, value);
}

/** The merge key's value of a list element. */
export function mergeKeyOf(element: JsonObject, mergeKey: string): JsonValue {
  const value = element[mergeKey];
  if (value !== undefined) return value;
  throw patchError(`map: ${goValue(element)} does not contain declared merge key: ${mergeKey}`);
}

/** What the API server answers to a patch it cannot carry out and that is not plainly malformed: a 500 without reason. */
export const patchError = (message: string): StatusError => new StatusError(500, '', message);

export const badDeleteList = (): StatusError => badRequest('invalid patch format of primitive list');
export const badRetainKeys = (): StatusError => badRequest('invalid patch format of retainKeys');
export const badElementOrder = (): StatusError => badRequest('invalid patch format of setElementOrder list');

export const badDirective = (directive: JsonValue, patch: JsonObject): StatusError =>
  patchError(`unknown patch type: ${goValue(directive)} in map: ${goValue(patch)}`);

const badType = (expected: string, actual: JsonValue | undefined): StatusError =>
  patchError(`expected a ${expected}, but received a ${goType(actual)}`);

/** The API server drops the cause here and answers its general sentence for 422; the cause is kept for the reader of a stack trace. */
const generic422 = (cause: string): StatusError =>
  Object.assign(new StatusError(422, 'Invalid', 'the server rejected our request due to an error in our request', {}), {
    cause,
  });

const goTypes = { object: 'map[string]interface {}', list: '[]interface {}' };

function goType(value: JsonValue | undefined): string {
  if (value === null || value === undefined) return '%!s(<nil>)';
  if (Array.isArray(value)) return goTypes.list;
  switch (typeof value) {
    case 'object':
      return goTypes.object;
    case 'boolean':
      return 'bool';
    case 'string':
      return 'string';
    default:
      return typeof value === 'bigint' || Number.isInteger(value) ? 'int64' : 'float64';
  }
}
