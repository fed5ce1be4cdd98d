/** What a reconciler is given: the contexts of `reconciler.ts`, made anew for each reconcile. */
import type { Client } from '../client/client.ts';
import type { ObjectKey, ResourceDefinition, TypedObject } from '../client/definition.ts';
import { type Clock, formatTime } from '../clock/clock.ts';
import { deepEqual, type JsonObject } from '../machinery/json.ts';
import { createMergePatch } from '../machinery/merge-patch.ts';
import type { ApiObject } from '../machinery/object.ts';
import type { Applier } from './applier.ts';
import type { Cache } from './cache.ts';
import type { Condition } from './define-resource.ts';
import type { EventRecorder } from './events.ts';
import { type Logger, withFields } from './logger.ts';
import type { EventType, KeyContext, ReconcileContext } from './reconciler.ts';

/** What contexts need of their controller. */
export interface ContextHost<T extends TypedObject> {
  readonly name: string;
  readonly definition: ResourceDefinition<T>;
  readonly fieldManager: string;
  readonly host: {
    readonly client: Client;
    readonly clock: Clock;
    readonly log: Logger;
    readonly events: EventRecorder;
    readonly signal: AbortSignal;
  };
  readonly applier: Applier;
  /** The cache of a kind that the controller has declared. */
  cacheOf<U extends TypedObject>(definition: ResourceDefinition<U>): Cache<U> | undefined;
}

export class KeyContextOf<T extends TypedObject> implements KeyContext {
  readonly key: ObjectKey;
  readonly controller: ContextHost<T>;
  #log: Logger | undefined;

  constructor(controller: ContextHost<T>, key: ObjectKey) {
    this.controller = controller;
    this.key = key;
  }

  get client(): Client {
    return this.controller.host.client;
  }

  get clock(): Clock {
    return this.controller.host.clock;
  }

  get log(): Logger {
    this.#log ??= withFields(this.controller.host.log, { controller: this.controller.name, ...this.key });
    return this.#log;
  }

  get signal(): AbortSignal {
    return this.controller.host.signal;
  }

  cache<U extends TypedObject>(definition: ResourceDefinition<U>): Cache<U> {
    const cache = this.controller.cacheOf(definition);
    if (cache === undefined) {
      const { kind } = definition;
      throw new Error(`controller "${this.controller.name}" has no cache of ${kind}: declare it with .reads(${kind})`);
    }
    return cache;
  }

  eventFor(about: TypedObject, type: EventType, reason: string, message: string): void {
    this.controller.host.events.record(about, type, reason, message, this.controller.name);
  }
}

export class ObjectContext<T extends TypedObject> extends KeyContextOf<T> implements ReconcileContext<T> {
  readonly object: T;
  #status: Record<string, unknown> | undefined;
  #conditions: Map<string, Omit<Condition, 'lastTransitionTime'>> | undefined;

  constructor(controller: ContextHost<T>, key: ObjectKey, object: T) {
    super(controller, key);
    this.object = object;
  }

  async apply<const U extends readonly TypedObject[]>(...objects: U): Promise<U> {
    return (await Promise.all(
      objects.map((object) => this.controller.applier.apply(this.object, object)),
    )) as unknown as U;
  }

  status(fields: object): void {
    this.#status = { ...this.#status, ...fields };
  }

  condition(type: string, status: boolean | Condition['status'], reason: string, message = ''): void {
    this.#conditions ??= new Map();
    const { generation } = this.object.metadata;
    this.#conditions.set(type, {
      type,
      status: typeof status === 'string' ? status : status ? 'True' : 'False',
      ...(generation === undefined ? {} : { observedGeneration: generation }),
      reason,
      message,
    });
  }

  event(type: EventType, reason: string, message: string): void {
    this.eventFor(this.object, type, reason, message);
  }

  /** Writes what was said about status, as far as it differs from what the server has. */
  async writeStatus(): Promise<void> {
    if (this.#status === undefined && this.#conditions === undefined) return;
    const { definition } = this.controller;
    const latest = this.cache(definition).get(this.key);
    if (latest === undefined || latest.metadata.uid !== this.object.metadata.uid) return;
    const old = ((latest as unknown as ApiObject).status ?? {}) as JsonObject;
    const wanted: Record<string, unknown> = { ...old, ...this.#status };
    if (this.#conditions !== undefined) wanted.conditions = this.#mergeConditions(wanted.conditions as Condition[]);
    const patch = createMergePatch(old, wanted as JsonObject);
    if (patch === undefined) return;
    await this.client.resource(definition).patchStatus(
      this.key,
      {
        // A list in a merge patch replaces the whole list: it must have been made from the latest one.
        ...(patch.conditions === undefined ? {} : { metadata: { resourceVersion: latest.metadata.resourceVersion } }),
        status: patch,
      } as JsonObject,
      { fieldManager: this.controller.fieldManager },
    );
  }

  #mergeConditions(old: readonly Condition[] = []): Condition[] {
    const now = formatTime(this.clock.now());
    const merged = old.map((condition) => {
      const said = this.#conditions!.get(condition.type);
      if (said === undefined) return condition;
      return { ...said, lastTransitionTime: condition.status === said.status ? condition.lastTransitionTime : now };
    });
    for (const said of this.#conditions!.values()) {
      if (!old.some(({ type }) => type === said.type)) merged.push({ ...said, lastTransitionTime: now });
    }
    return deepEqual(merged, old) ? (old as Condition[]) : merged;
  }
}
