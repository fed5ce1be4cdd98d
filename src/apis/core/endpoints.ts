import { type FieldError, FieldPath, invalid, required } from '../../machinery/field.ts';
import { parseIp } from '../../machinery/ip.ts';
import { isPortNumber, isQualifiedName, nameIsDnsSubdomain } from '../../machinery/names.ts';
import { builtinType } from '../builtin.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import type { Endpoints } from '../types.ts';
import { checkAll, checkDns1123Label, checkIP, checkOneOf } from './field-rules.ts';
import { checkNotSpecial, mayNameLoopback } from './service-validation.ts';

type Subset = NonNullable<Endpoints['subsets']>[number];

export const endpointsType = builtinType<Endpoints>({
  group: '',
  kind: 'Endpoints',
  plural: 'endpoints',
  shortNames: ['ep'],
  listKind: 'EndpointsList',
  singular: 'endpoints',
  columns: [
    nameColumn,
    column<Endpoints>('Endpoints', 'string', ({ subsets }) => endpointsText(subsets), {
      describedBy: ['io.k8s.api.core.v1.Endpoints', 'subsets'],
    }),
    ageColumn,
  ],
  strategy: {
    allowCreateOnUpdate: true,
    default({ subsets }) {
      for (const { ports } of subsets ?? []) for (const port of ports ?? []) port.protocol ??= 'TCP';
    },
    validate: (object, { user }) => validate(object, mayNameLoopback(user)),
    validateUpdate: (object, _old, { user }) => validate(object, mayNameLoopback(user)),
    warnings: () => ['v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice'],
  },
});

const shown = 3;

function endpointsText(subsets: readonly Subset[] | undefined): string {
  if (subsets === undefined || subsets.length === 0) return '<none>';
  const all: string[] = [];
  for (const { addresses = [], ports = [] } of subsets) {
    if (ports.length === 0) all.push(...addresses.map(({ ip }) => ip));
    for (const { port } of ports)
      all.push(...addresses.map(({ ip }) => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`)));
  }
  const text = all.slice(0, shown).join(',');
  if (text === '') return '<none>';
  return all.length > shown ? `${text} + ${all.length - shown} more...` : text;
}

/** Source: Kubernetes `pkg/apis/core/validation/validation.go`, ValidateEndpoints. */
function validate({ subsets }: Endpoints, loopback: boolean): FieldError[] {
  const errors: FieldError[] = [];
  for (const [i, { addresses = [], notReadyAddresses = [], ports = [] }] of (subsets ?? []).entries()) {
    const path = FieldPath.of('subsets').index(i);
    if (addresses.length === 0 && notReadyAddresses.length === 0) {
      errors.push(required(path, 'must specify `addresses` or `notReadyAddresses`'));
    }
    validateAddresses(addresses, path.child('addresses'), errors, loopback);
    validateAddresses(notReadyAddresses, path.child('notReadyAddresses'), errors, loopback);
    for (const [j, { name = '', port, protocol, appProtocol }] of ports.entries()) {
      const at = path.child('ports').index(j);
      if (name === '') {
        if (ports.length > 1) errors.push(required(at.child('name')));
      } else checkDns1123Label(name, at.child('name'), errors);
      checkAll(isPortNumber(port), at.child('port'), port, errors);
      checkOneOf(protocol, ['SCTP', 'TCP', 'UDP'], at.child('protocol'), errors);
      if (appProtocol !== undefined)
        checkAll(isQualifiedName(appProtocol), at.child('appProtocol'), appProtocol, errors);
    }
  }
  return errors;
}

function validateAddresses(
  addresses: NonNullable<Subset['addresses']>,
  path: FieldPath,
  errors: FieldError[],
  loopback: boolean,
): void {
  for (const [i, { ip, hostname = '', nodeName }] of addresses.entries()) {
    const at = path.index(i);
    if (parseIp(ip) !== undefined) checkNotSpecial(ip, at.child('ip'), errors, loopback);
    else {
      checkIP(ip, at.child('ip'), errors);
      errors.push(invalid(at.child('ip'), ip, 'must be a valid IP address'));
    }
    if (hostname !== '') checkDns1123Label(hostname, at.child('hostname'), errors);
    if (nodeName !== undefined) checkAll(nameIsDnsSubdomain(nodeName), at.child('nodeName'), nodeName, errors);
  }
}
