/**
 * A manager hosts controllers: it shares caches and one client among them, starts them when the caches are in, and stops
 * them when their work is done.
 */
import { setMaxListeners } from 'node:events';
import { type Client, createClient } from '../client/client.ts';
import type { ResourceDefinition, TypedObject } from '../client/definition.ts';
import type { Transport } from '../client/transport.ts';
import { type Clock, systemClock } from '../clock/clock.ts';
import type { Cache, CacheScope } from './cache.ts';
import { Caches } from './caches.ts';
import { Controller, type ControllerOptions } from './controller.ts';
import { EventRecorder } from './events.ts';
import { type LeaderElectionOptions, LeaderElector } from './leader-election.ts';
import { type Logger, silentLogger } from './logger.ts';
import type { ManagerMetrics } from './metrics.ts';

export type ManagerOptions = ({ readonly transport: Transport } | { readonly client: Client }) & {
  /** Who writes: the default field manager, and the component in events. Default `setpoint`. */
  readonly name?: string;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** The namespaces that caches hold. Absent: all. Cluster-scoped kinds are held whole. */
  readonly namespaces?: readonly string[];
  /** pino's shape. Default: silent. */
  readonly logger?: Logger;
  /** Controllers run only while this manager holds the lease. */
  readonly leaderElection?: LeaderElectionOptions;
  /** How long `start` waits for the caches, in milliseconds. Default 2 minutes. */
  readonly syncTimeout?: number;
  /** How long `stop` waits for running reconciles before it aborts their signal, in milliseconds. Default 30 seconds. */
  readonly gracePeriod?: number;
  readonly metrics?: ManagerMetrics;
};

/** How long reconciles may take to end after their signal, in milliseconds. */
const abandonAfter = 5_000;

/** A manager as controllers are declared on it. */
export type ManagerScope = Pick<
  Manager,
  'clock' | 'log' | 'client' | 'events' | 'signal' | 'controller' | 'cache' | 'dropCache'
>;

export class Manager implements AsyncDisposable {
  readonly name: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Writes through this client are seen by the caches at once. */
  readonly client: Client;
  readonly events: EventRecorder;

  readonly #options: ManagerOptions;
  readonly #caches: Caches;
  readonly #controllers = new Map<string, Controller<TypedObject>>();
  readonly #recorders: EventRecorder[] = [];
  readonly #abort = new AbortController();
  readonly #elector: LeaderElector | undefined;
  #stopping: Promise<void> | undefined;
  #state: 'new' | 'starting' | 'running' | 'stopped' = 'new';

  constructor(options: ManagerOptions) {
    const transport = 'transport' in options ? options.transport : options.client.transport;
    this.#options = options;
    // Each running reconcile may listen: many are no leak.
    setMaxListeners(0, this.#abort.signal);
    this.name = options.name ?? 'setpoint';
    this.clock = options.clock ?? systemClock;
    this.log = options.logger ?? silentLogger;
    this.#caches = new Caches({
      client: createClient(transport),
      clock: this.clock,
      log: this.log,
      ...(options.namespaces === undefined ? {} : { namespaces: options.namespaces }),
    });
    this.client = createClient(this.#caches.observe(transport));
    this.events = this.#recorder(this.client);
    this.#elector = options.leaderElection === undefined ? undefined : this.#candidate(options.leaderElection);
  }

  /** Aborted when running reconciles have to end. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** A controller for a kind; it is named after the kind, unless `name` says otherwise. */
  controller<T extends TypedObject>(definition: ResourceDefinition<T>, options?: ControllerOptions): Controller<T>;
  /** A named controller for a kind. */
  controller<T extends TypedObject>(
    name: string,
    options: ControllerOptions & { readonly for: ResourceDefinition<T> },
  ): Controller<T>;
  controller<T extends TypedObject>(
    subject: string | ResourceDefinition<T>,
    options: ControllerOptions & { readonly for?: ResourceDefinition<T> } = {},
  ): Controller<T> {
    return this.#declare(subject, options, this.client, this.events);
  }

  /**
   * This manager for controllers that write as someone else: the same caches, the same life, another client. The transport
   * stays its owner's.
   */
  as(transport: Transport): ManagerScope {
    const client = createClient(this.#caches.observe(transport));
    const events = this.#recorder(client);
    return {
      clock: this.clock,
      log: this.log,
      client,
      events,
      signal: this.signal,
      controller: ((subject: string, options: never) =>
        this.#declare(subject, options, client, events)) as Manager['controller'],
      cache: (definition, scope) => this.cache(definition, scope),
      dropCache: (definition) => this.dropCache(definition),
    };
  }

  #recorder(client: Client): EventRecorder {
    const recorder = new EventRecorder({ client, clock: this.clock, log: this.log, component: this.name });
    this.#recorders.push(recorder);
    return recorder;
  }

  #declare<T extends TypedObject>(
    subject: string | ResourceDefinition<T>,
    options: ControllerOptions & { readonly for?: ResourceDefinition<T> } = {},
    client: Client,
    events: EventRecorder,
  ): Controller<T> {
    const definition = typeof subject === 'string' ? options.for : subject;
    if (definition === undefined) throw new TypeError('manager.controller(name, options): options.for is missing');
    const name = typeof subject === 'string' ? subject : (options.name ?? definition.kind.toLowerCase());
    if (this.#controllers.has(name)) throw new Error(`there is a controller named "${name}" already`);
    if (this.#state !== 'new') throw new Error(`controller "${name}" comes too late: the manager has started`);
    const controller = new Controller(name, definition, options, {
      client,
      clock: this.clock,
      log: this.log,
      events,
      signal: this.#abort.signal,
      caches: this.#caches,
      ...(this.#options.metrics === undefined ? {} : { metrics: this.#options.metrics.controller(name) }),
    });
    this.#controllers.set(name, controller as unknown as Controller<TypedObject>);
    return controller;
  }

  /**
   * The shared cache of a kind. After `start`, a new one starts at once: wait for `whenSynced()`.
   * The same kind and scope answer the same cache.
   */
  cache<T extends TypedObject>(definition: ResourceDefinition<T>, scope?: CacheScope): Cache<T> {
    return this.#caches.open(definition, scope);
  }

  /** Stops the caches of a kind that is no longer served or wanted. */
  dropCache(definition: ResourceDefinition<TypedObject>): void {
    this.#caches.drop(definition);
  }

  /**
   * Resolves when the caches are in and the controllers run (with leader election: stand for election). When the caches do
   * not come in, everything is stopped again.
   */
  async start(): Promise<void> {
    if (this.#state !== 'new') throw new Error('a manager starts once');
    this.#state = 'starting';
    for (const controller of this.#controllers.values()) controller.wire();
    this.#caches.start();
    try {
      await this.#caches.whenSynced(this.#options.syncTimeout ?? 120_000, this.#abort.signal);
    } catch (error) {
      await this.stop();
      throw error;
    }
    if ((this.#state as string) === 'stopped') return;
    this.#state = 'running';
    if (this.#elector === undefined) this.#startControllers();
    else this.#elector.start();
  }

  /** Finishes running reconciles, closes watches, gives the lease back. The transport stays open: it is its owner's. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #stop(): Promise<void> {
    this.#state = 'stopped';
    await this.#drain();
    this.#caches.stop();
    await Promise.all(this.#recorders.map((recorder) => recorder.stop()));
    await this.#elector?.stop();
    this.#abort.abort(new Error('the manager has stopped'));
  }

  /** Resolves when no reconcile runs any more, or when those that do have not ended although they were told to. */
  async #drain(): Promise<void> {
    const { gracePeriod = 30_000 } = this.#options;
    const controllers = [...this.#controllers.values()];
    await new Promise<void>((resolve) => {
      const abort = this.clock.setTimeout(() => this.#abort.abort(new Error('the manager is stopping')), gracePeriod);
      const abandon = this.clock.setTimeout(() => {
        const busy = controllers.filter(({ queue }) => queue.processing > 0).map(({ name }) => name);
        this.log.error({ controllers: busy }, 'reconciles do not end: stopping without them');
        resolve();
      }, gracePeriod + abandonAfter);
      void Promise.all(controllers.map((controller) => controller.stop())).then(() => {
        abort.cancel();
        abandon.cancel();
        resolve();
      });
    });
  }

  #candidate(options: LeaderElectionOptions): LeaderElector {
    return new LeaderElector({
      ...options,
      client: this.client,
      clock: this.clock,
      log: this.log,
      onElected: () => this.#startControllers(),
      onLost: () => {
        this.log.error({}, 'the lease is lost: stopping');
        this.stop().catch((error: unknown) => this.log.error({ error }, 'stop has failed'));
      },
    });
  }

  #startControllers(): void {
    for (const controller of this.#controllers.values()) controller.start();
  }
}
