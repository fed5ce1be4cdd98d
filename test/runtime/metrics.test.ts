import assert from 'node:assert/strict';
import { Registry } from 'prom-client';
import { ConfigMap } from '../../src/client/index.ts';
import { createVirtualClock } from '../../src/clock/virtual.ts';
import { Manager, prometheusMetrics, requeueAfter } from '../../src/runtime/index.ts';
import { FakeServer } from '../client/fake-server.ts';

describe('metrics', () => {
  it('count reconciles and the queue under controller-runtime’s names', async () => {
    const server = new FakeServer(ConfigMap);
    const clock = createVirtualClock();
    const registry = new Registry();
    const manager = new Manager({
      transport: server.transport,
      clock,
      metrics: await prometheusMetrics(registry),
    });
    for (const name of ['good', 'bad', 'later']) server.put(ConfigMap, { metadata: { namespace: 'a', name } });
    let failures = 2;
    manager.controller('maps', { for: ConfigMap }).reconcile(({ metadata }) => {
      if (metadata.name === 'bad' && failures-- > 0) throw new Error('bad');
      if (metadata.name === 'later') return requeueAfter('1h');
    });
    const start = manager.start();
    await clock.settle();
    await start;
    await clock.advance(1_000);
    const value = async (name: string, labels: Record<string, string>): Promise<number | undefined> => {
      const { values } = (await registry.getSingleMetric(name)!.get()) as {
        values: { value: number; labels: Record<string, string>; metricName?: string }[];
      };
      return values.find((entry) => Object.entries(labels).every(([label, text]) => entry.labels[label] === text))
        ?.value;
    };
    const controller = 'maps';
    assert.equal(await value('controller_runtime_reconcile_total', { controller, result: 'success' }), 2);
    assert.equal(await value('controller_runtime_reconcile_total', { controller, result: 'requeue_after' }), 1);
    assert.equal(await value('controller_runtime_reconcile_total', { controller, result: 'error' }), 2);
    assert.equal(await value('controller_runtime_reconcile_errors_total', { controller }), 2);
    assert.equal(await value('controller_runtime_active_workers', { controller }), 0);
    assert.equal(await value('workqueue_adds_total', { name: controller }), 5);
    assert.equal(await value('workqueue_retries_total', { name: controller }), 2);
    assert.equal(await value('workqueue_depth', { name: controller }), 0);
    assert.match(await registry.metrics(), /controller_runtime_reconcile_time_seconds_count\{controller="maps"\} 5/);
    assert.match(await registry.metrics(), /workqueue_work_duration_seconds_count\{name="maps",controller="maps"\} 5/);
    await manager.stop();
  });
});
