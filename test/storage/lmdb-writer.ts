/**
 * A process that writes until it is killed, and prints what the store has acknowledged: `<revision> <key>…` a line.
 * Each transaction puts two keys with the same value, so that half a transaction would show.
 */
import { writeSync } from 'node:fs';
import { openLmdbStore } from '../../src/storage/index.ts';
import { put } from './helpers.ts';

async function run(directory: string, round: string): Promise<void> {
  const store = await openLmdbStore(directory);
  writeSync(1, 'open\n');
  const writer = async (number: number): Promise<never> => {
    for (let i = 0; ; i++) {
      const name = `${round}-${number}-${i}`;
      const { revision } = await store.txn([], [put(`/a/${name}`, name), put(`/b/${name}`, name)]);
      writeSync(1, `${revision} ${name}\n`);
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, number) => writer(number)));
}

const [directory, round] = process.argv.slice(2);
if (directory === undefined || round === undefined) throw new Error('usage: lmdb-writer <directory> <round>');
void run(directory, round);
