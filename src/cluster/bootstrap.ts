/**
 * What a new cluster holds before anybody asks: the system's namespaces, its roles, priority classes and levels, and the Service
 * under which pods find the API.
 * Source: kube-apiserver's system-namespaces and kubernetes-service controllers.
 */
import type { ApiServer } from '../apiserver/server.ts';
import type { Client } from '../client/client.ts';
import { Namespace, PriorityClass, Service } from '../client/kinds.ts';
import { isReason } from '../machinery/status.ts';
import { bootstrapFlowControl } from './bootstrap-flow-control.ts';
import { bootstrapRoles } from './bootstrap-roles.ts';

const systemNamespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];

/** `port` is where the API server listens; 0 when it listens nowhere (in memory). */
export async function bootstrap(server: ApiServer, client: Client, port: number): Promise<void> {
  const namespaces = client.resource(Namespace);
  await Promise.all(
    systemNamespaces.map(async (name) => {
      if (!(await exists(() => namespaces.get({ name })))) await namespaces.create({ metadata: { name } });
    }),
  );
  await bootstrapRoles(server, client);
  await bootstrapPriorityClasses(client);
  await bootstrapFlowControl(client);
  if (port === 0) return;
  const services = client.resource(Service);
  const key = { namespace: 'default', name: 'kubernetes' };
  const ports = [{ name: 'https', port: 443, protocol: 'TCP', targetPort: port }];
  if (await exists(() => services.get(key))) {
    await services.patch(key, { spec: { ports } });
    return;
  }
  await services.create({
    metadata: { ...key, labels: { component: 'apiserver', provider: 'kubernetes' } },
    spec: { clusterIP: '10.0.0.1', ports, sessionAffinity: 'None', type: 'ClusterIP' },
  });
}

/** Source: Kubernetes `pkg/apis/scheduling/v1/helpers.go`, SystemPriorityClasses. */
const systemPriorityClasses = [
  {
    metadata: { name: 'system-node-critical' },
    value: 2_000_001_000,
    globalDefault: false,
    description: 'Used for system critical pods that must not be moved from their current node.',
  },
  {
    metadata: { name: 'system-cluster-critical' },
    value: 2_000_000_000,
    globalDefault: false,
    description:
      'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
  },
];

async function bootstrapPriorityClasses(client: Client): Promise<void> {
  const classes = client.resource(PriorityClass);
  await Promise.all(
    systemPriorityClasses.map(async (one) => {
      if (!(await exists(() => classes.get({ name: one.metadata.name })))) await classes.create(one);
    }),
  );
}

async function exists(get: () => Promise<unknown>): Promise<boolean> {
  try {
    await get();
    return true;
  } catch (error) {
    if (isReason(error, 'NotFound')) return false;
    throw error;
  }
}
