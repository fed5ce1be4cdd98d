/**
 * How many pods of a kind each node has. Counted once and then kept as pods come and go, so that a decision costs as much
 * as there are nodes with such pods, and not as much as there are pods.
 */
import type { Pod } from '../client/kinds.ts';
import type { NamespaceLabels, WeightedTerm } from './affinity-term.ts';
import type { NodeInfo } from './node-info.ts';
import type { PodInfo } from './pod-info.ts';

export type NodeCounts = ReadonlyMap<NodeInfo, number>;

/** Which pods to count. */
export interface PodSelection {
  /** Selections of the same text select the same pods. */
  readonly text: string;
  readonly byNamespaceLabels?: boolean;
  matches(pod: Pod): boolean;
}

/** A term that pods on some nodes have. */
export interface HeldTerm extends WeightedTerm {
  readonly nodes: NodeCounts;
}

/** What a required affinity term of a pod that runs is worth to a pod that it selects (`hardPodAffinityWeight`). */
const hardAffinityWeight = 1;

/** Selections that nobody has asked for lately are forgotten beyond this number. */
const mostSelections = 256;

export class PodCounts {
  readonly #nodes: () => readonly NodeInfo[];
  readonly #selections = new Map<string, { readonly selection: PodSelection; readonly nodes: Map<NodeInfo, number> }>();
  readonly #antiAffinity = new HeldTerms();
  readonly #preferences = new HeldTerms();

  constructor(nodes: () => readonly NodeInfo[]) {
    this.#nodes = nodes;
  }

  /** Required anti-affinity of pods that run. */
  get antiAffinity(): Iterable<HeldTerm> {
    return this.#antiAffinity.terms.values();
  }

  /** What pods that run would like of pods that come, with what it weighs. */
  get preferences(): Iterable<HeldTerm> {
    return this.#preferences.terms.values();
  }

  selected(selection: PodSelection): NodeCounts {
    const { text } = selection;
    let known = this.#selections.get(text);
    if (known === undefined) {
      known = { selection, nodes: this.#count(selection) };
      if (this.#selections.size >= mostSelections) this.#selections.delete(this.#selections.keys().next().value!);
    } else this.#selections.delete(text);
    this.#selections.set(text, known); // the last one asked for is the last one forgotten
    return known.nodes;
  }

  change(pod: PodInfo, node: NodeInfo, by: 1 | -1): void {
    for (const { selection, nodes } of this.#selections.values()) {
      if (selection.matches(pod.pod)) increase(nodes, node, by);
    }
    for (const term of pod.terms.antiAffinity) this.#antiAffinity.change({ term, weight: 0 }, node, by);
    for (const term of pod.terms.affinity) this.#preferences.change({ term, weight: hardAffinityWeight }, node, by);
    for (const preferred of pod.terms.preferred) this.#preferences.change(preferred, node, by);
  }

  /** What was counted by labels of namespaces must be counted again. */
  namespacesChanged(): void {
    for (const [text, { selection }] of this.#selections) {
      if (selection.byNamespaceLabels === true) this.#selections.delete(text);
    }
  }

  #count(selection: PodSelection): Map<NodeInfo, number> {
    const nodes = new Map<NodeInfo, number>();
    for (const node of this.#nodes()) {
      for (const { pod } of node.pods.values()) if (selection.matches(pod)) increase(nodes, node, 1);
    }
    return nodes;
  }
}

/** Pods that match all of the terms, wherever they are. */
export function matchingTerms(terms: readonly WeightedTerm['term'][], labelsOf: NamespaceLabels): PodSelection {
  return {
    text: terms.map(({ text }) => text).join('&'),
    byNamespaceLabels: terms.some(({ byNamespaceLabels }) => byNamespaceLabels),
    matches: (pod) => terms.every((term) => term.matches(pod, labelsOf)),
  };
}

class HeldTerms {
  readonly terms = new Map<string, HeldTerm & { readonly nodes: Map<NodeInfo, number> }>();

  change({ term, weight }: WeightedTerm, node: NodeInfo, by: 1 | -1): void {
    const text = `${weight}|${term.text}`;
    let held = this.terms.get(text);
    if (held === undefined) {
      held = { term, weight, nodes: new Map() };
      this.terms.set(text, held);
    }
    increase(held.nodes, node, by);
    if (held.nodes.size === 0) this.terms.delete(text);
  }
}

/** Nothing is kept of what is zero. */
export function increase<K>(counts: Map<K, number>, key: K, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
