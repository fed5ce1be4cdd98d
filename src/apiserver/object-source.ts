/** The watch caches as {@link ObjectSource}: changes are handed on in the turn in which the cache learns of them. */
import type { ObjectHandler, ObjectSource, SourceObject } from '../apis/object-source.ts';
import { type Clock, sleep } from '../clock/clock.ts';
import type { CacheEntry } from './cache-entry.ts';
import type { ResourceRegistry, ServedResource } from './registry.ts';
import type { ServerLog } from './server-log.ts';
import { type CacheWatcher, WatchClosed } from './watch-cache.ts';

/** How long a broken store is left alone, in milliseconds. */
const retryDelay = 1000;

export function objectSource(registry: ResourceRegistry, clock: Clock, log: ServerLog): ObjectSource {
  return {
    async follow(resource, handler) {
      const served = registry.get(resource.group, resource.plural);
      if (served !== undefined) await new Follower(served, handler, clock, log).start();
    },
  };
}

class Follower {
  readonly #served: ServedResource;
  readonly #handler: ObjectHandler;
  readonly #clock: Clock;
  readonly #log: ServerLog;
  #watcher: CacheWatcher | undefined;
  #retain: (() => void) | undefined;

  constructor(served: ServedResource, handler: ObjectHandler, clock: Clock, log: ServerLog) {
    this.#served = served;
    this.#handler = handler;
    this.#clock = clock;
    this.#log = log;
  }

  async start(): Promise<void> {
    const { store } = this.#served;
    const { cache } = store;
    if (this.#handler.keep === true) this.#retain ??= cache.retain();
    await cache.ready();
    for (const entry of cache.range(store.prefix(undefined))) this.#handler.set(this.#view(entry));
    this.#watcher = cache.watch(cache.revision, (ended) => {
      if (ended === undefined) this.#take();
      else if (!(ended instanceof WatchClosed)) void this.#restart(ended);
    });
  }

  #take(): void {
    for (;;) {
      const events = this.#watcher?.take(1000) ?? [];
      if (events.length === 0) return;
      for (const { entry, deleted } of events) {
        if (deleted) this.#handler.delete(this.#view(entry));
        else this.#handler.set(this.#view(entry));
      }
    }
  }

  async #restart(cause: Error): Promise<void> {
    const { names } = this.#served.type;
    for (let error: unknown = cause; ; ) {
      this.#log.error({ resource: names.plural, error: String(error) }, 'changes were lost: reading everything again');
      try {
        this.#handler.reset();
        return await this.start();
      } catch (again) {
        error = again;
        await sleep(this.#clock, retryDelay);
      }
    }
  }

  #view(entry: CacheEntry): SourceObject {
    const { store, type } = this.#served;
    const keep = this.#handler.keep === true;
    const start = store.prefix(undefined).length;
    return {
      key: entry.key.slice(start),
      get object() {
        return keep ? entry.object : entry.peek();
      },
      field(name) {
        const version = type.versions.find(({ name: version }) => version === type.storageVersion)!;
        const found = version.selectableFields.find((field) => field.name === name);
        if (found === undefined) throw new Error(`${type.names.plural} have no selectable field ${name}`);
        return entry.field(name, found.value);
      },
    };
  }
}
