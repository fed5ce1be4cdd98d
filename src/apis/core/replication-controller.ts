import { type FieldError, FieldPath, forbidden, invalid, notSupported, required } from '../../machinery/field.ts';
import { builtinType } from '../builtin.ts';
import { ageColumn, column, containerImages, containerNames, labelsText, nameColumn } from '../columns.ts';
import type { ReplicationController } from '../types.ts';
import { checkNonNegative } from './field-rules.ts';
import { defaultPodSpec } from './pod-defaults.ts';
import { validatePodTemplate } from './pod-validation.ts';
import { podTemplateWarnings } from './pod-warnings.ts';

const spec = 'io.k8s.api.core.v1.ReplicationControllerSpec';
const status = 'io.k8s.api.core.v1.ReplicationControllerStatus';
const path = FieldPath.of('spec');

export const replicationControllerType = builtinType<ReplicationController>({
  group: '',
  kind: 'ReplicationController',
  plural: 'replicationcontrollers',
  shortNames: ['rc'],
  categories: ['all'],
  status: true,
  scale: {
    specReplicasPath: '.spec.replicas',
    statusReplicasPath: '.status.replicas',
    labelSelectorPath: '.spec.selector',
  },
  columns: [
    nameColumn,
    column<ReplicationController>('Desired', 'integer', (rc) => rc.spec?.replicas ?? 0, {
      describedBy: [spec, 'replicas'],
    }),
    column<ReplicationController>('Current', 'integer', (rc) => rc.status?.replicas ?? 0, {
      describedBy: [status, 'replicas'],
    }),
    column<ReplicationController>('Ready', 'integer', (rc) => rc.status?.readyReplicas ?? 0, {
      describedBy: [status, 'readyReplicas'],
    }),
    ageColumn,
    column<ReplicationController>('Containers', 'string', (rc) => containerNames(rc.spec?.template?.spec?.containers), {
      wide: true,
      description: 'Names of each container in the template.',
    }),
    column<ReplicationController>('Images', 'string', (rc) => containerImages(rc.spec?.template?.spec?.containers), {
      wide: true,
      description: 'Images referenced by each container in the template.',
    }),
    column<ReplicationController>('Selector', 'string', (rc) => labelsText(rc.spec?.selector), {
      wide: true,
      describedBy: [spec, 'selector'],
    }),
  ],
  selectableFields: [
    {
      name: 'status.replicas',
      value: (object) => String((object as unknown as ReplicationController).status?.replicas ?? 0),
    },
  ],
  strategy: {
    generation: true,
    defaultPropagation: 'orphan',
    default({ metadata, spec: draft }) {
      if (draft === undefined) return;
      const labels = draft.template?.metadata?.labels;
      if (labels !== undefined) {
        if (Object.keys(draft.selector ?? {}).length === 0) draft.selector = { ...labels };
        if (Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...labels };
      }
      draft.replicas ??= 1;
      if (draft.template?.spec !== undefined) defaultPodSpec(draft.template.spec);
    },
    prepareForCreate(draft) {
      draft.status = { replicas: 0 };
    },
    prepareForUpdate(draft, old) {
      draft.status = old.status ?? { replicas: 0 };
    },
    validate,
    // Kubernetes looks twice, and lists the causes twice.
    validateUpdate: (object) => [...validate(object), ...validate(object)],
    warnings: (object) => podTemplateWarnings(object.spec?.template, path.child('template')),
  },
});

/** Source: Kubernetes `pkg/apis/core/validation/validation.go`, ValidateReplicationControllerSpec. */
function validate({
  spec: { selector = {}, replicas, minReadySeconds, template } = {},
}: ReplicationController): FieldError[] {
  const errors: FieldError[] = [];
  checkNonNegative(minReadySeconds, path.child('minReadySeconds'), errors);
  if (Object.keys(selector).length === 0) errors.push(required(path.child('selector')));
  checkNonNegative(replicas, path.child('replicas'), errors);
  const at = path.child('template');
  if (template === undefined) {
    errors.push(required(at));
    return errors;
  }
  const labels = template.metadata?.labels ?? {};
  if (Object.entries(selector).some(([key, value]) => labels[key] !== value)) {
    errors.push(invalid(at.child('metadata').child('labels'), labels, '`selector` does not match template `labels`'));
  }
  validatePodTemplate(template, at, errors);
  const restartPolicy = template.spec?.restartPolicy;
  if (restartPolicy !== 'Always') {
    errors.push(notSupported(at.child('spec').child('restartPolicy'), restartPolicy, ['Always']));
  }
  if (template.spec?.activeDeadlineSeconds !== undefined) {
    errors.push(
      forbidden(
        at.child('spec').child('activeDeadlineSeconds'),
        'activeDeadlineSeconds in ReplicationController is not Supported',
      ),
    );
  }
  return errors;
}
