/** What a transaction means, for the engines that keep a {@link History}. */
import type { History, Version } from './history.ts';
import { checkKey } from './keys.ts';
import type { KeyValue, Operation, Revision, StoreEvent } from './store.ts';

/** How many operations one transaction may hold. */
export const MAX_OPERATIONS = 65_536;

const NO_VALUE = new Uint8Array(0);

/** Throws a `TypeError` when the operations cannot be done by any store. */
export function checkOperations(operations: readonly Operation[]): void {
  for (const operation of operations) {
    checkKey(operation.key);
    if (operation.type === 'put' && operation.ttlSeconds !== undefined && !(operation.ttlSeconds > 0)) {
      throw new TypeError(
        `ttlSeconds of key ${JSON.stringify(operation.key)} must be positive: ${operation.ttlSeconds}`,
      );
    }
  }
  if (operations.length < 2) return;
  if (operations.length > MAX_OPERATIONS) {
    throw new TypeError(`a transaction of ${operations.length} operations: at most ${MAX_OPERATIONS} are allowed`);
  }
  const keys = new Set<string>();
  for (const { key } of operations) {
    if (keys.has(key)) throw new TypeError(`key ${JSON.stringify(key)} appears twice in one transaction`);
    keys.add(key);
  }
}

/** Appends what the operations make to the history. As in etcd, deleting a key that does not exist makes nothing. */
export function applyOperations(
  history: History,
  operations: readonly Operation[],
  revision: Revision,
  now: number,
): Version[] {
  const written: Version[] = [];
  for (const operation of operations) {
    const { key } = operation;
    const current = history.latest(key);
    const put = operation.type === 'put';
    if (!put && current === undefined) continue;
    const version: Version = {
      key,
      createRevision: put ? (current?.createRevision ?? revision) : 0,
      modRevision: revision,
      index: written.length,
      expiresAt: put && operation.ttlSeconds !== undefined ? Math.ceil(now + operation.ttlSeconds * 1000) : 0,
      value: put ? operation.value : NO_VALUE,
      previous: undefined,
    };
    history.append(version);
    written.push(version);
  }
  return written;
}

export function toKeyValue({ key, createRevision, modRevision }: Version, value: Uint8Array): KeyValue {
  return { key, value, createRevision, modRevision };
}

/** The event of a version. `read` finds the value of a version that does not hold it. */
export function toEvent(version: Version, read: (version: Version) => Uint8Array): StoreEvent {
  const { key, modRevision } = version;
  const before = version.previous?.createRevision ? version.previous : undefined;
  const previous = before && toKeyValue(before, before.value ?? read(before));
  if (version.createRevision === 0) {
    const { createRevision } = previous!; // only keys that exist are deleted
    return { type: 'delete', kv: { key, value: NO_VALUE, createRevision, modRevision }, previous: previous! };
  }
  return { type: 'put', kv: toKeyValue(version, version.value ?? read(version)), previous };
}
