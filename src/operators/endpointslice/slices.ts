/**
 * The EndpointSlices that a Service is to have, packed so that few of those there are have to change.
 * Source: `k8s.io/endpointslice` (KEP-752).
 */
import type * as k8s from '@kubernetes/client-node';
import type { Wire } from '../../apis/types.ts';
import type { Draft } from '../../client/client.ts';
import { type EndpointSlice, type Node, type Pod, Service } from '../../client/kinds.ts';
import { deepEqual } from '../../machinery/json.ts';
import { controllerReference } from '../../machinery/owner-reference.ts';
import type { Cache } from '../../runtime/index.ts';
import {
  addressesOf,
  type BackendPort,
  headlessLabel,
  hostnameOf,
  isHeadless,
  portsOf,
  targetRef,
} from '../service/backends.ts';
import { isPodReady } from '../workload/pods.ts';

export type Endpoint = Wire<k8s.V1Endpoint>;

export const serviceLabel = 'kubernetes.io/service-name';
export const managedByLabel = 'endpointslice.kubernetes.io/managed-by';
export const manager = 'endpointslice-controller.k8s.io';
const zoneLabel = 'topology.kubernetes.io/zone';

/** `--max-endpoints-per-slice`. */
const maxEndpoints = 100;

export interface SliceChanges {
  readonly create: Draft<EndpointSlice>[];
  readonly update: EndpointSlice[];
  readonly remove: EndpointSlice[];
}

/** Endpoints that share an address type and ports. */
interface Group {
  readonly addressType: string;
  readonly ports: readonly BackendPort[];
  readonly endpoints: Endpoint[];
}

export function sliceChanges(
  service: Service,
  pods: readonly Pod[],
  existing: readonly EndpointSlice[],
  nodes: Cache<Node>,
): SliceChanges {
  const changes: SliceChanges = { create: [], update: [], remove: [] };
  const groups = groupsOf(service, pods, nodes);
  const left = new Set(existing.filter(({ metadata }) => metadata.deletionTimestamp === undefined));
  for (const group of groups) {
    const own = [...left].filter((slice) => belongs(slice, group));
    for (const slice of own) left.delete(slice);
    pack(service, group, own, changes);
  }
  changes.remove.push(...left);
  return changes;
}

function groupsOf(service: Service, pods: readonly Pod[], nodes: Cache<Node>): Group[] {
  const groups = new Map<string, Group>();
  const families = service.spec?.ipFamilies ?? ['IPv4'];
  for (const addressType of families) {
    for (const pod of pods) {
      const address = addressesOf(pod).find((ip) => ip.includes(':') === (addressType === 'IPv6'));
      if (address === undefined) continue;
      const ports = portsOf(service, pod);
      const id = JSON.stringify([addressType, ports]);
      let group = groups.get(id);
      if (group === undefined) {
        group = { addressType, ports, endpoints: [] };
        groups.set(id, group);
      }
      group.endpoints.push(endpointOf(service, pod, address, nodes));
    }
    // A Service without endpoints has an empty slice, which says so.
    if (![...groups.values()].some((group) => group.addressType === addressType)) {
      groups.set(addressType, { addressType, ports: [], endpoints: [] });
    }
  }
  return [...groups.values()];
}

function endpointOf(service: Service, pod: Pod, address: string, nodes: Cache<Node>): Endpoint {
  const serving = isPodReady(pod);
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const nodeName = pod.spec?.nodeName ?? '';
  const zone = nodes.get({ name: nodeName })?.metadata.labels?.[zoneLabel];
  const hostname = hostnameOf(service, pod);
  return {
    addresses: [address],
    conditions: {
      ready: service.spec?.publishNotReadyAddresses === true || (serving && !terminating),
      serving,
      terminating,
    },
    ...(hostname === undefined ? {} : { hostname }),
    targetRef: targetRef(pod),
    ...(nodeName === '' ? {} : { nodeName }),
    ...(zone === undefined ? {} : { zone }),
  };
}

/** Slices without ports have `ports: null`. */
function belongs({ addressType, ports }: EndpointSlice, group: Group): boolean {
  return (
    addressType === group.addressType &&
    deepEqual(
      (ports ?? []).map(({ name = '', port, protocol = 'TCP', appProtocol }) => ({
        name,
        port,
        protocol,
        appProtocol,
      })),
      group.ports,
    )
  );
}

/** Endpoints stay where they are; new ones fill the fullest slices first; slices that become empty go. */
function pack(service: Service, group: Group, slices: readonly EndpointSlice[], changes: SliceChanges): void {
  const byPod = new Map(group.endpoints.map((endpoint) => [endpoint.targetRef?.uid ?? '', endpoint]));
  const kept = slices.map((slice) => {
    const endpoints: Endpoint[] = [];
    for (const { targetRef: target } of slice.endpoints ?? []) {
      const endpoint = byPod.get(target?.uid ?? '');
      if (endpoint === undefined) continue;
      byPod.delete(target?.uid ?? '');
      endpoints.push(endpoint);
    }
    return { slice, endpoints };
  });
  const added = [...byPod.values()];
  for (const { endpoints } of [...kept].sort((a, b) => b.endpoints.length - a.endpoints.length)) {
    endpoints.push(...added.splice(0, Math.max(0, maxEndpoints - endpoints.length)));
  }
  const labels = labelsOf(service);
  let remaining = kept.length;
  for (const { slice, endpoints } of kept) {
    // The last one stays as the sign that there are none.
    if (endpoints.length === 0 && (group.endpoints.length > 0 || remaining > 1)) {
      changes.remove.push(slice);
      remaining -= 1;
    } else if (!deepEqual(slice.endpoints ?? [], endpoints) || !deepEqual(slice.metadata.labels, labels)) {
      changes.update.push({ ...slice, metadata: { ...slice.metadata, labels }, endpoints });
    }
  }
  const isEmpty = remaining === 0 && group.endpoints.length === 0;
  while (added.length > 0 || isEmpty) {
    changes.create.push(draftOf(service, group, added.splice(0, maxEndpoints), labels));
    if (isEmpty) return;
  }
}

function draftOf(
  service: Service,
  { addressType, ports }: Group,
  endpoints: Endpoint[],
  labels: Record<string, string>,
): Draft<EndpointSlice> {
  const { name = '', namespace = '' } = service.metadata;
  return {
    metadata: {
      namespace,
      generateName: `${name}-`,
      labels,
      ownerReferences: [controllerReference(service, Service)],
    },
    addressType,
    endpoints,
    ...(ports.length === 0 ? {} : { ports: ports.map((port) => ({ ...port })) }),
  };
}

/** The Service's own, as far as they do not say what slices say of themselves. */
function labelsOf(service: Service): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [name, value] of Object.entries(service.metadata.labels ?? {})) {
    if (name !== serviceLabel && name !== managedByLabel && name !== headlessLabel) labels[name] = value;
  }
  labels[serviceLabel] = service.metadata.name ?? '';
  labels[managedByLabel] = manager;
  if (isHeadless(service)) labels[headlessLabel] = '';
  return labels;
}
