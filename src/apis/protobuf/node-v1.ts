/** The field numbers of `io.k8s.api.node.v1`, in the notation of {@link MessageTable}. */
import type { MessageTable } from './table.ts';

export const nodeV1: MessageTable = {
  Overhead: 'podFixed',
  RuntimeClass: 'metadata handler overhead scheduling',
  RuntimeClassList: 'metadata items',
  Scheduling: 'nodeSelector tolerations',
};
