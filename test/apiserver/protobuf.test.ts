/** Protobuf over HTTP: request bodies, and the OpenAPI document of old clients. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { admissionPlugins } from '../../src/admission/index.ts';
import { builtinTypes } from '../../src/apis/index.ts';
import { encodeMessage, messageOf } from '../../src/apis/protobuf/index.ts';
import { createServer } from '../../src/apiserver/server.ts';
import { tokenAuthenticator } from '../../src/auth/authenticate.ts';
import { crdResourceType } from '../../src/crd/custom-resource-definition.ts';
import { type JsonObject, type JsonValue, parseJson } from '../../src/machinery/json.ts';
import {
  boolValue,
  convertedValue,
  type FieldType,
  int64Value,
  type MessageType,
  messageValue,
  readMessage,
  stringValue,
  type ValueType,
  WireReader,
  writeEnvelope,
} from '../../src/machinery/protobuf/index.ts';
import { openMemoryStore } from '../../src/storage/index.ts';

const core = 'io.k8s.api.core.v1';
const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const apiextensions = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1';
const protobuf = 'application/vnd.kubernetes.protobuf';
const samples = new URL('../../.tools/kubernetes-samples/', import.meta.url);

interface Answer {
  readonly code: number;
  readonly body: JsonObject;
  readonly headers: Headers;
}

describe('protobuf bodies', () => {
  let base: string;
  let stop: () => Promise<void>;

  before(async () => {
    const store = openMemoryStore();
    const server = createServer({
      store,
      types: [...builtinTypes(), crdResourceType],
      admission: admissionPlugins,
      authenticators: [tokenAuthenticator(new Map([['secret', { name: 'admin', groups: ['system:masters'] }]]))],
    });
    await server.start();
    const listener = http.createServer(server.handler);
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;
    stop = async () => {
      listener.close();
      listener.closeAllConnections();
      await server.stop();
      await store.close();
    };
    assert.equal((await send('POST', '/api/v1/namespaces', message('v1', `${core}.Namespace`, named('a')))).code, 201);
  });
  after(async () => await stop());

  const named = (name: string, rest: JsonObject = {}): JsonObject => ({ metadata: { name }, ...rest });

  function message(apiVersion: string, definition: string, object: JsonObject, kind?: string): Buffer {
    const raw = encodeMessage(messageOf(definition)!, object);
    return writeEnvelope({ apiVersion, kind: kind ?? definition.replace(/.*\./, ''), raw });
  }

  async function send(
    method: string,
    path: string,
    body?: Buffer,
    contentType = protobuf,
    accept = `${protobuf},application/json`,
  ): Promise<Answer> {
    const response = await fetch(base + path, {
      method,
      headers: { Authorization: 'Bearer secret', Accept: accept, 'Content-Type': contentType },
      ...(body === undefined ? {} : { body: new Uint8Array(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
    return { code: response.status, body: isJson ? (parseJson(text) as JsonObject) : {}, headers: response.headers };
  }

  const maps = '/api/v1/namespaces/a/configmaps';
  const refused = async (path: string, body: Buffer, code: number, text: string, method = 'POST'): Promise<void> => {
    const answer = await send(method, path, body);
    assert.deepEqual([answer.code, answer.body.message], [code, text]);
  };

  it('create objects, which are answered in JSON', async () => {
    const object = named('one', { data: { x: 'y' }, binaryData: { b: Buffer.from([0, 255]).toString('base64') } });
    const { code, body, headers } = await send('POST', maps, message('v1', `${core}.ConfigMap`, object));
    assert.deepEqual([code, headers.get('content-type')], [201, 'application/json']);
    assert.deepEqual([body.kind, body.data, body.binaryData], ['ConfigMap', { x: 'y' }, { b: 'AP8=' }]);
  });

  it('create objects whose unset fields take their defaults', async () => {
    const { code, body } = await send(
      'POST',
      '/api/v1/namespaces/a/services',
      message(
        'v1',
        `${core}.Service`,
        named('web', { spec: { type: '', ports: [{ name: '', port: 80, protocol: '' }] } }),
      ),
    );
    assert.equal(code, 201, JSON.stringify(body));
    const { type, ports } = body.spec as { type: string; ports: JsonValue };
    assert.deepEqual([type, ports], ['ClusterIP', [{ port: 80, protocol: 'TCP', targetPort: 80 }]]);
  });

  it('replace objects', async () => {
    const { code, body } = await send('PUT', `${maps}/one`, message('v1', `${core}.ConfigMap`, named('one')));
    assert.deepEqual([code, body.data], [200, undefined]);
  });

  it('may leave their kind to the URL', async () => {
    const { code, body } = await send('POST', maps, message('', `${core}.ConfigMap`, named('two'), ''));
    assert.deepEqual([code, body.kind, body.apiVersion], [201, 'ConfigMap', 'v1']);
  });

  it('are refused when they hold another kind or version', async () => {
    await refused(
      maps,
      message('v1', `${core}.Secret`, named('x')),
      400,
      'Secret in version "v1" cannot be handled as a ConfigMap: converting (v1.Secret) to (core.ConfigMap): unknown conversion',
    );
    await refused(
      maps,
      message('v2', `${core}.ConfigMap`, named('x')),
      400,
      'ConfigMap in version "v2" cannot be handled as a ConfigMap: no kind "ConfigMap" is registered for version "v2" in scheme "pkg/api/legacyscheme/scheme.go:30"',
    );
  });

  it('are refused when they are no protobuf, or broken', async () => {
    const whole = message('v1', `${core}.ConfigMap`, named('x', { data: { a: 'b' } }));
    await refused(
      maps,
      Buffer.from('{"kind":"ConfigMap"}'),
      400,
      'the object provided is unrecognized (must be of type ConfigMap): provided data does not appear to be a protobuf message, expected prefix [107 56 115 0] ({"kind":"ConfigMap"})',
    );
    await refused(
      maps,
      Buffer.from('k8s\0'),
      400,
      'the object provided is unrecognized (must be of type ConfigMap): empty body (6b387300)',
    );
    await refused(
      maps,
      whole.subarray(0, 32),
      400,
      `the object provided is unrecognized (must be of type ConfigMap): unexpected EOF (${whole.subarray(0, 30).toString('hex')} ...)`,
    );
    const bent = writeEnvelope({ apiVersion: 'v1', kind: 'ConfigMap', raw: Buffer.from([0x0a, 0x05]) });
    await refused(maps, bent, 400, 'ConfigMap in version "v1" cannot be handled as a ConfigMap: unexpected EOF');
    const wrong = writeEnvelope({ apiVersion: 'v1', kind: 'ConfigMap', raw: Buffer.from([0x08, 0x05]) });
    await refused(
      maps,
      wrong,
      400,
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: proto: wrong wireType = 0 for field Metadata',
    );
  });

  it('are refused in other media types, with those that there are', async () => {
    const answer = await send('POST', maps, Buffer.from('x'), 'text/plain');
    assert.deepEqual(
      [answer.code, answer.body.message],
      [
        415,
        `the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, ${protobuf}`,
      ],
    );
  });

  it('hold options of deletes', async () => {
    const options = (preconditions: JsonObject): Buffer => message('v1', `${meta}.DeleteOptions`, { preconditions });
    const { body } = await send('GET', `${maps}/two`);
    const { uid } = body.metadata as { uid: string };
    assert.equal((await send('DELETE', `${maps}/two`, options({ uid: 'another' }))).code, 409);
    assert.equal((await send('DELETE', `${maps}/two`, options({ uid }))).code, 200);
    assert.equal((await send('GET', `${maps}/two`)).code, 404);
  });

  it('hold evictions', async () => {
    const pod = named('p', { spec: { containers: [{ name: 'c', image: 'x' }] } });
    const created = await send('POST', '/api/v1/namespaces/a/pods', message('v1', `${core}.Pod`, pod));
    assert.equal(created.code, 201, JSON.stringify(created.body));
    const eviction = message('policy/v1', 'io.k8s.api.policy.v1.Eviction', {
      metadata: { name: 'p', namespace: 'a' },
      deleteOptions: { gracePeriodSeconds: 0 },
    });
    assert.equal((await send('POST', '/api/v1/namespaces/a/pods/p/eviction', eviction)).code, 201);
    assert.equal((await send('GET', '/api/v1/namespaces/a/pods/p')).code, 404);
  });

  it('hold scales', async () => {
    const deployment = {
      ...named('d'),
      spec: {
        selector: { matchLabels: { a: 'b' } },
        template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'x' }] } },
      },
    };
    const path = '/apis/apps/v1/namespaces/a/deployments';
    const created = await send('POST', path, message('apps/v1', 'io.k8s.api.apps.v1.Deployment', deployment));
    assert.equal(created.code, 201, JSON.stringify(created.body));
    const scale = message('autoscaling/v1', 'io.k8s.api.autoscaling.v1.Scale', {
      ...named('d'),
      spec: { replicas: 3 },
    });
    const scaled = await send('PUT', `${path}/d/scale`, scale);
    assert.deepEqual([scaled.code, (scaled.body.spec as JsonObject).replicas], [200, 3]);
  });

  it('are answered as the same objects in JSON are', async function () {
    if (!existsSync(samples)) this.skip();
    let count = 0;
    for (const { group, names, scope, versions } of builtinTypes()) {
      for (const { name: version } of versions) {
        const sample = `${group || 'core'}.${version}.${names.kind}`;
        if (!existsSync(new URL(`${sample}.pb`, samples))) continue;
        const base = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
        // The samples' namespace is not one that may exist, so that most are refused: for the same reasons in both forms.
        const path = `${base}${scope === 'Namespaced' ? '/namespaces/namespaceValue' : ''}/${names.plural}?dryRun=All`;
        const [inJson, inProtobuf] = await Promise.all([
          send('POST', path, readFileSync(new URL(`${sample}.json`, samples)), 'application/json'),
          send('POST', path, readFileSync(new URL(`${sample}.pb`, samples))),
        ]);
        const reasons = ({ code, body }: Answer): unknown => {
          const { causes = [] } = (body.details ?? {}) as { causes?: { field: string; message: string }[] };
          return [code, body.reason, causes.map(({ field, message }) => `${field}: ${message}`).sort()];
        };
        assert.deepEqual(reasons(inProtobuf), reasons(inJson), sample);
        count++;
      }
    }
    assert.ok(count > 10, String(count));
  });

  it('are never asked for: answers are JSON, or 406', async () => {
    assert.equal((await send('GET', maps, undefined, protobuf, protobuf)).code, 406);
  });

  describe('and custom resources', () => {
    const widgets = '/apis/example.com/v1/namespaces/a/widgets';

    before(async () => {
      const definition = {
        metadata: { name: 'widgets.example.com' },
        spec: {
          group: 'example.com',
          scope: 'Namespaced',
          names: { plural: 'widgets', kind: 'Widget', singular: 'widget', listKind: 'WidgetList' },
          versions: [
            {
              name: 'v1',
              served: true,
              storage: true,
              schema: {
                openAPIV3Schema: {
                  type: 'object',
                  properties: {
                    spec: { type: 'object', properties: { size: { type: 'integer', maximum: 1.5e3, default: 2 } } },
                  },
                },
              },
            },
          ],
        },
      };
      const body = message('apiextensions.k8s.io/v1', `${apiextensions}.CustomResourceDefinition`, definition);
      const { code, body: answer } = await send(
        'POST',
        '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
        body,
      );
      assert.equal(code, 201, JSON.stringify(answer));
      const made = Buffer.from('{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"w"},"spec":{}}');
      let created = await send('POST', widgets, made, 'application/json');
      // Served once the definition is established, which is soon.
      while (created.code === 404) created = await send('POST', widgets, made, 'application/json');
      assert.deepEqual([created.code, created.body.spec], [201, { size: 2 }]);
    });

    it('their objects have no protobuf form', async () => {
      await refused(
        widgets,
        message('example.com/v1', `${core}.ConfigMap`, named('x'), 'Widget'),
        415,
        'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml',
      );
    });

    it('their deletes take options in protobuf', async () => {
      const options = (uid: string): Buffer => message('v1', `${meta}.DeleteOptions`, { preconditions: { uid } });
      assert.equal((await send('DELETE', `${widgets}/w`, options('another'))).code, 409);
    });
  });

  describe('and OpenAPI v2', () => {
    const old = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
    const current = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';
    const get = (accept: string, headers: Record<string, string> = {}): Promise<Response> =>
      fetch(`${base}/openapi/v2`, { headers: { Authorization: 'Bearer secret', Accept: accept, ...headers } });

    it('answers with the first form that the client wishes', async () => {
      for (const [accept, expected] of [
        [old, current],
        [current, current],
        [`${old},application/json`, current],
        ['application/json', 'application/json'],
        [`${current};q=0.5,application/json`, 'application/json'],
        ['*/*', 'application/json'],
      ] as const) {
        const response = await get(accept);
        assert.deepEqual([response.status, response.headers.get('content-type')], [200, expected], accept);
        await response.arrayBuffer();
      }
      assert.equal((await get('text/html')).status, 406);
    });

    it('does not send what the client has', async () => {
      const first = await get(current);
      const etag = first.headers.get('etag')!;
      await first.arrayBuffer();
      assert.equal((await get(current, { 'If-None-Match': etag })).status, 304);
      assert.notEqual((await get('application/json')).headers.get('etag'), etag);
    });

    it('says in protobuf what it says in JSON', async () => {
      const expected = parseJson(await (await get('application/json')).text()) as JsonObject;
      const bytes = new Uint8Array(await (await get(current)).arrayBuffer());
      const found: JsonObject = {};
      readMessage(documentType, new WireReader(bytes), found);
      assert.equal(found.swagger, '2.0');
      assert.deepEqual(found.info, expected.info);
      assert.deepEqual(found.definitions, expected.definitions);
      assert.deepEqual(found.paths, expected.paths);
    });
  });
});

// --------------------------------------------------- gnostic's messages, as far as Kubernetes' documents have use for them

const one = (name: string, value: ValueType): FieldType => ({ shape: 'one', name, value, omitEmpty: false });
const list = (name: string, value: ValueType): FieldType => ({ shape: 'list', name, value, omitEmpty: false });

function type(name: string, fields: Readonly<Record<number, FieldType>>): MessageType {
  const numbers = Object.keys(fields).map(Number);
  return { name, fields: Array.from({ length: Math.max(...numbers) + 1 }, (_, number) => fields[number]) };
}

const backOnly = (): never => assert.fail('is only read');
const unwrapped = (message: MessageType, unwrap: (value: JsonObject) => JsonValue | undefined): ValueType =>
  convertedValue(message, unwrap, backOnly);

const any = unwrapped(type('Any', { 2: one('yaml', stringValue) }), ({ yaml }) => parseJson(yaml as string));
const pair = (value: ValueType): ValueType =>
  messageValue(() => type('Named', { 1: one('name', stringValue), 2: one('value', value) }));
const objectOf = (pairs: JsonValue | undefined): JsonObject =>
  Object.fromEntries(((pairs ?? []) as { name: string; value: JsonValue }[]).map(({ name, value }) => [name, value]));
const mapOf = (value: ValueType): ValueType =>
  unwrapped(type('Map', { 1: list('pairs', pair(value)) }), ({ pairs }) => objectOf(pairs));

/** A message whose vendor extensions are members like the others. */
function extended(fields: () => Readonly<Record<number, FieldType>>, extensions: number): ValueType {
  let known: MessageType | undefined;
  const inner = messageValue(() => {
    known ??= type('Extended', { ...fields(), [extensions]: list('extensions', pair(any)) });
    return known;
  });
  return {
    ...inner,
    read: (from, depth, old) => {
      const { extensions: found, ...rest } = inner.read(from, depth, old) as JsonObject;
      return { ...rest, ...objectOf(found) };
    },
  };
}

const schema: ValueType = extended(
  () => ({
    1: one('$ref', stringValue),
    2: one('format', stringValue),
    4: one('description', stringValue),
    5: one('default', any),
    13: one('pattern', stringValue),
    14: one('maxItems', int64Value),
    19: list('required', stringValue),
    20: list('enum', any),
    21: one(
      'additionalProperties',
      unwrapped(type('Additional', { 1: one('schema', schema), 2: one('boolean', boolValue) }), (item) =>
        item.schema === undefined ? item.boolean : item.schema,
      ),
    ),
    22: one(
      'type',
      unwrapped(type('Type', { 1: list('value', stringValue) }), ({ value }) => (value as string[])[0]),
    ),
    23: one(
      'items',
      unwrapped(type('Items', { 1: list('schema', schema) }), (item) => (item.schema as JsonObject[])[0]),
    ),
    25: one('properties', mapOf(schema)),
    7: one('maximum', { ...int64Value, wire: 1, read: (from) => from.double() }),
  }),
  31,
);

const outside = (first: number): Readonly<Record<number, FieldType>> => ({
  1: one('required', boolValue),
  2: one('in', stringValue),
  3: one('description', stringValue),
  4: one('name', stringValue),
  [first]: one('type', stringValue),
  [first + 14]: one('uniqueItems', boolValue),
});
const body = extended(
  () => ({
    1: one('description', stringValue),
    2: one('name', stringValue),
    3: one('in', stringValue),
    4: one('required', boolValue),
    5: one('schema', schema),
  }),
  6,
);
const firstOf = (value: JsonObject): JsonValue | undefined => Object.values(value)[0];
const parameter = unwrapped(
  type('ParametersItem', {
    1: one(
      'parameter',
      unwrapped(
        type('Parameter', {
          1: one('body', body),
          2: one(
            'other',
            unwrapped(
              type('NonBodyParameter', {
                3: one(
                  'query',
                  extended(() => outside(6), 23),
                ),
                4: one(
                  'path',
                  extended(() => outside(5), 22),
                ),
              }),
              firstOf,
            ),
          ),
        }),
        firstOf,
      ),
    ),
  }),
  firstOf,
);
const response = unwrapped(
  type('ResponseValue', {
    1: one(
      'response',
      extended(
        () => ({
          1: one('description', stringValue),
          2: one('schema', unwrapped(type('SchemaItem', { 1: one('schema', schema) }), firstOf)),
        }),
        5,
      ),
    ),
  }),
  firstOf,
);
const operation = extended(
  () => ({
    1: list('tags', stringValue),
    3: one('description', stringValue),
    5: one('operationId', stringValue),
    6: list('produces', stringValue),
    7: list('consumes', stringValue),
    8: list('parameters', parameter),
    9: one('responses', mapOf(response)),
    10: list('schemes', stringValue),
  }),
  13,
);
const path = extended(
  () => ({
    2: one('get', operation),
    3: one('put', operation),
    4: one('post', operation),
    5: one('delete', operation),
    6: one('options', operation),
    7: one('head', operation),
    8: one('patch', operation),
    9: list('parameters', parameter),
  }),
  10,
);
const documentType = type('Document', {
  1: one('swagger', stringValue),
  2: one(
    'info',
    messageValue(() => type('Info', { 1: one('title', stringValue), 2: one('version', stringValue) })),
  ),
  8: one(
    'paths',
    unwrapped(type('Paths', { 2: list('pairs', pair(path)) }), ({ pairs }) => objectOf(pairs)),
  ),
  9: one('definitions', mapOf(schema)),
});
