/** The field numbers of `io.k8s.api.policy.v1`, in the notation of {@link MessageTable}. */
import type { MessageTable } from './table.ts';

export const policyV1: MessageTable = {
  Eviction: 'metadata deleteOptions',
  PodDisruptionBudget: 'metadata spec status',
  PodDisruptionBudgetList: 'metadata items',
  PodDisruptionBudgetSpec: 'minAvailable selector maxUnavailable unhealthyPodEvictionPolicy',
  PodDisruptionBudgetStatus: `
    observedGeneration disruptedPods disruptionsAllowed currentHealthy desiredHealthy expectedPods conditions`,
};
