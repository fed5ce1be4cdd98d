/**
 * A store whose values are encrypted on their way down and decrypted on their way up, by rules for each resource. Keys,
 * revisions and order are those of the store beneath, whichever it is; so are its guarantees, that of the same bytes in
 * watches included.
 *
 * A value that cannot be decrypted comes up empty with `unreadable` saying why: the object is lost until its key is back, and
 * nothing else is.
 */
import type {
  Compare,
  KeyValue,
  ListOptions,
  ListResult,
  Operation,
  Revision,
  Store,
  StoreEvent,
  StoreWatch,
  TxnResult,
  WatchObserver,
} from '../store.ts';
import { type EncryptionRule, transformerFor } from './configuration.ts';
import { DecryptionError, type ValueTransformer } from './transformer.ts';

const nothing = new Uint8Array();

export class EncryptedStore implements Store {
  readonly #store: Store;
  readonly #rules: readonly EncryptionRule[];
  readonly #transformers = new Map<string, ValueTransformer | undefined>();
  /** What was encrypted in this process need not be decrypted for its watches. */
  readonly #plain = new WeakMap<Uint8Array, Uint8Array>();

  constructor(store: Store, rules: readonly EncryptionRule[]) {
    this.#store = store;
    this.#rules = rules;
  }

  revision(): Promise<Revision> {
    return this.#store.revision();
  }

  async get(key: string, revision?: Revision): Promise<KeyValue | undefined> {
    const found = await this.#store.get(key, revision);
    return found === undefined ? undefined : this.#readable(found);
  }

  async list(prefix: string, options?: ListOptions): Promise<ListResult> {
    const result = await this.#store.list(prefix, options);
    return { ...result, items: result.items.map((item) => this.#readable(item)) };
  }

  async txn(compare: readonly Compare[], operations: readonly Operation[]): Promise<TxnResult> {
    const result = await this.#store.txn(
      compare,
      operations.map((operation) => this.#encrypted(operation)),
    );
    if (result.succeeded) return result;
    return { ...result, current: result.current.map((kv) => (kv === undefined ? undefined : this.#readable(kv))) };
  }

  watch(prefix: string, fromRevision: Revision, observer: WatchObserver): StoreWatch {
    return this.#store.watch(prefix, fromRevision, {
      events: (events) => observer.events(events.map((event) => this.#readableEvent(event))),
      error: (error) => observer.error(error),
    });
  }

  compact(revision: Revision): Promise<void> {
    return this.#store.compact(revision);
  }

  compactedRevision(): Promise<Revision> {
    return this.#store.compactedRevision();
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  #encrypted(operation: Operation): Operation {
    if (operation.type !== 'put') return operation;
    const transformer = this.#transformerOf(operation.key);
    if (transformer === undefined) return operation;
    const value = transformer.encrypt(operation.value, operation.key);
    if (value !== operation.value) this.#plain.set(value, operation.value);
    return { ...operation, value };
  }

  #readableEvent(event: StoreEvent): StoreEvent {
    if (this.#transformerOf(event.kv.key) === undefined) return event;
    // A delete brings no value of its own.
    if (event.type === 'delete') return { ...event, previous: this.#readable(event.previous) };
    const previous = event.previous === undefined ? undefined : this.#readable(event.previous);
    return { ...event, kv: this.#readable(event.kv), previous };
  }

  #readable(kv: KeyValue): KeyValue {
    const transformer = this.#transformerOf(kv.key);
    if (transformer === undefined) return kv;
    const known = this.#plain.get(kv.value);
    if (known !== undefined) return { ...kv, value: known };
    try {
      const { value, stale } = transformer.decrypt(kv.value, kv.key);
      if (!stale) this.#plain.set(kv.value, value);
      return { ...kv, value, ...(stale ? { stale } : {}) };
    } catch (error) {
      if (!(error instanceof DecryptionError)) throw error;
      return { ...kv, value: nothing, unreadable: error };
    }
  }

  /** By the resource in the key: `/registry/<group>/<resource>/…`. */
  #transformerOf(key: string): ValueTransformer | undefined {
    const end = key.indexOf('/', key.indexOf('/', key.indexOf('/', 1) + 1) + 1);
    const prefix = end < 0 ? key : key.slice(0, end);
    if (this.#transformers.has(prefix)) return this.#transformers.get(prefix);
    const [, , group = '', plural = ''] = prefix.split('/');
    const transformer = transformerFor(this.#rules, group === 'core' ? '' : group, plural);
    this.#transformers.set(prefix, transformer);
    return transformer;
  }
}

/**
 * Writes again every value of encrypted resources that another key or provider wrote. Objects get new resource versions.
 * Answers how many were written, and the keys of those that cannot be read.
 */
export async function reencrypt(
  store: Store,
  progress: (written: number) => void = () => undefined,
): Promise<{ readonly written: number; readonly unreadable: readonly string[] }> {
  let written = 0;
  const unreadable: string[] = [];
  let after: string | undefined;
  for (;;) {
    const page = await store.list('/registry/', { limit: 500, ...(after === undefined ? {} : { after }) });
    for (const { key, value, modRevision, stale, unreadable: why } of page.items) {
      if (why !== undefined) unreadable.push(key);
      // Events end by themselves, and would lose their time to do so.
      if (stale !== true || key.startsWith('/registry/core/events/')) continue;
      const { succeeded } = await store.txn([{ key, modRevision }], [{ type: 'put', key, value }]);
      // Who was faster has written with today's key.
      if (succeeded) written += 1;
    }
    progress(written);
    after = page.items.at(-1)?.key;
    if (page.remaining === 0 || after === undefined) return { written, unreadable };
  }
}
