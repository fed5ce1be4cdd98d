import { builtinType } from '../builtin.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import type { PersistentVolumeClaim } from '../types.ts';
import { accessModesText } from './access-modes.ts';
import { oldClassAnnotation, oldClassWarning } from './deprecated.ts';
import { defaultClaim } from './persistent-volume-claim-defaults.ts';
import { validateClaim, validateClaimUpdate } from './persistent-volume-claim-validation.ts';

const spec = 'io.k8s.api.core.v1.PersistentVolumeClaimSpec';
const status = 'io.k8s.api.core.v1.PersistentVolumeClaimStatus';

export const persistentVolumeClaimType = builtinType<PersistentVolumeClaim>({
  group: '',
  kind: 'PersistentVolumeClaim',
  plural: 'persistentvolumeclaims',
  shortNames: ['pvc'],
  status: true,
  columns: [
    nameColumn,
    column<PersistentVolumeClaim>(
      'Status',
      'string',
      (claim) => (claim.metadata.deletionTimestamp === undefined ? (claim.status?.phase ?? '') : 'Terminating'),
      { describedBy: [status, 'phase'] },
    ),
    column<PersistentVolumeClaim>('Volume', 'string', (claim) => claim.spec?.volumeName ?? '', {
      describedBy: [spec, 'volumeName'],
    }),
    column<PersistentVolumeClaim>(
      'Capacity',
      'string',
      (claim) => ((claim.spec?.volumeName ?? '') === '' ? '' : (claim.status?.capacity?.storage ?? '')),
      { describedBy: [status, 'capacity'] },
    ),
    column<PersistentVolumeClaim>(
      'Access Modes',
      'string',
      (claim) => ((claim.spec?.volumeName ?? '') === '' ? '' : accessModesText(claim.status?.accessModes)),
      { describedBy: [status, 'accessModes'] },
    ),
    column<PersistentVolumeClaim>('StorageClass', 'string', (claim) => claim.spec?.storageClassName ?? '', {
      describedBy: [spec, 'storageClassName'],
    }),
    column<PersistentVolumeClaim>(
      'VolumeAttributesClass',
      'string',
      (claim) => claim.spec?.volumeAttributesClassName ?? '<unset>',
      { describedBy: [spec, 'volumeAttributesClassName'] },
    ),
    ageColumn,
    column<PersistentVolumeClaim>('VolumeMode', 'string', (claim) => claim.spec?.volumeMode ?? '<unset>', {
      wide: true,
      describedBy: [spec, 'volumeMode'],
    }),
  ],
  strategy: {
    returnsDeletedObject: true,
    default: defaultClaim,
    prepareForCreate(draft) {
      draft.status = { phase: 'Pending' };
    },
    prepareForUpdate(draft, old) {
      draft.status = old.status ?? {};
    },
    warnings: ({ metadata }) =>
      metadata.annotations?.[oldClassAnnotation] === undefined
        ? []
        : [`metadata.annotations[${oldClassAnnotation}]: ${oldClassWarning}`],
    validate: validateClaim,
    validateUpdate: validateClaimUpdate,
  },
});
