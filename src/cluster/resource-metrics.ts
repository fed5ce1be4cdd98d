/**
 * What metrics.k8s.io tells, measured as metrics-server measures: every node is asked at once in a while what it has used
 * up to then, and two answers make a rate. A node that does not answer has no metrics until it does.
 */
import type { MetricsProvider, NodeUsage, PodUsage } from '../apis/index.ts';
import type { Client } from '../client/client.ts';
import { Node } from '../client/kinds.ts';
import { type Clock, sleep } from '../clock/clock.ts';
import type { ResourceUsage } from '../node/agent/resource-usage.ts';
import { type RatedResources, rateUsage } from '../node/usage-rate.ts';
import type { Logger } from '../runtime/logger.ts';

/** Who can be asked what a node has used. */
export interface NodeMeter {
  resourceUsage(nodeName: string, signal: AbortSignal): Promise<ResourceUsage>;
}

export interface ResourceMetricsOptions {
  readonly meter: NodeMeter;
  readonly clock: Clock;
  readonly log: Logger;
  /** Milliseconds between measurements; default 15,000. */
  readonly resolution?: number;
}

interface Measured {
  readonly usage: ResourceUsage;
  readonly rated: RatedResources;
}

const nodesAtOnce = 16;
/** Of the resolution, as metrics-server's 10 s of its 15. */
const patience = 2 / 3;

export class ResourceMetrics implements MetricsProvider {
  readonly #options: ResourceMetricsOptions;
  readonly #resolution: number;
  readonly #stopping = new AbortController();
  #nodes: ReadonlyMap<string, Measured> = new Map();
  #pods: ReadonlyMap<string, PodUsage> = new Map();
  #running: Promise<void> = Promise.resolve();

  constructor(options: ResourceMetricsOptions) {
    this.#options = options;
    this.#resolution = options.resolution ?? 15_000;
  }

  node(name: string): NodeUsage | undefined {
    return this.#nodes.get(name)?.rated.node;
  }

  pod(namespace: string, name: string): PodUsage | undefined {
    return this.#pods.get(`${namespace}/${name}`);
  }

  /** Measures until it is stopped. `client` lists the nodes. */
  start(client: Client): void {
    this.#running = this.#run(client);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(client: Client): Promise<void> {
    const { clock, log } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const next = clock.now() + this.#resolution;
      try {
        const { items } = await client.resource(Node).list();
        await this.measure(items.map(({ metadata }) => metadata.name ?? ''));
      } catch (error) {
        if (!signal.aborted) log.warn({ error }, 'the nodes could not be listed for their metrics');
      }
      await sleep(clock, Math.max(0, next - clock.now()), signal).catch(() => undefined);
    }
  }

  /** Asks these nodes, some at a time; what others have used is forgotten. */
  async measure(names: readonly string[]): Promise<void> {
    const measured = new Map<string, Measured>();
    const waiting = names.values();
    const worker = async (): Promise<void> => {
      for (const name of waiting) {
        const found = await this.#ask(name);
        if (found !== undefined) measured.set(name, found);
      }
    };
    await Promise.all(Array.from({ length: Math.min(nodesAtOnce, names.length) }, worker));
    this.#nodes = measured;
    this.#pods = new Map([...measured.values()].flatMap(podsOf));
  }

  async #ask(name: string): Promise<Measured | undefined> {
    const { meter, clock, log } = this.#options;
    const late = new AbortController();
    const timer = clock.setTimeout(
      () => late.abort(new Error('context deadline exceeded')),
      this.#resolution * patience,
    );
    const signal = AbortSignal.any([late.signal, this.#stopping.signal]);
    try {
      const usage = await meter.resourceUsage(name, signal);
      return { usage, rated: rateUsage(usage, this.#nodes.get(name)?.usage, this.#resolution) };
    } catch (error) {
      if (!this.#stopping.signal.aborted) log.warn({ error, node: name }, 'a node does not say what it uses');
      return undefined;
    } finally {
      timer.cancel();
    }
  }
}

/** A pod has metrics when each of its containers that run has. */
function podsOf({ usage, rated }: Measured): [string, PodUsage][] {
  const running = new Map<string, number>();
  for (const { namespace, pod } of usage.containers) {
    const key = `${namespace}/${pod}`;
    running.set(key, (running.get(key) ?? 0) + 1);
  }
  return [...rated.pods].flatMap(([key, byName]): [string, PodUsage][] => {
    if (byName.size < running.get(key)!) return [];
    const containers = Array.from(byName, ([name, { cpuNanocores, memoryBytes }]) => ({
      name,
      cpuNanocores,
      memoryBytes,
    }));
    // Of the containers' windows, the one that ended first.
    const { time, windowMilliseconds } = [...byName.values()].reduce((one, other) =>
      other.time < one.time ? other : one,
    );
    return [[key, { time, windowMilliseconds, containers }]];
  });
}
