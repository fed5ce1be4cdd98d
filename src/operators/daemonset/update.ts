/** Replaces outdated pods, a few nodes at a time. Source: `rollingUpdate` in Kubernetes' pkg/controller/daemon/update.go. */
import type { DaemonSet, Pod } from '../../client/kinds.ts';
import { scaledValueFromIntOrPercent } from '../../machinery/int-or-percent.ts';
import { isPodAvailable } from '../workload/pods.ts';
import { byAge, type Changes, isUpdated } from './pods.ts';

/** `nodes` are those that want a pod. */
export function updatesFor(
  set: DaemonSet,
  pods: ReadonlyMap<string, readonly Pod[]>,
  nodes: readonly string[],
  hash: string,
  now: number,
): Changes {
  const { maxSurge = 0, maxUnavailable = 0 } = set.spec?.updateStrategy?.rollingUpdate ?? {};
  const surge = scaledValueFromIntOrPercent(maxSurge, nodes.length, true);
  let unavailable = scaledValueFromIntOrPercent(maxUnavailable, nodes.length, true);
  if (surge === 0 && unavailable === 0) unavailable = 1;
  const isAvailable = (pod: Pod): boolean => isPodAvailable(pod, set.spec?.minReadySeconds ?? 0, now);
  const pairs = nodes.map((node) => ({ node, ...pairOn(pods.get(node) ?? [], set, hash) }));
  return surge > 0 ? withSurge(pairs, surge, isAvailable) : inPlace(pairs, unavailable, isAvailable);
}

interface Pair {
  readonly node: string;
  readonly old: Pod | undefined;
  readonly updated: Pod | undefined;
}

/** The pod of the old template and that of the new one. */
function pairOn(pods: readonly Pod[], set: DaemonSet, hash: string): Omit<Pair, 'node'> {
  const living = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined).sort(byAge);
  return {
    old: living.find((pod) => !isUpdated(pod, set, hash)),
    updated: living.find((pod) => isUpdated(pod, set, hash)),
  };
}

/** The old pod goes before the new one comes. */
function inPlace(pairs: readonly Pair[], maxUnavailable: number, isAvailable: (pod: Pod) => boolean): Changes {
  const remove: Pod[] = [];
  const candidates: Pod[] = [];
  let unavailable = 0;
  for (const { old, updated } of pairs) {
    if ((old === undefined) === (updated === undefined)) unavailable += 1;
    else if (updated !== undefined) unavailable += isAvailable(updated) ? 0 : 1;
    else if (old !== undefined && !isAvailable(old)) {
      // It does not work anyway.
      remove.push(old);
      unavailable += 1;
    } else if (old !== undefined) candidates.push(old);
  }
  return { create: [], remove: [...remove, ...candidates.slice(0, Math.max(0, maxUnavailable - unavailable))] };
}

/** The new pod comes first; the old one goes when the new one is available. */
function withSurge(pairs: readonly Pair[], maxSurge: number, isAvailable: (pod: Pod) => boolean): Changes {
  const remove: Pod[] = [];
  const create: string[] = [];
  const candidates: string[] = [];
  let surging = 0;
  for (const { node, old, updated } of pairs) {
    if (old === undefined) continue;
    if (updated === undefined) {
      if (isAvailable(old)) candidates.push(node);
      else create.push(node);
    } else if (isAvailable(updated)) {
      remove.push(old);
    } else {
      surging += 1;
    }
  }
  return { create: [...create, ...candidates.slice(0, Math.max(0, maxSurge - surging))], remove };
}
