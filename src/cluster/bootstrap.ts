/**
 * What a new cluster holds before anybody asks: the system's namespaces, and the Service under which pods find the API.
 * Source: kube-apiserver's system-namespaces and kubernetes-service controllers.
 */
import type { Client } from '../client/client.ts';
import { Namespace, Service } from '../client/kinds.ts';
import { isReason } from '../machinery/status.ts';

const systemNamespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];

/** `port` is where the API server listens; 0 when it listens nowhere (in memory). */
export async function bootstrap(client: Client, port: number): Promise<void> {
  const namespaces = client.resource(Namespace);
  await Promise.all(systemNamespaces.map((name) => ensure(() => namespaces.create({ metadata: { name } }))));
  if (port === 0) return;
  await ensure(() =>
    client.resource(Service).create({
      metadata: {
        name: 'kubernetes',
        namespace: 'default',
        labels: { component: 'apiserver', provider: 'kubernetes' },
      },
      spec: {
        clusterIP: '10.0.0.1',
        ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: port }],
        sessionAffinity: 'None',
        type: 'ClusterIP',
      },
    }),
  );
}

async function ensure(create: () => Promise<unknown>): Promise<void> {
  try {
    await create();
  } catch (error) {
    // It is there from an earlier start.
    if (!isReason(error, 'AlreadyExists')) throw error;
  }
}
