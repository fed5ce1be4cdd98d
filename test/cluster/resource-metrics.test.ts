import assert from 'node:assert/strict';
import { systemClock } from '../../src/clock/clock.ts';
import { type NodeMeter, ResourceMetrics } from '../../src/cluster/resource-metrics.ts';
import type { ResourceUsage } from '../../src/node/agent/resource-usage.ts';
import { silentLogger } from '../../src/runtime/logger.ts';

const usage = (time: number, ...containers: string[]): ResourceUsage => ({
  node: { time, cpuNanoseconds: time * 1e6, memoryBytes: 1 },
  containers: containers.map((container) => ({
    namespace: 'default',
    pod: 'web',
    container,
    startedAt: 0,
    time,
    cpuNanoseconds: time * 5e5,
    memoryBytes: 2,
  })),
});

describe('metrics of a cluster', () => {
  const metricsOf = (resourceUsage: NodeMeter['resourceUsage'], resolution = 15_000) =>
    new ResourceMetrics({ meter: { resourceUsage }, clock: systemClock, log: silentLogger, resolution });

  it('begin with the second measurement', async () => {
    let time = 100_000;
    const metrics = metricsOf(async () => usage(time, 'main'));
    await metrics.measure(['a']);
    assert.deepEqual([metrics.node('a'), metrics.pod('default', 'web')], [undefined, undefined]);
    time += 10_000;
    await metrics.measure(['a']);
    assert.deepEqual(metrics.node('a'), { time, windowMilliseconds: 10_000, cpuNanocores: 1e9, memoryBytes: 1 });
    assert.deepEqual(metrics.pod('default', 'web'), {
      time,
      windowMilliseconds: 10_000,
      containers: [{ name: 'main', cpuNanocores: 5e8, memoryBytes: 2 }],
    });
    assert.deepEqual([metrics.node('b'), metrics.pod('other', 'web')], [undefined, undefined]);
  });

  it('leave out a pod until each of its containers is measured', async () => {
    let now = usage(100_000, 'main');
    const metrics = metricsOf(async () => now);
    await metrics.measure(['a']);
    now = usage(110_000, 'main', 'late');
    await metrics.measure(['a']);
    assert.equal(metrics.pod('default', 'web'), undefined);
    now = usage(120_000, 'main', 'late');
    await metrics.measure(['a']);
    assert.equal(metrics.pod('default', 'web')?.containers.length, 2);
  });

  it('leave out a node that is away, and keep the others', async () => {
    let time = 100_000;
    let away = false;
    const metrics = metricsOf(async (name) => {
      if (away && name === 'a') throw new Error('connect ECONNREFUSED');
      return usage(time, ...(name === 'a' ? ['main'] : []));
    });
    await metrics.measure(['a', 'b']);
    time += 10_000;
    await metrics.measure(['a', 'b']);
    assert.ok(metrics.node('a') && metrics.pod('default', 'web'));
    away = true;
    time += 10_000;
    await metrics.measure(['a', 'b']);
    assert.deepEqual([metrics.node('a'), metrics.pod('default', 'web')], [undefined, undefined]);
    assert.ok(metrics.node('b'));
  });

  it('do not wait for a node that says nothing', async () => {
    const silent: NodeMeter['resourceUsage'] = (_name, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    const metrics = metricsOf(silent, 15);
    await metrics.measure(['a']);
    assert.equal(metrics.node('a'), undefined);
  });

  it('ask a few nodes at a time', async () => {
    let asked = 0;
    let most = 0;
    const metrics = metricsOf(async () => {
      most = Math.max(most, ++asked);
      await new Promise(setImmediate);
      asked--;
      return usage(1);
    });
    await metrics.measure(Array.from({ length: 100 }, (_, index) => `node-${index}`));
    assert.equal(most, 16);
  });
});
