/** The Store contract and its engines. Engines with native code load when they are opened. */

export { type MemoryStoreOptions, openMemoryStore } from './memory.ts';
export type { HistoryRetention } from './retention.ts';

import type { LmdbStoreOptions } from './lmdb.ts';
import type { Store } from './store.ts';

export type { LmdbStoreOptions } from './lmdb.ts';
export * from './store.ts';

/** {@inheritDoc ./lmdb.ts} */
export async function openLmdbStore(directory: string, options?: LmdbStoreOptions): Promise<Store> {
  const lmdb = await import('./lmdb.ts');
  return lmdb.openLmdbStore(directory, options);
}
