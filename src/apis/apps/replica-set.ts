import { FieldPath } from '../../machinery/field.ts';
import { builtinType } from '../builtin.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import { defaultPodSpec } from '../core/pod-defaults.ts';
import { podTemplateWarnings } from '../core/pod-warnings.ts';
import type { ReplicaSet } from '../types.ts';
import {
  validateReplicaSet,
  validateReplicaSetStatusUpdate,
  validateReplicaSetUpdate,
} from './replica-set-validation.ts';
import { scale, templateColumns } from './workload.ts';

const spec = 'io.k8s.api.apps.v1.ReplicaSetSpec';
const status = 'io.k8s.api.apps.v1.ReplicaSetStatus';

const template = FieldPath.of('spec', 'template');

export const replicaSetType = builtinType<ReplicaSet>({
  group: 'apps',
  kind: 'ReplicaSet',
  plural: 'replicasets',
  shortNames: ['rs'],
  categories: ['all'],
  status: true,
  scale,
  columns: [
    nameColumn,
    column<ReplicaSet>('Desired', 'integer', (rs) => rs.spec?.replicas ?? 0, { describedBy: [spec, 'replicas'] }),
    column<ReplicaSet>('Current', 'integer', (rs) => rs.status?.replicas ?? 0, { describedBy: [status, 'replicas'] }),
    column<ReplicaSet>('Ready', 'integer', (rs) => rs.status?.readyReplicas ?? 0, {
      describedBy: [status, 'readyReplicas'],
    }),
    ageColumn,
    ...templateColumns(spec),
  ],
  selectableFields: [
    { name: 'status.replicas', value: (object) => String((object as unknown as ReplicaSet).status?.replicas ?? 0) },
  ],
  strategy: {
    generation: true,
    default({ spec: draft }) {
      if (draft === undefined) return;
      if (draft.template?.spec !== undefined) defaultPodSpec(draft.template.spec);
      draft.replicas ??= 1;
    },
    prepareForCreate(draft) {
      draft.status = { replicas: 0 };
    },
    prepareForUpdate(draft, old) {
      draft.status = old.status ?? { replicas: 0 };
    },
    validate: validateReplicaSet,
    validateUpdate: validateReplicaSetUpdate,
    validateStatusUpdate: validateReplicaSetStatusUpdate,
    warnings: (object, old) =>
      old !== undefined && old.metadata.generation === object.metadata.generation
        ? []
        : podTemplateWarnings(object.spec?.template, template),
  },
});
