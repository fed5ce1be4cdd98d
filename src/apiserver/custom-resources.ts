/**
 * Custom resources come and go with their definitions.
 *
 * Flow: every change of a CustomResourceDefinition → names accepted or not, conditions and storedVersions written to its
 * status → the compiled {@link ResourceType} registered, replaced or taken away. A definition that is being deleted first
 * loses its objects (finalizer `customresourcecleanup.apiextensions.k8s.io`), then itself.
 */
import type { RequestContext } from '../apis/resource-type.ts';
import type { Clock } from '../clock/clock.ts';
import { compileCrd } from '../crd/compile.ts';

import { crdStatus } from '../crd/status.ts';

import { type CustomResourceDefinition, crdFinalizer, crdGroup } from '../crd/types.ts';
import { deepEqual } from '../machinery/json.ts';
import { isReason } from '../machinery/status.ts';
import type { ResourceRegistry, ServedResource } from './registry.ts';
import { internalWrite, storedVersion } from './resource-access.ts';
import type { ResourceStore, ResourceStoreOptions } from './resource-store.ts';
import { ResourceStore as Store } from './resource-store.ts';
import type { ServerLog } from './server-log.ts';
import type { CacheWatcher } from './watch-cache.ts';

export interface CustomResourcesOptions {
  readonly registry: ResourceRegistry;
  readonly clock: Clock;
  readonly log: ServerLog;
  /** What every resource's store is made with. */
  readonly storeOptions: Omit<ResourceStoreOptions, 'type'>;
}

export class CustomResources {
  readonly #options: CustomResourcesOptions;
  readonly #definitions: ServedResource;
  /** Definitions by name, as they are registered now. */
  readonly #served = new Map<string, { definition: CustomResourceDefinition; plural: string; group: string }>();
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
    if (current.metadata.deletionTimestamp !== undefined) return await this.#cleanUp(current);
    const established = current.status?.conditions?.some(
      ({ type, status: s }) => type === 'Established' && s === 'True',
    );
    if (established === true) this.#register(current);
    else this.#unregister(name);
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

  #register(definition: CustomResourceDefinition): void {
    const name = definition.metadata.name!;
    const { registry, storeOptions } = this.#options;
    const { group, names } = definition.spec;
    const before = this.#served.get(name);
    if (
      before !== undefined &&
      deepEqual(before.definition.spec, definition.spec) &&
      deepEqual(before.definition.status?.acceptedNames, definition.status?.acceptedNames)
    ) {
      return;
    }
    const type = compileCrd(definition);
    const existing = registry.get(group, names.plural);
    let store: ResourceStore;
    if (existing === undefined) store = new Store({ ...storeOptions, type });
    else {
      store = existing.store;
      store.replaceType(type);
    }
    registry.set({ type, store });
    this.#served.set(name, { definition, group, plural: names.plural });
  }

  #unregister(name: string): void {
    const served = this.#served.get(name);
    if (served === undefined) return;
    this.#served.delete(name);
    this.#options.registry.delete(served.group, served.plural)?.store.cache.close();
  }

  #forget(name: string): void {
    this.#unregister(name);
    // Names that it held may be free for another definition now.
    for (const other of this.#others(name)) this.#queue(() => this.#handle(other));
  }

  async #cleanUp(definition: CustomResourceDefinition): Promise<void> {
    const name = definition.metadata.name!;
    const { finalizers = [] } = definition.metadata;
    if (!finalizers.includes(crdFinalizer)) return;
    const served = this.#options.registry.get(definition.spec.group, definition.spec.names.plural);
    if (served !== undefined && this.#served.has(name)) {
      const left = await this.#deleteObjects(served);
      if (left > 0) {
        this.#awaitObjects(served, definition);
        return;
      }
    }
    this.#unregister(name);
    await this.#definitions.store.overwrite(
      undefined,
      name,
      (draft) => {
        draft.metadata.finalizers = (draft.metadata.finalizers ?? []).filter((finalizer) => finalizer !== crdFinalizer);
      },
      this.#context(),
    );
  }

  /** Answers how many objects wait for their own finalizers. */
  async #deleteObjects(served: ServedResource): Promise<number> {
    const { store } = served;
    await store.cache.caughtUp();
    let left = 0;
    for (const entry of store.cache.range(store.prefix(undefined))) {
      const { name, namespace } = entry.peek().metadata;
      try {
        const request = internalWrite(storedVersion(served), namespace, name!, '', this.#context());
        const result = await store.delete({}, request);
        if (!result.removed) left += 1;
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error;
      }
    }
    return left;
  }

  /** Looks again when one of the last objects has gone. */
  #awaitObjects({ store }: ServedResource, definition: CustomResourceDefinition): void {
    const watcher = store.cache.watch(store.cache.revision, (ended) => {
      const gone = ended !== undefined || watcher.take(1000).some(({ deleted }) => deleted);
      if (!gone || this.#stopped) return;
      watcher.close();
      this.#queue(() => this.#handle(definition));
    });
  }

  #context(): RequestContext {
    return {
      now: this.#options.clock.now(),
      user: { name: 'system:apiserver', groups: ['system:masters'] },
      dryRun: false,
    };
  }
}
