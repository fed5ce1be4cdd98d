import { FieldPath } from '../../machinery/field.ts';
import { nameIsDnsLabel } from '../../machinery/names.ts';
import { builtinType } from '../builtin.ts';
import { ageColumn, column, containerImages, containerNames, nameColumn } from '../columns.ts';
import { defaultClaim } from '../core/persistent-volume-claim-defaults.ts';
import { defaultPodSpec } from '../core/pod-defaults.ts';
import { podTemplateWarnings } from '../core/pod-warnings.ts';
import type { StatefulSet } from '../types.ts';
import {
  validateStatefulSet,
  validateStatefulSetStatusUpdate,
  validateStatefulSetUpdate,
} from './stateful-set-validation.ts';
import { scale } from './workload.ts';

const template = FieldPath.of('spec', 'template');

export const statefulSetType = builtinType<StatefulSet>({
  group: 'apps',
  kind: 'StatefulSet',
  plural: 'statefulsets',
  shortNames: ['sts'],
  categories: ['all'],
  status: true,
  scale,
  columns: [
    nameColumn,
    column<StatefulSet>('Ready', 'string', (s) => `${s.status?.readyReplicas ?? 0}/${s.spec?.replicas ?? 0}`, {
      description: 'Number of the pod with ready state',
    }),
    ageColumn,
    column<StatefulSet>('Containers', 'string', ({ spec }) => containerNames(spec?.template?.spec?.containers), {
      wide: true,
      description: 'Names of each container in the template.',
    }),
    column<StatefulSet>('Images', 'string', ({ spec }) => containerImages(spec?.template?.spec?.containers), {
      wide: true,
      description: 'Images referenced by each container in the template.',
    }),
  ],
  strategy: {
    generation: true,
    validateName: (name, prefix) => nameIsDnsLabel(name, prefix),
    default: defaultStatefulSet,
    prepareForCreate(draft) {
      draft.status = { availableReplicas: 0, replicas: 0 };
    },
    prepareForUpdate(draft, old) {
      draft.status = old.status ?? { availableReplicas: 0, replicas: 0 };
    },
    validate: validateStatefulSet,
    validateUpdate: validateStatefulSetUpdate,
    validateStatusUpdate: validateStatefulSetStatusUpdate,
    warnings: (object, old) =>
      old !== undefined && old.metadata.generation === object.metadata.generation
        ? []
        : podTemplateWarnings(object.spec?.template, template),
  },
});

/** Source: Kubernetes `pkg/apis/apps/v1/defaults.go`, SetDefaults_StatefulSet. */
function defaultStatefulSet({ spec }: StatefulSet): void {
  if (spec === undefined) return;
  if (spec.template.spec !== undefined) defaultPodSpec(spec.template.spec);
  for (const claim of spec.volumeClaimTemplates ?? []) {
    claim.apiVersion = 'v1';
    claim.kind = 'PersistentVolumeClaim';
    defaultClaim(claim);
  }
  spec.podManagementPolicy ??= 'OrderedReady';
  spec.updateStrategy ??= {};
  if (spec.updateStrategy.type === undefined) {
    spec.updateStrategy.type = 'RollingUpdate';
    spec.updateStrategy.rollingUpdate ??= {};
    spec.updateStrategy.rollingUpdate.partition ??= 0;
  }
  if (spec.updateStrategy.type === 'RollingUpdate' && spec.updateStrategy.rollingUpdate !== undefined) {
    spec.updateStrategy.rollingUpdate.partition ??= 0;
  }
  spec.persistentVolumeClaimRetentionPolicy ??= {};
  spec.persistentVolumeClaimRetentionPolicy.whenDeleted ??= 'Retain';
  spec.persistentVolumeClaimRetentionPolicy.whenScaled ??= 'Retain';
  spec.replicas ??= 1;
  spec.revisionHistoryLimit ??= 10;
}
