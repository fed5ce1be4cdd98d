/** The pods behind a Service, and the ports they serve it on. Source: Kubernetes' pkg/controller/endpoint(slice). */
import type { ServicePort } from '../../apis/types.ts';
import { keyOf, type ObjectKey } from '../../client/definition.ts';
import type { Pod, Service } from '../../client/kinds.ts';
import { deepEqual } from '../../machinery/json.ts';
import type { Cache, Predicate } from '../../runtime/index.ts';

/** Services whose endpoints are made here: those that select pods. */
export function selectsPods({ spec }: Service): boolean {
  return spec?.type !== 'ExternalName' && Object.keys(spec?.selector ?? {}).length > 0;
}

function selects({ spec }: Service, { metadata }: Pod): boolean {
  return Object.entries(spec?.selector ?? {}).every(([name, value]) => metadata.labels?.[name] === value);
}

/** The Services that select a pod. */
export function* servicesOf(pod: Pod, services: Cache<Service>): Iterable<ObjectKey> {
  for (const service of services.list(pod.metadata.namespace)) {
    if (selectsPods(service) && selects(service, pod)) yield keyOf(service);
  }
}

/** What endpoints are made of. */
export const backendChanged: Predicate<Pod> = {
  updated: (pod, old) =>
    pod.metadata.deletionTimestamp !== old.metadata.deletionTimestamp ||
    pod.status?.phase !== old.status?.phase ||
    pod.spec?.nodeName !== old.spec?.nodeName ||
    !deepEqual(pod.status?.podIPs, old.status?.podIPs) ||
    pod.status?.podIP !== old.status?.podIP ||
    readiness(pod) !== readiness(old) ||
    !deepEqual(pod.metadata.labels, old.metadata.labels),
};

const readiness = ({ status }: Pod): string | undefined =>
  status?.conditions?.find(({ type }) => type === 'Ready')?.status;

/** Pods that have an address and have not ended. */
export function backendsOf(service: Service, pods: Cache<Pod>): Pod[] {
  return pods
    .list(service.metadata.namespace)
    .filter(
      (pod) =>
        selects(service, pod) &&
        pod.status?.phase !== 'Failed' &&
        pod.status?.phase !== 'Succeeded' &&
        addressesOf(pod).length > 0,
    );
}

export function addressesOf({ status }: Pod): string[] {
  const all = (status?.podIPs ?? []).map(({ ip }) => ip).filter((ip) => ip !== undefined && ip !== '');
  if (all.length > 0) return all;
  return status?.podIP === undefined || status.podIP === '' ? [] : [status.podIP];
}

export interface BackendPort {
  readonly name: string;
  readonly port: number;
  readonly protocol: string;
  readonly appProtocol?: string;
}

/** Where a pod serves the Service's ports; those that it does not serve are left out. */
export function portsOf(service: Service, pod: Pod): BackendPort[] {
  const ports: BackendPort[] = [];
  for (const servicePort of service.spec?.ports ?? []) {
    const port = targetPort(servicePort, pod);
    if (port === undefined) continue;
    const { name = '', protocol = 'TCP', appProtocol } = servicePort;
    ports.push({ name, port, protocol, ...(appProtocol === undefined ? {} : { appProtocol }) });
  }
  return ports;
}

function targetPort({ targetPort, port, protocol = 'TCP' }: ServicePort, { spec }: Pod): number | undefined {
  const target: number | string = targetPort ?? port;
  if (typeof target === 'number') return target === 0 ? port : target;
  const sidecars = (spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  for (const { ports = [] } of [...(spec?.containers ?? []), ...sidecars]) {
    const found = ports.find((candidate) => candidate.name === target && (candidate.protocol ?? 'TCP') === protocol);
    if (found !== undefined) return found.containerPort;
  }
  return undefined;
}

/** A pod's own name within a headless Service's domain. */
export function hostnameOf(service: Service, { spec }: Pod): string | undefined {
  const isNamed = spec?.hostname !== undefined && spec.hostname !== '' && spec.subdomain === service.metadata.name;
  return isNamed ? spec.hostname : undefined;
}

export const isHeadless = ({ spec }: Service): boolean => spec?.clusterIP === 'None';
export const headlessLabel = 'service.kubernetes.io/headless';

export function targetRef({ metadata }: Pod): { kind: string; namespace: string; name: string; uid: string } {
  const { namespace = '', name = '', uid = '' } = metadata;
  return { kind: 'Pod', namespace, name, uid };
}
