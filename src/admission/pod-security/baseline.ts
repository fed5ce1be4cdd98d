/**
 * The baseline standard: nothing that is known to lead out of the pod.
 * Source: Kubernetes "Pod Security Standards"; `k8s.io/pod-security-admission/policy`.
 */
import type * as k8s from '@kubernetes/client-node';
import type { Container, LifecycleHandler, Probe, Wire } from '../../apis/types.ts';
import { goQuote } from '../../machinery/field.ts';
import {
  always,
  type Check,
  containersOf,
  hasUserNamespace,
  named,
  type PodShape,
  plural,
  quoted,
  settersText,
  sortedSet,
  type Violation,
} from './check.ts';

const appArmorPrefix = 'container.apparmor.security.beta.kubernetes.io/';

function appArmorProfile({ annotations, spec }: PodShape): Violation | undefined {
  const isBad = (type: string | undefined): boolean =>
    type !== undefined && type !== '' && type !== 'RuntimeDefault' && type !== 'Localhost';
  const ofPod = spec.securityContext?.appArmorProfile?.type;
  const ofContainer = ({ securityContext }: Container): string | undefined => securityContext?.appArmorProfile?.type;
  const bad = containersOf(spec).filter((container) => isBad(ofContainer(container)));
  const values = sortedSet([...(isBad(ofPod) ? [ofPod!] : []), ...bad.map((container) => ofContainer(container)!)]);
  const setters = [settersText(isBad(ofPod), bad)].filter((text) => text !== '');
  const annotated = Object.entries(annotations)
    .filter(([key, value]) => key.startsWith(appArmorPrefix) && !/^(|runtime\/default|localhost\/.*)$/.test(value))
    .map(([key, value]) => `${key}=${goQuote(value)}`)
    .sort();
  if (annotated.length > 0) {
    setters.push(plural('annotation', 'annotations', annotated.length));
    values.push(...annotated);
  }
  if (setters.length === 0) return undefined;
  return {
    reason: plural('forbidden AppArmor profile', 'forbidden AppArmor profiles', values.length),
    detail: `${setters.join(' and ')} must not set AppArmor profile type to ${quoted(values)}`,
  };
}

const capabilitiesByDefault = new Set([
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
]);

function capabilities({ spec }: PodShape): Violation | undefined {
  const added = ({ securityContext }: Container): string[] =>
    (securityContext?.capabilities?.add ?? []).filter((capability) => !capabilitiesByDefault.has(capability));
  const bad = containersOf(spec).filter((container) => added(container).length > 0);
  if (bad.length === 0) return undefined;
  const detail = `${named(bad)} must not include ${quoted(sortedSet(bad.flatMap(added)))} in securityContext.capabilities.add`;
  return { reason: 'non-default capabilities', detail };
}

function hostNamespaces({ spec }: PodShape): Violation | undefined {
  const shared = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((field) => spec[field] === true);
  if (shared.length === 0) return undefined;
  return { reason: 'host namespaces', detail: shared.map((field) => `${field}=true`).join(', ') };
}

function hostPathVolumes({ spec }: PodShape): Violation | undefined {
  const bad = (spec.volumes ?? []).filter(({ hostPath }) => hostPath !== undefined).map(({ name }) => name);
  if (bad.length === 0) return undefined;
  return { reason: 'hostPath volumes', detail: `${plural('volume', 'volumes', bad.length)} ${quoted(bad)}` };
}

function hostPorts({ spec }: PodShape): Violation | undefined {
  const taken = ({ ports = [] }: Container): string[] =>
    ports.filter(({ hostPort }) => (hostPort ?? 0) !== 0).map(({ hostPort }) => String(hostPort));
  const bad = containersOf(spec).filter((container) => taken(container).length > 0);
  if (bad.length === 0) return undefined;
  const all = sortedSet(bad.flatMap(taken));
  const uses = plural('uses', 'use', bad.length);
  return {
    reason: 'hostPort',
    detail: `${named(bad)} ${uses} ${plural('hostPort', 'hostPorts', all.length)} ${all.join(', ')}`,
  };
}

function hostProbes({ spec }: PodShape): Violation | undefined {
  const hosts = ({ livenessProbe, readinessProbe, startupProbe, lifecycle }: Container): string[] =>
    [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop].flatMap(hostsOf);
  const bad = containersOf(spec).filter((container) => hosts(container).length > 0);
  if (bad.length === 0) return undefined;
  const names = sortedSet(bad.map(({ name }) => name));
  const all = sortedSet(bad.flatMap(hosts));
  const what = plural('probe or lifecycle host', 'probe or lifecycle hosts', all.length);
  const who = `${plural('container', 'containers', names.length)} ${quoted(names)}`;
  return {
    reason: 'probe or lifecycle host',
    detail: `${who} ${plural('uses', 'use', names.length)} ${what} ${quoted(all)}`,
  };
}

const hostsOf = (handler: Probe | LifecycleHandler | undefined): string[] =>
  [handler?.httpGet?.host, handler?.tcpSocket?.host].filter(
    (host): host is string => host !== undefined && host !== '',
  );

function privileged({ spec }: PodShape): Violation | undefined {
  const bad = containersOf(spec).filter(({ securityContext }) => securityContext?.privileged === true);
  if (bad.length === 0) return undefined;
  return { reason: 'privileged', detail: `${named(bad)} must not set securityContext.privileged=true` };
}

export function procMount({ spec }: PodShape): Violation | undefined {
  const of = ({ securityContext }: Container): string => securityContext?.procMount ?? 'Default';
  const bad = containersOf(spec).filter((container) => of(container) !== 'Default');
  if (bad.length === 0) return undefined;
  const values = quoted(sortedSet(bad.map(of)));
  return { reason: 'procMount', detail: `${named(bad)} must not set securityContext.procMount to ${values}` };
}

type SELinuxOptions = Wire<k8s.V1SELinuxOptions>;

const seLinuxTypes = ['', 'container_t', 'container_init_t', 'container_kvm_t'];

function seLinuxOptions({ spec }: PodShape, types: readonly string[]): Violation | undefined {
  const isBad = (options: SELinuxOptions | undefined): boolean =>
    options !== undefined &&
    (!types.includes(options.type ?? '') || (options.user ?? '') !== '' || (options.role ?? '') !== '');
  const ofPod = spec.securityContext?.seLinuxOptions;
  const ofContainer = ({ securityContext }: Container): SELinuxOptions | undefined => securityContext?.seLinuxOptions;
  const bad = containersOf(spec).filter((container) => isBad(ofContainer(container)));
  if (!isBad(ofPod) && bad.length === 0) return undefined;
  const all = [ofPod, ...bad.map(ofContainer)].filter((options) => isBad(options)) as SELinuxOptions[];
  const badTypes = sortedSet(all.map(({ type = '' }) => type).filter((type) => !types.includes(type)));
  const data = [
    ...(badTypes.length > 0 ? [`${plural('type', 'types', badTypes.length)} ${quoted(badTypes)}`] : []),
    ...(all.some(({ user = '' }) => user !== '') ? ['user may not be set'] : []),
    ...(all.some(({ role = '' }) => role !== '') ? ['role may not be set'] : []),
  ];
  const detail = `${settersText(isBad(ofPod), bad)} set forbidden securityContext.seLinuxOptions: ${data.join('; ')}`;
  return { reason: 'seLinuxOptions', detail };
}

const seccompAnnotation = 'seccomp.security.alpha.kubernetes.io/pod';
const seccompContainerPrefix = 'container.seccomp.security.alpha.kubernetes.io/';

function seccompAnnotations({ annotations, spec }: PodShape): Violation | undefined {
  const keys = [seccompAnnotation, ...containersOf(spec).map(({ name }) => `${seccompContainerPrefix}${name}`)];
  const bad = sortedSet(keys)
    .filter((key) => !/^(runtime\/default|docker\/default|localhost\/.*)$/.test(annotations[key] ?? 'runtime/default'))
    .map((key) => `${key}=${goQuote(annotations[key]!)}`);
  if (bad.length === 0) return undefined;
  const what = plural('annotation', 'annotations', bad.length);
  return { reason: 'seccompProfile', detail: `forbidden ${what} ${bad.join(', ')}` };
}

const isGoodSeccomp = (type: string): boolean => type === 'RuntimeDefault' || type === 'Localhost';

export function seccompProfile({ spec }: PodShape): Violation | undefined {
  const ofPod = spec.securityContext?.seccompProfile?.type;
  const ofContainer = ({ securityContext }: Container): string | undefined => securityContext?.seccompProfile?.type;
  const isBad = (type: string | undefined): boolean => type !== undefined && !isGoodSeccomp(type);
  const bad = containersOf(spec).filter((container) => isBad(ofContainer(container)));
  if (!isBad(ofPod) && bad.length === 0) return undefined;
  const values = sortedSet([...(isBad(ofPod) ? [ofPod!] : []), ...bad.map((container) => ofContainer(container)!)]);
  const setters = settersText(isBad(ofPod), bad);
  const detail = `${setters} must not set securityContext.seccompProfile.type to ${quoted(values)}`;
  return { reason: 'seccompProfile', detail };
}

const sysctlsSince: readonly (readonly [number, readonly string[]])[] = [
  [
    0,
    [
      'kernel.shm_rmid_forced',
      'net.ipv4.ip_local_port_range',
      'net.ipv4.tcp_syncookies',
      'net.ipv4.ping_group_range',
      'net.ipv4.ip_unprivileged_port_start',
    ],
  ],
  [27, ['net.ipv4.ip_local_reserved_ports']],
  [
    29,
    [
      'net.ipv4.tcp_keepalive_time',
      'net.ipv4.tcp_fin_timeout',
      'net.ipv4.tcp_keepalive_intvl',
      'net.ipv4.tcp_keepalive_probes',
    ],
  ],
  [32, ['net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem']],
];

function sysctls({ spec }: PodShape, allowed: ReadonlySet<string>): Violation | undefined {
  const bad = (spec.securityContext?.sysctls ?? []).filter(({ name }) => !allowed.has(name)).map(({ name }) => name);
  return bad.length === 0 ? undefined : { reason: 'forbidden sysctls', detail: bad.join(', ') };
}

const sysctlVersions: Check['versions'] = sysctlsSince
  .map(([since]) => {
    const allowed = new Set(sysctlsSince.filter(([from]) => from <= since).flatMap(([, names]) => names));
    return { since, check: (pod: PodShape) => sysctls(pod, allowed) };
  })
  .reverse();

function hostProcess({ spec }: PodShape): Violation | undefined {
  const ofPod = spec.securityContext?.windowsOptions?.hostProcess === true;
  const bad = containersOf(spec).filter(({ securityContext }) => securityContext?.windowsOptions?.hostProcess === true);
  if (!ofPod && bad.length === 0) return undefined;
  const detail = `${settersText(ofPod, bad)} must not set securityContext.windowsOptions.hostProcess=true`;
  return { reason: 'hostProcess', detail };
}

/** In the order in which violations are listed. */
export const baselineChecks: readonly Check[] = [
  { control: 'appArmorProfile', versions: always(appArmorProfile) },
  { control: 'capabilities', versions: always(capabilities) },
  { control: 'hostNamespaces', versions: always(hostNamespaces) },
  { control: 'volumes', versions: always(hostPathVolumes) },
  { control: 'hostPorts', versions: always(hostPorts) },
  { control: 'hostProbesAndHostLifecycle', versions: [{ since: 34, check: hostProbes }] },
  { control: 'privileged', versions: always(privileged) },
  {
    control: 'procMount',
    versions: [
      { since: 35, check: (pod) => (hasUserNamespace(pod.spec) ? undefined : procMount(pod)) },
      { since: 0, check: procMount },
    ],
  },
  {
    control: 'seLinuxOptions',
    versions: [
      { since: 31, check: (pod) => seLinuxOptions(pod, [...seLinuxTypes, 'container_engine_t']) },
      { since: 0, check: (pod) => seLinuxOptions(pod, seLinuxTypes) },
    ],
  },
  {
    control: 'seccompProfile',
    versions: [
      { since: 19, check: seccompProfile },
      { since: 0, check: seccompAnnotations },
    ],
  },
  { control: 'sysctls', versions: sysctlVersions },
  { control: 'windowsHostProcess', versions: always(hostProcess) },
];
