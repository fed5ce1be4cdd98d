/** Clusters made of words, and what the scheduler decides about them. */
import type { Node, Pod } from '../../src/client/kinds.ts';
import type { ObjectMeta } from '../../src/machinery/object.ts';
import { ClusterState } from '../../src/scheduler/cluster-state.ts';
import { Decider, type Decision } from '../../src/scheduler/decision.ts';
import { podInfo } from '../../src/scheduler/pod-info.ts';
import { createProfile, type ProfileOptions } from '../../src/scheduler/profile.ts';

export type NodeSpec = NonNullable<Node['spec']>;
export type PodSpec = Partial<NonNullable<Pod['spec']>>;

export function node(
  name: string,
  spec: NodeSpec = {},
  labels: Record<string, string> = {},
  ready = 'True',
  status: object = {},
): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
    spec,
    status: {
      allocatable: { cpu: '2', memory: '4Gi', pods: '3' },
      conditions: [{ type: 'Ready', status: ready }],
      ...status,
    },
  } as Node;
}

export const inZone = (name: string, zone: string): Node => node(name, {}, { zone });

export function pod(
  spec: PodSpec = {},
  requests: Record<string, string> = {},
  metadata: Partial<ObjectMeta> = {},
  status: object = {},
): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'default', ...metadata },
    spec: { containers: [{ name: 'c', image: 'i', resources: { requests } }], ...spec },
    status,
  } as Pod;
}

export function cluster(
  nodes: readonly Node[],
  pods: readonly Pod[] = [],
  namespaces: Readonly<Record<string, Record<string, string>>> = {},
): ClusterState {
  const state = new ClusterState();
  for (const [name, labels] of Object.entries(namespaces)) state.setNamespace(name, labels);
  for (const each of nodes) state.setNode(each);
  for (const each of pods) state.setPod(each);
  return state;
}

export const decisionOn = (wanted: Pod, state: ClusterState, options: ProfileOptions = {}): Decision =>
  new Decider(createProfile(options), state, () => 0.9).decide(podInfo(wanted));

/** `→ n1`, or why not. */
export function decide(wanted: Pod, state: ClusterState, options: ProfileOptions = {}): string {
  const decision = decisionOn(wanted, state, options);
  return decision.node === undefined ? decision.message : `→ ${decision.node.name}`;
}
