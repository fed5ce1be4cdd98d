/** What a node and its containers have used up to now. Rates come of two such measurements. */
import type { Pod } from '../../apis/types.ts';
import type { ContainerRuntime } from '../container-runtime.ts';

export interface UsageSample {
  /** When it was taken, in milliseconds since the epoch. */
  readonly time: number;
  /** CPU time since the beginning, in nanoseconds. */
  readonly cpuNanoseconds: number;
  /** The working set. */
  readonly memoryBytes: number;
}

export interface ContainerSample extends UsageSample {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
}

export interface ResourceUsage {
  readonly node: UsageSample;
  /** Those that run. */
  readonly containers: readonly ContainerSample[];
}

export async function resourceUsage(
  runtime: ContainerRuntime,
  pods: readonly Pod[],
  now: () => number,
): Promise<ResourceUsage> {
  const [node, stats] = await Promise.all([runtime.nodeStats(), runtime.stats()]);
  const time = now();
  const byId = new Map(stats.map((used) => [used.containerId, used]));
  const containers = pods.flatMap(({ metadata: { namespace = '', name: pod = '' }, status }) =>
    [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].flatMap((container) => {
      const { startedAt } = container.state?.running ?? {};
      const used = byId.get((container.containerID ?? '').replace(/^.*:\/\//, ''));
      if (used === undefined || startedAt === undefined) return [];
      const { cpuNanoseconds, memoryBytes } = used;
      return [
        {
          namespace,
          pod,
          container: container.name,
          startedAt: Date.parse(startedAt),
          time,
          cpuNanoseconds,
          memoryBytes,
        },
      ];
    }),
  );
  return { node: { ...node, time }, containers };
}

/** By `<namespace>/<pod>`. */
export function samplesByPod(samples: readonly ContainerSample[]): Map<string, ContainerSample[]> {
  const pods = new Map<string, ContainerSample[]>();
  for (const sample of samples) {
    const key = `${sample.namespace}/${sample.pod}`;
    const own = pods.get(key);
    if (own === undefined) pods.set(key, [sample]);
    else own.push(sample);
  }
  return pods;
}

/** Of a container as it runs now: one that was started again is another. */
export const sampleKey = ({ namespace, pod, container, startedAt }: ContainerSample): string =>
  `${namespace}/${pod}/${container}/${startedAt}`;
