/** The field numbers of `io.k8s.api.coordination.v1`, in the notation of {@link MessageTable}. */
import type { MessageTable } from './table.ts';

export const coordinationV1: MessageTable = {
  Lease: 'metadata spec',
  LeaseList: 'metadata items',
  LeaseSpec: 'holderIdentity leaseDurationSeconds acquireTime renewTime leaseTransitions strategy preferredHolder',
};
