/** Kubelet's `/stats/summary`, as far as runtimes measure. Source: `k8s.io/kubelet/pkg/apis/stats/v1alpha1`. */
import type { Pod } from '../../apis/types.ts';
import { formatTime } from '../../clock/clock.ts';
import type { JsonObject } from '../../machinery/json.ts';
import { cpuRate } from '../usage-rate.ts';
import { type ResourceUsage, sampleKey, samplesByPod, type UsageSample } from './resource-usage.ts';

/** `before`: an earlier measurement, for `usageNanoCores`; without one only totals are told. */
export function statsSummary(
  nodeName: string,
  usage: ResourceUsage,
  before: ResourceUsage | undefined,
  pods: readonly Pod[],
): JsonObject {
  const earlier = new Map(before?.containers.map((sample) => [sampleKey(sample), sample]));
  const byPod = samplesByPod(usage.containers);
  const startTime = formatTime(usage.node.time);
  return {
    node: { nodeName, startTime, ...figures(usage.node, rateOf(usage.node, before?.node)) },
    pods: pods.map(({ metadata: { name = '', namespace = '', uid = '' }, status }) => {
      const own = byPod.get(`${namespace}/${name}`) ?? [];
      const rates = own.map((sample) => rateOf(sample, earlier.get(sampleKey(sample))));
      const whole = own.reduce(
        (sum, { cpuNanoseconds, memoryBytes }) => ({
          time: usage.node.time,
          cpuNanoseconds: sum.cpuNanoseconds + cpuNanoseconds,
          memoryBytes: sum.memoryBytes + memoryBytes,
        }),
        { time: usage.node.time, cpuNanoseconds: 0, memoryBytes: 0 },
      );
      return {
        podRef: { name, namespace, uid },
        startTime: status?.startTime ?? startTime,
        containers: own.map((sample, index) => ({
          name: sample.container,
          startTime: formatTime(sample.startedAt),
          ...figures(sample, rates[index]),
        })),
        ...figures(whole, rates.includes(undefined) ? undefined : rates.reduce<number>((sum, rate) => sum + rate!, 0)),
      };
    }),
  };
}

const rateOf = (sample: UsageSample, before: UsageSample | undefined): number | undefined =>
  before === undefined ? undefined : cpuRate(before, sample);

function figures({ time, cpuNanoseconds, memoryBytes }: UsageSample, rate: number | undefined): JsonObject {
  const at = formatTime(time);
  const usageNanoCores = rate === undefined ? {} : { usageNanoCores: Math.round(rate) };
  return {
    cpu: { time: at, ...usageNanoCores, usageCoreNanoSeconds: cpuNanoseconds },
    memory: { time: at, workingSetBytes: memoryBytes },
  };
}
