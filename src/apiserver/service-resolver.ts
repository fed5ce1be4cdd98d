/**
 * Where the server itself reaches a Service: one of its ready endpoints, else its cluster IP. Addresses of endpoints come
 * first because the server need not stand in the cluster's network.
 * Source: `k8s.io/apiserver/pkg/util/proxy` (ResolveEndpoint, ResolveCluster).
 */
import type { ResourceAccess } from '../apis/resource-type.ts';
import type { WebhookEnvironment } from '../crd/webhook-client.ts';
import { goQuote } from '../machinery/field.ts';
import type { ApiObject } from '../machinery/object.ts';
import { serviceUnavailable } from '../machinery/status.ts';

interface ServiceSpec {
  readonly type?: string;
  readonly externalName?: string;
  readonly clusterIP?: string;
  readonly ports?: readonly { readonly name?: string; readonly port: number }[];
}

interface EndpointSlice extends ApiObject {
  readonly ports?: readonly { readonly name?: string; readonly port?: number }[];
  readonly endpoints?: readonly {
    readonly addresses?: readonly string[];
    readonly conditions?: { readonly ready?: boolean };
  }[];
}

export function serviceResolver(access: ResourceAccess): WebhookEnvironment['resolveService'] {
  return async (namespace, name, port) => {
    const service = await access.get({ group: '', plural: 'services' }, namespace, name);
    if (service === undefined) throw serviceUnavailable(`service ${goQuote(name)} not found`);
    const { type, externalName, clusterIP = '', ports = [] } = service.spec as ServiceSpec;
    if (type === 'ExternalName' && externalName !== undefined) return { host: externalName, port };
    const found = ports.find((candidate) => candidate.port === port);
    if (found === undefined) {
      throw serviceUnavailable(`no service port ${port} found for service ${goQuote(name)}`);
    }
    for (const slice of await endpointSlices(access, namespace, name)) {
      const target = slice.ports?.find((candidate) => (candidate.name ?? '') === (found.name ?? ''))?.port;
      const host = slice.endpoints?.find(({ conditions }) => conditions?.ready !== false)?.addresses?.[0];
      if (host !== undefined && target !== undefined) return { host, port: target };
    }
    if (clusterIP !== '' && clusterIP !== 'None') return { host: clusterIP, port };
    throw serviceUnavailable(`no endpoints available for service ${goQuote(name)}`);
  };
}

async function endpointSlices(access: ResourceAccess, namespace: string, service: string): Promise<EndpointSlice[]> {
  const slices = await access.list({ group: 'discovery.k8s.io', plural: 'endpointslices' }, namespace);
  return slices.filter(
    ({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === service,
  ) as EndpointSlice[];
}
