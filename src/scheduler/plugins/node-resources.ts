/** NodeResourcesFit (LeastAllocated) and NodeResourcesBalancedAllocation. */
import { type FilterPlugin, fits, type ScorePlugin } from '../framework.ts';

export const nodeResourcesFit: FilterPlugin & ScorePlugin = {
  name: 'NodeResourcesFit',
  weight: 1,
  filter({ requests }, { allocatable, requested, pods }) {
    let reasons: string[] | undefined;
    if (pods.size + 1 > (allocatable.get('pods') ?? 0)) reasons = ['Too many pods'];
    for (const [name, amount] of requests) {
      if (amount === 0) continue;
      if (amount > (allocatable.get(name) ?? 0) - (requested.get(name) ?? 0)) {
        reasons ??= [];
        reasons.push(`Insufficient ${name}`);
      }
    }
    return reasons ?? fits;
  },
  /** The mean of what stays free of CPU and memory. */
  score({ weight }, { allocatable, weight: taken }) {
    let sum = 0;
    let count = 0;
    for (const name of scored) {
      const capacity = allocatable.get(name) ?? 0;
      if (capacity === 0) continue;
      const left = capacity - (taken.get(name) ?? 0) - (weight.get(name) ?? 0);
      sum += Math.max(0, (100 * left) / capacity);
      count += 1;
    }
    return count === 0 ? 0 : sum / count;
  },
};

const scored = ['cpu', 'memory'];

export const nodeResourcesBalancedAllocation: ScorePlugin = {
  name: 'NodeResourcesBalancedAllocation',
  weight: 1,
  /** How even CPU and memory would be used: 100 minus the spread of the two fractions. */
  score({ requests }, { allocatable, requested }) {
    const [cpu = 0, memory = 0] = scored.map((name) => {
      const capacity = allocatable.get(name) ?? 0;
      return capacity === 0 ? 0 : Math.min(1, ((requested.get(name) ?? 0) + (requests.get(name) ?? 0)) / capacity);
    });
    return 100 * (1 - Math.abs(cpu - memory) / 2);
  },
};
