/** Requests that nobody would send, and what every answer to them must be. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parse } from 'yaml';
import { type Answer, type Api, widgets } from './api.ts';

const segments = [
  'api',
  'apis',
  'v1',
  'apps',
  'example.com',
  'namespaces',
  'default',
  'configmaps',
  'widgets',
  'pods',
  'deployments',
  'services',
  'customresourcedefinitions',
  'apiextensions.k8s.io',
  'status',
  'scale',
  'log',
  'eviction',
  'watch',
  'a',
  'openapi',
  'v2',
  'v3',
  'version',
  'healthz',
  '..',
  '.',
  '%2F',
  '%00',
  '%zz',
  '%C3%A9',
  '',
  'proxy',
  'exec',
];
const segment = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...segments) },
  { weight: 1, arbitrary: fc.string({ maxLength: 10 }).map(encodeURIComponent) },
);
const path = fc.oneof(
  fc.array(segment, { maxLength: 8 }).map((parts) => `/${parts.join('/')}`),
  fc
    .tuple(
      fc.constantFrom(
        '/api/v1/namespaces/default/configmaps',
        '/apis/example.com/v1/namespaces/default/widgets',
        '/apis/apps/v1/namespaces/default/deployments',
        '/api/v1/namespaces/default/pods',
        '/api/v1/namespaces',
        '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
      ),
      fc.constantFrom(
        '',
        '/a',
        '/b',
        '/a/status',
        '/a/scale',
        '/a/log',
        '/a/nope',
        '/',
        '/a/resize',
        '/a/ephemeralcontainers',
        '/a/binding',
        '/a/eviction',
        '/a/finalize',
      ),
    )
    .map(([collection, rest]) => collection + rest),
);
const parameter = fc.constantFrom(
  'labelSelector',
  'fieldSelector',
  'limit',
  'continue',
  'resourceVersion',
  'resourceVersionMatch',
  'dryRun',
  'force',
  'fieldManager',
  'fieldValidation',
  'propagationPolicy',
  'gracePeriodSeconds',
  'orphanDependents',
  'pretty',
  'includeObject',
  'sendInitialEvents',
  'allowWatchBookmarks',
  'tailLines',
  'container',
  'verbose',
  'exclude',
);
const value = fc.oneof(
  fc.constantFrom(
    '',
    '0',
    '1',
    '-1',
    'true',
    'false',
    'All',
    'Strict',
    'Ignore',
    'Exact',
    'NotOlderThan',
    'a=b',
    'a in (b,c)',
    '!a',
    'metadata.name=a',
    'status.phase!=x',
    'Foreground',
    '1e9',
    '9007199254740993',
    'eyJ2IjoieCJ9',
    '=',
    ',',
    'a==b,c!=d',
  ),
  fc.string({ maxLength: 20 }),
);
const query = fc
  .array(fc.tuple(parameter, value), { maxLength: 4 })
  .map((pairs) => new URLSearchParams(pairs).toString())
  .map((text) => (text === '' ? '' : `?${text}`));

const plain = fc.jsonValue({ maxDepth: 3 });
const metadata = fc.record(
  {
    name: fc.oneof(fc.constantFrom('a', 'b', 'A_', ''), plain),
    namespace: fc.oneof(fc.constantFrom('default', 'other'), plain),
    generateName: fc.oneof(fc.constantFrom('g-'), plain),
    labels: fc.oneof(fc.dictionary(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 })), plain),
    annotations: plain,
    finalizers: fc.oneof(fc.array(fc.constantFrom('example.com/x', 'orphan', 'x')), plain),
    ownerReferences: fc.oneof(fc.array(fc.record({ apiVersion: plain, kind: plain, name: plain, uid: plain })), plain),
    managedFields: fc.oneof(
      fc.array(fc.record({ manager: plain, operation: plain, fieldsV1: plain, apiVersion: plain })),
      plain,
    ),
    uid: plain,
    resourceVersion: fc.constantFrom('', '0', 'x'),
    deletionTimestamp: plain,
  },
  { requiredKeys: [] },
);
const object = fc.record(
  {
    apiVersion: fc.oneof(fc.constantFrom('v1', 'apps/v1', 'example.com/v1', 'apiextensions.k8s.io/v1', '///'), plain),
    kind: fc.oneof(
      fc.constantFrom(
        'ConfigMap',
        'Widget',
        'Deployment',
        'Pod',
        'Namespace',
        'CustomResourceDefinition',
        'Scale',
        'DeleteOptions',
      ),
      plain,
    ),
    metadata: fc.oneof(metadata, plain),
    data: fc.oneof(fc.dictionary(fc.string({ maxLength: 5 }), fc.string()), plain),
    spec: fc.oneof(
      fc.record({ replicas: plain, selector: plain, template: plain, containers: plain }, { requiredKeys: [] }),
      fc.record({ group: plain, names: plain, versions: plain, scope: plain }, { requiredKeys: [] }),
      plain,
    ),
    status: plain,
  },
  { requiredKeys: [] },
);
const operation = fc.record(
  {
    op: fc.oneof(fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test'), plain),
    path: fc.oneof(fc.constantFrom('/data/x', '/metadata/labels', '/spec/replicas', '', '/-', '/data/-1'), plain),
    from: fc.constantFrom('/data', '/metadata', '', '/x'),
    value: plain,
  },
  { requiredKeys: [] },
);
const body = fc.oneof(
  { weight: 5, arbitrary: object.map((given) => JSON.stringify(given)) },
  { weight: 3, arbitrary: fc.array(operation, { maxLength: 4 }).map((given) => JSON.stringify(given)) },
  { weight: 1, arbitrary: plain.map((given) => JSON.stringify(given)) },
  { weight: 1, arbitrary: fc.string() },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 50 }) },
);
const mediaType = fc.constantFrom(
  'application/json',
  'application/yaml',
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
  'application/vnd.kubernetes.protobuf',
  'text/plain',
  '',
  'application/json; charset=utf-8',
  ';;',
);
const accept = fc.constantFrom(
  'application/vnd.kubernetes.protobuf,application/json',
  'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
  '*/*',
  'application/json',
  'application/yaml',
  'text/html',
  'application/json;as=Table;v=v1;g=meta.k8s.io',
  'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
  'application/json;as=;v;g=',
  ',',
  'a/b;q=x',
);

const header = fc.tuple(
  fc.constantFrom(
    'Accept-Encoding',
    'Authorization',
    'Content-Encoding',
    'If-None-Match',
    'Impersonate-User',
    'Impersonate-Group',
    'User-Agent',
    'Origin',
    'X-Forwarded-For',
    'Expect',
  ),
  fc.oneof(
    fc.constantFrom('gzip', 'identity;q=0', 'Bearer x', 'Basic x', '*', '"x"', 'system:anonymous', '100-continue', ''),
    fc.stringMatching(/^[!-~]{0,20}$/),
  ),
);

export interface FuzzedRequest {
  readonly method: string;
  readonly target: string;
  readonly body: string | Uint8Array<ArrayBuffer> | undefined;
  readonly type: string;
  readonly headers: Readonly<Record<string, string>>;
}

export const fuzzedRequest: fc.Arbitrary<FuzzedRequest> = fc
  .record({
    method: fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'),
    path,
    query,
    body,
    type: mediaType,
    accept,
    headers: fc.array(header, { maxLength: 2 }),
  })
  .map(({ method, path, query, body, type, accept, headers }) => ({
    method,
    target: path + query,
    body: method === 'GET' || method === 'HEAD' ? undefined : body,
    type,
    headers: { Accept: accept, ...Object.fromEntries(headers) },
  }));

/** Throws when an answer is none that a client could make sense of. */
export function checkAnswer(method: string, answer: Answer): void {
  const { code, text } = answer;
  assert.ok(code < 500 || code === 504 || method === 'HEAD' || isKubernetesOwn(answer), `${code} ${text}`);
  // 417 comes before there is a request, and says all that there is to say.
  if (code < 400 || code === 417 || method === 'HEAD') return;
  if (String(answer.headers['content-type']).startsWith('text/plain')) {
    assert.match(text, /^(404 page not found\n|400 Bad Request)$/);
    return;
  }
  const failure = answer.headers['content-type'] === 'application/yaml' ? parse(text) : answer.json;
  const { kind, status, message, reason } = failure;
  assert.equal(kind, 'Status');
  assert.equal(status, 'Failure');
  assert.equal(failure.code, code);
  assert.ok(typeof message === 'string' && message !== '', text);
  assert.ok(typeof reason === 'string' || code === 500, text);
}

/** Failures that are the client's and that Kubernetes answers with 500 all the same. */
function isKubernetesOwn({ code, text }: Answer): boolean {
  return (
    code === 500 &&
    /failed to create typed patch object|resourceVersion should not be set|without impersonating a user|list element types are not identical|the spec replicas field/.test(
      text,
    )
  );
}

/** Sends a request; throws when it is not answered in time, or not as it should be. */
export async function fuzz(api: Api, { method, target, body, type, headers }: FuzzedRequest): Promise<void> {
  const sent = api.send(method, target, { ...(body === undefined ? {} : { body, type }), headers });
  checkAnswer(method, await within(sent));
}

/** How long an answer may take, in milliseconds. */
export const patience = 10_000;

function within(answer: Promise<Answer>): Promise<Answer> {
  let timer: NodeJS.Timeout;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${patience} ms`)), patience);
  });
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}

/** What the requests find: an object of each kind that they name. */
export async function furnish(api: Api): Promise<void> {
  const made = await api.send('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { body: widgets() });
  if (made.code === 201) {
    await api.cluster.eventually(async () => (await api.send('GET', '/apis/example.com/v1/widgets')).code === 200);
  }
  await api.send('POST', '/api/v1/namespaces/default/configmaps', {
    body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { x: '1' } },
  });
  await api.send('POST', '/apis/example.com/v1/namespaces/default/widgets', {
    body: { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'a' }, spec: { replicas: 1 } },
  });
  const containers = [{ name: 'c', image: 'i' }];
  await api.send('POST', '/api/v1/namespaces/default/pods', {
    body: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' }, spec: { containers } },
  });
  await api.send('POST', '/apis/apps/v1/namespaces/default/deployments', {
    body: {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'a' },
      spec: {
        selector: { matchLabels: { a: 'b' } },
        template: { metadata: { labels: { a: 'b' } }, spec: { containers } },
      },
    },
  });
}
