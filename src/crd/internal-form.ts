/**
 * The form in which Kubernetes validates definitions: what all versions agree on stands once at the top
 * (`spec.validation`), and the webhook of a conversion beside its strategy. Field paths and values in messages show it.
 * Source: apiextensions-apiserver `pkg/apis/apiextensions` (types) and `v1/conversion.go`.
 */
import { deepEqual, type JsonObject, type JsonValue } from '../machinery/json.ts';
import type {
  CustomResourceColumnDefinition,
  CustomResourceDefinitionSpec,
  CustomResourceDefinitionVersion,
  CustomResourceSubresources,
  JsonSchemaProps,
} from './types.ts';

/** What may stand at the top or in each version. */
export interface VersionedParts {
  schema?: { openAPIV3Schema?: JsonSchemaProps };
  subresources?: CustomResourceSubresources;
  additionalPrinterColumns?: CustomResourceColumnDefinition[];
  selectableFields?: { jsonPath: string }[];
}

export interface InternalSpec extends Omit<CustomResourceDefinitionSpec, 'versions'> {
  readonly top: VersionedParts;
  readonly versions: readonly CustomResourceDefinitionVersion[];
}

const parts = ['schema', 'subresources', 'additionalPrinterColumns', 'selectableFields'] as const;

export function internalForm(spec: CustomResourceDefinitionSpec): InternalSpec {
  const written = spec.versions ?? [];
  const first = written[0];
  const same = parts.filter((part) => written.every((version) => deepEqual(version[part], first?.[part])));
  const top: Record<string, unknown> = {};
  for (const part of same) if (first?.[part] !== undefined) top[part] = first[part];
  const versions = written.map((version) =>
    Object.fromEntries(Object.entries(version).filter(([key]) => !(same as string[]).includes(key))),
  ) as unknown as CustomResourceDefinitionVersion[];
  return { ...spec, top: top as VersionedParts, versions };
}

// ------------------------------------------------------------------------------ as Go prints values of these types

type Shape = readonly (readonly [goName: string, jsonName: string, zero: JsonValue, nested?: Print])[];
type Print = (value: JsonValue) => JsonValue;

const printStruct =
  (shape: () => Shape): Print =>
  (value) => {
    const source = value as JsonObject;
    const printed: JsonObject = {};
    for (const [goName, jsonName, zero, nested] of shape()) {
      const field = source[jsonName];
      printed[goName] = field === undefined || field === null ? zero : nested === undefined ? field : nested(field);
    }
    return printed;
  };
const listOf =
  (print: Print): Print =>
  (value) =>
    (value as JsonValue[]).map(print);
const mapOf =
  (print: Print): Print =>
  (value) =>
    Object.fromEntries(Object.entries(value as JsonObject).map(([key, entry]) => [key, print(entry as JsonValue)]));

const printSchema: Print = printStruct(() => schemaShape);
const printSchemaOrBool: Print = (value) =>
  typeof value === 'boolean' ? { Allows: value, Schema: null } : { Allows: true, Schema: printSchema(value) };
const printSchemaOrArray: Print = (value) =>
  Array.isArray(value)
    ? { Schema: null, JSONSchemas: value.map(printSchema) }
    : { Schema: printSchema(value), JSONSchemas: null };
const printSchemaOrStrings: Print = (value) =>
  Array.isArray(value) ? { Schema: null, Property: value } : { Schema: printSchema(value), Property: null };
const printRule: Print = printStruct(() => [
  ['Rule', 'rule', ''],
  ['Message', 'message', ''],
  ['MessageExpression', 'messageExpression', ''],
  ['Reason', 'reason', null],
  ['FieldPath', 'fieldPath', ''],
  ['OptionalOldSelf', 'optionalOldSelf', null],
]);

const schemaShape: Shape = [
  ['ID', 'id', ''],
  ['Schema', '$schema', ''],
  ['Ref', '$ref', null],
  ['Description', 'description', ''],
  ['Type', 'type', ''],
  ['Nullable', 'nullable', false],
  ['Format', 'format', ''],
  ['Title', 'title', ''],
  ['Default', 'default', null],
  ['Maximum', 'maximum', null],
  ['ExclusiveMaximum', 'exclusiveMaximum', false],
  ['Minimum', 'minimum', null],
  ['ExclusiveMinimum', 'exclusiveMinimum', false],
  ['MaxLength', 'maxLength', null],
  ['MinLength', 'minLength', null],
  ['Pattern', 'pattern', ''],
  ['MaxItems', 'maxItems', null],
  ['MinItems', 'minItems', null],
  ['UniqueItems', 'uniqueItems', false],
  ['MultipleOf', 'multipleOf', null],
  ['Enum', 'enum', null],
  ['MaxProperties', 'maxProperties', null],
  ['MinProperties', 'minProperties', null],
  ['Required', 'required', null],
  ['Items', 'items', null, printSchemaOrArray],
  ['AllOf', 'allOf', null, listOf(printSchema)],
  ['OneOf', 'oneOf', null, listOf(printSchema)],
  ['AnyOf', 'anyOf', null, listOf(printSchema)],
  ['Not', 'not', null, printSchema],
  ['Properties', 'properties', null, mapOf(printSchema)],
  ['AdditionalProperties', 'additionalProperties', null, printSchemaOrBool],
  ['PatternProperties', 'patternProperties', null, mapOf(printSchema)],
  ['Dependencies', 'dependencies', null, mapOf(printSchemaOrStrings)],
  ['AdditionalItems', 'additionalItems', null, printSchemaOrBool],
  ['Definitions', 'definitions', null, mapOf(printSchema)],
  [
    'ExternalDocs',
    'externalDocs',
    null,
    printStruct(() => [
      ['Description', 'description', ''],
      ['URL', 'url', ''],
    ]),
  ],
  ['Example', 'example', null],
  ['XPreserveUnknownFields', 'x-kubernetes-preserve-unknown-fields', null],
  ['XEmbeddedResource', 'x-kubernetes-embedded-resource', false],
  ['XIntOrString', 'x-kubernetes-int-or-string', false],
  ['XListMapKeys', 'x-kubernetes-list-map-keys', null],
  ['XListType', 'x-kubernetes-list-type', null],
  ['XMapType', 'x-kubernetes-map-type', null],
  ['XValidations', 'x-kubernetes-validations', null, listOf(printRule)],
];

const printVersion: Print = printStruct(() => [
  ['Name', 'name', ''],
  ['Served', 'served', false],
  ['Storage', 'storage', false],
  ['Deprecated', 'deprecated', false],
  ['DeprecationWarning', 'deprecationWarning', null],
  ['Schema', 'schema', null, printStruct(() => [['OpenAPIV3Schema', 'openAPIV3Schema', null, printSchema]])],
  [
    'Subresources',
    'subresources',
    null,
    printStruct(() => [
      ['Status', 'status', null],
      [
        'Scale',
        'scale',
        null,
        printStruct(() => [
          ['SpecReplicasPath', 'specReplicasPath', ''],
          ['StatusReplicasPath', 'statusReplicasPath', ''],
          ['LabelSelectorPath', 'labelSelectorPath', null],
        ]),
      ],
    ]),
  ],
  [
    'AdditionalPrinterColumns',
    'additionalPrinterColumns',
    null,
    listOf(
      printStruct(() => [
        ['Name', 'name', ''],
        ['Type', 'type', ''],
        ['Format', 'format', ''],
        ['Description', 'description', ''],
        ['Priority', 'priority', 0],
        ['JSONPath', 'jsonPath', ''],
      ]),
    ),
  ],
  ['SelectableFields', 'selectableFields', null, listOf(printStruct(() => [['JSONPath', 'jsonPath', '']]))],
]);

/** A schema as a value in a message. */
export const shownSchema = (schema: JsonSchemaProps): JsonValue => printSchema(schema as JsonValue);

/** The versions as a value in a message. */
export const shownVersions = (versions: readonly CustomResourceDefinitionVersion[]): JsonValue =>
  versions.length === 0 ? null : listOf(printVersion)(versions as unknown as JsonValue);

/** A validation rule as a value in a message. */
export const shownRule = (rule: object): JsonValue => printRule(rule as JsonValue);

/** The Go names of the fields of a schema that are set, in Go's order. */
export function setFields(schema: JsonSchemaProps): string[] {
  const source = schema as unknown as JsonObject;
  return schemaShape.filter(([, name, zero]) => isSet(source[name], zero)).map(([goName]) => goName);
}

function isSet(value: JsonValue | undefined, zero: JsonValue): boolean {
  return value !== undefined && value !== null && value !== zero;
}
