/**
 * StorageObjectInUseProtection: volumes and claims carry a finalizer that keeps them as long as they are used.
 * Source: Kubernetes `plugin/pkg/admission/storage/storageobjectinuseprotection`.
 */
import type { AdmissionPlugin } from './chain.ts';

const finalizers: Readonly<Record<string, string>> = {
  persistentvolumes: 'kubernetes.io/pv-protection',
  persistentvolumeclaims: 'kubernetes.io/pvc-protection',
};

export const storageObjectInUseProtection: AdmissionPlugin = {
  name: 'StorageObjectInUseProtection',
  mutate(request) {
    const { group, resource, subresource, operation } = request;
    if (operation !== 'CREATE' || group !== '' || subresource !== '') return;
    const finalizer = finalizers[resource];
    if (finalizer === undefined) return;
    const { metadata } = request.object!;
    if (metadata.finalizers?.includes(finalizer)) return;
    metadata.finalizers = [...(metadata.finalizers ?? []), finalizer];
  },
};
