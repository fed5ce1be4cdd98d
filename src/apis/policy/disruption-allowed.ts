/** What a disruption budget says of itself. Source: `k8s.io/component-helpers/apps/poddisruptionbudget`. */
import { setCondition } from '../../machinery/conditions.ts';
import type { PodDisruptionBudget } from '../types.ts';

export type BudgetStatus = NonNullable<PodDisruptionBudget['status']>;

export const disruptionAllowed = 'DisruptionAllowed';
export const syncFailed = 'SyncFailed';

/** The conditions that go with a status: whether a pod may be disrupted. `now`: RFC 3339. */
export function withDisruptionAllowed(status: BudgetStatus, now: string): NonNullable<BudgetStatus['conditions']> {
  const allowed = status.disruptionsAllowed > 0;
  return setCondition(
    status.conditions,
    {
      type: disruptionAllowed,
      status: allowed ? 'True' : 'False',
      reason: allowed ? 'SufficientPods' : 'InsufficientPods',
      message: '',
      ...(status.observedGeneration === undefined ? {} : { observedGeneration: status.observedGeneration }),
    },
    now,
  );
}
