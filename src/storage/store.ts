/**
 * The Store contract. Semantics are etcd's: one gapless order of revisions over all keys; every write makes exactly one
 * revision (a transaction makes one for all its operations); a watch delivers every change after its start, in order,
 * exactly once, or fails with {@link CompactedError}.
 *
 * Guarantees that all engines keep (the contract suite checks them):
 * - A resolved `txn` is durable: it survives kill -9 and power loss (for engines that keep anything at all).
 * - When `txn` resolves, every local watch whose prefix it touches has already been handed its events. A reader that
 *   waits for `watch.reached(revision)` therefore reads its own writes.
 * - Events of one transaction arrive in one batch.
 * - Values are never copied on the way: the `Uint8Array` that was put is the one that in-process watches deliver.
 *   Nobody may write to it.
 */

/** Made by one write. Starts at 1 (the empty store), so that 0 can mean "none". */
export type Revision = number;

export interface KeyValue {
  readonly key: string;
  readonly value: Uint8Array;
  /** The revision that created this key (it changes when a key is deleted and made again). */
  readonly createRevision: Revision;
  /** The revision that last wrote this key. */
  readonly modRevision: Revision;
  /** The medium holds the value in a form that would be written differently today. */
  readonly stale?: boolean;
  /** Why the value, which is empty here, cannot be read from what the medium holds. */
  readonly unreadable?: Error;
}

export interface Compare {
  readonly key: string;
  /** What the key's `modRevision` must be; 0 means that the key must not exist. */
  readonly modRevision: Revision;
}

export type Operation =
  | { readonly type: 'put'; readonly key: string; readonly value: Uint8Array; readonly ttlSeconds?: number }
  | { readonly type: 'delete'; readonly key: string };

export type TxnResult =
  | { readonly succeeded: true; readonly revision: Revision }
  /** `current` holds what each compared key is now, in the order of the comparisons: no second read is needed. */
  | { readonly succeeded: false; readonly revision: Revision; readonly current: readonly (KeyValue | undefined)[] };

export interface ListOptions {
  /** Read as of this revision; default: the latest. */
  readonly revision?: Revision;
  readonly limit?: number;
  /** Only keys that sort after this one. */
  readonly after?: string;
}

export interface ListResult {
  /** In the order of the keys' bytes. */
  readonly items: readonly KeyValue[];
  /** The revision that this list shows. */
  readonly revision: Revision;
  /** How many keys with the prefix (and after `after`) were left out because of `limit`. */
  readonly remaining: number;
}

export type StoreEvent =
  | { readonly type: 'put'; readonly kv: KeyValue; readonly previous: KeyValue | undefined }
  /** `kv.value` is empty; `kv.modRevision` is the revision of the delete. */
  | { readonly type: 'delete'; readonly kv: KeyValue; readonly previous: KeyValue };

export interface WatchObserver {
  /** Whole transactions, in order. Called synchronously; must not throw. */
  events(events: readonly StoreEvent[]): void;
  /** The watch has ended and delivers nothing more: {@link CompactedError}, or what broke the engine. */
  error(error: Error): void;
}

export interface StoreWatch {
  /** Resolves when every event at or below `revision` under the prefix has been delivered. */
  reached(revision: Revision): Promise<void>;
  /** Everything at or below this revision has been delivered. */
  readonly revision: Revision;
  close(): void;
}

export interface Store {
  /** The latest revision, as a linearizable read. */
  revision(): Promise<Revision>;
  get(key: string, revision?: Revision): Promise<KeyValue | undefined>;
  list(prefix: string, options?: ListOptions): Promise<ListResult>;
  /** All comparisons hold → all operations happen, at one new revision; otherwise nothing does. A key appears once. */
  txn(compare: readonly Compare[], operations: readonly Operation[]): Promise<TxnResult>;
  /**
   * Every change under `prefix` with a revision ≥ `fromRevision`. A start below the compacted revision ends in
   * `observer.error(CompactedError)`. Never calls the observer before `watch` has returned.
   */
  watch(prefix: string, fromRevision: Revision, observer: WatchObserver): StoreWatch;
  /** Forget history: reads and watches below `revision` fail with {@link CompactedError} from now on. */
  compact(revision: Revision): Promise<void>;
  /** The revision up to which history is gone; 0 when nothing was compacted. */
  compactedRevision(): Promise<Revision>;
  /** Flushes and closes; pending writes are finished first. Later calls reject with {@link StoreClosedError}. */
  close(): Promise<void>;
}

/** The revision asked for is no longer kept (etcd: `mvcc: required revision has been compacted`). */
export class CompactedError extends Error {
  override readonly name = 'CompactedError';
  readonly compactedRevision: Revision;

  constructor(compactedRevision: Revision) {
    super(`required revision has been compacted (history starts at ${compactedRevision})`);
    this.compactedRevision = compactedRevision;
  }
}

/** The revision asked for has not been made yet (etcd: `mvcc: required revision is a future revision`). */
export class FutureRevisionError extends Error {
  override readonly name = 'FutureRevisionError';
  readonly currentRevision: Revision;

  constructor(revision: Revision, currentRevision: Revision) {
    super(`required revision ${revision} is a future revision (the latest is ${currentRevision})`);
    this.currentRevision = currentRevision;
  }
}

export class StoreClosedError extends Error {
  override readonly name = 'StoreClosedError';
  constructor() {
    super('the store is closed');
  }
}

/** The medium refused a write (full, read-only, broken). Nothing of the transaction was kept. */
export class StoreWriteError extends Error {
  override readonly name = 'StoreWriteError';
}

/** The store cannot be opened as things stand: another process has it, a newer version wrote it, or it is none. */
export class StoreOpenError extends Error {
  override readonly name = 'StoreOpenError';
}
