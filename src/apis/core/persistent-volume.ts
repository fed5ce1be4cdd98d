import { FieldPath } from '../../machinery/field.ts';
import { builtinType } from '../builtin.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import type { PersistentVolume } from '../types.ts';
import { accessModesText } from './access-modes.ts';
import { deprecatedVolumes, oldClassAnnotation, oldClassWarning, type Warn, warnOfExpressions } from './deprecated.ts';
import { validateVolume, validateVolumeUpdate } from './persistent-volume-validation.ts';

const spec = 'io.k8s.api.core.v1.PersistentVolumeSpec';
const status = 'io.k8s.api.core.v1.PersistentVolumeStatus';

export const persistentVolumeType = builtinType<PersistentVolume>({
  group: '',
  kind: 'PersistentVolume',
  plural: 'persistentvolumes',
  shortNames: ['pv'],
  scope: 'Cluster',
  status: true,
  columns: [
    nameColumn,
    column<PersistentVolume>('Capacity', 'string', (pv) => pv.spec?.capacity?.storage ?? '<unset>', {
      describedBy: [spec, 'capacity'],
    }),
    column<PersistentVolume>('Access Modes', 'string', (pv) => accessModesText(pv.spec?.accessModes), {
      describedBy: [spec, 'accessModes'],
    }),
    column<PersistentVolume>('Reclaim Policy', 'string', (pv) => pv.spec?.persistentVolumeReclaimPolicy ?? '', {
      describedBy: [spec, 'persistentVolumeReclaimPolicy'],
    }),
    column<PersistentVolume>(
      'Status',
      'string',
      (pv) => (pv.metadata.deletionTimestamp === undefined ? (pv.status?.phase ?? '') : 'Terminating'),
      { describedBy: [status, 'phase'] },
    ),
    column<PersistentVolume>(
      'Claim',
      'string',
      ({ spec: { claimRef } = {} }) =>
        claimRef === undefined ? '' : `${claimRef.namespace ?? ''}/${claimRef.name ?? ''}`,
      { describedBy: [spec, 'claimRef'] },
    ),
    column<PersistentVolume>('StorageClass', 'string', (pv) => pv.spec?.storageClassName ?? '', {
      describedBy: [spec, 'storageClassName'],
    }),
    column<PersistentVolume>(
      'VolumeAttributesClass',
      'string',
      (pv) => pv.spec?.volumeAttributesClassName ?? '<unset>',
      {
        describedBy: [spec, 'volumeAttributesClassName'],
      },
    ),
    column<PersistentVolume>('Reason', 'string', (pv) => pv.status?.reason ?? '', { describedBy: [status, 'reason'] }),
    ageColumn,
    column<PersistentVolume>('VolumeMode', 'string', (pv) => pv.spec?.volumeMode ?? '<unset>', {
      wide: true,
      describedBy: [spec, 'volumeMode'],
    }),
  ],
  strategy: {
    returnsDeletedObject: true,
    default({ spec: draft, status: phase }) {
      if (phase !== undefined) phase.phase ??= 'Pending';
      if (draft === undefined) return;
      draft.persistentVolumeReclaimPolicy ??= 'Retain';
      draft.volumeMode ??= 'Filesystem';
      if (draft.hostPath !== undefined) draft.hostPath.type ??= '';
      if (draft.iscsi !== undefined) draft.iscsi.iscsiInterface ??= 'default';
      if (draft.rbd !== undefined) {
        draft.rbd.pool ??= 'rbd';
        draft.rbd.user ??= 'admin';
        draft.rbd.keyring ??= '/etc/ceph/keyring';
      }
      if (draft.azureDisk !== undefined) {
        draft.azureDisk.cachingMode ??= 'ReadWrite';
        draft.azureDisk.kind ??= 'Shared';
        draft.azureDisk.fsType ??= 'ext4';
        draft.azureDisk.readOnly ??= false;
      }
      if (draft.scaleIO !== undefined) {
        draft.scaleIO.storageMode ??= 'ThinProvisioned';
        draft.scaleIO.fsType ??= 'xfs';
      }
    },
    prepareForCreate(draft) {
      draft.status = { phase: 'Pending' };
    },
    prepareForUpdate(draft, old) {
      draft.status = old.status ?? {};
    },
    warnings: volumeWarnings,
    validate: validateVolume,
    validateUpdate: validateVolumeUpdate,
  },
});

/** Source: Kubernetes `pkg/api/persistentvolume/util.go`, GetWarningsForPersistentVolume. */
function volumeWarnings({ metadata, spec: volume }: PersistentVolume): string[] {
  const warnings: string[] = [];
  const warn: Warn = (at, text) => {
    warnings.push(`${at}: ${text}`);
  };
  if (metadata.annotations?.[oldClassAnnotation] !== undefined) {
    warn(FieldPath.of('metadata', 'annotations').key(oldClassAnnotation), oldClassWarning);
  }
  if (volume === undefined) return warnings;
  const path = FieldPath.of('spec');
  if (volume.persistentVolumeReclaimPolicy === 'Recycle') {
    const instead = 'Instead, the recommended approach is to use dynamic provisioning.';
    warn(path.child('persistentVolumeReclaimPolicy'), `The Recycle reclaim policy is deprecated. ${instead}`);
  }
  const terms = volume.nodeAffinity?.required?.nodeSelectorTerms ?? [];
  const at = FieldPath.of('spec', 'nodeAffinity', 'required', 'nodeSelectorTerms');
  for (const [i, { matchExpressions }] of terms.entries()) warnOfExpressions(matchExpressions, at.index(i), warn);
  for (const source of ['cephfs', 'photonPersistentDisk', 'scaleIO', 'storageos', 'glusterfs', 'rbd'] as const) {
    const [field, text] = deprecatedVolumes[source]!;
    if (volume[source] !== undefined) warn(path.child(field), text);
  }
  return warnings;
}
