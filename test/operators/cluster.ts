/** A cluster in memory on a virtual clock, with some of the built-in controllers; pods change only when a test says so. */
import assert from 'node:assert/strict';
import type { UserInfo } from '../../src/apis/user-info.ts';
import type { ApiServer } from '../../src/apiserver/server.ts';
import { type Client, createClient } from '../../src/client/client.ts';
import { inProcessTransport } from '../../src/client/in-process.ts';
import { Deployment, Event, Namespace, Pod, ReplicaSet } from '../../src/client/kinds.ts';
import type { Transport } from '../../src/client/transport.ts';
import { formatTime } from '../../src/clock/clock.ts';
import { createVirtualClock, type VirtualClock } from '../../src/clock/virtual.ts';
import { clusterServer, ephemeralAuthentication } from '../../src/cluster/api-role.ts';
import { bootstrap } from '../../src/cluster/bootstrap.ts';
import { controllerUser } from '../../src/cluster/controller-accounts.ts';
import { ephemeralKeys } from '../../src/cluster/service-account-keys.ts';
import { isReason } from '../../src/machinery/status.ts';
import { type ControllerSettings, controllers } from '../../src/operators/index.ts';
import { Manager } from '../../src/runtime/index.ts';
import { openMemoryStore } from '../../src/storage/index.ts';

export interface TestCluster {
  readonly server: ApiServer;
  readonly client: Client;
  readonly clock: VirtualClock;
  /** What controllers logged as errors. */
  readonly errors: unknown[];
  /** Writes of the controllers that fail, and with what. */
  refuse: (verb: string, resource: string) => Error | undefined;
  /** Every write that reached the server from the controllers: `update replicasets/status`. Events left out. */
  readonly writes: string[];
  stop(): Promise<void>;
}

/** What pods are to check the API server by. */
export const rootCertificates = '-----BEGIN CERTIFICATE-----\n';

const serviceAccountKeys = ephemeralKeys();

export const admin = { name: 'admin', groups: ['system:masters', 'system:authenticated'] };

export async function startCluster(...names: readonly string[]): Promise<TestCluster> {
  return await startClusterWith({}, ...names);
}

export async function startClusterWith(
  settings: ControllerSettings,
  ...names: readonly string[]
): Promise<TestCluster> {
  const clock = createVirtualClock();
  const store = openMemoryStore();
  const unused = () => assert.fail('there are no nodes');
  const server = clusterServer({
    store,
    clock,
    log: { error: (fields: unknown) => errors.push(fields) } as never,
    nodes: { connect: unused } as never,
    authentication: ephemeralAuthentication(serviceAccountKeys),
    serviceAccountAdmission: false,
  });
  const errors: unknown[] = [];
  const writes: string[] = [];
  await server.start();
  const client = createClient(inProcessTransport(server, { user: admin }));
  await bootstrap(server, client, 0);
  const transports: Transport[] = [];
  const transportAs = (user: UserInfo): Transport => {
    const transport = inProcessTransport(server, { user, userAgent: 'kube-controller-manager' });
    transports.push(transport);
    const request = transport.request.bind(transport);
    transport.request = (asked) => {
      const { resource, subresource } = asked.target;
      if (asked.verb !== 'get' && asked.verb !== 'list' && resource !== 'events') {
        const refusal = cluster.refuse(asked.verb, resource);
        if (refusal !== undefined) return Promise.reject(refusal);
        writes.push(`${asked.verb} ${resource}${subresource === undefined ? '' : `/${subresource}`}`);
      }
      return request(asked);
    };
    return transport;
  };
  const transport = transportAs({ name: 'system:kube-controller-manager', groups: ['system:authenticated'] });
  const manager = new Manager({
    transport,
    clock,
    logger: {
      debug: () => undefined,
      info: () => undefined,
      warn: (fields) => errors.push(fields),
      error: (fields) => errors.push(fields),
    },
  });
  for (const name of names) {
    const found = controllers.find((controller) => controller.name === name);
    assert.ok(found, `there is no controller named ${name}`);
    const scope = found.privileged ? manager : manager.as(transportAs(controllerUser(name)));
    found.add(scope, { rootCertificates, serviceAccountKeys, ...settings });
  }
  const cluster: TestCluster = {
    server,
    client,
    clock,
    errors,
    writes,
    refuse: () => undefined,
    async stop() {
      await manager.stop();
      for (const transport of transports) await transport.close();
      await server.stop();
      await store.close();
    },
  };
  await manager.start();
  return cluster;
}

export const labels = { app: 'web' };

export const template = (image = 'nginx:1.28') => ({
  metadata: { labels },
  spec: { containers: [{ name: 'web', image }] },
});

export async function podsOf(cluster: TestCluster, labelSelector = 'app=web'): Promise<Pod[]> {
  return (await cluster.client.resource(Pod).list({ namespace: 'default', labelSelector })).items;
}

export async function eventsAbout(cluster: TestCluster, kind: string): Promise<string[]> {
  await cluster.clock.settle();
  const { items } = await cluster.client.resource(Event).list({ namespace: 'default' });
  return items
    .filter(({ involvedObject }) => involvedObject.kind === kind)
    .map(({ type, reason, message }) => `${type} ${reason}: ${message}`);
}

/** The pod as the node agent would report it, unless it is gone meanwhile. */
export async function setReady(cluster: TestCluster, pod: Pod, ready = true): Promise<void> {
  const { namespace, name = '' } = pod.metadata;
  const lastTransitionTime = formatTime(cluster.clock.now());
  const conditions = [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime }];
  try {
    await cluster.client.resource(Pod).patchStatus({ namespace, name }, { status: { phase: 'Running', conditions } });
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
  }
}

export async function setAllReady(cluster: TestCluster): Promise<void> {
  for (const pod of await podsOf(cluster)) {
    if (pod.metadata.deletionTimestamp === undefined) await setReady(cluster, pod);
  }
  await cluster.clock.settle();
}

export { Deployment, Namespace, Pod, ReplicaSet };
