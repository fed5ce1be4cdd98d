/** Source: Kubernetes `pkg/apis/apps/validation/validation.go`, ValidateReplicaSet and what it calls. */
import { type FieldError, FieldPath } from '../../machinery/field.ts';
import { checkNonNegative } from '../core/field-rules.ts';
import type { ReplicaSet } from '../types.ts';
import {
  checkImmutable,
  type TemplateOwner,
  validateReplicaCounts,
  validateReplicatedTemplate,
  validateSelector,
} from './workload-validation.ts';

const path = FieldPath.of('spec');

export function validateReplicaSet({ spec }: ReplicaSet): FieldError[] {
  const errors: FieldError[] = [];
  if (spec === undefined) return errors;
  checkNonNegative(spec.replicas, path.child('replicas'), errors);
  checkNonNegative(spec.minReadySeconds, path.child('minReadySeconds'), errors);
  // The message says "deployment" in Kubernetes too.
  validateSelector(spec as TemplateOwner, 'deployment', path, errors);
  validateReplicatedTemplate(spec as TemplateOwner, 'ReplicaSet', path.child('template'), errors);
  return errors;
}

export function validateReplicaSetUpdate(object: ReplicaSet, old: ReplicaSet): FieldError[] {
  // Kubernetes looks twice, and lists the causes twice.
  const errors = [...validateReplicaSet(object), ...validateReplicaSet(object)];
  checkImmutable(object.spec?.selector, old.spec?.selector, path.child('selector'), errors);
  return errors;
}

export function validateReplicaSetStatusUpdate({ status }: ReplicaSet, { status: old }: ReplicaSet): FieldError[] {
  const errors: FieldError[] = [];
  const fields = [
    'replicas',
    'fullyLabeledReplicas',
    'readyReplicas',
    'availableReplicas',
    'observedGeneration',
  ] as const;
  validateReplicaCounts(status ?? {}, old ?? {}, fields, FieldPath.of('status'), errors);
  return errors;
}
