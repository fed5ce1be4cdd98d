import assert from 'node:assert/strict';
import type { ApiObject } from '../../src/machinery/object.ts';
import { type Api, assertFailure, startApi } from '../apiserver/support/api.ts';
import { ConversionWebhook, type Reply, type Review } from './support/conversion-webhook.ts';

const v1 = '/apis/example.com/v1/namespaces/default/servers';
const v2 = '/apis/example.com/v2/namespaces/default/servers';
const definitionPath = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

const server = (name: string, version: string, spec: object, metadata: object = {}): ApiObject => ({
  apiVersion: `example.com/${version}`,
  kind: 'Server',
  metadata: { name, ...metadata },
  spec,
});

function servers(conversion: object, storage: 'v1' | 'v2' = 'v2', extra: { group?: string } = {}): ApiObject {
  const integer = { type: 'integer' };
  const version = (name: string, properties: object) => ({
    name,
    served: true,
    storage: name === storage,
    schema: {
      openAPIV3Schema: {
        type: 'object',
        properties: { spec: { type: 'object', properties: { big: { type: 'integer' }, ...properties } } },
      },
    },
    additionalPrinterColumns: [
      { name: 'Port', type: 'integer', jsonPath: name === 'v1' ? '.spec.port' : '.spec.ports[0]' },
    ],
    subresources: { status: {} },
  });
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'servers.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'servers', kind: 'Server' },
      versions: [
        version('v1', { port: integer, host: { type: 'string', default: 'localhost' } }),
        version('v2', {
          ports: { type: 'array', items: integer },
          host: { type: 'string' },
          tls: { type: 'boolean', default: false },
        }),
      ],
      conversion,
      ...extra,
    },
  };
}

const webhookConversion = (webhook: ConversionWebhook, change: object = {}) => ({
  strategy: 'Webhook',
  webhook: {
    clientConfig: { url: webhook.url, caBundle: webhook.caBundle },
    conversionReviewVersions: ['v1'],
    ...change,
  },
});

describe('conversion by webhook', () => {
  let webhook: ConversionWebhook;
  let api: Api;
  before(async () => {
    webhook = await ConversionWebhook.start();
    api = await startApi({ resources: [servers(webhookConversion(webhook))] });
    await api.ok('POST', v1, server('first', 'v1', { port: 80 }, { labels: { app: 'web' } }));
  });
  after(async () => {
    await api?.[Symbol.asyncDispose]();
    await webhook?.[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    webhook.reviews.length = 0;
    webhook.reply = undefined;
  });

  it('stores one version and serves both', async () => {
    const one = await api.ok('GET', `${v1}/first`);
    assert.deepEqual(one.spec, { port: 80, host: 'localhost' });
    const two = await api.ok('GET', `${v2}/first`);
    // The default of v2 was filled in as the object was stored; v1 does not know the field.
    assert.deepEqual(two.spec, { ports: [80], host: 'localhost', tls: false });
    assert.equal(two.apiVersion, 'example.com/v2');
    assert.deepEqual({ ...two.metadata, managedFields: 0 }, { ...one.metadata, managedFields: 0 });
    const definition = await api.ok('GET', `${definitionPath}/servers.example.com`);
    assert.deepEqual(definition.status.storedVersions, ['v2']);
  });

  it('asks nobody for the version that is stored', async () => {
    await api.ok('GET', `${v2}/first`);
    await api.ok('GET', v2);
    assert.equal(webhook.reviews.length, 0);
  });

  it('sends a review of the form that webhooks know', async () => {
    await api.ok('GET', `${v1}/first`);
    const [review] = webhook.reviews as [Review];
    assert.equal(review.apiVersion, 'apiextensions.k8s.io/v1');
    assert.match(review.uid, /^[0-9a-f-]{36}$/);
    assert.equal(review.desiredAPIVersion, 'example.com/v1');
    assert.equal(review.objects.length, 1);
    assert.equal(review.objects[0]?.metadata.name, 'first');
    assert.equal(review.objects[0]?.metadata.namespace, 'default');
  });

  it('converts a list in one review, over one connection', async () => {
    for (let i = 0; i < 5; i++) await api.ok('POST', v2, server(`batch-${i}`, 'v2', { ports: [i] }));
    const before = webhook.connections;
    webhook.reviews.length = 0;
    const list = await api.ok('GET', v1);
    assert.equal(list.apiVersion, 'example.com/v1');
    assert.deepEqual(
      list.items.map((item: ApiObject) => [item.apiVersion, (item.spec as { port: number }).port]),
      [0, 1, 2, 3, 4, 80].map((port) => ['example.com/v1', port]),
    );
    assert.deepEqual(
      webhook.reviews.map(({ objects }) => objects.length),
      [6],
    );
    await api.ok('GET', v1);
    assert.equal(webhook.connections, before);
  });

  it('shows the columns of the version that is asked for', async () => {
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
    for (const path of [v1, v2]) {
      const { json } = await api.send('GET', `${path}/first`, { headers: { Accept: accept } });
      assert.deepEqual(json.rows[0].cells, ['first', 80]);
    }
  });

  it('carries integers beyond 2^53 there and back', async () => {
    await api.ok(
      'POST',
      v1,
      '{"apiVersion":"example.com/v1","kind":"Server","metadata":{"name":"big"},"spec":{"big":9007199254740993}}',
    );
    const { text } = await api.send('GET', `${v1}/big`);
    assert.match(text, /"big":9007199254740993\b/);
  });

  it('watches in a version that is not stored, each event converted', async () => {
    const from = (await api.ok('GET', v1)).metadata.resourceVersion;
    const watch = await api.watch(`${v1}?watch=1&resourceVersion=${from}`);
    const stored = await api.watch(`${v2}?watch=1&resourceVersion=${from}`);
    await api.ok('POST', v2, server('seen', 'v2', { ports: [443] }));
    await api.ok('DELETE', `${v2}/seen`);
    const events = await watch.take(2);
    assert.deepEqual(
      events.map(({ type, object }) => [type, object.apiVersion, object.spec.port]),
      [
        ['ADDED', 'example.com/v1', 443],
        ['DELETED', 'example.com/v1', 443],
      ],
    );
    assert.deepEqual(
      (await stored.take(2)).map(({ object }) => object.spec.ports),
      [[443], [443]],
    );
    watch.close();
    stored.close();
  });

  it('converts an event once for all who watch the same', async () => {
    const from = (await api.ok('GET', v1)).metadata.resourceVersion;
    const watches = await Promise.all([1, 2, 3, 4].map(() => api.watch(`${v1}?watch=1&resourceVersion=${from}`)));
    webhook.reviews.length = 0;
    await api.ok('POST', v2, server('shared', 'v2', { ports: [1] }));
    for (const watch of watches) assert.equal((await watch.next())?.object.spec.port, 1);
    assert.equal(webhook.reviews.length, 1);
    for (const watch of watches) watch.close();
  });

  it('patches in a version that is not stored', async () => {
    await api.ok('POST', v2, server('patched', 'v2', { ports: [1] }));
    const merged = await api.ok('PATCH', `${v1}/patched`, { spec: { port: 2 } }, 'application/merge-patch+json');
    assert.deepEqual([merged.apiVersion, merged.spec.port, merged.metadata.generation], ['example.com/v1', 2, 2]);
    const patch = [
      { op: 'test', path: '/spec/port', value: 2 },
      { op: 'replace', path: '/spec/port', value: 3 },
    ];
    assert.equal((await api.ok('PATCH', `${v1}/patched`, patch, 'application/json-patch+json')).spec.port, 3);
    assert.deepEqual((await api.ok('GET', `${v2}/patched`)).spec.ports, [3]);
  });

  it('applies in both versions, with owners across them', async () => {
    const apply = (path: string, manager: string, object: ApiObject, query = '') =>
      api.send('PATCH', `${path}/${object.metadata.name}?fieldManager=${manager}${query}`, {
        body: object,
        type: 'application/apply-patch+yaml',
      });
    assert.equal((await apply(v1, 'one', server('applied', 'v1', { port: 80 }))).code, 201);
    const conflict = await apply(v1, 'other', server('applied', 'v1', { port: 81 }));
    assert.equal(conflict.code, 409);
    assert.equal(conflict.json.message, 'Apply failed with 1 conflict: conflict with "one": .spec.port');
    const second = await apply(v2, 'two', server('applied', 'v2', { host: 'here' } as object), '&force=true');
    assert.equal(second.code, 200, second.text);
    // The first manager leaves: what it owned in v1 goes, through its own version.
    const empty = await apply(v1, 'one', server('applied', 'v1', {}));
    assert.equal(empty.code, 200, empty.text);
    const now = await api.ok('GET', `${v1}/applied`);
    assert.equal(now.spec.port, undefined);
    assert.equal(now.spec.host, 'here');
  });

  it('takes new labels and annotations from the webhook, and no other metadata', async () => {
    webhook.convert = (object, apiVersion) => ({
      ...object,
      apiVersion,
      metadata: {
        ...object.metadata,
        labels: { added: 'yes' },
        annotations: { note: 'converted' },
        finalizers: ['example.com/forged'],
        generation: 99,
      },
    });
    try {
      const { metadata } = await api.ok('GET', `${v1}/first`);
      assert.deepEqual(metadata.labels, { added: 'yes' });
      assert.deepEqual(metadata.annotations, { note: 'converted' });
      assert.equal(metadata.finalizers, undefined);
      assert.equal(metadata.generation, 1);
    } finally {
      const { portConversion } = await import('./support/conversion-webhook.ts');
      webhook.convert = portConversion;
    }
  });

  describe('refuses', () => {
    const failed = 'conversion webhook for example.com/v2, Kind=Server';
    const success = { status: 'Success' };
    const one =
      (change: (object: ApiObject) => unknown) =>
      (review: Review): Reply => ({
        response: {
          uid: review.uid,
          result: success,
          convertedObjects: review.objects.map((object) =>
            change({ ...object, apiVersion: review.desiredAPIVersion }),
          ) as never,
        },
      });
    const meta = (change: object) => one((object) => ({ ...object, metadata: { ...object.metadata, ...change } }));
    const type = `${failed} returned invalid object at index 0: `;
    const identity = `${failed} returned invalid object: `;
    const metadata = `${failed} returned invalid metadata: `;
    const cases: Record<string, [(review: Review) => Reply, string | RegExp]> = {
      'a failure, in its words': [
        ({ uid }) => ({ response: { uid, result: { status: 'Failure', message: 'no such port' } } }),
        `${failed} failed: no such port`,
      ],
      'a failure without words': [
        ({ uid }) => ({ response: { uid, result: { status: 'Failure' } } }),
        `${failed} failed: response.result.status was 'Failure', not 'Success'`,
      ],
      'no result': [
        ({ uid }) => ({ response: { uid } }),
        `${failed} failed: response.result.status was '', not 'Success'`,
      ],
      'another uid': [
        () => ({ response: { uid: 'other', result: success } }),
        /^conversion webhook for example.com\/v2, Kind=Server failed: expected response.uid="[0-9a-f-]{36}", got "other"$/,
      ],
      'another kind of review': [
        ({ uid }) => ({ response: { uid }, apiVersion: 'apiextensions.k8s.io/v1beta1' }),
        `${failed} failed: expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview, got apiextensions.k8s.io/v1beta1, Kind=ConversionReview`,
      ],
      'too few objects': [
        ({ uid }) => ({ response: { uid, result: success, convertedObjects: [] } }),
        `${failed} returned 0 objects, expected 1`,
      ],
      'objects in another version': [
        one((object) => ({ ...object, apiVersion: 'example.com/v3' })),
        `${type}invalid groupVersion (expected example.com/v1, received example.com/v3)`,
      ],
      'another kind': [
        one((object) => ({ ...object, kind: 'Client' })),
        `${type}invalid kind (expected Server, received Client)`,
      ],
      'another name': [meta({ name: 'second' }), `${identity}must have the same name: first != second`],
      'another namespace': [meta({ namespace: 'x' }), `${identity}must have the same namespace: default != x`],
      'another uid of the object': [meta({ uid: 'x' }), /must have the same UID: [0-9a-f-]{36} != x$/],
      'labels that are no strings': [
        meta({ labels: { a: 1 } }),
        `${metadata}metadata.labels[a] must be a string, but is int64 in converted object`,
      ],
      'labels of another type': [
        meta({ labels: [] }),
        `${metadata}invalid metadata.labels of type []interface {} in converted object`,
      ],
      'labels that are none': [
        meta({ labels: { 'a b': '' } }),
        /returned invalid metadata: metadata\.labels: Invalid value: "a b": name part must consist of/,
      ],
      'an error of the server': [
        () => ({ code: 500, body: 'boom' }),
        `${failed} failed: an error on the server ("boom") has prevented the request from succeeding`,
      ],
      'a page that is not there': [
        () => ({ code: 404, body: '' }),
        `${failed} failed: the server could not find the requested resource`,
      ],
      nothing: [
        () => ({ code: 200, body: '' }),
        `${failed} failed: 0-length response with status code: 200 and content type: application/json`,
      ],
    };
    for (const [name, [reply, message]] of Object.entries(cases)) {
      it(name, async () => {
        webhook.reply = reply;
        const answer = await api.send('GET', `${v1}/first`);
        assertFailure(answer, 500, '', message);
      });
    }

    it('in writes too, and nothing is stored', async () => {
      webhook.reply = ({ uid }) => ({ response: { uid, result: { status: 'Failure', message: 'not today' } } });
      const answer = await api.send('POST', v1, { body: server('refused', 'v1', { port: 1 }) });
      assertFailure(answer, 500, '', 'conversion webhook for example.com/v1, Kind=Server failed: not today');
      webhook.reply = undefined;
      assert.equal((await api.send('GET', `${v2}/refused`)).code, 404);
    });

    it('in watches, with an event', async () => {
      const from = (await api.ok('GET', v2)).metadata.resourceVersion;
      const watch = await api.watch(`${v1}?watch=1&resourceVersion=${from}`);
      webhook.reply = ({ uid }) => ({ response: { uid, result: { status: 'Failure', message: 'broken' } } });
      await api.ok('POST', v2, server('unwatchable', 'v2', { ports: [1] }));
      const event = await watch.next();
      assert.equal(event?.type, 'ERROR');
      assert.equal(event?.object.message, `${failed} failed: broken`);
      assert.equal(await watch.next(), undefined);
    });
  });
});

describe('conversion webhooks that cannot be reached', () => {
  let api: Api;
  let webhook: ConversionWebhook;
  before(async () => {
    webhook = await ConversionWebhook.start();
    api = await startApi({ resources: [servers(webhookConversion(webhook))] });
    await api.ok('POST', v2, server('first', 'v2', { ports: [1] }));
  });
  after(async () => {
    await api?.[Symbol.asyncDispose]();
    await webhook?.[Symbol.asyncDispose]();
  });

  /** Resolves when the definition's new webhook is the one that is asked. */
  const use = async (clientConfig: object, pattern: RegExp): Promise<void> => {
    const patch = { spec: { conversion: { webhook: { clientConfig } } } };
    await api.ok('PATCH', `${definitionPath}/servers.example.com`, patch, 'application/merge-patch+json');
    for (let attempt = 0; ; attempt++) {
      const answer = await api.send('GET', `${v1}/first`);
      if (answer.code === 200 ? pattern.test('ok') : pattern.test(answer.json.message)) return;
      assert.ok(attempt < 100, answer.text);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const failed = 'conversion webhook for example.com/v2, Kind=Server failed: Post ';

  it('are named: nobody listens', async () => {
    await use(
      { url: 'https://127.0.0.1:1/convert' },
      new RegExp(
        `^${failed}"https://127.0.0.1:1/convert\\?timeout=30s": dial tcp 127.0.0.1:1: connect: connection refused$`,
      ),
    );
  });

  it('are named: nobody vouches for them', async () => {
    await use(
      { url: webhook.url, caBundle: null },
      /: tls: failed to verify certificate: x509: certificate signed by unknown authority$/,
    );
  });

  it('are named: a Service that is not there, or has nobody behind it', async () => {
    const service = { namespace: 'default', name: 'converter', path: '/convert', port: 8443 };
    await use(
      { url: null, service, caBundle: webhook.caBundle },
      new RegExp(
        `^${failed}"https://converter.default.svc:8443/convert\\?timeout=30s": service "converter" not found$`,
      ),
    );
    await api.ok('POST', '/api/v1/namespaces/default/services', {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'converter' },
      spec: { clusterIP: 'None', ports: [{ port: 8443, name: 'https' }] },
    });
    await use({}, /: no endpoints available for service "converter"$/);
    await api.ok('POST', '/api/v1/namespaces/default/services', {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'elsewhere' },
      spec: { type: 'ExternalName', externalName: 'localhost' },
    });
    // The certificate is for the name of the Service, not for where it leads.
    const elsewhere = { ...service, name: 'elsewhere', port: webhook.port };
    await use({ service: elsewhere }, /: tls: failed to verify certificate: x509: /);
    await api.ok('DELETE', '/api/v1/namespaces/default/services/converter');
    await api.ok('POST', '/api/v1/namespaces/default/services', {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'converter' },
      spec: { type: 'ExternalName', externalName: 'localhost' },
    });
    await use({ service: { ...service, port: webhook.port } }, /^ok$/);
  });

  it('are used again when the definition says where they are', async () => {
    await use({ url: webhook.url, service: null, caBundle: webhook.caBundle }, /^ok$/);
    assert.deepEqual((await api.ok('GET', `${v1}/first`)).spec, { port: 1 });
  });
});
