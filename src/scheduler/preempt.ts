/** Carries a preemption out: the victims are told why and deleted, and lesser pods lose their claim to the node. */
import { type Pod, Pod as PodKind } from '../client/kinds.ts';
import { formatTime } from '../clock/clock.ts';
import { isReason } from '../machinery/status.ts';
import type { KeyContext } from '../runtime/reconciler.ts';
import type { ClusterState } from './cluster-state.ts';
import { patchPodStatus } from './pod-status.ts';
import { type Candidate, preemptionReason } from './preemption.ts';

export async function preempt(
  preemptor: Pod,
  { node, victims }: Candidate,
  cluster: ClusterState,
  context: KeyContext,
): Promise<void> {
  const priority = preemptor.spec?.priority ?? 0;
  const displaced = [...cluster.nominations.on(node.name)].filter((pod) => pod.priority < priority);
  for (const { key } of displaced) cluster.nominations.remove(key);
  await Promise.all([
    ...displaced.map(({ pod }) => patchPodStatus(pod, { nominatedNodeName: null }, context)),
    ...victims
      .filter(({ pod }) => pod.metadata.deletionTimestamp === undefined)
      .map(({ pod }) => evict(pod, preemptor, node.name, context)),
  ]);
}

async function evict(victim: Pod, preemptor: Pod, node: string, context: KeyContext): Promise<void> {
  const { namespace, name, uid } = victim.metadata;
  const now = formatTime(context.clock.now());
  const condition = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: preemptionReason,
    message: `${preemptor.spec?.schedulerName}: preempting to accommodate a higher priority pod`,
    lastProbeTime: null,
    lastTransitionTime: now,
  };
  await patchPodStatus(victim, { conditions: [condition] }, context);
  try {
    await context.client.resource(PodKind).delete({ namespace, name: name! }, { preconditions: { uid: uid! } });
  } catch (error) {
    // Gone, perhaps with a successor of its name: the room is free, and nobody has been preempted.
    if (isReason(error, 'NotFound', 'Conflict')) return;
    throw error;
  }
  const message = `Preempted by pod ${preemptor.metadata.uid} on node ${node}`;
  context.eventFor(victim, 'Normal', 'Preempted', message);
}
