/** Security contexts of containers and pods. Source: Kubernetes `pkg/apis/core/validation/validation.go`. */
import type * as k8s from '@kubernetes/client-node';
import {
  duplicate,
  type FieldError,
  type FieldPath,
  invalid,
  notSupported,
  required,
  tooLong,
} from '../../machinery/field.ts';
import { isInRange } from '../../machinery/names.ts';
import type { PodSecurityContext, PodSpec, SecurityContext, Wire } from '../types.ts';
import { checkAll, checkDescendingPath } from './field-rules.ts';

type SeccompProfile = Wire<k8s.V1SeccompProfile>;
type AppArmorProfile = Wire<k8s.V1AppArmorProfile>;
type WindowsOptions = Wire<k8s.V1WindowsSecurityContextOptions>;

/** User and group ids are 31 bits wide. */
const isId = (id: number): string[] => isInRange(id, 0, 0x7fffffff);

export function validateSecurityContext(
  context: SecurityContext | undefined,
  hostUsers: boolean,
  path: FieldPath,
  errors: FieldError[],
): void {
  if (context === undefined) return;
  const { runAsUser, runAsGroup, procMount, allowPrivilegeEscalation, privileged, capabilities } = context;
  if (runAsUser !== undefined) checkAll(isId(runAsUser), path.child('runAsUser'), runAsUser, errors);
  if (runAsGroup !== undefined) checkAll(isId(runAsGroup), path.child('runAsGroup'), runAsGroup, errors);
  if (procMount !== undefined) {
    if (procMount !== 'Default' && procMount !== 'Unmasked') {
      errors.push(notSupported(path.child('procMount'), procMount, ['Default', 'Unmasked']));
    } else if (procMount === 'Unmasked' && hostUsers) {
      errors.push(invalid(path.child('procMount'), procMount, '`hostUsers` must be false to use `Unmasked`'));
    }
  }
  validateSeccompProfile(context.seccompProfile, path.child('seccompProfile'), errors);
  if (allowPrivilegeEscalation === false) {
    if (privileged === true) {
      const why = 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true';
      errors.push(invalid(path, context, why));
    }
    if (capabilities?.add?.includes('CAP_SYS_ADMIN') === true) {
      const why = 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN';
      errors.push(invalid(path, context, why));
    }
  }
  validateWindowsOptions(context.windowsOptions, path.child('windowsOptions'), errors);
  validateAppArmorProfile(context.appArmorProfile, path.child('appArmorProfile'), errors);
}

export function validatePodSecurityContext(
  context: PodSecurityContext | undefined,
  spec: PodSpec,
  path: FieldPath,
  errors: FieldError[],
): void {
  if (context === undefined) return;
  const { fsGroup, runAsUser, runAsGroup, supplementalGroups, fsGroupChangePolicy } = context;
  if (fsGroup !== undefined) checkAll(isId(fsGroup), path.child('fsGroup'), fsGroup, errors);
  if (runAsUser !== undefined) checkAll(isId(runAsUser), path.child('runAsUser'), runAsUser, errors);
  if (runAsGroup !== undefined) checkAll(isId(runAsGroup), path.child('runAsGroup'), runAsGroup, errors);
  for (const [i, group] of (supplementalGroups ?? []).entries()) {
    checkAll(isId(group), path.child('supplementalGroups').index(i), group, errors);
  }
  if (spec.shareProcessNamespace === true && spec.hostPID === true) {
    const why = 'ShareProcessNamespace and HostPID cannot both be enabled';
    errors.push(invalid(path.child('shareProcessNamespace'), true, why));
  }
  validateSysctls(context.sysctls, spec, path.child('sysctls'), errors);
  if (
    fsGroupChangePolicy !== undefined &&
    fsGroupChangePolicy !== 'Always' &&
    fsGroupChangePolicy !== 'OnRootMismatch'
  ) {
    errors.push(notSupported(path.child('fsGroupChangePolicy'), fsGroupChangePolicy, ['Always', 'OnRootMismatch']));
  }
  validateSeccompProfile(context.seccompProfile, path.child('seccompProfile'), errors);
  validateWindowsOptions(context.windowsOptions, path.child('windowsOptions'), errors);
  validateAppArmorProfile(context.appArmorProfile, path.child('appArmorProfile'), errors);
}

const sysctlFormat = '([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const sysctlPattern = new RegExp(`^${sysctlFormat}$`);
const sysctlMaxLength = 253;

function validateSysctls(
  sysctls: PodSecurityContext['sysctls'],
  spec: PodSpec,
  path: FieldPath,
  errors: FieldError[],
): void {
  const seen = new Set<string>();
  for (const [i, { name }] of (sysctls ?? []).entries()) {
    const at = path.index(i).child('name');
    if (name === '') errors.push(required(at));
    else if (name.length > sysctlMaxLength || !sysctlPattern.test(name)) {
      errors.push(
        invalid(at, name, `must have at most ${sysctlMaxLength} characters and match regex ^${sysctlFormat}$`),
      );
    } else if (seen.has(name)) errors.push(duplicate(at, name));
    if (spec.hostNetwork === true && name.startsWith('net.')) {
      errors.push(invalid(at, name, "may not be specified when 'hostNetwork' is true"));
    }
    seen.add(name);
  }
}

const profileTypes = ['Localhost', 'RuntimeDefault', 'Unconfined'];

function validateSeccompProfile(profile: SeccompProfile | undefined, path: FieldPath, errors: FieldError[]): void {
  if (profile === undefined) return;
  if (profile.type === '') errors.push(required(path.child('type'), 'type is required when seccompProfile is set'));
  else if (!profileTypes.includes(profile.type))
    errors.push(notSupported(path.child('type'), profile.type, profileTypes));
  if (profile.type === 'Localhost') {
    if (profile.localhostProfile === undefined) {
      errors.push(required(path.child('localhostProfile'), 'must be set when seccomp type is Localhost'));
    } else checkDescendingPath(profile.localhostProfile, path.child('localhostProfile'), errors);
  } else if (profile.localhostProfile !== undefined) {
    const why = 'can only be set when seccomp type is Localhost';
    errors.push(invalid(path.child('localhostProfile'), profile.localhostProfile, why));
  }
}

function validateAppArmorProfile(profile: AppArmorProfile | undefined, path: FieldPath, errors: FieldError[]): void {
  if (profile === undefined) return;
  const { type, localhostProfile } = profile;
  const at = path.child('localhostProfile');
  switch (type) {
    case 'Localhost':
      if (localhostProfile === undefined) errors.push(required(at, 'must be set when AppArmor type is Localhost'));
      else {
        const trimmed = localhostProfile.trim();
        if (localhostProfile === '') errors.push(required(at, 'must be set when AppArmor type is Localhost'));
        else if (trimmed !== localhostProfile) {
          errors.push(invalid(at, localhostProfile, 'must not be padded with whitespace'));
        } else if (localhostProfile.length > 4095) {
          errors.push(tooLong(at, '', 4095));
        }
      }
      break;
    case 'RuntimeDefault':
    case 'Unconfined':
      if (localhostProfile !== undefined) {
        errors.push(invalid(at, localhostProfile, 'can only be set when AppArmor type is Localhost'));
      }
      break;
    case '':
      errors.push(required(path.child('type'), 'type is required when appArmorProfile is set'));
      break;
    default:
      errors.push(notSupported(path.child('type'), type, profileTypes));
  }
}

const credentialMaxBytes = 64 * 1024;

function validateWindowsOptions(options: WindowsOptions | undefined, path: FieldPath, errors: FieldError[]): void {
  if (options === undefined) return;
  const { gmsaCredentialSpec, runAsUserName } = options;
  if (gmsaCredentialSpec !== undefined) {
    const length = Buffer.byteLength(gmsaCredentialSpec);
    const at = path.child('gmsaCredentialSpec');
    if (length === 0) errors.push(invalid(at, gmsaCredentialSpec, 'gmsaCredentialSpec cannot be an empty string'));
    else if (length > credentialMaxBytes) {
      const why = `gmsaCredentialSpec size must be under ${credentialMaxBytes / 1024} KiB`;
      errors.push(invalid(at, gmsaCredentialSpec, why));
    }
  }
  if (runAsUserName !== undefined && runAsUserName === '') {
    errors.push(invalid(path.child('runAsUserName'), runAsUserName, 'runAsUserName cannot be an empty string'));
  }
}
