/** All old pods go before the first new one comes. Source: Kubernetes' recreate.go. */
import { Pod } from '../../client/kinds.ts';
import { controlledBy } from '../workload/ownership.ts';
import { createNewReplicaSet } from './new-replica-set.ts';
import type { Rollout } from './rollout.ts';
import { scaleTo } from './scaling.ts';
import { desiredReplicas, isActive } from './sizes.ts';

/** Answers false when the new ReplicaSet's name is taken. */
export async function recreate(rollout: Rollout): Promise<boolean> {
  let scaled = false;
  for (const old of rollout.oldReplicaSets.filter(isActive)) scaled = (await scaleTo(rollout, old, 0)) || scaled;
  if (scaled || oldPodsRun(rollout)) return true;
  if (!(await createNewReplicaSet(rollout))) return false;
  await scaleTo(rollout, rollout.newReplicaSet!, desiredReplicas(rollout.deployment));
  return true;
}

function oldPodsRun({ oldReplicaSets, context }: Rollout): boolean {
  const pods = context.cache(Pod);
  return oldReplicaSets.some(
    (old) =>
      (old.status?.replicas ?? 0) > 0 ||
      controlledBy(pods, old).some(({ status }) => status?.phase !== 'Failed' && status?.phase !== 'Succeeded'),
  );
}
