/**
 * StatefulSets: pods with an identity that outlives them. Source: `k8s.io/kubernetes/pkg/controller/statefulset`.
 *
 * A reconcile takes one step and writes the status once; the pods that it changes cause the next one.
 */
import { ControllerRevision, PersistentVolumeClaim, Pod, StatefulSet } from '../../client/kinds.ts';
import { deepEqual } from '../../machinery/json.ts';
import type { KeyContext, KeyReconciler } from '../../runtime/index.ts';
import type { ControllerModule } from '../controller-module.ts';
import { claim, claimants } from '../workload/claim.ts';
import { controlledBy, indexByController } from '../workload/ownership.ts';
import { templateRevision, truncateHistory } from '../workload/revisions.ts';
import { selectorOf } from '../workload/selectors.ts';
import { endingWithNamespace } from '../workload/terminating.ts';
import { ordinalOf, revisionOf } from './identity.ts';
import { setsOfClaim } from './retention.ts';
import { statefulSetStatus } from './status.ts';
import { type Revisions, stepTowards } from './update.ts';

export const statefulSetController: ControllerModule = {
  name: 'statefulset-controller',
  add(manager) {
    indexByController(manager, Pod);
    indexByController(manager, ControllerRevision);
    const sets = manager.cache(StatefulSet);
    manager
      .controller('statefulset-controller', { for: StatefulSet, concurrency: 5 })
      .owns(Pod)
      .watches(Pod, (pod) =>
        claimants(pod, sets.list(pod.metadata.namespace), (owner) => selectorOf(owner.spec?.selector)),
      )
      .reads(ControllerRevision)
      .watches(PersistentVolumeClaim, (one) => setsOfClaim(one, sets.list(one.metadata.namespace)), {
        predicate: { added: () => false, updated: () => false },
      })
      .reconcileKey(endingWithNamespace(reconcile));
  },
};

const reconcile: KeyReconciler = async (key, context) => {
  const set = context.cache(StatefulSet).get(key);
  if (set === undefined) return;
  const claims = { client: context.client, owner: set, ownerDefinition: StatefulSet };
  const selector = selectorOf(set.spec?.selector);
  const isMember = (pod: Pod): boolean => ordinalOf(pod, set) >= 0;
  const pods = await claim({ ...claims, selector, cache: context.cache(Pod), filter: isMember });
  const revisions = await claim({ ...claims, selector, cache: context.cache(ControllerRevision) });
  const { revision: update, collisionCount } = await templateRevision({
    owner: set,
    definition: StatefulSet,
    revisions,
    hashLabel: 'controller.kubernetes.io/hash',
    collisionCount: set.status?.collisionCount ?? 0,
    context,
  });
  const current = revisions.find(({ metadata }) => metadata.name === set.status?.currentRevision) ?? update;
  const chosen: Revisions = { current, update };
  try {
    if (set.metadata.deletionTimestamp === undefined) await stepTowards(set, pods, chosen, context);
  } finally {
    await writeStatus(set, chosen, collisionCount, context);
  }
  const inUse = new Set([current.metadata.name, update.metadata.name, ...pods.map(revisionOf)]);
  await truncateHistory(set, revisions, ({ metadata }) => inUse.has(metadata.name), context);
  const now = context.clock.now();
  const { nextChange } = statefulSetStatus(set, pods, chosen, collisionCount, now);
  return nextChange === undefined ? undefined : { requeueAfter: nextChange - now };
};

/** With the pods as the step has left them. */
async function writeStatus(
  set: StatefulSet,
  revisions: Revisions,
  collisionCount: number,
  context: KeyContext,
): Promise<void> {
  const latest = context.cache(StatefulSet).get(context.key);
  if (latest === undefined || latest.metadata.uid !== set.metadata.uid) return;
  const selector = selectorOf(set.spec?.selector);
  const pods = controlledBy(context.cache(Pod), set).filter(
    (pod) => ordinalOf(pod, set) >= 0 && selector.matches(pod.metadata.labels),
  );
  const { status } = statefulSetStatus(set, pods, revisions, collisionCount, context.clock.now());
  if (deepEqual(latest.status ?? {}, status)) return;
  await context.client.resource(StatefulSet).updateStatus({ ...latest, status });
}
