/**
 * The watch cache of one resource: every object as a {@link CacheEntry} in key order, and a window of recent events.
 *
 * Flow: one list and one watch on the store fill it; reads are served from it without touching the store; watchers are
 * cursors into the event window.
 *
 * Guarantees:
 * - A write that has been acknowledged is in the cache (the store delivers its events first).
 * - {@link WatchCache.caughtUp} makes reads linearizable: it resolves when the cache shows the store's latest revision.
 * - A watcher sees every event after its start, in order, exactly once, or is ended with 410 Expired when it has fallen
 *   out of the window. Nothing is buffered for it: a slow watcher is only a cursor that lags.
 */

import type { ResourceType } from '../apis/resource-type.ts';
import type { Clock } from '../clock/clock.ts';
import { goQuote } from '../machinery/go-text.ts';
import type { ApiObject } from '../machinery/object.ts';
import { expired, internalError, type StatusError, serviceUnavailable } from '../machinery/status.ts';
import { BTree } from '../storage/btree.ts';
import type { KeyValue, Revision, Store, StoreEvent, StoreWatch } from '../storage/store.ts';
import { CompactedError } from '../storage/store.ts';
import { type CacheEntry, entryOf, fittedEntry } from './cache-entry.ts';

export interface CacheEvent {
  readonly revision: Revision;
  /** What the object is now; for a delete, what it was, with the delete's revision. */
  readonly entry: CacheEntry;
  readonly previous: CacheEntry | undefined;
  readonly deleted: boolean;
  /** When it came, for the window's age. */
  readonly at: number;
  /** Encodings shared by all watchers of this event, by format. */
  readonly frames: Map<string, Buffer>;
}

/** A cursor into the event window. `wake` is called whenever there is more to take, and once when the end has come. */
export interface CacheWatcher {
  /** The next events, at most `max`; empty when there are none yet. Throws 410 when the cursor has left the window. */
  take(max: number): readonly CacheEvent[];
  /** Everything at or below this revision has been taken. */
  readonly revision: Revision;
  /** Whether the cursor has left the window: what it has not taken is gone. */
  readonly lost: boolean;
  close(): void;
}

const windowEvents = 10_000;
const windowMilliseconds = 5 * 60_000;
const minimumWindow = 200;
/** How many objects are read again before others have their turn: about a millisecond's work. */
const refitBatch = 32;

export class WatchCache {
  readonly #store: Store;
  readonly #prefix: string;
  readonly #clock: Clock;
  readonly #entries = new BTree<string, CacheEntry>(undefined, undefined, 64);
  /** Keys whose values cannot be read, and why. */
  readonly #unreadable = new Map<string, Error>();
  /** Objects on their way into the store, so that their own event need not parse them again. */
  readonly #written = new WeakMap<Uint8Array, { readonly object: ApiObject; readonly type: ResourceType }>();
  readonly #watchers = new Set<Cursor>();
  #events: CacheEvent[] = [];
  /** The position of `#events[0]`: how many events have been dropped from the window. */
  #dropped = 0;
  /** Events at or below this revision are not in the window. */
  #windowStart: Revision = 0;
  #revision: Revision = 0;
  #watch: StoreWatch | undefined;
  #ready: Promise<void> | undefined;
  #failure: Error | undefined;
  #filled = false;
  #closed = false;
  /** Set while a reader in this process keeps parsed objects. */
  #retain = 0;
  #type: ResourceType;

  constructor(store: Store, prefix: string, clock: Clock, type: ResourceType) {
    this.#store = store;
    this.#type = type;
    this.#prefix = prefix;
    this.#clock = clock;
  }

  /** Resolves when the cache is filled; starts to fill it on the first call. */
  ready(): Promise<void> {
    this.#ready ??= this.#fill().catch((error: unknown) => {
      this.#ready = undefined;
      throw error;
    });
    return this.#ready;
  }

  /** Whether it holds what the store holds, as far as is known. */
  get filled(): boolean {
    return this.#filled;
  }

  /** The revision of the last change to an object here, or of the first look at the store. */
  get changed(): Revision {
    return this.#revision;
  }

  /** Resolves when the cache shows the store's latest revision (a consistent read, KEP-2340). */
  async caughtUp(): Promise<Revision> {
    await this.ready();
    const latest = await this.#store.revision();
    await this.reached(latest);
    return latest;
  }

  /** Resolves when the cache shows `revision`. */
  async reached(revision: Revision): Promise<void> {
    if (this.revision >= revision) return;
    await this.#watch?.reached(revision);
    if (this.#failure !== undefined) throw serviceUnavailable(`the watch cache failed: ${this.#failure.message}`);
  }

  /** The revision that the cache shows. */
  get revision(): Revision {
    return Math.max(this.#revision, this.#watch?.revision ?? 0);
  }

  get size(): number {
    return this.#entries.size;
  }

  /** @throws StatusError 500 when the store has the key and cannot read its value */
  get(key: string): CacheEntry | undefined {
    if (this.#unreadable.size > 0) this.#checkReadable(key);
    return this.#entries.get(key);
  }

  /**
   * Entries whose keys start with `prefix`, in key order.
   * @throws StatusError 500 when one of them cannot be read: to leave it out would be to say that it is gone
   */
  range(prefix: string): CacheEntry[] {
    for (const key of this.#unreadable.keys()) if (key.startsWith(prefix)) this.#checkReadable(key);
    if (prefix === this.#prefix) return this.#entries.valuesArray();
    const found: CacheEntry[] = [];
    this.#entries.forRange(prefix, `${prefix}\uffff`, false, (_key, entry) => {
      found.push(entry);
    });
    return found;
  }

  /** Remembers the object behind a value that is about to be written as `type` has it. The object becomes the cache's. */
  willWrite(value: Uint8Array, object: ApiObject, type: ResourceType): void {
    this.#written.set(value, { object, type });
  }

  /** What the store holds, as the present definition reads it. */
  entry(kv: KeyValue): CacheEntry {
    const { fromStorage } = this.#type;
    return fromStorage === undefined ? entryOf(kv, undefined, false) : fittedEntry(kv, fromStorage);
  }

  /** A changed definition: what comes from the store is read by it from now on, and watchers look at it. */
  replaceType(type: ResourceType): void {
    this.#type = type;
    for (const watcher of [...this.#watchers]) watcher.wake(undefined);
  }

  /** Reads every object again as the present definition has it. Other requests have their turns meanwhile. */
  async refit(): Promise<void> {
    if (this.#ready === undefined) return;
    await this.ready();
    const { items } = await this.#store.list(this.#prefix);
    for (const [i, kv] of items.entries()) {
      // What was written since has been read by the new definition already.
      if (this.#entries.get(kv.key)?.revision === kv.modRevision) this.#entries.set(kv.key, this.entry(kv));
      if (i % refitBatch === refitBatch - 1) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Keeps parsed objects from now on; returns how to let go. */
  retain(): () => void {
    this.#retain += 1;
    let released = false;
    return () => {
      if (!released) this.#retain -= 1;
      released = true;
    };
  }

  /** A watcher of everything after `revision`. Throws 410 Expired when that is older than the window. */
  watch(revision: Revision, wake: (end: Error | undefined) => void): CacheWatcher {
    if (revision < this.#windowStart) throw tooOld(revision, this.#windowStart);
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#events[middle]!.revision <= revision) low = middle + 1;
      else high = middle;
    }
    const cursor = new Cursor(this.#window, this.#dropped + low, revision, wake, () => this.#watchers.delete(cursor));
    this.#watchers.add(cursor);
    return cursor;
  }

  /** Ends every watcher; the cache is of no use afterwards. */
  close(reason: Error | undefined = undefined): void {
    this.#closed = true;
    this.#watch?.close();
    for (const watcher of [...this.#watchers]) watcher.end(reason);
    this.#watchers.clear();
  }

  readonly #window: Window = {
    events: () => this.#events,
    dropped: () => this.#dropped,
    windowStart: () => this.#windowStart,
    revision: () => this.revision,
  };

  async #fill(): Promise<void> {
    const { items, revision } = await this.#store.list(this.#prefix);
    this.#entries.clear();
    this.#unreadable.clear();
    for (const kv of items) {
      if (kv.unreadable === undefined) this.#entries.set(kv.key, this.entry(kv));
      else this.#unreadable.set(kv.key, kv.unreadable);
    }
    this.#revision = revision;
    this.#windowStart = revision;
    this.#failure = undefined;
    this.#filled = true;
    if (this.#closed) return;
    this.#watch = this.#store.watch(this.#prefix, revision + 1, {
      events: (events) => this.#take(events),
      error: (error) => this.#fail(error),
    });
  }

  #take(events: readonly StoreEvent[]): void {
    const at = this.#clock.now();
    for (const event of events) {
      const { kv } = event;
      const previous = this.#entries.get(kv.key);
      previous?.forget();
      this.#revision = kv.modRevision;
      if (this.#tookUnreadable(event)) continue;
      if (event.type === 'put') {
        const written = this.#written.get(kv.value);
        const entry = written?.type === this.#type ? entryOf(kv, written.object, this.#retain > 0) : this.entry(kv);
        this.#entries.set(kv.key, entry);
        // What has been written over once will be again.
        if (written?.type === this.#type && previous !== undefined) entry.remember(written.object);
        this.#push({ revision: kv.modRevision, entry, previous, deleted: false, at, frames: new Map() });
      } else {
        this.#entries.delete(kv.key);
        const last = this.entry({ ...event.previous, modRevision: kv.modRevision });
        this.#push({ revision: kv.modRevision, entry: last, previous, deleted: true, at, frames: new Map() });
      }
    }
    this.#trim(at);
    for (const watcher of this.#watchers) watcher.wake(undefined);
  }

  /** What cannot be read, or could not be before it was deleted, is nothing that watchers could be told of. */
  #tookUnreadable({ type, kv, previous }: StoreEvent): boolean {
    this.#unreadable.delete(kv.key);
    if (type === 'delete') {
      this.#entries.delete(kv.key);
      return previous.unreadable !== undefined;
    }
    if (kv.unreadable === undefined) return false;
    this.#entries.delete(kv.key);
    this.#unreadable.set(kv.key, kv.unreadable);
    return true;
  }

  /** Source: `k8s.io/apiserver/pkg/storage/errors.go`, NewInternalError. */
  #checkReadable(key: string): void {
    const why = this.#unreadable.get(key);
    if (why !== undefined) throw internalError(`unable to transform key ${goQuote(key)}: ${why.message}`);
  }

  #push(event: CacheEvent): void {
    this.#events.push(event);
  }

  /** Forgets events in slices, so that one event does not cost a shift of the whole window. */
  #trim(now: number): void {
    let drop = this.#events.length - windowEvents;
    if (drop < windowEvents / 10) drop = 0;
    const oldest = this.#events[0];
    if (oldest !== undefined && now - oldest.at > 2 * windowMilliseconds && this.#events.length > minimumWindow) {
      const young = this.#events.findIndex((event) => now - event.at <= windowMilliseconds);
      drop = Math.max(drop, Math.min(young < 0 ? this.#events.length : young, this.#events.length - minimumWindow));
    }
    if (drop <= 0) return;
    this.#windowStart = this.#events[drop - 1]!.revision;
    this.#events = this.#events.slice(drop);
    this.#dropped += drop;
  }

  /** The store's watch broke: every watcher lists again, and so does the cache on its next use. */
  #fail(error: Error): void {
    this.#failure = error;
    this.#filled = false;
    this.#watch = undefined;
    this.#ready = undefined;
    this.#events = [];
    const reason =
      error instanceof CompactedError
        ? expired(error.message)
        : serviceUnavailable(`the store failed: ${error.message}`);
    for (const watcher of [...this.#watchers]) watcher.end(reason);
    this.#watchers.clear();
  }
}

interface Window {
  events(): readonly CacheEvent[];
  dropped(): number;
  windowStart(): Revision;
  revision(): Revision;
}

class Cursor implements CacheWatcher {
  readonly #window: Window;
  readonly #onClose: () => void;
  readonly wake: (end: Error | undefined) => void;
  #next: number;
  #revision: Revision;

  constructor(
    window: Window,
    next: number,
    revision: Revision,
    wake: (end: Error | undefined) => void,
    onClose: () => void,
  ) {
    this.#window = window;
    this.#next = next;
    this.#revision = revision;
    this.wake = wake;
    this.#onClose = onClose;
  }

  get revision(): Revision {
    const events = this.#window.events();
    return this.#next - this.#window.dropped() >= events.length
      ? Math.max(this.#revision, this.#window.revision())
      : this.#revision;
  }

  get lost(): boolean {
    return this.#next < this.#window.dropped();
  }

  take(max: number): readonly CacheEvent[] {
    const events = this.#window.events();
    const from = this.#next - this.#window.dropped();
    if (from < 0) throw tooOld(this.#revision, this.#window.windowStart());
    const to = Math.min(events.length, from + max);
    if (from >= to) return noEvents;
    this.#next += to - from;
    this.#revision = events[to - 1]!.revision;
    return events.slice(from, to);
  }

  end(reason: Error | undefined): void {
    this.close();
    this.wake(reason ?? new WatchClosed());
  }

  close(): void {
    this.#onClose();
  }
}

const noEvents: readonly CacheEvent[] = [];

/** The server ended the watch in good order (shutdown, or the resource is gone). */
export class WatchClosed extends Error {
  override readonly name = 'WatchClosed';
}

function tooOld(revision: Revision, start: Revision): StatusError {
  return expired(`too old resource version: ${revision} (${start})`);
}
