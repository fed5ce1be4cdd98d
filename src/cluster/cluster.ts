/**
 * A whole cluster in one process: API server, controllers, scheduler and nodes, all but the last behind one HTTPS port.
 *
 * Flow of a start: store and certificates → server → HTTPS → system namespaces → controllers, scheduler and nodes, each
 * through a transport of its own identity → kubeconfig.
 */
import type { InFlightLimits } from '../apiserver/in-flight.ts';
import type { ApiServer } from '../apiserver/server.ts';
import { keySetPath } from '../auth/service-account/discovery.ts';
import { type Client, createClient } from '../client/client.ts';
import { inProcessTransport } from '../client/in-process.ts';
import type { Transport } from '../client/transport.ts';
import type { Clock } from '../clock/clock.ts';
import { systemClock } from '../clock/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import { silentLogger } from '../runtime/logger.ts';
import type { Store } from '../storage/index.ts';
import { type ApiRoleOptions, clusterServer } from './api-role.ts';
import { type AuditFlags, clusterAudit } from './audit.ts';
import { type AuthenticationFlags, clusterAuthentication } from './authentication.ts';
import { bootstrap } from './bootstrap.ts';
import { startControllers } from './controllers-role.ts';
import { DataDirectory, writeSecret } from './data-directory.ts';
import { encryptedStore } from './encryption.ts';
import { type HttpsListener, listen } from './https-listener.ts';
import { kubeconfig } from './kubeconfig.ts';
import { NodeDirectory } from './node-directory.ts';
import { type RuntimeChoice, startNode } from './node-role.ts';
import { type ClusterPki, clusterPki, watchServingCertificates } from './pki.ts';
import { remoteNodes } from './remote-nodes.ts';
import { ResourceMetrics } from './resource-metrics.ts';
import { startScheduler } from './scheduler-role.ts';
import { openStore, type StoreChoice } from './store-choice.ts';

export interface ClusterOptions {
  /** Where everything is kept. */
  readonly dataDir: string;
  readonly store: StoreChoice;
  readonly bind: string;
  /** 0: any free one. */
  readonly port: number;
  /** Where the administrator's kubeconfig goes; default: into the data directory. */
  readonly kubeconfig?: string;
  /** Names as `--controllers` takes them. */
  readonly controllers: readonly string[];
  readonly scheduler: boolean;
  readonly runtime: RuntimeChoice;
  readonly nodes: number;
  /** An EncryptionConfiguration file; default: the cluster's own, which encrypts Secrets. */
  readonly encryptionProviderConfig?: string;
  /** Besides client certificates. */
  readonly authentication?: AuthenticationFlags;
  /** Default: there is no audit log. */
  readonly audit?: AuditFlags;
  /** `Strict-Transport-Security` of every answer; default: none. */
  readonly strictTransportSecurity?: string;
  /** How many requests run at once. */
  readonly inFlight?: Partial<InFlightLimits>;
  readonly clock?: Clock;
  readonly log?: Logger;
}

export interface Cluster extends AsyncDisposable {
  /** `https://127.0.0.1:6443`. */
  readonly url: string;
  readonly kubeconfigPath: string;
  readonly server: ApiServer;
  readonly nodeNames: readonly string[];
  readonly controllerNames: readonly string[];
  /** Ends watches, finishes requests, flushes the store. */
  stop(): Promise<void>;
}

/** Something that was started and can be stopped; stopped in the reverse order. */
interface Running {
  stop(): Promise<void>;
}

export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const clock = options.clock ?? systemClock;
  const log = options.log ?? silentLogger;
  const directory = await DataDirectory.open(options.dataDir);
  const running: Running[] = [];
  const stop = async (): Promise<void> => {
    for (const part of running.splice(0).reverse()) await part.stop();
  };
  try {
    const [store, pki] = await Promise.all([
      openClusterStore(options, directory, clock),
      clusterPki(directory, options.bind, clock.now()),
    ]);
    running.push({ stop: () => store.close() });
    let url = '';
    const authentication = await clusterAuthentication(
      options.authentication ?? {},
      directory,
      () => `${url}${keySetPath}`,
      clock,
      log,
    );
    running.push({ stop: async () => authentication.close() });
    const audit = await clusterAudit(options.audit ?? {}, clock, log);
    running.push({ stop: async () => audit?.close() });
    const { strictTransportSecurity, inFlight } = options;
    const surface: ApiRoleOptions['surface'] = {
      ...(audit === undefined ? {} : { auditor: audit.auditor }),
      ...(strictTransportSecurity === undefined ? {} : { strictTransportSecurity }),
      ...(inFlight === undefined ? {} : { inFlight }),
    };
    const { server, nodes } = await startServer(
      { store, clock, log, authentication: authentication.options, surface, measured: options.runtime !== 'none' },
      pki,
      running,
    );
    const listener = await listenOn(server, pki, options);
    running.push({ stop: () => stopServing(server, listener) });
    const certificates = await watchServingCertificates(directory, (renewed) => listener.renew(renewed), clock, log);
    running.push({ stop: async () => certificates.close() });
    url = `https://${urlHost(options.bind)}:${listener.port}`;

    const transport = (name: string, groups: readonly string[] = []): Transport =>
      // Managed fields name the component, as its User-Agent does elsewhere: kube-scheduler.
      inProcessTransport(server, {
        user: { name, groups: [...groups, 'system:authenticated'] },
        userAgent: name.startsWith('system:node:') ? 'kubelet' : name.replace(/^system:/, ''),
      });
    await bootstrap(server, createClient(transport('system:apiserver', ['system:masters'])), listener.port);

    const controllers = await startControllers({
      transport: transport('system:kube-controller-manager'),
      transportAs: (user) => inProcessTransport(server, { user, userAgent: 'kube-controller-manager' }),
      selection: options.controllers,
      clock,
      log,
      rootCertificates: pki.authority.certificate,
      certificateAuthority: pki.authority,
      serviceAccountKeys: authentication.keys,
    });
    running.push(controllers);
    if (options.scheduler) {
      running.push(await startScheduler({ transport: transport('system:kube-scheduler'), clock, log }));
    }
    const nodeNames = options.runtime === 'none' ? [] : nodeNamesFor(options.nodes);
    for (const name of nodeNames) {
      const node = await startNode({
        name,
        runtime: options.runtime,
        directory: directory.node(name),
        transport: transport(`system:node:${name}`, ['system:nodes']),
        clock,
        log,
      });
      nodes.add(name, node);
      running.push(node);
    }

    const kubeconfigPath = options.kubeconfig ?? directory.kubeconfig;
    await writeSecret(
      kubeconfigPath,
      kubeconfig({
        server: url,
        authority: pki.authority.certificate,
        user: 'kubernetes-admin',
        credentials: pki.admin,
      }),
    );
    return {
      url,
      kubeconfigPath,
      server,
      nodeNames,
      controllerNames: controllers.names,
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What is kept on disk is encrypted. */
async function openClusterStore(options: ClusterOptions, directory: DataDirectory, clock: Clock): Promise<Store> {
  const store = await openStore(options.store, directory.store, clock);
  if (options.store === 'memory') return store;
  try {
    return await encryptedStore(store, directory, options.encryptionProviderConfig);
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function startServer(
  {
    measured,
    ...options
  }: Omit<ApiRoleOptions, 'nodes' | 'log'> & { readonly measured: boolean; readonly log: Logger },
  pki: ClusterPki,
  running: Running[],
): Promise<{ server: ApiServer; nodes: NodeDirectory }> {
  const client = (): Client =>
    createClient(inProcessTransport(server, { user: { name: 'system:apiserver', groups: ['system:masters'] } }));
  const nodes = new NodeDirectory(remoteNodes(client, pki.admin));
  const { clock, log } = options;
  const metrics = measured ? new ResourceMetrics({ meter: nodes, clock, log }) : undefined;
  const server: ApiServer = clusterServer({ ...options, nodes, ...(metrics && { metrics }) });
  running.push({ stop: () => server.stop() });
  await server.start();
  if (metrics !== undefined) {
    metrics.start(client());
    running.push(metrics);
  }
  return { server, nodes };
}

function listenOn(server: ApiServer, pki: ClusterPki, { bind, port }: ClusterOptions): Promise<HttpsListener> {
  return listen({
    handler: server.handler,
    upgrade: server.upgrade,
    serving: pki.serving,
    clientAuthority: pki.authority.certificate,
    bind,
    port,
  });
}

/** Watches end and requests finish while the port still answers 503 to newcomers; then the port closes. */
async function stopServing(server: ApiServer, listener: HttpsListener): Promise<void> {
  const closed = listener.close();
  await server.stop();
  await closed;
}

function urlHost(bind: string): string {
  if (bind === '0.0.0.0') return '127.0.0.1';
  if (bind === '::') return '[::1]';
  return bind.includes(':') ? `[${bind}]` : bind;
}

function nodeNamesFor(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `node-${index + 1}`);
}
