/** A StatefulSet's status. Source: Kubernetes' stateful_set_control.go. */
import type * as k8s from '@kubernetes/client-node';
import type { Wire } from '../../apis/types.ts';
import type { Pod, StatefulSet } from '../../client/kinds.ts';
import { nonZero } from '../workload/counts.ts';
import { availableFrom } from '../workload/pods.ts';
import { revisionOf } from './identity.ts';
import { isRunningAndReady, type Revisions } from './update.ts';

export type StatefulSetStatus = Wire<k8s.V1StatefulSetStatus>;

/** The status, and when it changes without any pod changing: the next pod to have been ready for long enough. */
export function statefulSetStatus(
  set: StatefulSet,
  pods: readonly Pod[],
  { current, update }: Revisions,
  collisionCount: number,
  now: number,
): { status: StatefulSetStatus; nextChange: number | undefined } {
  const { name: currentName = '' } = current.metadata;
  const { name: updateRevision = '' } = update.metadata;
  let readyReplicas = 0;
  let availableReplicas = 0;
  let currentReplicas = 0;
  let updatedReplicas = 0;
  let nextChange: number | undefined;
  for (const pod of pods) {
    if (pod.metadata.deletionTimestamp === undefined) {
      if (revisionOf(pod) === currentName) currentReplicas += 1;
      if (revisionOf(pod) === updateRevision) updatedReplicas += 1;
    }
    if (!isRunningAndReady(pod)) continue;
    readyReplicas += 1;
    const from = availableFrom(pod, set.spec?.minReadySeconds ?? 0);
    if (from === undefined) continue;
    if (from <= now) availableReplicas += 1;
    else nextChange = Math.min(nextChange ?? from, from);
  }
  const wanted = set.spec?.replicas ?? 1;
  const complete =
    set.spec?.updateStrategy?.type === 'RollingUpdate' &&
    updatedReplicas === wanted &&
    readyReplicas === wanted &&
    pods.length === wanted;
  const status: StatefulSetStatus = {
    ...(set.status?.conditions === undefined ? {} : { conditions: set.status.conditions }),
    replicas: pods.length,
    availableReplicas,
    ...nonZero({
      observedGeneration: set.metadata.generation ?? 0,
      readyReplicas,
      currentReplicas: complete ? updatedReplicas : currentReplicas,
      updatedReplicas,
    }),
    currentRevision: complete ? updateRevision : currentName,
    updateRevision,
    collisionCount,
  };
  return { status, nextChange };
}
