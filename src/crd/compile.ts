/**
 * A CustomResourceDefinition, compiled into the record that built-in kinds declare: downstream there is one kind of
 * resource. Compiling is cheap and reads no schema; schemas and column paths are prepared when they are first used.
 */
import { allVerbs, type ResourceType, type ResourceVersion, type ScalePaths } from '../apis/resource-type.ts';
import { schemaOf } from '../apis/schemas.ts';
import { cloneJson, deepEqual, type JsonObject } from '../machinery/json.ts';
import { type ApiObject, groupVersion } from '../machinery/object.ts';
import type { Schema } from '../machinery/schema.ts';
import { compileSchema } from '../schema/compile.ts';
import { columnsOf } from './columns.ts';
import { type RuledVersion, strategyOf } from './custom-resource-strategy.ts';
import { readText } from './simple-path.ts';
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionSpec,
  CustomResourceDefinitionVersion,
} from './types.ts';
import { compareVersions } from './version-priority.ts';

const compiled = new WeakMap<CustomResourceDefinitionSpec, ResourceType>();

/**
 * The resource that `crd` defines; the same record for the same `spec`. Its versions are converted as the strategy `None`
 * does it: for `Webhook` the caller puts another {@link ResourceType.convert} in place, which needs the network.
 */
export function compileCrd(crd: CustomResourceDefinition): ResourceType {
  let type = compiled.get(crd.spec);
  if (type === undefined) {
    type = compile(crd.spec);
    compiled.set(crd.spec, type);
  }
  return type;
}

function compile(spec: CustomResourceDefinitionSpec): ResourceType {
  const { kind, plural, singular, listKind, shortNames, categories } = spec.names;
  const compiledVersions = [...spec.versions]
    .sort((a, b) => compareVersions(a.name, b.name))
    .map((written) => ({
      version: compileVersion(written, spec),
      schema: written.schema?.openAPIV3Schema as Schema | undefined,
    }));
  const storageVersion = (spec.versions.find((version) => version.storage) ?? spec.versions[0])?.name ?? '';
  const convert = conversionOf(spec.group, compiledVersions, storageVersion);
  return {
    group: spec.group,
    names: {
      plural,
      kind,
      singular: singular ?? kind.toLowerCase(),
      listKind: listKind ?? `${kind}List`,
      shortNames: shortNames ?? [],
      categories: categories ?? [],
    },
    scope: spec.scope,
    versions: compiledVersions.map(({ version }) => version),
    storageVersion,
    verbs: allVerbs,
    strategy: strategyOf(spec.group, compiledVersions),
    subresources: {},
    ...(convert === undefined ? {} : { convert }),
  };
}

/**
 * What Kubernetes does between versions without a webhook: `apiVersion` changes, and what is stored knows only the fields
 * and the defaults of the version that it is stored in. Absent when all versions have one schema.
 */
function conversionOf(
  group: string,
  versions: readonly RuledVersion[],
  storageVersion: string,
): ResourceType['convert'] | undefined {
  const stored = versions.find(({ version }) => version.name === storageVersion);
  if (stored === undefined || versions.every(({ schema }) => deepEqual(schema, stored.schema))) return undefined;
  return async (objects, version) =>
    objects.map((object) => {
      const apiVersion = groupVersion(group, version);
      if (version !== storageVersion || object.apiVersion === apiVersion) return { ...object, apiVersion };
      const draft = { ...cloneJson(object), apiVersion };
      const schema = compileSchema(stored.version.schema);
      schema.prune(draft as unknown as JsonObject);
      schema.applyDefaults(draft as unknown as JsonObject);
      return draft;
    });
}

function compileVersion(version: CustomResourceDefinitionVersion, spec: CustomResourceDefinitionSpec): ResourceVersion {
  const scale = version.subresources?.scale as ScalePaths | undefined;
  let schema: Schema | undefined;
  return {
    name: version.name,
    served: version.served,
    ...(version.deprecated === undefined ? {} : { deprecated: version.deprecated }),
    ...(version.deprecated === true ? { deprecationWarning: deprecationWarning(version, spec) } : {}),
    get schema() {
      schema ??= objectSchema(
        version.schema?.openAPIV3Schema as Schema | undefined,
        spec.preserveUnknownFields === true,
      );
      return schema;
    },
    typeErrors: 'validation',
    status: version.subresources?.status !== undefined,
    ...(scale === undefined ? {} : { scale }),
    columns: columnsOf(version.additionalPrinterColumns),
    selectableFields: (version.selectableFields ?? []).map(({ jsonPath }) => ({
      name: jsonPath.replace(/^\./, ''),
      value: (object: ApiObject) => readText(object, jsonPath),
    })),
  };
}

/** What the definition says, or Kubernetes' own sentence with the best version to move to. */
function deprecationWarning(version: CustomResourceDefinitionVersion, spec: CustomResourceDefinitionSpec): string {
  if (version.deprecationWarning !== undefined) return version.deprecationWarning;
  const { group, names } = spec;
  const [best] = spec.versions
    .filter(({ name, served, deprecated }) => served && deprecated !== true && compareVersions(name, version.name) < 0)
    .map(({ name }) => name)
    .sort(compareVersions);
  const advice = best === undefined ? '' : `; use ${group}/${best} ${names.kind}`;
  return `${group}/${version.name} ${names.kind} is deprecated${advice}`;
}

/** The schema of whole objects: with `apiVersion`, `kind` and all of `metadata`. */
function objectSchema(schema: Schema | undefined, preserveUnknownFields: boolean): Schema {
  const objectMeta = schemaOf('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta');
  const { apiVersion, kind, metadata, ...properties } = schema?.properties ?? {};
  return {
    type: 'object',
    ...schema,
    ...(preserveUnknownFields || schema === undefined ? { 'x-kubernetes-preserve-unknown-fields': true } : {}),
    properties: {
      apiVersion: { type: 'string', ...apiVersion },
      kind: { type: 'string', ...kind },
      metadata: { ...objectMeta, ...metadata, properties: { ...objectMeta.properties, ...metadata?.properties } },
      ...properties,
    },
  };
}
