/**
 * ReplicaSets: as many pods as they say. Source: `k8s.io/kubernetes/pkg/controller/replicaset`.
 *
 * A reconcile claims pods, makes or deletes some, and writes the status once, with the pods that there are by then.
 */
import { keyOf } from '../../client/definition.ts';
import { Pod, ReplicaSet } from '../../client/kinds.ts';
import { formatTime } from '../../clock/clock.ts';
import { deepEqual } from '../../machinery/json.ts';
import { getControllerOf } from '../../machinery/owner-reference.ts';
import type { KeyContext, KeyReconciler } from '../../runtime/index.ts';
import type { ControllerModule } from '../controller-module.ts';
import { claim, claimants } from '../workload/claim.ts';
import { controlledBy, indexByController } from '../workload/ownership.ts';
import { isPodActive } from '../workload/pods.ts';
import { selectorOf } from '../workload/selectors.ts';
import { endingWithNamespace } from '../workload/terminating.ts';
import { manageReplicas } from './replicas.ts';
import { replicaSetStatus } from './status.ts';

export const replicaSetController: ControllerModule = {
  name: 'replicaset-controller',
  add(manager) {
    indexByController(manager, Pod);
    indexByController(manager, ReplicaSet);
    const replicaSets = manager.cache(ReplicaSet);
    manager
      .controller('replicaset-controller', { for: ReplicaSet, concurrency: 5 })
      .owns(Pod)
      .watches(Pod, (pod) =>
        getControllerOf(pod) === undefined
          ? claimants(pod, replicaSets.list(pod.metadata.namespace), (owner) => selectorOf(owner.spec?.selector))
          : [],
      )
      .reconcileKey(endingWithNamespace(reconcile));
  },
};

const reconcile: KeyReconciler = async (key, context) => {
  const replicaSet = context.cache(ReplicaSet).get(key);
  if (replicaSet === undefined) return;
  const claimed = await claim({
    client: context.client,
    owner: replicaSet,
    ownerDefinition: ReplicaSet,
    selector: selectorOf(replicaSet.spec?.selector),
    cache: context.cache(Pod),
    filter: isPodActive,
  });
  const failure =
    replicaSet.metadata.deletionTimestamp === undefined
      ? await manageReplicas(replicaSet, claimed, context)
      : undefined;

  const pods = ownPods(replicaSet, context);
  const now = context.clock.now();
  const { status, nextChange } = replicaSetStatus({
    replicaSet,
    pods: pods.filter(isPodActive),
    terminating: pods.filter(isTerminating).length,
    failure: failure && { reason: failure.reason, message: failure.message },
    now,
    time: formatTime(now),
  });
  if (!deepEqual(replicaSet.status ?? {}, status)) await writeStatus(replicaSet, status, context);
  if (failure !== undefined) throw failure.error;
  return nextChange === undefined ? undefined : { requeueAfter: nextChange - now };
};

/** As they are now: what was just made or deleted counts. */
function ownPods(replicaSet: ReplicaSet, context: KeyContext): Pod[] {
  const selector = selectorOf(replicaSet.spec?.selector);
  return controlledBy(context.cache(Pod), replicaSet).filter(({ metadata }) => selector.matches(metadata.labels));
}

function isTerminating({ metadata, status }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined && status?.phase !== 'Succeeded' && status?.phase !== 'Failed';
}

/** On the latest version: claiming has not changed it, others may have. */
async function writeStatus(
  replicaSet: ReplicaSet,
  status: NonNullable<ReplicaSet['status']>,
  context: KeyContext,
): Promise<void> {
  const latest = context.cache(ReplicaSet).get(keyOf(replicaSet));
  if (latest === undefined || latest.metadata.uid !== replicaSet.metadata.uid) return;
  await context.client.resource(ReplicaSet).updateStatus({ ...latest, status });
}
