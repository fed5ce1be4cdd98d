/**
 * A CustomResourceDefinition, compiled into the record that built-in kinds declare: downstream there is one kind of
 * resource. Compiling is cheap and reads no schema; schemas and column paths are prepared when they are first used.
 */
import { allVerbs, type ResourceType, type ResourceVersion, type ScalePaths } from '../apis/resource-type.ts';
import { schemaOf } from '../apis/schemas.ts';
import type { ApiObject } from '../machinery/object.ts';
import type { Schema } from '../machinery/schema.ts';
import { columnsOf } from './columns.ts';
import { strategyOf } from './custom-resource-strategy.ts';
import { readText } from './simple-path.ts';
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionSpec,
  CustomResourceDefinitionVersion,
} from './types.ts';
import { compareVersions } from './version-priority.ts';

const compiled = new WeakMap<CustomResourceDefinitionSpec, ResourceType>();

/**
 * The resource that `crd` defines; the same record for the same `spec`. Versions are converted by changing `apiVersion`
 * alone: for `conversion.strategy: Webhook` the caller adds {@link ResourceType.convert}, which needs the network.
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
    storageVersion: (spec.versions.find((version) => version.storage) ?? spec.versions[0])?.name ?? '',
    verbs: allVerbs,
    strategy: strategyOf(spec.group, compiledVersions),
    subresources: {},
  };
}

function compileVersion(version: CustomResourceDefinitionVersion, spec: CustomResourceDefinitionSpec): ResourceVersion {
  const scale = version.subresources?.scale as ScalePaths | undefined;
  let schema: Schema | undefined;
  return {
    name: version.name,
    served: version.served,
    ...(version.deprecated === undefined ? {} : { deprecated: version.deprecated }),
    ...(version.deprecationWarning === undefined ? {} : { deprecationWarning: version.deprecationWarning }),
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
