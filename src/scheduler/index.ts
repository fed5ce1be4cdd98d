/**
 * The scheduler: pods without a node get one.
 *
 * Flow: a new pod → key → decision over the cluster's state → binding. A pod that fits nowhere may have lesser pods removed
 * and waits; what helps those who have refused it asks again for it, and nothing else does.
 * It is an ordinary controller: its own queue, the shared caches, writes through the API.
 */
import {
  Namespace as NamespaceKind,
  Node as NodeKind,
  type Pod,
  PodDisruptionBudget as PodDisruptionBudgetKind,
  Pod as PodKind,
} from '../client/kinds.ts';
import { deepEqual } from '../machinery/json.ts';
import { isReason } from '../machinery/status.ts';
import type { KeyContext, Manager } from '../runtime/index.ts';
import { keyText } from '../runtime/key.ts';
import { ClusterState } from './cluster-state.ts';
import { Decider, type Refused } from './decision.ts';
import { type ClusterEvent, hasEnded } from './events.ts';
import { type PodInfo, podInfo, podKey } from './pod-info.ts';
import { reportUnschedulable } from './pod-status.ts';
import { preempt } from './preempt.ts';
import { findPreemption } from './preemption.ts';
import { createProfile, defaultSchedulerName, type Profile, type ProfileOptions } from './profile.ts';
import { WaitingPods } from './waiting-pods.ts';

export type { ProfileOptions } from './profile.ts';
export { defaultSchedulerName as schedulerName };

export interface SchedulerOptions {
  /** One for each `spec.schedulerName` that is served. Default: Kubernetes' default profile. */
  readonly profiles?: readonly ProfileOptions[];
}

/** Bindings under way at once; decisions themselves are made one after the other. */
const concurrency = 32;

/** Declares the scheduler on a manager that has not started. */
export function addScheduler(manager: Manager, { profiles = [{}] }: SchedulerOptions = {}): void {
  const { clock } = manager;
  const random = (): number => clock.random();
  const cluster = new ClusterState();
  const waiting = new WaitingPods(clock);
  const served = new Map(
    profiles.map((options) => {
      const profile = createProfile(options);
      return [profile.schedulerName, { profile, decider: new Decider(profile, cluster, random) }];
    }),
  );
  const isOurs = (pod: Pod): boolean => served.has(pod.spec?.schedulerName ?? '') && wantsNode(pod);

  const controller = manager
    .controller(defaultSchedulerName, { for: PodKind, concurrency })
    .reads(NodeKind)
    .reads(NamespaceKind)
    .reads(PodDisruptionBudgetKind)
    .when({ added: isOurs, updated: (pod, old) => isOurs(pod) && (changesDecision(pod, old) || !isOurs(old)) })
    .reconcileKey(async ({ namespace = '', name }, context) => {
      const pod = context.cache(PodKind).get({ namespace, name });
      if (pod === undefined || !isOurs(pod) || cluster.isAssumed(podKey(pod))) {
        waiting.forget(`${namespace}/${name}`);
        return;
      }
      const info = podInfo(pod);
      const { profile, decider } = served.get(pod.spec!.schedulerName!)!;
      const decision = decider.decide(info);
      if (decision.node === undefined) {
        waiting.refused(info, decision.plugins);
        await refuse(info, decision, profile, context);
        return;
      }
      waiting.forget(info.key);
      await place(info, decision.node.name, context);
    });

  const wake = (event: ClusterEvent | undefined): void => {
    if (event === undefined) return;
    for (const { pod, delay } of waiting.wake(event, cluster)) {
      const { namespace, name } = pod.pod.metadata;
      controller.queue.addAfter(keyText({ namespace, name: name! }), delay);
    }
  };
  manager.cache(NamespaceKind).onChange({
    added: ({ metadata }) => wake(cluster.setNamespace(metadata.name!, metadata.labels ?? {})),
    updated: ({ metadata }) => wake(cluster.setNamespace(metadata.name!, metadata.labels ?? {})),
    deleted: ({ metadata }) => cluster.setNamespace(metadata.name!, undefined),
  });
  manager.cache(NodeKind).onChange({
    added: (node) => wake(cluster.setNode(node)),
    updated: (node) => wake(cluster.setNode(node)),
    deleted: (node) => wake(cluster.removeNode(node.metadata.name!)),
  });
  manager.cache(PodKind).onChange({
    added: (pod) => wake(cluster.setPod(pod)),
    updated: (pod) => wake(cluster.setPod(pod)),
    deleted: (pod) => {
      waiting.forget(podKey(pod));
      wake(cluster.removePod(podKey(pod)));
    },
  });

  async function place(info: PodInfo, node: string, context: KeyContext): Promise<void> {
    wake(cluster.assume(info, node));
    try {
      await bind(info.pod, node, context);
    } catch (error) {
      wake(cluster.removePod(info.key));
      // Somebody else has bound or deleted it: the cache will tell.
      if (isReason(error, 'NotFound', 'Conflict')) return;
      throw error;
    }
    context.eventFor(info.pod, 'Normal', 'Scheduled', `Successfully assigned ${info.key} to ${node}`);
  }

  /** Says why; where it helps, lesser pods make room, and the pod is promised what they leave. */
  async function refuse(info: PodInfo, refused: Refused, { preempts }: Profile, context: KeyContext): Promise<void> {
    const { pod, key } = info;
    if (!preempts || refused.refusals.size === 0) return reportUnschedulable(pod, refused.message, undefined, context);
    const budgets = context.cache(PodDisruptionBudgetKind).list();
    const preemption = findPreemption(refused, cluster, budgets, random);
    if (preemption.candidate === undefined) {
      if (preemption.hopeless) wake(cluster.withdrawNomination(key));
      const message = `${refused.message} ${preemption.message}`;
      return reportUnschedulable(pod, message, preemption.hopeless ? '' : undefined, context);
    }
    const { name } = preemption.candidate.node;
    cluster.nominations.set(info, name);
    await reportUnschedulable(pod, refused.message, name, context);
    await preempt(pod, preemption.candidate, cluster, context);
  }
}

function wantsNode(pod: Pod): boolean {
  const { metadata, spec } = pod;
  return (
    (spec?.nodeName ?? '') === '' &&
    metadata.deletionTimestamp === undefined &&
    (spec?.schedulingGates ?? []).length === 0 &&
    !hasEnded(pod)
  );
}

/** Our own conditions change the status and nothing else: they are no reason to think again. */
function changesDecision(pod: Pod, old: Pod): boolean {
  return pod.metadata.generation !== old.metadata.generation || !deepEqual(pod.metadata.labels, old.metadata.labels);
}

async function bind({ metadata }: Pod, node: string, { client }: KeyContext): Promise<void> {
  const { namespace, name, uid } = metadata;
  await client
    .resource(PodKind)
    .subresource('binding')
    .create(
      { namespace, name: name! },
      {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name: name!, namespace: namespace!, uid: uid! },
        target: { apiVersion: 'v1', kind: 'Node', name: node },
      },
    );
}
