/** What a reconciler is given: the contexts of `reconciler.ts`, made anew for each reconcile. */
import type { Client } from '../client/client.ts';
import {
  apiVersionOf,
  keyOf,
  type ObjectKey,
  type ResourceDefinition,
  type TypedObject,
} from '../client/definition.ts';
import { type Clock, formatTime } from '../clock/clock.ts';
import { deepEqual, type JsonObject } from '../machinery/json.ts';
import { createMergePatch } from '../machinery/merge-patch.ts';
import type { ApiObject, OwnerReference } from '../machinery/object.ts';
import type { Cache } from './cache.ts';
import type { Caches } from './caches.ts';
import type { Condition } from './define-resource.ts';
import type { EventRecorder } from './events.ts';
import { keyText, kindId } from './key.ts';
import type { Logger } from './logger.ts';
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
    readonly caches: Caches;
  };
  /** What was applied last, by object. */
  readonly applied: Map<string, { readonly intent: string; readonly resourceVersion: string }>;
  /** Whether the reconciler may read the cache of this kind. */
  knows(definition: ResourceDefinition<TypedObject>): boolean;
}

export class KeyContextOf<T extends TypedObject> implements KeyContext {
  readonly key: ObjectKey;
  readonly controller: ContextHost<T>;

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
    return this.controller.host.log;
  }

  get signal(): AbortSignal {
    return this.controller.host.signal;
  }

  cache<U extends TypedObject>(definition: ResourceDefinition<U>): Cache<U> {
    const cache = this.controller.knows(definition) ? this.controller.host.caches.find(definition) : undefined;
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
    return (await Promise.all(objects.map((object) => this.#apply(object)))) as unknown as U;
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

  async #apply(object: TypedObject): Promise<TypedObject> {
    const { controller } = this;
    const { caches, client } = controller.host;
    const { apiVersion, kind } = object;
    if (apiVersion === undefined || kind === undefined) {
      throw new TypeError(`ctx.apply: ${object.metadata.name ?? 'an object'} has no apiVersion or kind`);
    }
    const definition: ResourceDefinition<TypedObject> =
      caches.definitionOf(apiVersion, kind) ?? (await client.mapper.resourceFor({ apiVersion, kind }));
    const intent = this.#owned(object, definition);
    const key = keyOf(intent);
    // The same intent, and nobody has written since: the server would change nothing.
    const id = `${kindId(definition)}/${keyText(key)}`;
    const cached = controller.knows(definition) ? caches.find(definition)?.get(key) : undefined;
    const text = cached === undefined ? '' : JSON.stringify(intent);
    const last = controller.applied.get(id);
    if (cached !== undefined && last?.intent === text && last.resourceVersion === cached.metadata.resourceVersion) {
      return cached;
    }
    const applied = await client
      .resource(definition)
      .apply(intent as never, { fieldManager: controller.fieldManager, force: true });
    if (controller.knows(definition)) {
      controller.applied.set(id, {
        intent: text === '' ? JSON.stringify(intent) : text,
        resourceVersion: applied.metadata.resourceVersion ?? '',
      });
    }
    return applied;
  }

  /** A copy of `object` with the owner's namespace and an owner reference. */
  #owned(object: TypedObject, definition: ResourceDefinition<TypedObject>): TypedObject {
    const owner = this.object.metadata;
    const namespace = definition.namespaced ? (object.metadata.namespace ?? owner.namespace) : undefined;
    if (owner.namespace !== undefined && namespace !== owner.namespace) {
      const place = namespace === undefined ? 'cluster-scoped' : `in namespace ${namespace}`;
      throw new Error(
        `ctx.apply: ${definition.kind} ${object.metadata.name} is ${place} and cannot be owned by an object in namespace ${owner.namespace}: apply it with ctx.client`,
      );
    }
    const { definition: kind } = this.controller;
    const reference: OwnerReference = {
      apiVersion: apiVersionOf(kind),
      kind: kind.kind,
      name: owner.name ?? '',
      uid: owner.uid ?? '',
      controller: true,
      blockOwnerDeletion: true,
    };
    const others = (object.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== reference.uid);
    return {
      ...object,
      metadata: {
        ...object.metadata,
        ...(namespace === undefined ? {} : { namespace }),
        ownerReferences: [...others, reference],
      },
    };
  }
}
