/** The field numbers of `io.k8s.api.scheduling.v1`, in the notation of {@link MessageTable}. */
import type { MessageTable } from './table.ts';

export const schedulingV1: MessageTable = {
  PriorityClass: 'metadata value globalDefault description preemptionPolicy',
  PriorityClassList: 'metadata items',
};
