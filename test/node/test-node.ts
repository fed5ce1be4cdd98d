/** A node agent against a real API server in this process, with a store in memory and a clock of the test's choice. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { builtinTypes } from '../../src/apis/index.ts';
import type { ContainerStatus, Pod } from '../../src/apis/types.ts';
import { createServer } from '../../src/apiserver/server.ts';
import { type Client, createClient } from '../../src/client/client.ts';
import { inProcessTransport } from '../../src/client/in-process.ts';
import * as kinds from '../../src/client/kinds.ts';
import type { Clock } from '../../src/clock/clock.ts';
import { ephemeralKeys } from '../../src/cluster/service-account-keys.ts';
import { StatusError } from '../../src/machinery/status.ts';
import { NodeAgent, type NodeAgentOptions } from '../../src/node/agent/agent.ts';
import type { ContainerRuntime } from '../../src/node/container-runtime.ts';
import type { Logger } from '../../src/runtime/logger.ts';
import { openMemoryStore } from '../../src/storage/index.ts';

type PodSpec = NonNullable<Pod['spec']>;
type Container = PodSpec['containers'][number];

export interface SaidEvent {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly about: string;
  readonly fieldPath: string;
  readonly count: number;
}

export class TestNode {
  readonly client: Client;
  readonly clock: Clock;
  readonly directory: string;
  readonly runtime: ContainerRuntime;
  /** What the agent has logged as an error. */
  readonly errors: unknown[] = [];
  agent: NodeAgent;
  readonly #options: Partial<NodeAgentOptions>;
  readonly #closeServer: () => Promise<void>;

  private constructor(
    client: Client,
    clock: Clock,
    directory: string,
    runtime: ContainerRuntime,
    options: Partial<NodeAgentOptions>,
    closeServer: () => Promise<void>,
  ) {
    this.client = client;
    this.clock = clock;
    this.directory = directory;
    this.runtime = runtime;
    this.#options = options;
    this.#closeServer = closeServer;
    this.agent = this.newAgent();
  }

  static async start(
    clock: Clock,
    runtimeOf: (directory: string) => Promise<ContainerRuntime> | ContainerRuntime,
    options: Partial<NodeAgentOptions> = {},
  ): Promise<TestNode> {
    const directory = await mkdtemp(join(tmpdir(), 'setpoint-node-'));
    const store = openMemoryStore({ clock });
    const serviceAccounts = { issuers: ['https://api'], keys: ephemeralKeys() };
    const server = createServer({ store, types: builtinTypes(), clock, serviceAccounts });
    await server.start();
    const transport = inProcessTransport(server, { user: { name: 'test', groups: ['system:masters'] } });
    const client = createClient(transport);
    for (const name of ['default', 'kube-node-lease'])
      await client.resource(kinds.Namespace).create({ metadata: { name } });
    const runtime = await runtimeOf(join(directory, 'runtime'));
    const node = new TestNode(client, clock, directory, runtime, options, async () => {
      await transport.close();
      await server.stop();
      await store.close();
    });
    await node.agent.start();
    return node;
  }

  /** Another agent on the same directory and runtime, not started. */
  newAgent(): NodeAgent {
    const error: Logger['error'] = (fields) => this.errors.push(fields);
    return new NodeAgent({
      transport: this.client.transport,
      runtime: this.runtime,
      clock: this.clock,
      nodeName: 'node-1',
      directory: join(this.directory, 'agent'),
      log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error },
      ...this.#options,
    });
  }

  async close(): Promise<void> {
    await this.agent.stop();
    for (const { id } of await this.runtime.listSandboxes()) await this.runtime.removeSandbox(id);
    await this.runtime.close();
    await this.#closeServer();
    await rm(this.directory, { recursive: true, force: true });
    assert.deepEqual(this.errors, []);
  }

  get pods() {
    return this.client.resource(kinds.Pod);
  }

  /** Binds a pod to the node; `containers` may be given as partial specs named in order. */
  async createPod(name: string, spec: Partial<PodSpec> = {}, metadata: Partial<Pod['metadata']> = {}): Promise<Pod> {
    return await this.pods.create({
      metadata: { name, namespace: 'default', ...metadata },
      spec: { nodeName: 'node-1', containers: [container('main')], ...spec },
    });
  }

  async pod(name: string): Promise<Pod> {
    return await this.pods.get({ namespace: 'default', name });
  }

  async podOrNothing(name: string): Promise<Pod | undefined> {
    try {
      return await this.pod(name);
    } catch (error) {
      if (error instanceof StatusError && error.code === 404) return undefined;
      throw error;
    }
  }

  /** The pod, as soon as `condition` holds for it. */
  async untilPod(name: string, condition: (pod: Pod) => unknown): Promise<Pod> {
    return await until(
      async () => {
        const pod = await this.podOrNothing(name);
        return pod !== undefined && condition(pod) ? pod : undefined;
      },
      async () => JSON.stringify((await this.podOrNothing(name))?.status, undefined, 1),
    );
  }

  async untilGone(name: string): Promise<void> {
    await until(
      async () => (await this.podOrNothing(name)) === undefined,
      async () => JSON.stringify(await this.podOrNothing(name), undefined, 1),
    );
  }

  async events(): Promise<SaidEvent[]> {
    const { items } = await this.client.resource(kinds.Event).list({});
    return items.map((event) => ({
      type: event.type ?? '',
      reason: event.reason ?? '',
      message: event.message ?? '',
      about: event.involvedObject.name ?? '',
      fieldPath: event.involvedObject.fieldPath ?? '',
      count: event.count ?? 0,
    }));
  }

  async untilEvent(reason: string, about?: string): Promise<SaidEvent> {
    return await until(
      async () => (await this.events()).find((e) => e.reason === reason && (about === undefined || e.about === about)),
      async () => JSON.stringify(await this.events(), undefined, 1),
    );
  }
}

export function container(name: string, more: Partial<Container> = {}): Container {
  return { name, image: 'image:1', ...more };
}

export function statusOf(pod: Pod, name = 'main'): ContainerStatus {
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
  const found = [...containerStatuses, ...initContainerStatuses].find((status) => status.name === name);
  assert.ok(found, `the pod has a status of container ${name}`);
  return found;
}

/** Type, status, reason and message of the conditions, in order. */
export function conditionsOf(pod: Pod): string[] {
  return (pod.status?.conditions ?? []).map(({ type, status, reason, message }) =>
    [type, status, reason, message].filter((text) => text !== undefined).join(' '),
  );
}

export async function until<T>(
  what: () => Promise<T | undefined | false>,
  describe: () => Promise<string | undefined> = async () => '',
): Promise<T> {
  for (const end = Date.now() + 8000; Date.now() < end; await wait(2)) {
    const found = await what();
    if (found !== undefined && found !== false) return found;
  }
  throw new Error(`the condition did not come about: ${await describe()}`);
}
