import { FieldPath } from '../../machinery/field.ts';
import { deepEqual } from '../../machinery/json.ts';
import { builtinType } from '../builtin.ts';
import { ageColumn, column, labelsText, nameColumn } from '../columns.ts';
import { defaultPodSpec } from '../core/pod-defaults.ts';
import { podTemplateWarnings } from '../core/pod-warnings.ts';
import { zeroOf } from '../normal-form.ts';
import type { DaemonSet } from '../types.ts';
import { validateDaemonSet, validateDaemonSetStatusUpdate, validateDaemonSetUpdate } from './daemon-set-validation.ts';
import { templateColumns } from './workload.ts';

const spec = 'io.k8s.api.apps.v1.DaemonSetSpec';
const status = 'io.k8s.api.apps.v1.DaemonSetStatus';
const template = FieldPath.of('spec', 'template');

type Count =
  | 'desiredNumberScheduled'
  | 'currentNumberScheduled'
  | 'numberReady'
  | 'updatedNumberScheduled'
  | 'numberAvailable';

const countColumn = (name: string, field: Count) =>
  column<DaemonSet>(name, 'integer', (set) => set.status?.[field] ?? 0, { describedBy: [status, field] });

export const daemonSetType = builtinType<DaemonSet>({
  group: 'apps',
  kind: 'DaemonSet',
  plural: 'daemonsets',
  shortNames: ['ds'],
  categories: ['all'],
  status: true,
  columns: [
    nameColumn,
    countColumn('Desired', 'desiredNumberScheduled'),
    countColumn('Current', 'currentNumberScheduled'),
    countColumn('Ready', 'numberReady'),
    countColumn('Up-to-date', 'updatedNumberScheduled'),
    countColumn('Available', 'numberAvailable'),
    column<DaemonSet>('Node Selector', 'string', (set) => labelsText(set.spec?.template?.spec?.nodeSelector), {
      describedBy: ['io.k8s.api.core.v1.PodSpec', 'nodeSelector'],
    }),
    ageColumn,
    ...templateColumns(spec),
  ],
  strategy: {
    generation: true,
    default: defaultDaemonSet,
    prepareForCreate(draft) {
      draft.status = zeroOf(status);
      setTemplateGeneration(draft, Math.max(1, Number(draft.metadata.annotations?.[templateGeneration] ?? 1)));
    },
    prepareForUpdate(draft, old) {
      draft.status = old.status ?? zeroOf(status);
      const before = Number(old.metadata.annotations?.[templateGeneration] ?? 0);
      setTemplateGeneration(draft, deepEqual(draft.spec?.template, old.spec?.template) ? before : before + 1);
    },
    validate: validateDaemonSet,
    validateUpdate: validateDaemonSetUpdate,
    validateStatusUpdate: validateDaemonSetStatusUpdate,
    warnings: (object, old) =>
      old !== undefined && old.metadata.generation === object.metadata.generation
        ? []
        : podTemplateWarnings(object.spec?.template, template),
  },
});

/** Where `apps/v1` keeps what used to be `spec.templateGeneration`. */
const templateGeneration = 'deprecated.daemonset.template.generation';

function setTemplateGeneration({ metadata }: DaemonSet, generation: number): void {
  metadata.annotations = { ...metadata.annotations, [templateGeneration]: String(generation) };
}

/** Source: Kubernetes `pkg/apis/apps/v1/defaults.go`, SetDefaults_DaemonSet. */
function defaultDaemonSet({ spec: draft }: DaemonSet): void {
  if (draft === undefined) return;
  if (draft.template.spec !== undefined) defaultPodSpec(draft.template.spec);
  draft.updateStrategy ??= {};
  draft.updateStrategy.type ??= 'RollingUpdate';
  if (draft.updateStrategy.type === 'RollingUpdate') {
    draft.updateStrategy.rollingUpdate ??= {};
    draft.updateStrategy.rollingUpdate.maxUnavailable ??= 1;
    draft.updateStrategy.rollingUpdate.maxSurge ??= 0;
  }
  draft.revisionHistoryLimit ??= 10;
}
