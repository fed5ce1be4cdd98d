/** DaemonSets: a pod on every node that is meant to have one. Source: `k8s.io/kubernetes/pkg/controller/daemon`. */

import { keyOf } from '../../client/definition.ts';
import { ControllerRevision, DaemonSet, Node, Pod } from '../../client/kinds.ts';
import { deepEqual } from '../../machinery/json.ts';
import type { KeyContext, KeyReconciler, Predicate } from '../../runtime/index.ts';
import type { ControllerModule } from '../controller-module.ts';
import { claim, claimants } from '../workload/claim.ts';
import { controlledBy, indexByController } from '../workload/ownership.ts';
import { templateRevision, truncateHistory } from '../workload/revisions.ts';
import { selectorOf } from '../workload/selectors.ts';
import { endingWithNamespace } from '../workload/terminating.ts';
import { placementOn } from './placement.ts';
import { byNode, carryOut, changesFor, hashLabel } from './pods.ts';
import { daemonSetStatus } from './status.ts';
import { updatesFor } from './update.ts';

export const daemonSetController: ControllerModule = {
  name: 'daemonset-controller',
  add(manager) {
    indexByController(manager, Pod);
    indexByController(manager, ControllerRevision);
    const sets = manager.cache(DaemonSet);
    manager
      .controller('daemonset-controller', { for: DaemonSet, concurrency: 2 })
      .owns(Pod)
      .watches(Pod, (pod) =>
        claimants(pod, sets.list(pod.metadata.namespace), (owner) => selectorOf(owner.spec?.selector)),
      )
      .watches(Node, () => sets.list().map(keyOf), { predicate: placementChanged })
      .reads(ControllerRevision)
      .reconcileKey(endingWithNamespace(reconcile));
  },
};

/** Nodes report every few seconds; only what decides about placement counts. */
const placementChanged: Predicate<Node> = {
  updated: (node, old) =>
    !deepEqual(node.metadata.labels, old.metadata.labels) || !deepEqual(node.spec?.taints, old.spec?.taints),
};

const reconcile: KeyReconciler = async (key, context) => {
  const set = context.cache(DaemonSet).get(key);
  if (set === undefined) return;
  const selector = selectorOf(set.spec?.selector);
  if (selector.empty) {
    const message = 'This daemon set is selecting all pods. A non-empty selector is required.';
    context.eventFor(set, 'Warning', 'SelectingAll', message);
    return;
  }
  const claims = { client: context.client, owner: set, ownerDefinition: DaemonSet, selector };
  const pods = await claim({ ...claims, cache: context.cache(Pod) });
  const revisions = await claim({ ...claims, cache: context.cache(ControllerRevision) });
  const { revision, collisionCount } = await templateRevision({
    owner: set,
    definition: DaemonSet,
    revisions,
    hashLabel,
    collisionCount: set.status?.collisionCount ?? 0,
    context,
  });
  const hash = revision.metadata.labels?.[hashLabel] ?? '';
  const collisions = collisionCount === 0 ? set.status?.collisionCount : collisionCount;
  try {
    if (set.metadata.deletionTimestamp === undefined) await step(set, pods, hash, context);
  } finally {
    await writeStatus(set, hash, collisions, context);
  }
  const inUse = new Set([hash, ...pods.map(({ metadata }) => metadata.labels?.[hashLabel])]);
  await truncateHistory(set, revisions, ({ metadata }) => inUse.has(metadata.labels?.[hashLabel]), context);
  const { nextChange } = statusNow(set, hash, collisions, context);
  return nextChange === undefined ? undefined : { requeueAfter: nextChange - context.clock.now() };
};

/** First the right number of pods; when that is so, the right template. */
async function step(set: DaemonSet, pods: readonly Pod[], hash: string, context: KeyContext): Promise<void> {
  const there = byNode(pods);
  const changes = changesFor(set, there, context);
  if (changes.create.length > 0 || changes.remove.length > 0) {
    await carryOut(set, changes, hash, context);
    return;
  }
  if (set.spec?.updateStrategy?.type !== 'RollingUpdate') return;
  const nodes = [...wantedOn(set, context)].filter(([, wanted]) => wanted).map(([node]) => node);
  await carryOut(set, updatesFor(set, there, nodes, hash, context.clock.now()), hash, context);
}

function wantedOn(set: DaemonSet, context: KeyContext): Map<string, boolean> {
  const template = set.spec!.template;
  return new Map(
    context
      .cache(Node)
      .list()
      .map((node) => [node.metadata.name ?? '', placementOn(node, template).runs]),
  );
}

function statusNow(set: DaemonSet, hash: string, collisions: number | undefined, context: KeyContext) {
  const selector = selectorOf(set.spec?.selector);
  const pods = controlledBy(context.cache(Pod), set).filter(({ metadata }) => selector.matches(metadata.labels));
  return daemonSetStatus(set, byNode(pods), wantedOn(set, context), hash, collisions, context.clock.now());
}

/** With the pods as the step has left them. */
async function writeStatus(
  set: DaemonSet,
  hash: string,
  collisions: number | undefined,
  context: KeyContext,
): Promise<void> {
  const latest = context.cache(DaemonSet).get(context.key);
  if (latest === undefined || latest.metadata.uid !== set.metadata.uid) return;
  const { status } = statusNow(set, hash, collisions, context);
  if (deepEqual(latest.status ?? {}, status)) return;
  await context.client.resource(DaemonSet).updateStatus({ ...latest, status });
}
