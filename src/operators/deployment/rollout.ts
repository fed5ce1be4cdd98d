/** One reconcile of a Deployment: what there is, and what is to be said about it when the reconcile ends. */
import type * as k8s from '@kubernetes/client-node';
import type { Wire } from '../../apis/types.ts';
import { keyOf } from '../../client/definition.ts';
import { type Deployment, ReplicaSet } from '../../client/kinds.ts';
import type { KeyContext } from '../../runtime/index.ts';

export type DeploymentStatus = Wire<k8s.V1DeploymentStatus>;
export type DeploymentCondition = Wire<k8s.V1DeploymentCondition>;

export interface Rollout {
  readonly deployment: Deployment;
  readonly context: KeyContext;
  /** The one with the Deployment's template. */
  newReplicaSet: ReplicaSet | undefined;
  /** All others, the oldest first. */
  oldReplicaSets: readonly ReplicaSet[];
  /** Conditions to be: the reconcile changes them step by step, the status takes them at the end. */
  conditions: readonly DeploymentCondition[];
  /** The revision annotation to be. */
  revision: string | undefined;
  collisionCount: number | undefined;
}

/** The old ones, then the new one. */
export function allReplicaSets({ newReplicaSet, oldReplicaSets }: Rollout): ReplicaSet[] {
  return newReplicaSet === undefined ? [...oldReplicaSets] : [...oldReplicaSets, newReplicaSet];
}

/** As the reconcile has left it: its own writes are in the cache. */
export function refresh(rollout: Rollout): void {
  const cache = rollout.context.cache(ReplicaSet);
  const latest = (replicaSet: ReplicaSet): ReplicaSet => {
    const found = cache.get(keyOf(replicaSet));
    return found !== undefined && found.metadata.uid === replicaSet.metadata.uid ? found : replicaSet;
  };
  rollout.oldReplicaSets = rollout.oldReplicaSets.map(latest);
  if (rollout.newReplicaSet !== undefined) rollout.newReplicaSet = latest(rollout.newReplicaSet);
}
