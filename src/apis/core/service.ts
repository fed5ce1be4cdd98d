import { nameIsDns1035Label } from '../../machinery/names.ts';
import { builtinType } from '../builtin.ts';
import { ageColumn, column, labelsText, nameColumn } from '../columns.ts';
import type { ResourceType } from '../resource-type.ts';
import type { Service } from '../types.ts';
import { serviceProxy } from './proxy-connect.ts';
import {
  defaultServiceNetwork,
  dropTypeDependentFields,
  keepAllocated,
  type ServiceNetwork,
  serviceAllocation,
} from './service-allocation.ts';
import { validateService, validateServiceStatusUpdate, validateServiceUpdate } from './service-validation.ts';

const spec = 'io.k8s.api.core.v1.ServiceSpec';

/** Services whose addresses and ports come from `network`. */
export const createServiceType = (network: ServiceNetwork): ResourceType =>
  builtinType<Service>({
    group: '',
    kind: 'Service',
    plural: 'services',
    shortNames: ['svc'],
    categories: ['all'],
    status: true,
    connections: { proxy: serviceProxy },
    columns: [
      nameColumn,
      column<Service>('Type', 'string', (service) => service.spec?.type ?? '', { describedBy: [spec, 'type'] }),
      column<Service>(
        'Cluster-IP',
        'string',
        (service) => service.spec?.clusterIPs?.[0] ?? service.spec?.clusterIP ?? '<none>',
        {
          describedBy: [spec, 'clusterIP'],
        },
      ),
      column<Service>('External-IP', 'string', externalAddresses, { describedBy: [spec, 'externalIPs'] }),
      column<Service>('Port(s)', 'string', portsText, { describedBy: [spec, 'ports'] }),
      ageColumn,
      column<Service>('Selector', 'string', (service) => labelsText(service.spec?.selector), {
        wide: true,
        describedBy: [spec, 'selector'],
      }),
    ],
    selectableFields: [
      { name: 'spec.clusterIP', value: (object) => (object as unknown as Service).spec?.clusterIP ?? '' },
      { name: 'spec.type', value: (object) => (object as unknown as Service).spec?.type ?? '' },
    ],
    strategy: {
      validateName: (name, prefix) => nameIsDns1035Label(name, prefix),
      allowCreateOnUpdate: true,
      returnsDeletedObject: true,
      default: defaultService,
      prepareForCreate(draft) {
        draft.status = { loadBalancer: {} };
      },
      prepareForUpdate(draft, old) {
        draft.status = old.status ?? { loadBalancer: {} };
        keepAllocated(draft, old);
        dropTypeDependentFields(draft, old);
      },
      ...serviceAllocation(network),
      warnings: serviceWarnings,
      validate: validateService,
      validateUpdate: validateServiceUpdate,
      validateStatusUpdate: validateServiceStatusUpdate,
    },
  });

export const serviceType = createServiceType(defaultServiceNetwork);

/** Source: Kubernetes `pkg/apis/core/v1/defaults.go`, SetDefaults_Service. */
function defaultService({ spec }: Service): void {
  if (spec === undefined) return;
  spec.sessionAffinity ??= 'None';
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig;
  if (spec.sessionAffinity === 'ClientIP') {
    spec.sessionAffinityConfig ??= {};
    spec.sessionAffinityConfig.clientIP ??= {};
    spec.sessionAffinityConfig.clientIP.timeoutSeconds ??= 10800;
  }
  spec.type ??= 'ClusterIP';
  for (const port of spec.ports ?? []) {
    port.protocol ??= 'TCP';
    if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '') port.targetPort = port.port;
  }
  const external = spec.type === 'NodePort' || spec.type === 'LoadBalancer';
  if (external || (spec.type === 'ClusterIP' && (spec.externalIPs?.length ?? 0) > 0))
    spec.externalTrafficPolicy ??= 'Cluster';
  if (external || spec.type === 'ClusterIP') spec.internalTrafficPolicy ??= 'Cluster';
  else if (spec.type === 'ExternalName') delete spec.internalTrafficPolicy;
  if (spec.type === 'LoadBalancer') spec.allocateLoadBalancerNodePorts ??= true;
}

/** Source: Kubernetes `pkg/api/service/warnings.go`. */
function serviceWarnings({ metadata, spec = {} }: Service): string[] {
  const warnings: string[] = [];
  const hints = 'service.kubernetes.io/topology-aware-hints';
  if (metadata.annotations?.[hints] !== undefined) {
    warnings.push(`annotation ${hints} is deprecated, please use service.kubernetes.io/topology-mode instead`);
  }
  if (spec.clusterIP === 'None') {
    if (spec.loadBalancerIP !== undefined) warnings.push('spec.loadBalancerIP is ignored for headless services');
    if (spec.externalIPs !== undefined) warnings.push('spec.externalIPs is ignored for headless services');
    if (spec.sessionAffinity !== 'None') warnings.push('spec.SessionAffinity is ignored for headless services');
  }
  if (spec.externalName !== undefined && spec.type !== 'ExternalName') {
    warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"');
  }
  return warnings;
}

function externalAddresses({ spec, status }: Service): string {
  switch (spec?.type) {
    case 'ClusterIP':
    case 'NodePort':
      return (spec.externalIPs?.length ?? 0) > 0 ? spec.externalIPs!.join(',') : '<none>';
    case 'LoadBalancer': {
      const ingress = [
        ...new Set((status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip ?? hostname ?? '')),
      ];
      const all = [...ingress.filter((text) => text !== '').sort(), ...(spec.externalIPs ?? [])];
      return all.length === 0 ? '<pending>' : all.join(',');
    }
    case 'ExternalName':
      return spec.externalName ?? '';
    default:
      return '<unknown>';
  }
}

function portsText({ spec }: Service): string {
  const ports = (spec?.ports ?? []).map(({ port, nodePort, protocol }) =>
    nodePort === undefined || nodePort === 0 ? `${port}/${protocol ?? ''}` : `${port}:${nodePort}/${protocol ?? ''}`,
  );
  return ports.length === 0 ? '<none>' : ports.join(',');
}
