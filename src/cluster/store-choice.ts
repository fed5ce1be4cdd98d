/** Which store a cluster stands on, as `--store` names it. */
import type { Clock } from '../clock/clock.ts';
import { openLmdbStore, openMemoryStore, type Store } from '../storage/index.ts';

export type StoreChoice = 'lmdb' | 'memory';
export const storeChoices: readonly StoreChoice[] = ['lmdb', 'memory'];

/** `directory` is needed for lmdb only. */
export async function openStore(choice: StoreChoice, directory: string | undefined, clock: Clock): Promise<Store> {
  if (choice === 'memory') return openMemoryStore({ clock });
  if (directory === undefined) throw new Error('the lmdb store needs a data directory');
  return await openLmdbStore(directory, { clock });
}
