/** Pods and pod templates. Source: Kubernetes `pkg/apis/core/validation/validation.go`. */

import type * as k8s from '@kubernetes/client-node';
import {
  duplicate,
  type FieldError,
  FieldPath,
  forbidden,
  invalid,
  notSupported,
  required,
} from '../../machinery/field.ts';
import { validateLabels } from '../../machinery/label-selector.ts';
import {
  inclusiveRangeError,
  isDns1123Subdomain,
  nameIsDnsSubdomain,
  validateServiceAccountName,
} from '../../machinery/names.ts';
import type { ObjectMeta } from '../../machinery/object.ts';
import { validateAnnotations } from '../../machinery/object-meta.ts';
import { Quantity } from '../../machinery/quantity.ts';
import type { Pod, PodSpec, PodTemplateSpec, Wire } from '../types.ts';
import {
  type ContainerContext,
  validateContainers,
  validateEphemeralContainers,
  validateInitContainers,
} from './container-validation.ts';
import { checkAll, checkDns1123Label, checkIP, checkOneOf, negative } from './field-rules.ts';
import {
  validateAffinity,
  validateGates,
  validateTolerations,
  validateTopologySpread,
} from './scheduling-validation.ts';
import { validatePodSecurityContext } from './security-validation.ts';
import { validateVolumes } from './volume-validation.ts';

type SeccompProfile = Wire<k8s.V1SeccompProfile>;

export const maxInt32 = 0x7fffffff;

export function validatePod(pod: Pod): FieldError[] {
  const errors: FieldError[] = [];
  const path = FieldPath.of('spec');
  const spec = pod.spec!;
  validatePodAnnotations(pod.metadata, spec, FieldPath.of('metadata', 'annotations'), errors);
  validatePodSpec(spec, pod.metadata, path, errors);
  validateSeccompAnnotations(pod.metadata, spec, path, errors);
  if ((spec.serviceAccountName ?? '') === '') {
    for (const [i, { projected }] of (spec.volumes ?? []).entries()) {
      for (const [j, { serviceAccountToken }] of (projected?.sources ?? []).entries()) {
        if (serviceAccountToken === undefined) continue;
        const at = path.child('volumes').index(i).child('projected').child('sources').index(j);
        errors.push(
          forbidden(at.child('serviceAccountToken'), 'must not be specified when serviceAccountName is not set'),
        );
      }
    }
  }
  if ((spec.ephemeralContainers?.length ?? 0) > 0) {
    errors.push(forbidden(path.child('ephemeralContainers'), 'cannot be set on create'));
  }
  if ((spec.nodeName ?? '') !== '' && (spec.schedulingGates?.length ?? 0) > 0) {
    errors.push(forbidden(path.child('nodeName'), 'cannot be set until all schedulingGates have been cleared'));
  }
  return errors;
}

/** A template stands inside another object: its labels and annotations have nobody else to check them. */
export function validatePodTemplate(template: PodTemplateSpec, path: FieldPath, errors: FieldError[]): void {
  const metadata = (template.metadata ?? {}) as ObjectMeta;
  // These two paths lack `metadata` in Kubernetes too.
  errors.push(...validateLabels(metadata.labels, path.child('labels')));
  errors.push(...validateAnnotations(metadata.annotations ?? {}, path.child('annotations')));
  validatePodAnnotations(metadata, template.spec!, path.child('annotations'), errors);
  validatePodSpec(template.spec!, { name: metadata.name ?? '' }, path.child('spec'), errors);
  validateSeccompAnnotations(metadata, template.spec!, path.child('spec'), errors);
  if ((template.spec?.ephemeralContainers?.length ?? 0) > 0) {
    errors.push(
      forbidden(path.child('spec').child('ephemeralContainers'), 'ephemeral containers not allowed in pod template'),
    );
  }
}

export const mirrorAnnotation = 'kubernetes.io/config.mirror';
const deletionCostAnnotation = 'controller.kubernetes.io/pod-deletion-cost';
const appArmorPrefix = 'container.apparmor.security.beta.kubernetes.io/';

export function validatePodAnnotations(
  { annotations }: ObjectMeta,
  spec: PodSpec,
  path: FieldPath,
  errors: FieldError[],
): void {
  if (annotations === undefined) return;
  const mirror = annotations[mirrorAnnotation];
  if (mirror !== undefined && (spec.nodeName ?? '') === '') {
    errors.push(invalid(path.key(mirrorAnnotation), mirror, 'must set spec.nodeName if mirror pod annotation is set'));
  }
  const cost = annotations[deletionCostAnnotation];
  if (cost !== undefined && !isInt32(cost)) {
    errors.push(invalid(path.key(deletionCostAnnotation), cost, 'must be a 32bit integer'));
  }
  for (const [key, profile] of Object.entries(annotations)) {
    if (!key.startsWith(appArmorPrefix)) continue;
    const name = key.slice(appArmorPrefix.length);
    const containers = [
      ...(spec.initContainers ?? []),
      ...(spec.containers ?? []),
      ...(spec.ephemeralContainers ?? []),
    ];
    if (!containers.some((container) => container.name === name)) {
      errors.push(invalid(path.key(key), name, 'container not found'));
    }
    if (
      profile !== '' &&
      profile !== 'runtime/default' &&
      profile !== 'unconfined' &&
      !profile.startsWith('localhost/')
    ) {
      errors.push(invalid(path.key(key), profile, `invalid AppArmor profile name: ${JSON.stringify(profile)}`));
    }
  }
}

/** As Go's `strconv.ParseInt` reads it, without leading zeros and plus signs. */
function isInt32(text: string): boolean {
  return /^(?:0|-?[1-9]\d*)$/.test(text) && Number(text) <= maxInt32 && Number(text) >= -maxInt32 - 1;
}

const restartPolicies = ['Always', 'OnFailure', 'Never'];
const dnsPolicies = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];

export function validatePodSpec(spec: PodSpec, metadata: ObjectMeta, path: FieldPath, errors: FieldError[]): void {
  const volumes = validateVolumes(spec.volumes, metadata, path.child('volumes'), errors);
  const claimNames = new Set((spec.resourceClaims ?? []).map(({ name }) => name));
  const context: ContainerContext = { spec, volumes, claimNames };
  validateContainers(context, path.child('containers'), errors);
  validateInitContainers(context, path.child('initContainers'), errors);
  validateEphemeralContainers(context, path.child('ephemeralContainers'), errors);
  validateResourceClaims(spec, path.child('resourceClaims'), errors);
  checkOneOf(spec.restartPolicy, restartPolicies, path.child('restartPolicy'), errors);
  checkOneOf(spec.dnsPolicy, dnsPolicies, path.child('dnsPolicy'), errors);
  errors.push(...validateLabels(spec.nodeSelector, path.child('nodeSelector')));
  validateHostNetwork(spec, path.child('containers'), errors);
  validatePodSecurityContext(spec.securityContext, spec, path.child('securityContext'), errors);
  validateAffinity(spec.affinity, path.child('affinity'), errors);
  validateDnsConfig(spec, path.child('dnsConfig'), errors);
  validateGates(spec, path, errors);
  validateTopologySpread(spec.topologySpreadConstraints, path.child('topologySpreadConstraints'), errors);
  validateHostProcess(spec, path, errors);
  validateHostUsers(spec, path, errors);
  validateNames(spec, path, errors);
  if (spec.overhead !== undefined) {
    for (const [name, text] of Object.entries(spec.overhead)) {
      if (Quantity.parse(text).sign < 0) errors.push(invalid(path.child('overhead').key(name), text, negative));
    }
  }
  if (spec.os !== undefined) validateOs(spec, path, errors);
}

const seccompPod = 'seccomp.security.alpha.kubernetes.io/pod';
const seccompContainer = 'container.seccomp.security.alpha.kubernetes.io/';

/** Where the old annotations and the new fields both say something, they must agree. */
function validateSeccompAnnotations(
  { annotations }: ObjectMeta,
  spec: PodSpec,
  path: FieldPath,
  errors: FieldError[],
): void {
  if (annotations === undefined) return;
  const compare = (annotation: string | undefined, profile: SeccompProfile | undefined, at: FieldPath): void => {
    if (annotation === undefined || profile === undefined) return;
    const [type, file] = seccompOf(annotation);
    if (type !== profile.type) {
      errors.push(forbidden(at.child('type'), 'seccomp type in annotation and field must match'));
    } else if (type === 'Localhost' && file !== profile.localhostProfile) {
      errors.push(forbidden(at.child('localhostProfile'), 'seccomp profile in annotation and field must match'));
    }
  };
  const profilePath = (parent: FieldPath): FieldPath => parent.child('securityContext').child('seccompProfile');
  compare(annotations[seccompPod], spec.securityContext?.seccompProfile, profilePath(path));
  for (const list of ['initContainers', 'containers'] as const) {
    for (const [i, { name, securityContext }] of (spec[list] ?? []).entries()) {
      const at = profilePath(path.child(list).index(i));
      compare(annotations[`${seccompContainer}${name}`], securityContext?.seccompProfile, at);
    }
  }
}

function seccompOf(annotation: string): [type: string, file: string | undefined] {
  if (annotation === 'unconfined') return ['Unconfined', undefined];
  if (annotation === 'runtime/default' || annotation === 'docker/default') return ['RuntimeDefault', undefined];
  return annotation.startsWith('localhost/') ? ['Localhost', annotation.slice('localhost/'.length)] : ['', undefined];
}

function validateResourceClaims({ resourceClaims }: PodSpec, path: FieldPath, errors: FieldError[]): void {
  const names = new Set<string>();
  for (const [i, claim] of (resourceClaims ?? []).entries()) {
    const at = path.index(i);
    if (claim.name === '') errors.push(required(at.child('name')));
    else if (names.has(claim.name)) errors.push(duplicate(at.child('name'), claim.name));
    else {
      checkDns1123Label(claim.name, at.child('name'), errors);
      names.add(claim.name);
    }
    const named = claim.resourceClaimName !== undefined;
    const templated = claim.resourceClaimTemplateName !== undefined;
    if (named && templated) {
      const why = 'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified';
      errors.push(invalid(at, claim, why));
    } else if (!named && !templated) {
      errors.push(invalid(at, claim, 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`'));
    }
  }
}

function validateHostNetwork({ hostNetwork, containers }: PodSpec, path: FieldPath, errors: FieldError[]): void {
  if (hostNetwork !== true) return;
  for (const [i, { ports }] of (containers ?? []).entries()) {
    for (const [j, { containerPort, hostPort }] of (ports ?? []).entries()) {
      // Templates leave hostPort out; pods have it defaulted.
      if (hostPort !== undefined && hostPort !== containerPort) {
        const at = path.index(i).child('ports').index(j).child('containerPort');
        errors.push(invalid(at, containerPort, 'must match `hostPort` when `hostNetwork` is true'));
      }
    }
  }
}

/** Windows containers that run as processes of their host: all of a pod's, or none. */
function validateHostProcess(spec: PodSpec, path: FieldPath, errors: FieldError[]): void {
  const ofPod = spec.securityContext?.windowsOptions?.hostProcess;
  let containers = 0;
  let processes = 0;
  for (const list of ['initContainers', 'containers', 'ephemeralContainers'] as const) {
    for (const [i, { securityContext }] of (spec[list] ?? []).entries()) {
      containers++;
      const own = securityContext?.windowsOptions?.hostProcess;
      if (ofPod !== undefined && own !== undefined && ofPod !== own) {
        const at = path.child(list).index(i).child('securityContext').child('windowsOptions').child('hostProcess');
        errors.push(invalid(at, own, `pod hostProcess value must be identical if both are specified, was ${ofPod}`));
      }
      if (own ?? ofPod ?? false) processes++;
    }
  }
  if (processes === 0) return;
  if (processes !== containers) {
    const why = 'If pod contains any hostProcess containers then all containers must be HostProcess containers';
    errors.push(invalid(path, '', why));
  }
  if (spec.hostNetwork !== true) {
    const why = 'hostNetwork must be true if pod contains any hostProcess containers';
    errors.push(invalid(path.child('hostNetwork'), false, why));
  }
}

function validateHostUsers(spec: PodSpec, path: FieldPath, errors: FieldError[]): void {
  if (spec.hostUsers !== false) return;
  for (const [i, { volumeDevices }] of (spec.containers ?? []).entries()) {
    if ((volumeDevices?.length ?? 0) > 0) {
      const at = path.child('containers').index(i).child('volumeDevices');
      errors.push(forbidden(at, 'when `hostUsers` is false'));
    }
  }
  const refuse = (field: string): void => {
    errors.push(forbidden(path.child(field), 'when `hostUsers` is false'));
  };
  if (spec.hostNetwork === true) refuse('hostNetwork');
  if (spec.hostPID === true) refuse('hostPID');
  if (spec.hostIPC === true) refuse('hostIPC');
}

function validateNames(spec: PodSpec, path: FieldPath, errors: FieldError[]): void {
  const { serviceAccountName, nodeName, activeDeadlineSeconds, hostname, subdomain } = spec;
  if (serviceAccountName !== undefined) {
    checkAll(
      validateServiceAccountName(serviceAccountName),
      path.child('serviceAccountName'),
      serviceAccountName,
      errors,
    );
  }
  if (nodeName !== undefined) checkAll(nameIsDnsSubdomain(nodeName), path.child('nodeName'), nodeName, errors);
  if (activeDeadlineSeconds !== undefined && (activeDeadlineSeconds < 1 || activeDeadlineSeconds > maxInt32)) {
    errors.push(invalid(path.child('activeDeadlineSeconds'), activeDeadlineSeconds, inclusiveRangeError(1, maxInt32)));
  }
  if (hostname !== undefined) checkDns1123Label(hostname, path.child('hostname'), errors);
  if (subdomain !== undefined) checkDns1123Label(subdomain, path.child('subdomain'), errors);
  validateTolerations(spec.tolerations, path.child('tolerations'), errors);
  for (const { ip, hostnames } of spec.hostAliases ?? []) {
    const at = path.child('hostAliases');
    checkIP(ip, at.child('ip'), errors);
    for (const name of hostnames ?? []) checkAll(isDns1123Subdomain(name), at.child('hostnames'), name, errors);
  }
  const { priorityClassName, runtimeClassName, preemptionPolicy } = spec;
  if (priorityClassName !== undefined) {
    checkAll(nameIsDnsSubdomain(priorityClassName), path.child('priorityClassName'), priorityClassName, errors);
  }
  if (runtimeClassName !== undefined) {
    checkAll(nameIsDnsSubdomain(runtimeClassName), path.child('runtimeClassName'), runtimeClassName, errors);
  }
  if (preemptionPolicy !== undefined) {
    checkOneOf(preemptionPolicy, ['Never', 'PreemptLowerPriority'], path.child('preemptionPolicy'), errors);
  }
}

const maxNameservers = 3;
const maxSearchPaths = 32;
const maxSearchCharacters = 2048;

function validateDnsConfig({ dnsPolicy, dnsConfig }: PodSpec, path: FieldPath, errors: FieldError[]): void {
  if (dnsPolicy === 'None') {
    if (dnsConfig === undefined) {
      errors.push(required(path, 'must provide `dnsConfig` when `dnsPolicy` is None'));
      return;
    }
    if ((dnsConfig.nameservers?.length ?? 0) === 0) {
      errors.push(
        required(path.child('nameservers'), 'must provide at least one DNS nameserver when `dnsPolicy` is None'),
      );
      return;
    }
  }
  if (dnsConfig === undefined) return;
  const { nameservers = [], searches = [], options = [] } = dnsConfig;
  if (nameservers.length > maxNameservers) {
    errors.push(
      invalid(path.child('nameservers'), nameservers, `must not have more than ${maxNameservers} nameservers`),
    );
  }
  for (const [i, address] of nameservers.entries()) checkIP(address, path.child('nameservers').index(i), errors);
  if (searches.length > maxSearchPaths) {
    errors.push(invalid(path.child('searches'), searches, `must not have more than ${maxSearchPaths} search paths`));
  }
  if (searches.join(' ').length > maxSearchCharacters) {
    const why = `must not have more than ${maxSearchCharacters} characters (including spaces) in the search list`;
    errors.push(invalid(path.child('searches'), searches, why));
  }
  for (const [i, search] of searches.entries()) {
    if (search === '.') continue;
    const name = search.endsWith('.') ? search.slice(0, -1) : search;
    checkAll(isDns1123Subdomain(name), path.child('searches').index(i), name, errors);
  }
  for (const [i, { name }] of options.entries()) {
    if ((name ?? '') === '') errors.push(required(path.child('options').index(i), 'must not be empty'));
  }
}

function validateOs({ os, securityContext }: PodSpec, path: FieldPath, errors: FieldError[]): void {
  const at = path.child('os').child('name');
  const name = os!.name;
  if (name === '') errors.push(required(at, 'cannot be empty'));
  else if (name !== 'linux' && name !== 'windows')
    errors.push(notSupported(path.child('os'), name, ['linux', 'windows']));
  if (name === 'linux' && securityContext?.windowsOptions !== undefined) {
    const why = 'windows options cannot be set for a linux pod';
    errors.push(forbidden(path.child('securityContext').child('windowsOptions'), why));
  }
}
