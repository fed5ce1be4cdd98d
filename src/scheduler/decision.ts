/**
 * Which node a pod goes to: the first filter that objects decides for a node, the best weighted score among those left
 * wins, and chance decides between equals.
 */
import type { ClusterState } from './cluster-state.ts';
import type { FilterPlugin } from './framework.ts';
import { Judge, type Refusal } from './judge.ts';
import type { NodeInfo } from './node-info.ts';
import type { PodInfo } from './pod-info.ts';
import type { Profile } from './profile.ts';

export type Decision = { readonly node: NodeInfo } | Refused;

export interface Refused {
  readonly node: undefined;
  /** Why not, in the standard text: `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable.` */
  readonly message: string;
  readonly refusals: ReadonlyMap<NodeInfo, Refusal>;
  /** Who has refused a node: nothing changes before one of them changes its mind. */
  readonly plugins: ReadonlySet<FilterPlugin>;
  readonly judge: Judge;
}

export class Decider {
  readonly #profile: Profile;
  readonly #cluster: ClusterState;
  readonly #random: () => number;
  /** Where the search goes on: all nodes get their turn, though not all are looked at for every pod. */
  #next = 0;

  constructor(profile: Profile, cluster: ClusterState, random: () => number) {
    this.#profile = profile;
    this.#cluster = cluster;
    this.#random = random;
  }

  decide(pod: PodInfo): Decision {
    const { nodes, nominations } = this.#cluster;
    const { filters, percentageOfNodesToScore } = this.#profile;
    const judge = new Judge(pod, filters, this.#cluster);
    const refusals = new Map<NodeInfo, Refusal>();
    if (nodes.length === 0) {
      const message = 'no nodes available to schedule pods';
      return { node: undefined, message, refusals, plugins: new Set(filters), judge };
    }
    const nominated = this.#cluster.node(nominations.nodeOf(pod.key) ?? '');
    if (nominated !== undefined && judge.refusal(nominated) === undefined) return { node: nominated };
    const enough = feasibleNodesWanted(nodes.length, percentageOfNodesToScore);
    const feasible: NodeInfo[] = [];
    let looked = 0;
    for (; looked < nodes.length && feasible.length < enough; looked++) {
      const node = nodes[(this.#next + looked) % nodes.length]!;
      const refusal = judge.refusal(node);
      if (refusal === undefined) feasible.push(node);
      else refusals.set(node, refusal);
    }
    this.#next = (this.#next + looked) % nodes.length;
    if (feasible.length > 0) return { node: feasible.length === 1 ? feasible[0]! : this.#best(pod, feasible) };
    const plugins = new Set<FilterPlugin>();
    const reasons: (readonly string[])[] = [];
    for (const { plugin, objection } of refusals.values()) {
      plugins.add(plugin);
      reasons.push(objection.reasons);
    }
    return { node: undefined, message: unavailable(reasons), refusals, plugins, judge };
  }

  #best(pod: PodInfo, nodes: readonly NodeInfo[]): NodeInfo {
    const totals = this.#totals(pod, nodes);
    let best = 0;
    let equals = 1;
    for (let i = 1; i < nodes.length; i++) {
      if (totals[i]! > totals[best]!) {
        best = i;
        equals = 1;
      } else if (totals[i] === totals[best]) {
        equals += 1;
        if (this.#random() * equals < 1) best = i;
      }
    }
    return nodes[best]!;
  }

  #totals(pod: PodInfo, nodes: readonly NodeInfo[]): number[] {
    const totals = nodes.map(() => 0);
    for (const plugin of this.#profile.scores) {
      const score = plugin.prepareScore(pod, this.#cluster, nodes);
      if (score === undefined) continue;
      const scores = nodes.map(score);
      plugin.normalize?.(scores);
      for (const [i, value] of scores.entries()) totals[i]! += plugin.weight * value;
    }
    return totals;
  }
}

/** The standard text about nodes of which each has its reasons. */
export function unavailable(reasonsOfNodes: readonly (readonly string[])[]): string {
  const counts = new Map<string, number>();
  for (const reasons of reasonsOfNodes) {
    for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  const parts = [...counts].map(([reason, count]) => `${count} ${reason}`).sort();
  return `0/${reasonsOfNodes.length} nodes are available: ${parts.join(', ')}.`;
}

/** All of a small cluster, the given share of a large one (by default 50 to 5 per cent), never below 100. */
function feasibleNodesWanted(nodes: number, percentage: number): number {
  if (nodes < 100 || percentage >= 100) return nodes;
  const share = percentage > 0 ? percentage : Math.max(5, 50 - Math.floor(nodes / 125));
  return Math.max(100, Math.floor((nodes * share) / 100));
}
