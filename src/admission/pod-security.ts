/**
 * PodSecurity: pods hold to the Pod Security Standard that their namespace's labels name; what makes pods is warned of.
 * Source: Kubernetes "Pod Security Admission" (KEP-2579); `k8s.io/pod-security-admission/admission/admission.go`.
 */
import type { Container, CronJob, Deployment, Namespace, Pod, PodTemplate, PodTemplateSpec } from '../apis/types.ts';
import type { ApiObject } from '../machinery/object.ts';
import { invalidObject, notFound } from '../machinery/status.ts';
import { type AdmissionPlugin, type AdmissionRequest, admissionForbidden } from './chain.ts';
import { containersOf, type PodShape } from './pod-security/check.ts';
import { violations, violationsText } from './pod-security/evaluate.ts';
import {
  compareLevels,
  labelPrefix,
  type PodSecurityPolicy,
  podSecurityPolicy,
  privilegedPolicy,
  type Standard,
  sameStandard,
  standardText,
} from './pod-security/policy.ts';

const namespaces = { group: '', plural: 'namespaces' };
const pods = { group: '', plural: 'pods' };

/** Where the objects that make pods keep what they make them from. */
const templates: Readonly<Record<string, (object: ApiObject) => PodTemplateSpec | undefined>> = {
  replicationcontrollers: (object) => (object as Deployment).spec?.template,
  podtemplates: (object) => (object as PodTemplate).template,
  'apps/replicasets': (object) => (object as Deployment).spec?.template,
  'apps/deployments': (object) => (object as Deployment).spec?.template,
  'apps/statefulsets': (object) => (object as Deployment).spec?.template,
  'apps/daemonsets': (object) => (object as Deployment).spec?.template,
  'batch/jobs': (object) => (object as Deployment).spec?.template,
  'batch/cronjobs': (object) => (object as CronJob).spec?.jobTemplate.spec?.template,
};

/** Subresources that leave the pod's specification alone. */
const harmless = new Set(['attach', 'binding', 'eviction', 'exec', 'log', 'portforward', 'proxy', 'status']);

export const podSecurity: AdmissionPlugin = {
  name: 'PodSecurity',
  validate(request) {
    const { group, resource, subresource, operation } = request;
    if (operation !== 'CREATE' && operation !== 'UPDATE') return;
    if (group === '' && resource === 'namespaces') return subresource === '' ? checkNamespace(request) : undefined;
    if (group === '' && resource === 'pods') return harmless.has(subresource) ? undefined : checkPod(request);
    const template = subresource === '' ? templates[group === '' ? resource : `${group}/${resource}`] : undefined;
    if (template !== undefined) return checkTemplate(request, template);
  },
};

async function policyOf({ namespace, access }: AdmissionRequest): Promise<PodSecurityPolicy> {
  const found = await access.cached(namespaces, undefined, namespace!);
  if (found === undefined) throw notFound({ group: '', name: 'namespaces' }, namespace!);
  return podSecurityPolicy(found.metadata.labels).policy;
}

const isPrivileged = (...standards: readonly Standard[]): boolean =>
  standards.every(({ level }) => level === 'privileged');

async function checkPod(request: AdmissionRequest): Promise<void> {
  const policy = await policyOf(request);
  const noteEnforced = (): void =>
    request.context.annotate?.(`${labelPrefix}enforce-policy`, standardText(policy.enforce));
  if (isPrivileged(policy.enforce, policy.warn, policy.audit)) return noteEnforced();
  const pod = request.object as Pod;
  if (request.operation === 'UPDATE' && !isSignificant(pod, request.oldObject as Pod)) return;
  noteEnforced();
  const shape = shapeOf(pod);
  noteViolations(request, shape, policy.audit);
  const found = violations(shape, policy.enforce);
  if (found.length > 0) {
    const why = `violates PodSecurity "${standardText(policy.enforce)}": ${violationsText(found)}`;
    throw admissionForbidden(request, why);
  }
  warnOf(request, shape, policy.warn);
}

async function checkTemplate(
  request: AdmissionRequest,
  templateOf: (object: ApiObject) => PodTemplateSpec | undefined,
): Promise<void> {
  const policy = await policyOf(request);
  if (isPrivileged(policy.warn, policy.audit)) return;
  const template = templateOf(request.object!);
  if (template?.spec === undefined) return;
  const shape = shapeOf(template);
  noteViolations(request, shape, policy.audit);
  warnOf(request, shape, policy.warn);
}

const shapeOf = ({ metadata, spec }: Pod | PodTemplateSpec): PodShape => ({
  annotations: metadata?.annotations ?? {},
  spec: spec!,
});

function warnOf(request: AdmissionRequest, shape: PodShape, standard: Standard): void {
  const would = violationOf(shape, standard);
  if (would !== undefined) request.warn(would);
}

/** In the audit event, where there is one. */
function noteViolations({ context }: AdmissionRequest, shape: PodShape, standard: Standard): void {
  if (context.annotate === undefined) return;
  const would = violationOf(shape, standard);
  if (would !== undefined) context.annotate(`${labelPrefix}audit-violations`, would);
}

function violationOf(shape: PodShape, standard: Standard): string | undefined {
  const found = violations(shape, standard);
  if (found.length === 0) return undefined;
  return `would violate PodSecurity "${standardText(standard)}": ${violationsText(found)}`;
}

/** Of what may change in a pod, images and added ephemeral containers matter, and the annotations that once said more. */
function isSignificant(pod: Pod, old: Pod): boolean {
  const before = new Map(containersOf(old.spec!).map((container) => [container.name, container]));
  const after = containersOf(pod.spec!);
  const seccomp = (of: Pod): string =>
    JSON.stringify(Object.entries(of.metadata.annotations ?? {}).filter(([key]) => /seccomp|apparmor/.test(key)));
  if (after.length !== before.size || seccomp(pod) !== seccomp(old)) return true;
  return after.some(({ name, image }: Container) => before.get(name)?.image !== image);
}

function checkNamespace(request: AdmissionRequest): void | Promise<void> {
  const { metadata } = request.object as Namespace;
  const after = podSecurityPolicy(metadata.labels);
  const before =
    request.operation === 'UPDATE'
      ? podSecurityPolicy(request.oldObject!.metadata.labels)
      : { policy: privilegedPolicy, errors: [] };
  const text = (errors: readonly unknown[]): string => JSON.stringify(errors);
  if (after.errors.length > 0 && text(after.errors) !== text(before.errors)) {
    throw invalidObject({ group: '', name: 'Namespace' }, metadata.name ?? '', after.errors);
  }
  if (request.operation === 'CREATE') return;
  const { enforce } = after.policy;
  const old = before.policy.enforce;
  if (sameStandard(enforce, old) || enforce.level === 'privileged') return;
  if (enforce.minor === old.minor && compareLevels(enforce.level, old.level) < 1) return;
  return warnOfPods(request, metadata.name!, enforce);
}

/** More pods than this are not looked at: a label must not take long to set. */
const podsLookedAt = 3000;

async function warnOfPods(request: AdmissionRequest, namespace: string, enforce: Standard): Promise<void> {
  const all = (await request.access.list(pods, namespace)) as readonly Pod[];
  const names = new Map<string, string[]>();
  for (const pod of all.slice(0, podsLookedAt)) {
    const reasons = violations(shapeOf(pod), enforce).map(({ reason }) => reason);
    if (reasons.length === 0) continue;
    const text = reasons.join(', ');
    names.set(text, [...(names.get(text) ?? []), pod.metadata.name!]);
  }
  if (all.length > podsLookedAt) {
    const seen = `${podsLookedAt} of ${all.length}`;
    request.warn(`new PodSecurity enforce level only checked against the first ${seen} existing pods`);
  }
  if (names.size === 0) return;
  const level = standardText(enforce);
  request.warn(`existing pods in namespace "${namespace}" violate the new PodSecurity enforce level "${level}"`);
  for (const line of [...names].map(([text, who]) => `${andOthers(who.sort())}: ${text}`).sort()) request.warn(line);
}

function andOthers([first, ...rest]: readonly string[]): string {
  if (rest.length === 0) return first!;
  return `${first} (and ${rest.length} other ${rest.length === 1 ? 'pod' : 'pods'})`;
}
