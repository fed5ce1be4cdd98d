/**
 * Deployments: ReplicaSets, one for each version of the pod template, and the way from one to the next.
 * Source: `k8s.io/kubernetes/pkg/controller/deployment`.
 *
 * A reconcile finds the ReplicaSets, takes one step of the rollout, and writes the status once. Each step changes a
 * ReplicaSet, and that causes the next one.
 */
import { Deployment, Pod, ReplicaSet } from '../../client/kinds.ts';
import { getControllerOf } from '../../machinery/owner-reference.ts';
import type { Cache, KeyContext, KeyReconciler, Result } from '../../runtime/index.ts';
import type { ControllerModule } from '../controller-module.ts';
import { claim, claimants } from '../workload/claim.ts';
import { indexByController } from '../workload/ownership.ts';
import { selectorOf } from '../workload/selectors.ts';
import { endingWithNamespace } from '../workload/terminating.ts';
import { revisionAnnotation } from './annotations.ts';
import { cleanUp } from './clean-up.ts';
import { createNewReplicaSet, updateNewReplicaSet } from './new-replica-set.ts';
import { isComplete, notePause, noteProgress, untilDeadline } from './progress.ts';
import { recreate } from './recreate.ts';
import { byAge, findNewReplicaSet } from './replica-sets.ts';
import { rollForward } from './rolling-update.ts';
import type { Rollout } from './rollout.ts';
import { isScalingEvent, scale } from './scaling.ts';
import { isRollingUpdate } from './sizes.ts';
import { statusOf, writeStatus } from './status.ts';

export const deploymentController: ControllerModule = {
  name: 'deployment-controller',
  add(manager) {
    indexByController(manager, ReplicaSet);
    indexByController(manager, Pod);
    const deployments = manager.cache(Deployment);
    const replicaSets = manager.cache(ReplicaSet);
    manager
      .controller('deployment-controller', { for: Deployment, concurrency: 5 })
      .owns(ReplicaSet)
      .watches(ReplicaSet, (replicaSet) =>
        claimants(replicaSet, deployments.list(replicaSet.metadata.namespace), (owner) =>
          selectorOf(owner.spec?.selector),
        ),
      )
      // Recreate waits until the last old pod is gone.
      .watches(Pod, (pod) => deploymentOf(pod, replicaSets), {
        predicate: { added: () => false, updated: () => false },
      })
      .reconcileKey(endingWithNamespace(reconcile));
  },
};

function* deploymentOf(pod: Pod, replicaSets: Cache<ReplicaSet>): Iterable<{ namespace?: string; name: string }> {
  const { namespace = '' } = pod.metadata;
  const owner = getControllerOf(pod);
  const replicaSet = owner?.kind === 'ReplicaSet' ? replicaSets.get({ namespace, name: owner.name }) : undefined;
  const deployment = replicaSet === undefined ? undefined : getControllerOf(replicaSet);
  if (deployment?.kind === 'Deployment') yield { namespace, name: deployment.name };
}

const reconcile: KeyReconciler = async (key, context) => {
  const deployment = context.cache(Deployment).get(key);
  if (deployment === undefined) return;
  const selector = selectorOf(deployment.spec?.selector);
  if (selector.empty) return refuseEverything(deployment, context);
  const replicaSets = await claim({
    client: context.client,
    owner: deployment,
    ownerDefinition: Deployment,
    selector,
    cache: context.cache(ReplicaSet),
  });
  const rollout = newRollout(deployment, replicaSets.sort(byAge), context);
  if (deployment.metadata.deletionTimestamp !== undefined) {
    await updateNewReplicaSet(rollout);
    await writeStatus(rollout, statusOf(rollout));
    return;
  }
  notePause(rollout);
  try {
    await updateNewReplicaSet(rollout);
    if (deployment.spec?.paused === true || isScalingEvent(rollout)) return await scaleOnly(rollout);
    return await roll(rollout);
  } catch (error) {
    // What the rollout has to say about the failure must not be lost with it.
    await writeStatus(rollout, statusOf(rollout));
    throw error;
  }
};

function newRollout(deployment: Deployment, replicaSets: readonly ReplicaSet[], context: KeyContext): Rollout {
  const newReplicaSet = findNewReplicaSet(deployment, replicaSets);
  return {
    deployment,
    context,
    newReplicaSet,
    oldReplicaSets: replicaSets.filter((replicaSet) => replicaSet !== newReplicaSet),
    conditions: deployment.status?.conditions ?? [],
    revision: deployment.metadata.annotations?.[revisionAnnotation],
    collisionCount: deployment.status?.collisionCount,
  };
}

async function scaleOnly(rollout: Rollout): Promise<void> {
  await scale(rollout);
  if (rollout.deployment.spec?.paused === true) await cleanUp(rollout);
  await writeStatus(rollout, statusOf(rollout));
}

async function roll(rollout: Rollout): Promise<Result> {
  const { deployment } = rollout;
  let named: boolean;
  if (isRollingUpdate(deployment)) {
    named = await createNewReplicaSet(rollout);
    if (named) await rollForward(rollout);
  } else {
    named = await recreate(rollout);
  }
  const status = statusOf(rollout);
  if (named) {
    if (isComplete(deployment, deployment.status ?? {})) await cleanUp(rollout);
    noteProgress(rollout, status);
  }
  await writeStatus(rollout, status);
  const wait = untilDeadline(rollout, status);
  return wait === undefined ? undefined : { requeueAfter: wait };
}

async function refuseEverything(deployment: Deployment, context: KeyContext): Promise<void> {
  const message = 'This deployment is selecting all pods. A non-empty selector is required.';
  context.eventFor(deployment, 'Warning', 'SelectingAll', message);
  const { generation = 0 } = deployment.metadata;
  if ((deployment.status?.observedGeneration ?? 0) >= generation) return;
  const status = { ...deployment.status, observedGeneration: generation };
  await context.client.resource(Deployment).updateStatus({ ...deployment, status });
}
