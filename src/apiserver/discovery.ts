/**
 * Discovery: which groups, versions and resources there are, in the aggregated form (KEP-3352, with ETag) and the legacy
 * one. Source: API concepts, "API Discovery"; `apidiscovery.k8s.io/v2`.
 */
import { createHash } from 'node:crypto';
import type { ResourceType, ResourceVersion } from '../apis/resource-type.ts';
import { compareVersions } from '../crd/version-priority.ts';
import type { JsonObject } from '../machinery/json.ts';
import { groupVersion } from '../machinery/object.ts';
import { notAcceptable } from '../machinery/status.ts';
import type { PathHandler, PathRequest, PathResponse } from './paths.ts';
import type { ResourceRegistry } from './registry.ts';
import { scaleGroupVersion } from './scale.ts';

interface Document {
  readonly body: string;
  readonly etag: string;
}

/** Documents are rebuilt when they are asked for after the set of resources has changed, and kept until then. */
export function discoveryPaths(registry: ResourceRegistry): PathHandler {
  let generation = -1;
  let documents = new Map<string, Document>();

  const document = (key: string, build: () => JsonObject): Document => {
    if (generation !== registry.generation) {
      generation = registry.generation;
      documents = new Map();
    }
    let found = documents.get(key);
    if (found === undefined) {
      const body = `${JSON.stringify(build())}\n`;
      found = { body, etag: `"${createHash('sha512').update(body).digest('hex').toUpperCase()}"` };
      documents.set(key, found);
    }
    return found;
  };

  return (request) => {
    const path = request.path.replace(/\/+$/, '');
    if (path === '/api' || path === '/apis') {
      const aggregated = aggregatedVersion(request.accept);
      if (aggregated !== undefined) {
        const groups = path === '/api' ? [''] : namedGroups(registry);
        const built = document(`${path} ${aggregated}`, () => aggregatedList(registry, groups, aggregated));
        return aggregatedResponse(built, aggregated, request);
      }
      requireJson(request);
      return json(document(path, () => (path === '/api' ? coreVersions() : groupList(registry))));
    }
    const match = /^\/(?:api|apis\/([^/]+))(?:\/([^/]+))?$/.exec(path);
    if (match === null) return undefined;
    const [, group = '', version] = match;
    if (version === undefined) {
      if (group === '' || groupVersions(registry, group).length === 0) return undefined;
      requireJson(request);
      return json(document(path, () => ({ kind: 'APIGroup', apiVersion: 'v1', ...groupObject(registry, group) })));
    }
    if (!registry.hasGroupVersion(group, version)) return undefined;
    requireJson(request);
    return json(document(path, () => resourceList(registry, group, version)));
  };
}

function requireJson({ accept }: PathRequest): void {
  if (accept === undefined || accept === '' || /\*\/\*|application\/(json|\*|yaml)/.test(accept)) return;
  throw notAcceptable(['application/json', 'application/yaml']);
}

function json({ body }: Document): PathResponse {
  return { code: 200, contentType: 'application/json', body };
}

/** The version of the aggregated form that the client asks for first; undefined: it wants the legacy form. */
function aggregatedVersion(accept: string | undefined): string | undefined {
  for (const clause of (accept ?? '').split(',')) {
    const found = /^\s*application\/json\s*;(.*)$/i.exec(clause);
    if (found === null) {
      if (/^\s*(application\/json|\*\/\*)\s*(;q=.*)?$/.test(clause)) return undefined;
      continue;
    }
    const parameters = new Map(found[1]!.split(';').map((part) => part.trim().split('=', 2) as [string, string]));
    const version = parameters.get('v') ?? '';
    if (
      parameters.get('g') === 'apidiscovery.k8s.io' &&
      parameters.get('as') === 'APIGroupDiscoveryList' &&
      (version === 'v2' || version === 'v2beta1')
    ) {
      return version;
    }
    if (!parameters.has('as')) return undefined;
  }
  return undefined;
}

function aggregatedResponse({ body, etag }: Document, version: string, request: PathRequest): PathResponse {
  const contentType = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
  const headers = { ETag: etag, Vary: 'Accept' };
  const known = (request.ifNoneMatch ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  if (known.includes(etag)) return { code: 304, contentType, body: '', headers };
  return { code: 200, contentType, body, headers };
}

// ------------------------------------------------------------------------------------------------------- the set

type Groups = ReadonlyMap<string, readonly ResourceType[]>;

const groupsOf = new WeakMap<ResourceRegistry, { readonly generation: number; readonly groups: Groups }>();

/** The types of each group, by plural; sorted out once for each change of the set. */
function grouped(registry: ResourceRegistry): Groups {
  const known = groupsOf.get(registry);
  if (known?.generation === registry.generation) return known.groups;
  const groups = new Map<string, ResourceType[]>();
  for (const { type } of registry.all()) {
    const types = groups.get(type.group);
    if (types === undefined) groups.set(type.group, [type]);
    else types.push(type);
  }
  for (const types of groups.values()) types.sort((a, b) => (a.names.plural < b.names.plural ? -1 : 1));
  groupsOf.set(registry, { generation: registry.generation, groups });
  return groups;
}

function namedGroups(registry: ResourceRegistry): string[] {
  return [...grouped(registry).keys()].filter((group) => group !== '');
}

function typesOf(registry: ResourceRegistry, group: string): readonly ResourceType[] {
  return grouped(registry).get(group) ?? [];
}

/** The served versions of a group, the preferred one first. */
export function groupVersions(registry: ResourceRegistry, group: string): string[] {
  const versions = new Set<string>();
  for (const type of typesOf(registry, group)) {
    for (const { name, served } of type.versions) if (served) versions.add(name);
  }
  return [...versions].sort(compareVersions);
}

// -------------------------------------------------------------------------------------------------------- legacy

function coreVersions(): JsonObject {
  return {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [],
  };
}

function groupList(registry: ResourceRegistry): JsonObject {
  return {
    kind: 'APIGroupList',
    apiVersion: 'v1',
    groups: namedGroups(registry).map((group) => groupObject(registry, group)),
  };
}

function groupObject(registry: ResourceRegistry, group: string): JsonObject {
  const versions = groupVersions(registry, group).map((version) => ({
    groupVersion: groupVersion(group, version),
    version,
  }));
  return { name: group, versions, preferredVersion: versions[0]! };
}

function resourceList(registry: ResourceRegistry, group: string, version: string): JsonObject {
  const resources: JsonObject[] = [];
  for (const type of typesOf(registry, group)) {
    const served = type.versions.find(({ name, served }) => served && name === version);
    if (served !== undefined) resources.push(...legacyResources(type, served));
  }
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: groupVersion(group, version), resources };
}

function legacyResources(type: ResourceType, version: ResourceVersion): JsonObject[] {
  const { names } = type;
  const namespaced = type.scope === 'Namespaced';
  const main: JsonObject = {
    name: names.plural,
    singularName: names.singular,
    namespaced,
    kind: names.kind,
    verbs: verbsOf(type),
    ...(names.shortNames.length === 0 ? {} : { shortNames: [...names.shortNames] }),
    ...(names.categories.length === 0 ? {} : { categories: [...names.categories] }),
    ...(type.virtual === undefined ? { storageVersionHash: storageVersionHash(type) } : {}),
  };
  const subresources = subresourcesOf(type, version).map(({ name, group, version: v, kind, verbs }) => ({
    name: `${names.plural}/${name}`,
    singularName: '',
    namespaced,
    ...(group === type.group && v === version.name ? {} : { group, version: v }),
    kind,
    verbs: [...verbs],
  }));
  return [main, ...subresources];
}

/** What clients may still want of a resource whose definition is being deleted. Others are answered, but not advertised. */
const terminatingVerbs = ['delete', 'deletecollection', 'get', 'list', 'watch'];

/** In the order in which kube-apiserver tells those of custom resources; those of its own kinds it sorts. */
const customResourceVerbs = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];

function verbsOf({ verbs, terminating, versions }: ResourceType): string[] {
  if (terminating === true) return [...terminatingVerbs];
  return isCustom(versions[0]!) ? [...customResourceVerbs] : [...verbs].sort();
}

function isCustom(version: ResourceVersion): boolean {
  return version.typeErrors !== 'decoding';
}

interface SubresourceInfo {
  readonly name: string;
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly verbs: readonly string[];
}

function subresourcesOf(type: ResourceType, version: ResourceVersion): SubresourceInfo[] {
  const own = { group: type.group, version: version.name };
  const found: SubresourceInfo[] = Object.entries(type.subresources).map(([name, subresource]) => ({
    name,
    group: subresource.group ?? own.group,
    version: subresource.version ?? own.version,
    kind: subresource.kind,
    verbs: [...subresource.verbs].sort(),
  }));
  for (const [name, part] of Object.entries(type.objectSubresources ?? {})) {
    found.push({ name, ...own, kind: type.names.kind, verbs: [...part.verbs].sort() });
  }
  for (const [name, { kind, verbs }] of Object.entries(type.connections ?? {})) {
    found.push({ name, ...own, kind, verbs: [...verbs].sort() });
  }
  const verbs = ['get', 'patch', 'update'];
  if (version.status) found.push({ name: 'status', ...own, kind: type.names.kind, verbs });
  if (version.scale !== undefined) {
    const [group, v] = scaleGroupVersion.split('/') as [string, string];
    found.push({ name: 'scale', group, version: v, kind: 'Scale', verbs });
  }
  // Custom resources tell of their status before their scale.
  return isCustom(version) ? found : found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** As in Kubernetes: the first eight bytes of SHA-256 over group, version and kind of what is stored. */
function storageVersionHash(type: ResourceType): string {
  const text = `${type.storedAs?.group ?? type.group}/${type.storageVersion}/${type.names.kind}`;
  return createHash('sha256').update(text).digest().subarray(0, 8).toString('base64');
}

// ---------------------------------------------------------------------------------------------------- aggregated

function aggregatedList(registry: ResourceRegistry, groups: readonly string[], version: string): JsonObject {
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map((group) => ({
      metadata: { ...(group === '' ? {} : { name: group }), creationTimestamp: null },
      versions: groupVersions(registry, group).map((name) => ({
        version: name,
        resources: aggregatedResources(registry, group, name),
        freshness: 'Current',
      })),
    })),
  };
}

function aggregatedResources(registry: ResourceRegistry, group: string, version: string): JsonObject[] {
  const resources: JsonObject[] = [];
  for (const type of typesOf(registry, group)) {
    const served = type.versions.find(({ name, served }) => served && name === version);
    if (served === undefined) continue;
    const { names } = type;
    const subresources = subresourcesOf(type, served).map((subresource) => ({
      subresource: subresource.name,
      responseKind: { group: subresource.group, version: subresource.version, kind: subresource.kind },
      verbs: [...subresource.verbs],
    }));
    resources.push({
      resource: names.plural,
      responseKind: { group, version, kind: names.kind },
      scope: type.scope,
      singularResource: names.singular,
      verbs: verbsOf(type),
      ...(names.shortNames.length === 0 ? {} : { shortNames: [...names.shortNames] }),
      ...(names.categories.length === 0 ? {} : { categories: [...names.categories] }),
      ...(subresources.length === 0 ? {} : { subresources }),
    });
  }
  return resources;
}
