/**
 * Preemption: a pod that fits nowhere may have less important pods removed from one node. Where the least is lost is
 * decided here; nothing is written.
 * Source: Kubernetes "Pod Priority and Preemption".
 */
import type { Pod, PodDisruptionBudget } from '../client/kinds.ts';
import { selectorOf } from './affinity-term.ts';
import type { ClusterState } from './cluster-state.ts';
import { type Refused, unavailable } from './decision.ts';
import type { Judge } from './judge.ts';
import type { NodeInfo } from './node-info.ts';
import type { PodInfo } from './pod-info.ts';

export interface Candidate {
  readonly node: NodeInfo;
  /** The most important first. */
  readonly victims: readonly PodInfo[];
  /** How many of the victims a disruption budget would have kept. */
  readonly violations: number;
}

export type Preemption =
  | { readonly candidate: Candidate }
  /** Why not; `hopeless`: no node would do even without its less important pods. */
  | { readonly candidate: undefined; readonly message: string; readonly hopeless: boolean };

/** Of large clusters only so many nodes are tried: a tenth, and no fewer than a hundred. */
const leastCandidates = 100;

export const preemptionReason = 'PreemptionByScheduler';

export function findPreemption(
  { judge, refusals }: Refused,
  cluster: ClusterState,
  budgets: readonly PodDisruptionBudget[],
  random: () => number,
): Preemption {
  const ineligible = whyIneligible(judge.pod, refusals, cluster);
  if (ineligible !== undefined) return { candidate: undefined, message: `preemption: ${ineligible}`, hopeless: false };
  const promising = cluster.nodes.filter((node) => refusals.get(node)?.objection.unresolvable === false);
  const wanted = Math.min(promising.length, Math.max(leastCandidates, Math.floor(promising.length / 10)));
  const offset = Math.floor(random() * promising.length);
  const candidates: Candidate[] = [];
  const reasons = new Map<NodeInfo, readonly string[]>();
  let harmless = false;
  for (let i = 0; i < promising.length && (candidates.length < wanted || !harmless); i++) {
    const node = promising[(offset + i) % promising.length]!;
    const outcome = tryNode(judge, node, budgets);
    if ('reasons' in outcome) reasons.set(node, outcome.reasons);
    else {
      candidates.push(outcome);
      harmless ||= outcome.violations === 0;
    }
  }
  if (candidates.length > 0) return { candidate: leastLoss(candidates) };
  const text = unavailable(cluster.nodes.map((node) => reasons.get(node) ?? notHelpful));
  return { candidate: undefined, message: `preemption: ${text}`, hopeless: true };
}

const notHelpful = ['Preemption is not helpful for scheduling'];
const noVictims = ['No preemption victims found for incoming pod'];

function whyIneligible(pod: PodInfo, refusals: Refused['refusals'], cluster: ClusterState): string | undefined {
  if (pod.pod.spec?.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.';
  const nominated = cluster.node(cluster.nominations.nodeOf(pod.key) ?? '');
  if (nominated === undefined || refusals.get(nominated)?.objection.unresolvable === true) return undefined;
  for (const other of nominated.pods.values()) {
    if (other.priority < pod.priority && isBeingPreempted(other.pod)) {
      return 'not eligible due to a terminating pod on the nominated node.';
    }
  }
  return undefined;
}

function isBeingPreempted({ metadata, status }: Pod): boolean {
  if (metadata.deletionTimestamp === undefined) return false;
  return (status?.conditions ?? []).some(
    ({ type, status: value, reason }) => type === 'DisruptionTarget' && value === 'True' && reason === preemptionReason,
  );
}

/**
 * Takes all less important pods away and puts back as many as there is room for: first those that a budget protects, and
 * of each kind the most important first.
 */
function tryNode(
  judge: Judge,
  node: NodeInfo,
  budgets: readonly PodDisruptionBudget[],
): Candidate | { readonly reasons: readonly string[] } {
  const lesser = [...node.pods.values()].filter(({ priority }) => priority < judge.pod.priority).sort(byImportance);
  if (lesser.length === 0) return { reasons: noVictims };
  const trial = node.copy();
  const removed = new Set(lesser);
  for (const pod of lesser) judge.remove(pod, trial);
  try {
    const refusal = judge.refusal(trial);
    if (refusal !== undefined) return { reasons: refusal.objection.reasons };
    const staysWithout = (pod: PodInfo): boolean => {
      judge.add(pod, trial);
      if (judge.refusal(trial) === undefined) {
        removed.delete(pod);
        return false;
      }
      judge.remove(pod, trial);
      return true;
    };
    const guarded = guardedByBudgets(lesser, budgets);
    const violations = lesser.filter((pod) => guarded.has(pod)).filter(staysWithout).length;
    for (const pod of lesser) if (!guarded.has(pod)) staysWithout(pod);
    return { node, victims: lesser.filter((pod) => removed.has(pod)), violations };
  } finally {
    // What has been counted is for all nodes: the next one starts from what is.
    for (const pod of removed) judge.add(pod, trial);
  }
}

/** Higher priority first, then the one that has run longer. */
function byImportance(a: PodInfo, b: PodInfo): number {
  return b.priority - a.priority || startOf(a) - startOf(b);
}

/** Pods that have not started are the youngest. */
function startOf({ pod }: PodInfo): number {
  const time = pod.status?.startTime;
  return time === undefined ? Number.MAX_SAFE_INTEGER : Date.parse(time);
}

/** The pods whose removal, one after the other, takes more of a budget than it allows. */
function guardedByBudgets(pods: readonly PodInfo[], budgets: readonly PodDisruptionBudget[]): Set<PodInfo> {
  const left = budgets.map(({ metadata, spec, status }) => ({
    namespace: metadata.namespace,
    selector: selectorOf(spec?.selector),
    disrupted: (status?.disruptedPods ?? {}) as Readonly<Record<string, unknown>>,
    allowed: status?.disruptionsAllowed ?? 0,
  }));
  const guarded = new Set<PodInfo>();
  for (const pod of pods) {
    const { name, namespace, labels = {} } = pod.pod.metadata;
    if (Object.keys(labels).length === 0) continue;
    for (const budget of left) {
      if (budget.namespace !== namespace || budget.selector.empty || !budget.selector.matches(labels)) continue;
      if (name! in budget.disrupted) continue;
      budget.allowed -= 1;
      if (budget.allowed < 0) guarded.add(pod);
    }
  }
  return guarded;
}

/** Each criterion decides among those that are equal in the ones before; more is worse. */
const losses: readonly ((candidate: Candidate) => number)[] = [
  ({ violations }) => violations,
  ({ victims }) => victims[0]?.priority ?? Number.NEGATIVE_INFINITY,
  // Priorities may be negative: shifted, so that more victims are always worse.
  ({ victims }) => victims.reduce((sum, { priority }) => sum + priority + 2 ** 31, 0),
  ({ victims }) => victims.length,
  ({ victims }) => -Math.min(...victims.filter(({ priority }) => priority === victims[0]!.priority).map(startOf)),
];

function leastLoss(candidates: readonly Candidate[]): Candidate {
  let best = candidates;
  for (const loss of losses) {
    if (best.length === 1) break;
    const values = best.map(loss);
    const least = values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
    best = best.filter((_, i) => values[i] === least);
  }
  return best[0]!;
}
