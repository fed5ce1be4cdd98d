import { FieldPath } from '../../machinery/field.ts';
import { builtinType } from '../builtin.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import { defaultPodSpec } from '../core/pod-defaults.ts';
import { podTemplateWarnings } from '../core/pod-warnings.ts';
import type { Deployment } from '../types.ts';
import {
  validateDeployment,
  validateDeploymentStatusUpdate,
  validateDeploymentUpdate,
} from './deployment-validation.ts';
import { scale, templateColumns } from './workload.ts';

const spec = 'io.k8s.api.apps.v1.DeploymentSpec';
const status = 'io.k8s.api.apps.v1.DeploymentStatus';

const template = FieldPath.of('spec', 'template');

export const deploymentType = builtinType<Deployment>({
  group: 'apps',
  kind: 'Deployment',
  plural: 'deployments',
  shortNames: ['deploy'],
  categories: ['all'],
  status: true,
  scale,
  columns: [
    nameColumn,
    column<Deployment>('Ready', 'string', (d) => `${d.status?.readyReplicas ?? 0}/${d.spec?.replicas ?? 0}`, {
      description: 'Number of the pod with ready state',
    }),
    column<Deployment>('Up-to-date', 'string', (d) => d.status?.updatedReplicas ?? 0, {
      describedBy: [status, 'updatedReplicas'],
    }),
    column<Deployment>('Available', 'string', (d) => d.status?.availableReplicas ?? 0, {
      describedBy: [status, 'availableReplicas'],
    }),
    ageColumn,
    ...templateColumns(spec),
  ],
  strategy: {
    generation: true,
    resetFields: { object: ['status'], status: ['spec', 'metadata.labels'] },
    default: defaultDeployment,
    prepareForCreate(draft) {
      draft.status = {};
    },
    prepareForUpdate(draft, old) {
      draft.status = old.status ?? {};
    },
    prepareForStatusUpdate(draft, old) {
      if (old.metadata.labels === undefined) delete draft.metadata.labels;
      else draft.metadata.labels = old.metadata.labels;
    },
    validate: validateDeployment,
    validateUpdate: validateDeploymentUpdate,
    validateStatusUpdate: validateDeploymentStatusUpdate,
    warnings: (object, old) =>
      old !== undefined && old.metadata.generation === object.metadata.generation
        ? []
        : podTemplateWarnings(object.spec?.template, template),
  },
});

/** Source: Kubernetes `pkg/apis/apps/v1/defaults.go`, SetDefaults_Deployment. */
function defaultDeployment({ spec }: Deployment): void {
  if (spec === undefined) return;
  if (spec.template.spec !== undefined) defaultPodSpec(spec.template.spec);
  spec.replicas ??= 1;
  spec.strategy ??= {};
  spec.strategy.type ??= 'RollingUpdate';
  if (spec.strategy.type === 'RollingUpdate') {
    spec.strategy.rollingUpdate ??= {};
    spec.strategy.rollingUpdate.maxUnavailable ??= '25%';
    spec.strategy.rollingUpdate.maxSurge ??= '25%';
  }
  spec.revisionHistoryLimit ??= 10;
  spec.progressDeadlineSeconds ??= 600;
}
