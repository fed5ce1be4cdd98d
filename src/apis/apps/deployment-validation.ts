/** Source: Kubernetes `pkg/apis/apps/validation/validation.go`, ValidateDeployment and what it calls. */
import { type FieldError, FieldPath, forbidden, invalid, notSupported, required } from '../../machinery/field.ts';
import { checkNonNegative } from '../core/field-rules.ts';
import type { Deployment } from '../types.ts';
import {
  checkAtMost100Percent,
  checkImmutable,
  checkIntOrPercent,
  intOrPercentValue,
  validateReplicaCounts,
  validateReplicatedTemplate,
  validateSelector,
} from './workload-validation.ts';

const path = FieldPath.of('spec');

export function validateDeployment({ spec }: Deployment): FieldError[] {
  const errors: FieldError[] = [];
  if (spec === undefined) return errors;
  checkNonNegative(spec.replicas, path.child('replicas'), errors);
  validateSelector(spec, 'deployment', path, errors);
  validateReplicatedTemplate(spec, 'ReplicaSet', path.child('template'), errors);
  validateStrategy(spec.strategy, path.child('strategy'), errors);
  const { minReadySeconds = 0, revisionHistoryLimit, progressDeadlineSeconds } = spec;
  checkNonNegative(minReadySeconds, path.child('minReadySeconds'), errors);
  checkNonNegative(revisionHistoryLimit, path.child('revisionHistoryLimit'), errors);
  if (progressDeadlineSeconds !== undefined) {
    const at = path.child('progressDeadlineSeconds');
    checkNonNegative(progressDeadlineSeconds, at, errors);
    if (progressDeadlineSeconds <= minReadySeconds) {
      errors.push(invalid(at, progressDeadlineSeconds, 'must be greater than minReadySeconds'));
    }
  }
  return errors;
}

export function validateDeploymentUpdate(object: Deployment, old: Deployment): FieldError[] {
  const errors = validateDeployment(object);
  checkImmutable(object.spec?.selector, old.spec?.selector, path.child('selector'), errors);
  return errors;
}

export function validateDeploymentStatusUpdate(
  { status = {} }: Deployment,
  { status: old = {} }: Deployment,
): FieldError[] {
  const errors: FieldError[] = [];
  const fields = [
    'observedGeneration',
    'replicas',
    'updatedReplicas',
    'readyReplicas',
    'availableReplicas',
    'unavailableReplicas',
    'collisionCount',
  ] as const;
  validateReplicaCounts(status, old, fields, FieldPath.of('status'), errors);
  return errors;
}

function validateStrategy(
  strategy: NonNullable<Deployment['spec']>['strategy'],
  at: FieldPath,
  errors: FieldError[],
): void {
  const { type, rollingUpdate } = strategy ?? {};
  const rolling = at.child('rollingUpdate');
  if (type === 'Recreate') {
    if (rollingUpdate !== undefined) {
      errors.push(forbidden(rolling, "may not be specified when strategy `type` is 'Recreate'"));
    }
  } else if (type === 'RollingUpdate') {
    if (rollingUpdate === undefined) errors.push(required(rolling, 'this should be defaulted and never be nil'));
    else {
      const { maxUnavailable, maxSurge } = rollingUpdate;
      checkIntOrPercent(maxUnavailable, rolling.child('maxUnavailable'), errors);
      checkIntOrPercent(maxSurge, rolling.child('maxSurge'), errors);
      if (intOrPercentValue(maxUnavailable) === 0 && intOrPercentValue(maxSurge) === 0) {
        errors.push(invalid(rolling.child('maxUnavailable'), maxUnavailable, 'may not be 0 when `maxSurge` is 0'));
      }
      checkAtMost100Percent(maxUnavailable, rolling.child('maxUnavailable'), errors);
    }
  } else errors.push(notSupported(at, strategy, ['Recreate', 'RollingUpdate']));
}
