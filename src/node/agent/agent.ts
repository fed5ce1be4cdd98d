/**
 * The node agent: registers its node, runs the pods that are bound to it, and answers for their logs. What kubelet is to
 * Kubernetes, over any {@link ContainerRuntime}.
 */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { AttachRequest, ContainerLogsRequest, ExecRequest, PortForwardRequest } from '../../apis/resource-type.ts';
import type { Node, Pod } from '../../apis/types.ts';
import { type Client, createClient } from '../../client/client.ts';
import type { ObjectKey } from '../../client/definition.ts';
import { Pod as pods, Service as services } from '../../client/kinds.ts';
import type { Transport } from '../../client/transport.ts';
import { type Clock, systemClock } from '../../clock/clock.ts';
import type { JsonObject } from '../../machinery/json.ts';
import { StatusError } from '../../machinery/status.ts';
import type { Cache } from '../../runtime/cache.ts';
import { Caches } from '../../runtime/caches.ts';
import { EventRecorder } from '../../runtime/events.ts';
import { type Logger, silentLogger } from '../../runtime/logger.ts';
import { duplexPair } from '../../streaming/duplex-pair.ts';
import type { PortDialer } from '../../streaming/port-forward-server.ts';
import type { CommandSession } from '../../streaming/remote-command.ts';
import type { ContainerRuntime, SandboxStatus } from '../container-runtime.ts';
import type { AgentContext } from './agent-context.ts';
import { ApiSource } from './api-source.ts';
import { agentEndpoint } from './endpoint.ts';
import { limitTransport } from './limited-transport.ts';
import { readLog, selectLog } from './logs.ts';
import { NodeRegistration } from './node-registration.ts';
import { type NodeIdentity, nodeStatus } from './node-status.ts';
import { containerLogPath } from './paths.ts';
import { specOf } from './pod-state.ts';
import { PodWorker } from './pod-worker.ts';
import { type ResourceUsage, resourceUsage } from './resource-usage.ts';
import { RestartBackoff } from './restart-backoff.ts';
import { type AgentServer, type AgentServerOptions, serveAgent } from './server.ts';
import { statsSummary } from './stats-summary.ts';
import { openAttach, openExec, openPortForward, type StreamingNode } from './streaming.ts';

export interface NodeAgentOptions {
  /** Speaks as `system:node:<nodeName>`. */
  readonly transport: Transport;
  readonly runtime: ContainerRuntime;
  readonly nodeName: string;
  /** For volumes, logs and state; kept between runs. Made when missing. */
  readonly directory: string;
  readonly clock?: Clock;
  readonly log?: Logger;
  /** The node's address; default 127.0.0.1. */
  readonly hostIP?: string;
  /** Replaces what the machine has: `{ cpu: '4', memory: '8Gi', pods: '110' }`. */
  readonly capacity?: Readonly<Record<string, string>>;
  /** Added to the node's labels. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: NonNullable<NonNullable<Node['spec']>['taints']>;
  /** As `status.nodeInfo.kubeletVersion` shows it; default `v1.36.0`. */
  readonly version?: string;
  /** An HTTPS endpoint, for API servers in other processes. */
  readonly server?: AgentServerOptions;
}

export type { AgentServerOptions };

export interface StopOptions {
  /** Whether the pods end with the agent. Default: they run on, and the next agent on the same directory finds them. */
  readonly pods?: 'keep' | 'stop';
}

/** Of kube-apiserver's 200 changes at once, leaving room for other nodes and for people. */
const requestsAtOnce = 32;

export class NodeAgent {
  readonly nodeName: string;
  readonly #options: NodeAgentOptions;
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #caches: Caches;
  readonly #events: EventRecorder;
  readonly #source: ApiSource;
  readonly #workers = new Map<string, PodWorker>();
  readonly #bySandbox = new Map<string, PodWorker>();
  /** Pods that are over here, until the API no longer has them either. */
  readonly #over = new Set<string>();
  /** What former agents left in the runtime, by pod uid, until a worker takes it over. */
  #left = new Map<string, SandboxStatus[]>();
  #context: AgentContext | undefined;
  #podCache: Cache<Pod> | undefined;
  #registration: NodeRegistration | undefined;
  #server: AgentServer | undefined;
  #lastUsage: ResourceUsage | undefined;
  #stopListening: () => void = () => undefined;
  readonly #stopping = new AbortController();
  readonly #endpoint: Server = this.#serve();

  constructor(options: NodeAgentOptions) {
    this.#options = options;
    this.nodeName = options.nodeName;
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log ?? silentLogger;
    this.#client = createClient(limitTransport(options.transport, requestsAtOnce, this.#clock));
    const shared = { client: this.#client, clock: this.#clock, log: this.#log };
    this.#caches = new Caches(shared);
    this.#events = new EventRecorder({ ...shared, component: 'kubelet', host: options.nodeName });
    this.#source = new ApiSource(this.#client, this.#clock);
  }

  /** The port of the HTTPS endpoint; 0 when there is none. */
  get port(): number {
    return this.#server?.port ?? 0;
  }

  /** Resolves when the node is registered and every pod that is bound to it is being looked after. */
  async start(): Promise<void> {
    const { runtime, directory, server } = this.#options;
    await mkdir(directory, { recursive: true });
    if (server !== undefined) this.#server = await serveAgent(this, server, this.#clock);
    const identity = await this.#identity();
    const { allocatable = {} } = await nodeStatus(identity, {}, this.#clock.now());
    for (const sandbox of await runtime.listSandboxes()) {
      const { uid } = sandbox.config;
      this.#left.set(uid, [...(this.#left.get(uid) ?? []), sandbox]);
    }
    const serviceCache = this.#caches.open(services);
    this.#context = {
      client: this.#client,
      clock: this.#clock,
      log: this.#log,
      runtime,
      runtimeName: identity.runtime.name,
      nodeName: this.nodeName,
      hostIP: identity.hostIP,
      directory,
      allocatable,
      source: this.#source,
      services: () => serviceCache.list(),
      restartBackoff: new RestartBackoff(this.#clock),
      imageBackoff: new RestartBackoff(this.#clock),
      pullFailures: new Map(),
      sandboxCreated: (sandboxId, uid) => {
        const worker = this.#workers.get(uid);
        if (worker !== undefined) this.#bySandbox.set(sandboxId, worker);
      },
      event: (pod, container, type, reason, message) => {
        const init =
          container !== undefined && (specOf(pod).initContainers ?? []).some((c) => c.name === container.name);
        const path = container === undefined ? '' : `spec.${init ? 'initContainers' : 'containers'}{${container.name}}`;
        this.#events.record(
          { apiVersion: 'v1', kind: 'Pod', metadata: pod.metadata },
          type,
          reason,
          message,
          undefined,
          path,
        );
      },
    };
    this.#stopListening = runtime.onChange((sandboxId) => this.#runtimeChanged(sandboxId));
    this.#registration = new NodeRegistration({
      client: this.#client,
      clock: this.#clock,
      log: this.#log,
      identity,
      taints: this.#options.taints ?? [],
      event: (node, reason, message) => {
        // As kubelet does: an event about a node carries its name as the uid.
        const about = {
          apiVersion: 'v1',
          kind: 'Node',
          metadata: { name: this.nodeName, uid: node.metadata.name ?? '' },
        };
        this.#events.record(about, 'Normal', reason, message);
      },
    });
    await this.#registration.start();
    const podCache = this.#caches.open(pods, { fieldSelector: `spec.nodeName=${this.nodeName}` });
    this.#podCache = podCache;
    this.#caches.start();
    await serviceCache.whenSynced();
    await podCache.whenSynced();
    if (this.#stopping.signal.aborted) return;
    podCache.onChange({
      added: (pod) => this.#podChanged(pod),
      updated: (pod, old) => {
        if (pod.metadata.uid !== old.metadata.uid) this.#podGone(old);
        this.#podChanged(pod);
      },
      deleted: (pod) => this.#podGone(pod),
    });
    await this.#clearOrphans();
  }

  async stop({ pods: end = 'keep' }: StopOptions = {}): Promise<void> {
    this.#stopping.abort();
    this.#endpoint.closeAllConnections();
    this.#caches.stop();
    this.#stopListening();
    await this.#server?.close();
    await this.#registration?.stop();
    const workers = [...this.#workers.values()];
    await Promise.all(workers.map((worker) => worker.detach()));
    await Promise.all(workers.map((worker) => worker.idle()));
    if (end === 'stop') {
      const { runtime } = this.#options;
      const running = (await runtime.listContainers()).filter(({ state }) => state === 'running');
      await Promise.all(running.map(({ id }) => runtime.stopContainer(id, 2)));
    }
    await this.#events.stop();
  }

  /** A container's log, as `pods/log` answers it. Fails with kubelet's words when there is none. */
  async containerLogs(request: ContainerLogsRequest): Promise<AsyncIterable<Uint8Array>> {
    const { namespace, pod: name, container, previous } = request;
    const worker = this.#worker(namespace, name);
    if (worker === undefined) throw new StatusError(404, 'NotFound', `pod "${name}" not found\n`);
    const { attempt, running } = selectLog(name, worker.status, container, previous);
    return readLog({
      path: containerLogPath(this.#options.directory, worker.pod, container, attempt),
      now: this.#clock.now(),
      request,
      ended: running ? worker.containerEnded(worker.containerId(container)) : Promise.resolve(),
    });
  }

  /** A command in a container, ready to run. Fails with an UpgradeRefused in kubelet's words when there is no container. */
  exec(request: ExecRequest): Promise<CommandSession> {
    return openExec(this.#streaming(), request);
  }

  /** A container's own streams. Fails as {@link NodeAgent.exec}. */
  attach(request: AttachRequest): Promise<CommandSession> {
    return openAttach(this.#streaming(), request);
  }

  /** Connections to the ports of a pod. Fails as {@link NodeAgent.exec}. */
  portForward(request: PortForwardRequest): Promise<PortDialer> {
    return openPortForward(this.#streaming(), request);
  }

  /** A connection to this agent's endpoint, within the process. */
  dial(): Duplex {
    const [client, served] = duplexPair();
    this.#endpoint.emit('connection', served);
    return client;
  }

  /** The pods of this node, with the status that it reports. */
  pods(): readonly Pod[] {
    return Array.from(this.#workers.values(), ({ pod, status }) => ({ ...pod, status }));
  }

  /** What the node and its containers have used up to now; `/metrics/resource`. */
  resourceUsage(): Promise<ResourceUsage> {
    return resourceUsage(this.#options.runtime, this.pods(), () => this.#clock.now());
  }

  /** Kubelet's `/stats/summary`; rates are those since it was asked for last. */
  async statsSummary(): Promise<JsonObject> {
    const before = this.#lastUsage;
    this.#lastUsage = await this.resourceUsage();
    return statsSummary(this.nodeName, this.#lastUsage, before, this.pods());
  }

  #streaming(): StreamingNode {
    const { runtime, hostIP = '127.0.0.1' } = this.#options;
    return { runtime, hostIP, worker: (namespace, pod) => this.#worker(namespace, pod) };
  }

  #worker(namespace: string, pod: string): PodWorker | undefined {
    for (const worker of this.#workers.values()) {
      const { metadata } = worker.pod;
      if (metadata.name === pod && metadata.namespace === namespace) return worker;
    }
    return undefined;
  }

  /** The endpoint for callers in this process: it has no port. */
  #serve(): Server {
    const { handler, upgrade } = agentEndpoint(this, this.#clock, this.#stopping.signal);
    return createServer(handler).on('upgrade', upgrade);
  }

  async #identity(): Promise<NodeIdentity> {
    const { directory, hostIP = '127.0.0.1', capacity = {}, labels = {}, version = 'v1.36.0' } = this.#options;
    const runtime = await this.#options.runtime.info();
    return { name: this.nodeName, hostIP, port: this.port, directory, capacity, labels, runtime, version };
  }

  #podChanged(pod: Pod): void {
    const { uid = '' } = pod.metadata;
    const worker = this.#workers.get(uid);
    if (worker !== undefined) {
      worker.update(pod);
      return;
    }
    if (this.#over.has(uid) || this.#context === undefined) return;
    const left = this.#left.get(uid) ?? [];
    this.#left.delete(uid);
    const added = new PodWorker(this.#context, pod, left);
    this.#add(uid, added);
    for (const { id } of left) this.#bySandbox.set(id, added);
  }

  #add(uid: string, worker: PodWorker): void {
    this.#workers.set(uid, worker);
    void worker.removed.then(() => {
      this.#workers.delete(uid);
      this.#source.forget(uid);
      for (const id of worker.sandboxIds) this.#bySandbox.delete(id);
      // Finalizers may keep the object for a while.
      if (this.#podCache?.get(worker.pod.metadata as ObjectKey)?.metadata.uid === uid) this.#over.add(uid);
    });
    worker.wake();
  }

  #podGone(pod: Pod): void {
    const { uid = '' } = pod.metadata;
    this.#over.delete(uid);
    this.#workers.get(uid)?.gone();
  }

  #runtimeChanged(sandboxId: string): void {
    this.#bySandbox.get(sandboxId)?.wake();
  }

  /** What is left of pods that the API no longer has: sandboxes and directories. */
  async #clearOrphans(): Promise<void> {
    const { runtime, directory } = this.#options;
    const left = [...this.#left.values()].flat();
    this.#left = new Map();
    await Promise.all(
      left.map(async ({ id }) => {
        // Nobody knows their grace period any more: kubelet gives such containers a second.
        const running = (await runtime.listContainers(id)).filter(({ state }) => state === 'running');
        await Promise.all(running.map((container) => runtime.stopContainer(container.id, 1)));
        await runtime.removeSandbox(id);
      }),
    );
    const known = new Set(this.#workers.keys());
    for (const [parent, uidOf] of [
      ['pods', (name: string) => name],
      ['logs', (name: string) => name.slice(name.lastIndexOf('_') + 1)],
    ] as const) {
      for (const name of await readdir(join(directory, parent)).catch(() => [])) {
        if (!known.has(uidOf(name))) await rm(join(directory, parent, name), { recursive: true, force: true });
      }
    }
  }
}
