/**
 * Replaces old pods by new ones a few at a time: never more than desired + maxSurge, never fewer available than
 * desired − maxUnavailable. Each reconcile takes one step. Source: Kubernetes' rolling.go.
 */
import type { ReplicaSet } from '../../client/kinds.ts';
import { allReplicaSets, type Rollout } from './rollout.ts';
import { scaleTo } from './scaling.ts';
import { desiredReplicas, isActive, maxUnavailable, nextNewReplicas, replicasOf, sumOf } from './sizes.ts';

export async function rollForward(rollout: Rollout): Promise<void> {
  if (await scaleNew(rollout)) return;
  await scaleOld(rollout);
}

async function scaleNew(rollout: Rollout): Promise<boolean> {
  const { deployment, newReplicaSet } = rollout;
  if (newReplicaSet === undefined) return false;
  const desired = desiredReplicas(deployment);
  const current = replicasOf(newReplicaSet);
  const next = current > desired ? desired : nextNewReplicas(deployment, allReplicaSets(rollout), current);
  return scaleTo(rollout, newReplicaSet, next);
}

async function scaleOld(rollout: Rollout): Promise<void> {
  for (const [replicaSet, replicas] of oldSizes(rollout)) await scaleTo(rollout, replicaSet, replicas);
}

/** How large the old ReplicaSets may be now; those that stay as they are may be left out. */
export function oldSizes({
  deployment,
  newReplicaSet,
  oldReplicaSets,
}: Pick<Rollout, 'deployment' | 'newReplicaSet' | 'oldReplicaSets'>): Map<ReplicaSet, number> {
  const sizes = new Map<ReplicaSet, number>();
  const old = oldReplicaSets.filter(isActive);
  const created = newReplicaSet === undefined ? [] : [newReplicaSet];
  const minAvailable = desiredReplicas(deployment) - maxUnavailable(deployment);
  const unavailableNew = sumOf(created, (replicaSet) => replicasOf(replicaSet) - available(replicaSet));
  const limit = sumOf([...old, ...created], replicasOf) - minAvailable - unavailableNew;
  if (limit <= 0) return sizes;

  // First those that do not work anyway.
  let left = limit;
  for (const replicaSet of old) {
    const replicas = replicasOf(replicaSet);
    const count = Math.min(left, Math.max(0, replicas - available(replicaSet)));
    sizes.set(replicaSet, replicas - count);
    left -= count;
  }
  // Then as many as can be spared of those that do.
  let spare = sumOf([...old, ...created], available) - minAvailable;
  for (const replicaSet of old) {
    if (spare <= 0) break;
    const replicas = sizes.get(replicaSet)!;
    const count = Math.min(replicas, spare);
    sizes.set(replicaSet, replicas - count);
    spare -= count;
  }
  return sizes;
}

const available = ({ status }: ReplicaSet): number => status?.availableReplicas ?? 0;
