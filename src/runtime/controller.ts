/**
 * A controller: changes of objects become keys in a work queue, keys become reconciles.
 *
 * The way from a change to the queue is synchronous; reconciles begin after the batch of changes that woke them, so that
 * one reconcile sees them all.
 */
import type { Client } from '../client/client.ts';
import type { ObjectKey, ResourceDefinition, TypedObject } from '../client/definition.ts';
import type { Clock } from '../clock/clock.ts';
import { deepEqual } from '../machinery/json.ts';
import { parseGroupVersion } from '../machinery/object.ts';
import { isReason } from '../machinery/status.ts';
import { Applier } from './applier.ts';
import type { Cache, CacheScope, ChangeHandlers } from './cache.ts';
import type { Caches } from './caches.ts';
import { type ContextHost, KeyContextOf, ObjectContext } from './context.ts';
import type { EventRecorder } from './events.ts';
import { finalizeObject, withFinalizer } from './finalizer.ts';
import { keyText, kindText, parseKey } from './key.ts';
import type { Logger } from './logger.ts';
import type { ControllerMetrics } from './metrics.ts';
import type { Predicate } from './predicate.ts';
import type { KeyReconciler, Reconciler, Result } from './reconciler.ts';
import { type Priority, WorkQueue, type WorkQueueOptions } from './work-queue.ts';

export interface ControllerOptions {
  /** Default: the kind in lower case. */
  readonly name?: string;
  /** How many keys are worked on at the same time. Default 1. */
  readonly concurrency?: number;
  /** Which objects of the controller's own kind are cached. Default: all that the manager's namespaces hold. */
  readonly scope?: CacheScope;
  /** Whose fields these are in server-side apply. Default: the controller's name. */
  readonly fieldManager?: string;
  /** Back-off and rate of retries. */
  readonly queue?: Pick<WorkQueueOptions, 'baseDelay' | 'maxDelay' | 'jitter' | 'retryRate'>;
}

export interface WatchSettings<U> {
  /** Only these changes count. */
  readonly predicate?: Predicate<U>;
  /** Only these objects are cached. */
  readonly scope?: CacheScope;
  /** `owns`: follow every owner reference of the kind, not only the controlling one. */
  readonly everyOwner?: boolean;
}

/** Which objects of the controller's kind a change concerns. */
export type MapToKeys<U> = (object: U) => Iterable<ObjectKey>;

/** What a controller needs from its manager. */
export interface ControllerHost {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: EventRecorder;
  readonly signal: AbortSignal;
  readonly caches: Caches;
  readonly metrics?: ControllerMetrics;
}

/** How many reconciles may begin in one turn of the event loop. */
const turn = 256;

export class Controller<T extends TypedObject> implements ContextHost<T> {
  readonly name: string;
  readonly definition: ResourceDefinition<T>;
  readonly fieldManager: string;
  readonly host: ControllerHost;
  readonly queue: WorkQueue;
  readonly applier: Applier;

  readonly #concurrency: number;
  readonly #wiring: (() => void)[] = [];
  /** The kinds that the reconciler may read, and how much of each is cached. */
  readonly #known = new Map<string, CacheScope | undefined>();
  #predicate: Predicate<T> = {};
  #reconciler: Reconciler<T> | undefined;
  #keyReconciler: KeyReconciler | undefined;
  #finalizer: { readonly name: string; readonly run: Reconciler<T> } | undefined;
  #started = false;
  #woken = false;
  #running = 0;
  /** Reconciles begun since the event loop last had a turn. */
  #inTurn = 0;

  constructor(name: string, definition: ResourceDefinition<T>, options: ControllerOptions, host: ControllerHost) {
    this.name = name;
    this.definition = definition;
    this.fieldManager = options.fieldManager ?? name;
    this.host = host;
    this.#concurrency = options.concurrency ?? 1;
    this.queue = new WorkQueue({
      ...options.queue,
      clock: host.clock,
      ...(host.metrics === undefined ? {} : { metrics: host.metrics.queue }),
    });
    this.queue.onReady = () => this.#wake();
    this.applier = new Applier({
      owner: definition,
      fieldManager: this.fieldManager,
      client: host.client,
      definitionOf: (apiVersion, kind) => host.caches.definitionOf(apiVersion, kind),
      cacheOf: (definition) => this.cacheOf(definition),
    });
    this.reads(definition, options.scope);
  }

  /** Which changes of the controller's own kind count. */
  when(predicate: Predicate<T>): this {
    this.#predicate = predicate;
    return this;
  }

  /** A change of an object of this kind concerns its owner. */
  owns<U extends TypedObject>(definition: ResourceDefinition<U>, settings: WatchSettings<U> = {}): this {
    const { group, kind, namespaced } = this.definition;
    const { everyOwner = false } = settings;
    const owners = (object: U): ObjectKey[] => {
      const keys: ObjectKey[] = [];
      for (const owner of object.metadata.ownerReferences ?? []) {
        if (owner.kind !== kind || parseGroupVersion(owner.apiVersion).group !== group) continue;
        if (!everyOwner && owner.controller !== true) continue;
        keys.push(namespaced ? { namespace: object.metadata.namespace, name: owner.name } : { name: owner.name });
      }
      return keys;
    };
    this.watches(definition, owners, settings);
    this.#wire(definition, { deleted: (object) => this.applier.forget(definition, object) });
    return this;
  }

  /** A change of an object of this kind concerns the objects that `map` names (before and after an update). */
  watches<U extends TypedObject>(
    definition: ResourceDefinition<U>,
    map: MapToKeys<U>,
    { predicate = {}, scope }: WatchSettings<U> = {},
  ): this {
    this.reads(definition, scope);
    const add = (object: U, priority: Priority): void => {
      for (const key of map(object)) this.queue.add(keyText(key), priority);
    };
    this.#wire(definition, {
      added(object, initial) {
        if (predicate.added?.(object) ?? true) add(object, initial ? 'background' : 'fresh');
      },
      updated(object, old) {
        if (!(predicate.updated?.(object, old) ?? true)) return;
        add(old, 'fresh');
        add(object, 'fresh');
      },
      deleted(object) {
        if (predicate.deleted?.(object) ?? true) add(object, 'fresh');
      },
    });
    return this;
  }

  /** The reconciler may read the cache of this kind; its changes cause nothing. */
  reads(definition: ResourceDefinition<TypedObject>, scope?: CacheScope): this {
    const id = kindText(definition);
    if (this.#known.has(id) && scope !== undefined && !deepEqual(this.#known.get(id), scope)) {
      throw new Error(`controller "${this.name}" reads ${definition.kind} in two scopes: declare one`);
    }
    if (!this.#known.has(id)) {
      this.#known.set(id, scope);
      this.#wiring.push(() => this.host.caches.open(definition, scope));
    }
    return this;
  }

  /** Called with the object; not called for objects that are gone or being deleted ({@link finalize} sees the latter). */
  reconcile(reconciler: Reconciler<T>): this {
    this.#reconciler = reconciler;
    return this;
  }

  /** Called with the key, whatever has become of the object. */
  reconcileKey(reconciler: KeyReconciler): this {
    this.#keyReconciler = reconciler;
    return this;
  }

  /**
   * Puts a finalizer on every object before it is reconciled, calls `run` when the object is being deleted, and takes the
   * finalizer off when `run` succeeds without asking to come back. The finalizer's default name is
   * `<group of the kind>/<controller>`.
   */
  finalize(run: Reconciler<T>, name = `${this.definition.group || 'setpoint.dev'}/${this.name}`): this {
    this.#finalizer = { name, run };
    return this;
  }

  /** The cache of a kind that the controller has declared. */
  cacheOf<U extends TypedObject>(definition: ResourceDefinition<U>): Cache<U> | undefined {
    const id = kindText(definition);
    return this.#known.has(id) ? this.host.caches.open(definition, this.#known.get(id)) : undefined;
  }

  /** Opens the caches and listens to them. The manager calls it, before the caches start. */
  wire(): void {
    if (this.#reconciler === undefined && this.#keyReconciler === undefined) {
      throw new Error(`controller "${this.name}" has no reconciler: call reconcile() or reconcileKey()`);
    }
    const byKey = this.#keyReconciler !== undefined;
    if (byKey && (this.#reconciler !== undefined || this.#finalizer !== undefined)) {
      throw new Error(`controller "${this.name}" has reconcileKey(): reconcile() and finalize() would never be called`);
    }
    const predicate = this.#predicate;
    this.#wire(this.definition, {
      added: (object, initial) => {
        if (predicate.added?.(object) ?? true) this.enqueue(object, initial ? 'background' : 'fresh');
      },
      updated: (object, old) => {
        if (predicate.updated?.(object, old) ?? true) this.enqueue(object, 'fresh');
      },
      deleted: (object) => {
        if (!byKey) this.queue.forget(keyText(object.metadata as ObjectKey));
        else if (predicate.deleted?.(object) ?? true) this.enqueue(object, 'fresh');
      },
    });
    for (const wire of this.#wiring) wire();
  }

  /** Asks for a reconcile of one object. */
  enqueue(object: TypedObject, priority: Priority = 'fresh'): void {
    this.queue.add(keyText(object.metadata as ObjectKey), priority);
  }

  start(): void {
    this.#started = true;
    this.#wake();
  }

  /** Resolves when the running reconciles have ended. */
  stop(): Promise<void> {
    return this.queue.shutDown();
  }

  #wire<U extends TypedObject>(definition: ResourceDefinition<U>, handlers: ChangeHandlers<U>): void {
    this.#wiring.push(() => void this.cacheOf(definition)?.onChange(handlers));
  }

  #wake(): void {
    if (this.#woken || !this.#started) return;
    this.#woken = true;
    queueMicrotask(() => {
      this.#woken = false;
      this.#pump();
    });
  }

  #pump(): void {
    while (this.#running < this.#concurrency) {
      if (this.#inTurn >= turn) {
        this.#yield();
        return;
      }
      const text = this.queue.get();
      if (text === undefined) return;
      this.#inTurn += 1;
      this.#running += 1;
      this.host.metrics?.active(this.#running);
      void this.#run(text);
    }
  }

  /** Reconciles that wait for nothing but promises would keep sockets and timers waiting. */
  #yield(): void {
    this.#woken = true;
    setImmediate(() => {
      this.#woken = false;
      this.#inTurn = 0;
      this.#pump();
    });
  }

  /** Never rejects. */
  async #run(text: string): Promise<void> {
    const { clock, log, metrics } = this.host;
    const started = metrics === undefined ? 0 : clock.now();
    let outcome: 'success' | 'error' | 'requeue' | 'requeue_after' = 'success';
    try {
      const result = await this.#reconcile(parseKey(text));
      this.queue.forget(text);
      if (result !== undefined) {
        outcome = 'requeue_after';
        this.queue.addAfter(text, result.requeueAfter);
      }
    } catch (error) {
      // Somebody was faster: not worth a word, only another try.
      const quiet = isReason(error, 'Conflict');
      outcome = quiet ? 'requeue' : 'error';
      const delay = this.queue.addRateLimited(text);
      const fields = { controller: this.name, key: text, error, delay };
      if (quiet) log.debug(fields, 'the object has changed meanwhile');
      else log.error(fields, 'the reconcile has failed');
    }
    metrics?.reconciled(outcome, clock.now() - started);
    this.#running -= 1;
    metrics?.active(this.#running);
    this.queue.done(text);
    this.#wake();
  }

  async #reconcile(key: ObjectKey): Promise<Result> {
    if (this.#keyReconciler !== undefined) return this.#keyReconciler(key, new KeyContextOf(this, key));
    let object = this.cacheOf(this.definition)?.get(key);
    if (object === undefined) return undefined;
    const finalizer = this.#finalizer;
    const client = this.host.client.resource(this.definition);
    if (object.metadata.deletionTimestamp !== undefined) {
      if (finalizer === undefined || !object.metadata.finalizers?.includes(finalizer.name)) return undefined;
      const result = await this.#inContext(finalizer.run, object, key);
      if (result === undefined) await finalizeObject(client, key, finalizer.name);
      return result;
    }
    if (finalizer !== undefined) object = await withFinalizer(client, object, finalizer.name);
    return this.#inContext(this.#reconciler!, object, key);
  }

  /** What the reconciler says about status is written whether it succeeds or not. */
  async #inContext(reconciler: Reconciler<T>, object: T, key: ObjectKey): Promise<Result> {
    const context = new ObjectContext(this, key, object);
    let result: Result;
    try {
      result = await reconciler(object, context);
    } catch (error) {
      await context.writeStatus().catch((failed: unknown) => {
        this.host.log.warn({ controller: this.name, ...key, error: failed }, 'status could not be written');
      });
      throw error;
    }
    await context.writeStatus();
    return result;
  }
}
