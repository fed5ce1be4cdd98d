/** NodeResourcesFit (LeastAllocated or MostAllocated) and NodeResourcesBalancedAllocation. */
import { type FilterPlugin, highestScore, type Objection, type ScorePlugin } from '../framework.ts';
import type { NodeInfo } from '../node-info.ts';
import type { PodInfo } from '../pod-info.ts';

export type ScoringStrategy = 'LeastAllocated' | 'MostAllocated';

export function nodeResourcesFit(strategy: ScoringStrategy = 'LeastAllocated'): FilterPlugin & ScorePlugin {
  return {
    name: 'NodeResourcesFit',
    weight: 1,
    prepareFilter: (pod) => ({ objection: (node) => shortage(pod, node) }),
    prepareScore: (pod) => (node) => {
      const free = freeShare(pod, node);
      return strategy === 'LeastAllocated' ? free : highestScore - free;
    },
    helps(pod, event) {
      switch (event.type) {
        case 'PodLeft':
          return true;
        case 'NodeAdded':
          return couldEverFit(pod, event.node);
        case 'NodeChanged':
          return event.changed.has('allocatable') && couldEverFit(pod, event.node);
        default:
          return false;
      }
    },
  };
}

function shortage({ requests }: PodInfo, { allocatable, requested, pods }: NodeInfo): Objection | undefined {
  let reasons: string[] | undefined;
  let unresolvable = false;
  if (pods.size + 1 > (allocatable.get('pods') ?? 0)) reasons = ['Too many pods'];
  for (const [name, amount] of requests) {
    const capacity = allocatable.get(name) ?? 0;
    if (amount === 0 || amount <= capacity - (requested.get(name) ?? 0)) continue;
    reasons ??= [];
    reasons.push(`Insufficient ${name}`);
    if (amount > capacity) unresolvable = true;
  }
  return reasons === undefined ? undefined : { reasons, unresolvable };
}

function couldEverFit({ requests }: PodInfo, { allocatable }: NodeInfo): boolean {
  return [...requests].every(([name, amount]) => amount <= (allocatable.get(name) ?? 0));
}

const scored = ['cpu', 'memory'];

/** The mean of what stays free of CPU and memory, in per cent. */
function freeShare({ weight }: PodInfo, { allocatable, weight: taken }: NodeInfo): number {
  let sum = 0;
  let count = 0;
  for (const name of scored) {
    const capacity = allocatable.get(name) ?? 0;
    if (capacity === 0) continue;
    const left = capacity - (taken.get(name) ?? 0) - (weight.get(name) ?? 0);
    sum += Math.max(0, (highestScore * left) / capacity);
    count += 1;
  }
  return count === 0 ? 0 : sum / count;
}

export const nodeResourcesBalancedAllocation: ScorePlugin = {
  name: 'NodeResourcesBalancedAllocation',
  weight: 1,
  /** How even CPU and memory would be used: 100 minus the spread of the two fractions. */
  prepareScore: (pod) => (node) => {
    const uneven = Math.abs(usedShare('cpu', pod, node) - usedShare('memory', pod, node));
    return highestScore * (1 - uneven / 2);
  },
};

/** What would be used, at most 1. */
function usedShare(name: string, { requests }: PodInfo, { allocatable, requested }: NodeInfo): number {
  const capacity = allocatable.get(name) ?? 0;
  return capacity === 0 ? 0 : Math.min(1, ((requested.get(name) ?? 0) + (requests.get(name) ?? 0)) / capacity);
}
