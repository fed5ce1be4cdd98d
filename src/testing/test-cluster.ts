/**
 * A cluster in a test: an API server in memory, with as much of the rest as the test asks for, in this process.
 *
 * It is the same server that `setpoint up` runs, over the memory store: the same validation, admission, watches and
 * garbage collection. Starting one takes milliseconds; every test can have its own.
 */
import type { UserInfo } from '../apis/user-info.ts';
import type { ApiServer } from '../apiserver/server.ts';
import { type Client, createClient } from '../client/client.ts';
import { inProcessTransport } from '../client/in-process.ts';
import type { Transport } from '../client/transport.ts';
import { type Clock, systemClock } from '../clock/clock.ts';
import { type ApiRoleOptions, clusterServer, ephemeralAuthentication } from '../cluster/api-role.ts';
import { bootstrap } from '../cluster/bootstrap.ts';
import { NodeDirectory } from '../cluster/node-directory.ts';
import { ResourceMetrics } from '../cluster/resource-metrics.ts';
import { ephemeralKeys } from '../cluster/service-account-keys.ts';
import type { ApiObject } from '../machinery/object.ts';
import { type Logger, silentLogger } from '../runtime/logger.ts';
import { openMemoryStore, type Store } from '../storage/index.ts';
import { type HttpEndpoint, serveOverHttps, testPki } from './http-endpoint.ts';
import { crdOf, type Definable, untilEstablished } from './resources.ts';

export interface TestClusterOptions {
  /** Custom resources to serve: CustomResourceDefinitions, or what `defineResource` answers. */
  readonly resources?: readonly Definable[];
  /**
   * Built-in controllers by kube-controller-manager's names, `*` for all. Default: none. Pods need a service account, as in
   * Kubernetes, where `serviceaccount-controller` is among them; elsewhere nobody would make the accounts.
   */
  readonly controllers?: readonly string[];
  /** Simulated nodes, and a scheduler that sends pods to them. Default: none. With nodes there is metrics.k8s.io. */
  readonly nodes?: number;
  /** Milliseconds between measurements of what the nodes use. Default: 15,000. */
  readonly metricResolution?: number;
  /** Default: the machine's. */
  readonly clock?: Clock;
  readonly log?: Logger;
  /** What the server's surface does besides: an audit log, limits. Default: nothing. */
  readonly surface?: ApiRoleOptions['surface'];
}

export interface TestCluster extends AsyncDisposable {
  /** As an administrator. */
  readonly client: Client;
  readonly transport: Transport;
  readonly server: ApiServer;
  /** What the server stands on: to compact its history, or to look at what is stored. */
  readonly store: Store;
  readonly clock: Clock;
  /** A transport that speaks as someone else. */
  transportAs(name: string, groups?: readonly string[]): Transport;
  /** Creates objects, of any kind that is served, in order; answers them as the server has them. */
  create(...objects: readonly ApiObject[]): Promise<ApiObject[]>;
  /**
   * Resolves with what `probe` answers as soon as it answers something (not `undefined`, not `false`) without throwing;
   * asks again after every change of an object. Rejects after `timeout` milliseconds (default 10,000) with the last error.
   */
  eventually<T>(probe: () => T | Promise<T>, timeout?: number): Promise<Exclude<T, undefined | false>>;
  /** Serves the cluster on a free port of the loopback, for clients outside this process. */
  listen(): Promise<HttpEndpoint>;
  stop(): Promise<void>;
}

const administrator = 'kubernetes-admin';

export async function startTestCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  const { clock = systemClock, log = silentLogger, nodes: nodeCount = 0 } = options;
  const store = openMemoryStore({ clock });
  const nodes = new NodeDirectory();
  const { controllers = [] } = options;
  const serviceAccountAdmission = controllers.some((name) => name === '*' || name === 'serviceaccount-controller');
  const serviceAccountKeys = ephemeralKeys();
  const authentication = ephemeralAuthentication(serviceAccountKeys);
  const { surface = {} } = options;
  const { metricResolution: resolution } = options;
  const metrics =
    nodeCount > 0 ? new ResourceMetrics({ meter: nodes, clock, log, ...(resolution && { resolution }) }) : undefined;
  const server = clusterServer({
    store,
    clock,
    log,
    nodes,
    authentication,
    serviceAccountAdmission,
    surface,
    ...(metrics && { metrics }),
  });
  const parts: { stop(): Promise<void> }[] = [{ stop: () => store.close() }, { stop: () => server.stop() }];
  const stop = async (): Promise<void> => {
    for (const part of parts.splice(0).reverse()) await part.stop();
  };
  const transportAs = (name: string, groups: readonly string[] = []): Transport =>
    inProcessTransport(server, { user: { name, groups: [...groups, 'system:authenticated'] } });

  try {
    await server.start();
    const transport = transportAs(administrator, ['system:masters']);
    parts.push({ stop: () => transport.close() });
    const client = createClient(transport);
    await bootstrap(server, client, 0);

    if (controllers.length > 0) {
      const { startControllers } = await import('../cluster/controllers-role.ts');
      const transport = transportAs('system:kube-controller-manager');
      const { authority } = await testPki(clock.now());
      const rootCertificates = authority.certificate;
      const as = (user: UserInfo): Transport =>
        inProcessTransport(server, { user, userAgent: 'kube-controller-manager' });
      const selection = controllers;
      const settings = { rootCertificates, serviceAccountKeys };
      parts.push(await startControllers({ transport, transportAs: as, selection, clock, log, ...settings }));
    }
    if (metrics !== undefined) {
      parts.push(...(await startNodes(nodeCount, nodes, transportAs, clock, log)));
      metrics.start(client);
      parts.push(metrics);
    }

    const create = async (...objects: readonly ApiObject[]): Promise<ApiObject[]> => {
      const created: ApiObject[] = [];
      for (const object of objects) created.push(await (await client.dynamic(object)).create(object));
      return created;
    };
    for (const resource of options.resources ?? []) {
      const [definition] = await create(crdOf(resource));
      await untilEstablished(server, definition!);
    }
    return {
      client,
      transport,
      server,
      store,
      clock,
      transportAs,
      create,
      eventually: (probe, timeout = 10_000) => eventually(store, probe, timeout),
      async listen() {
        const endpoint = await serveOverHttps(server, clock.now());
        parts.push(endpoint);
        return endpoint;
      },
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startNodes(
  count: number,
  directory: NodeDirectory,
  transportAs: TestCluster['transportAs'],
  clock: Clock,
  log: Logger,
): Promise<{ stop(): Promise<void> }[]> {
  const [{ startScheduler }, { startNode }, { mkdtemp, rm }, { tmpdir }, { join }] = await Promise.all([
    import('../cluster/scheduler-role.ts'),
    import('../cluster/node-role.ts'),
    import('node:fs/promises'),
    import('node:os'),
    import('node:path'),
  ]);
  const scratch = await mkdtemp(join(tmpdir(), 'setpoint-nodes-'));
  const parts: { stop(): Promise<void> }[] = [{ stop: () => rm(scratch, { recursive: true, force: true }) }];
  for (let index = 1; index <= count; index++) {
    const name = `node-${index}`;
    const transport = transportAs(`system:node:${name}`, ['system:nodes']);
    const node = await startNode({ name, runtime: 'simulated', directory: join(scratch, name), transport, clock, log });
    directory.add(name, node);
    parts.push(node);
  }
  parts.push(await startScheduler({ transport: transportAs('system:kube-scheduler'), clock, log }));
  return parts;
}

async function eventually<T>(
  store: ReturnType<typeof openMemoryStore>,
  probe: () => T | Promise<T>,
  timeout: number,
): Promise<Exclude<T, undefined | false>> {
  let changed = (): void => undefined;
  let failure: unknown = new Error('the condition did not hold');
  let stopped = false;
  const watch = store.watch('/registry/', (await store.revision()) + 1, {
    events: () => changed(),
    error: (error) => {
      failure = error;
      stopped = true;
      changed();
    },
  });
  const timer = setTimeout(() => {
    stopped = true;
    changed();
  }, timeout);
  try {
    while (!stopped) {
      const next = new Promise<void>((resolve) => {
        changed = resolve;
      });
      try {
        const answer = await probe();
        if (answer !== undefined && answer !== false) return answer as Exclude<T, undefined | false>;
        failure = new Error(`the condition did not hold: the probe answered ${answer}`);
      } catch (error) {
        failure = error;
      }
      await next;
    }
    throw failure;
  } finally {
    clearTimeout(timer);
    watch.close();
  }
}
