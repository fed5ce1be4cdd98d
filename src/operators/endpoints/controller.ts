/** Endpoints, the older form of EndpointSlices. Source: `k8s.io/kubernetes/pkg/controller/endpoint`. */
import type * as k8s from '@kubernetes/client-node';
import type { Wire } from '../../apis/types.ts';
import { Endpoints, Pod, Service } from '../../client/kinds.ts';
import { deepEqual } from '../../machinery/json.ts';
import { isReason } from '../../machinery/status.ts';
import type { KeyReconciler } from '../../runtime/index.ts';
import type { ControllerModule } from '../controller-module.ts';
import {
  addressesOf,
  type BackendPort,
  backendChanged,
  backendsOf,
  headlessLabel,
  hostnameOf,
  isHeadless,
  portsOf,
  selectsPods,
  servicesOf,
  targetRef,
} from '../service/backends.ts';
import { isNamespaceTerminating, preconditionsOf } from '../workload/pod-control.ts';
import { isPodReady } from '../workload/pods.ts';

type Subset = Wire<k8s.V1EndpointSubset>;
type Address = Wire<k8s.V1EndpointAddress>;

const managedByLabel = 'endpoints.kubernetes.io/managed-by';
const managedBy = 'endpoint-controller';

export const endpointsController: ControllerModule = {
  name: 'endpoints-controller',
  add(manager) {
    const services = manager.cache(Service);
    manager
      .controller('endpoints-controller', { for: Service, concurrency: 5 })
      .watches(Pod, (pod) => servicesOf(pod, services), { predicate: backendChanged })
      .watches(Endpoints, ({ metadata }) => [{ namespace: metadata.namespace, name: metadata.name ?? '' }])
      .reconcileKey(reconcile);
  },
};

const reconcile: KeyReconciler = async (key, context) => {
  const service = context.cache(Service).get(key);
  const existing = context.cache(Endpoints).get(key);
  const client = context.client.resource(Endpoints);
  try {
    if (service === undefined) {
      // Endpoints without a Service are somebody's own, unless they were made here.
      if (existing?.metadata.labels?.[managedByLabel] !== managedBy) return;
      await client.delete(key, preconditionsOf(existing));
      return;
    }
    if (!selectsPods(service)) return;
    const subsets = subsetsOf(service, backendsOf(service, context.cache(Pod)));
    const labels = labelsOf(service);
    const { name = '', namespace = '' } = service.metadata;
    const content = subsets.length === 0 ? {} : { subsets };
    if (existing === undefined) {
      await client.create({ metadata: { name, namespace, labels }, ...content });
    } else if (!deepEqual(existing.subsets ?? [], subsets) || !deepEqual(existing.metadata.labels, labels)) {
      const { subsets: _, ...rest } = existing;
      await client.update({ ...rest, metadata: { ...existing.metadata, labels }, ...content });
    }
  } catch (error) {
    if (!isNamespaceTerminating(error) && !isReason(error, 'NotFound')) throw error;
  }
};

function labelsOf(service: Service): Record<string, string> {
  const labels: Record<string, string> = { ...service.metadata.labels, [managedByLabel]: managedBy };
  if (isHeadless(service)) labels[headlessLabel] = '';
  else delete labels[headlessLabel];
  return labels;
}

/** One subset for each set of ports, addresses in order. */
function subsetsOf(service: Service, pods: readonly Pod[]): Subset[] {
  const all = service.spec?.publishNotReadyAddresses === true;
  const isV6 = service.spec?.ipFamilies?.[0] === 'IPv6';
  const subsets = new Map<string, { ports: BackendPort[]; ready: Address[]; notReady: Address[] }>();
  for (const pod of pods) {
    if (pod.metadata.deletionTimestamp !== undefined && !all) continue;
    const ip = addressesOf(pod).find((address) => address.includes(':') === isV6);
    if (ip === undefined) continue;
    const ports = portsOf(service, pod);
    if (ports.length === 0 && !isHeadless(service)) continue;
    const id = JSON.stringify(ports);
    let subset = subsets.get(id);
    if (subset === undefined) {
      subset = { ports, ready: [], notReady: [] };
      subsets.set(id, subset);
    }
    (all || isPodReady(pod) ? subset.ready : subset.notReady).push(addressOf(service, pod, ip));
  }
  return [...subsets.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { ports, ready, notReady }]) => ({
      ...(ready.length === 0 ? {} : { addresses: ready.sort(byIp) }),
      ...(notReady.length === 0 ? {} : { notReadyAddresses: notReady.sort(byIp) }),
      ...(ports.length === 0
        ? {}
        : { ports: ports.map(({ name, ...port }) => ({ ...(name === '' ? {} : { name }), ...port })) }),
    }));
}

function addressOf(service: Service, pod: Pod, ip: string): Address {
  const nodeName = pod.spec?.nodeName ?? '';
  const hostname = hostnameOf(service, pod);
  return {
    ip,
    ...(hostname === undefined ? {} : { hostname }),
    ...(nodeName === '' ? {} : { nodeName }),
    targetRef: targetRef(pod),
  };
}

const byIp = (a: Address, b: Address): number => (a.ip < b.ip ? -1 : a.ip > b.ip ? 1 : 0);
