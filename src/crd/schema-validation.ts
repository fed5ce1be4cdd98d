/**
 * What a definition's `openAPIV3Schema` may say, besides being structural.
 * Source: apiextensions-apiserver `pkg/apis/apiextensions/validation` (ValidateCustomResourceDefinitionOpenAPISchema).
 */
import { checkRules } from '../cel/rule-checks.ts';
import { ruleFormErrors } from '../cel/rule-form.ts';
import { type FieldError, type FieldPath, forbidden, invalid, notSupported, required } from '../machinery/field.ts';
import type { Schema } from '../machinery/schema.ts';
import { validateDefaults } from './default-validation.ts';
import { setFields, shownSchema } from './internal-form.ts';
import { unsupportedField, validateStructural } from './structural.ts';
import type { JsonSchemaProps } from './types.ts';

/** What an update lets pass, because the stored definition has it already. */
export interface SchemaOptions {
  readonly requireStructural: boolean;
  readonly requirePrunedDefaults: boolean;
  readonly requireValidTypes: boolean;
  readonly requireAtomicSets: boolean;
  readonly requireListMapKeys: boolean;
  /** Whether `x-kubernetes-validations` are compiled: those of a schema that has not changed are right already. */
  readonly compileRules: boolean;
}

export const strictSchemaOptions: SchemaOptions = {
  requireStructural: true,
  requirePrunedDefaults: true,
  requireValidTypes: true,
  requireAtomicSets: true,
  requireListMapKeys: true,
  compileRules: true,
};

const types = ['array', 'boolean', 'integer', 'number', 'object', 'string'];

/** The fields that may stand at the root when `status` is a subresource, as Kubernetes lists them. */
const allowedAtRoot = [
  'Description',
  'Type',
  'Format',
  'Title',
  'Maximum',
  'ExclusiveMaximum',
  'Minimum',
  'ExclusiveMinimum',
  'MaxLength',
  'MinLength',
  'Pattern',
  'MaxItems',
  'MinItems',
  'UniqueItems',
  'MultipleOf',
  'Required',
  'Items',
  'Properties',
  'ExternalDocs',
  'Example',
  'XPreserveUnknownFields',
  'XValidations',
];

/** `path` is that of `openAPIV3Schema`. */
export function validateCrdSchema(
  schema: JsonSchemaProps,
  path: FieldPath,
  statusSubresource: boolean,
  options: SchemaOptions,
): FieldError[] {
  const errors: FieldError[] = [];
  if (statusSubresource) checkRoot(schema, path, errors);
  if (schema.nullable === true) errors.push(forbidden(path.child('nullable'), 'nullable cannot be true at the root'));

  let unsupported: string | undefined;
  let structural = false;
  if (options.requireStructural) {
    unsupported = unsupportedField(schema);
    if (unsupported === undefined) {
      const found = validateStructural(schema, path);
      // A structural schema is a Schema; only then are its defaults looked at, and only then its rules compiled.
      if (found.length === 0) found.push(...validateDefaults(schema as Schema, path, options));
      structural = found.length === 0;
      errors.push(...found);
    }
  }
  const walk: Walk = { options, errors, broken: new Set() };
  checkSchema(schema, path, { isRoot: true, insideMeta: false, defaultsForbidden: undefined }, walk);
  if (structural && options.compileRules && walk.rules) {
    errors.push(...checkRules(schema as Schema, { path, broken: walk.broken }).celErrors);
  }
  if (errors.length === 0 && unsupported !== undefined) errors.push(invalid(path, '', unsupported));
  return errors;
}

function checkRoot(schema: JsonSchemaProps, path: FieldPath, errors: FieldError[]): void {
  for (const field of setFields(schema)) {
    if (field === 'Type') {
      if (schema.type === 'object') continue;
      errors.push(
        invalid(
          path.child('type'),
          schema.type,
          'only "object" is allowed as the type at the root of the schema if the status subresource is enabled',
        ),
      );
      return;
    }
    if (allowedAtRoot.includes(field)) continue;
    errors.push(
      invalid(
        path,
        shownSchema(schema),
        `only [${allowedAtRoot.join(' ')}] fields are allowed at the root of the schema if the status subresource is enabled`,
      ),
    );
    return;
  }
}

interface Place {
  readonly isRoot: boolean;
  /** Inside the type or object metadata of a resource. */
  readonly insideMeta: boolean;
  /** Why defaults may not be set here. */
  readonly defaultsForbidden: string | undefined;
}

interface Walk {
  readonly options: SchemaOptions;
  readonly errors: FieldError[];
  /** The schemas in which something is wrong: their rules are not compiled, nor those around them. */
  readonly broken: Set<Schema>;
  rules?: boolean;
}

function checkSchema(schema: JsonSchemaProps, path: FieldPath, place: Place, walk: Walk): void {
  const { errors, options } = walk;
  const before = errors.length;
  checkFields(schema, path, place, walk);
  if (schema.uniqueItems === true) {
    errors.push(
      forbidden(
        path.child('uniqueItems'),
        'uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
      ),
    );
  }
  checkBelow(schema, path, place, walk);
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) {
    errors.push(invalid(path.child('x-kubernetes-preserve-unknown-fields'), false, 'must be true or undefined'));
  }
  checkMapType(schema, path, errors);
  checkListType(schema, path, options, errors);
  const rules = schema['x-kubernetes-validations'] ?? [];
  if (rules.length > 0) walk.rules = true;
  // A schema that is not even structural is judged elsewhere: it has no paths to follow.
  const structural = rules.length > 0 && unsupportedField(schema) === undefined ? (schema as Schema) : undefined;
  rules.forEach((rule, i) => {
    errors.push(...ruleFormErrors(rule, path.child('x-kubernetes-validations').index(i), structural));
  });
  if (errors.length > before) walk.broken.add(schema as Schema);
}

/** Fields of OpenAPI that Kubernetes does not support, and fields that may not stand here. */
function checkFields(schema: JsonSchemaProps, path: FieldPath, place: Place, walk: Walk): void {
  const { errors, options } = walk;
  const unsupported = (field: string): void => {
    errors.push(forbidden(path.child(field), `${field} is not supported`));
  };
  const type = schema.type as string | undefined;
  if (options.requireValidTypes && type !== undefined && type !== '' && !types.includes(type)) {
    errors.push(notSupported(path.child('type'), type, types));
  }
  if (schema.default !== undefined && place.defaultsForbidden !== undefined) {
    errors.push(forbidden(path.child('default'), `must not be set ${place.defaultsForbidden}`));
  }
  if (schema.id !== undefined && schema.id !== '') unsupported('id');
  if (schema.additionalItems !== undefined) unsupported('additionalItems');
  for (const field of ['patternProperties', 'definitions'] as const) {
    if (Object.keys(schema[field] ?? {}).length > 0) unsupported(field);
  }
  if (schema.dependencies !== undefined) unsupported('dependencies');
  if (schema.$ref !== undefined) unsupported('$ref');
  if (type === 'null') {
    errors.push(forbidden(path.child('type'), 'type cannot be set to null, use nullable as an alternative'));
  }
  if (Array.isArray(schema.items) && schema.items.length > 0) {
    errors.push(forbidden(path.child('items'), 'items must be a schema object and not an array'));
  }
  if (place.insideMeta && schema['x-kubernetes-embedded-resource'] === true) {
    errors.push(forbidden(path.child('x-kubernetes-embedded-resource'), 'must not be used inside of resource meta'));
  }
}

function checkBelow(schema: JsonSchemaProps, path: FieldPath, place: Place, walk: Walk): void {
  const { additionalProperties, properties = {}, items } = schema;
  const below = { ...place, isRoot: false };
  const check = (part: JsonSchemaProps, where: FieldPath): void => checkSchema(part, where, below, walk);
  if (additionalProperties !== undefined) {
    const where = path.child('additionalProperties');
    if (Object.keys(properties).length > 0 && additionalProperties !== true) {
      walk.errors.push(forbidden(where, 'additionalProperties and properties are mutual exclusive'));
    }
    if (typeof additionalProperties === 'object') {
      const defaultsForbidden = place.insideMeta
        ? 'inside additionalProperties applying to object metadata'
        : place.defaultsForbidden;
      checkSchema(additionalProperties, where, { ...below, defaultsForbidden }, walk);
    }
  }
  for (const [name, property] of Object.entries(properties)) {
    const isMeta =
      (place.isRoot || schema['x-kubernetes-embedded-resource'] === true) &&
      (name === 'metadata' || name === 'kind' || name === 'apiVersion');
    const inside: Place = {
      isRoot: false,
      insideMeta: place.insideMeta || isMeta,
      defaultsForbidden: isMeta && place.isRoot ? `in top-level ${name}` : place.defaultsForbidden,
    };
    checkSchema(property, path.child('properties').key(name), inside, walk);
  }
  if (schema.not !== undefined) check(schema.not, path.child('not'));
  for (const junctor of ['allOf', 'oneOf', 'anyOf'] as const) {
    for (const [i, part] of (schema[junctor] ?? []).entries()) check(part, path.child(junctor).index(i));
  }
  for (const [name, part] of Object.entries(schema.definitions ?? {})) check(part, path.child('definitions').key(name));
  if (Array.isArray(items)) for (const [i, item] of items.entries()) check(item ?? {}, path.child('items').index(i));
  else if (items !== undefined) check(items, path.child('items'));
  for (const [name, part] of Object.entries(schema.dependencies ?? {})) {
    if (!Array.isArray(part)) check(part, path.child('dependencies').key(name));
  }
}

function checkMapType(schema: JsonSchemaProps, path: FieldPath, errors: FieldError[]): void {
  const mapType = schema['x-kubernetes-map-type'];
  if (mapType === undefined) return;
  mustBeOf('object', 'x-kubernetes-map-type', schema, path, errors);
  if (mapType !== 'atomic' && mapType !== 'granular') {
    errors.push(notSupported(path.child('x-kubernetes-map-type'), mapType, ['atomic', 'granular']));
  }
}

/** Answers whether the schema's type is the one that the extension asks for. */
function mustBeOf(
  type: 'object' | 'array',
  extension: string,
  schema: JsonSchemaProps,
  path: FieldPath,
  errors: FieldError[],
): boolean {
  if (schema.type === type) return true;
  const why = `must be ${type} if ${extension} is specified`;
  const empty = schema.type === undefined || schema.type === '';
  errors.push(empty ? required(path.child('type'), why) : invalid(path.child('type'), schema.type, why));
  return false;
}

function checkListType(schema: JsonSchemaProps, path: FieldPath, options: SchemaOptions, errors: FieldError[]): void {
  const listType = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const items = Array.isArray(schema.items) ? undefined : schema.items;
  if (listType !== undefined) {
    const isArray = mustBeOf('array', 'x-kubernetes-list-type', schema, path, errors);
    if (isArray && options.requireAtomicSets && listType === 'set' && items !== undefined) {
      checkSetItems(items, path.child('items'), errors);
    }
    if (listType !== 'atomic' && listType !== 'set' && listType !== 'map') {
      errors.push(notSupported(path.child('x-kubernetes-list-type'), listType, ['atomic', 'set', 'map']));
    }
  }
  if (keys.length > 0 && listType !== 'map') {
    const where = path.child('x-kubernetes-list-type');
    const why = 'must be map if x-kubernetes-list-map-keys is non-empty';
    errors.push(listType === undefined ? required(where, why) : invalid(where, listType, why));
  }
  if (listType === 'map') checkListMap(schema, keys, path, errors);
  if (options.requireListMapKeys && items !== undefined && (listType === 'set' || listType === 'map')) {
    checkListItems(items, listType, keys, path.child('items'), errors);
  }
}

function checkSetItems(items: JsonSchemaProps, path: FieldPath, errors: FieldError[]): void {
  const why = 'must be atomic as item of a list with x-kubernetes-list-type=set';
  const listType = items['x-kubernetes-list-type'];
  if (items.type === 'array' && listType !== undefined && listType !== 'atomic') {
    errors.push(invalid(path.child('x-kubernetes-list-type'), listType, why));
  }
  if (items.type === 'object' && items['x-kubernetes-map-type'] !== 'atomic') {
    errors.push(invalid(path.child('x-kubernetes-map-type'), listType ?? null, why));
  }
}

function checkListMap(schema: JsonSchemaProps, keys: readonly string[], path: FieldPath, errors: FieldError[]): void {
  const keysPath = path.child('x-kubernetes-list-map-keys');
  if (keys.length === 0) errors.push(required(keysPath, 'must not be empty if x-kubernetes-list-type is map'));
  const { items } = schema;
  if (items === undefined) {
    errors.push(required(path.child('items'), 'must have a schema if x-kubernetes-list-type is map'));
    return;
  }
  if (Array.isArray(items)) {
    const shown = { Schema: null, JSONSchemas: items.map((item) => shownSchema(item ?? {})) };
    errors.push(invalid(path.child('items'), shown, 'must only have a single schema if x-kubernetes-list-type is map'));
    return;
  }
  if (items.type !== 'object') {
    const why = "must be object if parent array's x-kubernetes-list-type is map";
    errors.push(invalid(path.child('items').child('type'), items.type ?? '', why));
    return;
  }
  for (const [i, key] of keys.entries()) {
    const property = items.properties?.[key];
    if (property === undefined) errors.push(invalid(keysPath, keys, 'entries must all be names of item properties'));
    else if (property.type === 'array' || property.type === 'object') {
      const where = path.child('items').child('properties').key(key).child('type');
      errors.push(invalid(where, items.type, "must be a scalar type if parent array's x-kubernetes-list-type is map"));
    }
    if (keys.indexOf(key) < i) errors.push(invalid(keysPath, keys, 'must not contain duplicate entries'));
  }
}

/** Items of sets and maps have an identity: they and their keys are always there. */
export function checkListItems(
  items: JsonSchemaProps,
  listType: 'set' | 'map',
  keys: readonly string[],
  path: FieldPath,
  errors: FieldError[],
): void {
  if (items.nullable === true) {
    errors.push(forbidden(path.child('nullable'), `cannot be nullable when x-kubernetes-list-type is ${listType}`));
  }
  if (listType === 'set') return;
  for (const key of keys) {
    const property = items.properties?.[key];
    if (property === undefined) continue;
    const where = path.child('properties').key(key);
    if (items.required?.includes(key) !== true && property.default === undefined) {
      errors.push(
        required(
          where.child('default'),
          'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
        ),
      );
    }
    if (property.nullable === true) {
      errors.push(
        forbidden(where.child('nullable'), 'this property is in x-kubernetes-list-map-keys, so it cannot be nullable'),
      );
    }
  }
}
