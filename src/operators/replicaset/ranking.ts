/**
 * Which pods go first when there are too many. Source: `ActivePodsWithRanks` in
 * `k8s.io/kubernetes/pkg/controller/controller_utils.go`; logarithmic time: KEP-2185; deletion cost: KEP-2255.
 */
import type { Pod } from '../../client/kinds.ts';
import { isPodReady, readySince } from '../workload/pods.ts';

const deletionCost = 'controller.kubernetes.io/pod-deletion-cost';

/**
 * `count` of `pods`, those that are missed least. `related` are the active pods that do the same work, these among them:
 * a node with many of them gives first.
 */
export function podsToDelete(pods: readonly Pod[], related: readonly Pod[], count: number, now: number): Pod[] {
  if (count >= pods.length) return [...pods];
  const perNode = new Map<string, number>();
  for (const { spec } of related) {
    const node = spec?.nodeName ?? '';
    perNode.set(node, (perNode.get(node) ?? 0) + 1);
  }
  const ranked = pods.map((pod) => rankedPod(pod, perNode.get(pod.spec?.nodeName ?? '') ?? 0));
  ranked.sort((a, b) => compareForDeletion(a, b, now));
  return ranked.slice(0, count).map(({ pod }) => pod);
}

export interface RankedPod {
  readonly pod: Pod;
  /** Related pods on the same node. */
  readonly doubledUp: number;
  readonly ready: boolean;
  readonly cost: number;
}

export function rankedPod(pod: Pod, doubledUp: number): RankedPod {
  return { pod, doubledUp, ready: isPodReady(pod), cost: deletionCostOf(pod) };
}

/** Negative when `a` goes before `b`. */
export function compareForDeletion(a: RankedPod, b: RankedPod, now: number): number {
  return (
    flag(isAssigned(a.pod)) - flag(isAssigned(b.pod)) ||
    phaseRank(a.pod) - phaseRank(b.pod) ||
    flag(a.ready) - flag(b.ready) ||
    a.cost - b.cost ||
    b.doubledUp - a.doubledUp ||
    (a.ready ? compareAges(readySince(a.pod), readySince(b.pod), a.pod, b.pod, now) : 0) ||
    compareRestarts(a.pod, b.pod) ||
    compareAges(createdAt(a.pod), createdAt(b.pod), a.pod, b.pod, now)
  );
}

const flag = (value: boolean): number => (value ? 1 : 0);
const isAssigned = ({ spec }: Pod): boolean => (spec?.nodeName ?? '') !== '';

function phaseRank({ status }: Pod): number {
  if (status?.phase === 'Running') return 2;
  return status?.phase === 'Unknown' ? 1 : 0;
}

function deletionCostOf({ metadata }: Pod): number {
  const text = metadata.annotations?.[deletionCost];
  return text !== undefined && /^(0|-?[1-9][0-9]*)$/.test(text) ? Number(text) : 0;
}

function createdAt({ metadata }: Pod): number | undefined {
  return metadata.creationTimestamp === undefined ? undefined : Date.parse(metadata.creationTimestamp);
}

/** Younger ones first, by order of magnitude only: among those, the uid draws lots. No time is younger than any. */
function compareAges(a: number | undefined, b: number | undefined, podA: Pod, podB: Pod, now: number): number {
  if (a === b) return 0;
  if (a === undefined) return -1;
  if (b === undefined) return 1;
  const difference = magnitude(now - a) - magnitude(now - b);
  if (difference !== 0) return difference;
  return (podA.metadata.uid ?? '') < (podB.metadata.uid ?? '') ? -1 : 1;
}

/** Powers of two, in nanoseconds as Go counts durations. */
function magnitude(milliseconds: number): number {
  return milliseconds > 0 ? Math.trunc(Math.log2(milliseconds * 1e6)) : -1;
}

/** More restarts first: of containers, then of sidecars. */
function compareRestarts(a: Pod, b: Pod): number {
  const [regularA, sidecarA] = restarts(a);
  const [regularB, sidecarB] = restarts(b);
  return regularB - regularA || sidecarB - sidecarA;
}

function restarts({ spec, status }: Pod): [regular: number, sidecar: number] {
  let regular = 0;
  let sidecar = 0;
  for (const { restartCount } of status?.containerStatuses ?? []) regular = Math.max(regular, restartCount);
  for (const { name, restartPolicy } of spec?.initContainers ?? []) {
    if (restartPolicy !== 'Always') continue;
    const found = status?.initContainerStatuses?.find((container) => container.name === name);
    if (found !== undefined) sidecar = Math.max(sidecar, found.restartCount);
  }
  return [regular, sidecar];
}
