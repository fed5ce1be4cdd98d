/** A pod that was about to be disrupted and still stands after two minutes is no longer about to be. Source: KEP-3329. */
import { Pod } from '../../client/kinds.ts';
import { formatTime } from '../../clock/clock.ts';
import { findCondition } from '../../machinery/conditions.ts';
import { isReason } from '../../machinery/status.ts';
import type { ManagerScope } from '../../runtime/manager.ts';

const timeout = 2 * 60_000;
const type = 'DisruptionTarget';

export function addStaleConditionCleaner(manager: ManagerScope, name: string): void {
  manager
    .controller(`${name}-stale-conditions`, { for: Pod })
    .when({ added: (pod) => cleanAt(pod) !== undefined, updated: (pod) => cleanAt(pod) !== undefined })
    .reconcile(async (pod, context) => {
      const at = cleanAt(pod);
      if (at === undefined) return;
      const now = context.clock.now();
      if (at > now) return { requeueAfter: at - now };
      const conditions = (pod.status?.conditions ?? []).map((condition) =>
        condition.type === type ? { type, status: 'False', lastTransitionTime: formatTime(now) } : condition,
      );
      try {
        await context.client.resource(Pod).updateStatus({ ...pod, status: { ...pod.status, conditions } });
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error;
      }
    });
}

/** In milliseconds; what the node agent has said stands, however long it takes. */
function cleanAt({ metadata, status }: Pod): number | undefined {
  if (metadata.deletionTimestamp !== undefined) return undefined;
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return undefined;
  const condition = findCondition(status?.conditions, type);
  if (condition?.status !== 'True' || condition.reason === 'TerminationByKubelet') return undefined;
  return Date.parse(condition.lastTransitionTime ?? '') + timeout;
}
