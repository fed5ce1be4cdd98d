/** The taints that say of a node what its conditions say. Source: Kubernetes' pkg/controller/nodelifecycle (KEP-166). */
import type { Taint } from '../../apis/types.ts';
import type { Node } from '../../client/kinds.ts';

const notReady = 'node.kubernetes.io/not-ready';
const unreachable = 'node.kubernetes.io/unreachable';

const byCondition: readonly (readonly [type: string, status: string, key: string])[] = [
  ['Ready', 'False', notReady],
  ['Ready', 'Unknown', unreachable],
  ['MemoryPressure', 'True', 'node.kubernetes.io/memory-pressure'],
  ['DiskPressure', 'True', 'node.kubernetes.io/disk-pressure'],
  ['PIDPressure', 'True', 'node.kubernetes.io/pid-pressure'],
  ['NetworkUnavailable', 'True', 'node.kubernetes.io/network-unavailable'],
];

const unschedulable = 'node.kubernetes.io/unschedulable';
const managed = new Set([...byCondition.map(([, , key]) => key), unschedulable]);

/** All taints that the node is to have; those of others stay, and those that stay keep their time. */
export function taintsOf({ spec, status }: Node, time: string): Taint[] {
  const wanted: Taint[] = [];
  for (const [type, value, key] of byCondition) {
    if (!status?.conditions?.some((condition) => condition.type === type && condition.status === value)) continue;
    wanted.push({ key, effect: 'NoSchedule', timeAdded: time });
    // No pod that does not say so stays where nobody looks after it.
    if (type === 'Ready') wanted.push({ key, effect: 'NoExecute', timeAdded: time });
  }
  if (spec?.unschedulable === true) wanted.push({ key: unschedulable, effect: 'NoSchedule', timeAdded: time });
  const isSame = (a: Taint, b: Taint): boolean => a.key === b.key && a.effect === b.effect;
  const kept = (spec?.taints ?? []).filter(
    (taint) => !isManaged(taint) || wanted.some((other) => isSame(taint, other)),
  );
  return [...kept, ...wanted.filter((taint) => !kept.some((other) => isSame(taint, other)))];
}

function isManaged({ key, effect }: Taint): boolean {
  return (
    managed.has(key) &&
    (effect === 'NoSchedule' || (effect === 'NoExecute' && (key === notReady || key === unreachable)))
  );
}
