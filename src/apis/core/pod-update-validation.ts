/** What may change of a pod. Source: Kubernetes `pkg/apis/core/validation/validation.go`, ValidatePodUpdate. */
import { duplicate, type FieldError, FieldPath, forbidden, invalid } from '../../machinery/field.ts';
import { parseIp } from '../../machinery/ip.ts';
import { deepEqual } from '../../machinery/json.ts';
import { inclusiveRangeError, isQualifiedName, nameIsDnsSubdomain } from '../../machinery/names.ts';
import type { Pod, PodSpec } from '../types.ts';
import { checkAll, checkIP } from './field-rules.ts';
import { maxInt32, mirrorAnnotation, validatePodAnnotations, validatePodSpec } from './pod-validation.ts';

const updatable =
  '`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

export function validatePodUpdate(pod: Pod, old: Pod): FieldError[] {
  const errors: FieldError[] = [];
  const path = FieldPath.of('spec');
  const spec = pod.spec!;
  const was = old.spec!;
  validatePodAnnotations(pod.metadata, spec, FieldPath.of('metadata', 'annotations'), errors);
  validatePodSpec(spec, pod.metadata, path, errors);
  validateMirrorAnnotation(pod, old, errors);
  for (const field of ['containers', 'initContainers'] as const) {
    if (spec[field]?.length !== was[field]?.length) {
      errors.push(forbidden(path.child(field), 'pod updates may not add or remove containers'));
      return errors;
    }
  }
  if (!validateDeadline(spec, was, path.child('activeDeadlineSeconds'), errors)) return errors;
  const kept = (was.tolerations ?? []).every((toleration) =>
    spec.tolerations?.some((now) =>
      deepEqual({ ...now, tolerationSeconds: undefined }, { ...toleration, tolerationSeconds: undefined }),
    ),
  );
  if (!kept) {
    errors.push(
      forbidden(path.child('tolerations'), 'existing toleration can not be modified except its tolerationSeconds'),
    );
  }
  const gates = new Set((was.schedulingGates ?? []).map(({ name }) => name));
  for (const [i, { name }] of (spec.schedulingGates ?? []).entries()) {
    if (!gates.has(name)) {
      const why = `only deletion is allowed, but found new scheduling gate '${name}'`;
      errors.push(forbidden(path.child('schedulingGates').index(i).child('name'), why));
    }
  }
  if (gates.size > 0) validateGatedChanges(spec, was, path, errors);
  const changed = changedFields(spec, was);
  if (changed.length > 0) {
    // Kubernetes shows a difference here whose form it declares unstable.
    const lines = changed.map((field) => `\t- ${field}`).join('\n');
    errors.push(forbidden(path, `pod updates may not change fields other than ${updatable}\n${lines}\n`));
  }
  return errors;
}

function validateMirrorAnnotation(pod: Pod, old: Pod, errors: FieldError[]): void {
  const value = pod.metadata.annotations?.[mirrorAnnotation];
  const before = old.metadata.annotations?.[mirrorAnnotation];
  if (value === before) return;
  const path = FieldPath.of('metadata', 'annotations').key(mirrorAnnotation);
  const verb = before === undefined ? 'add' : 'remove or update';
  errors.push(forbidden(path, `may not ${verb} mirror pod annotation`));
}

function validateDeadline(spec: PodSpec, was: PodSpec, path: FieldPath, errors: FieldError[]): boolean {
  const deadline = spec.activeDeadlineSeconds;
  const before = was.activeDeadlineSeconds;
  if (deadline !== undefined) {
    if (deadline < 0 || deadline > maxInt32) {
      errors.push(invalid(path, deadline, inclusiveRangeError(0, maxInt32)));
      return false;
    }
    if (before !== undefined && before < deadline) {
      errors.push(invalid(path, deadline, 'must be less than or equal to previous value'));
      return false;
    }
  } else if (before !== undefined) {
    errors.push(invalid(path, null, 'must not update from a positive integer to nil value'));
  }
  return true;
}

/** The fields of the spec that changed and may not. */
function changedFields(spec: PodSpec, was: PodSpec): string[] {
  const images = (list: PodSpec['containers'] | undefined): unknown =>
    list?.map((container) => ({ ...container, image: '' }));
  const gated = (was.schedulingGates?.length ?? 0) > 0;
  const compare: Partial<Record<keyof PodSpec, () => boolean>> = {
    containers: () => deepEqual(images(spec.containers), images(was.containers)),
    initContainers: () => deepEqual(images(spec.initContainers), images(was.initContainers)),
    activeDeadlineSeconds: () => true,
    tolerations: () => true,
    schedulingGates: () => true,
    terminationGracePeriodSeconds: () =>
      spec.terminationGracePeriodSeconds === was.terminationGracePeriodSeconds ||
      ((was.terminationGracePeriodSeconds ?? 0) < 0 && spec.terminationGracePeriodSeconds === 1),
    ...(gated && {
      nodeSelector: () => true,
      affinity: () => deepEqual(withoutNodeAffinity(spec), withoutNodeAffinity(was)),
    }),
  };
  const fields = new Set([...Object.keys(spec), ...Object.keys(was)]) as Set<keyof PodSpec>;
  return [...fields].filter((field) => !(compare[field]?.() ?? deepEqual(spec[field], was[field])));
}

const withoutNodeAffinity = ({ affinity }: PodSpec): object => ({ ...affinity, nodeAffinity: undefined });

/** A pod that waits for its gates may still learn where it must not run. Source: KEP-3838. */
function validateGatedChanges(spec: PodSpec, was: PodSpec, path: FieldPath, errors: FieldError[]): void {
  if (Object.entries(was.nodeSelector ?? {}).some(([key, value]) => spec.nodeSelector?.[key] !== value)) {
    const why = 'only additions to spec.nodeSelector are allowed (no mutations or deletions)';
    errors.push(invalid(path.child('nodeSelector'), spec.nodeSelector ?? {}, why));
  }
  const required = 'requiredDuringSchedulingIgnoredDuringExecution';
  const old = was.affinity?.nodeAffinity?.[required]?.nodeSelectorTerms ?? [];
  if (old.length === 0) return;
  const terms = spec.affinity?.nodeAffinity?.[required]?.nodeSelectorTerms ?? [];
  const at = path.child('affinity').child('nodeAffinity').child(required).child('nodeSelectorTerms');
  if (terms.length !== old.length) {
    errors.push(invalid(at, terms, 'no additions/deletions to non-empty NodeSelectorTerms list are allowed'));
    return;
  }
  for (const [i, term] of terms.entries()) {
    if (!onlyAdds(term, old[i]!)) {
      errors.push(invalid(at.index(i), term, 'only additions are allowed (no mutations or deletions)'));
    }
  }
}

type Term = Pick<
  NonNullable<
    NonNullable<NonNullable<PodSpec['affinity']>['nodeAffinity']>['requiredDuringSchedulingIgnoredDuringExecution']
  >['nodeSelectorTerms'][number],
  'matchExpressions' | 'matchFields'
>;

/** An empty term matches nothing: nothing may be added to it. */
function onlyAdds(term: Term, old: Term): boolean {
  const count = ({ matchExpressions = [], matchFields = [] }: Term): number =>
    matchExpressions.length + matchFields.length;
  if (count(old) === 0) return count(term) === 0;
  return (['matchExpressions', 'matchFields'] as const).every((list) => {
    const before = old[list] ?? [];
    return deepEqual((term[list] ?? []).slice(0, before.length), before);
  });
}

export function validatePodStatusUpdate(pod: Pod, old: Pod): FieldError[] {
  const errors: FieldError[] = [];
  const path = FieldPath.of('status');
  const status = pod.status ?? {};
  const nominated = status.nominatedNodeName ?? '';
  if (nominated !== '') checkAll(nameIsDnsSubdomain(nominated), path.child('nominatedNodeName'), nominated, errors);
  const restartPolicy = pod.spec?.restartPolicy;
  if (restartPolicy !== 'Always') {
    for (const [i, container] of (status.containerStatuses ?? []).entries()) {
      const before = old.status?.containerStatuses?.find(({ name }) => name === container.name);
      const ended = before?.state?.terminated;
      // A failed container may start again where failures are retried.
      if (ended === undefined || (restartPolicy === 'OnFailure' && ended.exitCode !== 0)) continue;
      if (container.state?.terminated === undefined) {
        const at = path.child('containerStatuses').index(i).child('state');
        errors.push(forbidden(at, 'may not be transitioned to non-terminated state'));
      }
    }
  }
  validateIPs(status.podIPs, path.child('podIPs'), errors);
  const hostErrors: FieldError[] = [];
  validateIPs(status.hostIPs, path.child('hostIPs'), hostErrors);
  // Of these Kubernetes tells the duplicates first.
  const first = (type: string): number => (type === 'Duplicate' ? 0 : 1);
  errors.push(...hostErrors.sort((a, b) => first(a.type) - first(b.type)));
  for (const [i, { type }] of (status.conditions ?? []).entries()) {
    if (!systemConditions.has(type))
      checkAll(isQualifiedName(type), path.child('conditions').index(i).child('Type'), type, errors);
  }
  return errors;
}

const systemConditions = new Set(['PodScheduled', 'Ready', 'Initialized', 'ContainersReady']);

function validateIPs(addresses: readonly { ip: string }[] | undefined, path: FieldPath, errors: FieldError[]): void {
  if (addresses === undefined || addresses.length === 0) return;
  for (const [i, { ip }] of addresses.entries()) checkIP(ip, path.index(i), errors);
  if (addresses.length < 2 || !addresses.every(({ ip }) => parseIp(ip) !== undefined)) return;
  const families = new Set(addresses.map(({ ip }) => parseIp(ip)?.length));
  if (addresses.length > 2 || families.size < addresses.length) {
    errors.push(invalid(path, addresses, 'may specify no more than one IP for each IP family'));
  }
  for (const [i, address] of addresses.entries()) {
    if (addresses.findIndex(({ ip }) => ip === address.ip) < i) errors.push(duplicate(path.index(i), address));
  }
}
