/** Source: Kubernetes `pkg/apis/core/v1/defaults.go`, SetDefaults_PersistentVolumeClaim. */
import type * as k8s from '@kubernetes/client-node';
import type { Wire } from '../types.ts';

export function defaultClaim(claim: Wire<k8s.V1PersistentVolumeClaim>): void {
  claim.status ??= {};
  claim.status.phase ??= 'Pending';
  const { spec } = claim;
  if (spec === undefined) return;
  spec.volumeMode ??= 'Filesystem';
  // The old field of one kind of source and the new one of any are kept alike.
  if (spec.dataSource !== undefined) spec.dataSourceRef ??= { ...spec.dataSource };
  else if (spec.dataSourceRef !== undefined && spec.dataSourceRef.namespace === undefined) {
    spec.dataSource = { ...spec.dataSourceRef };
  }
}
