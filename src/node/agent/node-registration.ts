/**
 * Makes the Node object and keeps it alive: a lease every ten seconds, the status when it changes and every five minutes.
 * Source: kubelet's `kubelet_node_status.go` and `k8s.io/component-helpers/apimachinery/lease`.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Lease, Node } from '../../apis/types.ts';
import type { Client } from '../../client/client.ts';
import { Lease as leases, Node as nodes } from '../../client/kinds.ts';
import { type Clock, formatMicroTime, sleep } from '../../clock/clock.ts';
import type { JsonObject, JsonValue } from '../../machinery/json.ts';
import { StatusError } from '../../machinery/status.ts';
import type { Logger } from '../../runtime/logger.ts';
import { type NodeIdentity, type NodeStatus, nodeObject, nodeStatus } from './node-status.ts';

export interface RegistrationOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly identity: NodeIdentity;
  readonly taints: NonNullable<NonNullable<Node['spec']>['taints']>;
  readonly event: (node: Node, reason: string, message: string) => void;
}

const fieldManager = 'kubelet';
const leaseNamespace = 'kube-node-lease';
const leaseSeconds = 40;
const renewInterval = 10_000;
const statusInterval = 10_000;
const reportInterval = 300_000;
const longestRetry = 7000;

export class NodeRegistration {
  readonly #options: RegistrationOptions;
  readonly #stopped = new AbortController();
  #node: Node | undefined;
  #lease: Lease | undefined;
  #reportedAt = 0;
  #loops: Promise<void>[] = [];

  constructor(options: RegistrationOptions) {
    this.#options = options;
  }

  /** Resolves when the node is registered and ready; tries until then, or until it is stopped. */
  async start(): Promise<void> {
    const { clock, log, event } = this.#options;
    for (let retry = 100; ; retry = Math.min(retry * 2, longestRetry)) {
      try {
        await this.#register();
        break;
      } catch (error) {
        log.warn({ error, retry }, 'the node cannot be registered');
        await sleep(clock, retry, this.#stopped.signal);
      }
    }
    const node = this.#node!;
    event(node, 'Starting', 'Starting kubelet.');
    for (const reason of ['NodeHasSufficientMemory', 'NodeHasNoDiskPressure', 'NodeHasSufficientPID', 'NodeReady']) {
      event(node, reason, `Node ${node.metadata.name} status is now: ${reason}`);
    }
    this.#loops = [
      this.#every(renewInterval, 'the lease of the node cannot be renewed', () => this.#renew()),
      this.#every(statusInterval, 'the status of the node cannot be written', () => this.#update()),
    ];
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await Promise.all(this.#loops);
  }

  async #register(): Promise<void> {
    const { client, clock, identity, taints } = this.#options;
    const wanted = nodeObject(identity);
    const status = await nodeStatus(identity, {}, clock.now());
    const spec = taints.length === 0 ? {} : { taints };
    const api = client.resource(nodes);
    try {
      this.#node = await api.create({ ...wanted, spec, status }, { fieldManager });
      if (this.#node.status?.conditions === undefined) await this.#update();
      else this.#reportedAt = clock.now();
    } catch (error) {
      if (!(error instanceof StatusError) || error.reason !== 'AlreadyExists') throw error;
      // It was here before: what it says of itself is brought up to date, what others have set stays.
      const { labels = {}, annotations = {} } = wanted.metadata;
      this.#node = await api.patch({ name: identity.name }, { metadata: { labels, annotations } }, { fieldManager });
      await this.#update();
    }
  }

  async #update(): Promise<void> {
    const { client, clock, identity } = this.#options;
    // Others write the status, too: a node that was silent for a while is marked Unknown by the node lifecycle controller.
    this.#node = await client.resource(nodes).get({ name: identity.name }, { resourceVersion: '0' });
    const old = this.#node.status ?? {};
    const status = await nodeStatus(identity, old, clock.now());
    const due = clock.now() - this.#reportedAt >= reportInterval;
    if (!due && sameExceptHeartbeat(old, status)) return;
    const patch: JsonObject = { status: statusPatch(old, status) };
    this.#node = await client
      .resource(nodes)
      .patchStatus({ name: identity.name }, patch, { type: 'application/strategic-merge-patch+json', fieldManager });
    this.#reportedAt = clock.now();
  }

  async #renew(): Promise<void> {
    const { client, clock, identity } = this.#options;
    const api = client.resource(leases);
    const key = { namespace: leaseNamespace, name: identity.name };
    const spec = {
      holderIdentity: identity.name,
      leaseDurationSeconds: leaseSeconds,
      renewTime: formatMicroTime(clock.now()),
    };
    try {
      if (this.#lease === undefined) this.#lease = await api.get(key);
      this.#lease = await api.update({ ...this.#lease, spec: { ...this.#lease.spec, ...spec } }, { fieldManager });
    } catch (error) {
      const code = error instanceof StatusError ? error.code : 0;
      this.#lease = undefined;
      // Somebody else has written it: it is read again at once.
      if (code === 409) return this.#renew();
      if (code !== 404) throw error;
      const { uid = '' } = this.#node?.metadata ?? {};
      const owner = { apiVersion: 'v1', kind: 'Node', name: identity.name, uid };
      this.#lease = await api.create({ metadata: { ...key, ownerReferences: [owner] }, spec }, { fieldManager });
    }
  }

  /** Does `work` now and then every `interval`; failures are tried again sooner. */
  async #every(interval: number, failure: string, work: () => Promise<void>): Promise<void> {
    const { clock, log } = this.#options;
    const { signal } = this.#stopped;
    let retry = 200;
    while (!signal.aborted) {
      let wait = interval;
      try {
        await work();
        retry = 200;
      } catch (error) {
        log.warn({ error, retry }, failure);
        wait = retry;
        retry = Math.min(retry * 2, longestRetry);
      }
      // Stopping ends the wait.
      await sleep(clock, wait, signal).catch(() => undefined);
    }
  }
}

function sameExceptHeartbeat(a: NodeStatus, b: NodeStatus): boolean {
  const bare = (status: NodeStatus): unknown => ({
    addresses: status.addresses,
    allocatable: status.allocatable,
    port: status.daemonEndpoints?.kubeletEndpoint?.Port ?? 0,
    nodeInfo: status.nodeInfo,
    conditions: own(status).map(({ type, status: value, reason }) => [type, value, reason]),
  });
  return isDeepStrictEqual(bare(a), bare(b));
}

const ownConditions = ['MemoryPressure', 'DiskPressure', 'PIDPressure', 'Ready'];

function own(status: NodeStatus): NonNullable<NodeStatus['conditions']> {
  return (status.conditions ?? []).filter(({ type }) => ownConditions.includes(type));
}

/** Conditions and addresses are merged by type; addresses that are no more are taken away. */
function statusPatch(old: NodeStatus, status: NodeStatus): JsonObject {
  const addresses = (status.addresses ?? []) as unknown as JsonValue[];
  const changed = old.addresses !== undefined && !isDeepStrictEqual(old.addresses, status.addresses);
  return {
    ...(status as unknown as JsonObject),
    addresses: changed ? [...addresses, { $patch: 'replace' }] : addresses,
  };
}
