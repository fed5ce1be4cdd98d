/**
 * What a scheduling plugin is: filters say why a node will not do, scores say how good one is.
 * Source: Kubernetes "Scheduling Framework" (Filter and Score).
 */
import type { NodeInfo } from './node-info.ts';
import type { PodInfo } from './pod-info.ts';

export interface FilterPlugin {
  readonly name: string;
  /** Why the pod cannot go there, in the scheduler's words; empty: it can. */
  filter(pod: PodInfo, node: NodeInfo): readonly string[];
}

export interface ScorePlugin {
  readonly name: string;
  readonly weight: number;
  /** 0 (worst) to 100 (best). */
  score(pod: PodInfo, node: NodeInfo): number;
}

export const fits: readonly string[] = Object.freeze([]);
