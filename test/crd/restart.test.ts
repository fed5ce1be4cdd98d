import assert from 'node:assert/strict';
import type { ApiServer } from '../../src/apiserver/server.ts';
import { createClient } from '../../src/client/client.ts';
import { inProcessTransport } from '../../src/client/in-process.ts';
import { systemClock } from '../../src/clock/clock.ts';
import { clusterServer } from '../../src/cluster/api-role.ts';
import { NodeDirectory } from '../../src/cluster/node-directory.ts';
import type { ApiObject } from '../../src/machinery/object.ts';
import { silentLogger } from '../../src/runtime/logger.ts';
import { openMemoryStore } from '../../src/storage/index.ts';
import type { Store } from '../../src/storage/store.ts';
import { widgets } from '../apiserver/support/api.ts';

const widget = (name: string, extra: Partial<ApiObject> = {}): ApiObject => ({
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  ...extra,
  metadata: { name, namespace: 'default', ...extra.metadata },
});

describe('custom resources of a server that starts again', () => {
  let store: Store;
  const servers: ApiServer[] = [];
  beforeEach(() => {
    store = openMemoryStore({ clock: systemClock });
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.stop();
    await store.close();
  });

  const start = async () => {
    const server = clusterServer({ store, clock: systemClock, log: silentLogger, nodes: new NodeDirectory() });
    servers.push(server);
    await server.start();
    const user = { name: 'admin', groups: ['system:masters'] };
    const client = createClient(inProcessTransport(server, { user }));
    const create = async (object: ApiObject) => await (await client.dynamic(object)).create(object);
    return { server, client, create };
  };
  const until = async (condition: () => boolean): Promise<void> => {
    for (let turn = 0; !condition(); turn++) {
      assert.ok(turn < 1000, 'the condition did not hold');
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const served = (server: ApiServer) => server.registry.get('example.com', 'widgets');
  const namespace: ApiObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } };

  it('are served from the start, with the defaults of today', async () => {
    const first = await start();
    await first.create(namespace);
    await first.create(widgets());
    await until(() => served(first.server) !== undefined);
    // As an older schema, or another program, has stored it.
    const stored = { ...widget('old'), spec: { unknown: true, replicas: 2 } };
    const key = `${served(first.server)!.store.prefix('default')}old`;
    await store.txn([{ key, modRevision: 0 }], [{ type: 'put', key, value: Buffer.from(JSON.stringify(stored)) }]);
    await first.server.stop();
    const second = await start();
    assert.notEqual(served(second.server), undefined);
    const object = await (await second.client.dynamic(widget('old'))).get({ name: 'old', namespace: 'default' });
    assert.deepEqual(object.spec, { replicas: 2, color: 'red' });
  });

  it('go on going when their definition was being deleted', async () => {
    const first = await start();
    await first.create(namespace);
    const definition = await first.create(widgets());
    await until(() => served(first.server) !== undefined);
    await first.create(widget('held', { metadata: { finalizers: ['example.com/hold'] } }));
    await (await first.client.dynamic(definition)).delete({ name: definition.metadata.name! });
    await until(() => served(first.server)?.type.terminating === true);
    await first.server.stop();

    const { server, client } = await start();
    assert.equal(served(server)?.type.terminating, true);
    const held = await (await client.dynamic(widget('held'))).get({ name: 'held', namespace: 'default' });
    assert.notEqual(held.metadata.deletionTimestamp, undefined);
    const { finalizers: _, ...metadata } = held.metadata;
    await (await client.dynamic(held)).update({ ...held, metadata });
    await until(() => served(server) === undefined);
    const definitions = server.registry.get('apiextensions.k8s.io', 'customresourcedefinitions')!.store;
    await until(() => definitions.cache.size === 0);
  });

  it('are the same for two servers over one store', async () => {
    const [one, two] = [await start(), await start()];
    await one.create(namespace);
    await one.create(widgets());
    await until(() => served(one.server) !== undefined && served(two.server) !== undefined);
    await two.create(widget('shared'));
    const object = await (await one.client.dynamic(widget('shared'))).get({ name: 'shared', namespace: 'default' });
    assert.equal(object.metadata.name, 'shared');
    const definition = await (await two.client.dynamic(widgets())).get({ name: 'widgets.example.com' });
    await (await two.client.dynamic(definition)).delete({ name: 'widgets.example.com' });
    await until(() => served(one.server) === undefined && served(two.server) === undefined);
  });
});
