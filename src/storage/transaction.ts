/** What makes a transaction well-formed, for every engine. */
import { checkKey } from './keys.ts';
import type { Operation } from './store.ts';

/** Throws a `TypeError` when an operation cannot be done by any store. */
export function checkOperations(operations: readonly Operation[]): void {
  for (const { key } of operations) checkKey(key);
  if (operations.length < 2) return;
  const keys = new Set<string>();
  for (const { key } of operations) {
    if (keys.has(key)) throw new TypeError(`key ${JSON.stringify(key)} appears twice in one transaction`);
    keys.add(key);
  }
}
