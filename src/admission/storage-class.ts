/**
 * DefaultStorageClass and PersistentVolumeClaimResize: claims without a class get the default one, and claims grow only
 * where their class lets them. Source: Kubernetes `plugin/pkg/admission/storage`.
 */
import type { PersistentVolumeClaim, StorageClass } from '../apis/types.ts';
import { Quantity } from '../machinery/quantity.ts';
import { type AdmissionPlugin, type AdmissionRequest, admissionForbidden } from './chain.ts';
import { newestDefault } from './default-class.ts';

const storageClasses = { group: 'storage.k8s.io', plural: 'storageclasses' };
const defaultAnnotations = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
];
const classAnnotation = 'volume.beta.kubernetes.io/storage-class';

const concernsClaim = ({ group, resource, subresource }: AdmissionRequest): boolean =>
  group === '' && resource === 'persistentvolumeclaims' && subresource === '';

export const defaultStorageClass: AdmissionPlugin = {
  name: 'DefaultStorageClass',
  mutate(request) {
    if (request.operation !== 'CREATE' || !concernsClaim(request)) return;
    const claim = request.object as PersistentVolumeClaim;
    if (claim.metadata.annotations?.[classAnnotation] !== undefined) return;
    if (claim.spec?.storageClassName !== undefined) return;
    return (async () => {
      const all = (await request.access.list(storageClasses, undefined)) as readonly StorageClass[];
      const found = newestDefault(all, defaultAnnotations);
      if (found !== undefined) claim.spec!.storageClassName = found.metadata.name!;
    })();
  },
};

export const persistentVolumeClaimResize: AdmissionPlugin = {
  name: 'PersistentVolumeClaimResize',
  validate(request) {
    if (request.operation !== 'UPDATE' || !concernsClaim(request)) return;
    const claim = request.object as PersistentVolumeClaim;
    const old = request.oldObject as PersistentVolumeClaim;
    if (storageOf(claim).compare(storageOf(old)) <= 0) return;
    if (old.status?.phase !== 'Bound') {
      throw admissionForbidden(request, 'Only bound persistent volume claims can be expanded');
    }
    return (async () => {
      const name = className(claim);
      const found =
        name === '' || name !== className(old)
          ? undefined
          : ((await request.access.cached(storageClasses, undefined, name)) as StorageClass | undefined);
      if (found?.allowVolumeExpansion === true) return;
      const why =
        'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize';
      throw admissionForbidden(request, why);
    })();
  },
};

const storageOf = ({ spec }: PersistentVolumeClaim): Quantity =>
  Quantity.parse(spec?.resources?.requests?.storage ?? '0');

const className = ({ metadata, spec }: PersistentVolumeClaim): string =>
  metadata.annotations?.[classAnnotation] ?? spec?.storageClassName ?? '';
