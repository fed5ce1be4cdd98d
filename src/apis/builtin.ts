/**
 * How a built-in kind is declared: what the kinds have in common is said once, the rest stands in a file a kind.
 */
import type { FieldError } from '../machinery/field.ts';
import type { JsonObject } from '../machinery/json.ts';
import type { ApiObject } from '../machinery/object.ts';
import { withGoValues } from './go-values.ts';
import { normalize } from './normal-form.ts';
import {
  allVerbs,
  type Column,
  type ConnectSubresource,
  type NamedSubresource,
  type ObjectSubresource,
  type RequestContext,
  type ResourceAccess,
  type ResourceType,
  type ResourceVersion,
  type ScalePaths,
  type SelectableField,
  type Strategy,
  type Verb,
} from './resource-type.ts';
import { schemaOf } from './schemas.ts';

/** Packages of OpenAPI definitions whose name is not `io.k8s.api.<first label of the group>`. */
const packages: Readonly<Record<string, string>> = {
  '': 'io.k8s.api.core',
  'apiregistration.k8s.io': 'io.k8s.kube-aggregator.pkg.apis.apiregistration',
  'metrics.k8s.io': 'io.k8s.metrics.pkg.apis.metrics',
};

/** {@link Strategy} with the static type of the kind. */
export interface KindStrategy<T extends ApiObject>
  extends Partial<
    Pick<
      Strategy,
      | 'generation'
      | 'allowCreateOnUpdate'
      | 'allowUnconditionalUpdate'
      | 'validateName'
      | 'defaultPropagation'
      | 'returnsDeletedObject'
      | 'resetFields'
    >
  > {
  default?(draft: T): void;
  prepareForCreate?(draft: T, context: RequestContext): void;
  prepareForUpdate?(draft: T, old: T, context: RequestContext): void;
  prepareForStatusUpdate?(draft: T, old: T, context: RequestContext): void;
  prepareForDelete?(draft: T): void;
  validate?(object: T, context: RequestContext): ReturnType<NonNullable<Strategy['validate']>>;
  validateUpdate?(object: T, old: T, context: RequestContext): ReturnType<NonNullable<Strategy['validate']>>;
  validateStatusUpdate?(object: T, old: T, context: RequestContext): ReturnType<NonNullable<Strategy['validate']>>;
  warnings?(object: T, old: T | undefined, context: RequestContext): string[];
  gracePeriodSeconds?(object: T, requested: number | undefined): number;
  pendingFinalizers?(object: T): boolean;
  ttlSeconds?(object: T): number | undefined;
  authorize?(
    draft: T,
    old: T | undefined,
    access: ResourceAccess,
    context: RequestContext,
  ): ReturnType<NonNullable<Strategy['authorize']>>;
  allocate?: Strategy['allocate'];
  afterWrite?: Strategy['afterWrite'];
}

/** {@link ObjectSubresource} with the static type of the kind. */
export interface KindSubresource<T extends ApiObject> extends Pick<ObjectSubresource, 'verbs' | 'resetFields'> {
  prepareForUpdate(draft: T, old: T, context: RequestContext): void;
  validateUpdate?(object: T, old: T, context: RequestContext): ReturnType<NonNullable<Strategy['validate']>>;
}

export interface KindVersion {
  /** Default: `v1`. */
  readonly name?: string;
  readonly served?: boolean;
  readonly deprecated?: boolean;
  readonly deprecationWarning?: string;
  /** Whether `status` is a subresource. */
  readonly status?: boolean;
  readonly scale?: ScalePaths;
  readonly columns: readonly Column[];
  readonly selectableFields?: readonly SelectableField[];
}

export interface KindDeclaration<T extends ApiObject> extends KindVersion {
  /** Empty for the core group. */
  readonly group: string;
  readonly kind: string;
  readonly plural: string;
  /** Default: the kind in lower case. */
  readonly singular?: string;
  /** Default: the kind with `List` behind it. */
  readonly listKind?: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly scope?: 'Namespaced' | 'Cluster';
  readonly verbs?: readonly Verb[];
  readonly strategy?: KindStrategy<T>;
  readonly subresources?: Readonly<Record<string, NamedSubresource>>;
  readonly connections?: Readonly<Record<string, ConnectSubresource>>;
  readonly objectSubresources?: Readonly<Record<string, KindSubresource<T>>>;
  /** Further versions, in order of preference; the declaration itself is the first and the stored one. */
  readonly versions?: readonly (KindVersion & { readonly name: string })[];
  readonly storedAs?: ResourceType['storedAs'];
  readonly convert?: ResourceType['convert'];
  readonly virtual?: ResourceType['virtual'];
}

/** Makes the {@link ResourceType} of a built-in kind. Reads no schema: each is built when it is first used. */
export function builtinType<T extends ApiObject>(declaration: KindDeclaration<T>): ResourceType {
  const { group, kind, strategy = {} } = declaration;
  const versions = [declaration, ...(declaration.versions ?? [])].map((version) =>
    resourceVersion(group, kind, version),
  );
  const { default: setDefaults, ...hooks } = strategy;
  const versionOf = ({ apiVersion }: ApiObject): ResourceVersion =>
    (versions.length === 1 ? undefined : versions.find(({ name }) => apiVersion.endsWith(name))) ?? versions[0]!;
  return {
    group,
    names: {
      plural: declaration.plural,
      singular: declaration.singular ?? kind.toLowerCase(),
      kind,
      listKind: declaration.listKind ?? `${kind}List`,
      shortNames: declaration.shortNames ?? [],
      categories: declaration.categories ?? [],
    },
    scope: declaration.scope ?? 'Namespaced',
    versions,
    storageVersion: versions[0]!.name,
    verbs: declaration.verbs ?? allVerbs,
    strategy: {
      generation: false,
      allowCreateOnUpdate: false,
      allowUnconditionalUpdate: true,
      // Metadata may change along with the status of most of Kubernetes' own kinds.
      ...(versions[0]!.status && !strategy.resetFields?.status.includes('metadata')
        ? { prepareForStatusUpdate: () => undefined }
        : {}),
      ...(hooks as Partial<Strategy>),
      ...validationInGo(hooks as Partial<Strategy>, versionOf),
      default(draft) {
        normalize(draft as JsonObject, versionOf(draft).schema);
        setDefaults?.(draft as T);
      },
    },
    subresources: declaration.subresources ?? {},
    ...(declaration.connections === undefined ? {} : { connections: declaration.connections }),
    ...(declaration.objectSubresources === undefined
      ? {}
      : { objectSubresources: declaration.objectSubresources as unknown as Record<string, ObjectSubresource> }),
    ...(declaration.storedAs === undefined ? {} : { storedAs: declaration.storedAs }),
    ...(declaration.convert === undefined ? {} : { convert: declaration.convert }),
    ...(declaration.virtual === undefined ? {} : { virtual: declaration.virtual }),
  };
}

/** The hooks that validate, their values printed as Go prints them. */
function validationInGo(
  { validate, validateUpdate, validateStatusUpdate }: Partial<Strategy>,
  versionOf: (object: ApiObject) => ResourceVersion,
): Partial<Strategy> {
  const inGo = (errors: FieldError[], object: ApiObject): FieldError[] =>
    errors.length === 0 ? errors : withGoValues(errors, versionOf(object).schema);
  return {
    ...(validate && { validate: (object, context) => inGo(validate(object, context), object) }),
    ...(validateUpdate && {
      validateUpdate: (object, old, context) => inGo(validateUpdate(object, old, context), object),
    }),
    ...(validateStatusUpdate && {
      validateStatusUpdate: (object, old, context) => inGo(validateStatusUpdate(object, old, context), object),
    }),
  };
}

function resourceVersion(group: string, kind: string, version: KindVersion): ResourceVersion {
  const name = version.name ?? 'v1';
  const definition = `${packages[group] ?? `io.k8s.api.${group.split('.', 1)[0]}`}.${name}.${kind}`;
  return {
    name,
    served: version.served ?? true,
    ...(version.deprecated === undefined ? {} : { deprecated: version.deprecated }),
    ...(version.deprecationWarning === undefined ? {} : { deprecationWarning: version.deprecationWarning }),
    get schema() {
      return schemaOf(definition);
    },
    typeErrors: 'decoding',
    status: version.status ?? false,
    ...(version.scale === undefined ? {} : { scale: version.scale }),
    columns: version.columns,
    selectableFields: version.selectableFields ?? [],
  };
}
