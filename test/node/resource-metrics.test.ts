import assert from 'node:assert/strict';
import fc from 'fast-check';
import { formatResourceMetrics, parseResourceMetrics } from '../../src/node/agent/resource-metrics.ts';
import type { ContainerSample, ResourceUsage } from '../../src/node/agent/resource-usage.ts';
import { statsSummary } from '../../src/node/agent/stats-summary.ts';
import { rateUsage } from '../../src/node/usage-rate.ts';

const second = 1e9;
const resolution = 15_000;

function usage(time: number, cpuSeconds: number, ...containers: Partial<ContainerSample>[]): ResourceUsage {
  const sample = { namespace: 'default', pod: 'web', container: 'main', startedAt: 0, memoryBytes: 1024, time };
  return {
    node: { time, cpuNanoseconds: cpuSeconds * second, memoryBytes: 4096 },
    containers: containers.map((container) => ({ ...sample, cpuNanoseconds: 0, ...container })),
  };
}

describe('/metrics/resource', () => {
  it('is what kubelet writes', () => {
    const two = usage(5000, 7.5, { cpuNanoseconds: 2 * second, startedAt: 1500 }, { container: 'proxy' });
    assert.equal(
      formatResourceMetrics(two),
      `# HELP container_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the container in core-seconds
# TYPE container_cpu_usage_seconds_total counter
container_cpu_usage_seconds_total{container="main",namespace="default",pod="web"} 2 5000
container_cpu_usage_seconds_total{container="proxy",namespace="default",pod="web"} 0 5000
# HELP container_memory_working_set_bytes [STABLE] Current working set of the container in bytes
# TYPE container_memory_working_set_bytes gauge
container_memory_working_set_bytes{container="main",namespace="default",pod="web"} 1024 5000
container_memory_working_set_bytes{container="proxy",namespace="default",pod="web"} 1024 5000
# HELP container_start_time_seconds [STABLE] Start time of the container since unix epoch in seconds
# TYPE container_start_time_seconds gauge
container_start_time_seconds{container="main",namespace="default",pod="web"} 1.5
container_start_time_seconds{container="proxy",namespace="default",pod="web"} 0
# HELP node_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the node in core-seconds
# TYPE node_cpu_usage_seconds_total counter
node_cpu_usage_seconds_total 7.5 5000
# HELP node_memory_working_set_bytes [STABLE] Current working set of the node in bytes
# TYPE node_memory_working_set_bytes gauge
node_memory_working_set_bytes 4096 5000
# HELP pod_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the pod in core-seconds
# TYPE pod_cpu_usage_seconds_total counter
pod_cpu_usage_seconds_total{namespace="default",pod="web"} 2 5000
# HELP pod_memory_working_set_bytes [STABLE] Current working set of the pod in bytes
# TYPE pod_memory_working_set_bytes gauge
pod_memory_working_set_bytes{namespace="default",pod="web"} 2048 5000
# HELP resource_scrape_error [STABLE] 1 if there was an error while getting container metrics, 0 otherwise
# TYPE resource_scrape_error gauge
resource_scrape_error 0
`,
    );
  });

  it('is read as it was written', () => {
    const natural = fc.nat({ max: 2 ** 31 });
    const container = fc.record({
      container: fc.string(),
      pod: fc.string(),
      namespace: fc.string(),
      memoryBytes: natural,
    });
    const key = (one: { container: string; pod: string; namespace: string }) =>
      `${one.namespace}/${one.pod}/${one.container}`;
    fc.assert(
      fc.property(natural, natural, fc.uniqueArray(container, { selector: key }), (time, seconds, containers) => {
        const measured = usage(time, seconds, ...containers);
        assert.deepEqual(parseResourceMetrics(formatResourceMetrics(measured)), measured);
      }),
    );
  });

  it('is not read from something else', () => {
    assert.throws(() => parseResourceMetrics('404 page not found'), { message: 'no metrics of the node' });
  });

  it('may hold what is not known here, and containers that are half measured', () => {
    const text = `node_cpu_usage_seconds_total 1 5000
node_memory_working_set_bytes 2 5000
node_swap_usage_bytes 0 5000
container_cpu_usage_seconds_total{container="c",namespace="n",pod="p"} 1 5000
`;
    assert.deepEqual(parseResourceMetrics(text).containers, []);
  });
});

describe('rates of usage', () => {
  const rates = (now: ResourceUsage, before?: ResourceUsage) => {
    const { node, pods } = rateUsage(now, before, resolution);
    return { node: node?.cpuNanocores, web: pods.get('default/web')?.get('main') };
  };

  it('need two measurements', () => {
    const first = usage(100_000, 10, { cpuNanoseconds: second });
    assert.deepEqual(rates(first), { node: undefined, web: undefined });
    const second_ = usage(110_000, 15, { cpuNanoseconds: 6 * second, memoryBytes: 7 });
    assert.deepEqual(rates(second_, first), {
      node: 0.5e9,
      web: { time: 110_000, windowMilliseconds: 10_000, cpuNanocores: 0.5e9, memoryBytes: 7 },
    });
  });

  it('of a container that has just started begin with its start', () => {
    const started = (startedAt: number) => rates(usage(100_000, 1, { startedAt, cpuNanoseconds: 6 * second })).web;
    assert.deepEqual([started(88_000)?.cpuNanocores, started(88_000)?.windowMilliseconds], [0.5e9, 12_000]);
    assert.equal(started(95_000), undefined);
    assert.equal(started(80_000), undefined);
  });

  it('begin anew with a container that was started again, or a count that fell', () => {
    const before = usage(100_000, 10, { cpuNanoseconds: 5 * second });
    assert.equal(rates(usage(110_000, 11, { startedAt: 109_000, cpuNanoseconds: 6 * second }), before).web, undefined);
    assert.deepEqual(rates(usage(110_000, 9, { cpuNanoseconds: second }), before), { node: undefined, web: undefined });
    assert.deepEqual(rates(before, before), { node: undefined, web: undefined });
  });
});

describe('/stats/summary', () => {
  const pods = [{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'default', uid: 'u' } }] as const;
  const before = usage(100_000, 10, { cpuNanoseconds: second }, { container: 'proxy' });
  const now = usage(110_000, 15, { cpuNanoseconds: 6 * second }, { container: 'proxy', cpuNanoseconds: second });

  it('tells totals, and rates since the last time', () => {
    const time = '1970-01-01T00:01:50Z';
    const figures = (nanoCores: number, seconds: number, bytes: number) => ({
      cpu: { time, usageNanoCores: nanoCores, usageCoreNanoSeconds: seconds * second },
      memory: { time, workingSetBytes: bytes },
    });
    const startTime = '1970-01-01T00:00:00Z';
    assert.deepEqual(statsSummary('node-1', now, before, pods), {
      node: { nodeName: 'node-1', startTime: time, ...figures(0.5e9, 15, 4096) },
      pods: [
        {
          podRef: { name: 'web', namespace: 'default', uid: 'u' },
          startTime: time,
          containers: [
            { name: 'main', startTime, ...figures(0.5e9, 6, 1024) },
            { name: 'proxy', startTime, ...figures(0.1e9, 1, 1024) },
          ],
          ...figures(0.6e9, 7, 2048),
        },
      ],
    });
  });

  it('tells no rates the first time', () => {
    assert.doesNotMatch(JSON.stringify(statsSummary('node-1', now, undefined, pods)), /usageNanoCores/);
  });
});
