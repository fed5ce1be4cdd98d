/** Deletes old ReplicaSets beyond `revisionHistoryLimit`, the oldest revisions first. Source: Kubernetes' sync.go. */
import { keyOf } from '../../client/definition.ts';
import { ReplicaSet } from '../../client/kinds.ts';
import { isReason } from '../../machinery/status.ts';
import { preconditionsOf } from '../workload/pod-control.ts';
import { revisionOf } from './annotations.ts';
import { byAge } from './replica-sets.ts';
import type { Rollout } from './rollout.ts';
import { replicasOf } from './sizes.ts';

const noLimit = 2 ** 31 - 1;

export async function cleanUp({ deployment, oldReplicaSets, context }: Rollout): Promise<void> {
  const limit = deployment.spec?.revisionHistoryLimit ?? noLimit;
  if (limit === noLimit) return;
  const alive = oldReplicaSets.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  if (alive.length <= limit) return;
  const oldest = [...alive].sort((a, b) => revisionOf(a) - revisionOf(b) || byAge(a, b));
  for (const replicaSet of oldest.slice(0, alive.length - limit)) {
    if (!isIdle(replicaSet)) continue;
    try {
      await context.client.resource(ReplicaSet).delete(keyOf(replicaSet), preconditionsOf(replicaSet));
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
    }
  }
}

/** It has no pods, and has said so about its latest size. */
function isIdle(replicaSet: ReplicaSet): boolean {
  const { metadata, status } = replicaSet;
  return (
    (status?.replicas ?? 0) === 0 &&
    replicasOf(replicaSet) === 0 &&
    (metadata.generation ?? 0) <= (status?.observedGeneration ?? 0)
  );
}
