/**
 * From totals to rates, as metrics-server makes them: what was used between two measurements, or, by a container that has
 * just started, since its start. Source: metrics-server's `pkg/storage`.
 */
import { type ContainerSample, type ResourceUsage, sampleKey, type UsageSample } from './agent/resource-usage.ts';

/** What was used on average over a window that ended at `time`. */
export interface RatedUsage {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly windowMilliseconds: number;
  /** Billionths of a core. */
  readonly cpuNanocores: number;
  readonly memoryBytes: number;
}

export interface RatedResources {
  readonly node: RatedUsage | undefined;
  /** By `<namespace>/<pod>`, then by container; what has no rate yet is left out. */
  readonly pods: ReadonlyMap<string, ReadonlyMap<string, RatedUsage>>;
}

/** A container must have run so long before its start makes a rate, in parts of the time between measurements. */
const freshPart = 2 / 3;

/** `resolution`: the milliseconds between measurements. */
export function rateUsage(usage: ResourceUsage, before: ResourceUsage | undefined, resolution: number): RatedResources {
  const earlier = new Map(before?.containers.map((sample) => [sampleKey(sample), sample]));
  const pods = new Map<string, Map<string, RatedUsage>>();
  for (const sample of usage.containers) {
    const rated = rate(sample, earlier.get(sampleKey(sample))) ?? rateSinceStart(sample, resolution);
    if (rated === undefined) continue;
    const key = `${sample.namespace}/${sample.pod}`;
    const containers = pods.get(key) ?? new Map<string, RatedUsage>();
    pods.set(key, containers.set(sample.container, rated));
  }
  return { node: rate(usage.node, before?.node), pods };
}

/** Nanoseconds per second; `undefined` when nothing can be said. */
export function cpuRate(before: UsageSample, now: UsageSample): number | undefined {
  const milliseconds = now.time - before.time;
  const used = now.cpuNanoseconds - before.cpuNanoseconds;
  return milliseconds <= 0 || used < 0 ? undefined : (used * 1000) / milliseconds;
}

function rate(now: UsageSample, before: UsageSample | undefined): RatedUsage | undefined {
  const cpuNanocores = before === undefined ? undefined : cpuRate(before, now);
  if (before === undefined || cpuNanocores === undefined) return undefined;
  const { time, memoryBytes } = now;
  return { time, windowMilliseconds: time - before.time, cpuNanocores, memoryBytes };
}

function rateSinceStart(now: ContainerSample, resolution: number): RatedUsage | undefined {
  const age = now.time - now.startedAt;
  if (age < resolution * freshPart || age >= resolution) return undefined;
  return rate(now, { time: now.startedAt, cpuNanoseconds: 0, memoryBytes: 0 });
}
