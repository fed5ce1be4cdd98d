/** Changes the size of ReplicaSets. Source: Kubernetes' pkg/controller/deployment/sync.go. */
import { type Deployment, ReplicaSet } from '../../client/kinds.ts';
import { carries, notedDesiredReplicas, notedMaxReplicas, sizeAnnotations } from './annotations.ts';
import { activeOrLatest, bySizeNewer, bySizeOlder } from './replica-sets.ts';
import { allReplicaSets, type Rollout } from './rollout.ts';
import { desiredReplicas, isActive, isRollingUpdate, maxSurge, replicasOf, sumOf } from './sizes.ts';

/** Scales a ReplicaSet, and notes the Deployment's sizes on it. Answers whether its size has changed. */
export async function scaleReplicaSet(rollout: Rollout, replicaSet: ReplicaSet, replicas: number): Promise<boolean> {
  const { deployment, context } = rollout;
  const before = replicasOf(replicaSet);
  const annotations = sizeAnnotations(deployment);
  if (before === replicas && carries(replicaSet.metadata.annotations, annotations)) return false;
  await context.client.resource(ReplicaSet).update({
    ...replicaSet,
    metadata: { ...replicaSet.metadata, annotations: { ...replicaSet.metadata.annotations, ...annotations } },
    spec: { ...replicaSet.spec!, replicas },
  });
  if (before === replicas) return false;
  const direction = before < replicas ? 'up' : 'down';
  context.eventFor(
    deployment,
    'Normal',
    'ScalingReplicaSet',
    `Scaled ${direction} replica set ${replicaSet.metadata.name} from ${before} to ${replicas}`,
  );
  return true;
}

/** Scales, unless the size is right already (then the notes on it may be old: they are left alone). */
export async function scaleTo(rollout: Rollout, replicaSet: ReplicaSet, replicas: number): Promise<boolean> {
  return replicasOf(replicaSet) === replicas ? false : scaleReplicaSet(rollout, replicaSet, replicas);
}

/** Whether the Deployment wants another size than when its active ReplicaSets were scaled last. */
export function isScalingEvent(rollout: Rollout): boolean {
  const desired = desiredReplicas(rollout.deployment);
  return allReplicaSets(rollout).some((replicaSet) => {
    const noted = isActive(replicaSet) ? notedDesiredReplicas(replicaSet) : undefined;
    return noted !== undefined && noted !== desired;
  });
}

/**
 * Scales without rolling: the one ReplicaSet that is active; or old ones away, when the new one does all the work; or, in
 * the middle of a rolling update, each in proportion to its size.
 */
export async function scale(rollout: Rollout): Promise<void> {
  const { deployment, newReplicaSet, oldReplicaSets } = rollout;
  const only = activeOrLatest(newReplicaSet, oldReplicaSets);
  if (only !== undefined) {
    await scaleReplicaSet(rollout, only, desiredReplicas(deployment));
    return;
  }
  if (newReplicaSet !== undefined && isSaturated(deployment, newReplicaSet)) {
    for (const old of oldReplicaSets.filter(isActive)) await scaleTo(rollout, old, 0);
    return;
  }
  if (!isRollingUpdate(deployment)) return;
  const active = allReplicaSets(rollout).filter(isActive);
  for (const [replicaSet, replicas] of proportionalSizes(deployment, active)) {
    await scaleReplicaSet(rollout, replicaSet, replicas);
  }
}

/** Whether the new ReplicaSet alone is all that is wanted. */
function isSaturated(deployment: Deployment, replicaSet: ReplicaSet): boolean {
  const desired = desiredReplicas(deployment);
  return (
    replicasOf(replicaSet) === desired &&
    notedDesiredReplicas(replicaSet) === desired &&
    (replicaSet.status?.availableReplicas ?? 0) === desired
  );
}

/** Shares what is to be added or taken among active ReplicaSets by their size; the largest takes what rounding leaves. */
export function proportionalSizes(deployment: Deployment, active: readonly ReplicaSet[]): Map<ReplicaSet, number> {
  const desired = desiredReplicas(deployment);
  const allowed = desired > 0 ? desired + maxSurge(deployment) : 0;
  const toAdd = allowed - sumOf(active, replicasOf);
  const sorted = [...active].sort(toAdd > 0 ? bySizeNewer : bySizeOlder);
  const sizes = new Map<ReplicaSet, number>();
  let added = 0;
  for (const replicaSet of sorted) {
    const share = toAdd === 0 ? 0 : shareOf(replicaSet, deployment, toAdd - added);
    sizes.set(replicaSet, replicasOf(replicaSet) + share);
    added += share;
  }
  const [largest] = sorted;
  if (largest !== undefined && toAdd !== 0) sizes.set(largest, Math.max(0, sizes.get(largest)! + toAdd - added));
  return sizes;
}

function shareOf(replicaSet: ReplicaSet, deployment: Deployment, left: number): number {
  if (replicasOf(replicaSet) === 0 || left === 0) return 0;
  const fraction = fractionOf(replicaSet, deployment);
  return left > 0 ? Math.min(fraction, left) : Math.max(fraction, left);
}

/** By how much the ReplicaSet grows when it grows as the Deployment does. */
function fractionOf(replicaSet: ReplicaSet, deployment: Deployment): number {
  const desired = desiredReplicas(deployment);
  const replicas = replicasOf(replicaSet);
  if (desired === 0) return -replicas;
  const before = notedMaxReplicas(replicaSet) || deployment.status?.replicas || 0;
  if (before === 0) return 0;
  return roundHalfAway((replicas * (desired + maxSurge(deployment))) / before) - replicas;
}

const roundHalfAway = (value: number): number => (value < 0 ? Math.ceil(value - 0.5) : Math.floor(value + 0.5));
