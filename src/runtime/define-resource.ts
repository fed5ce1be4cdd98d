/**
 * Custom resources, declared once: the CustomResourceDefinition for the server, the definition for the client and the
 * static type for the compiler all come from the same TypeBox schemas.
 */
import { type Static, type TObject, type TSchema, Type } from 'typebox';
import type { ScalePaths } from '../apis/resource-type.ts';
import type { ResourceDefinition } from '../client/definition.ts';
import type { CustomResourceDefinition } from '../client/kinds.ts';
import type { ObjectMeta } from '../machinery/object.ts';
import type { Schema, ValidationRule } from '../machinery/schema.ts';
import { structuralSchema } from './structural.ts';

export { type Static, Type };

/** `metav1.Condition`. */
const conditionSchema = Type.Object({
  type: Type.String({ maxLength: 316 }),
  status: Type.Union([Type.Literal('True'), Type.Literal('False'), Type.Literal('Unknown')]),
  observedGeneration: Type.Optional(Type.Integer({ format: 'int64', minimum: 0 })),
  lastTransitionTime: Type.String({ format: 'date-time' }),
  reason: Type.String({ minLength: 1, maxLength: 1024, pattern: '^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$' }),
  message: Type.String({ maxLength: 32768 }),
});

/** `status.conditions`, one of each type: every custom resource with a status has it. */
export const conditionsSchema = Type.Array(conditionSchema, {
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['type'],
});

export type Condition = Static<typeof conditionSchema>;

/** The objects of a custom resource. Status is written piece by piece: each of its fields may be missing. */
export interface CustomObject<Spec, Status> {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  spec: Spec;
  status?: Partial<Status> & { conditions?: Condition[] };
}

/** `additionalPrinterColumns`. `jsonPath` is such as `.status.ready`. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  readonly jsonPath: string;
  readonly description?: string;
  readonly format?: string;
  /** 0 is always shown, anything higher only in wide output. */
  readonly priority?: number;
}

/** How old the object is: what kubectl shows by itself when there are no columns. */
export const ageColumn: PrinterColumn = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };

export interface ResourceDeclaration<S extends TSchema, St extends TObject> {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Lower case. Default: the English plural of the kind. */
  readonly plural?: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  /** Default `Namespaced`. */
  readonly scope?: 'Namespaced' | 'Cluster';
  readonly description?: string;
  readonly spec: S;
  /** Makes `status` a subresource. `conditions` and `observedGeneration` are added. */
  readonly status?: St;
  /** CEL rules about the whole object: `rule('self.spec.size <= 5', 'at most five')`. */
  readonly rules?: readonly ValidationRule[];
  readonly columns?: readonly PrinterColumn[];
  readonly scale?: ScalePaths;
  /** Fields that field selectors may name, such as `.spec.color`. */
  readonly selectableFields?: readonly string[];
}

export interface CustomResource<T extends CustomObject<unknown, unknown>> extends ResourceDefinition<T> {
  readonly shortNames: readonly string[];
  /** The `openAPIV3Schema`. */
  readonly schema: Schema;
  /**
   * The CustomResourceDefinition: this version is served and stored, the `others` (of the same kind) are served beside it.
   */
  crd(...others: readonly CustomResource<CustomObject<unknown, unknown>>[]): CustomResourceDefinition;
  /** One entry of the CustomResourceDefinition's `spec.versions`. */
  crdVersion(storage: boolean): CustomResourceDefinition['spec']['versions'][number];
}

/** A CEL validation rule; `self` is the value the rule stands on. Source: KEP-2876. */
export function rule(
  expression: string,
  message?: string,
  options: Omit<ValidationRule, 'rule' | 'message'> = {},
): ValidationRule {
  return { rule: expression, ...(message === undefined ? {} : { message }), ...options };
}

/**
 * @throws TypeError when a schema says what a CustomResourceDefinition cannot.
 */
export function defineResource<S extends TSchema, St extends TObject = TObject<Record<never, never>>>(
  declaration: ResourceDeclaration<S, St>,
): CustomResource<CustomObject<Static<S>, Static<St>>> {
  const { group, version, kind, shortNames = [], categories = [], scope = 'Namespaced' } = declaration;
  if (group === '') throw new TypeError(`${kind}: a custom resource needs a group`);
  const plural = declaration.plural ?? pluralOf(kind.toLowerCase());
  const schema = objectSchema(declaration);

  const definition: CustomResource<CustomObject<Static<S>, Static<St>>> = {
    group,
    version,
    kind,
    plural,
    namespaced: scope === 'Namespaced',
    shortNames,
    schema,
    crdVersion: (storage) => versionOf(declaration, schema, storage),
    crd(...others) {
      const stranger = others.find((other) => other.group !== group || other.kind !== kind || other.plural !== plural);
      if (stranger !== undefined) {
        throw new TypeError(
          `${stranger.plural}.${stranger.group} (${stranger.kind}) is no version of ${plural}.${group} (${kind})`,
        );
      }
      return {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name: `${plural}.${group}` },
        spec: {
          group,
          scope,
          names: {
            plural,
            singular: kind.toLowerCase(),
            kind,
            listKind: `${kind}List`,
            ...(shortNames.length === 0 ? {} : { shortNames: [...shortNames] }),
            ...(categories.length === 0 ? {} : { categories: [...categories] }),
          },
          versions: [definition.crdVersion(true), ...others.map((other) => other.crdVersion(false))],
        },
      };
    },
  };
  return Object.freeze(definition);
}

function versionOf(
  { version, status, scale, columns = [], selectableFields = [] }: ResourceDeclaration<TSchema, TObject>,
  schema: Schema,
  storage: boolean,
): CustomResourceDefinition['spec']['versions'][number] {
  return {
    name: version,
    served: true,
    storage,
    schema: { openAPIV3Schema: schema as never },
    ...(status === undefined && scale === undefined
      ? {}
      : {
          subresources: {
            ...(status === undefined ? {} : { status: {} }),
            ...(scale === undefined ? {} : { scale: { ...scale } }),
          },
        }),
    ...(columns.length === 0 ? {} : { additionalPrinterColumns: columns.map((column) => ({ ...column })) }),
    ...(selectableFields.length === 0 ? {} : { selectableFields: selectableFields.map((jsonPath) => ({ jsonPath })) }),
  };
}

function objectSchema({ kind, description, spec, status, rules = [] }: ResourceDeclaration<TSchema, TObject>): Schema {
  const specSchema = structuralSchema(spec, 'spec');
  const needsSpec = specSchema.required !== undefined || specSchema.type !== 'object';
  // With nothing required, an object without spec gets one, so that the defaults in it come to be.
  if (!needsSpec && specSchema.default === undefined) specSchema.default = {};
  return {
    type: 'object',
    description: description ?? `${kind} is a custom resource.`,
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
      spec: specSchema,
      ...(status === undefined ? {} : { status: statusSchema(status) }),
    },
    ...(needsSpec ? { required: ['spec'] } : {}),
    ...(rules.length === 0 ? {} : { 'x-kubernetes-validations': [...rules] }),
  };
}

function statusSchema(status: TObject): Schema {
  const { required: _, ...schema } = structuralSchema(status, 'status');
  return {
    ...schema,
    properties: {
      observedGeneration: { type: 'integer', format: 'int64' },
      conditions: structuralSchema(conditionsSchema, 'status.conditions'),
      ...schema.properties,
    },
  };
}

function pluralOf(singular: string): string {
  if (/(s|x|z|ch|sh)$/.test(singular)) return `${singular}es`;
  if (/[^aeiou]y$/.test(singular)) return `${singular.slice(0, -1)}ies`;
  return `${singular}s`;
}
