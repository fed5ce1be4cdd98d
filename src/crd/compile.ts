/**
 * A CustomResourceDefinition, compiled into the record that built-in kinds declare: downstream there is one kind of
 * resource. Compiling is cheap and reads no schema; schemas and column paths are prepared when they are first used.
 */
import { allVerbs, type ResourceType, type ResourceVersion, type ScalePaths } from '../apis/resource-type.ts';
import { schemaOf } from '../apis/schemas.ts';
import { cloneJson, deepEqual, type JsonObject } from '../machinery/json.ts';
import { type ApiObject, groupVersion } from '../machinery/object.ts';
import { coerceObjectMeta } from '../machinery/object-meta-coercion.ts';
import type { Schema } from '../machinery/schema.ts';
import { compileSchema } from '../schema/compile.ts';
import { columnsOf } from './columns.ts';
import { type CallWebhook, convertByWebhook } from './conversion-review.ts';
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
 * The resource that `crd` defines; the same record for the same `spec`. `call` reaches the webhook of a definition whose
 * versions are converted by one; without it they are converted as the strategy `None` does it.
 */
export function compileCrd(crd: CustomResourceDefinition, call?: CallWebhook): ResourceType {
  if (call !== undefined) return compile(crd.spec, call);
  let type = compiled.get(crd.spec);
  if (type === undefined) {
    type = compile(crd.spec);
    compiled.set(crd.spec, type);
  }
  return type;
}

function compile(spec: CustomResourceDefinitionSpec, call?: CallWebhook): ResourceType {
  const { kind, plural, singular, listKind, shortNames, categories } = spec.names;
  const compiledVersions = [...spec.versions]
    .sort((a, b) => compareVersions(a.name, b.name))
    .map((written) => ({
      version: compileVersion(written, spec),
      schema: written.schema?.openAPIV3Schema as Schema | undefined,
    }));
  const storageVersion = (spec.versions.find((version) => version.storage) ?? spec.versions[0])?.name ?? '';
  const convert = conversionOf(spec, compiledVersions, storageVersion, call);
  const byApiVersion = new Map(
    compiledVersions.map(({ version }) => [groupVersion(spec.group, version.name), version] as const),
  );
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
    fromStorage(draft) {
      const version = byApiVersion.get(draft.apiVersion);
      if (version !== undefined) conform(draft, version);
    },
  };
}

/** What every read of a stored object does to it: its metadata coerced, unknown fields gone, defaults filled in. */
function conform(draft: ApiObject, { schema }: ResourceVersion): void {
  const object = draft as unknown as JsonObject;
  coerceObjectMeta(object);
  const compiledSchema = compileSchema(schema);
  compiledSchema.prune(object);
  compiledSchema.applyDefaults(object);
}

/**
 * Between versions: a webhook where the definition names one, else `apiVersion` changes. What comes out knows only the
 * fields of its version; what is stored has the defaults of the version that it is stored in, too. Absent when nothing but
 * `apiVersion` differs.
 */
function conversionOf(
  { group, conversion }: CustomResourceDefinitionSpec,
  versions: readonly RuledVersion[],
  storageVersion: string,
  call: CallWebhook | undefined,
): ResourceType['convert'] | undefined {
  const webhook = conversion?.strategy === 'Webhook' && call !== undefined ? conversion.webhook : undefined;
  const [first] = versions;
  if (versions.length <= 1) return undefined;
  if (webhook === undefined && versions.every(({ schema }) => deepEqual(schema, first?.schema))) return undefined;
  return async (objects, name) => {
    const target = versions.find(({ version }) => version.name === name)?.version;
    const apiVersion = groupVersion(group, name);
    const converted =
      webhook === undefined || call === undefined
        ? objects.map((object) => (object.apiVersion === apiVersion ? object : { ...cloneJson(object), apiVersion }))
        : await convertByWebhook(objects, apiVersion, webhook.conversionReviewVersions ?? [], call);
    return converted.map((object, i) => {
      if (object === objects[i] || target === undefined) return object;
      if (name === storageVersion) conform(object, target);
      else compileSchema(target.schema).prune(object as unknown as JsonObject);
      return object;
    });
  };
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
