import type * as k8s from '@kubernetes/client-node';
import { type FieldError, FieldPath, forbidden, invalid, notSupported, required } from '../../machinery/field.ts';
import { cidrContains, parseCidr } from '../../machinery/ip.ts';
import { isPortNumber } from '../../machinery/names.ts';
import { builtinType } from '../builtin.ts';
import { ageColumn, column, nameColumn, selectorText } from '../columns.ts';
import { checkAll, checkPortNumberOrName } from '../core/field-rules.ts';
import { checkLabelSelector } from '../core/scheduling-validation.ts';
import type { NetworkPolicy, Wire } from '../types.ts';

type Port = Wire<k8s.V1NetworkPolicyPort>;
type Peer = Wire<k8s.V1NetworkPolicyPeer>;
type IPBlock = Wire<k8s.V1IPBlock>;

export const networkPolicyType = builtinType<NetworkPolicy>({
  group: 'networking.k8s.io',
  kind: 'NetworkPolicy',
  plural: 'networkpolicies',
  shortNames: ['netpol'],
  columns: [
    nameColumn,
    column<NetworkPolicy>('Pod-Selector', 'string', ({ spec }) => selectorText(spec?.podSelector), {
      describedBy: ['io.k8s.api.networking.v1.NetworkPolicySpec', 'podSelector'],
    }),
    ageColumn,
  ],
  strategy: {
    generation: true,
    default({ spec }) {
      if (spec === undefined) return;
      for (const rule of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) {
        for (const port of rule.ports ?? []) port.protocol ??= 'TCP';
      }
      spec.policyTypes ??= spec.egress === undefined ? ['Ingress'] : ['Ingress', 'Egress'];
    },
    validate,
    validateUpdate: validate,
  },
});

/** Source: Kubernetes `pkg/apis/networking/validation/validation.go`, ValidateNetworkPolicySpec. */
function validate({ spec }: NetworkPolicy): FieldError[] {
  const errors: FieldError[] = [];
  if (spec === undefined) return errors;
  const path = FieldPath.of('spec');
  checkLabelSelector(spec.podSelector, path.child('podSelector'), errors);
  for (const [i, rule] of ((spec.ingress ?? []) as { ports?: Port[]; from?: Peer[] }[]).entries()) {
    validateRule(rule.ports, rule.from, 'from', path.child('ingress').index(i), errors);
  }
  for (const [i, { ports, to }] of (spec.egress ?? []).entries()) {
    validateRule(ports, to, 'to', path.child('egress').index(i), errors);
  }
  const types = spec.policyTypes ?? [];
  const at = path.child('policyTypes');
  if (types.length > 2) {
    errors.push(invalid(at, types, 'may not specify more than two policyTypes'));
    return errors;
  }
  for (const [i, type] of types.entries()) {
    if (type !== 'Ingress' && type !== 'Egress') errors.push(notSupported(at.index(i), type, ['Egress', 'Ingress']));
  }
  return errors;
}

function validateRule(
  ports: readonly Port[] | undefined,
  peers: readonly Peer[] | undefined,
  field: 'from' | 'to',
  path: FieldPath,
  errors: FieldError[],
): void {
  for (const [i, port] of (ports ?? []).entries()) validatePort(port, path.child('ports').index(i), errors);
  for (const [i, peer] of (peers ?? []).entries()) validatePeer(peer, path.child(field).index(i), errors);
}

function validatePort({ protocol, port, endPort }: Port, path: FieldPath, errors: FieldError[]): void {
  const protocols = ['TCP', 'UDP', 'SCTP'];
  if (protocol !== undefined && !protocols.includes(protocol))
    errors.push(notSupported(path.child('protocol'), protocol, protocols));
  if (port !== undefined) {
    checkPortNumberOrName(port, path.child('port'), errors);
    if (endPort === undefined) return;
    if (typeof port === 'string') {
      errors.push(invalid(path.child('endPort'), endPort, 'may not be specified when `port` is non-numeric'));
      return;
    }
    if (port > endPort) errors.push(invalid(path.child('endPort'), endPort, 'must be greater than or equal to `port`'));
    checkAll(isPortNumber(endPort), path.child('endPort'), endPort, errors);
  } else if (endPort !== undefined) {
    errors.push(invalid(path.child('endPort'), endPort, 'may not be specified when `port` is not specified'));
  }
}

function validatePeer({ podSelector, namespaceSelector, ipBlock }: Peer, path: FieldPath, errors: FieldError[]): void {
  if (podSelector === undefined && namespaceSelector === undefined && ipBlock === undefined) {
    errors.push(required(path, 'must specify a peer'));
    return;
  }
  checkLabelSelector(podSelector, path.child('podSelector'), errors);
  checkLabelSelector(namespaceSelector, path.child('namespaceSelector'), errors);
  if (ipBlock === undefined) return;
  validateBlock(ipBlock, path.child('ipBlock'), errors);
  if (podSelector !== undefined || namespaceSelector !== undefined) {
    errors.push(forbidden(path, 'may not specify both ipBlock and another peer'));
  }
}

function validateBlock({ cidr, except }: IPBlock, path: FieldPath, errors: FieldError[]): void {
  const help = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';
  if (cidr === '') {
    errors.push(required(path.child('cidr')));
    return;
  }
  if (parseCidr(cidr) === undefined) {
    errors.push(invalid(path.child('cidr'), cidr, help));
    return;
  }
  for (const [i, text] of (except ?? []).entries()) {
    const at = path.child('except').index(i);
    if (parseCidr(text) === undefined) errors.push(invalid(at, text, help));
    else if (!isInside(text, cidr)) errors.push(invalid(at, text, 'must be a strict subset of `cidr`'));
  }
}

function isInside(inner: string, outer: string): boolean {
  const within = parseCidr(inner);
  const network = parseCidr(outer);
  if (within === undefined || network === undefined) return false;
  return within.prefix > network.prefix && cidrContains(network, within.address);
}
