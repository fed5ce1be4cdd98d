/** The engine that keeps everything in memory and nothing on disk. */
import { type Clock, systemClock } from '../clock/clock.ts';
import { Expiry } from './expiry.ts';
import { History, type Version } from './history.ts';
import { DEFAULT_RETENTION, type HistoryRetention, Retention } from './retention.ts';
import {
  type Compare,
  FutureRevisionError,
  type KeyValue,
  type ListOptions,
  type ListResult,
  type Operation,
  type Revision,
  type Store,
  StoreClosedError,
  type StoreEvent,
  type StoreWatch,
  type TxnResult,
  type WatchObserver,
} from './store.ts';
import { applyOperations, checkOperations, toEvent, toKeyValue } from './transaction.ts';
import { Watches } from './watches.ts';

export interface MemoryStoreOptions {
  readonly clock?: Clock;
  /** How much history is kept without anybody calling `compact`. */
  readonly retention?: HistoryRetention;
}

export function openMemoryStore(options: MemoryStoreOptions = {}): Store {
  return new MemoryStore(options);
}

class MemoryStore implements Store {
  readonly #history = new History();
  readonly #clock: Clock;
  readonly #watches: Watches;
  readonly #expiry: Expiry;
  readonly #retention: Retention;
  #closed = false;

  constructor({ clock = systemClock, retention = DEFAULT_RETENTION }: MemoryStoreOptions) {
    const history = this.#history;
    this.#clock = clock;
    this.#watches = new Watches(history, (versions) => versions.map(eventOf), queueMicrotask);
    this.#expiry = new Expiry(clock, (keys) => this.#expire(keys));
    this.#retention = new Retention(clock, retention, history.committedRevision, (revision) => this.#compact(revision));
  }

  async revision(): Promise<Revision> {
    this.#assertOpen();
    return this.#history.committedRevision;
  }

  async get(key: string, revision?: Revision): Promise<KeyValue | undefined> {
    this.#assertOpen();
    const version = this.#history.at(key, this.#history.readRevision(revision));
    return version && keyValueOf(version);
  }

  async list(prefix: string, options: ListOptions = {}): Promise<ListResult> {
    this.#assertOpen();
    const revision = this.#history.readRevision(options.revision);
    const versions: Version[] = [];
    const remaining = this.#history.range(prefix, options.after, revision, options.limit ?? Infinity, versions);
    return { items: versions.map(keyValueOf), revision, remaining };
  }

  async txn(compare: readonly Compare[], operations: readonly Operation[]): Promise<TxnResult> {
    this.#assertOpen();
    checkOperations(operations);
    const history = this.#history;
    if (!history.holds(compare)) {
      const current = compare.map(({ key }) => {
        const version = history.latest(key);
        return version && keyValueOf(version);
      });
      return { succeeded: false, revision: history.committedRevision, current };
    }
    const revision = history.committedRevision + 1;
    const written = applyOperations(history, operations, revision, this.#clock.now());
    if (written.length === 0) return { succeeded: true, revision: history.committedRevision };
    history.committedRevision = revision;
    for (const version of written) this.#expiry.changed(version, version.previous);
    if (!this.#watches.empty) this.#watches.publish(written.map(eventOf));
    this.#retention.committed(revision);
    return { succeeded: true, revision };
  }

  watch(prefix: string, fromRevision: Revision, observer: WatchObserver): StoreWatch {
    this.#assertOpen();
    return this.#watches.open(prefix, fromRevision, observer);
  }

  async compact(revision: Revision): Promise<void> {
    this.#assertOpen();
    if (revision > this.#history.committedRevision) {
      throw new FutureRevisionError(revision, this.#history.committedRevision);
    }
    this.#compact(revision);
  }

  async compactedRevision(): Promise<Revision> {
    this.#assertOpen();
    return this.#history.compactedRevision;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#expiry.stop();
    this.#retention.stop();
    this.#watches.close(new StoreClosedError());
  }

  #assertOpen(): void {
    if (this.#closed) throw new StoreClosedError();
  }

  async #expire(keys: readonly string[]): Promise<void> {
    if (this.#closed) return;
    for (const key of keys) {
      const modRevision = this.#history.latest(key)!.modRevision;
      await this.txn([{ key, modRevision }], [{ type: 'delete', key }]);
    }
  }

  #compact(revision: Revision): void {
    const history = this.#history;
    if (revision <= history.compactedRevision) return;
    history.compactedRevision = revision;
    while (history.compacting) history.compactStep(1000);
  }
}

/** In this engine every version holds its value. */
function heldValue(version: Version): Uint8Array {
  return version.value!;
}

function keyValueOf(version: Version): KeyValue {
  return toKeyValue(version, version.value!);
}

function eventOf(version: Version): StoreEvent {
  return toEvent(version, heldValue);
}
