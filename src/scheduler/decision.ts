/**
 * Which node a pod goes to: the first filters that object decide for a node, the best weighted score among those left wins,
 * and chance decides between equals.
 */
import type { FilterPlugin, ScorePlugin } from './framework.ts';
import type { NodeInfo } from './node-info.ts';
import { nodeAffinity } from './plugins/node-affinity.ts';
import { nodeName, nodeReady, nodeUnschedulable } from './plugins/node-availability.ts';
import { nodePorts } from './plugins/node-ports.ts';
import { nodeResourcesBalancedAllocation, nodeResourcesFit } from './plugins/node-resources.ts';
import { taintToleration } from './plugins/tolerations.ts';
import type { PodInfo } from './pod-info.ts';

/** In the order in which Kubernetes asks them. */
const filters: readonly FilterPlugin[] = [
  nodeUnschedulable,
  nodeName,
  nodeReady,
  taintToleration,
  nodeAffinity,
  nodePorts,
  nodeResourcesFit,
];

const scores: readonly ScorePlugin[] = [
  taintToleration,
  nodeAffinity,
  nodeResourcesFit,
  nodeResourcesBalancedAllocation,
];

export type Decision =
  | { readonly node: NodeInfo }
  /** Why not, in the standard text: `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable.` */
  | { readonly node: undefined; readonly message: string };

export class Decider {
  readonly #random: () => number;
  /** Where the search goes on: all nodes get their turn, though not all are looked at for every pod. */
  #next = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  decide(pod: PodInfo, nodes: readonly NodeInfo[]): Decision {
    if (nodes.length === 0) return { node: undefined, message: 'no nodes available to schedule pods' };
    const enough = feasibleNodesWanted(nodes.length);
    const feasible: NodeInfo[] = [];
    const reasons = new Map<string, number>();
    let looked = 0;
    for (; looked < nodes.length && feasible.length < enough; looked++) {
      const node = nodes[(this.#next + looked) % nodes.length]!;
      const objections = objectionsTo(pod, node);
      if (objections.length === 0) feasible.push(node);
      else for (const reason of objections) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    }
    this.#next = (this.#next + looked) % nodes.length;
    if (feasible.length === 0) return { node: undefined, message: explain(nodes.length, reasons) };
    return { node: feasible.length === 1 ? feasible[0]! : this.#best(pod, feasible) };
  }

  #best(pod: PodInfo, nodes: readonly NodeInfo[]): NodeInfo {
    let best = nodes[0]!;
    let highest = -1;
    let equals = 0;
    for (const node of nodes) {
      let total = 0;
      for (const plugin of scores) total += plugin.weight * plugin.score(pod, node);
      if (total > highest) {
        best = node;
        highest = total;
        equals = 1;
      } else if (total === highest) {
        equals += 1;
        if (this.#random() * equals < 1) best = node;
      }
    }
    return best;
  }
}

function objectionsTo(pod: PodInfo, node: NodeInfo): readonly string[] {
  for (const plugin of filters) {
    const reasons = plugin.filter(pod, node);
    if (reasons.length > 0) return reasons;
  }
  return [];
}

/** kube-scheduler's percentageOfNodesToScore: all of a small cluster, 5 to 50 per cent of a large one, never below 100. */
function feasibleNodesWanted(nodes: number): number {
  if (nodes < 100) return nodes;
  const percentage = Math.max(5, 50 - nodes / 125);
  return Math.max(100, Math.floor((nodes * percentage) / 100));
}

function explain(nodes: number, reasons: ReadonlyMap<string, number>): string {
  const parts = [...reasons].map(([reason, count]) => `${count} ${reason}`).sort();
  return `0/${nodes} nodes are available: ${parts.join(', ')}.`;
}
