/**
 * PodTopologySpread: pods of a kind are spread evenly over zones, nodes or whatever a label tells apart.
 * Source: Kubernetes "Pod Topology Spread Constraints".
 */
import type { Pod } from '../../client/kinds.ts';
import { selectorOf, selectorText, withLabelKeys } from '../affinity-term.ts';
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
import { increase, type NodeCounts, type PodSelection } from '../pod-counts.ts';
import type { PodInfo } from '../pod-info.ts';
import { hasLabels } from '../topologies.ts';
import { type NodeTest, requiredNodeAffinity } from './node-affinity.ts';
import { refusedTaint } from './tolerations.ts';

interface Constraint {
  readonly topologyKey: string;
  readonly maxSkew: number;
  /** With fewer domains than this, the emptiest one counts as empty. */
  readonly minDomains: number;
  readonly selection: PodSelection;
  /** Whether the node's pods count; undefined: those of all nodes. */
  readonly includes: NodeTest | undefined;
}

const missingLabel = unresolvable("node(s) didn't match pod topology spread constraints (missing required label)");
const uneven = resolvable("node(s) didn't match pod topology spread constraints");

const hostname = 'kubernetes.io/hostname';

/** The score of nodes that lack a label of a constraint: they are the worst, whatever the others have. */
const outside = -1;

export const podTopologySpread: FilterPlugin & ScorePlugin = {
  name: 'PodTopologySpread',
  weight: 2,
  prepareFilter(pod, cluster) {
    const constraints = constraintsOf(pod.pod, 'DoNotSchedule');
    return constraints.length === 0 ? undefined : new SpreadFilter(pod, constraints, cluster);
  },
  prepareScore(pod, cluster, nodes) {
    const declared = (pod.pod.spec?.topologySpreadConstraints ?? []).length > 0;
    const constraints = declared ? constraintsOf(pod.pod, 'ScheduleAnyway') : defaultConstraints(pod.pod);
    return constraints.length === 0 ? undefined : spreadScore(constraints, cluster, nodes, declared);
  },
  /** The fewer pods the better. */
  normalize(scores) {
    const known = scores.filter((score) => score !== outside);
    const lowest = known.reduce((least, score) => Math.min(least, score), Number.POSITIVE_INFINITY);
    const highest = known.reduce((most, score) => Math.max(most, score), 0);
    for (const [i, score] of scores.entries()) {
      if (score === outside) scores[i] = 0;
      else if (highest === 0) scores[i] = highestScore;
      else scores[i] = Math.floor((highestScore * (highest + lowest - score)) / highest);
    }
  },
  helps({ pod }, event) {
    const concerns = (other: PodInfo): boolean =>
      constraintsOf(pod, 'DoNotSchedule').some(({ selection }) => selection.matches(other.pod));
    switch (event.type) {
      case 'PodPlaced':
      case 'PodLeft':
        return concerns(event.pod);
      case 'PodChanged':
        return concerns(event.pod) !== concerns(event.old);
      case 'NodeRemoved':
        return true;
      default:
        return nodeCameOrChanged(event, 'labels', 'taints');
    }
  },
};

class SpreadFilter implements NodeFilter {
  readonly #constraints: readonly Constraint[];
  readonly #keys: readonly string[];
  /** For each constraint, the pods in each of its domains. */
  readonly #domains: readonly Domains[];
  /** For each constraint, whether the pod is one of those that it spreads. */
  readonly #self: readonly (0 | 1)[];

  constructor({ pod }: PodInfo, constraints: readonly Constraint[], cluster: ClusterState) {
    this.#constraints = constraints;
    this.#keys = constraints.map(({ topologyKey }) => topologyKey);
    this.#self = constraints.map(({ selection }) => (selection.matches(pod) ? 1 : 0));
    const all = cluster.topologies.domains(this.#keys);
    this.#domains = constraints.map(({ topologyKey, selection, includes }, i) => {
      const some = includes && cluster.nodes.filter((node) => hasLabels(node, this.#keys) && includes(node));
      const domains = new Domains(
        some === undefined ? all[i]! : new Set(some.map(({ labels }) => labels[topologyKey]!)),
      );
      for (const [node, count] of cluster.counts.selected(selection)) {
        if (this.#counts(node, includes)) domains.add(node.labels[topologyKey]!, count);
      }
      return domains;
    });
  }

  objection(node: NodeInfo) {
    for (let i = 0; i < this.#constraints.length; i++) {
      const { topologyKey, maxSkew, minDomains } = this.#constraints[i]!;
      const value = node.labels[topologyKey];
      if (value === undefined) return missingLabel;
      const domains = this.#domains[i]!;
      if (domains.get(value) + this.#self[i]! - domains.lowest(minDomains) > maxSkew) return uneven;
    }
    return undefined;
  }

  change(pod: PodInfo, node: NodeInfo, by: 1 | -1): void {
    for (const [i, { topologyKey, selection, includes }] of this.#constraints.entries()) {
      if (selection.matches(pod.pod) && this.#counts(node, includes)) {
        this.#domains[i]!.add(node.labels[topologyKey]!, by);
      }
    }
  }

  #counts(node: NodeInfo, includes: NodeTest | undefined): boolean {
    return hasLabels(node, this.#keys) && (includes === undefined || includes(node));
  }
}

class Domains {
  /** All that there are: most may be empty. */
  readonly #all: ReadonlySet<string>;
  readonly #counts = new Map<string, number>();
  #lowest: number | undefined;

  constructor(all: ReadonlySet<string>) {
    this.#all = all;
  }

  get(domain: string): number {
    return this.#counts.get(domain) ?? 0;
  }

  add(domain: string, pods: number): void {
    increase(this.#counts, domain, pods);
    this.#lowest = undefined;
  }

  lowest(minDomains: number): number {
    if (this.#all.size < minDomains || this.#counts.size < this.#all.size) return 0;
    if (this.#lowest === undefined) {
      this.#lowest = Number.POSITIVE_INFINITY;
      for (const count of this.#counts.values()) if (count < this.#lowest) this.#lowest = count;
    }
    return this.#lowest;
  }
}

/** How crowded a node's domains are: small topologies (zones) weigh as much as large ones (nodes). */
function spreadScore(
  constraints: readonly Constraint[],
  cluster: ClusterState,
  candidates: readonly NodeInfo[],
  needsAllLabels: boolean,
): (node: NodeInfo) => number {
  const keys = needsAllLabels ? constraints.map(({ topologyKey }) => topologyKey) : [];
  const isInside = (node: NodeInfo): boolean => hasLabels(node, keys);
  const inside = candidates.filter(isInside);
  const parts = constraints.map((constraint) => {
    const counts = cluster.counts.selected(constraint.selection);
    const { topologyKey } = constraint;
    if (topologyKey === hostname)
      return { constraint, count: (node: NodeInfo) => counts.get(node) ?? 0, size: inside.length };
    const domains = new Map<string, number>();
    for (const { labels } of inside) if (labels[topologyKey] !== undefined) domains.set(labels[topologyKey]!, 0);
    addPods(domains, counts, constraint, isInside);
    return { constraint, count: ({ labels }: NodeInfo) => domains.get(labels[topologyKey]!) ?? 0, size: domains.size };
  });
  return (node) => {
    if (!isInside(node)) return outside;
    let score = 0;
    for (const { constraint, count, size } of parts) {
      if (node.labels[constraint.topologyKey] === undefined) continue;
      score += count(node) * Math.log(size + 2) + constraint.maxSkew - 1;
    }
    return Math.round(score);
  };
}

function addPods(
  domains: Map<string, number>,
  counts: NodeCounts,
  { topologyKey, includes }: Constraint,
  isInside: NodeTest,
): void {
  for (const [node, count] of counts) {
    const value = node.labels[topologyKey];
    const known = value === undefined ? undefined : domains.get(value);
    if (known === undefined || !isInside(node)) continue;
    if (includes === undefined || includes(node)) domains.set(value!, known + count);
  }
}

type Action = 'DoNotSchedule' | 'ScheduleAnyway';

const noConstraints: readonly Constraint[] = Object.freeze([]);

/** Compiled once for each pod: whether an event helps is asked often. */
const compiled = new WeakMap<Pod, Readonly<Record<Action, readonly Constraint[]>>>();

function constraintsOf(pod: Pod, action: Action): readonly Constraint[] {
  if ((pod.spec?.topologySpreadConstraints ?? []).length === 0) return noConstraints;
  let known = compiled.get(pod);
  if (known === undefined) {
    known = { DoNotSchedule: compile(pod, 'DoNotSchedule'), ScheduleAnyway: compile(pod, 'ScheduleAnyway') };
    compiled.set(pod, known);
  }
  return known[action];
}

function compile(pod: Pod, action: Action): Constraint[] {
  const affine = requiredNodeAffinity(pod);
  return pod
    .spec!.topologySpreadConstraints!.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === action)
    .map(({ topologyKey, maxSkew, minDomains = 1, nodeAffinityPolicy, nodeTaintsPolicy, ...selector }) => {
      const honorsAffinity = (nodeAffinityPolicy ?? 'Honor') === 'Honor';
      const honorsTaints = nodeTaintsPolicy === 'Honor';
      return {
        topologyKey,
        maxSkew,
        minDomains,
        selection: selectionOf(pod, selector.labelSelector, selector.matchLabelKeys),
        includes: bothOf(
          honorsAffinity ? affine : undefined,
          honorsTaints ? ({ node }) => refusedTaint(pod, node) === undefined : undefined,
        ),
      };
    });
}

function bothOf(one: NodeTest | undefined, other: NodeTest | undefined): NodeTest | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return (node) => one(node) && other(node);
}

/** Pods that are being deleted no longer count. */
function selectionOf(pod: Pod, spec: object | undefined, keys: readonly string[] | undefined): PodSelection {
  const selector = withLabelKeys(selectorOf(spec), pod, keys);
  const namespace = pod.metadata.namespace ?? '';
  return {
    text: `spread|${namespace}|${selectorText(selector)}`,
    matches: ({ metadata }) =>
      metadata.deletionTimestamp === undefined &&
      (metadata.namespace ?? '') === namespace &&
      selector.matches(metadata.labels),
  };
}

/** Kubernetes' defaults where a pod declares nothing: the pods of one owner rather not in one zone, nor on one node. */
function defaultConstraints({ metadata }: Pod): Constraint[] {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true)?.uid;
  if (owner === undefined) return [];
  const selection: PodSelection = {
    text: `owner|${owner}`,
    matches: ({ metadata: { ownerReferences, deletionTimestamp } }) =>
      deletionTimestamp === undefined && ownerReferences?.some(({ uid }) => uid === owner) === true,
  };
  return [
    { topologyKey: hostname, maxSkew: 3, minDomains: 1, selection, includes: undefined },
    { topologyKey: 'topology.kubernetes.io/zone', maxSkew: 5, minDomains: 1, selection, includes: undefined },
  ];
}
