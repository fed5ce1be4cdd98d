/**
 * The watches of one engine: routes events to the prefixes that want them, and brings late starters up to date from the
 * history without a gap or a repetition.
 */
import type { Version } from './history.ts';
import { CompactedError, type Revision, type StoreEvent, type StoreWatch, type WatchObserver } from './store.ts';

/** What {@link Watches} reads of the history. */
interface Log {
  readonly compactedRevision: Revision;
  readonly committedRevision: Revision;
  since(revision: Revision, limit: number): readonly Version[];
}

interface Waiter {
  readonly revision: Revision;
  resolve(): void;
  reject(error: Error): void;
}

/** How many log entries a replay reads before it lets others run. */
const REPLAY_SLICE = 500;

export class Watches implements Owner {
  readonly #log: Log;
  readonly #toEvents: (versions: readonly Version[]) => readonly StoreEvent[];
  /** Schedules the next slice of a replay. */
  readonly #soon: (callback: () => void) => void;
  /** Live watches by the part of their prefix up to the last slash: few candidates per key. */
  readonly #live = new Map<string, Set<Watch>>();
  readonly #all = new Set<Watch>();
  /** Live watches whose callers wait for a revision. */
  readonly #waiting = new Set<Watch>();
  /** Transactions that observers wrote while events were being delivered. */
  #backlog: StoreEvent[][] | undefined;

  constructor(
    log: Log,
    toEvents: (versions: readonly Version[]) => readonly StoreEvent[],
    soon: (callback: () => void) => void,
  ) {
    this.#log = log;
    this.#toEvents = toEvents;
    this.#soon = soon;
  }

  get empty(): boolean {
    return this.#all.size === 0;
  }

  open(prefix: string, fromRevision: Revision, observer: WatchObserver): StoreWatch {
    const watch = new Watch(this, prefix, fromRevision, observer);
    this.#all.add(watch);
    this.#soon(() => this.#replay(watch));
    return watch;
  }

  /**
   * Hands committed events to the live watches: whole transactions, in order. The source's committed revision has moved
   * before the call, so a watch that an observer opens now gets these events by replay.
   */
  publish(events: readonly StoreEvent[]): void {
    if (this.#backlog !== undefined) {
      this.#backlog.push(events as StoreEvent[]);
      return;
    }
    this.#backlog = [];
    this.#deliver(events);
    for (const later of this.#backlog) this.#deliver(later);
    this.#backlog = undefined;
    if (this.#waiting.size > 0) {
      for (const watch of this.#waiting) if (watch.wake()) this.#waiting.delete(watch);
    }
  }

  /** Ends all watches. */
  close(error: Error): void {
    for (const watch of [...this.#all]) this.end(watch, error);
  }

  /** The revision up to which live watches have been served. */
  get revision(): Revision {
    return this.#log.committedRevision;
  }

  wait(watch: Watch): void {
    this.#waiting.add(watch);
  }

  remove(watch: Watch): void {
    this.#all.delete(watch);
    this.#waiting.delete(watch);
    const directory = directoryOf(watch.prefix);
    const live = this.#live.get(directory);
    if (live?.delete(watch) && live.size === 0) this.#live.delete(directory);
  }

  end(watch: Watch, error: Error): void {
    if (watch.closed) return;
    watch.stop(error);
    watch.observer.error(error);
  }

  #deliver(events: readonly StoreEvent[]): void {
    if (this.#live.size === 0) return;
    const touched: Watch[] = [];
    for (const event of events) {
      const { key } = event.kv;
      // Every slash in the key ends a directory in which interested watches may be; so does the empty start.
      for (let end = 0; ; end = key.indexOf('/', end) + 1) {
        const watches = this.#live.get(key.slice(0, end));
        if (watches !== undefined) {
          for (const watch of watches) {
            if (event.kv.modRevision < watch.from || !key.startsWith(watch.prefix)) continue;
            if (watch.batch.length === 0) touched.push(watch);
            watch.batch.push(event);
          }
        }
        if (key.indexOf('/', end) < 0) break;
      }
    }
    for (const watch of touched) {
      const { batch } = watch;
      watch.batch = [];
      if (!watch.closed) this.#hand(watch, batch);
    }
  }

  /** An observer that throws ends its own watch, and hurts neither the writer nor the others. */
  #hand(watch: Watch, events: readonly StoreEvent[]): void {
    try {
      watch.observer.events(events);
    } catch (error) {
      this.end(watch, error instanceof Error ? error : new Error(String(error)));
    }
  }

  #replay(watch: Watch): void {
    if (watch.closed) return;
    if (watch.from < this.#log.compactedRevision) {
      this.end(watch, new CompactedError(this.#log.compactedRevision));
      return;
    }
    if (watch.from <= this.#log.committedRevision) {
      const versions = this.#log.since(watch.from, REPLAY_SLICE);
      const events = this.#toEvents(versions.filter(({ key }) => key.startsWith(watch.prefix)));
      watch.from = (versions.at(-1)?.modRevision ?? this.#log.committedRevision) + 1;
      if (events.length > 0) this.#hand(watch, events);
      watch.wake();
      if (watch.closed) return;
    }
    if (watch.from <= this.#log.committedRevision) {
      this.#soon(() => this.#replay(watch));
      return;
    }
    const directory = directoryOf(watch.prefix);
    const live = this.#live.get(directory);
    if (live === undefined) this.#live.set(directory, new Set([watch]));
    else live.add(watch);
    watch.live = true;
    if (!watch.wake()) this.#waiting.add(watch);
  }
}

interface Owner {
  readonly revision: Revision;
  wait(watch: Watch): void;
  remove(watch: Watch): void;
}

class Watch implements StoreWatch {
  readonly prefix: string;
  readonly observer: WatchObserver;
  /** The next revision to replay; for a live watch the first one that it wants. */
  from: Revision;
  live = false;
  closed = false;
  /** Events of the publication in progress. */
  batch: StoreEvent[] = [];
  readonly #watches: Owner;
  #waiters: Waiter[] = [];
  #ended: Error | undefined;
  /** What had been delivered when the watch ended. */
  #last: Revision = 0;

  constructor(watches: Owner, prefix: string, from: Revision, observer: WatchObserver) {
    this.#watches = watches;
    this.prefix = prefix;
    this.from = from;
    this.observer = observer;
  }

  get revision(): Revision {
    if (this.closed) return this.#last;
    return this.live ? this.#watches.revision : Math.min(this.from - 1, this.#watches.revision);
  }

  reached(revision: Revision): Promise<void> {
    if (this.revision >= revision) return Promise.resolve();
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    if (this.live) this.#watches.wait(this);
    return new Promise((resolve, reject) => this.#waiters.push({ revision, resolve, reject }));
  }

  close(): void {
    if (!this.closed) this.stop(new Error(`the watch of ${JSON.stringify(this.prefix)} was closed`));
  }

  stop(error: Error): void {
    this.#last = this.revision;
    this.closed = true;
    this.#ended = error;
    this.#watches.remove(this);
    for (const waiter of this.#waiters) waiter.reject(error);
    this.#waiters = [];
  }

  /** Resolves the waiters that have got what they wait for; true when none is left. */
  wake(): boolean {
    if (this.#waiters.length === 0) return true;
    const { revision } = this;
    this.#waiters = this.#waiters.filter((waiter) => {
      if (waiter.revision > revision) return true;
      waiter.resolve();
      return false;
    });
    return this.#waiters.length === 0;
  }
}

/** `/registry/pods/de` → `/registry/pods/`. */
function directoryOf(prefix: string): string {
  return prefix.slice(0, prefix.lastIndexOf('/') + 1);
}
