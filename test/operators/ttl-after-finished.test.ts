import assert from 'node:assert/strict';
import { Job } from '../../src/client/kinds.ts';
import { startCluster } from './cluster.ts';

describe('the TTL-after-finished controller', () => {
  it('deletes a job so long after its end, and no other', async () => {
    const cluster = await startCluster('ttl-after-finished-controller', 'garbage-collector-controller');
    const jobs = cluster.client.resource(Job);
    const names = async () => (await jobs.list()).items.map(({ metadata }) => metadata.name).sort();
    const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'busybox' }] } };
    for (const [name, ttl] of [
      ['soon', 10],
      ['later', 60],
      ['never', undefined],
      ['running', 10],
    ] as const) {
      const spec = { template, ...(ttl === undefined ? {} : { ttlSecondsAfterFinished: ttl }) };
      await jobs.create({ metadata: { namespace: 'default', name }, spec });
      if (name === 'running') continue;
      const condition = { type: 'Complete', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' };
      await jobs.patchStatus({ namespace: 'default', name }, { status: { conditions: [condition] } });
    }
    await cluster.clock.advance(9_999);
    assert.deepEqual(await names(), ['later', 'never', 'running', 'soon']);
    await cluster.clock.advance(100);
    assert.deepEqual(await names(), ['later', 'never', 'running']);
    await cluster.clock.advance(60_000);
    assert.deepEqual(await names(), ['never', 'running']);
    assert.deepEqual(cluster.errors, []);
    await cluster.stop();
  });
});
