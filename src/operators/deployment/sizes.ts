/** How many pods a Deployment wants, may have too many, may lack. Source: Kubernetes' deployment_util.go. */
import type { Deployment, ReplicaSet } from '../../client/kinds.ts';
import { scaledValueFromIntOrPercent } from '../../machinery/int-or-percent.ts';

export const desiredReplicas = ({ spec }: Deployment): number => spec?.replicas ?? 1;
export const replicasOf = ({ spec }: ReplicaSet): number => spec?.replicas ?? 1;

export const isActive = (replicaSet: ReplicaSet): boolean => replicasOf(replicaSet) > 0;

export function sumOf(replicaSets: readonly ReplicaSet[], count: (replicaSet: ReplicaSet) => number): number {
  return replicaSets.reduce((sum, replicaSet) => sum + count(replicaSet), 0);
}

export const isRollingUpdate = ({ spec }: Deployment): boolean => spec?.strategy?.type === 'RollingUpdate';

/** How many pods there may be beyond the desired ones. */
export function maxSurge(deployment: Deployment): number {
  return isRollingUpdate(deployment) ? fenceposts(deployment).surge : 0;
}

/** How many of the desired pods need not be available. */
export function maxUnavailable(deployment: Deployment): number {
  const desired = desiredReplicas(deployment);
  if (!isRollingUpdate(deployment) || desired === 0) return 0;
  return Math.min(fenceposts(deployment).unavailable, desired);
}

/** The surge is rounded up, the unavailable down; both zero would be a standstill. */
function fenceposts(deployment: Deployment): { surge: number; unavailable: number } {
  const desired = desiredReplicas(deployment);
  const { maxSurge = 0, maxUnavailable = 0 } = deployment.spec?.strategy?.rollingUpdate ?? {};
  const surge = scaledValueFromIntOrPercent(maxSurge, desired, true);
  const unavailable = scaledValueFromIntOrPercent(maxUnavailable, desired, false);
  return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}

/** How large the new ReplicaSet may become now. `all` includes it, unless it is still to be made (`current` 0). */
export function nextNewReplicas(deployment: Deployment, all: readonly ReplicaSet[], current: number): number {
  const desired = desiredReplicas(deployment);
  if (!isRollingUpdate(deployment)) return desired;
  const room = desired + maxSurge(deployment) - sumOf(all, replicasOf);
  return room <= 0 ? current : current + Math.min(room, desired - current);
}
