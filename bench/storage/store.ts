/**
 * Measures the store engines: durable puts of 1 KiB by concurrent writers, lists, and many watches on one stream of writes.
 * Run with `npx tsx bench/storage/store.ts`. The event loop's stall is the longest time between two ticks of a 1 ms timer.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLmdbStore, openMemoryStore, type Store } from '../../src/storage/index.ts';

interface Measure {
  readonly operations: number;
  readonly seconds: number;
  readonly cpuMicroseconds: number;
  readonly stallMilliseconds: number;
}

const MILLISECONDS = 800;
const value = new Uint8Array(1024).fill(120);

/** Calls `work` until the time is up; each call answers how many operations it did. */
async function measure(workers: number, work: (worker: number, round: number) => Promise<number>): Promise<Measure> {
  let stall = 0;
  let tick = performance.now();
  const ticker = setInterval(() => {
    const now = performance.now();
    stall = Math.max(stall, now - tick - 1);
    tick = now;
  }, 1);
  const cpu = process.cpuUsage();
  const start = performance.now();
  let operations = 0;
  await Promise.all(
    Array.from({ length: workers }, async (_, worker) => {
      for (let round = 0; performance.now() - start < MILLISECONDS; round++) {
        const done = await work(worker, round); // first: `+=` would read the sum before it waits
        operations += done;
      }
    }),
  );
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  clearInterval(ticker);
  return { operations, seconds, cpuMicroseconds: (user + system) / operations, stallMilliseconds: stall };
}

async function benchmark(engine: string, store: Store): Promise<void> {
  for (const writers of [1, 16, 64, 256]) {
    const create = async (writer: number, round: number): Promise<number> => {
      const key = `/registry/pods/create-${writers}/pod-${writer}-${round}`;
      // Without a turn of the event loop now and then, an engine without a disk would starve the timer.
      if (round % 100 === 99) await new Promise(setImmediate);
      await store.txn([{ key, modRevision: 0 }], [{ type: 'put', key, value }]);
      return 1;
    };
    print(engine, `create, ${writers} writers`, await measure(writers, create));
  }
  const revisions = new Map<number, number>();
  const update = async (writer: number, round: number): Promise<number> => {
    const key = `/registry/leases/lease-${writer}`;
    if (round % 100 === 99) await new Promise(setImmediate);
    const compare = [{ key, modRevision: revisions.get(writer) ?? 0 }];
    revisions.set(writer, (await store.txn(compare, [{ type: 'put', key, value }])).revision);
    return 1;
  };
  print(engine, 'update, 64 writers', await measure(64, update));

  let delivered = 0;
  const observer = {
    events: (events: readonly unknown[]) => {
      delivered += events.length;
    },
    error: () => undefined,
  };
  const from = (await store.revision()) + 1;
  const watches = Array.from({ length: 100 }, (_, i) =>
    store.watch(i < 50 ? '/registry/leases/' : `/registry/kind-${i}/`, from, observer),
  );
  print(engine, 'update, 64 writers, 50 of 100 watches', await measure(64, update));
  console.log(`${engine.padEnd(8)}${'  events delivered to these'.padEnd(42)}${String(delivered).padStart(12)}`);
  for (const watch of watches) watch.close();

  for (let i = 0; i < 10; i++) {
    const keys = Array.from({ length: 1000 }, (_, k) => `/registry/list/${i}-${k}`);
    await store.txn(
      [],
      keys.map((key) => ({ type: 'put', key, value })),
    );
  }
  const list = async (): Promise<number> => {
    await new Promise(setImmediate);
    return (await store.list('/registry/list/')).items.length;
  };
  print(engine, 'items of lists of 10,000', await measure(1, list));
}

function print(
  engine: string,
  what: string,
  { operations, seconds, cpuMicroseconds, stallMilliseconds }: Measure,
): void {
  const figures = [(operations / seconds).toFixed(0), cpuMicroseconds.toFixed(2), stallMilliseconds.toFixed(1)];
  console.log(engine.padEnd(8) + what.padEnd(42) + figures.map((figure) => figure.padStart(12)).join(''));
}

async function main(): Promise<void> {
  console.log(
    `${'engine'.padEnd(8)}${'what'.padEnd(42)}${['per second', 'CPU µs each', 'stall ms'].map((h) => h.padStart(12)).join('')}`,
  );
  const memory = openMemoryStore();
  await benchmark('memory', memory);
  await memory.close();
  const directory = mkdtempSync(join(tmpdir(), 'setpoint-bench-'));
  try {
    const lmdb = await openLmdbStore(directory);
    await benchmark('lmdb', lmdb);
    await lmdb.close();
    const start = performance.now();
    const again = await openLmdbStore(directory);
    const { items } = await again.list('', { limit: 1 });
    const milliseconds = (performance.now() - start).toFixed(0);
    console.log(
      `lmdb: opened again in ${milliseconds} ms, revision ${await again.revision()}, ${items.length} item read`,
    );
    await again.close();
  } finally {
    rmSync(directory, { recursive: true });
  }
}

void main();
