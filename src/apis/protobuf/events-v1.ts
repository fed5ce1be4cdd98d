/** The field numbers of `io.k8s.api.events.v1`, in the notation of {@link MessageTable}. */
import type { MessageTable } from './table.ts';

export const eventsV1: MessageTable = {
  Event: `
    metadata eventTime series reportingController reportingInstance action reason regarding related note type
    deprecatedSource deprecatedFirstTimestamp deprecatedLastTimestamp deprecatedCount`,
  EventList: 'metadata items',
  EventSeries: 'count lastObservedTime',
};
