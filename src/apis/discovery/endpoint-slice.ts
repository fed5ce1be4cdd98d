import { duplicate, type FieldError, FieldPath, notSupported, required, tooMany } from '../../machinery/field.ts';
import { validateIpv4, validateIpv6 } from '../../machinery/ip.ts';
import { validateLabelName } from '../../machinery/label-selector.ts';
import {
  isDns1123Label,
  isFullyQualifiedDomainName,
  isLabelValue,
  isPortNumber,
  isQualifiedName,
  nameIsDnsSubdomain,
} from '../../machinery/names.ts';
import { validateImmutableField } from '../../machinery/object-meta.ts';
import { builtinType } from '../builtin.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import { checkAll, checkDns1123Label } from '../core/field-rules.ts';
import { checkNotSpecial, mayNameLoopback } from '../core/service-validation.ts';
import type { EndpointSlice } from '../types.ts';

type Endpoint = EndpointSlice['endpoints'][number];

const definition = 'io.k8s.api.discovery.v1.EndpointSlice';

export const endpointSliceType = builtinType<EndpointSlice>({
  group: 'discovery.k8s.io',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  columns: [
    nameColumn,
    column<EndpointSlice>('AddressType', 'string', ({ addressType }) => addressType, {
      describedBy: [definition, 'addressType'],
    }),
    column<EndpointSlice>('Ports', 'string', portsText, { describedBy: [definition, 'ports'] }),
    column<EndpointSlice>('Endpoints', 'string', endpointsText, { describedBy: [definition, 'endpoints'] }),
    ageColumn,
  ],
  strategy: {
    generation: true,
    default({ ports }) {
      for (const port of ports ?? []) {
        port.name ??= '';
        port.protocol ??= 'TCP';
      }
    },
    prepareForCreate({ endpoints }) {
      // v1 has fields of its own for what used to be here.
      for (const endpoint of endpoints ?? []) delete endpoint.deprecatedTopology;
    },
    validate: (slice, { user }) => validate(slice, mayNameLoopback(user)),
    validateUpdate: (slice, old, { user }) => [
      ...validate(slice, mayNameLoopback(user)),
      ...validateImmutableField(slice.addressType, old.addressType, FieldPath.of('addressType')),
    ],
  },
});

const shown = 3;

function listed(texts: readonly string[], none: string): string {
  if (texts.length === 0) return none;
  const text = texts.slice(0, shown).join(',');
  return texts.length > shown ? `${text} + ${texts.length - shown} more...` : text;
}

function portsText({ ports }: EndpointSlice): string {
  return listed(
    (ports ?? []).map(({ name, port }) =>
      port === undefined ? ((name ?? '') === '' ? '*' : `${name}:*`) : String(port),
    ),
    '<unset>',
  );
}

function endpointsText({ endpoints }: EndpointSlice): string {
  return listed(
    (endpoints ?? []).flatMap(({ addresses }) => addresses ?? []),
    '<unset>',
  );
}

const maxEndpoints = 1000;
const maxPorts = 20000;
const maxAddresses = 100;
const maxZones = 8;
const addressTypes = ['FQDN', 'IPv4', 'IPv6'];

/** Source: Kubernetes `pkg/apis/discovery/validation/validation.go`. */
function validate({ addressType, endpoints, ports }: EndpointSlice, loopback: boolean): FieldError[] {
  const errors: FieldError[] = [];
  if (addressType === '') errors.push(required('addressType'));
  else if (!addressTypes.includes(addressType)) errors.push(notSupported('addressType', addressType, addressTypes));
  const endpointsPath = FieldPath.of('endpoints');
  if ((endpoints?.length ?? 0) > maxEndpoints) {
    errors.push(tooMany('endpoints', endpoints.length, maxEndpoints));
  } else {
    for (const [i, endpoint] of (endpoints ?? []).entries())
      validateEndpoint(endpoint, addressType, endpointsPath.index(i), errors, loopback);
  }
  const portsPath = FieldPath.of('ports');
  if ((ports?.length ?? 0) > maxPorts) {
    errors.push(tooMany('ports', ports!.length, maxPorts));
    return errors;
  }
  const names = new Set<string>();
  for (const [i, { name = '', protocol, port, appProtocol }] of (ports ?? []).entries()) {
    const at = portsPath.index(i);
    if (name !== '') checkAll(isDns1123Label(name), at.child('name'), name, errors);
    if (names.has(name)) errors.push(duplicate(at.child('name'), name));
    names.add(name);
    if (protocol === undefined) errors.push(required(at.child('protocol')));
    else if (!['SCTP', 'TCP', 'UDP'].includes(protocol))
      errors.push(notSupported(at.child('protocol'), protocol, ['SCTP', 'TCP', 'UDP']));
    if (port !== undefined) checkAll(isPortNumber(port), at.child('port'), port, errors);
    if (appProtocol !== undefined) checkAll(isQualifiedName(appProtocol), at.child('appProtocol'), appProtocol, errors);
  }
  return errors;
}

function validateEndpoint(
  endpoint: Endpoint,
  addressType: string,
  path: FieldPath,
  errors: FieldError[],
  loopback: boolean,
): void {
  const { addresses, hostname, nodeName, hints, deprecatedTopology } = endpoint;
  const addressesPath = path.child('addresses');
  if ((addresses?.length ?? 0) === 0) errors.push(required(addressesPath, 'must contain at least 1 address'));
  else if (addresses.length > maxAddresses) errors.push(tooMany(addressesPath, addresses.length, maxAddresses));
  for (const [i, address] of (addresses ?? []).entries()) {
    const at = addressesPath.index(i);
    if (addressType === 'FQDN') errors.push(...isFullyQualifiedDomainName(at, address));
    else if (addressType === 'IPv4' || addressType === 'IPv6') {
      const family = addressType;
      const problems = family === 'IPv4' ? validateIpv4(at, address) : validateIpv6(at, address);
      if (problems.length > 0) errors.push(...problems);
      else checkNotSpecial(address, at, errors, loopback);
    }
  }
  if (nodeName !== undefined) checkAll(nameIsDnsSubdomain(nodeName), path.child('nodeName'), nodeName, errors);
  for (const key of Object.keys(deprecatedTopology ?? {})) {
    errors.push(...validateLabelName(key, path.child('deprecatedTopology')));
  }
  if (hostname !== undefined) checkDns1123Label(hostname, path.child('hostname'), errors);
  const zones = new Set<string>();
  const zonesPath = path.child('hints').child('forZones');
  if ((hints?.forZones?.length ?? 0) > maxZones) {
    errors.push(tooMany(zonesPath, hints!.forZones!.length, maxZones));
    return;
  }
  for (const [i, { name }] of (hints?.forZones ?? []).entries()) {
    const at = zonesPath.index(i).child('name');
    if (zones.has(name)) errors.push(duplicate(at, name));
    zones.add(name);
    checkAll(isLabelValue(name), at, name, errors);
  }
}
