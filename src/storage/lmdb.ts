/**
 * The default engine: LMDB on a local disk.
 *
 * Transactions wait in a queue. One batch at a time is taken from it, judged against the history, written as one LMDB
 * transaction and synced to disk; then its events are delivered and its callers answered. While the disk works, the next
 * batch gathers: under load hundreds of transactions share one sync. A batch that the medium refuses is rolled back as a
 * whole, so that revisions stay gapless.
 */
import { resolve } from 'node:path';
import { setImmediate as immediate } from 'node:timers/promises';
import type { GetOptions } from 'lmdb';
import { type Clock, systemClock } from '../clock/clock.ts';
import { Expiry } from './expiry.ts';
import type { History, Version } from './history.ts';
import { type Files, messageOf, openFiles, readHistory, reasonOf, takeOwnership } from './lmdb-files.ts';
import { type Owner, release } from './lmdb-owner.ts';
import { readValue, recordBound, writeRecord } from './lmdb-record.ts';
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
  StoreWriteError,
  type TxnResult,
  type WatchObserver,
} from './store.ts';
import { applyOperations, checkOperations, toEvent, toKeyValue } from './transaction.ts';
import { Watches } from './watches.ts';

export interface LmdbStoreOptions {
  readonly clock?: Clock;
  /** How much history is kept without anybody calling `compact`. */
  readonly retention?: HistoryRetention;
}

/**
 * Opens the store in `directory`, which is made when it does not exist. Rejects when another process has it open, and
 * when a newer version of this program has written it.
 */
export async function openLmdbStore(directory: string, options: LmdbStoreOptions = {}): Promise<Store> {
  const path = resolve(directory);
  const files = await openFiles(path).catch((error: unknown) => {
    throw new StoreWriteError(`cannot open the store in ${path}: ${messageOf(error)}`, { cause: error });
  });
  try {
    const owner = takeOwnership(files, path);
    try {
      return new LmdbStore(files, owner, await readHistory(files), options);
    } catch (error) {
      release(owner);
      throw error;
    }
  } catch (error) {
    await files.root.close();
    throw error;
  }
}

/** A caller's transaction in the queue. */
interface Pending {
  readonly compare: readonly Compare[];
  readonly operations: readonly Operation[];
  resolve(result: TxnResult): void;
  reject(error: Error): void;
  /** What it will be answered when its batch is on disk. */
  result: TxnResult | undefined;
}

interface CompactionRequest {
  readonly revision: Revision;
  resolve(): void;
  reject(error: Error): void;
}

/** What goes to disk together. */
interface Batch {
  readonly transactions: readonly Pending[];
  readonly compactions: readonly CompactionRequest[];
  /** Written by the transactions, in order. */
  readonly versions: readonly Version[];
  readonly removals: readonly Version[];
  /** The new compacted revision; 0 when it stays. */
  readonly compactTo: Revision;
}

/** What one batch may hold: it bounds how long judging and copying keep the event loop. */
const BATCH_TRANSACTIONS = 512;
const BATCH_BYTES = 4 * 1024 * 1024;
/** How many dropped versions one batch removes from the disk. */
const BATCH_REMOVALS = 500;
/** How many values a list reads before it lets others run. */
const LIST_SLICE = 1000;

class LmdbStore implements Store {
  readonly #files: Files;
  readonly #owner: Owner;
  readonly #history: History;
  readonly #clock: Clock;
  readonly #watches: Watches;
  readonly #expiry: Expiry;
  readonly #retention: Retention;
  #queue: Pending[] = [];
  /** Dropped from the history, still on disk. */
  #garbage: Version[] = [];
  /** The medium refused the last batch: tidying waits until a write has worked or somebody asks to compact. */
  #refused = false;
  #compactions: CompactionRequest[] = [];
  /** Settles when the queue has run empty. */
  #draining: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  constructor(files: Files, owner: Owner, history: History, options: LmdbStoreOptions) {
    const { clock = systemClock, retention = DEFAULT_RETENTION } = options;
    this.#files = files;
    this.#owner = owner;
    this.#history = history;
    this.#clock = clock;
    this.#watches = new Watches(history, (versions) => versions.map(this.#event), setImmediate);
    this.#expiry = new Expiry(clock, (keys) => this.#expire(keys));
    for (const version of history.current()) this.#expiry.changed(version, undefined);
    this.#retention = new Retention(clock, retention, history.committedRevision, (revision) => {
      // A refusal of the medium is no news to anybody here, and the policy asks again.
      this.compact(revision).catch((error: unknown) => {
        if (!(error instanceof StoreWriteError || error instanceof StoreClosedError)) throw error;
      });
    });
    if (history.compacting) this.#drain();
  }

  async revision(): Promise<Revision> {
    this.#assertOpen();
    return this.#history.committedRevision;
  }

  async get(key: string, revision?: Revision): Promise<KeyValue | undefined> {
    this.#assertOpen();
    return this.#keyValue(this.#history.at(key, this.#history.readRevision(revision)));
  }

  async list(prefix: string, options: ListOptions = {}): Promise<ListResult> {
    this.#assertOpen();
    const revision = this.#history.readRevision(options.revision);
    const versions: Version[] = [];
    const remaining = this.#history.range(prefix, options.after, revision, options.limit ?? Infinity, versions);
    const items: KeyValue[] = [];
    // The snapshot keeps what compaction removes meanwhile.
    const transaction = this.#files.root.useReadTransaction();
    try {
      for (const version of versions) {
        if (items.length > 0 && items.length % LIST_SLICE === 0) await immediate();
        items.push(toKeyValue(version, version.value ?? this.#read(version, { transaction })));
      }
    } finally {
      transaction.done();
    }
    return { items, revision, remaining };
  }

  txn(compare: readonly Compare[], operations: readonly Operation[]): Promise<TxnResult> {
    return new Promise((resolve, reject) => {
      this.#assertOpen();
      checkOperations(operations);
      this.#queue.push({ compare, operations, resolve, reject, result: undefined });
      this.#drain();
    });
  }

  watch(prefix: string, fromRevision: Revision, observer: WatchObserver): StoreWatch {
    this.#assertOpen();
    return this.#watches.open(prefix, fromRevision, observer);
  }

  /** Resolves when the new limit is on disk; the space is given back afterwards, a slice at a time. */
  compact(revision: Revision): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#assertOpen();
      const { committedRevision } = this.#history;
      if (revision > committedRevision) throw new FutureRevisionError(revision, committedRevision);
      this.#compactions.push({ revision, resolve, reject });
      this.#refused = false;
      this.#drain();
    });
  }

  async compactedRevision(): Promise<Revision> {
    this.#assertOpen();
    return this.#history.compactedRevision;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#expiry.stop();
    this.#retention.stop();
    while (this.#draining !== undefined) await this.#draining;
    this.#watches.close(new StoreClosedError());
    const { path, root, meta } = this.#files;
    try {
      await meta.remove('owner');
    } catch (error) {
      await reasonOf(error, path); // a full disk: the record stays, and is stale as soon as it is released
    }
    release(this.#owner);
    await root.close();
  }

  #assertOpen(): void {
    if (this.#closed !== undefined) throw new StoreClosedError();
  }

  /** Works the queue off, one batch after the other. */
  #drain(): void {
    this.#draining ??= this.#work().finally(() => {
      this.#draining = undefined;
      if (this.#hasWork()) this.#drain();
    });
  }

  #hasWork(): boolean {
    const tidying = !this.#refused && this.#closed === undefined;
    return (
      this.#queue.length > 0 ||
      this.#compactions.length > 0 ||
      (tidying && (this.#garbage.length > 0 || this.#history.compacting))
    );
  }

  async #work(): Promise<void> {
    while (this.#hasWork()) {
      await immediate(); // what this turn of the event loop brings belongs to the batch
      const batch = this.#judge();
      try {
        if (batch.versions.length + batch.removals.length > 0 || batch.compactTo > 0) await this.#write(batch);
      } catch (error) {
        this.#takeBack(
          batch,
          new StoreWriteError(`the write was refused: ${await reasonOf(error, this.#files.path)}`, { cause: error }),
        );
        continue;
      }
      this.#deliver(batch);
    }
  }

  /** Takes transactions from the queue and decides what they do. The history holds it, uncommitted. */
  #judge(): Batch {
    const history = this.#history;
    const now = this.#clock.now();
    const versions: Version[] = [];
    let revision = history.committedRevision;
    let taken = 0;
    let bytes = 0;
    for (; taken < this.#queue.length && taken < BATCH_TRANSACTIONS && bytes < BATCH_BYTES; taken++) {
      const pending = this.#queue[taken]!;
      if (!history.holds(pending.compare)) {
        const current = pending.compare.map(({ key }) => this.#keyValue(history.latest(key)));
        pending.result = { succeeded: false, revision, current };
        continue;
      }
      const written = applyOperations(history, pending.operations, revision + 1, now);
      if (written.length > 0) revision++;
      for (const version of written) {
        bytes += version.value!.length;
        versions.push(version);
      }
      pending.result = { succeeded: true, revision };
    }
    const transactions = this.#queue.splice(0, taken);
    const compactions = this.#compactions.splice(0);
    const compactTo = Math.max(0, ...compactions.map((compaction) => compaction.revision));
    return {
      transactions,
      compactions,
      versions,
      removals: this.#nextRemovals(),
      compactTo: compactTo > history.compactedRevision ? compactTo : 0,
    };
  }

  #nextRemovals(): readonly Version[] {
    if (this.#refused) return [];
    while (this.#garbage.length < BATCH_REMOVALS && this.#history.compacting) {
      this.#garbage.push(...this.#history.compactStep(BATCH_REMOVALS));
    }
    return this.#garbage.slice(0, BATCH_REMOVALS);
  }

  /** One LMDB transaction; resolves when it is synced to disk. */
  #write({ versions, removals, compactTo }: Batch): Promise<unknown> {
    const { meta, records } = this.#files;
    let bound = 0;
    for (const version of versions) bound += recordBound(version);
    const buffer = Buffer.allocUnsafeSlow(bound);
    let start = 0;
    return records.batch(() => {
      for (const version of versions) {
        const end = writeRecord(buffer, start, version);
        records.put(version, buffer.subarray(start, end));
        start = end;
      }
      for (const version of removals) records.remove(version);
      if (compactTo > 0) meta.put('compactedRevision', compactTo);
    });
  }

  #deliver({ transactions, compactions, versions, removals, compactTo }: Batch): void {
    const history = this.#history;
    this.#refused = false;
    this.#garbage.splice(0, removals.length);
    if (compactTo > 0) history.compactedRevision = compactTo;
    const last = versions.at(-1);
    if (last !== undefined) {
      history.committedRevision = last.modRevision;
      for (const version of versions) this.#expiry.changed(version, version.previous);
      if (!this.#watches.empty) this.#watches.publish(versions.map(this.#event));
      for (const version of versions) version.value = undefined;
      this.#retention.committed(last.modRevision);
    }
    for (const { resolve, result } of transactions) resolve(result!);
    for (const { resolve } of compactions) resolve();
  }

  #takeBack({ transactions, compactions }: Batch, error: StoreWriteError): void {
    this.#refused = true;
    this.#history.rollback();
    for (const pending of transactions) {
      if (pending.result!.succeeded) pending.reject(error);
      else this.#queue.push(pending); // its comparison may have failed on a write that is now undone
    }
    for (const { reject } of compactions) reject(error);
  }

  #expire(keys: readonly string[]): Promise<unknown> {
    return Promise.all(
      keys.map((key) => {
        const version = this.#history.at(key, this.#history.committedRevision);
        return this.txn([{ key, modRevision: version?.modRevision ?? 0 }], [{ type: 'delete', key }]);
      }),
    );
  }

  #read(version: Version, options?: GetOptions): Uint8Array {
    const record = this.#files.records.get(version, options);
    if (record === undefined) {
      throw new Error(`the database has lost revision ${version.modRevision} of key ${JSON.stringify(version.key)}`);
    }
    return readValue(record);
  }

  #keyValue(version: Version | undefined): KeyValue | undefined {
    return version && toKeyValue(version, version.value ?? this.#read(version));
  }

  readonly #event = (version: Version): StoreEvent => toEvent(version, this.#readLatest);
  readonly #readLatest = (version: Version): Uint8Array => this.#read(version);
}
