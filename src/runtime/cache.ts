/**
 * A local copy of the objects of one kind, kept by an informer: shared, frozen, indexed.
 *
 * Reads are exact about one's own writes. Every write through the manager's client is shown to the caches ({@link
 * ObjectCache.wrote}) before the writer sees the answer: a version that the watch has not delivered yet is laid over the
 * copy, and what the watch delivers later replaces it only when it is newer. "Newer" is the order of resource versions,
 * never time.
 */
import type { ObjectKey, ResourceDefinition, TypedObject } from '../client/definition.ts';
import { compareResourceVersions, isComparable } from './resource-version.ts';

export interface Cache<T extends TypedObject> {
  readonly definition: ResourceDefinition<T>;
  /** Whether the first list is in. Before that, reads answer what is known so far. */
  readonly synced: boolean;
  whenSynced(): Promise<void>;
  get(key: ObjectKey): T | undefined;
  /** Of one namespace, or of all. In no particular order. */
  list(namespace?: string): readonly T[];
  /** Keeps an index: `values` says under which values an object is found. The same name twice answers the same index. */
  index(name: string, values: (object: T) => string | readonly string[] | undefined): Index<T>;
  byIndex(name: string, value: string): readonly T[];
  /** Calls `handlers` for every object there is, then for every change, in order and at once. */
  onChange(handlers: ChangeHandlers<T>): { remove(): void };
}

export interface Index<T> {
  get(value: string): readonly T[];
  /** The values under which something is found. */
  values(): Iterable<string>;
}

/** They are called while the copy is being updated: they must be quick and must not throw. */
export interface ChangeHandlers<T> {
  /** `initial`: the object was there before, it comes with the first list. */
  added?(object: T, initial: boolean): void;
  updated?(object: T, old: T): void;
  /** With the last state known. */
  deleted?(object: T): void;
}

/** Which objects of a kind a cache holds. */
export interface CacheScope {
  /** Absent: all namespaces. */
  readonly namespaces?: readonly string[];
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface ObjectCacheOptions<T> {
  /** One informer feeds each; `''` is all namespaces. */
  readonly sources: readonly string[];
  /** Whether an object that was written belongs to the scope. Default: by namespace only. */
  readonly selects?: (object: T) => boolean;
  /** A handler has thrown. */
  readonly onError: (error: unknown) => void;
}

export class ObjectCache<T extends TypedObject> implements Cache<T> {
  readonly definition: ResourceDefinition<T>;
  readonly #options: ObjectCacheOptions<T>;
  /** By namespace (`''` for cluster-scoped kinds), then by name. */
  readonly #objects = new Map<string, Map<string, T>>();
  readonly #indexes = new Map<string, ObjectIndex<T>>();
  #handlers: readonly ChangeHandlers<T>[] = [];
  /** Up to which resource version each source has told everything. */
  readonly #told = new Map<string, string>();
  /** Objects that our own writes have removed: by uid, up to which version the watch's news of them is old. */
  readonly #removed = new Map<string, string>();
  /** Own writes from before the first list. */
  #early: T[] = [];
  #waiting: { readonly source: string; readonly resourceVersion: string; readonly resolve: () => void }[] = [];
  #all: readonly T[] | undefined;
  #whenSynced: Promise<void>;
  #resolveSynced: () => void = () => undefined;

  constructor(definition: ResourceDefinition<T>, options: ObjectCacheOptions<T>) {
    this.definition = definition;
    this.#options = options;
    this.#whenSynced = new Promise((resolve) => {
      this.#resolveSynced = resolve;
    });
  }

  get synced(): boolean {
    return this.#told.size === this.#options.sources.length;
  }

  whenSynced(): Promise<void> {
    return this.#whenSynced;
  }

  get size(): number {
    let size = 0;
    for (const objects of this.#objects.values()) size += objects.size;
    return size;
  }

  get(key: ObjectKey): T | undefined {
    return this.#objects.get(key.namespace ?? '')?.get(key.name);
  }

  list(namespace?: string): readonly T[] {
    if (namespace !== undefined && namespace !== '') {
      const objects = this.#objects.get(namespace);
      return objects === undefined ? [] : Array.from(objects.values());
    }
    if (this.#all === undefined) {
      const all: T[] = [];
      for (const objects of this.#objects.values()) for (const object of objects.values()) all.push(object);
      this.#all = Object.freeze(all);
    }
    return this.#all;
  }

  index(name: string, values: (object: T) => string | readonly string[] | undefined): Index<T> {
    let index = this.#indexes.get(name);
    if (index === undefined) {
      index = new ObjectIndex(values);
      for (const object of this.list()) index.add(object);
      this.#indexes.set(name, index);
    }
    return index;
  }

  byIndex(name: string, value: string): readonly T[] {
    const index = this.#indexes.get(name);
    if (index === undefined) {
      throw new Error(`the cache of ${this.definition.kind} has no index "${name}": declare it with index()`);
    }
    return index.get(value);
  }

  onChange(handlers: ChangeHandlers<T>): { remove(): void } {
    for (const object of this.list()) handlers.added?.(object, true);
    this.#handlers = [...this.#handlers, handlers];
    return {
      remove: () => {
        this.#handlers = this.#handlers.filter((other) => other !== handlers);
      },
    };
  }

  /** Up to which resource version `source` has told everything; undefined before the first list. */
  told(source: string): string | undefined {
    return this.#told.get(source);
  }

  /** The complete list of a source at `resourceVersion`: what it does not name is gone, unless it is newer than the list. */
  replace(source: string, objects: readonly T[], resourceVersion: string): void {
    const initial = !this.#told.has(source);
    this.#tell(source, resourceVersion);
    const listed = new Set<string>();
    const listedUids = new Set<string>();
    for (const object of objects) {
      const { namespace = '', name = '', uid = '' } = object.metadata;
      listed.add(`${namespace}/${name}`);
      listedUids.add(uid);
      this.#take(object, initial);
    }
    for (const uid of this.#removed.keys()) if (!listedUids.has(uid)) this.#removed.delete(uid);
    for (const [namespace, names] of source === '' ? this.#objects : this.#objectsOf(source)) {
      for (const [name, object] of names) {
        if (listed.has(`${namespace}/${name}`)) continue;
        if (!isNewer(object.metadata.resourceVersion, resourceVersion)) this.#drop(object);
      }
    }
    if (this.synced) {
      const early = this.#early;
      this.#early = [];
      for (const object of early) this.wrote(object);
      this.#resolveSynced();
    }
  }

  /** `ADDED` or `MODIFIED`, from the watch of `source`. */
  changed(source: string, object: T): void {
    this.#tell(source, object.metadata.resourceVersion ?? '');
    this.#take(object, false);
  }

  /** `DELETED`, from the watch of `source`. */
  deleted(source: string, object: T): void {
    const { uid = '', resourceVersion = '' } = object.metadata;
    this.#tell(source, resourceVersion);
    if (this.#removed.size > 0) this.#removed.delete(uid);
    const known = this.get(object.metadata as ObjectKey);
    // Newer: our own write has put it there again, and its news is still on the way.
    if (known === undefined || isNewer(known.metadata.resourceVersion, resourceVersion)) return;
    this.#drop(known, object);
  }

  /** `BOOKMARK`: nothing has changed up to `resourceVersion`. */
  advance(source: string, resourceVersion: string): void {
    this.#tell(source, resourceVersion);
  }

  /** The answer to a write of ours. What the watch has told already, or knows better, is left alone. */
  wrote(object: T): void {
    const { namespace = '', uid = '', resourceVersion } = object.metadata;
    const source = this.#sourceOf(namespace);
    if (source === undefined || !isComparable(resourceVersion)) return;
    const told = this.#told.get(source);
    if (told === undefined || !this.synced) {
      this.#early.push(object);
      return;
    }
    if (!isNewer(resourceVersion, told)) return;
    if (this.#options.selects?.(object) === false) {
      const known = this.get(object.metadata as ObjectKey);
      if (known === undefined || !isNewer(resourceVersion, known.metadata.resourceVersion)) return;
      this.#removed.set(uid, resourceVersion);
      this.#drop(known, object);
      return;
    }
    this.#take(object, false);
  }

  /**
   * A write of ours whose answer is not the object but names its version, as a scale is. Resolves when what is read is not
   * older; undefined when it is so already, or the object is not held here.
   */
  reached(key: ObjectKey, resourceVersion: string): Promise<void> | undefined {
    const source = this.#sourceOf(key.namespace ?? '');
    const known = this.get(key);
    if (source === undefined || known === undefined || !isComparable(resourceVersion)) return undefined;
    const isOlder = (version: string | undefined): boolean => isNewer(resourceVersion, version);
    if (!isOlder(known.metadata.resourceVersion) || !isOlder(this.#told.get(source))) return undefined;
    return new Promise((resolve) => {
      this.#waiting.push({ source, resourceVersion, resolve });
    });
  }

  /** A delete of ours that was answered with a bare Status: the object of this uid is gone, whatever is told about it. */
  removed(key: ObjectKey, uid: string | undefined): void {
    const known = this.get(key);
    if (known === undefined || uid === undefined || known.metadata.uid !== uid) return;
    this.#removed.set(uid, '');
    this.#drop(known);
  }

  #tell(source: string, resourceVersion: string): void {
    this.#told.set(source, resourceVersion);
    if (this.#waiting.length === 0) return;
    this.#waiting = this.#waiting.filter((waiting) => {
      if (waiting.source !== source || isNewer(waiting.resourceVersion, resourceVersion)) return true;
      waiting.resolve();
      return false;
    });
  }

  #sourceOf(namespace: string): string | undefined {
    const sources = this.#options.sources;
    if (sources.length === 1 && sources[0] === '') return '';
    return sources.includes(namespace) ? namespace : undefined;
  }

  #objectsOf(namespace: string): [string, Map<string, T>][] {
    const objects = this.#objects.get(namespace);
    return objects === undefined ? [] : [[namespace, objects]];
  }

  #take(object: T, initial: boolean): void {
    const { namespace = '', name = '', uid = '', resourceVersion } = object.metadata;
    if (this.#removed.size > 0) {
      const until = this.#removed.get(uid);
      if (until === '' || (until !== undefined && !isNewer(resourceVersion, until))) return;
      if (until !== undefined) this.#removed.delete(uid);
    }
    let objects = this.#objects.get(namespace);
    const old = objects?.get(name);
    if (old !== undefined && !mayReplace(resourceVersion, old.metadata.resourceVersion)) return;
    if (objects === undefined) {
      objects = new Map();
      this.#objects.set(namespace, objects);
    }
    objects.set(name, object);
    this.#all = undefined;
    for (const index of this.#indexes.values()) {
      if (old !== undefined) index.remove(old);
      index.add(object);
    }
    for (const handlers of this.#handlers) {
      try {
        if (old === undefined) handlers.added?.(object, initial);
        else handlers.updated?.(object, old);
      } catch (error) {
        this.#options.onError(error);
      }
    }
  }

  /** `last`: the state with which it went, where one is known. */
  #drop(known: T, last: T = known): void {
    const { namespace = '', name = '' } = known.metadata;
    const objects = this.#objects.get(namespace);
    objects?.delete(name);
    if (objects?.size === 0) this.#objects.delete(namespace);
    this.#all = undefined;
    for (const index of this.#indexes.values()) index.remove(known);
    for (const handlers of this.#handlers) {
      try {
        handlers.deleted?.(last);
      } catch (error) {
        this.#options.onError(error);
      }
    }
  }
}

class ObjectIndex<T> implements Index<T> {
  readonly #valuesOf: (object: T) => string | readonly string[] | undefined;
  readonly #byValue = new Map<string, Set<T>>();

  constructor(valuesOf: (object: T) => string | readonly string[] | undefined) {
    this.#valuesOf = valuesOf;
  }

  get(value: string): readonly T[] {
    const found = this.#byValue.get(value);
    return found === undefined ? [] : Array.from(found);
  }

  values(): Iterable<string> {
    return this.#byValue.keys();
  }

  add(object: T): void {
    const values = this.#valuesOf(object);
    if (values === undefined) return;
    if (typeof values === 'string') this.#put(values, object);
    else for (const value of values) this.#put(value, object);
  }

  remove(object: T): void {
    const values = this.#valuesOf(object);
    if (values === undefined) return;
    if (typeof values === 'string') this.#take(values, object);
    else for (const value of values) this.#take(value, object);
  }

  #put(value: string, object: T): void {
    const found = this.#byValue.get(value);
    if (found === undefined) this.#byValue.set(value, new Set([object]));
    else found.add(object);
  }

  #take(value: string, object: T): void {
    const found = this.#byValue.get(value);
    found?.delete(object);
    if (found?.size === 0) this.#byValue.delete(value);
  }
}

/** Versions outside the order are never newer. */
function isNewer(a: string | undefined, b: string | undefined): boolean {
  return isComparable(a) && isComparable(b) && compareResourceVersions(a, b) > 0;
}

/** Whether a version that arrives replaces the one at hand: it is newer, or there is no telling. */
function mayReplace(arriving: string | undefined, known: string | undefined): boolean {
  if (arriving === known) return false;
  return !isComparable(arriving) || !isComparable(known) || compareResourceVersions(arriving, known) > 0;
}
