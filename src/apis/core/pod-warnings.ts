/** What is allowed and yet not meant. Source: Kubernetes `pkg/api/pod/warnings.go`. */
import { FieldPath } from '../../machinery/field.ts';
import { isDns1123Label } from '../../machinery/names.ts';
import type { ObjectMeta } from '../../machinery/object.ts';
import { Quantity } from '../../machinery/quantity.ts';
import type { Affinity, Container, Pod, PodSpec, PodTemplateSpec, Volume } from '../types.ts';
import { deprecatedVolumes, labelWarning, type Warn, warnOfExpressions } from './deprecated.ts';

export function podWarnings(pod: Pod, old: Pod | undefined): string[] {
  // Only a spec that changes is looked at again.
  if (old !== undefined && pod.metadata.generation === old.metadata.generation) return [];
  const warnings = warningsFor(pod.spec!, pod.metadata, undefined);
  if (old === undefined && pod.metadata.name !== undefined) {
    const problems = isDns1123Label(pod.metadata.name);
    if (problems.length > 0) {
      warnings.unshift(
        `metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [${problems.join(' ')}]`,
      );
    }
  }
  return warnings;
}

/** Of a template at `path` in its owner. */
export function podTemplateWarnings(template: PodTemplateSpec | undefined, path: FieldPath): string[] {
  return template?.spec === undefined ? [] : warningsFor(template.spec, (template.metadata ?? {}) as ObjectMeta, path);
}

const deprecatedAnnotations: Readonly<Record<string, string>> = {
  'scheduler.alpha.kubernetes.io/critical-pod': 'non-functional in v1.16+; use the "priorityClassName" field instead',
  'security.alpha.kubernetes.io/sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
  'security.alpha.kubernetes.io/unsafe-sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
};

const seccompPod = 'seccomp.security.alpha.kubernetes.io/pod';
const seccompContainer = 'container.seccomp.security.alpha.kubernetes.io/';
const nullSelector = 'a null labelSelector results in matching no pod';

function warningsFor(spec: PodSpec, metadata: ObjectMeta, parent: FieldPath | undefined): string[] {
  const warnings: string[] = [];
  const path = parent === undefined ? FieldPath.of('spec') : parent.child('spec');
  const meta = parent === undefined ? FieldPath.of('metadata') : parent.child('metadata');
  const warn = (at: FieldPath, text: string): void => {
    warnings.push(`${at}: ${text}`);
  };

  warnOfNodeLabels(spec, path, warn);
  for (const [key, text] of Object.entries(deprecatedAnnotations)) {
    if (metadata.annotations?.[key] !== undefined) warn(meta.child('annotations').key(key), text);
  }
  for (const [i, volume] of (spec.volumes ?? []).entries()) {
    const at = path.child('volumes').index(i);
    for (const [source, [field, text]] of Object.entries(deprecatedVolumes)) {
      if (volume[source as keyof Volume] !== undefined) warn(at.child(field), text);
    }
    const limit = volume.emptyDir?.sizeLimit;
    warnOfFraction(limit, at.child('emptyDir').child('sizeLimit'), warn);
    const requests = volume.ephemeral?.volumeClaimTemplate?.spec.resources?.requests;
    const claim = at.child('ephemeral').child('volumeClaimTemplate').child('spec').child('resources').child('requests');
    warnOfFraction(requests?.storage, claim.key('storage'), warn);
  }
  const addresses = new Set<string>();
  for (const [i, { ip }] of (spec.hostAliases ?? []).entries()) {
    if (addresses.has(ip)) warn(path.child('hostAliases').index(i).child('ip'), `duplicate ip ${JSON.stringify(ip)}`);
    addresses.add(ip);
  }
  const secrets = new Set<string>();
  for (const [i, { name = '' }] of (spec.imagePullSecrets ?? []).entries()) {
    const at = path.child('imagePullSecrets').index(i);
    if (name === '') warn(at, `invalid empty name ${JSON.stringify(name)}`);
    if (secrets.has(name)) warn(at, `duplicate name ${JSON.stringify(name)}`);
    secrets.add(name);
  }
  for (const [key] of Object.entries(metadata.annotations ?? {})) {
    if (key === seccompPod || key.startsWith(seccompContainer)) {
      warn(meta.child('annotations').key(key), 'non-functional in v1.27+; use the "seccompProfile" field instead');
    }
  }
  for (const [i, container] of (spec.initContainers ?? []).entries()) {
    warnOfContainer(container, path.child('initContainers').index(i), warn);
  }
  for (const [i, container] of (spec.containers ?? []).entries()) {
    warnOfContainer(container, path.child('containers').index(i), warn);
  }
  warnOfPorts(spec.containers ?? [], path.child('containers'), warn);
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) {
    const text = 'must be >= 0; negative values are invalid and will be treated as 1';
    warn(path.child('terminationGracePeriodSeconds'), text);
  }
  for (const [i, { labelSelector }] of (spec.topologySpreadConstraints ?? []).entries()) {
    if (labelSelector === undefined)
      warn(path.child('topologySpreadConstraints').index(i).child('labelSelector'), nullSelector);
  }
  warnOfPodAffinity(spec.affinity, path.child('affinity'), warn);
  return warnings;
}

function warnOfNodeLabels(spec: PodSpec, path: FieldPath, warn: Warn): void {
  for (const label of Object.keys(spec.nodeSelector ?? {})) {
    const text = labelWarning(label);
    if (text !== undefined) warn(path.child('nodeSelector').key(label), text);
  }
  const affinity = spec.affinity?.nodeAffinity;
  const at = path.child('affinity').child('nodeAffinity');
  const terms = affinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const hard = at.child('requiredDuringSchedulingIgnoredDuringExecution').child('nodeSelectorTerms');
  for (const [i, { matchExpressions }] of terms.entries()) warnOfExpressions(matchExpressions, hard.index(i), warn);
  const soft = at.child('preferredDuringSchedulingIgnoredDuringExecution');
  for (const [i, { preference }] of (affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
    warnOfExpressions(preference.matchExpressions, soft.index(i).child('preference'), warn);
  }
  for (const [i, { topologyKey }] of (spec.topologySpreadConstraints ?? []).entries()) {
    const text = labelWarning(topologyKey);
    if (text !== undefined) {
      warn(path.child('topologySpreadConstraints').index(i).child('topologyKey'), `${topologyKey} is ${text}`);
    }
  }
}

function warnOfPodAffinity(affinity: Affinity | undefined, path: FieldPath, warn: Warn): void {
  for (const field of ['podAffinity', 'podAntiAffinity'] as const) {
    const terms = affinity?.[field];
    const hard = path.child(field).child('requiredDuringSchedulingIgnoredDuringExecution');
    for (const [i, { labelSelector }] of (terms?.requiredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
      if (labelSelector === undefined) warn(hard.index(i).child('labelSelector'), nullSelector);
    }
    const soft = path.child(field).child('preferredDuringSchedulingIgnoredDuringExecution');
    for (const [i, { podAffinityTerm }] of (terms?.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
      if (podAffinityTerm.labelSelector === undefined) {
        warn(soft.index(i).child('podAffinityTerm').child('labelSelector'), nullSelector);
      }
    }
  }
}

function warnOfContainer({ env, resources }: Container, path: FieldPath, warn: Warn): void {
  for (const list of ['limits', 'requests'] as const) {
    for (const name of ['memory', 'ephemeral-storage']) {
      const quantity = resources?.[list]?.[name];
      if (quantity !== undefined) warnOfFraction(quantity, path.child('resources').child(list).key(name), warn);
    }
  }
  const names = new Map<string, number>();
  for (const [i, variable] of (env ?? []).entries()) {
    const before = names.get(variable.name);
    if (before !== undefined) {
      const value = env![before]!.value ?? '';
      // A value that builds on the one before is meant.
      if (!(variable.value ?? '').includes(`$(${variable.name})`) || value === '') {
        warn(
          path.child('env').index(i),
          `hides previous definition of ${JSON.stringify(variable.name)}, which may be dropped when using apply`,
        );
      }
    }
    names.set(variable.name, i);
  }
}

/** All containers of a pod share its addresses. */
function warnOfPorts(containers: readonly Container[], path: FieldPath, warn: Warn): void {
  const seen = new Map<string, FieldPath>();
  for (const [i, { ports }] of containers.entries()) {
    for (const [j, { containerPort, protocol, hostPort = 0, hostIP = '' }] of (ports ?? []).entries()) {
      const at = path.index(i).child('ports').index(j);
      const key = `${containerPort}/${protocol}/${hostPort}/${hostIP}`;
      const before = seen.get(key);
      if (before === undefined) seen.set(key, at);
      else warn(at, `duplicate port definition with ${before}`);
    }
  }
}

function warnOfFraction(text: string | undefined, path: FieldPath, warn: Warn): void {
  if (text === undefined) return;
  if (Quantity.parse(text).milliValue() % 1000n !== 0n) {
    warn(path, `fractional byte value ${JSON.stringify(text)} is invalid, must be an integer`);
  }
}
