/** The Store contract and its engines. Native code is loaded when a store is opened that needs it. */

export { type EncryptionRule, encryptionApiVersion, readEncryptionConfiguration } from './encryption/configuration.ts';
export { EncryptedStore, reencrypt } from './encryption/encrypted-store.ts';
export { type LmdbStoreOptions, openLmdbStore } from './lmdb.ts';
export { type MemoryStoreOptions, openMemoryStore } from './memory.ts';
export type { HistoryRetention } from './retention.ts';
export * from './store.ts';
