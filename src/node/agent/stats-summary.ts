/** Kubelet's `/stats/summary`, as far as runtimes measure. Source: `k8s.io/kubelet/pkg/apis/stats/v1alpha1`. */
import { freemem, loadavg, totalmem } from 'node:os';
import type { Pod } from '../../apis/types.ts';
import { formatTime } from '../../clock/clock.ts';
import type { JsonObject } from '../../machinery/json.ts';
import type { ContainerRuntime } from '../container-runtime.ts';

export async function statsSummary(
  nodeName: string,
  runtime: ContainerRuntime,
  pods: readonly Pod[],
  now: number,
): Promise<JsonObject> {
  const time = formatTime(now);
  const usage = new Map((await runtime.stats()).map((stats) => [stats.containerId, stats]));
  return {
    node: {
      nodeName,
      startTime: time,
      cpu: { time, usageNanoCores: Math.round((loadavg()[0] ?? 0) * 1e9) },
      memory: { time, workingSetBytes: totalmem() - freemem() },
    },
    pods: pods.map((pod) => {
      const { name = '', namespace = '', uid = '' } = pod.metadata;
      const containers: JsonObject[] = [];
      let cpu = 0;
      let memory = 0;
      for (const status of pod.status?.containerStatuses ?? []) {
        const used = usage.get((status.containerID ?? '').replace(/^.*:\/\//, ''));
        if (used === undefined) continue;
        cpu += used.cpuNanoseconds;
        memory += used.memoryBytes;
        containers.push({
          name: status.name,
          startTime: status.state?.running?.startedAt ?? time,
          cpu: { time, usageCoreNanoSeconds: used.cpuNanoseconds },
          memory: { time, workingSetBytes: used.memoryBytes },
        });
      }
      return {
        podRef: { name, namespace, uid },
        startTime: pod.status?.startTime ?? time,
        containers,
        cpu: { time, usageCoreNanoSeconds: cpu },
        memory: { time, workingSetBytes: memory },
      };
    }),
  };
}
