/**
 * Custom resources come and go with their definitions.
 *
 * Flow: every change of a CustomResourceDefinition → names accepted or not, conditions and storedVersions written to its
 * status → the compiled {@link ResourceType} registered, replaced or taken away. A definition that is being deleted first
 * loses its objects (finalizer `customresourcecleanup.apiextensions.k8s.io`), then itself.
 */
import type { Authorizer } from '../apis/authorizer.ts';
import type { RequestContext, ResourceType } from '../apis/resource-type.ts';
import type { Clock } from '../clock/clock.ts';
import { compileCrd } from '../crd/compile.ts';
import type { CallWebhook } from '../crd/conversion-review.ts';
import { type Condition, crdStatus, findCondition, terminatingConditions, withCondition } from '../crd/status.ts';
import {
  type CustomResourceDefinition,
  type CustomResourceDefinitionConditionType,
  type CustomResourceDefinitionSpec,
  crdFinalizer,
  crdGroup,
} from '../crd/types.ts';
import { WebhookClient } from '../crd/webhook-client.ts';
import { deepEqual } from '../machinery/json.ts';
import { isReason } from '../machinery/status.ts';
import type { ResourceRegistry, ServedResource } from './registry.ts';
import { internalWrite, storedVersion } from './resource-access.ts';
import type { ResourceStore, ResourceStoreOptions } from './resource-store.ts';
import { ResourceStore as Store } from './resource-store.ts';
import type { ServerLog } from './server-log.ts';
import { serviceResolver } from './service-resolver.ts';
import type { CacheWatcher, WatchCache } from './watch-cache.ts';

export interface CustomResourcesOptions {
  readonly registry: ResourceRegistry;
  readonly clock: Clock;
  readonly log: ServerLog;
  readonly authorizer: Authorizer;
  /** What every resource's store is made with. */
  readonly storeOptions: Omit<ResourceStoreOptions, 'type'>;
  /** Whether an IP address may be called as a conversion webhook. */
  readonly webhookTarget: (address: string) => boolean;
}

export class CustomResources {
  readonly #options: CustomResourcesOptions;
  readonly #definitions: ServedResource;
  /** Definitions by name, as they are registered now. */
  readonly #served = new Map<string, Served>();
  /** Deleted definitions whose objects are going. */
  readonly #emptying = new Set<string>();
  #watcher: CacheWatcher | undefined;
  #stopped = false;
  /** Changes are handled one after the other: whether names clash depends on the order. */
  #work: Promise<void> = Promise.resolve();

  constructor(options: CustomResourcesOptions) {
    const definitions = options.registry.get(crdGroup, 'customresourcedefinitions');
    if (definitions === undefined) throw new Error('CustomResourceDefinition itself is not served');
    this.#options = options;
    this.#definitions = definitions;
  }

  /** Resolves when every definition there is has been registered. */
  async start(): Promise<void> {
    const { cache } = this.#definitions.store;
    await cache.ready();
    const from = cache.revision;
    const present = cache.range(this.#definitions.store.prefix(undefined));
    this.#listen(from);
    for (const entry of present) await this.#handle(entry.object as CustomResourceDefinition);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#watcher?.close();
    await this.#work;
  }

  #listen(from: number): void {
    const { cache } = this.#definitions.store;
    this.#watcher = cache.watch(from, (ended) => {
      if (this.#stopped) return;
      if (ended !== undefined) {
        this.#restart();
        return;
      }
      for (const event of this.#watcher?.take(1000) ?? []) {
        const definition = event.entry.object as CustomResourceDefinition;
        this.#queue(() => (event.deleted ? this.#forget(definition.metadata.name!) : this.#handle(definition)));
      }
    });
  }

  /** The cache has lost its place in the store: look at everything again. */
  #restart(): void {
    this.#queue(async () => {
      if (!this.#stopped) await this.start();
    });
  }

  #queue(step: () => void | Promise<void>): void {
    this.#work = this.#work.then(step).catch((error: unknown) => {
      const cause = error instanceof Error ? error.stack : String(error);
      this.#options.log.error({ error: cause }, 'a custom resource definition could not be handled');
    });
  }

  /** Brings status, registration and (for a definition that goes) its objects in line with the definition. */
  async #handle(seen: CustomResourceDefinition): Promise<void> {
    const name = seen.metadata.name!;
    const { store } = this.#definitions;
    const definition = store.cache.get(store.key(undefined, name))?.object as CustomResourceDefinition | undefined;
    if (definition === undefined) return this.#forget(name);
    const others = this.#others(name);
    const status = crdStatus(definition, others, this.#options.clock.now());
    let current = definition;
    if (!deepEqual(status, definition.status)) current = await this.#writeStatus(name, others);
    if (isTrue(current, 'Established')) await this.#register(current);
    else this.#unregister(name);
    if (current.metadata.deletionTimestamp !== undefined) await this.#cleanUp(current);
  }

  #others(name: string): CustomResourceDefinition[] {
    const { store } = this.#definitions;
    return store.cache
      .range(store.prefix(undefined))
      .map((entry) => entry.object as CustomResourceDefinition)
      .filter((other) => other.metadata.name !== name);
  }

  async #writeStatus(name: string, others: readonly CustomResourceDefinition[]): Promise<CustomResourceDefinition> {
    const context = this.#context();
    const entry = await this.#definitions.store.overwrite(
      undefined,
      name,
      (draft) => {
        draft.status = crdStatus(draft as CustomResourceDefinition, others, context.now);
      },
      context,
    );
    return entry.object as CustomResourceDefinition;
  }

  /** A definition that changes nothing of what is served changes nothing here: requests and watches go on. */
  async #register(definition: CustomResourceDefinition): Promise<void> {
    const name = definition.metadata.name!;
    const { registry, storeOptions } = this.#options;
    const terminating = isTrue(definition, 'Terminating');
    const spec = { ...definition.spec, names: definition.status?.acceptedNames ?? definition.spec.names };
    const before = this.#served.get(name);
    const sameSpec = before !== undefined && deepEqual(before.spec, spec);
    if (sameSpec && before.terminating === terminating) return;
    const webhook = sameSpec ? before.webhook : this.#webhookOf(spec);
    const compiled = sameSpec ? before.type : compileCrd({ ...definition, spec }, callOf(webhook));
    const type: ResourceType = { ...compiled, terminating };
    this.#served.set(name, { spec, type, terminating, webhook });
    const existing = registry.get(spec.group, spec.names.plural);
    let store: ResourceStore;
    if (existing === undefined) store = new Store({ ...storeOptions, type });
    else {
      store = existing.store;
      store.replaceType(type);
      if (before !== undefined && !sameSchemas(before.spec, spec)) await store.cache.refit();
    }
    registry.set({ type, store });
    if (before?.webhook !== webhook) before?.webhook?.close();
  }

  #webhookOf({ conversion }: CustomResourceDefinitionSpec): WebhookClient | undefined {
    const config = conversion?.strategy === 'Webhook' ? conversion.webhook?.clientConfig : undefined;
    if (config === undefined) return undefined;
    const { clock, storeOptions, webhookTarget } = this.#options;
    return new WebhookClient(config, {
      clock,
      resolveService: serviceResolver(storeOptions.access),
      allowedTarget: webhookTarget,
    });
  }

  #unregister(name: string): void {
    const served = this.#served.get(name);
    if (served === undefined) return;
    this.#served.delete(name);
    served.webhook?.close();
    this.#options.registry.delete(served.spec.group, served.spec.names.plural)?.store.cache.close();
  }

  #forget(name: string): void {
    this.#unregister(name);
    // Names that it held may be free for another definition now.
    for (const other of this.#others(name)) this.#queue(() => this.#handle(other));
  }

  /** Deletes the objects of a definition in the background: other definitions do not wait for that. */
  async #cleanUp(definition: CustomResourceDefinition): Promise<void> {
    const name = definition.metadata.name!;
    const { finalizers = [] } = definition.metadata;
    if (!finalizers.includes(crdFinalizer) || this.#emptying.has(name)) return;
    await this.#writeCondition(name, terminatingConditions.inProgress);
    const served = this.#options.registry.get(definition.spec.group, definition.spec.names.plural);
    if (served === undefined || !this.#served.has(name)) return await this.#finish(name);
    this.#emptying.add(name);
    this.#empty(served)
      .then(
        () => this.#queue(() => this.#finish(name)),
        (error: unknown) => this.#queue(() => this.#retryCleanUp(definition, error)),
      )
      .finally(() => this.#emptying.delete(name));
  }

  async #retryCleanUp(definition: CustomResourceDefinition, error: unknown): Promise<void> {
    if (this.#stopped) return;
    const why = error instanceof Error ? error.message : String(error);
    await this.#writeCondition(definition.metadata.name!, terminatingConditions.failed(why));
    this.#options.clock.setTimeout(() => {
      if (!this.#stopped) this.#queue(() => this.#handle(definition));
    }, retryMilliseconds);
  }

  /** The last write of a definition: nothing is left of what it defined. */
  async #finish(name: string): Promise<void> {
    if (this.#stopped) return;
    const context = this.#context();
    this.#unregister(name);
    const { store } = this.#definitions;
    if (store.cache.get(store.key(undefined, name)) === undefined) return;
    await store.overwrite(
      undefined,
      name,
      (draft) => {
        setCondition(draft as CustomResourceDefinition, terminatingConditions.completed, context.now);
        draft.metadata.finalizers = (draft.metadata.finalizers ?? []).filter((finalizer) => finalizer !== crdFinalizer);
      },
      context,
    );
  }

  async #writeCondition(name: string, condition: Condition): Promise<void> {
    const context = this.#context();
    await this.#definitions.store.overwrite(
      undefined,
      name,
      (draft) => setCondition(draft as CustomResourceDefinition, condition, context.now),
      context,
    );
  }

  /** Resolves when the resource has no objects any more: those with finalizers of their own take their time. */
  async #empty(served: ServedResource): Promise<void> {
    const { cache } = served.store;
    while (!this.#stopped) {
      await cache.caughtUp();
      const from = cache.revision;
      await this.#deleteObjects(served);
      if (cache.size === 0) return;
      await deletionAfter(cache, from);
    }
  }

  async #deleteObjects(served: ServedResource): Promise<void> {
    const { store } = served;
    const version = storedVersion(served);
    const pending = store.cache.range(store.prefix(undefined));
    const worker = async (): Promise<void> => {
      for (let entry = pending.pop(); entry !== undefined; entry = pending.pop()) {
        const { name, namespace, deletionTimestamp } = entry.peek().metadata;
        if (deletionTimestamp !== undefined) continue;
        try {
          await store.delete({}, internalWrite(version, namespace, name!, '', this.#context()));
        } catch (error) {
          if (!isReason(error, 'NotFound')) throw error;
        }
      }
    };
    await Promise.all(Array.from({ length: deleteWorkers }, worker));
  }

  #context(): RequestContext {
    return {
      now: this.#options.clock.now(),
      user: { name: 'system:apiserver', groups: ['system:masters'] },
      dryRun: false,
      authorizer: this.#options.authorizer,
    };
  }
}

interface Served {
  readonly spec: CustomResourceDefinitionSpec;
  readonly type: ResourceType;
  readonly terminating: boolean;
  readonly webhook: WebhookClient | undefined;
}

const deleteWorkers = 16;
const retryMilliseconds = 5000;

function isTrue(definition: CustomResourceDefinition, type: CustomResourceDefinitionConditionType): boolean {
  return findCondition(definition, type)?.status === 'True';
}

function setCondition(draft: CustomResourceDefinition, condition: Condition, now: number): void {
  draft.status = { ...draft.status, conditions: withCondition(draft.status?.conditions ?? [], condition, now) };
}

function callOf(webhook: WebhookClient | undefined): CallWebhook | undefined {
  return webhook === undefined ? undefined : (review) => webhook.post(review);
}

/** Whether stored objects are read the same way by both. */
function sameSchemas(a: CustomResourceDefinitionSpec, b: CustomResourceDefinitionSpec): boolean {
  return deepEqual(schemasOf(a), schemasOf(b));
}

function schemasOf({ versions, preserveUnknownFields }: CustomResourceDefinitionSpec): unknown {
  return [preserveUnknownFields === true, Object.fromEntries(versions.map(({ name, schema }) => [name, schema]))];
}

/** Resolves at the next deletion after `revision`, and when the cache is closed. */
function deletionAfter(cache: WatchCache, revision: number): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!watcher.take(1000).some(({ deleted }) => deleted)) return;
      watcher.close();
      resolve();
    };
    const watcher = cache.watch(revision, (ended) => (ended === undefined ? look() : resolve()));
    look();
  });
}
