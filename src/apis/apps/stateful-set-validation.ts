/** Source: Kubernetes `pkg/apis/apps/validation/validation.go`, ValidateStatefulSet and what it calls. */
import { type FieldError, FieldPath, forbidden, invalid, notSupported, required } from '../../machinery/field.ts';
import { deepEqual } from '../../machinery/json.ts';
import { validateLabels } from '../../machinery/label-selector.ts';
import { validateAnnotations } from '../../machinery/object-meta.ts';
import { checkNonNegative } from '../core/field-rules.ts';
import type { StatefulSet } from '../types.ts';
import {
  checkAlwaysRestarts,
  compileSelector,
  validateReplicaCounts,
  validateSelector,
} from './workload-validation.ts';

type Spec = NonNullable<StatefulSet['spec']>;

const path = FieldPath.of('spec');

export function validateStatefulSet({ spec }: StatefulSet): FieldError[] {
  const errors: FieldError[] = [];
  if (spec === undefined) return errors;
  const policy = spec.podManagementPolicy ?? '';
  if (policy === '') errors.push(required(path.child('podManagementPolicy')));
  else if (policy !== 'OrderedReady' && policy !== 'Parallel') {
    errors.push(invalid(path.child('podManagementPolicy'), policy, "must be 'OrderedReady' or 'Parallel'"));
  }
  validateUpdateStrategy(spec, errors);
  const retention = spec.persistentVolumeClaimRetentionPolicy;
  const retentionPath = path.child('persistentVolumeClaimRetentionPolicy');
  for (const field of ['whenDeleted', 'whenScaled'] as const) {
    const value = retention?.[field];
    if (retention !== undefined && value !== 'Retain' && value !== 'Delete') {
      errors.push(notSupported(retentionPath.child(field), value ?? '', ['Delete', 'Retain']));
    }
  }
  checkNonNegative(spec.replicas, path.child('replicas'), errors);
  checkNonNegative(spec.minReadySeconds, path.child('minReadySeconds'), errors);
  checkNonNegative(spec.ordinals?.start, path.child('ordinals').child('start'), errors);
  validateSelector(spec, 'statefulset', path, errors);
  // The template's volumes may come from claims that do not exist yet: the pods themselves are validated.
  const metadata = spec.template.metadata;
  const template = path.child('template');
  if (compileSelector(spec.selector, path.child('selector'), []) !== undefined) {
    errors.push(...validateLabels(metadata?.labels, template.child('labels')));
    errors.push(...validateAnnotations(metadata?.annotations ?? {}, template.child('annotations')));
  }
  checkAlwaysRestarts(spec.template, 'StatefulSet', template.child('spec'), errors);
  return errors;
}

function validateUpdateStrategy({ updateStrategy }: Spec, errors: FieldError[]): void {
  const { type, rollingUpdate } = updateStrategy ?? {};
  const at = path.child('updateStrategy');
  if (type === undefined || type === '') errors.push(required(at));
  else if (type === 'OnDelete') {
    if (rollingUpdate !== undefined) {
      errors.push(invalid(at.child('rollingUpdate'), rollingUpdate, "only allowed for updateStrategy 'RollingUpdate'"));
    }
  } else if (type === 'RollingUpdate') {
    checkNonNegative(rollingUpdate?.partition, at.child('rollingUpdate').child('partition'), errors);
  } else errors.push(invalid(at, updateStrategy, "must be 'RollingUpdate' or 'OnDelete'"));
}

const updatable = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
];

export function validateStatefulSetUpdate(object: StatefulSet, old: StatefulSet): FieldError[] {
  const errors = validateStatefulSet(object);
  const fixed = (spec: Spec | undefined): object =>
    Object.fromEntries(Object.entries(spec ?? {}).filter(([field]) => !updatable.includes(field)));
  if (!deepEqual(fixed(object.spec), fixed(old.spec))) {
    const listed = updatable.map((field) => `'${field}'`);
    const all = `${listed.slice(0, -1).join(', ')} and ${listed.at(-1)}`;
    errors.push(forbidden(path, `updates to statefulset spec for fields other than ${all} are forbidden`));
  }
  return errors;
}

export function validateStatefulSetStatusUpdate({ status }: StatefulSet, { status: old }: StatefulSet): FieldError[] {
  const errors: FieldError[] = [];
  const fields = [
    'replicas',
    'readyReplicas',
    'currentReplicas',
    'updatedReplicas',
    'availableReplicas',
    'observedGeneration',
    'collisionCount',
  ] as const;
  validateReplicaCounts(status ?? {}, old ?? {}, fields, FieldPath.of('status'), errors);
  return errors;
}
