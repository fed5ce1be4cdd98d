/**
 * InterPodAffinity: which pods a pod wants beside it and which not, and what pods that run say of it.
 * Source: Kubernetes "Inter-pod affinity and anti-affinity".
 */
import type { AffinityTerm } from '../affinity-term.ts';
import type { ClusterState } from '../cluster-state.ts';
import { nodeCameOrChanged } from '../events.ts';
import {
  type FilterPlugin,
  highestScore,
  type NodeFilter,
  resolvable,
  type ScorePlugin,
  unresolvable,
} from '../framework.ts';
import type { NodeInfo } from '../node-info.ts';
import { increase, matchingTerms, type NodeCounts } from '../pod-counts.ts';
import type { PodInfo } from '../pod-info.ts';

const noAffinity = unresolvable("node(s) didn't match pod affinity rules");
const antiAffinity = resolvable("node(s) didn't match pod anti-affinity rules");
const existingAntiAffinity = resolvable("node(s) didn't satisfy existing pods anti-affinity rules");

export const interPodAffinity: FilterPlugin & ScorePlugin = {
  name: 'InterPodAffinity',
  weight: 2,
  prepareFilter(pod, cluster) {
    const filter = new AffinityFilter(pod, cluster);
    return filter.idle && cluster.nominations.size === 0 ? undefined : filter;
  },
  prepareScore(pod, cluster) {
    const scores = new TopologySums();
    for (const { term, weight } of pod.terms.preferred) {
      scores.addAll(term.topologyKey, cluster.counts.selected(matchingTerms([term], cluster.labelsOf)), weight);
    }
    for (const { term, weight, nodes } of cluster.counts.preferences) {
      if (term.matches(pod.pod, cluster.labelsOf)) scores.addAll(term.topologyKey, nodes, weight);
    }
    return scores.empty ? undefined : (node) => scores.sum(node);
  },
  normalize(scores) {
    const lowest = scores.reduce((least, score) => Math.min(least, score), Number.POSITIVE_INFINITY);
    const highest = scores.reduce((most, score) => Math.max(most, score), Number.NEGATIVE_INFINITY);
    const range = highest - lowest;
    for (const [i, score] of scores.entries()) {
      scores[i] = range === 0 ? 0 : Math.floor((highestScore * (score - lowest)) / range);
    }
  },
  helps({ pod, terms }, event, { labelsOf }) {
    const wanted = (other: PodInfo): boolean =>
      terms.affinity.length > 0 && terms.affinity.every((term) => term.matches(other.pod, labelsOf));
    const unwanted = (other: PodInfo): boolean =>
      terms.antiAffinity.some((term) => term.matches(other.pod, labelsOf)) ||
      other.terms.antiAffinity.some((term) => term.matches(pod, labelsOf));
    switch (event.type) {
      case 'PodPlaced':
        return wanted(event.pod);
      case 'PodLeft':
        // The last pod of a group that goes lets the next one be the first.
        return unwanted(event.pod) || wanted(event.pod);
      case 'PodChanged':
        return (!wanted(event.old) && wanted(event.pod)) || (unwanted(event.old) && !unwanted(event.pod));
      case 'NodeRemoved':
      case 'NamespaceRelabelled':
        return true;
      default:
        return nodeCameOrChanged(event, 'labels');
    }
  },
};

class AffinityFilter implements NodeFilter {
  readonly #pod: PodInfo;
  readonly #cluster: ClusterState;
  /** Where the pods are that all of the pod's affinity terms select. */
  readonly #wanted = new TopologySums();
  /** Where the pods are that it does not want beside it. */
  readonly #unwanted = new TopologySums();
  /** Where the pods are that do not want it beside them. */
  readonly #refusing = new TopologySums();

  constructor(pod: PodInfo, cluster: ClusterState) {
    this.#pod = pod;
    this.#cluster = cluster;
    const { affinity, antiAffinity } = pod.terms;
    const { counts, labelsOf } = cluster;
    if (affinity.length > 0) {
      const nodes = counts.selected(matchingTerms(affinity, labelsOf));
      for (const { topologyKey } of affinity) this.#wanted.addAll(topologyKey, nodes, 1);
    }
    for (const term of antiAffinity) {
      this.#unwanted.addAll(term.topologyKey, counts.selected(matchingTerms([term], labelsOf)), 1);
    }
    for (const { term, nodes } of counts.antiAffinity) {
      if (term.matches(pod.pod, labelsOf)) this.#refusing.addAll(term.topologyKey, nodes, 1);
    }
  }

  /** Nothing to object. */
  get idle(): boolean {
    const { affinity, antiAffinity } = this.#pod.terms;
    return affinity.length + antiAffinity.length === 0 && this.#refusing.empty;
  }

  objection(node: NodeInfo) {
    if (!this.#isWanted(node)) return noAffinity;
    if (this.#pod.terms.antiAffinity.some(({ topologyKey }) => this.#unwanted.has(topologyKey, node))) {
      return antiAffinity;
    }
    return this.#refusing.hasAny(node) ? existingAntiAffinity : undefined;
  }

  change(pod: PodInfo, node: NodeInfo, by: 1 | -1): void {
    const { labelsOf } = this.#cluster;
    const { affinity, antiAffinity } = this.#pod.terms;
    const selects = (term: AffinityTerm): boolean => term.matches(pod.pod, labelsOf);
    if (affinity.length > 0 && affinity.every(selects)) {
      for (const { topologyKey } of affinity) this.#wanted.add(topologyKey, node, by);
    }
    for (const term of antiAffinity) if (selects(term)) this.#unwanted.add(term.topologyKey, node, by);
    for (const term of pod.terms.antiAffinity) {
      if (term.matches(this.#pod.pod, labelsOf)) this.#refusing.add(term.topologyKey, node, by);
    }
  }

  /** A pod that would itself be what it wants may be the first of its kind. */
  #isWanted(node: NodeInfo): boolean {
    const { affinity } = this.#pod.terms;
    if (affinity.some(({ topologyKey }) => node.labels[topologyKey] === undefined)) return false;
    if (affinity.every(({ topologyKey }) => this.#wanted.has(topologyKey, node))) return true;
    return this.#wanted.empty && affinity.every((term) => term.matches(this.#pod.pod, this.#cluster.labelsOf));
  }
}

/** Sums by topology: by node label and its value. */
class TopologySums {
  readonly #keys = new Map<string, Map<string, number>>();

  get empty(): boolean {
    return this.#keys.size === 0;
  }

  addAll(key: string, nodes: NodeCounts, weight: number): void {
    for (const [node, count] of nodes) this.add(key, node, count * weight);
  }

  add(key: string, node: NodeInfo, amount: number): void {
    const value = node.labels[key];
    if (value === undefined) return;
    let values = this.#keys.get(key);
    if (values === undefined) {
      values = new Map();
      this.#keys.set(key, values);
    }
    increase(values, value, amount);
    if (values.size === 0) this.#keys.delete(key);
  }

  has(key: string, node: NodeInfo): boolean {
    const value = node.labels[key];
    return value !== undefined && this.#keys.get(key)?.has(value) === true;
  }

  hasAny(node: NodeInfo): boolean {
    for (const key of this.#keys.keys()) if (this.has(key, node)) return true;
    return false;
  }

  sum(node: NodeInfo): number {
    let sum = 0;
    for (const [key, values] of this.#keys) sum += values.get(node.labels[key] ?? '') ?? 0;
    return sum;
  }
}
