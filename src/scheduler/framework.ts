/**
 * What a scheduling plugin is. A plugin looks at a pod and the cluster once, and then judges node after node: a filter
 * says why a node will not do, a scorer how good one is.
 * Source: Kubernetes "Scheduling Framework" (PreFilter, Filter, PreScore, Score, NormalizeScore, queueing hints).
 */
import type { ClusterState } from './cluster-state.ts';
import type { ClusterEvent } from './events.ts';
import type { NodeInfo } from './node-info.ts';
import type { PodInfo } from './pod-info.ts';

/** Why a pod cannot go to a node. */
export interface Objection {
  /** In the scheduler's words. */
  readonly reasons: readonly string[];
  /** Kubernetes' `UnschedulableAndUnresolvable`: no pod that leaves the node would change it. */
  readonly unresolvable: boolean;
}

export interface NodeFilter {
  objection(node: NodeInfo): Objection | undefined;
  /** A pod is taken to be (1) or not to be (-1) on the node: what has been counted must follow. */
  change?(pod: PodInfo, node: NodeInfo, by: 1 | -1): void;
}

export interface FilterPlugin {
  readonly name: string;
  /** Undefined: it has no objection to any node. */
  prepareFilter(pod: PodInfo, cluster: ClusterState): NodeFilter | undefined;
  /** Whether the event may end the objections of this plugin to a pod that waits. */
  helps(pod: PodInfo, event: ClusterEvent, cluster: ClusterState): boolean;
}

export interface ScorePlugin {
  readonly name: string;
  readonly weight: number;
  /** How good each of the nodes is; undefined: no opinion. With `normalize`, any scale; else 0 (worst) to 100 (best). */
  prepareScore(
    pod: PodInfo,
    cluster: ClusterState,
    nodes: readonly NodeInfo[],
  ): ((node: NodeInfo) => number) | undefined;
  /** Brings the scores of all nodes to 0…100, in place. */
  normalize?(scores: number[]): void;
}

export const highestScore = 100;

export function resolvable(...reasons: string[]): Objection {
  return Object.freeze({ reasons, unresolvable: false });
}

export function unresolvable(...reasons: string[]): Objection {
  return Object.freeze({ reasons, unresolvable: true });
}

/** The best becomes 100 and the others in proportion, or the other way round. */
export function scaleToHighest(scores: number[], reverse = false): void {
  const highest = scores.reduce((most, score) => Math.max(most, score), 0);
  for (const [i, score] of scores.entries()) {
    const scaled = highest === 0 ? 0 : Math.floor((highestScore * score) / highest);
    scores[i] = reverse ? highestScore - scaled : scaled;
  }
}
