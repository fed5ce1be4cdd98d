/** What controllers ask about a pod. Source: `k8s.io/kubernetes/pkg/api/v1/pod`. */
import type { Pod } from '../../client/kinds.ts';
import { findCondition } from '../../machinery/conditions.ts';

/** Whether it still counts: neither finished nor on its way out. */
export function isPodActive({ metadata, status }: Pod): boolean {
  return status?.phase !== 'Succeeded' && status?.phase !== 'Failed' && metadata.deletionTimestamp === undefined;
}

export function isPodReady({ status }: Pod): boolean {
  return findCondition(status?.conditions, 'Ready')?.status === 'True';
}

/** Since when it is ready, in milliseconds; undefined when it is not, or when its status does not tell. */
export function readySince({ status }: Pod): number | undefined {
  const ready = findCondition(status?.conditions, 'Ready');
  if (ready?.status !== 'True' || ready.lastTransitionTime === undefined) return undefined;
  return Date.parse(ready.lastTransitionTime);
}

/** When it is available (ready for `minReadySeconds`), in milliseconds, should it stay ready; undefined while it is not. */
export function availableFrom(pod: Pod, minReadySeconds: number): number | undefined {
  if (!isPodReady(pod)) return undefined;
  if (minReadySeconds === 0) return Number.NEGATIVE_INFINITY;
  const since = readySince(pod);
  return since === undefined ? undefined : since + minReadySeconds * 1000;
}

export function isPodAvailable(pod: Pod, minReadySeconds: number, now: number): boolean {
  const from = availableFrom(pod, minReadySeconds);
  return from !== undefined && from <= now;
}
