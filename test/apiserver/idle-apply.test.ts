/** Applies that are sent again: they are answered as the first one was, whatever has changed around them. */
import assert from 'node:assert/strict';
import type { AdmissionPlugin, AdmissionRequest } from '../../src/admission/chain.ts';
import { builtinTypes } from '../../src/apis/index.ts';
import { IdleApply } from '../../src/apiserver/idle-apply.ts';
import { type ApiServer, createServer } from '../../src/apiserver/server.ts';
import { crdResourceType } from '../../src/crd/custom-resource-definition.ts';
import type { ApiObject } from '../../src/machinery/object.ts';
import { StatusError } from '../../src/machinery/status.ts';
import { openMemoryStore, type Store } from '../../src/storage/index.ts';
import { widgets } from './support/api.ts';

const admin = { name: 'admin', groups: ['system:masters'] };

interface Sent {
  readonly object: ApiObject;
  readonly warnings: readonly string[];
  /** Whether the apply was known to change nothing. */
  readonly known: boolean;
}

describe('an apply that is sent again', () => {
  let store: Store;
  let server: ApiServer;
  /** What admission does; each test brings its own. */
  let plugin: Partial<AdmissionPlugin>;
  let recalled: number;
  const recall = IdleApply.prototype.recall;

  beforeEach(async () => {
    plugin = {};
    recalled = 0;
    IdleApply.prototype.recall = function (entry, type) {
      const found = recall.call(this, entry, type);
      if (found !== undefined) recalled += 1;
      return found;
    };
    store = openMemoryStore();
    server = createServer({
      store,
      types: [...builtinTypes(), crdResourceType],
      admission: [
        {
          name: 'Test',
          mutate: (request) => plugin.mutate?.(request),
          validate: (request) => plugin.validate?.(request),
        },
      ],
    });
    await server.start();
  });
  afterEach(async () => {
    IdleApply.prototype.recall = recall;
    await server.stop();
    await store.close();
  });

  async function send(
    verb: 'create' | 'patch' | 'update',
    [group, version, resource]: readonly [string, string, string],
    body: object | string,
    query: Record<string, string> = {},
    type = 'application/apply-patch+yaml',
  ): Promise<Sent> {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const { metadata } = JSON.parse(text) as ApiObject;
    const warnings: string[] = [];
    const before = recalled;
    const { response } = await server.request({
      verb,
      group,
      version,
      resource,
      namespace: resource === 'customresourcedefinitions' ? undefined : 'default',
      name: verb === 'create' ? '' : metadata.name!,
      subresource: '',
      query: new URLSearchParams(verb === 'patch' ? { fieldManager: 'me', ...query } : query),
      user: admin,
      userAgent: 'test',
      body: { kind: 'bytes', bytes: Buffer.from(text), mediaType: type },
      signal: new AbortController().signal,
      warn: (message) => void warnings.push(message),
    });
    assert.ok(response.kind === 'entry');
    return { object: response.entry.parse(), warnings, known: recalled > before };
  }

  const maps = ['', 'v1', 'configmaps'] as const;
  const map = (data: Record<string, string>): ApiObject => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'a' },
    data,
  });
  /** Creates, finds out that nothing changes, and knows it from then on. */
  async function settle(body: object | string, resource: readonly [string, string, string] = maps): Promise<Sent> {
    await send('patch', resource, body);
    assert.equal((await send('patch', resource, body)).known, false);
    const sent = await send('patch', resource, body);
    assert.equal(sent.known, true);
    return sent;
  }

  it('is known, and answers the live object', async () => {
    const created = await send('patch', maps, map({ x: '1' }));
    const found = await send('patch', maps, map({ x: '1' }));
    const known = await send('patch', maps, map({ x: '1' }));
    assert.deepEqual([created.known, found.known, known.known], [false, false, true]);
    assert.deepEqual([found.object, known.object], [created.object, created.object]);
    assert.equal((await send('patch', maps, map({ x: '1' }), { dryRun: 'All' })).known, true);
  });

  it('is another one by its bytes, its manager, force or its validation', async () => {
    await settle(map({ x: '1' }));
    assert.equal((await send('patch', maps, `${JSON.stringify(map({ x: '1' }))} `)).known, false);
    assert.equal((await send('patch', maps, map({ x: '1' }), { force: 'true' })).known, false);
    assert.equal((await send('patch', maps, map({ x: '1' }), { fieldValidation: 'Ignore' })).known, false);
    const other = await send('patch', maps, map({ x: '1' }), { fieldManager: 'other' });
    assert.equal(other.known, false);
    assert.deepEqual(other.object.metadata.managedFields?.map(({ manager }) => manager).sort(), ['me', 'other']);
  });

  it('is known of several managers at a time', async () => {
    const query = (manager: string) => ({ fieldManager: manager });
    for (const manager of ['a', 'b']) await send('patch', maps, map({ x: '1' }), query(manager));
    for (const manager of ['a', 'b']) await send('patch', maps, map({ x: '1' }), query(manager));
    for (const manager of ['a', 'b']) {
      assert.equal((await send('patch', maps, map({ x: '1' }), query(manager))).known, true);
    }
  });

  it('is done again when somebody else has written between', async () => {
    await settle(map({ x: '1' }));
    const changed = await send('update', maps, map({ x: '2' }), {}, 'application/json');
    assert.deepEqual(changed.object.data, { x: '2' });
    const message = 'Apply failed with 1 conflict: conflict with "test" using v1: .data.x';
    await assert.rejects(send('patch', maps, map({ x: '1' })), { code: 409, message });
    const forced = await send('patch', maps, map({ x: '1' }), { force: 'true' });
    assert.deepEqual([forced.known, forced.object.data], [false, { x: '1' }]);
  });

  it('changes the object when it is no longer the same', async () => {
    await settle(map({ x: '1', y: '1' }));
    assert.deepEqual((await send('patch', maps, map({ x: '1' }))).object.data, { x: '1' });
    const back = await send('patch', maps, map({ x: '1', y: '1' }));
    assert.deepEqual([back.known, back.object.data], [false, { x: '1', y: '1' }]);
  });

  it('gives the same warnings every time', async () => {
    const body = '{"apiVersion":"v1","kind":"Endpoints","metadata":{"name":"other","name":"e"}}';
    const endpoints = ['', 'v1', 'endpoints'] as const;
    plugin = {
      mutate: (request) => request.warn('the mutating plugin'),
      validate: (request) => request.warn('the validating plugin'),
    };
    const warnings = [
      'duplicate field "metadata.name"',
      'the mutating plugin',
      'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
      'the validating plugin',
    ];
    for (const known of [false, false, true, true]) {
      const sent = await send('patch', endpoints, body);
      assert.deepEqual([sent.known, sent.warnings], [known, warnings]);
    }
    const quiet = await send('patch', endpoints, body, { fieldValidation: 'Ignore' });
    assert.deepEqual(quiet.warnings, warnings.slice(1));
  });

  describe('and admission', () => {
    const operations = (seen: AdmissionRequest[]) => seen.map(({ operation, name }) => `${operation} ${name}`);

    it('is asked every time, with the object as it is', async () => {
      const seen: AdmissionRequest[] = [];
      plugin = {
        mutate: (request) => void seen.push(request),
        validate: (request) => void seen.push(request),
      };
      const { object } = await settle(map({ x: '1' }));
      assert.deepEqual(operations(seen), ['CREATE a', 'CREATE a', ...Array.from({ length: 4 }, () => 'UPDATE a')]);
      for (const request of seen.slice(-2)) {
        assert.deepEqual(request.object, object);
        assert.deepEqual(request.oldObject, object);
        assert.notEqual(request.object, request.oldObject);
      }
    });

    it('may change the object after all', async () => {
      await settle(map({ x: '1' }));
      plugin = { mutate: ({ object }) => void Object.assign(object!, { data: { x: '1', added: 'yes' } }) };
      const changed = await send('patch', maps, map({ x: '1' }));
      assert.deepEqual(changed.object.data, { x: '1', added: 'yes' });
      // The plugin goes on to change it: nothing is left to write, and nothing is taken to be known.
      const again = await send('patch', maps, map({ x: '1' }));
      assert.deepEqual(again.object, changed.object);
    });

    it('may change it later, and is waited for', async () => {
      await settle(map({ x: '1' }));
      plugin = {
        async mutate({ object }) {
          await new Promise((resolve) => setImmediate(resolve));
          object!.metadata.labels = { seen: 'yes' };
        },
      };
      const { object } = await send('patch', maps, map({ x: '1' }));
      assert.deepEqual(object.metadata.labels, { seen: 'yes' });
    });

    it('may refuse it', async () => {
      await settle(map({ x: '1' }));
      const refused = new StatusError(403, 'Forbidden', 'not today');
      for (const step of ['mutate', 'validate'] as const) {
        plugin = {
          [step]: () => {
            throw refused;
          },
        };
        await assert.rejects(send('patch', maps, map({ x: '1' })), refused);
      }
      plugin = {};
      assert.equal((await send('patch', maps, map({ x: '1' }))).known, true);
    });

    it('sees what is written while it thinks', async () => {
      await settle(map({ x: '1' }));
      let writes = 0;
      plugin = {
        async validate() {
          if (writes++ > 0) return;
          await send('update', maps, map({ x: '2' }), { fieldManager: 'me' }, 'application/json');
        },
      };
      await assert.rejects(send('patch', maps, map({ x: '1' })), { code: 409, reason: 'Conflict' });
    });
  });

  it('is done again under a changed definition', async () => {
    const definitions = ['apiextensions.k8s.io', 'v1', 'customresourcedefinitions'] as const;
    const things = ['example.com', 'v1', 'widgets'] as const;
    const widget = { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'w' }, spec: { replicas: 1 } };
    const schema = (spec: object) => ({
      version: {
        schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: spec } } } },
      },
    });
    const replicas = { type: 'integer' };
    await send('create', definitions, widgets(schema({ replicas })), {}, 'application/json');
    await eventually(() => server.registry.get('example.com', 'widgets') !== undefined);
    await settle(widget, things);
    const { type } = server.registry.get('example.com', 'widgets')!;
    const color = { type: 'string', default: 'red' };
    await send('patch', definitions, widgets(schema({ replicas, color })), { force: 'true' });
    await eventually(() => server.registry.get('example.com', 'widgets')!.type !== type);
    const { object, known } = await send('patch', things, widget);
    assert.deepEqual([object.spec, known], [{ replicas: 1, color: 'red' }, false]);
  });
});

async function eventually(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
