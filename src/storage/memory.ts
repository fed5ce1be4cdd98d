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
import { checkOperations } from './transaction.ts';
import { Watches } from './watches.ts';

export interface MemoryStoreOptions {
  readonly clock?: Clock;
  /** How much history is kept without anybody calling `compact`. */
  readonly retention?: HistoryRetention;
}

export function openMemoryStore(options: MemoryStoreOptions = {}): Store {
  return new MemoryStore(options);
}

interface MemoryVersion extends Version<MemoryVersion> {
  readonly kv: KeyValue;
}

const NO_VALUE = new Uint8Array(0);

class MemoryStore implements Store {
  readonly #history = new History<MemoryVersion>();
  readonly #watches: Watches<MemoryVersion>;
  readonly #expiry: Expiry;
  readonly #retention: Retention;
  #closed = false;

  constructor({ clock = systemClock, retention = DEFAULT_RETENTION }: MemoryStoreOptions) {
    const history = this.#history;
    this.#watches = new Watches(
      history,
      (prefix, versions) => versions.filter(({ key }) => key.startsWith(prefix)).map(toEvent),
      queueMicrotask,
    );
    this.#expiry = new Expiry(clock, (keys) => this.#expire(keys));
    this.#retention = new Retention(clock, retention, history.committedRevision, (revision) => this.#compact(revision));
  }

  async revision(): Promise<Revision> {
    this.#assertOpen();
    return this.#history.committedRevision;
  }

  async get(key: string, revision?: Revision): Promise<KeyValue | undefined> {
    this.#assertOpen();
    return this.#history.at(key, this.#history.readRevision(revision))?.kv;
  }

  async list(prefix: string, options: ListOptions = {}): Promise<ListResult> {
    this.#assertOpen();
    const revision = this.#history.readRevision(options.revision);
    const versions: MemoryVersion[] = [];
    const remaining = this.#history.range(prefix, options.after, revision, options.limit ?? Infinity, versions);
    return { items: versions.map(({ kv }) => kv), revision, remaining };
  }

  async txn(compare: readonly Compare[], operations: readonly Operation[]): Promise<TxnResult> {
    this.#assertOpen();
    checkOperations(operations);
    const history = this.#history;
    if (!history.holds(compare)) {
      const current = compare.map(({ key }) => history.latest(key)?.kv);
      return { succeeded: false, revision: history.committedRevision, current };
    }
    const revision = history.committedRevision + 1;
    const written = this.#write(operations, revision);
    if (written.length === 0) return { succeeded: true, revision: history.committedRevision };
    history.committedRevision = revision;
    for (const version of written) this.#expiry.changed(version, version.previous);
    if (!this.#watches.empty) this.#watches.publish(written.map(toEvent));
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

  #write(operations: readonly Operation[], revision: Revision): MemoryVersion[] {
    const history = this.#history;
    const written: MemoryVersion[] = [];
    for (const operation of operations) {
      const { key } = operation;
      const current = history.latest(key);
      if (operation.type === 'delete' && current === undefined) continue;
      const put = operation.type === 'put';
      const createRevision = current?.createRevision ?? revision;
      const version: MemoryVersion = {
        key,
        createRevision: put ? createRevision : 0,
        modRevision: revision,
        expiresAt: put ? this.#expiry.expiresAt(operation.ttlSeconds) : 0,
        previous: undefined,
        kv: { key, value: put ? operation.value : NO_VALUE, createRevision, modRevision: revision },
      };
      history.append(version);
      written.push(version);
    }
    return written;
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

function toEvent({ kv, createRevision, previous }: MemoryVersion): StoreEvent {
  const before = previous === undefined || previous.createRevision === 0 ? undefined : previous.kv;
  return createRevision === 0 ? { type: 'delete', kv, previous: before! } : { type: 'put', kv, previous: before };
}
