/** Makes and deletes a DaemonSet's pods. Source: `manage` and `syncNodes` in Kubernetes' daemon_controller.go. */
import type { Draft } from '../../client/client.ts';
import { DaemonSet, Node, type Pod } from '../../client/kinds.ts';
import type { KeyContext } from '../../runtime/index.ts';
import { forAll } from '../workload/parallel.ts';
import { createPod, deletePod, isNamespaceTerminating, podFromTemplate } from '../workload/pod-control.ts';
import { isPodReady } from '../workload/pods.ts';
import { slowStart } from '../workload/slow-start.ts';
import { affinityTo, daemonTolerations, placementOn, targetNode } from './placement.ts';

export const hashLabel = 'controller-revision-hash';
const generationLabel = 'pod-template-generation';
const generationAnnotation = 'deprecated.daemonset.template.generation';

/** At most so many pods are made or deleted in one go. */
const burst = 250;

/** By node; pods of which nobody knows where they belong are under `''`. */
export function byNode(pods: readonly Pod[]): Map<string, Pod[]> {
  const nodes = new Map<string, Pod[]>();
  for (const pod of pods) {
    const node = targetNode(pod) ?? '';
    const others = nodes.get(node);
    if (others === undefined) nodes.set(node, [pod]);
    else others.push(pod);
  }
  return nodes;
}

export interface Changes {
  /** Nodes that lack a pod. */
  readonly create: string[];
  readonly remove: Pod[];
}

/** Which pods are missing and which are too many, whatever their template. */
export function changesFor(set: DaemonSet, pods: ReadonlyMap<string, readonly Pod[]>, context: KeyContext): Changes {
  const changes: Changes = { create: [], remove: [] };
  const template = set.spec!.template;
  const nodes = context.cache(Node);
  for (const node of nodes.list()) {
    const { name = '' } = node.metadata;
    const { runs, stays } = placementOn(node, template);
    const there = pods.get(name) ?? [];
    if (!stays) {
      changes.remove.push(...there.filter(isLiving));
    } else if (there.length === 0) {
      if (runs) changes.create.push(name);
    } else {
      changes.remove.push(...excess(set, name, there, context));
    }
  }
  for (const [name, there] of pods) {
    // The node is gone, and the pod had not got there.
    if (nodes.get({ name }) === undefined)
      changes.remove.push(...there.filter((pod) => isLiving(pod) && !isAssigned(pod)));
  }
  return changes;
}

const isLiving = ({ metadata }: Pod): boolean => metadata.deletionTimestamp === undefined;
const isAssigned = ({ spec }: Pod): boolean => (spec?.nodeName ?? '') !== '';

/** Finished pods, and all but the oldest of those that run. */
function excess(set: DaemonSet, node: string, pods: readonly Pod[], context: KeyContext): Pod[] {
  const finished: Pod[] = [];
  const running: Pod[] = [];
  for (const pod of pods.filter(isLiving)) {
    const { namespace, name } = pod.metadata;
    if (pod.status?.phase === 'Failed') {
      const message = `Found failed daemon pod ${namespace}/${name} on node ${node}, will try to kill it`;
      context.eventFor(set, 'Warning', 'FailedDaemonPod', message);
      finished.push(pod);
    } else if (pod.status?.phase === 'Succeeded') {
      const message = `Found succeeded daemon pod ${namespace}/${name} on node ${node}, will try to delete it`;
      context.eventFor(set, 'Normal', 'SucceededDaemonPod', message);
      finished.push(pod);
    } else {
      running.push(pod);
    }
  }
  // During an update with surge, an old pod and its new one run together.
  const together = new Map<string, Pod[]>();
  for (const pod of running) {
    const hash = surges(set) ? (pod.metadata.labels?.[hashLabel] ?? '') : '';
    together.set(hash, [...(together.get(hash) ?? []), pod]);
  }
  for (const same of together.values()) finished.push(...same.sort(byAge).slice(1));
  return finished;
}

const surges = ({ spec }: DaemonSet): boolean => {
  const maxSurge = spec?.updateStrategy?.rollingUpdate?.maxSurge ?? 0;
  return maxSurge !== 0 && maxSurge !== '0%';
};

/** Assigned ones first, then the oldest. */
export function byAge(a: Pod, b: Pod): number {
  const assigned = Number(isAssigned(b)) - Number(isAssigned(a));
  const ready = Number(isPodReady(b)) - Number(isPodReady(a));
  return assigned || compare(a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? '') || ready;
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export async function carryOut(set: DaemonSet, changes: Changes, hash: string, context: KeyContext): Promise<void> {
  const { create, remove } = changes;
  const { error } = await slowStart(Math.min(create.length, burst), async (index) => {
    await createPod(context, set, podFor(set, create[index]!, hash));
  });
  await forAll(remove.slice(0, burst), (pod) => deletePod(context, set, pod));
  if (error !== undefined && !isNamespaceTerminating(error)) throw error;
}

function podFor(set: DaemonSet, node: string, hash: string): Draft<Pod> {
  const pod = podFromTemplate(set.spec!.template, set, DaemonSet);
  const generation = set.metadata.annotations?.[generationAnnotation];
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      labels: {
        ...pod.metadata.labels,
        [hashLabel]: hash,
        ...(generation === undefined ? {} : { [generationLabel]: generation }),
      },
    },
    spec: {
      ...pod.spec!,
      affinity: affinityTo(node, pod.spec?.affinity),
      tolerations: daemonTolerations(pod.spec),
    },
  };
}

/** Whether the pod was made from the set's template as it is now. */
export function isUpdated({ metadata }: Pod, set: DaemonSet, hash: string): boolean {
  const generation = set.metadata.annotations?.[generationAnnotation];
  const { labels = {} } = metadata;
  return labels[hashLabel] === hash || (generation !== undefined && labels[generationLabel] === generation);
}
