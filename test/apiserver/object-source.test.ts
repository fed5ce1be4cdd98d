/** The server's objects as those see them who decide about every request. */
import assert from 'node:assert/strict';
import { configMapType, namespaceType } from '../../src/apis/index.ts';
import type { ObjectHandler } from '../../src/apis/object-source.ts';
import { createServer } from '../../src/apiserver/server.ts';
import { createClient } from '../../src/client/client.ts';
import { inProcessTransport } from '../../src/client/in-process.ts';
import { ConfigMap, Pod } from '../../src/client/kinds.ts';
import { openMemoryStore, type Store } from '../../src/storage/index.ts';
import type { WatchObserver } from '../../src/storage/store.ts';
import { startTestCluster, type TestCluster } from '../../src/testing/test-cluster.ts';

describe('an object source', () => {
  let cluster: TestCluster;
  beforeEach(async () => {
    cluster = await startTestCluster();
  });
  afterEach(() => cluster.stop());

  function recorder(keep = false): { handler: ObjectHandler; seen: string[] } {
    const seen: string[] = [];
    return {
      seen,
      handler: {
        keep,
        set: ({ key, object }) => seen.push(`${key} ${JSON.stringify((object as ConfigMap).data ?? {})}`),
        delete: ({ key }) => seen.push(`${key} gone`),
        reset: () => seen.push('reset'),
      },
    };
  }

  for (const keep of [false, true]) {
    it(`tells what there is, then every change before its write is answered (${keep ? 'kept' : 'parsed'})`, async () => {
      const maps = cluster.client.resource(ConfigMap);
      const key = { namespace: 'default', name: 'a' };
      await maps.create({ metadata: key, data: { v: '1' } });
      const { handler, seen } = recorder(keep);
      await cluster.server.objects.follow({ group: '', plural: 'configmaps' }, handler);
      assert.deepEqual(seen.splice(0), ['default/a {"v":"1"}']);
      await maps.patch(key, { data: { v: '2' } });
      assert.deepEqual(seen.splice(0), ['default/a {"v":"2"}']);
      await maps.delete(key);
      assert.deepEqual(seen.splice(0), ['default/a gone']);
    });
  }

  it('reads fields that selectors may name', async () => {
    const fields: string[] = [];
    await cluster.server.objects.follow(
      { group: '', plural: 'pods' },
      { set: (pod) => fields.push(pod.field('spec.nodeName')), delete: () => undefined, reset: () => undefined },
    );
    const spec = { nodeName: 'n1', containers: [{ name: 'c', image: 'i' }] };
    await cluster.client.resource(Pod).create({ metadata: { namespace: 'default', name: 'p' }, spec });
    assert.deepEqual(fields, ['n1']);
  });

  it('has nothing of kinds that are not served', async () => {
    const { handler, seen } = recorder();
    await cluster.server.objects.follow({ group: 'example.com', plural: 'things' }, handler);
    assert.deepEqual(seen, []);
  });

  it('tells everything again when the store has lost its place', async () => {
    const store = openMemoryStore();
    const observers: WatchObserver[] = [];
    const fragile = new Proxy(store, {
      get(target, name) {
        if (name !== 'watch')
          return (...given: never[]) => (target[name as keyof Store] as (...all: never[]) => unknown)(...given);
        return (prefix: string, from: number, observer: WatchObserver) => {
          observers.push(observer);
          return target.watch(prefix, from, observer);
        };
      },
    });
    const server = createServer({ store: fragile, types: [configMapType, namespaceType] });
    await server.start();
    const client = createClient(inProcessTransport(server, { user: { name: 'root', groups: ['system:masters'] } }));
    await client.resource(ConfigMap).create({ metadata: { namespace: 'default', name: 'a' } });
    const { handler, seen } = recorder();
    const told = new Promise<void>((resolve) => {
      const { set } = handler;
      handler.set = (found) => {
        set(found);
        if (seen.length > 2) resolve();
      };
    });
    await server.objects.follow({ group: '', plural: 'configmaps' }, handler);
    for (const observer of observers.splice(0)) observer.error(new Error('cut'));
    await told;
    assert.deepEqual(seen, ['default/a {}', 'reset', 'default/a {}']);
    await server.stop();
    await store.close();
  });
});
