/**
 * How strict the validation of a definition is. An update must not fail for what the stored definition has already:
 * rules that came later bind only those who do not break them yet.
 */
import type { FieldError } from '../machinery/field.ts';
import { FieldPath } from '../machinery/field.ts';
import type { Schema } from '../machinery/schema.ts';
import { type ConversionOptions, recognizesAny, validateCaBundle } from './conversion-validation.ts';
import { validateDefaults } from './default-validation.ts';
import { type InternalSpec, internalForm } from './internal-form.ts';
import { checkListItems, type SchemaOptions, strictSchemaOptions } from './schema-validation.ts';
import { unsupportedField, validateStructural } from './structural.ts';
import type { CustomResourceDefinition, JsonSchemaProps } from './types.ts';

export interface ValidationOptions {
  readonly schema: SchemaOptions;
  readonly conversion: ConversionOptions;
  readonly requireSchema: boolean;
  readonly requireImmutableNames: boolean;
  /** The schemas of the old definition: their rules have been compiled before. */
  readonly oldSchemas: readonly JsonSchemaProps[];
  /** Selectable fields that the old definition has: too many of them may stay. */
  readonly oldSelectableFields: ReadonlySet<string>;
}

export function strictOptions(): ValidationOptions {
  return {
    schema: strictSchemaOptions,
    conversion: { requireRecognizedVersion: true, allowInvalidCaBundle: true },
    requireSchema: true,
    requireImmutableNames: false,
    oldSchemas: [],
    oldSelectableFields: new Set(),
  };
}

export function updateOptions(old: CustomResourceDefinition): ValidationOptions {
  const spec = internalForm(old.spec);
  const reviewVersions = old.spec.conversion?.webhook?.conversionReviewVersions ?? [];
  return {
    schema: {
      requireStructural: !someWhole(spec, isNonStructural),
      requirePrunedDefaults: !someWhole(spec, hasUnprunedDefaults),
      requireValidTypes: !someSchema(spec, hasInvalidType),
      requireAtomicSets: !someSchema(spec, isNonAtomicSet),
      requireListMapKeys: !someSchema(spec, hasInvalidListItems),
      compileRules: true,
    },
    conversion: {
      requireRecognizedVersion: reviewVersions.length === 0 || recognizesAny(reviewVersions),
      allowInvalidCaBundle: allowsInvalidCaBundle(old),
    },
    requireSchema: wholeSchemas(spec).length > 0 && everyVersionHasSchema(spec),
    requireImmutableNames: isEstablished(old),
    oldSchemas: wholeSchemas(spec),
    oldSelectableFields: new Set(
      (old.spec.versions ?? []).flatMap((version) => (version.selectableFields ?? []).map(({ jsonPath }) => jsonPath)),
    ),
  };
}

function isEstablished(crd: CustomResourceDefinition): boolean {
  return crd.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True') ?? false;
}

function allowsInvalidCaBundle(old: CustomResourceDefinition): boolean {
  if (!isEstablished(old)) return true;
  const bundle = old.spec.conversion?.webhook?.clientConfig?.caBundle ?? '';
  return bundle !== '' && validateCaBundle(bundle).length > 0;
}

function everyVersionHasSchema(spec: InternalSpec): boolean {
  if (spec.top.schema?.openAPIV3Schema !== undefined) return true;
  return spec.versions.every((version) => version.schema?.openAPIV3Schema !== undefined);
}

function isNonStructural(schema: JsonSchemaProps): boolean {
  return unsupportedField(schema) !== undefined || validateStructural(schema, FieldPath.of()).length > 0;
}

function hasUnprunedDefaults(schema: JsonSchemaProps): boolean {
  if (isNonStructural(schema)) return false;
  const found = validateDefaults(schema as Schema, FieldPath.of(), { requirePrunedDefaults: true });
  return found.some(({ detail }) => detail === 'must not have unknown fields');
}

const knownTypes: readonly string[] = ['string', 'number', 'integer', 'boolean', 'array', 'object'];

function hasInvalidType({ type }: JsonSchemaProps): boolean {
  return type !== undefined && type !== '' && !knownTypes.includes(type);
}

function isNonAtomicSet(schema: JsonSchemaProps): boolean {
  const { items } = schema;
  if (schema['x-kubernetes-list-type'] !== 'set' || items === undefined || Array.isArray(items)) return false;
  const listType = items['x-kubernetes-list-type'];
  if (items.type === 'array') return listType !== undefined && listType !== 'atomic';
  return items.type === 'object' && items['x-kubernetes-map-type'] !== 'atomic';
}

function hasInvalidListItems(schema: JsonSchemaProps): boolean {
  const listType = schema['x-kubernetes-list-type'];
  const { items } = schema;
  if ((listType !== 'set' && listType !== 'map') || items === undefined || Array.isArray(items)) return false;
  const errors: FieldError[] = [];
  checkListItems(items, listType, schema['x-kubernetes-list-map-keys'] ?? [], FieldPath.of(), errors);
  return errors.length > 0;
}

function wholeSchemas(spec: InternalSpec): JsonSchemaProps[] {
  return [spec.top, ...spec.versions].flatMap(({ schema }) => schema?.openAPIV3Schema ?? []);
}

function someWhole(spec: InternalSpec, predicate: (schema: JsonSchemaProps) => boolean): boolean {
  return wholeSchemas(spec).some(predicate);
}

/** Whether any schema of any version, or any schema inside one, is of a kind. */
export function someSchema(spec: InternalSpec, predicate: (schema: JsonSchemaProps) => boolean): boolean {
  return wholeSchemas(spec).some((schema) => someWithin(schema, predicate));
}

function someWithin(schema: JsonSchemaProps, predicate: (schema: JsonSchemaProps) => boolean): boolean {
  if (predicate(schema)) return true;
  const lists = [schema.items, schema.allOf, schema.anyOf, schema.oneOf, schema.not];
  const maps = [schema.properties, schema.patternProperties, schema.definitions, schema.dependencies];
  const below = [
    ...lists.flat(),
    ...maps.flatMap((map) => Object.values(map ?? {})),
    schema.additionalProperties,
    schema.additionalItems,
  ];
  return below.some(
    (part) => typeof part === 'object' && part !== null && !Array.isArray(part) && someWithin(part, predicate),
  );
}
