/** Source: Kubernetes `pkg/apis/apps/validation/validation.go`, ValidateDaemonSet and what it calls. */
import { type FieldError, FieldPath, invalid, notSupported, required } from '../../machinery/field.ts';
import { checkNonNegative } from '../core/field-rules.ts';
import { validatePodTemplate } from '../core/pod-validation.ts';
import { checkLabelSelector } from '../core/scheduling-validation.ts';
import type { DaemonSet } from '../types.ts';
import {
  checkAlwaysRestarts,
  checkAtMost100Percent,
  checkImmutable,
  checkIntOrPercent,
  checkReadOnlyDisks,
  checkSelected,
  compileSelector,
  intOrPercentValue,
  isEmptySelector,
} from './workload-validation.ts';

type Spec = NonNullable<DaemonSet['spec']>;

const path = FieldPath.of('spec');

export function validateDaemonSet({ spec }: DaemonSet): FieldError[] {
  const errors: FieldError[] = [];
  if (spec === undefined) return errors;
  const at = path.child('selector');
  checkLabelSelector(spec.selector, at, errors);
  const template = path.child('template');
  const selector = compileSelector(spec.selector, at, []);
  if (selector !== undefined) checkSelected(selector, spec.template, template, errors);
  if (spec.selector !== undefined && spec.selector !== null && isEmptySelector(spec.selector)) {
    errors.push(invalid(at, spec.selector, 'empty selector is invalid for daemonset'));
  }
  validatePodTemplate(spec.template, template, errors);
  checkReadOnlyDisks(spec.template, template.child('spec').child('volumes'), errors);
  checkAlwaysRestarts(spec.template, 'DaemonSet', template.child('spec'), errors);
  checkNonNegative(spec.minReadySeconds, path.child('minReadySeconds'), errors);
  validateUpdateStrategy(spec, errors);
  checkNonNegative(spec.revisionHistoryLimit, path.child('revisionHistoryLimit'), errors);
  return errors;
}

function validateUpdateStrategy({ updateStrategy }: Spec, errors: FieldError[]): void {
  const { type, rollingUpdate } = updateStrategy ?? {};
  const at = path.child('updateStrategy');
  if (type === 'OnDelete') return;
  if (type !== 'RollingUpdate') {
    errors.push(notSupported(at, updateStrategy, ['RollingUpdate', 'OnDelete']));
    return;
  }
  const rolling = at.child('rollingUpdate');
  if (rollingUpdate === undefined) {
    errors.push(required(rolling));
    return;
  }
  const { maxUnavailable, maxSurge } = rollingUpdate;
  checkIntOrPercent(maxUnavailable, rolling.child('maxUnavailable'), errors);
  checkIntOrPercent(maxSurge, rolling.child('maxSurge'), errors);
  const unavailable = intOrPercentValue(maxUnavailable) !== 0;
  const surge = intOrPercentValue(maxSurge) !== 0;
  if (unavailable && surge) {
    errors.push(invalid(rolling.child('maxSurge'), maxSurge, 'may not be set when maxUnavailable is non-zero'));
  } else if (!unavailable && !surge) {
    errors.push(required(rolling.child('maxUnavailable'), 'cannot be 0 when maxSurge is 0'));
  }
  checkAtMost100Percent(maxUnavailable, rolling.child('maxUnavailable'), errors);
  checkAtMost100Percent(maxSurge, rolling.child('maxSurge'), errors);
}

export function validateDaemonSetUpdate(object: DaemonSet, old: DaemonSet): FieldError[] {
  const errors = validateDaemonSet(object);
  checkImmutable(object.spec?.selector, old.spec?.selector, path.child('selector'), errors);
  // Kubernetes looks twice, and lists the causes twice.
  return [...errors, ...validateDaemonSet(object)];
}

const counts = [
  'currentNumberScheduled',
  'numberMisscheduled',
  'desiredNumberScheduled',
  'numberReady',
  'observedGeneration',
  'updatedNumberScheduled',
  'numberAvailable',
  'numberUnavailable',
] as const;

export function validateDaemonSetStatusUpdate({ status }: DaemonSet, { status: old }: DaemonSet): FieldError[] {
  const errors: FieldError[] = [];
  const at = FieldPath.of('status');
  for (const field of counts) checkNonNegative(status?.[field], at.child(field), errors);
  const { collisionCount } = status ?? {};
  if (collisionCount !== undefined) checkNonNegative(collisionCount, at.child('collisionCount'), errors);
  if (old?.collisionCount !== undefined && (collisionCount ?? -1) < old.collisionCount) {
    errors.push(invalid(at.child('collisionCount'), collisionCount, 'cannot be decremented'));
  }
  return errors;
}
