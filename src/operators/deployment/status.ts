/** A Deployment's status and revision annotation, written once a reconcile. Source: Kubernetes' sync.go. */
import { Deployment, type ReplicaSet } from '../../client/kinds.ts';
import { deepEqual } from '../../machinery/json.ts';
import { nonZero } from '../workload/counts.ts';
import { revisionAnnotation } from './annotations.ts';
import { setCondition } from './conditions.ts';
import { allReplicaSets, type DeploymentStatus, type Rollout, refresh } from './rollout.ts';
import { desiredReplicas, maxUnavailable, replicasOf, sumOf } from './sizes.ts';

/** Counts and availability; the conditions of the rollout go along. */
export function statusOf(rollout: Rollout): DeploymentStatus {
  refresh(rollout);
  const { deployment, newReplicaSet } = rollout;
  const all = allReplicaSets(rollout);
  const availableReplicas = sumOf(all, ({ status }) => status?.availableReplicas ?? 0);
  if (availableReplicas >= desiredReplicas(deployment) - maxUnavailable(deployment)) {
    setCondition(rollout, 'Available', 'True', 'MinimumReplicasAvailable', 'Deployment has minimum availability.');
  } else {
    const message = 'Deployment does not have minimum availability.';
    setCondition(rollout, 'Available', 'False', 'MinimumReplicasUnavailable', message);
  }
  const terminatingReplicas = terminatingIn(all);
  return {
    ...nonZero({
      observedGeneration: deployment.metadata.generation ?? 0,
      replicas: sumOf(all, ({ status }) => status?.replicas ?? 0),
      updatedReplicas: newReplicaSet?.status?.replicas ?? 0,
      readyReplicas: sumOf(all, ({ status }) => status?.readyReplicas ?? 0),
      availableReplicas,
      unavailableReplicas: Math.max(0, sumOf(all, replicasOf) - availableReplicas),
    }),
    ...(terminatingReplicas === undefined ? {} : { terminatingReplicas }),
    ...(rollout.collisionCount === undefined ? {} : { collisionCount: rollout.collisionCount }),
  };
}

/** Unknown while a ReplicaSet has not told (KEP-3973). */
function terminatingIn(replicaSets: readonly ReplicaSet[]): number | undefined {
  const untold = replicaSets.some(({ status }) => status?.terminatingReplicas === undefined);
  return untold ? undefined : sumOf(replicaSets, ({ status }) => status?.terminatingReplicas ?? 0);
}

/** Writes what differs from what the server has, if anything does. */
export async function writeStatus(rollout: Rollout, counts: DeploymentStatus): Promise<void> {
  const { deployment, context, conditions, revision } = rollout;
  const latest = context.cache(Deployment).get(context.key);
  if (latest === undefined || latest.metadata.uid !== deployment.metadata.uid) return;
  const status: DeploymentStatus = { ...counts, ...(conditions.length === 0 ? {} : { conditions: [...conditions] }) };
  const { metadata } = latest;
  const revised = revision !== undefined && metadata.annotations?.[revisionAnnotation] !== revision;
  if (!revised && deepEqual(latest.status ?? {}, status)) return;
  await context.client.resource(Deployment).updateStatus({
    ...latest,
    metadata: revised
      ? { ...metadata, annotations: { ...metadata.annotations, [revisionAnnotation]: revision } }
      : metadata,
    status,
  });
}
