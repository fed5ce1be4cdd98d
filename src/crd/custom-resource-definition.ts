/**
 * CustomResourceDefinition itself, as a resource like any other.
 * Source: apiextensions-apiserver `pkg/registry/customresourcedefinition`, `pkg/apis/apiextensions/v1/defaults.go`.
 */
import { column, nameColumn } from '../apis/columns.ts';
import { normalize } from '../apis/normal-form.ts';
import { allVerbs, type ResourceType, type Strategy } from '../apis/resource-type.ts';
import { schemaOf } from '../apis/schemas.ts';
import { type FieldError, FieldPath, goQuote, invalid } from '../machinery/field.ts';
import type { JsonObject } from '../machinery/json.ts';
import type { ApiObject } from '../machinery/object.ts';
import type { Schema } from '../machinery/schema.ts';
import { applyDefaults } from '../schema/default.ts';
import { isKnownFormat } from '../schema/formats.ts';
import { validateCrd, validateCrdName, validateCrdStatus, validateCrdUpdate } from './crd-validation.ts';
import { internalForm } from './internal-form.ts';
import { storedVersions, terminatingConditions, withCondition } from './status.ts';
import { type CustomResourceDefinition, crdFinalizer, crdGroup } from './types.ts';
import { someSchema } from './validation-options.ts';

const definitions = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1';

export const crdResourceType: ResourceType = {
  group: crdGroup,
  names: {
    plural: 'customresourcedefinitions',
    singular: 'customresourcedefinition',
    kind: 'CustomResourceDefinition',
    listKind: 'CustomResourceDefinitionList',
    shortNames: ['crd', 'crds'],
    categories: ['api-extensions'],
  },
  scope: 'Cluster',
  versions: [
    {
      name: 'v1',
      served: true,
      get schema() {
        return crdSchema();
      },
      typeErrors: 'decoding',
      status: true,
      columns: [
        nameColumn,
        column<ApiObject>('Created At', 'date', ({ metadata }) => metadata.creationTimestamp ?? null, {
          describedBy: ['io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta', 'creationTimestamp'],
        }),
      ],
      selectableFields: [],
    },
  ],
  storageVersion: 'v1',
  verbs: allVerbs,
  strategy: crdStrategy() as unknown as Strategy,
  subresources: {},
};

type CrdStrategy = {
  [Hook in keyof Strategy]: Strategy[Hook] extends ((...args: infer Args) => infer Result) | undefined
    ? (...args: { [I in keyof Args]: Args[I] extends ApiObject ? CustomResourceDefinition : Args[I] }) => Result
    : Strategy[Hook];
};

function crdStrategy(): CrdStrategy {
  return {
    generation: true,
    allowCreateOnUpdate: false,
    allowUnconditionalUpdate: false,
    resetFields: { object: ['status'], status: ['metadata', 'spec'] },
    default: setDefaults,
    prepareForCreate(draft) {
      draft.status = { conditions: null, acceptedNames: { plural: '', kind: '' } };
      draft.status.storedVersions = storedVersions(draft);
    },
    prepareForUpdate(draft) {
      draft.status = { ...draft.status, storedVersions: storedVersions(draft) };
    },
    validate: (crd) => [...validateNames(crd), ...validateCrd(crd)],
    validateUpdate: (crd, old) => validateCrdUpdate(crd, old),
    validateStatusUpdate: (crd) => validateCrdStatus(crd),
    warnings: (crd, old) => unknownFormats(crd, old as CustomResourceDefinition | undefined),
    // A definition goes after its custom resources: the first delete only adds the finalizer that waits for them.
    pendingFinalizers: (crd) => crd.status?.conditions?.some(({ type }) => type === 'Terminating') !== true,
    prepareForDelete(draft) {
      const { metadata, status } = draft;
      const conditions = status?.conditions ?? [];
      if (conditions.some(({ type }) => type === 'Terminating')) return;
      metadata.finalizers = [...new Set([...(metadata.finalizers ?? []), crdFinalizer])];
      const now = Date.parse(metadata.deletionTimestamp ?? '');
      draft.status = { ...status, conditions: withCondition(conditions, terminatingConditions.pending, now) };
    },
  };
}

function setDefaults(draft: CustomResourceDefinition): void {
  const object = draft as unknown as JsonObject;
  // Nothing in a definition is null: also not a `default`, whose null Go's types take for none.
  applyDefaults(object, crdSchema());
  normalize(object, crdSchema());
  const { spec } = draft;
  const { names } = spec;
  if (names !== undefined) {
    if ((names.singular ?? '') === '') names.singular = (names.kind ?? '').toLowerCase();
    if (names.singular === '') delete names.singular;
    if ((names.listKind ?? '') === '' && (names.kind ?? '') !== '') names.listKind = `${names.kind}List`;
  }
  spec.conversion ??= { strategy: 'None' };
  const service = spec.conversion.webhook?.clientConfig?.service;
  if (service !== undefined) service.port ??= 443;
}

function validateNames(crd: CustomResourceDefinition): FieldError[] {
  const { name = '', generateName = '' } = crd.metadata;
  const path = FieldPath.of('metadata');
  // What every name must be is checked with the rest of the metadata; here it is what only this one must be.
  const own = (text: string): string[] => validateCrdName(text, crd).filter((why) => why.startsWith('must be spec.'));
  return [
    ...(generateName === ''
      ? []
      : own(generateName).map((why) => invalid(path.child('generateName'), generateName, why))),
    ...(name === '' ? [] : own(name).map((why) => invalid(path.child('name'), name, why))),
  ];
}

/** Formats that nothing checks; on update, only those that the old definition has not. */
function unknownFormats(crd: CustomResourceDefinition, old: CustomResourceDefinition | undefined): string[] {
  const known = old === undefined ? [] : formatsOf(old);
  return formatsOf(crd)
    .filter((format) => !known.includes(format))
    .map((format) => `unrecognized format ${goQuote(format)}`);
}

function formatsOf(crd: CustomResourceDefinition): string[] {
  const formats = new Set<string>();
  someSchema(internalForm(crd.spec), ({ format, type }) => {
    if (format !== undefined && format !== '' && !isKnownFormat(type, format)) formats.add(format);
    return false;
  });
  return [...formats];
}

let whole: Schema | undefined;

/**
 * Kubernetes publishes `items` and `additionalProperties` of schemas without a type, as they may be more than objects; its
 * decoder knows what fields they have when they are. So does this schema.
 */
function crdSchema(): Schema {
  whole ??= withSchemaFields(schemaOf(`${definitions}.CustomResourceDefinition`), new Map());
  return whole;
}

function withSchemaFields(schema: Schema, seen: Map<Schema, Schema>): Schema {
  const known = seen.get(schema);
  if (known !== undefined) return known;
  const copy: Schema = { ...schema };
  seen.set(schema, copy);
  switch (schema.definition) {
    case `${definitions}.JSONSchemaPropsOrBool`:
    case `${definitions}.JSONSchemaPropsOrArray`: {
      const props = withSchemaFields(schemaOf(`${definitions}.JSONSchemaProps`), seen);
      delete copy['x-kubernetes-preserve-unknown-fields'];
      Object.defineProperty(copy, 'properties', { enumerable: true, get: () => props.properties });
      copy.items = props;
      return copy;
    }
    default:
      if (schema.properties !== undefined) {
        copy.properties = Object.fromEntries(
          Object.entries(schema.properties).map(([name, property]) => [name, withSchemaFields(property, seen)]),
        );
        // Forbidden even when empty: it must reach validation as it came.
        const { dependencies } = copy.properties;
        if (dependencies !== undefined) {
          copy.properties.dependencies = { ...dependencies, 'x-kubernetes-preserve-unknown-fields': true };
        }
      }
      if (schema.items !== undefined) copy.items = withSchemaFields(schema.items, seen);
      if (typeof schema.additionalProperties === 'object') {
        copy.additionalProperties = withSchemaFields(schema.additionalProperties, seen);
      }
      return copy;
  }
}
