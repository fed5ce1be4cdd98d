/** The field numbers of `io.k8s.api.autoscaling.v1`, in the notation of {@link MessageTable}. */
import type { MessageTable } from './table.ts';

export const autoscalingV1: MessageTable = {
  CrossVersionObjectReference: 'kind name apiVersion',
  HorizontalPodAutoscaler: 'metadata spec status',
  HorizontalPodAutoscalerList: 'metadata items',
  HorizontalPodAutoscalerSpec: 'scaleTargetRef minReplicas maxReplicas targetCPUUtilizationPercentage',
  HorizontalPodAutoscalerStatus: `
    observedGeneration lastScaleTime currentReplicas desiredReplicas currentCPUUtilizationPercentage`,
  Scale: 'metadata spec status',
  ScaleSpec: 'replicas',
  ScaleStatus: 'replicas selector',
};
