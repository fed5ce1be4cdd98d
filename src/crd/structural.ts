/**
 * Whether a schema is structural: every field has a type outside of value validations, and validations describe no
 * structure of their own.
 * Source: KEP-1111 "Structural schemas"; apiextensions-apiserver `pkg/apiserver/schema` (convert, validation, complete).
 */
import { errorText, type FieldError, type FieldPath, forbidden, invalid, required } from '../machinery/field.ts';
import { deepEqual } from '../machinery/json.ts';
import { compilePattern } from '../schema/regexp.ts';
import type { JsonSchemaProps } from './types.ts';

/** What a structural schema cannot even be made of, in the words of the first problem; `undefined` when it can. */
export function unsupportedField(schema: JsonSchemaProps): string | undefined {
  return findUnsupported(schema);
}

/** What keeps the schema from being structural, sorted by text. */
export function validateStructural(schema: JsonSchemaProps, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  checkInvariants(schema, 'root', path, errors);
  checkCompleteness(schema, schema, path, path, errors);
  return errors
    .map((error) => ({ error, text: errorText(error) }))
    .sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0))
    .map(({ error }) => error);
}

type Level = 'root' | 'item' | 'field';

function findUnsupported(schema: JsonSchemaProps): string | undefined {
  const unsupported = (field: string): string => `OpenAPIV3Schema '${field}' is not supported`;
  if (isSet(schema.id)) return unsupported('id');
  if (isSet(schema.$schema)) return unsupported('schema');
  if (isSet(schema.$ref)) return unsupported('$ref');
  if (hasEntries(schema.patternProperties)) return unsupported('patternProperties');
  if (hasEntries(schema.dependencies)) return unsupported('dependencies');
  if (schema.additionalItems !== undefined) return unsupported('additionalItems');
  if (hasEntries(schema.definitions)) return unsupported('definitions');
  for (const nested of [schema.not, ...(schema.allOf ?? []), ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]) {
    const problem = nested === undefined ? undefined : findUnsupported(nested);
    if (problem !== undefined) return problem;
  }
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) {
    return "internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined";
  }
  if (Array.isArray(schema.items) && schema.items.length > 0) {
    return "OpenAPIV3Schema 'items' must be a schema, but is an array";
  }
  for (const child of [schema.items, schema.additionalProperties, ...Object.values(schema.properties ?? {})]) {
    const problem =
      typeof child !== 'object' || child === null || Array.isArray(child) ? undefined : findUnsupported(child);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

const isSet = (text: string | undefined): boolean => text !== undefined && text !== '';
const hasEntries = (record: object | undefined): boolean => record !== undefined && Object.keys(record).length > 0;
const single = (items: JsonSchemaProps['items']): JsonSchemaProps | undefined =>
  Array.isArray(items) ? undefined : items;
const typeOf = (schema: JsonSchemaProps): string => schema.type ?? '';

function checkInvariants(schema: JsonSchemaProps, level: Level, path: FieldPath, errors: FieldError[]): void {
  const items = single(schema.items);
  const { additionalProperties } = schema;
  const properties = schema.properties ?? {};
  const type = typeOf(schema);
  const embedded = schema['x-kubernetes-embedded-resource'] === true;
  const preserves = schema['x-kubernetes-preserve-unknown-fields'] === true;
  const intOrString = schema['x-kubernetes-int-or-string'] === true;

  if (type === 'array' && items === undefined) errors.push(required(path.child('items'), 'must be specified'));
  if (items !== undefined) checkInvariants(items, 'item', path.child('items'), errors);
  for (const [name, property] of Object.entries(properties)) {
    checkInvariants(property, 'field', path.child('properties').key(name), errors);
  }
  if (additionalProperties !== undefined) {
    const where = path.child('additionalProperties');
    if (level === 'root') errors.push(forbidden(where, 'must not be used at the root'));
    if (typeof additionalProperties === 'object') checkInvariants(additionalProperties, 'field', where, errors);
  }
  if (intOrString && preserves) {
    errors.push(
      invalid(
        path.child('x-kubernetes-preserve-unknown-fields'),
        true,
        'must be false if x-kubernetes-int-or-string is true',
      ),
    );
  }
  if (intOrString && embedded) {
    errors.push(
      invalid(
        path.child('x-kubernetes-embedded-resource'),
        true,
        'must be false if x-kubernetes-int-or-string is true',
      ),
    );
  }
  checkValidations(schema, isIntOrString(schema.anyOf), isIntOrString(schema.allOf?.[0]?.anyOf), path, errors);

  if (embedded && type !== 'object') {
    const why = 'must be object if x-kubernetes-embedded-resource is true';
    errors.push(type === '' ? required(path.child('type'), why) : invalid(path.child('type'), type, why));
  } else if (type === '' && !intOrString && !preserves) errors.push(required(path.child('type'), missingType[level]));
  if (embedded && additionalProperties !== undefined) {
    errors.push(
      forbidden(path.child('additionalProperties'), 'must not be used if x-kubernetes-embedded-resource is set'),
    );
  }
  if (level === 'root' && type !== '' && type !== 'object') {
    errors.push(invalid(path.child('type'), type, 'must be object at the root'));
  }
  checkResourceFields(schema, level, path, errors);
  if (embedded && !preserves && Object.keys(properties).length === 0) {
    errors.push(
      required(
        path.child('properties'),
        'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields',
      ),
    );
  }
}

const missingType: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
};

/** The one shape in which a type may stand in an anyOf: that of int-or-string. */
function isIntOrString(anyOf: readonly JsonSchemaProps[] | undefined): boolean {
  return deepEqual(anyOf, [{ type: 'integer' }, { type: 'string' }]);
}

/** `apiVersion`, `kind` and `metadata`, which mean the same in every object. */
function checkResourceFields(schema: JsonSchemaProps, level: Level, path: FieldPath, errors: FieldError[]): void {
  const { kind, apiVersion, metadata } = schema.properties ?? {};
  const resource = level === 'root' || schema['x-kubernetes-embedded-resource'] === true;
  const typePath = (name: string): FieldPath => path.child('properties').key(name).child('type');
  if (resource && kind !== undefined && typeOf(kind) !== 'string') {
    errors.push(invalid(typePath('kind'), typeOf(kind), 'must be string'));
  }
  if (resource && apiVersion !== undefined && typeOf(apiVersion) !== 'string') {
    errors.push(invalid(typePath('apiVersion'), typeOf(apiVersion), 'must be string'));
  }
  if (metadata === undefined) return;
  if (resource && typeOf(metadata) !== 'object') {
    errors.push(invalid(typePath('metadata'), typeOf(metadata), 'must be object'));
  }
  if (level === 'root' && restrictsMore(metadata)) {
    errors.push(
      forbidden(
        path.child('properties').key('metadata'),
        'must not specify anything other than name and generateName, but metadata is implicitly specified',
      ),
    );
  }
}

function restrictsMore(metadata: JsonSchemaProps): boolean {
  const { type: _type, default: _default, properties, externalDocs: _docs, example: _example, ...rest } = metadata;
  const named = Object.keys(properties ?? {}).every((name) => name === 'name' || name === 'generateName');
  return !named || Object.values(rest).some((value) => !isZero(value));
}

function isZero(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === false) return true;
  return Array.isArray(value) && value.length === 0;
}

function checkValidations(
  schema: JsonSchemaProps,
  skipAnyOf: boolean,
  skipFirstAllOf: boolean,
  path: FieldPath,
  errors: FieldError[],
): void {
  if (!skipAnyOf) {
    for (const [i, part] of (schema.anyOf ?? []).entries())
      checkNested(part, false, path.child('anyOf').index(i), errors);
  }
  for (const [i, part] of (schema.allOf ?? []).entries()) {
    checkNested(part, skipFirstAllOf && i === 0, path.child('allOf').index(i), errors);
  }
  for (const [i, part] of (schema.oneOf ?? []).entries())
    checkNested(part, false, path.child('oneOf').index(i), errors);
  if (schema.not !== undefined) checkNested(schema.not, false, path.child('not'), errors);
  if (isSet(schema.pattern)) {
    const { error } = compilePattern(schema.pattern as string);
    if (error !== undefined) {
      errors.push(
        invalid(path.child('pattern'), schema.pattern, `must be a valid regular expression, but isn't: ${error}`),
      );
    }
  }
}

/** What a schema inside `allOf`, `anyOf`, `oneOf` or `not` must not say, and how the complaint goes. */
const structure: readonly (readonly [field: keyof JsonSchemaProps, must: 'empty' | 'undefined' | 'false'])[] = [
  ['default', 'undefined'],
  ['title', 'empty'],
  ['description', 'empty'],
  ['nullable', 'false'],
  ['externalDocs', 'undefined'],
  ['x-kubernetes-preserve-unknown-fields', 'false'],
  ['x-kubernetes-embedded-resource', 'false'],
  ['x-kubernetes-int-or-string', 'false'],
  ['x-kubernetes-list-map-keys', 'empty'],
  ['x-kubernetes-list-type', 'undefined'],
  ['x-kubernetes-map-type', 'undefined'],
  ['x-kubernetes-validations', 'empty'],
];

function checkNested(schema: JsonSchemaProps, skipAnyOf: boolean, path: FieldPath, errors: FieldError[]): void {
  checkValidations(schema, skipAnyOf, false, path, errors);
  const items = single(schema.items);
  if (items !== undefined) checkNested(items, false, path.child('items'), errors);
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    checkNested(property, false, path.child('properties').key(name), errors);
  }
  const forbid = (field: string, must: string): void => {
    errors.push(forbidden(path.child(field), `must be ${must} to be structural`));
  };
  if (typeOf(schema) !== '') forbid('type', 'empty');
  if (schema.additionalProperties !== undefined) forbid('additionalProperties', 'undefined');
  for (const [field, must] of structure) {
    const value = schema[field];
    if (must === 'undefined' ? value !== undefined && value !== null : !isZero(value)) forbid(field, must);
  }
  if (schema.properties?.metadata !== undefined) {
    errors.push(forbidden(path.child('properties').key('metadata'), 'must not be specified in a nested context'));
  }
}

/** Every field that a validation of the root speaks of must be specified outside of validations too. */
function checkCompleteness(
  validation: JsonSchemaProps,
  schema: JsonSchemaProps,
  path: FieldPath,
  validationPath: FieldPath,
  errors: FieldError[],
): void {
  const nested = (part: JsonSchemaProps, where: FieldPath): void =>
    checkNestedCompleteness(part, schema, path, where, errors);
  if (validation.not !== undefined) nested(validation.not, validationPath.child('not'));
  for (const junctor of ['allOf', 'anyOf', 'oneOf'] as const) {
    for (const [i, part] of (validation[junctor] ?? []).entries()) nested(part, validationPath.child(junctor).index(i));
  }
}

function checkNestedCompleteness(
  validation: JsonSchemaProps,
  schema: JsonSchemaProps | undefined,
  path: FieldPath,
  validationPath: FieldPath,
  errors: FieldError[],
): void {
  if (schema === undefined) {
    errors.push(required(path, `because it is defined in ${validationPath}`));
    return;
  }
  checkCompleteness(validation, schema, path, validationPath, errors);
  const items = single(validation.items);
  if (items !== undefined) {
    checkNestedCompleteness(items, single(schema.items), path.child('items'), validationPath.child('items'), errors);
  }
  for (const [name, property] of Object.entries(validation.properties ?? {})) {
    const where = path.child('properties').key(name);
    checkNestedCompleteness(
      property,
      schema.properties?.[name],
      where,
      validationPath.child('properties').key(name),
      errors,
    );
  }
}
