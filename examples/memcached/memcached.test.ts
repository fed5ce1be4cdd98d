import assert from 'node:assert/strict';
import { Deployment, Manager } from 'setpoint';
import { startTestCluster, type TestCluster } from 'setpoint/testing';
import { addMemcached, Memcached } from './memcached.ts';

describe('the memcached operator', () => {
  let cluster: TestCluster;
  let manager: Manager;

  beforeEach(async () => {
    cluster = await startTestCluster({ resources: [Memcached], controllers: ['*'], nodes: 1 });
    manager = new Manager({ transport: cluster.transport });
    addMemcached(manager);
    await manager.start();
  });
  afterEach(async () => {
    await manager.stop();
    await cluster.stop();
  });

  it('runs as many instances as were asked for', async () => {
    const memcacheds = cluster.client.resource(Memcached);
    await memcacheds.create({ metadata: { name: 'small', namespace: 'default' }, spec: { size: 3, memory: '64Mi' } });
    const small = await cluster.eventually(async () => {
      const now = await memcacheds.get({ namespace: 'default', name: 'small' });
      return now.status?.ready === 3 && now;
    });
    assert.equal(small.status?.conditions?.[0]?.message, '3 of 3 are ready');
  });

  it('mends what others break', async () => {
    const key = { namespace: 'default', name: 'small' };
    await cluster.client.resource(Memcached).create({ metadata: key, spec: { size: 1, memory: '64Mi' } });
    const deployments = cluster.client.resource(Deployment);
    await cluster.eventually(() => deployments.get(key));
    await deployments.patch(key, { spec: { replicas: 7 } });
    await cluster.eventually(async () => (await deployments.get(key)).spec?.replicas === 1);
  });

  it('refuses what the rules forbid', async () => {
    await assert.rejects(
      cluster.client
        .resource(Memcached)
        .create({ metadata: { name: 'huge', namespace: 'default' }, spec: { size: 6, memory: '2Gi' } }),
      /Memcached\.cache\.example\.com "huge" is invalid: <nil>: Invalid value: at most five instances of a gigabyte or more/,
    );
  });
});
