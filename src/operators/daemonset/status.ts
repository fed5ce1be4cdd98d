/** A DaemonSet's status. Source: `updateDaemonSetStatus` in Kubernetes' daemon_controller.go. */
import type * as k8s from '@kubernetes/client-node';
import type { Wire } from '../../apis/types.ts';
import type { DaemonSet, Pod } from '../../client/kinds.ts';
import { nonZero } from '../workload/counts.ts';
import { availableFrom, isPodReady } from '../workload/pods.ts';
import { byAge, isUpdated } from './pods.ts';

export type DaemonSetStatus = Wire<k8s.V1DaemonSetStatus>;

/** The status, and when it changes without any pod changing: the next pod to have been ready for long enough. */
export function daemonSetStatus(
  set: DaemonSet,
  pods: ReadonlyMap<string, readonly Pod[]>,
  /** Every node, and whether it wants a pod. */
  nodes: ReadonlyMap<string, boolean>,
  hash: string,
  collisionCount: number | undefined,
  now: number,
): { status: DaemonSetStatus; nextChange: number | undefined } {
  const counts = { desired: 0, current: 0, misscheduled: 0, ready: 0, updated: 0, available: 0 };
  let nextChange: number | undefined;
  for (const [node, wanted] of nodes) {
    const [pod] = [...(pods.get(node) ?? [])].sort(byAge);
    if (!wanted) {
      if (pod !== undefined) counts.misscheduled += 1;
      continue;
    }
    counts.desired += 1;
    if (pod === undefined) continue;
    counts.current += 1;
    if (isUpdated(pod, set, hash)) counts.updated += 1;
    if (!isPodReady(pod)) continue;
    counts.ready += 1;
    const from = availableFrom(pod, set.spec?.minReadySeconds ?? 0);
    if (from === undefined) continue;
    if (from <= now) counts.available += 1;
    else nextChange = Math.min(nextChange ?? from, from);
  }
  const status: DaemonSetStatus = {
    ...(set.status?.conditions === undefined ? {} : { conditions: set.status.conditions }),
    currentNumberScheduled: counts.current,
    numberMisscheduled: counts.misscheduled,
    desiredNumberScheduled: counts.desired,
    numberReady: counts.ready,
    ...nonZero({
      observedGeneration: set.metadata.generation ?? 0,
      updatedNumberScheduled: counts.updated,
      numberAvailable: counts.available,
      numberUnavailable: counts.desired - counts.available,
    }),
    ...(collisionCount === undefined ? {} : { collisionCount }),
  };
  return { status, nextChange };
}
