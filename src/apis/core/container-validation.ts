/** Containers of all three kinds. Source: Kubernetes `pkg/apis/core/validation/validation.go`. */
import {
  duplicate,
  type FieldError,
  type FieldPath,
  forbidden,
  invalid,
  notFoundField,
  notSupported,
  required,
} from '../../machinery/field.ts';
import { isPortName, isPortNumber } from '../../machinery/names.ts';
import type { Container, ContainerPort, EphemeralContainer, PodSpec } from '../types.ts';
import { validateEnv, validateEnvFrom } from './env-validation.ts';
import { checkAll, checkDescendingPath, checkDns1123Label, checkOneOf } from './field-rules.ts';
import { validateProbesAndLifecycle } from './probe-validation.ts';
import { validateResources } from './resource-validation.ts';
import { validateSecurityContext } from './security-validation.ts';
import type { KnownVolumes } from './volume-validation.ts';

type AnyContainer = Container | EphemeralContainer;

/** What the containers of a pod refer to. */
export interface ContainerContext {
  readonly spec: PodSpec;
  readonly volumes: KnownVolumes;
  readonly claimNames: ReadonlySet<string>;
}

export function validateContainers(context: ContainerContext, path: FieldPath, errors: FieldError[]): void {
  const containers = context.spec.containers ?? [];
  if (containers.length === 0) {
    errors.push(required(path));
    return;
  }
  const names = new Set<string>();
  for (const [i, container] of containers.entries()) {
    const at = path.index(i);
    validateContainer(container, context, at, errors);
    if (names.has(container.name)) errors.push(duplicate(at.child('name'), container.name));
    names.add(container.name);
    validateProbesAndLifecycle(container, context.spec.terminationGracePeriodSeconds, at, errors);
    if (container.restartPolicy !== undefined) {
      errors.push(forbidden(at.child('restartPolicy'), 'may not be set for non-init containers'));
    }
  }
  checkHostPorts(containers, path, errors);
}

const onlySidecars = 'may not be set for init containers without restartPolicy=Always';

export function validateInitContainers(context: ContainerContext, path: FieldPath, errors: FieldError[]): void {
  const { initContainers = [], containers, terminationGracePeriodSeconds } = context.spec;
  const names = new Set((containers ?? []).map(({ name }) => name));
  for (const [i, container] of initContainers.entries()) {
    const at = path.index(i);
    validateContainer(container, context, at, errors);
    if (container.restartPolicy !== undefined && container.restartPolicy !== 'Always') {
      errors.push(notSupported(at.child('restartPolicy'), container.restartPolicy, ['Always']));
    }
    if (names.has(container.name)) errors.push(duplicate(at.child('name'), container.name));
    else if (container.name !== '') names.add(container.name);
    // Init containers run one after another: only their own ports collide.
    checkHostPorts([container], path, errors);
    if (container.restartPolicy === 'Always') {
      validateProbesAndLifecycle(container, terminationGracePeriodSeconds, at, errors);
    } else {
      for (const field of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
        if (container[field] !== undefined) errors.push(forbidden(at.child(field), onlySidecars));
      }
    }
    if (container.restartPolicy !== 'Always' && (container.resizePolicy?.length ?? 0) > 0) {
      errors.push(invalid(at.child('resizePolicy'), container.resizePolicy, 'must not be set for init containers'));
    }
  }
}

/** Fields that an ephemeral container may have. */
const ephemeralFields = new Set([
  'name',
  'image',
  'command',
  'args',
  'workingDir',
  'envFrom',
  'env',
  'volumeMounts',
  'volumeDevices',
  'terminationMessagePath',
  'terminationMessagePolicy',
  'imagePullPolicy',
  'securityContext',
  'stdin',
  'stdinOnce',
  'tty',
  'targetContainerName',
]);

export function validateEphemeralContainers(context: ContainerContext, path: FieldPath, errors: FieldError[]): void {
  const { ephemeralContainers = [], initContainers = [], containers } = context.spec;
  if (ephemeralContainers.length === 0) return;
  const targets = new Set([...(containers ?? []), ...initContainers].map(({ name }) => name));
  const names = new Set(targets);
  for (const [i, container] of ephemeralContainers.entries()) {
    const at = path.index(i);
    validateContainer(container, context, at, errors);
    if (names.has(container.name)) errors.push(duplicate(at.child('name'), container.name));
    else if (container.name !== '') names.add(container.name);
    const target = container.targetContainerName ?? '';
    if (target !== '' && !targets.has(target)) errors.push(notFoundField(at.child('targetContainerName'), target));
    for (const [field, value] of Object.entries(container)) {
      const empty = field === 'resources' && Object.keys(value as object).length === 0;
      if (!ephemeralFields.has(field) && !empty) {
        errors.push(forbidden(at.child(field), 'cannot be set for an Ephemeral Container'));
      }
    }
    for (const [j, { subPath, subPathExpr }] of (container.volumeMounts ?? []).entries()) {
      const mount = at.child('volumeMounts').index(j);
      const why = 'cannot be set for an Ephemeral Container';
      if (subPath !== undefined) errors.push(forbidden(mount.child('subPath'), why));
      if (subPathExpr !== undefined) errors.push(forbidden(mount.child('subPathExpr'), why));
    }
  }
}

const messagePolicies = ['FallbackToLogsOnError', 'File'];
const pullPolicies = ['Always', 'IfNotPresent', 'Never'];

function validateContainer(
  container: AnyContainer,
  context: ContainerContext,
  path: FieldPath,
  errors: FieldError[],
): void {
  const { name, image = '' } = container;
  if (name === '') errors.push(required(path.child('name')));
  else checkDns1123Label(name, path.child('name'), errors);
  if (image === '') errors.push(required(path.child('image')));
  else if (image.trim() !== image) {
    errors.push(invalid(path.child('image'), image, 'must not have leading or trailing whitespace'));
  }
  checkOneOf(container.terminationMessagePolicy, messagePolicies, path.child('terminationMessagePolicy'), errors);
  validatePorts(container.ports, path.child('ports'), errors);
  validateEnv(container.env, path.child('env'), errors);
  validateEnvFrom(container.envFrom, path.child('envFrom'), errors);
  validateMounts(container, context.volumes, path.child('volumeMounts'), errors);
  validateDevices(container, context.volumes, path.child('volumeDevices'), errors);
  checkOneOf(container.imagePullPolicy, pullPolicies, path.child('imagePullPolicy'), errors);
  validateResources(container.resources, context.claimNames, path.child('resources'), errors);
  validateResizePolicy(container, context.spec, path.child('resizePolicy'), errors);
  validateSecurityContext(
    container.securityContext,
    context.spec.hostUsers !== false,
    path.child('securityContext'),
    errors,
  );
}

const protocols = ['SCTP', 'TCP', 'UDP'];

function validatePorts(ports: readonly ContainerPort[] | undefined, path: FieldPath, errors: FieldError[]): void {
  if (ports === undefined) return;
  const names = new Set<string>();
  for (const [i, { name = '', containerPort, hostPort, protocol }] of ports.entries()) {
    const at = path.index(i);
    if (name !== '') {
      const problems = isPortName(name);
      if (problems.length > 0) checkAll(problems, at.child('name'), name, errors);
      else if (names.has(name)) errors.push(duplicate(at.child('name'), name));
      else names.add(name);
    }
    if (containerPort === 0) errors.push(required(at.child('containerPort')));
    else checkAll(isPortNumber(containerPort), at.child('containerPort'), containerPort, errors);
    if (hostPort !== undefined) checkAll(isPortNumber(hostPort), at.child('hostPort'), hostPort, errors);
    checkOneOf(protocol, protocols, at.child('protocol'), errors);
  }
}

function checkHostPorts(containers: readonly Container[], path: FieldPath, errors: FieldError[]): void {
  const seen = new Set<string>();
  for (const [i, { ports }] of containers.entries()) {
    for (const [j, { protocol, hostIP = '', hostPort }] of (ports ?? []).entries()) {
      if (hostPort === undefined) continue;
      const key = `${protocol}/${hostIP}/${hostPort}`;
      if (seen.has(key)) errors.push(duplicate(path.index(i).child('ports').index(j).child('hostPort'), key));
      seen.add(key);
    }
  }
}

const propagations = ['Bidirectional', 'HostToContainer', 'None'];

function validateMounts(container: AnyContainer, volumes: KnownVolumes, path: FieldPath, errors: FieldError[]): void {
  const { volumeMounts, volumeDevices = [] } = container;
  if (volumeMounts === undefined) return;
  const mountPaths = new Set<string>();
  for (const [i, mount] of volumeMounts.entries()) {
    const at = path.index(i);
    const { name, mountPath, subPath = '', subPathExpr = '', mountPropagation } = mount;
    if (name === '') errors.push(required(at.child('name')));
    if (!volumes.has(name)) errors.push(notFoundField(at.child('name'), name));
    if (mountPath === '') errors.push(required(at.child('mountPath')));
    if (mountPaths.has(mountPath)) errors.push(invalid(at.child('mountPath'), mountPath, 'must be unique'));
    mountPaths.add(mountPath);
    if (volumeDevices.some((device) => device.name === name)) {
      errors.push(invalid(at.child('name'), name, 'must not already exist in volumeDevices'));
    }
    if (volumeDevices.some(({ devicePath }) => devicePath === mountPath)) {
      errors.push(invalid(at.child('mountPath'), mountPath, 'must not already exist as a path in volumeDevices'));
    }
    // These three name the list, not the entry, as Kubernetes does.
    if (subPath !== '') checkDescendingPath(subPath, path.child('subPath'), errors);
    if (subPathExpr !== '') {
      if (subPath !== '') {
        errors.push(invalid(at.child('subPathExpr'), subPathExpr, 'subPathExpr and subPath are mutually exclusive'));
      }
      checkDescendingPath(subPathExpr, path.child('subPathExpr'), errors);
    }
    if (mountPropagation !== undefined) {
      const field = path.child('mountPropagation');
      if (!propagations.includes(mountPropagation)) errors.push(notSupported(field, mountPropagation, propagations));
      if (mountPropagation === 'Bidirectional' && container.securityContext?.privileged !== true) {
        errors.push(forbidden(field, 'Bidirectional mount propagation is available only to privileged containers'));
      }
    }
    validateRecursiveReadOnly(mount, at.child('recursiveReadOnly'), errors);
  }
}

function validateRecursiveReadOnly(
  { recursiveReadOnly, readOnly, mountPropagation }: NonNullable<Container['volumeMounts']>[number],
  path: FieldPath,
  errors: FieldError[],
): void {
  switch (recursiveReadOnly) {
    case undefined:
    case 'Disabled':
      return;
    case 'Enabled':
    case 'IfPossible':
      if (readOnly !== true) errors.push(forbidden(path, 'may only be specified when readOnly is true'));
      if (mountPropagation !== undefined && mountPropagation !== 'None') {
        errors.push(forbidden(path, 'may only be specified when mountPropagation is None or not specified'));
      }
      return;
    default:
      errors.push(notSupported(path, recursiveReadOnly, ['Disabled', 'Enabled', 'IfPossible']));
  }
}

function validateDevices(container: AnyContainer, volumes: KnownVolumes, path: FieldPath, errors: FieldError[]): void {
  const { volumeDevices, volumeMounts = [] } = container;
  if (volumeDevices === undefined) return;
  const paths = new Set<string>();
  const names = new Set<string>();
  for (const [i, { name, devicePath }] of volumeDevices.entries()) {
    const at = path.index(i);
    const volume = volumes.get(name);
    if (name === '') errors.push(required(at.child('name')));
    if (names.has(name)) errors.push(invalid(at.child('name'), name, 'must be unique'));
    if (volume !== undefined && volume.persistentVolumeClaim === undefined && volume.ephemeral === undefined) {
      const why = 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode';
      errors.push(invalid(at.child('name'), name, why));
    }
    if (volume === undefined) errors.push(notFoundField(at.child('name'), name));
    if (devicePath === '') errors.push(required(at.child('devicePath')));
    if (paths.has(devicePath)) errors.push(invalid(at.child('devicePath'), devicePath, 'must be unique'));
    if (devicePath.split('/').includes('..')) {
      errors.push(invalid(at.child('devicePath'), devicePath, "can not contain backsteps ('..')"));
    } else paths.add(devicePath);
    if (volumeMounts.some((mount) => mount.name === name)) {
      errors.push(invalid(at.child('name'), name, 'must not already exist in volumeMounts'));
    }
    if (volumeMounts.some(({ mountPath }) => mountPath === devicePath)) {
      errors.push(invalid(at.child('devicePath'), devicePath, 'must not already exist as a path in volumeMounts'));
    }
    names.add(name);
  }
}

function validateResizePolicy(
  { resizePolicy }: AnyContainer,
  spec: PodSpec,
  path: FieldPath,
  errors: FieldError[],
): void {
  const seen = new Set<string>();
  for (const [i, { resourceName, restartPolicy }] of (resizePolicy ?? []).entries()) {
    if (seen.has(resourceName)) errors.push(duplicate(path.index(i), resourceName));
    seen.add(resourceName);
    if (resourceName === '') errors.push(required(path));
    else if (resourceName !== 'cpu' && resourceName !== 'memory') {
      errors.push(notSupported(path, resourceName, ['cpu', 'memory']));
    }
    if (restartPolicy === '') errors.push(required(path));
    else if (restartPolicy !== 'NotRequired' && restartPolicy !== 'RestartContainer') {
      errors.push(notSupported(path, restartPolicy, ['NotRequired', 'RestartContainer']));
    }
    if (spec.restartPolicy === 'Never' && restartPolicy !== 'NotRequired') {
      errors.push(invalid(path, restartPolicy, "must be 'NotRequired' when `restartPolicy` is 'Never'"));
    }
  }
}
