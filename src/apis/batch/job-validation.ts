/** Source: Kubernetes `pkg/apis/batch/validation/validation.go`, ValidateJob and what it calls. */
import type * as k8s from '@kubernetes/client-node';
import {
  duplicate,
  type FieldError,
  FieldPath,
  invalid,
  notSupported,
  omitValue,
  required,
  tooMany,
} from '../../machinery/field.ts';
import { goQuote } from '../../machinery/go-text.ts';
import { checkImmutable, checkSelected, compileSelector } from '../apps/workload-validation.ts';
import { checkNonNegative } from '../core/field-rules.ts';
import { validatePodTemplate } from '../core/pod-validation.ts';
import { checkLabelSelector } from '../core/scheduling-validation.ts';
import type { Job, Wire } from '../types.ts';

export type JobSpec = Wire<k8s.V1JobSpec>;
type FailurePolicyRule = Wire<k8s.V1PodFailurePolicyRule>;

const maxIndexedParallelism = 100_000;
const completionModes = ['Indexed', 'NonIndexed'];
const replacementPolicies = ['Failed', 'TerminatingOrFailed'];

export function validateJob({ metadata, spec }: Job): FieldError[] {
  const errors: FieldError[] = [];
  if (spec === undefined) return errors;
  const path = FieldPath.of('spec');
  if (spec.manualSelector !== true) validateGeneratedSelector({ metadata, spec }, path, errors);
  validateJobSpec(spec, path, errors);
  if (spec.completionMode === 'Indexed' && (spec.completions ?? 0) > 0 && metadata.name !== undefined) {
    // Pods are called <job>-<index>-<random>, and their host names are labels.
    const longest = `${metadata.name}-${spec.completions! - 1}`;
    if (longest.length > 63) {
      const why = 'will not able to create pod with invalid DNS label';
      errors.push(invalid(FieldPath.of('metadata', 'name'), metadata.name, `${why} "${longest}"`));
    }
  }
  return errors;
}

function validateGeneratedSelector(
  { metadata, spec }: Pick<Job, 'metadata'> & { spec: JobSpec },
  path: FieldPath,
  errors: FieldError[],
): void {
  if (spec.selector === undefined) return;
  const uid = metadata.uid ?? '';
  const labels = spec.template.metadata?.labels ?? {};
  const at = path.child('template').child('metadata').child('labels');
  const name = metadata.name ?? '';
  const expected = {
    'controller-uid': uid,
    'job-name': name,
    'batch.kubernetes.io/controller-uid': uid,
    'batch.kubernetes.io/job-name': name,
  };
  for (const [key, value] of Object.entries(expected)) {
    const found = labels[key];
    if (found === undefined) errors.push(required(at.key(key), `must be '${value}'`));
    else if (found !== value) errors.push(invalid(at.key(key), labels, `must be '${value}'`));
  }
  const selector = compileSelector(spec.selector, path.child('selector'), []);
  if (selector?.matches(expected) === false) {
    errors.push(invalid(path.child('selector'), spec.selector, '`selector` not auto-generated'));
  }
}

/** A job's spec, or that of a job template; only the first has a selector. */
export function validateJobSpec(spec: JobSpec, path: FieldPath, errors: FieldError[], isTemplate = false): void {
  for (const field of [
    'parallelism',
    'completions',
    'activeDeadlineSeconds',
    'backoffLimit',
    'ttlSecondsAfterFinished',
    'backoffLimitPerIndex',
  ] as const) {
    checkNonNegative(spec[field], path.child(field), errors);
  }
  if (spec.maxFailedIndexes !== undefined) {
    checkNonNegative(spec.maxFailedIndexes, path.child('maxFailedIndexes'), errors);
    if (spec.backoffLimitPerIndex === undefined) {
      errors.push(required(path.child('backoffLimitPerIndex'), 'when maxFailedIndexes is specified'));
    }
  }
  validateCompletionMode(spec, path, errors);
  validateFailurePolicy(spec, path, errors);
  const { podReplacementPolicy } = spec;
  if (podReplacementPolicy !== undefined) {
    const at = path.child('podReplacementPolicy');
    const supported = spec.podFailurePolicy === undefined ? replacementPolicies : ['Failed'];
    if (!supported.includes(podReplacementPolicy)) errors.push(notSupported(at, podReplacementPolicy, supported));
  }
  validateTemplate(spec, path, errors, isTemplate);
}

function validateCompletionMode(spec: JobSpec, path: FieldPath, errors: FieldError[]): void {
  const { completionMode, completions, parallelism, maxFailedIndexes } = spec;
  if (completionMode === undefined) return;
  if (!completionModes.includes(completionMode)) {
    errors.push(notSupported(path.child('completionMode'), completionMode, completionModes));
  }
  if (completionMode === 'Indexed') {
    if (completions === undefined) {
      errors.push(required(path.child('completions'), 'when completion mode is Indexed'));
    }
    if (parallelism !== undefined && parallelism > maxIndexedParallelism) {
      const why = `must be less than or equal to ${maxIndexedParallelism} when completion mode is Indexed`;
      errors.push(invalid(path.child('parallelism'), parallelism, why));
    }
    if (completions !== undefined && maxFailedIndexes !== undefined && maxFailedIndexes > completions) {
      errors.push(
        invalid(path.child('maxFailedIndexes'), maxFailedIndexes, 'must be less than or equal to completions'),
      );
    }
  } else if (spec.backoffLimitPerIndex !== undefined) {
    errors.push(
      invalid(path.child('backoffLimitPerIndex'), spec.backoffLimitPerIndex, 'requires indexed completion mode'),
    );
  }
}

function validateTemplate(spec: JobSpec, path: FieldPath, errors: FieldError[], isTemplate: boolean): void {
  const template = path.child('template');
  if (!isTemplate) {
    const at = path.child('selector');
    if (spec.selector === undefined) errors.push(required(at));
    else checkLabelSelector(spec.selector, at, errors);
    const selector = compileSelector(spec.selector, at, []);
    if (selector !== undefined) checkSelected(selector, spec.template, template, errors);
  }
  validatePodTemplate(spec.template, template, errors);
  const restartPolicy = spec.template.spec?.restartPolicy ?? '';
  const at = template.child('spec').child('restartPolicy');
  if (restartPolicy === '' || restartPolicy === 'Always') {
    errors.push(required(at, 'valid values: "OnFailure", "Never"'));
  } else if (restartPolicy !== 'OnFailure' && restartPolicy !== 'Never') {
    errors.push(notSupported(at, restartPolicy, ['OnFailure', 'Never']));
  } else if (spec.podFailurePolicy !== undefined && restartPolicy !== 'Never') {
    errors.push(invalid(at, restartPolicy, 'only "Never" is supported when podFailurePolicy is specified'));
  }
}

/** As Go's `%q` shows a list. */
const goStrings = (values: readonly string[]): string => `[${values.map(goQuote).join(' ')}]`;

const maxRules = 20;
const maxExitCodes = 255;
const maxPatterns = 20;
const actions = ['Count', 'FailIndex', 'FailJob', 'Ignore'];

function validateFailurePolicy({ podFailurePolicy, template }: JobSpec, path: FieldPath, errors: FieldError[]): void {
  if (podFailurePolicy === undefined) return;
  const at = path.child('podFailurePolicy').child('rules');
  const rules = podFailurePolicy.rules ?? [];
  if (rules.length > maxRules) errors.push(tooMany(at, rules.length, maxRules));
  const { containers, initContainers } = template.spec ?? {};
  const names = new Set([...(containers ?? []), ...(initContainers ?? [])].map(({ name }) => name));
  for (const [i, rule] of rules.entries()) validateFailureRule(rule, names, at.index(i), errors);
}

function validateFailureRule(
  { action, onExitCodes, onPodConditions }: FailurePolicyRule,
  names: ReadonlySet<string>,
  path: FieldPath,
  errors: FieldError[],
): void {
  if (action === '') errors.push(required(path.child('action'), `valid values: ${goStrings(actions)}`));
  else if (!actions.includes(action)) errors.push(notSupported(path.child('action'), action, actions));
  const patterns = onPodConditions ?? [];
  if (onExitCodes !== undefined) {
    const at = path.child('onExitCodes');
    const values = onExitCodes.values ?? [];
    if (onExitCodes.operator !== 'In' && onExitCodes.operator !== 'NotIn') {
      if (onExitCodes.operator === '')
        errors.push(required(at.child('operator'), `valid values: ${goStrings(['In', 'NotIn'])}`));
      else errors.push(notSupported(at.child('operator'), onExitCodes.operator, ['In', 'NotIn']));
    }
    const { containerName } = onExitCodes;
    if (containerName !== undefined && !names.has(containerName)) {
      errors.push(
        invalid(
          at.child('containerName'),
          containerName,
          'must be one of the container or initContainer names in the pod template',
        ),
      );
    }
    const valuesPath = at.child('values');
    if (values.length === 0) errors.push(invalid(valuesPath, values, 'at least one value is required'));
    else if (values.length > maxExitCodes) {
      errors.push(tooMany(valuesPath, values.length, maxExitCodes));
    }
    const seen = new Set<number>();
    for (const [i, value] of values.entries()) {
      if (onExitCodes.operator === 'In' && value === 0) {
        errors.push(invalid(valuesPath.index(i), value, 'must not be 0 for the In operator'));
      }
      if (seen.has(value)) errors.push(duplicate(valuesPath.index(i), value));
      seen.add(value);
    }
    if (values.some((value, i) => i > 0 && value < values[i - 1]!))
      errors.push(invalid(valuesPath, values, 'must be ordered'));
  }
  if (patterns.length > 0) {
    const at = path.child('onPodConditions');
    if (patterns.length > maxPatterns) errors.push(tooMany(at, patterns.length, maxPatterns));
    for (const [i, { status }] of patterns.entries()) {
      const supported = ['False', 'True', 'Unknown'];
      if ((status ?? '') === '')
        errors.push(required(at.index(i).child('status'), `valid values: ${goStrings(supported)}`));
      else if (!supported.includes(status!)) errors.push(notSupported(at.index(i).child('status'), status, supported));
    }
  }
  if (onExitCodes !== undefined && patterns.length > 0) {
    errors.push(invalid(path, omitValue, 'specifying both OnExitCodes and OnPodConditions is not supported'));
  } else if (onExitCodes === undefined && patterns.length === 0) {
    errors.push(invalid(path, omitValue, 'specifying one of OnExitCodes and OnPodConditions is required'));
  }
}

export function validateJobUpdate(job: Job, old: Job): FieldError[] {
  const errors: FieldError[] = [];
  const path = FieldPath.of('spec');
  const spec = job.spec!;
  const was = old.spec!;
  validateJobSpec(spec, path, errors);
  if (!(spec.completionMode === 'Indexed' && spec.parallelism === spec.completions)) {
    checkImmutable(spec.completions, was.completions, path.child('completions'), errors);
  }
  checkImmutable(spec.selector, was.selector, path.child('selector'), errors);
  const suspended = was.suspend === true && old.status?.startTime === undefined;
  const scheduling = ['nodeSelector', 'affinity', 'tolerations', 'schedulingGates'];
  const fixed = (template: JobSpec['template']): object =>
    suspended
      ? {
          ...template,
          metadata: { ...template.metadata, labels: undefined, annotations: undefined },
          spec: Object.fromEntries(
            Object.entries(template.spec ?? {}).filter(([field]) => !scheduling.includes(field)),
          ),
        }
      : template;
  if (JSON.stringify(fixed(spec.template)) !== JSON.stringify(fixed(was.template))) {
    checkImmutable(fixed(spec.template), fixed(was.template), path.child('template'), errors);
  }
  checkImmutable(spec.completionMode, was.completionMode, path.child('completionMode'), errors);
  checkImmutable(spec.podFailurePolicy, was.podFailurePolicy, path.child('podFailurePolicy'), errors);
  checkImmutable(spec.backoffLimitPerIndex, was.backoffLimitPerIndex, path.child('backoffLimitPerIndex'), errors);
  checkImmutable(spec.managedBy, was.managedBy, path.child('managedBy'), errors);
  return errors;
}
