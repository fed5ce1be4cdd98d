/** The field numbers of `io.k8s.api.discovery.v1`, in the notation of {@link MessageTable}. */
import type { MessageTable } from './table.ts';

export const discoveryV1: MessageTable = {
  Endpoint: 'addresses conditions hostname targetRef deprecatedTopology nodeName zone hints',
  EndpointConditions: 'ready serving terminating',
  EndpointHints: 'forZones forNodes',
  EndpointPort: 'name protocol port appProtocol',
  EndpointSlice: 'metadata endpoints ports addressType',
  EndpointSliceList: 'metadata items',
  ForNode: 'name',
  ForZone: 'name',
};
