/**
 * Rules that the kinds which make pods from a template share.
 * Source: Kubernetes `pkg/apis/apps/validation/validation.go`.
 */
import { type FieldError, type FieldPath, forbidden, invalid, notSupported, required } from '../../machinery/field.ts';
import { deepEqual } from '../../machinery/json.ts';
import { type LabelSelectorSpec, LabelSelector as Selector, SelectorError } from '../../machinery/label-selector.ts';
import { isPercent } from '../../machinery/names.ts';
import { immutableMessage } from '../../machinery/object-meta.ts';
import { checkNonNegative } from '../core/field-rules.ts';
import { validatePodTemplate } from '../core/pod-validation.ts';
import { checkLabelSelector } from '../core/scheduling-validation.ts';
import type { LabelSelector, PodTemplateSpec } from '../types.ts';

export interface TemplateOwner {
  selector?: LabelSelector | null;
  template: PodTemplateSpec;
  replicas?: number;
}

/** The selector is there, is well-formed, selects something, and selects the template's pods. */
export function validateSelector(
  { selector, template }: TemplateOwner,
  kind: 'deployment' | 'statefulset' | 'daemonset',
  path: FieldPath,
  errors: FieldError[],
): void {
  const at = path.child('selector');
  if (selector === undefined || selector === null) errors.push(required(at));
  else {
    checkLabelSelector(selector, at, errors);
    if (isEmptySelector(selector)) errors.push(invalid(at, selector, `empty selector is invalid for ${kind}`));
  }
  const compiled = compileSelector(selector, at, errors);
  if (compiled !== undefined) checkSelected(compiled, template, path.child('template'), errors);
}

export function isEmptySelector({ matchLabels, matchExpressions }: LabelSelector): boolean {
  return Object.keys(matchLabels ?? {}).length === 0 && (matchExpressions?.length ?? 0) === 0;
}

export function compileSelector(
  selector: LabelSelector | null | undefined,
  path: FieldPath,
  errors: FieldError[],
): Selector | undefined {
  try {
    return Selector.fromSpec(selector as LabelSelectorSpec | null | undefined);
  } catch (error) {
    if (!(error instanceof SelectorError)) throw error;
    errors.push(invalid(path, selector, 'invalid label selector'));
    return undefined;
  }
}

export function checkSelected(
  selector: Selector,
  template: PodTemplateSpec,
  path: FieldPath,
  errors: FieldError[],
): void {
  const labels = template.metadata?.labels;
  if (!selector.empty && !selector.matches(labels ?? {})) {
    errors.push(
      invalid(path.child('metadata').child('labels'), labels ?? {}, '`selector` does not match template `labels`'),
    );
  }
}

/** A template whose pods are replaced when they end. `kind` as the message names it. */
export function validateReplicatedTemplate(
  { template, replicas = 0 }: TemplateOwner,
  kind: string,
  path: FieldPath,
  errors: FieldError[],
): void {
  validatePodTemplate(template, path, errors);
  const spec = path.child('spec');
  if (replicas > 1) checkReadOnlyDisks(template, spec.child('volumes'), errors);
  checkAlwaysRestarts(template, kind, spec, errors);
}

export function checkAlwaysRestarts(
  template: PodTemplateSpec,
  kind: string,
  path: FieldPath,
  errors: FieldError[],
): void {
  const { restartPolicy, activeDeadlineSeconds } = template.spec!;
  if (restartPolicy !== 'Always') errors.push(notSupported(path.child('restartPolicy'), restartPolicy, ['Always']));
  if (activeDeadlineSeconds !== undefined) {
    errors.push(forbidden(path.child('activeDeadlineSeconds'), `activeDeadlineSeconds in ${kind} is not Supported`));
  }
}

/** A disk that only one machine may write to cannot serve several pods. */
export function checkReadOnlyDisks(template: PodTemplateSpec, path: FieldPath, errors: FieldError[]): void {
  for (const [i, { gcePersistentDisk }] of (template.spec?.volumes ?? []).entries()) {
    if (gcePersistentDisk === undefined || gcePersistentDisk.readOnly === true) continue;
    const why =
      'must be true for replicated pods > 1; GCE PD can only be mounted on multiple machines if it is read-only';
    errors.push(invalid(path.index(i).child('gcePersistentDisk').child('readOnly'), false, why));
  }
}

export function checkImmutable(value: unknown, old: unknown, path: FieldPath, errors: FieldError[]): void {
  if (!deepEqual(value, old)) errors.push(invalid(path, value, immutableMessage));
}

// ------------------------------------------------------------------------------------------------ int or percent

export function checkIntOrPercent(value: number | string | undefined, path: FieldPath, errors: FieldError[]): void {
  if (typeof value === 'string') for (const problem of isPercent(value)) errors.push(invalid(path, value, problem));
  else checkNonNegative(value, path, errors);
}

export function checkAtMost100Percent(value: number | string | undefined, path: FieldPath, errors: FieldError[]): void {
  const percent = percentOf(value);
  if (percent !== undefined && percent > 100) errors.push(invalid(path, value, 'must not be greater than 100%'));
}

/** The number itself, or the percentage without its sign; what is neither counts as 0. */
export function intOrPercentValue(value: number | string | undefined): number {
  return typeof value === 'number' ? value : (percentOf(value) ?? 0);
}

function percentOf(value: number | string | undefined): number | undefined {
  const digits = typeof value === 'string' ? /^(\d+)%$/.exec(value)?.[1] : undefined;
  return digits === undefined ? undefined : Number(digits);
}

// ------------------------------------------------------------------------------------------------ status

interface ReplicaCounts {
  replicas?: number;
  readyReplicas?: number;
  availableReplicas?: number;
  updatedReplicas?: number;
  unavailableReplicas?: number;
  fullyLabeledReplicas?: number;
  currentReplicas?: number;
  observedGeneration?: number;
  collisionCount?: number;
}

/** No count is negative, and no part is greater than the whole. `fields`: which of the counts the kind has. */
export function validateReplicaCounts(
  status: ReplicaCounts,
  old: ReplicaCounts,
  fields: readonly (keyof ReplicaCounts)[],
  path: FieldPath,
  errors: FieldError[],
): void {
  for (const field of fields) checkNonNegative(status[field] ?? 0, path.child(field), errors);
  const { replicas = 0, readyReplicas = 0, availableReplicas = 0 } = status;
  for (const field of [
    'updatedReplicas',
    'fullyLabeledReplicas',
    'currentReplicas',
    'readyReplicas',
    'availableReplicas',
  ] as const) {
    const count = status[field] ?? 0;
    if (fields.includes(field) && count > replicas) {
      errors.push(invalid(path.child(field), count, 'cannot be greater than status.replicas'));
    }
  }
  if (availableReplicas > readyReplicas) {
    errors.push(invalid(path.child('availableReplicas'), availableReplicas, 'cannot be greater than readyReplicas'));
  }
  if (old.collisionCount !== undefined && (status.collisionCount ?? -1) < old.collisionCount) {
    errors.push(invalid(path.child('collisionCount'), status.collisionCount, 'cannot be decremented'));
  }
}
