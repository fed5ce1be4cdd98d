/**
 * The paths of a resource: which verbs there are, what they take and answer. kubectl finds kinds by them (explain), and
 * learns from their parameters whether the server knows dry run and field validation.
 */
import type { ResourceType, ResourceVersion, Verb } from '../../apis/resource-type.ts';
import type { JsonObject } from '../../machinery/json.ts';
import { patchTypes } from '../patch.ts';
import { connectOperations } from './connections.ts';
import { deleteOptionsName, patchName, rootName, scaleName, statusName } from './definitions.ts';
import { type OpenApiVersion, reference } from './schema-writer.ts';

interface Endpoint {
  readonly path: string;
  readonly verbs: readonly Verb[];
  /** What bodies and answers hold, by definition name; `undefined`: anything. */
  readonly body: string | undefined;
  readonly answer: string | undefined;
  readonly gvk: { group: string; version: string; kind: string };
  readonly suffix: string;
}

export function writePaths(type: ResourceType, version: ResourceVersion, openApi: OpenApiVersion): JsonObject {
  const paths: JsonObject = {};
  for (const endpoint of endpoints(type, version)) {
    const item: JsonObject = {};
    for (const verb of endpoint.verbs) item[methods[verb]] = operation(type, version, endpoint, verb, openApi);
    const parameters = pathParameters(endpoint.path, openApi);
    if (parameters.length > 0) item.parameters = parameters;
    paths[endpoint.path] = item;
  }
  const item = itemPath(type, version);
  for (const [path, operations, parameters] of connectOperations(type, version, tagOf(type), openApi)) {
    const whole = `${item}/${path}`;
    paths[whole] = { ...operations, parameters: [...pathParameters(whole, openApi), ...parameters] };
  }
  return paths;
}

const methods: Record<Verb, string> = {
  get: 'get',
  list: 'get',
  watch: 'get',
  create: 'post',
  update: 'put',
  patch: 'patch',
  delete: 'delete',
  deletecollection: 'delete',
};

const actions: Partial<Record<Verb, string>> = { create: 'post', update: 'put' };

function endpoints(type: ResourceType, version: ResourceVersion): Endpoint[] {
  const { group, names } = type;
  const gvk = { group, version: version.name, kind: names.kind };
  const base = group === '' ? `/api/${version.name}` : `/apis/${group}/${version.name}`;
  const scope = type.scope === 'Namespaced' ? `${base}/namespaces/{namespace}` : base;
  const collection = `${scope}/${names.plural}`;
  const item = `${collection}/{name}`;
  const object = rootName(type, version);
  const list = rootName(type, version, names.listKind);
  const served = (verbs: readonly Verb[]): Verb[] => verbs.filter((verb) => type.verbs.includes(verb));
  const found: Endpoint[] = [
    {
      path: collection,
      verbs: served(['list', 'create', 'deletecollection']),
      body: object,
      answer: list,
      gvk,
      suffix: '',
    },
    { path: item, verbs: served(['get', 'update', 'patch', 'delete']), body: object, answer: object, gvk, suffix: '' },
  ];
  if (type.scope === 'Namespaced') {
    const all = `${base}/${names.plural}`;
    found.push({ path: all, verbs: served(['list']), body: undefined, answer: list, gvk, suffix: 'ForAllNamespaces' });
  }
  const part: readonly Verb[] = ['get', 'update', 'patch'];
  if (version.status) {
    found.push({ path: `${item}/status`, verbs: part, body: object, answer: object, gvk, suffix: 'Status' });
  }
  if (version.scale !== undefined) {
    const scale = { group: 'autoscaling', version: 'v1', kind: 'Scale' };
    found.push({ path: `${item}/scale`, verbs: part, body: scaleName, answer: scaleName, gvk: scale, suffix: 'Scale' });
  }
  const suffixOf = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);
  for (const [name, { verbs }] of Object.entries(type.objectSubresources ?? {})) {
    found.push({ path: `${item}/${name}`, verbs, body: object, answer: object, gvk, suffix: suffixOf(name) });
  }
  for (const [name, subresource] of Object.entries(type.subresources)) {
    found.push({
      path: `${item}/${name}`,
      verbs: subresource.verbs,
      body: subresource.schema?.definition,
      answer: subresource.schema?.definition,
      gvk: { group: subresource.group ?? group, version: subresource.version ?? version.name, kind: subresource.kind },
      suffix: suffixOf(name),
    });
  }
  return found.filter(({ verbs }) => verbs.length > 0);
}

function operation(
  type: ResourceType,
  version: ResourceVersion,
  endpoint: Endpoint,
  verb: Verb,
  openApi: OpenApiVersion,
): JsonObject {
  const { gvk, body, answer, suffix } = endpoint;
  const tag = tagOf(type);
  const scope = endpoint.path.includes('{namespace}') ? 'Namespaced' : '';
  const word = { deletecollection: 'deleteCollection', update: 'replace', get: 'read' }[verb as string] ?? verb;
  const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
  const written: JsonObject = {
    tags: [`${tag}_${version.name}`],
    operationId: `${word}${capital(tag)}${capital(version.name)}${scope}${type.names.kind}${suffix}`,
    description: `${verb} ${verb === 'list' || verb === 'deletecollection' ? 'objects' : 'the object'} of kind ${gvk.kind}`,
    'x-kubernetes-action': actions[verb] ?? verb,
    'x-kubernetes-group-version-kind': { group: gvk.group, version: gvk.version, kind: gvk.kind },
  };
  const parameters = queryParameters(verb, openApi);
  const reply =
    verb === 'create' || verb === 'update' || verb === 'patch'
      ? body
      : verb === 'delete' || verb === 'deletecollection'
        ? statusName
        : answer;
  const codes =
    verb === 'create'
      ? ['200', '201', '202']
      : verb === 'update' || verb === 'patch'
        ? ['200', '201']
        : verb === 'delete'
          ? ['200', '202']
          : ['200'];
  const request =
    verb === 'patch'
      ? patchName
      : verb === 'create' || verb === 'update'
        ? body
        : verb === 'delete' || verb === 'deletecollection'
          ? deleteOptionsName
          : undefined;
  const responses: JsonObject = {};
  if (openApi === 'v2') {
    for (const code of codes) responses[code] = { description: texts[code]!, ...schemaOfV2(reply) };
    if (request !== undefined) {
      parameters.push({
        name: 'body',
        in: 'body',
        ...(verb.startsWith('delete') ? {} : { required: true }),
        ...schemaOfV2(request),
      });
    }
    written.consumes = verb === 'patch' ? patchMediaTypes(version) : ['*/*'];
    written.produces = ['application/json', 'application/yaml'];
    written.schemes = ['https'];
  } else {
    for (const code of codes)
      responses[code] = { description: texts[code]!, ...contentOf(['application/json', 'application/yaml'], reply) };
    if (request !== undefined) {
      written.requestBody = {
        ...(verb.startsWith('delete') ? {} : { required: true }),
        ...contentOf(verb === 'patch' ? patchMediaTypes(version) : ['*/*'], request),
      };
    }
  }
  if (parameters.length > 0) written.parameters = parameters;
  written.responses = { ...responses, '401': { description: 'Unauthorized' } };
  return written;
}

function tagOf({ group }: ResourceType): string {
  if (group === '') return 'core';
  return group.replace(/\.k8s\.io$/, '').replace(/\W(.)/g, (_, c: string) => c.toUpperCase());
}

function itemPath({ group, names, scope }: ResourceType, version: ResourceVersion): string {
  const base = group === '' ? `/api/${version.name}` : `/apis/${group}/${version.name}`;
  return `${scope === 'Namespaced' ? `${base}/namespaces/{namespace}` : base}/${names.plural}/{name}`;
}

const texts: Record<string, string> = { '200': 'OK', '201': 'Created', '202': 'Accepted' };

function patchMediaTypes(version: ResourceVersion): string[] {
  const all = [patchTypes.json, patchTypes.merge];
  return version.typeErrors === 'decoding'
    ? [...all, patchTypes.strategic, patchTypes.apply]
    : [...all, patchTypes.apply];
}

function schemaOfV2(name: string | undefined): JsonObject {
  return name === undefined ? {} : { schema: reference(name, 'v2') };
}

function contentOf(mediaTypes: readonly string[], name: string | undefined): JsonObject {
  if (name === undefined) return {};
  return { content: Object.fromEntries(mediaTypes.map((type) => [type, { schema: reference(name, 'v3') }])) };
}

interface Parameter {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'boolean';
  readonly description: string;
}

const pretty: Parameter = {
  name: 'pretty',
  type: 'string',
  description: "If 'true', then the output is pretty printed.",
};
const dryRun: Parameter = {
  name: 'dryRun',
  type: 'string',
  description:
    'Whether the modifications are to be persisted. The only valid value is All: every stage runs, nothing is stored.',
};
const fieldManager: Parameter = {
  name: 'fieldManager',
  type: 'string',
  description: 'The name of the actor that makes the changes: at most 128 printable characters.',
};
const fieldValidation: Parameter = {
  name: 'fieldValidation',
  type: 'string',
  description: 'What to do with unknown and duplicate fields: Ignore, Warn (the default) or Strict.',
};
const force: Parameter = {
  name: 'force',
  type: 'boolean',
  description: 'Take fields over from other managers. Apply patches only.',
};
const selection: readonly Parameter[] = [
  { name: 'allowWatchBookmarks', type: 'boolean', description: 'Ask for BOOKMARK events in a watch.' },
  { name: 'continue', type: 'string', description: 'Where a paged list goes on: the token of the previous page.' },
  { name: 'fieldSelector', type: 'string', description: 'Restrict the objects by their fields.' },
  { name: 'labelSelector', type: 'string', description: 'Restrict the objects by their labels.' },
  { name: 'limit', type: 'integer', description: 'How many objects a page holds at most.' },
  { name: 'resourceVersion', type: 'string', description: 'How recent the answer must be.' },
  { name: 'resourceVersionMatch', type: 'string', description: 'How resourceVersion is meant: Exact or NotOlderThan.' },
  {
    name: 'sendInitialEvents',
    type: 'boolean',
    description: 'Begin a watch with the present state, ended by a bookmark.',
  },
  { name: 'timeoutSeconds', type: 'integer', description: 'How long a list or watch may last.' },
];
const deletion: readonly Parameter[] = [
  { name: 'gracePeriodSeconds', type: 'integer', description: 'How long the object may go on before it is removed.' },
  {
    name: 'ignoreStoreReadErrorWithClusterBreakingPotential',
    type: 'boolean',
    description: 'Remove an object that cannot be read. Has no effect: unreadable objects are not served.',
  },
  {
    name: 'orphanDependents',
    type: 'boolean',
    description: 'Deprecated, use propagationPolicy: whether dependents get the orphan finalizer.',
  },
  {
    name: 'propagationPolicy',
    type: 'string',
    description: 'What happens to dependents: Orphan, Background or Foreground.',
  },
];

function queryParameters(verb: Verb, openApi: OpenApiVersion): JsonObject[] {
  const write = [pretty, dryRun, fieldManager, fieldValidation];
  const found: Record<Verb, readonly Parameter[]> = {
    get: [pretty],
    list: [
      pretty,
      ...selection,
      { name: 'watch', type: 'boolean', description: 'Watch the objects instead of listing them.' },
    ],
    watch: [pretty, ...selection],
    create: write,
    update: write,
    patch: [...write, force],
    delete: [pretty, dryRun, ...deletion],
    deletecollection: [pretty, dryRun, ...deletion, ...selection],
  };
  return found[verb].map(({ name, type, description }) =>
    openApi === 'v2'
      ? { name, in: 'query', description, type, uniqueItems: true }
      : { name, in: 'query', description, schema: { type, uniqueItems: true } },
  );
}

const pathTexts: Readonly<Record<string, string>> = {
  namespace: 'object name and auth scope, such as for teams and projects',
  path: 'what is asked of the server behind the proxy',
};

function pathParameters(path: string, openApi: OpenApiVersion): JsonObject[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name: name!,
    in: 'path',
    required: true,
    description: pathTexts[name!] ?? 'name of the object',
    ...(openApi === 'v2' ? { type: 'string', uniqueItems: true } : { schema: { type: 'string', uniqueItems: true } }),
  }));
}
