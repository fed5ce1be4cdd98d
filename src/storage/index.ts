/** The Store contract and its engines. Engines with native code load when they are opened. */

export { type MemoryStoreOptions, openMemoryStore } from './memory.ts';
export type { HistoryRetention } from './retention.ts';
export * from './store.ts';
