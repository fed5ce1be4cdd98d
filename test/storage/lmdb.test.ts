import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { open } from 'lmdb';
import { createVirtualClock } from '../../src/clock/virtual.ts';
import { openLmdbStore, type Store, StoreWriteError } from '../../src/storage/index.ts';
import { storeContract } from './contract.ts';
import { del, put, record, show, text, write } from './helpers.ts';

const root = mkdtempSync(join(tmpdir(), 'setpoint-lmdb-'));
let directories = 0;
const newDirectory = (): string => join(root, String(directories++));

/** A child that writes until it is killed. */
function spawnWriter(directory: string, round: string): ChildProcess {
  const script = join('test', 'storage', 'lmdb-writer.ts');
  return spawn(process.execPath, ['--import', 'tsx', script, directory, round], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

async function* linesOf(child: ChildProcess): AsyncGenerator<string> {
  for await (const line of createInterface({ input: child.stdout! })) yield line;
}

async function kill(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

after(() => rmSync(root, { recursive: true, force: true }));

storeContract('lmdb', (options) => openLmdbStore(newDirectory(), options));

describe('lmdb: what is on disk', () => {
  it('is all there after closing and opening: values, history, compaction', async () => {
    const directory = newDirectory();
    let store = await openLmdbStore(directory);
    await write(store, put('/a', '1'), put('/b', '1'));
    await write(store, put('/a', '2'));
    await write(store, del('/b'));
    await write(store, put('/a', '3'));
    await store.compact(3);
    await store.close();
    store = await openLmdbStore(directory);
    assert.equal(await store.revision(), 5);
    assert.equal(await store.compactedRevision(), 3);
    assert.deepEqual((await store.list('/', { revision: 3 })).items.map(show), ['/a=2@3/2', '/b=1@2/2']);
    assert.deepEqual((await store.list('/')).items.map(show), ['/a=3@5/2']);
    const watch = record(store, '/', 3);
    assert.equal(await write(store, put('/c')), 6);
    await watch.watch.reached(6);
    assert.deepEqual(watch.events, [
      'put /a=2@3/2 was /a=1@2/2',
      'delete /b=@4/2 was /b=1@2/2',
      'put /a=3@5/2 was /a=2@3/2',
      'put /c=/c@6/6 was -',
    ]);
    await store.close();
  });

  it('counts on after a delete that compaction has swept up to', async () => {
    const directory = newDirectory();
    let store = await openLmdbStore(directory);
    await write(store, put('/a'));
    const last = await write(store, del('/a'));
    await store.compact(last);
    await store.close();
    store = await openLmdbStore(directory);
    assert.equal(await store.revision(), last);
    assert.equal(await write(store, put('/a')), last + 1);
    await store.close();
  });

  it('shrinks by compaction, also by one that a restart interrupts', async () => {
    const directory = newDirectory();
    const count = async (): Promise<number> => {
      const files = open({ path: join(directory, 'data.mdb'), noSubdir: true, readOnly: true });
      const records = files.openDB({ name: 'records', keyEncoding: 'binary', encoding: 'binary' });
      const found = records.getKeysCount();
      await files.close();
      return found;
    };
    let store = await openLmdbStore(directory);
    for (let i = 0; i < 30; i++) await write(store, ...Array.from({ length: 100 }, (_, k) => put(`/${k}`, String(i))));
    await write(store, del('/0'));
    const last = await write(store, put('/1'));
    const compacting = store.compact(last);
    await store.close();
    await compacting;
    store = await openLmdbStore(directory);
    await write(store, put('/end'));
    for (let i = 0; i < 20; i++) await write(store, put('/end'));
    assert.equal((await store.list('/')).items.length, 100);
    await store.close();
    assert.ok((await count()) <= 100 + 22, `${await count()} records are left`);
  });

  it('ends keys that expired while nobody was there', async () => {
    const directory = newDirectory();
    const clock = createVirtualClock();
    let store = await openLmdbStore(directory, { clock });
    await write(store, put('/a', '1', 60), put('/b', '1'));
    await store.close();
    await clock.advance(3_600_000);
    store = await openLmdbStore(directory, { clock });
    const watch = record(store, '/', 3);
    await clock.advance(0);
    await watch.watch.reached(3);
    assert.deepEqual(watch.events, ['delete /a=@3/2 was /a=1@2/2']);
    await store.close();
  });

  it('is refused when a newer version has written it', async () => {
    const directory = newDirectory();
    await (await openLmdbStore(directory)).close();
    const files = open<unknown, string>({ path: join(directory, 'data.mdb'), noSubdir: true, encoding: 'json' });
    await files.openDB({ name: 'meta', encoding: 'json' }).put('format', 7);
    await files.close();
    await assert.rejects(openLmdbStore(directory), /has format 7, .* knows format 1/);
  });

  it('is refused when it is no database', async () => {
    const directory = newDirectory();
    mkdirSync(directory);
    writeFileSync(join(directory, 'data.mdb'), 'x'.repeat(100_000));
    await assert.rejects(openLmdbStore(directory), new RegExp(`cannot open the store in ${directory}: `));
  });
});

describe('lmdb: one owner', () => {
  it('within a process', async () => {
    const directory = newDirectory();
    const store = await openLmdbStore(directory);
    await assert.rejects(openLmdbStore(directory), new RegExp(`is in use by process ${process.pid} `));
    await write(store, put('/a'));
    await store.close();
    const again = await openLmdbStore(directory);
    assert.equal(show(await again.get('/a')), '/a=/a@2/2');
    await again.close();
  });

  it('among processes, until it dies', async () => {
    const directory = newDirectory();
    const child = spawnWriter(directory, 'x');
    const lines = linesOf(child);
    assert.equal((await lines.next()).value, 'open');
    await assert.rejects(openLmdbStore(directory), new RegExp(`is in use by process ${child.pid} `));
    await kill(child);
    await (await openLmdbStore(directory)).close();
  });
});

describe('lmdb: kill -9', () => {
  it('loses nothing acknowledged, keeps no half of a transaction, uses no revision twice', async () => {
    const directory = newDirectory();
    const acknowledged = new Map<number, string>();
    for (let round = 0; round < 4; round++) {
      const child = spawnWriter(directory, String(round));
      // The pipe closes a little before the process is gone.
      const exit = once(child, 'exit');
      let lines = 0;
      const enough = 20 + round * 97;
      for await (const line of linesOf(child)) {
        const [revision, name] = line.split(' ');
        if (name !== undefined) {
          assert.equal(acknowledged.get(Number(revision)), undefined, `revision ${revision} was given twice`);
          acknowledged.set(Number(revision), name);
        }
        if (++lines === enough) child.kill('SIGKILL');
      }
      await exit;
      const store = await openLmdbStore(directory);
      await check(store, acknowledged);
      await store.close();
    }
    assert.ok(acknowledged.size > 300);
  });

  async function check(store: Store, acknowledged: ReadonlyMap<number, string>): Promise<void> {
    const all = await store.list('');
    const values = new Map(all.items.map(({ key, value, modRevision }) => [key, `${text(value)}@${modRevision}`]));
    for (const [revision, name] of acknowledged) {
      assert.equal(values.get(`/a/${name}`), `${name}@${revision}`);
      assert.equal(values.get(`/b/${name}`), `${name}@${revision}`);
    }
    assert.equal(all.items.length % 2, 0);
    for (const { key, modRevision } of all.items) {
      const twin = key.startsWith('/a/') ? `/b/${key.slice(3)}` : `/a/${key.slice(3)}`;
      assert.equal(values.get(twin)?.split('@')[1], String(modRevision));
    }
    // Every transaction made two keys and nothing is ever changed: without gaps there are half as many revisions.
    assert.equal(all.items.length / 2, (await store.revision()) - 1);
  }
});

describe('lmdb: a medium that refuses', () => {
  const mount = join(root, 'mount');
  let mounted = false;
  before(function () {
    mounted = mountTmpfs(mount);
    if (!mounted) this.skip(); // only root may mount a small disk
  });
  after(() => {
    if (mounted) execFileSync('umount', [mount]);
  });

  it('full: rejects the write, keeps nothing of it, reads on, and works again when there is space', async () => {
    const directory = join(mount, 'full');
    let store = await openLmdbStore(directory);
    const first = await write(store, put('/first'));
    const watch = record(store, '/', first + 1);
    const ballast = join(mount, 'ballast');
    writeFileSync(ballast, Buffer.alloc(4 * 1024 * 1024));
    const value = new Uint8Array(512 * 1024).fill(1);
    let last = first;
    let refused: unknown;
    for (let i = 0; refused === undefined && i < 100; i++) {
      try {
        last = (await store.txn([], [{ type: 'put', key: `/big/${i}`, value }, put('/count', String(i))])).revision;
      } catch (error) {
        refused = error;
      }
    }
    assert.ok(refused instanceof StoreWriteError);
    assert.match(refused.message, /No space left on device/);
    assert.equal(await store.revision(), last);
    assert.equal((await store.list('/big/')).items.length, last - first);
    assert.equal(show(await store.get('/first')), '/first=/first@2/2');
    assert.equal(watch.batches.flat().at(-1)?.kv.modRevision, last);
    // All in one batch: the comparison is made while the refused write is still assumed to work.
    const doomed = store.txn([], [{ type: 'put', key: '/first', value }]);
    const judgedTwice = store.txn([{ key: '/first', modRevision: first }], []);
    await assert.rejects(doomed, StoreWriteError);
    assert.deepEqual(await judgedTwice, { succeeded: true, revision: last });
    const many = Array.from({ length: 20 }, (_, i) => store.txn([], [{ type: 'put', key: `/many/${i}`, value }]));
    const compared = store.txn([{ key: '/first', modRevision: 0 }], [put('/never')]);
    const outcomes = await Promise.allSettled(many);
    assert.ok(outcomes.every(({ status }) => status === 'rejected'));
    const answer = await compared;
    assert.deepEqual(answer.succeeded ? [] : answer.current.map(show), ['/first=/first@2/2']);
    rmSync(ballast);
    assert.equal(await write(store, put('/after')), last + 1);
    assert.equal(watch.events.at(-1), `put /after=/after@${last + 1}/${last + 1} was -`);
    await store.close();
    store = await openLmdbStore(directory);
    assert.equal(await store.revision(), last + 1);
    assert.deepEqual((await store.list('/many/')).items, []);
    await store.close();
  });

  it('read-only: opening says so', async () => {
    const directory = join(mount, 'read-only');
    await (await openLmdbStore(directory)).close();
    execFileSync('mount', ['-o', 'remount,ro', mount]);
    try {
      await assert.rejects(
        openLmdbStore(directory),
        (error) =>
          error instanceof StoreWriteError &&
          /cannot open the store in .*: .*[Rr]ead-only file system/.test(error.message),
      );
    } finally {
      execFileSync('mount', ['-o', 'remount,rw', mount]);
    }
  });
});

/** A disk of 16 MiB; false where mounting is not allowed. */
function mountTmpfs(path: string): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  mkdirSync(path);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', path], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
