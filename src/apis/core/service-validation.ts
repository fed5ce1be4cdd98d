/** Source: Kubernetes `pkg/apis/core/validation/validation.go`, ValidateService and what it calls. */
import {
  duplicate,
  type FieldError,
  FieldPath,
  forbidden,
  invalid,
  notSupported,
  required,
} from '../../machinery/field.ts';
import { parseCidr, parseIp } from '../../machinery/ip.ts';
import { validateLabels } from '../../machinery/label-selector.ts';
import { isDns1123Subdomain, isPortNumber, isQualifiedName } from '../../machinery/names.ts';
import type { Service, ServicePort, ServiceSpec } from '../types.ts';
import type { UserInfo } from '../user-info.ts';
import { checkAll, checkDns1123Label, checkIP, checkOneOf, checkPortNumberOrName } from './field-rules.ts';
import { needsHealthCheckPort } from './service-allocation.ts';
import { validateClusterIPs } from './service-ip-validation.ts';

const path = FieldPath.of('spec');
const protocols = ['SCTP', 'TCP', 'UDP'];
const kubeletPort = 10250;

export function validateService(service: Service): FieldError[] {
  const errors: FieldError[] = [];
  const spec = service.spec;
  if (spec === undefined) return errors;
  const { type, ports = [] } = spec;
  validateTopologyAnnotations(service, errors);
  const headless = spec.clusterIPs?.length === 1 && spec.clusterIPs[0] === 'None';
  const portsPath = path.child('ports');
  if (ports.length === 0 && !headless && type !== 'ExternalName') errors.push(required(portsPath));
  validateType(spec, headless, errors);
  const names = new Set<string>();
  for (const [i, port] of ports.entries()) validatePort(port, ports.length > 1, names, portsPath.index(i), errors);
  errors.push(...validateLabels(spec.selector, path.child('selector')));
  validateSessionAffinity(spec, errors);
  errors.push(...validateClusterIPs(spec));
  for (const [i, address] of (spec.externalIPs ?? []).entries()) {
    const at = path.child('externalIPs').index(i);
    if (parseIp(address) !== undefined) checkNotSpecial(address, at, errors);
    else checkIP(address, at, errors);
  }
  checkOneOf(type, ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'], path.child('type'), errors);
  validateNodePorts(spec, portsPath, errors);
  validateSourceRanges(service, spec, errors);
  validateLoadBalancerClass(spec, errors);
  validateTrafficPolicies(spec, errors);
  return errors;
}

const topologyMode = 'service.kubernetes.io/topology-mode';
const topologyHints = 'service.kubernetes.io/topology-aware-hints';

/** The old name of an annotation must say what the new one says. */
function validateTopologyAnnotations({ metadata: { annotations = {} } }: Service, errors: FieldError[]): void {
  const mode = annotations[topologyMode];
  const hints = annotations[topologyHints];
  if (mode === undefined || hints === undefined || mode === hints) return;
  const why = `must match annotations[${topologyHints}] when both are specified`;
  errors.push(invalid(FieldPath.of('metadata', 'annotations').key(topologyMode), mode, why));
}

function validateType(
  { type, ports = [], clusterIPs = [], ...spec }: ServiceSpec,
  headless: boolean,
  errors: FieldError[],
): void {
  const firstIP = path.child('clusterIPs').index(0);
  switch (type) {
    case 'LoadBalancer':
      for (const [i, { port }] of ports.entries()) {
        if (port !== kubeletPort) continue;
        const why = `may not expose port ${kubeletPort} externally since it is used by kubelet`;
        errors.push(invalid(path.child('ports').index(i), port, why));
      }
      if (headless) errors.push(invalid(firstIP, 'None', "may not be set to 'None' for LoadBalancer services"));
      break;
    case 'NodePort':
      if (headless) errors.push(invalid(firstIP, 'None', "may not be set to 'None' for NodePort services"));
      break;
    case 'ExternalName': {
      const refuse = (field: string): void => {
        errors.push(forbidden(path.child(field), 'may not be set for ExternalName services'));
      };
      if (clusterIPs.length > 0) refuse('clusterIPs');
      if ((spec.ipFamilies?.length ?? 0) > 0) refuse('ipFamilies');
      if (spec.ipFamilyPolicy !== undefined) refuse('ipFamilyPolicy');
      const name = (spec.externalName ?? '').replace(/\.$/, '');
      if (name === '') errors.push(required(path.child('externalName')));
      else checkAll(isDns1123Subdomain(name), path.child('externalName'), name, errors);
    }
  }
}

function validatePort(
  { name = '', port, protocol, targetPort, appProtocol }: ServicePort,
  needsName: boolean,
  names: Set<string>,
  at: FieldPath,
  errors: FieldError[],
): void {
  if (name !== '') {
    checkDns1123Label(name, at.child('name'), errors);
    if (names.has(name)) errors.push(duplicate(at.child('name'), name));
    names.add(name);
  } else if (needsName) errors.push(required(at.child('name')));
  checkAll(isPortNumber(port), at.child('port'), port, errors);
  checkOneOf(protocol, protocols, at.child('protocol'), errors);
  checkPortNumberOrName(targetPort ?? 0, at.child('targetPort'), errors);
  if (appProtocol !== undefined) checkAll(isQualifiedName(appProtocol), at.child('appProtocol'), appProtocol, errors);
}

const maxAffinitySeconds = 86400;

function validateSessionAffinity({ sessionAffinity, sessionAffinityConfig }: ServiceSpec, errors: FieldError[]): void {
  checkOneOf(sessionAffinity, ['ClientIP', 'None'], path.child('sessionAffinity'), errors);
  const at = path.child('sessionAffinityConfig');
  if (sessionAffinity === 'None' && sessionAffinityConfig !== undefined) {
    errors.push(forbidden(at, 'must not be set when session affinity is None'));
  }
  if (sessionAffinity !== 'ClientIP') return;
  const seconds = sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (seconds !== undefined && (seconds <= 0 || seconds > maxAffinitySeconds)) {
    const why = `must be greater than 0 and less than ${maxAffinitySeconds}`;
    errors.push(invalid(at.child('clientIP').child('timeoutSeconds'), seconds, why));
  }
}

/**
 * Whether this user may lead a service to loopback addresses. That would open what listens on a node to everybody, so that
 * nobody may, but the controllers that name pods: those of the process runtime live there.
 */
export function mayNameLoopback({ name }: UserInfo): boolean {
  return name === 'system:kube-controller-manager' || /^system:serviceaccount:kube-system:endpoint/.test(name);
}

/** Addresses that lead to no other machine. */
export function checkNotSpecial(address: string, at: FieldPath, errors: FieldError[], loopback = false): void {
  const refuse = (why: string): void => {
    errors.push(invalid(at, address, why));
  };
  const lower = address.toLowerCase();
  if (address === '0.0.0.0' || lower === '::') refuse(`may not be unspecified (${lower})`);
  if (!loopback && (address.startsWith('127.') || lower === '::1')) {
    refuse('may not be in the loopback range (127.0.0.0/8, ::1/128)');
  }
  if (address.startsWith('169.254.') || /^fe[89ab][0-9a-f]:/.test(lower)) {
    refuse('may not be in the link-local range (169.254.0.0/16, fe80::/10)');
  }
  if (address.startsWith('224.0.0.') || lower.startsWith('ff02:')) {
    refuse('may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)');
  }
}

function validateNodePorts({ type, ports = [] }: ServiceSpec, portsPath: FieldPath, errors: FieldError[]): void {
  if (type === 'ClusterIP') {
    for (const [i, { nodePort }] of ports.entries()) {
      if (nodePort === undefined) continue;
      errors.push(forbidden(portsPath.index(i).child('nodePort'), "may not be used when `type` is 'ClusterIP'"));
    }
  }
  const nodePorts = new Set<string>();
  for (const [i, { nodePort, protocol }] of ports.entries()) {
    if (nodePort === undefined) continue;
    const key = `${nodePort}/${protocol}`;
    if (nodePorts.has(key)) errors.push(duplicate(portsPath.index(i).child('nodePort'), nodePort));
    nodePorts.add(key);
  }
  const seen = new Set<string>();
  for (const [i, { port, protocol }] of ports.entries()) {
    const key = `${port}/${protocol}`;
    if (seen.has(key)) errors.push(duplicate(portsPath.index(i), { protocol, port }));
    seen.add(key);
  }
}

const sourceRangesAnnotation = 'service.beta.kubernetes.io/load-balancer-source-ranges';
const sourceRangesHelp = 'must be a list of IP ranges. For example, 10.240.0.0/24,10.250.0.0/24 ';

function validateSourceRanges({ metadata }: Service, spec: ServiceSpec, errors: FieldError[]): void {
  const annotation = metadata.annotations?.[sourceRangesAnnotation];
  const ranges = spec.loadBalancerSourceRanges ?? [];
  if (annotation === undefined && ranges.length === 0) return;
  const fromField = ranges.length > 0;
  const at = fromField
    ? path.child('LoadBalancerSourceRanges')
    : FieldPath.of('metadata', 'annotations').key(sourceRangesAnnotation);
  const value = fromField ? ranges : annotation!;
  if (spec.type !== 'LoadBalancer') errors.push(forbidden(at, "may only be used when `type` is 'LoadBalancer'"));
  const list = fromField ? ranges : annotation!.trim() === '' ? [] : annotation!.trim().split(',');
  if (!list.every((range) => parseCidr(range.trim()) !== undefined)) {
    errors.push(invalid(at, fromField ? `[${ranges.join(' ')}]` : value, sourceRangesHelp));
  }
}

function validateLoadBalancerClass({ type, loadBalancerClass }: ServiceSpec, errors: FieldError[]): void {
  const at = path.child('loadBalancerClass');
  if (loadBalancerClass === undefined) return;
  if (type !== 'LoadBalancer') errors.push(forbidden(at, "may only be used when `type` is 'LoadBalancer'"));
  else checkAll(isQualifiedName(loadBalancerClass), at, loadBalancerClass, errors);
}

function validateTrafficPolicies(spec: ServiceSpec, errors: FieldError[]): void {
  const { type, externalTrafficPolicy, internalTrafficPolicy, healthCheckNodePort, allocateLoadBalancerNodePorts } =
    spec;
  const external =
    type === 'LoadBalancer' || type === 'NodePort' || (type === 'ClusterIP' && (spec.externalIPs?.length ?? 0) > 0);
  const at = path.child('externalTrafficPolicy');
  if (external) checkOneOf(externalTrafficPolicy, ['Cluster', 'Local'], at, errors);
  else if (externalTrafficPolicy !== undefined) {
    errors.push(invalid(at, externalTrafficPolicy, 'may only be set for externally-accessible services'));
  }
  const healthPath = path.child('healthCheckNodePort');
  if (needsHealthCheckPort(spec)) {
    if (healthCheckNodePort === undefined) errors.push(required(healthPath));
    else checkAll(isPortNumber(healthCheckNodePort), healthPath, healthCheckNodePort, errors);
  } else if (healthCheckNodePort !== undefined) {
    const why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
    errors.push(invalid(healthPath, healthCheckNodePort, why));
  }
  if (type === 'LoadBalancer') {
    if (allocateLoadBalancerNodePorts === undefined) errors.push(required(path.child('allocateLoadBalancerNodePorts')));
  } else if (allocateLoadBalancerNodePorts !== undefined) {
    const field = path.child('allocateLoadBalancerNodePorts');
    errors.push(forbidden(field, "may only be used when `type` is 'LoadBalancer'"));
  }
  const internalPath = path.child('internalTrafficPolicy');
  if (internalTrafficPolicy === undefined) {
    if (type !== 'ExternalName') errors.push(required(internalPath));
  } else if (internalTrafficPolicy !== 'Cluster' && internalTrafficPolicy !== 'Local') {
    errors.push(notSupported(internalPath, internalTrafficPolicy, ['Cluster', 'Local']));
  }
}

export function validateServiceUpdate(service: Service, old: Service): FieldError[] {
  const errors: FieldError[] = [];
  const spec = service.spec!;
  const was = old.spec!;
  const once = 'may not change once set';
  if (spec.type !== 'ExternalName' && was.type !== 'ExternalName') {
    const first = was.clusterIPs?.[0];
    if (first !== undefined && first !== spec.clusterIPs?.[0]) {
      errors.push(invalid(path.child('clusterIPs').index(0), spec.clusterIPs ?? [], once));
    }
    const family = was.ipFamilies?.[0];
    if (family !== undefined && spec.ipFamilies?.[0] !== undefined && family !== spec.ipFamilies[0]) {
      errors.push(invalid(path.child('ipFamilies').index(0), spec.ipFamilies, once));
    }
  }
  if (was.type === 'LoadBalancer' && spec.type === 'LoadBalancer' && was.loadBalancerClass !== spec.loadBalancerClass) {
    errors.push(invalid(path.child('loadBalancerClass'), spec.loadBalancerClass, once));
  }
  // Kubernetes looks at the class twice.
  validateLoadBalancerClass(spec, errors);
  return [...errors, ...validateService(service)];
}

export function validateServiceStatusUpdate({ status, spec }: Service): FieldError[] {
  const errors: FieldError[] = [];
  const at = FieldPath.of('status', 'loadBalancer');
  const ingress = status?.loadBalancer?.ingress ?? [];
  if (spec?.type !== 'LoadBalancer' && ingress.length > 0) {
    errors.push(forbidden(at.child('ingress'), 'may only be used when `spec.type` is "LoadBalancer"'));
  }
  for (const [i, { ip = '', hostname = '' }] of ingress.entries()) {
    const each = at.child('ingress').index(i);
    if (ip !== '') checkIP(ip, each.child('ip'), errors);
    if (hostname !== '') {
      checkAll(isDns1123Subdomain(hostname), each.child('hostname'), hostname, errors);
      if (parseIp(hostname) !== undefined)
        errors.push(invalid(each.child('hostname'), hostname, 'must be a DNS name, not an IP address'));
    }
  }
  return errors;
}
