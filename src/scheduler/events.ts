/**
 * What happens in a cluster that may let a waiting pod be scheduled. Each plugin says which of these help a pod that it
 * has refused; nothing else wakes the pod.
 * Source: KEP-4247 (per-plugin queueing hints).
 */
import type { Node, Pod } from '../client/kinds.ts';
import { deepEqual } from '../machinery/json.ts';
import { isReady, type NodeInfo } from './node-info.ts';
import type { PodInfo } from './pod-info.ts';

export type NodeFact = 'labels' | 'taints' | 'allocatable' | 'ready';

export type ClusterEvent =
  | { readonly type: 'NodeAdded'; readonly node: NodeInfo }
  | { readonly type: 'NodeChanged'; readonly node: NodeInfo; readonly changed: ReadonlySet<NodeFact> }
  | { readonly type: 'NodeRemoved' }
  /** A pod has come to a node. */
  | { readonly type: 'PodPlaced'; readonly pod: PodInfo }
  /** A pod that was on a node is gone, has ended, or needs less. */
  | { readonly type: 'PodLeft'; readonly pod: PodInfo }
  /** Its labels are others, or it is being deleted. */
  | { readonly type: 'PodChanged'; readonly pod: PodInfo; readonly old: PodInfo }
  | { readonly type: 'NamespaceRelabelled' };

/** What filters look at; heartbeats change nothing of it. */
export function changedFacts(node: Node, old: Node): ReadonlySet<NodeFact> {
  const changed = new Set<NodeFact>();
  if (!deepEqual(node.metadata.labels, old.metadata.labels)) changed.add('labels');
  const unschedulable = (node.spec?.unschedulable ?? false) !== (old.spec?.unschedulable ?? false);
  if (unschedulable || !deepEqual(node.spec?.taints, old.spec?.taints)) changed.add('taints');
  if (!deepEqual(node.status?.allocatable, old.status?.allocatable)) changed.add('allocatable');
  if (isReady(node) !== isReady(old)) changed.add('ready');
  return changed;
}

export const hasEnded = ({ status }: Pod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed';

/** For plugins that look at nothing but the node's own facts. */
export function nodeCameOrChanged(event: ClusterEvent, ...facts: readonly NodeFact[]): boolean {
  if (event.type === 'NodeAdded') return true;
  return event.type === 'NodeChanged' && facts.some((fact) => event.changed.has(fact));
}
