/**
 * Whether a node still reports, and what its conditions become when it does not.
 * Source: `tryUpdateNodeHealth` in Kubernetes' pkg/controller/nodelifecycle/node_lifecycle_controller.go.
 */
import type * as k8s from '@kubernetes/client-node';
import type { Wire } from '../../apis/types.ts';
import type { Lease, Node } from '../../client/kinds.ts';

export type NodeCondition = Wire<k8s.V1NodeCondition>;

/** `--node-monitor-grace-period`, `--node-startup-grace-period`. */
const gracePeriod = 50_000;
const startupGracePeriod = 60_000;

/** When the node was last heard of; by this controller's clock, so that the node's own does not matter. */
export interface Sighting {
  readonly report: string;
  /** Milliseconds. */
  readonly at: number;
}

/** A new report (a renewed lease, a heartbeat in the status) is a sighting now; the same one as before is not. */
export function sight(node: Node, lease: Lease | undefined, before: Sighting | undefined, now: number): Sighting {
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
  const report = `${node.metadata.uid ?? ''} ${lease?.spec?.renewTime ?? ''} ${ready?.lastHeartbeatTime ?? ''}`;
  return before?.report === report ? before : { report, at: now };
}

/** Until when the node counts as healthy without another report, in milliseconds. */
export function healthyUntil(node: Node, { at }: Sighting): number {
  const reported = node.status?.conditions?.some(({ type }) => type === 'Ready') === true;
  if (reported) return at + gracePeriod;
  return Math.max(at, Date.parse(node.metadata.creationTimestamp ?? '')) + startupGracePeriod;
}

const monitored = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];

/** The conditions of a node that has fallen silent: unknown, all of them. */
export function silentConditions(node: Node, time: string): NodeCondition[] {
  const conditions = [...(node.status?.conditions ?? [])];
  for (const type of monitored) {
    const at = conditions.findIndex((condition) => condition.type === type);
    const before = conditions[at];
    if (before === undefined) {
      conditions.push({
        type,
        status: 'Unknown',
        reason: 'NodeStatusNeverUpdated',
        message: 'Kubelet never posted node status.',
        lastHeartbeatTime: node.metadata.creationTimestamp ?? time,
        lastTransitionTime: time,
      });
    } else if (before.status !== 'Unknown') {
      conditions[at] = {
        ...before,
        status: 'Unknown',
        reason: 'NodeStatusUnknown',
        message: 'Kubelet stopped posting node status.',
        lastTransitionTime: time,
      };
    }
  }
  return conditions;
}
