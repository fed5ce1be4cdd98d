/**
 * The scheduler: pods without a node get one.
 *
 * Flow: a new pod → key → decision over the cluster's state → binding. A pod that fits nowhere waits; whatever may make
 * room (a node that comes or changes, a pod that ends) asks again for those that wait, and nothing else does.
 * It is an ordinary controller: its own queue, the shared caches, writes through the API.
 */
import { type Node, Node as NodeKind, type Pod, Pod as PodKind } from '../client/kinds.ts';
import { formatTime } from '../clock/clock.ts';
import { deepEqual } from '../machinery/json.ts';
import { isReason } from '../machinery/status.ts';
import type { KeyContext, Manager } from '../runtime/index.ts';
import { ClusterState } from './cluster-state.ts';
import { Decider } from './decision.ts';
import { podInfo } from './pod-info.ts';

export const schedulerName = 'default-scheduler';

/** Bindings under way at once; decisions themselves are made one after the other. */
const concurrency = 32;

/** Declares the scheduler on a manager that has not started. */
export function addScheduler(manager: Manager): void {
  const state = new ClusterState();
  const decider = new Decider(() => manager.clock.random());
  /** Pods that fit nowhere. */
  const waiting = new Map<string, { namespace: string; name: string }>();

  const everyWaiting = (): Iterable<{ namespace: string; name: string }> => waiting.values();

  manager.cache(NodeKind).onChange({
    added: (node) => state.setNode(node),
    updated: (node) => state.setNode(node),
    deleted: (node) => state.removeNode(node.metadata.name!),
  });
  manager.cache(PodKind).onChange({
    added: (pod) => state.setPod(keyOf(pod), pod),
    updated: (pod) => state.setPod(keyOf(pod), pod),
    deleted: (pod) => {
      state.removePod(keyOf(pod));
      waiting.delete(keyOf(pod));
    },
  });

  manager
    .controller(schedulerName, { for: PodKind, concurrency })
    .when({ added: isOurs, updated: (pod, old) => isOurs(pod) && changesDecision(pod, old), deleted: () => false })
    .watches(NodeKind, everyWaiting, { predicate: { updated: makesRoom } })
    .watches(PodKind, everyWaiting, {
      predicate: { added: () => false, updated: (pod, old) => hasEnded(pod) && !hasEnded(old), deleted: () => true },
    })
    .reconcileKey(async ({ namespace = '', name }, context) => {
      const key = `${namespace}/${name}`;
      const pod = context.cache(PodKind).get({ namespace, name });
      if (pod === undefined || !isOurs(pod) || state.isAssumed(key)) {
        waiting.delete(key);
        return;
      }
      const info = podInfo(pod);
      const decision = decider.decide(info, state.nodes);
      if (decision.node === undefined) {
        waiting.set(key, { namespace, name });
        await reportUnschedulable(pod, decision.message, context);
        return;
      }
      waiting.delete(key);
      state.assume(key, info, decision.node.name);
      try {
        await bind(pod, decision.node.name, context);
      } catch (error) {
        state.removePod(key);
        // Somebody else has bound or deleted it: the cache will tell.
        if (isReason(error, 'NotFound', 'Conflict')) return;
        throw error;
      }
      context.eventFor(pod, 'Normal', 'Scheduled', `Successfully assigned ${key} to ${decision.node.name}`);
    });
}

const keyOf = ({ metadata }: Pod): string => `${metadata.namespace ?? ''}/${metadata.name}`;

function isOurs({ metadata, spec, status }: Pod): boolean {
  return (
    (spec?.nodeName ?? '') === '' &&
    spec?.schedulerName === schedulerName &&
    metadata.deletionTimestamp === undefined &&
    (spec.schedulingGates ?? []).length === 0 &&
    status?.phase !== 'Succeeded' &&
    status?.phase !== 'Failed'
  );
}

/** Our own conditions change the status and nothing else: they are no reason to think again. */
function changesDecision(pod: Pod, old: Pod): boolean {
  return (
    pod.metadata.generation !== old.metadata.generation ||
    !deepEqual(pod.metadata.labels, old.metadata.labels) ||
    !isOurs(old)
  );
}

const hasEnded = ({ status }: Pod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed';

/** Heartbeats do not: only what filters look at. */
function makesRoom(node: Node, old: Node): boolean {
  return !deepEqual(facts(node), facts(old));
}

function facts({ metadata, spec, status }: Node): unknown[] {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')?.status;
  return [metadata.labels, spec?.taints, spec?.unschedulable, status?.allocatable, ready];
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

async function reportUnschedulable(pod: Pod, message: string, context: KeyContext): Promise<void> {
  const { metadata, status } = pod;
  const known = status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (known?.status === 'False' && known.reason === 'Unschedulable' && known.message === message) return;
  context.eventFor(pod, 'Warning', 'FailedScheduling', message);
  const now = formatTime(context.clock.now());
  const condition = {
    type: 'PodScheduled',
    status: 'False',
    reason: 'Unschedulable',
    message,
    lastProbeTime: null,
    lastTransitionTime: known?.status === 'False' ? (known.lastTransitionTime ?? now) : now,
  };
  await context.client
    .resource(PodKind)
    .patchStatus(
      { namespace: metadata.namespace, name: metadata.name! },
      { status: { conditions: [condition] } },
      { type: 'application/strategic-merge-patch+json' },
    );
}
