/**
 * Watches: what one client is told of a resource, from its starting point on.
 *
 * Flow: an optional first state (as ADDED), then everything from the cache's event window that the selection lets
 * through. An object that starts to match comes as ADDED, one that stops to match as DELETED.
 * Source: API concepts, "Efficient detection of changes", "Watch bookmarks" and "Streaming lists" (KEP-3157).
 */
import type { Clock, Timer } from '../clock/clock.ts';
import { type JsonObject, stringifyJson } from '../machinery/json.ts';
import type { WatchEventType } from '../machinery/object.ts';
import type { Revision } from '../storage/store.ts';
import { CacheEntry } from './cache-entry.ts';
import { notOlderThan } from './list.ts';
import type { ListOptions } from './options.ts';
import type { Selection } from './selection.ts';
import type { CacheEvent, CacheWatcher, WatchCache } from './watch-cache.ts';

export interface SelectedEvent {
  readonly type: Exclude<WatchEventType, 'BOOKMARK' | 'ERROR'>;
  readonly entry: CacheEntry;
  /** Where encodings of this event can be kept, for all watchers that are told the same; absent for first states. */
  readonly frames: Map<string, Buffer> | undefined;
}

export type WatchStep =
  | { readonly kind: 'events'; readonly events: readonly SelectedEvent[]; readonly shared: SharedBatch | undefined }
  /** Everything up to `revision` has been told; `initialEnd`: the first state is complete. */
  | { readonly kind: 'bookmark'; readonly revision: Revision; readonly initialEnd: boolean };

/** Identifies a batch that other watchers of the same selection are told too. */
export interface SharedBatch {
  readonly frames: Map<string, Buffer>;
  readonly id: string;
}

export interface WatchSession {
  /** The next thing to tell; `undefined`: nothing now, `wake` will be called. Throws what has ended the watch. */
  next(): WatchStep | undefined;
  /** Whether what has not been told is gone: the client was too slow. */
  readonly lost: boolean;
  close(): void;
}

/** How many events are told at once: bounds the memory of a batch. */
const batchSize = 500;
const bookmarkMilliseconds = 60_000;

/** `wake` is called whenever `next` has more to say, and when the watch has ended: then with `ended`. */
export async function openWatch(
  cache: WatchCache,
  clock: Clock,
  selection: Selection,
  options: ListOptions,
  wake: () => void,
  ended: (error: Error) => void,
): Promise<WatchSession> {
  await cache.ready();
  const { resourceVersion } = options;
  const anyVersion = resourceVersion === '' || resourceVersion === '0';
  const firstState = options.sendInitialEvents ?? anyVersion;
  if (firstState) {
    if (resourceVersion === '') await cache.caughtUp();
    else if (!anyVersion) await notOlderThan(cache, clock, Number(resourceVersion));
  }
  return new Session(cache, clock, selection, options, firstState, wake, ended);
}

class Session implements WatchSession {
  readonly #cache: WatchCache;
  readonly #clock: Clock;
  readonly #selection: Selection;
  readonly #cursor: CacheWatcher;
  readonly #bookmarks: boolean;
  readonly #wake: () => void;
  #initial: readonly CacheEntry[] = [];
  #initialAt = 0;
  #initialEnd: Revision | undefined;
  #bookmarkTimer: Timer | undefined;
  #bookmarkDue = false;
  #told: Revision;

  constructor(
    cache: WatchCache,
    clock: Clock,
    selection: Selection,
    options: ListOptions,
    firstState: boolean,
    wake: () => void,
    ended: (error: Error) => void,
  ) {
    this.#cache = cache;
    this.#clock = clock;
    this.#selection = selection;
    this.#bookmarks = options.allowWatchBookmarks;
    this.#wake = wake;
    const named = Number(options.resourceVersion);
    const start = firstState || options.resourceVersion === '' ? cache.revision : named;
    if (firstState) {
      this.#initial = snapshot(cache, selection);
      if (options.sendInitialEvents === true && options.allowWatchBookmarks) this.#initialEnd = start;
    }
    this.#told = start;
    this.#cursor = cache.watch(start, (error) => (error === undefined ? wake() : ended(error)));
    if (this.#bookmarks) this.#armBookmark();
  }

  next(): WatchStep | undefined {
    if (this.#initialAt < this.#initial.length) {
      const entries = this.#initial.slice(this.#initialAt, this.#initialAt + batchSize);
      this.#initialAt += entries.length;
      const events = entries.map((entry) => ({ type: 'ADDED' as const, entry, frames: undefined }));
      return { kind: 'events', events, shared: undefined };
    }
    if (this.#initial.length > 0) this.#initial = [];
    if (this.#initialEnd !== undefined) {
      const revision = this.#initialEnd;
      this.#initialEnd = undefined;
      return { kind: 'bookmark', revision, initialEnd: true };
    }
    for (;;) {
      const taken = this.#cursor.take(batchSize);
      if (taken.length === 0) return this.#bookmark();
      const events = selectEvents(taken, this.#selection);
      this.#told = taken.at(-1)!.revision;
      if (events.length === 0) continue;
      const shared = { frames: taken[0]!.frames, id: `${this.#selection.id} ${this.#told}` };
      return { kind: 'events', events, shared };
    }
  }

  get lost(): boolean {
    return this.#cursor.lost;
  }

  close(): void {
    this.#cursor.close();
    this.#bookmarkTimer?.cancel();
  }

  #bookmark(): WatchStep | undefined {
    if (!this.#bookmarkDue) return undefined;
    this.#bookmarkDue = false;
    this.#armBookmark();
    const revision = Math.max(this.#told, this.#cache.revision);
    return { kind: 'bookmark', revision, initialEnd: false };
  }

  #armBookmark(): void {
    // Spread out, so that a thousand watchers that came at once do not bookmark at once.
    const wait = bookmarkMilliseconds * (0.75 + 0.5 * this.#clock.random());
    this.#bookmarkTimer = this.#clock.setTimeout(() => {
      this.#bookmarkDue = true;
      this.#wake();
    }, wait);
  }
}

function snapshot(cache: WatchCache, selection: Selection): CacheEntry[] {
  if (selection.key !== undefined) {
    const entry = cache.get(selection.key);
    return entry !== undefined && selection.matches(entry) ? [entry] : [];
  }
  const entries = cache.range(selection.prefix);
  return selection.all ? entries : entries.filter(selection.matches);
}

function selectEvents(events: readonly CacheEvent[], selection: Selection): SelectedEvent[] {
  const selected: SelectedEvent[] = [];
  for (const event of events) {
    const { entry, previous, frames } = event;
    if (!entry.key.startsWith(selection.prefix)) continue;
    const before = previous !== undefined && selection.matches(previous);
    const now = !event.deleted && selection.matches(entry);
    if (now) selected.push({ type: before ? 'MODIFIED' : 'ADDED', entry, frames });
    else if (before) selected.push({ type: 'DELETED', entry: event.deleted ? entry : departure(event), frames });
  }
  return selected;
}

const departures = new WeakMap<CacheEvent, CacheEntry>();

/** The object as it last matched, under the revision that made it stop. */
function departure(event: CacheEvent): CacheEntry {
  let entry = departures.get(event);
  if (entry === undefined) {
    const object = event.previous!.parse();
    object.metadata.resourceVersion = String(event.revision);
    const bytes = Buffer.from(stringifyJson(object as unknown as JsonObject));
    entry = new CacheEntry(event.entry.key, event.revision, bytes, object, false);
    departures.set(event, entry);
  }
  return entry;
}
