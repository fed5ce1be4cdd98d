/** What every store promises. Each engine's test calls {@link storeContract} with a way to open an empty one. */
import assert from 'node:assert/strict';
import type { Clock } from '../../src/clock/clock.ts';
import { createVirtualClock } from '../../src/clock/virtual.ts';
import { CompactedError, FutureRevisionError, type Store, StoreClosedError } from '../../src/storage/index.ts';
import { bytes, del, put, record, show, text, write } from './helpers.ts';
import { storeModel } from './model.ts';

export interface OpenOptions {
  readonly clock?: Clock;
  readonly retention?: { readonly milliseconds: number; readonly revisions: number };
}

export function storeContract(name: string, open: (options?: OpenOptions) => Promise<Store>): void {
  describe(`${name}: the store contract`, () => {
    let store: Store;

    beforeEach(async () => {
      store = await open();
    });
    afterEach(() => store.close());

    describe('transactions', () => {
      it('begin at revision 1 and make one revision each, whatever they hold', async () => {
        assert.equal(await store.revision(), 1);
        assert.equal(await write(store, put('/a')), 2);
        assert.equal(await write(store, put('/b'), put('/c'), del('/a')), 3);
        assert.equal(await store.revision(), 3);
      });

      it('keep the create revision through updates, and begin anew after a delete', async () => {
        await write(store, put('/a', '1'));
        await write(store, put('/a', '2'));
        assert.equal(show(await store.get('/a')), '/a=2@3/2');
        await write(store, del('/a'));
        assert.equal(await store.get('/a'), undefined);
        await write(store, put('/a', '3'));
        assert.equal(show(await store.get('/a')), '/a=3@5/5');
      });

      it('make no revision when nothing changes', async () => {
        assert.deepEqual(await store.txn([], []), { succeeded: true, revision: 1 });
        assert.deepEqual(await store.txn([], [del('/missing')]), { succeeded: true, revision: 1 });
        assert.equal(await write(store, del('/missing'), put('/a')), 2);
      });

      it('happen when all comparisons hold', async () => {
        assert.ok((await store.txn([{ key: '/a', modRevision: 0 }], [put('/a')])).succeeded);
        const compare = [
          { key: '/a', modRevision: 2 },
          { key: '/b', modRevision: 0 },
        ];
        assert.deepEqual(await store.txn(compare, [put('/b')]), { succeeded: true, revision: 3 });
      });

      it('do nothing when one comparison fails, and say what each compared key is', async () => {
        await write(store, put('/a', '1'));
        await write(store, put('/gone'));
        await write(store, del('/gone'));
        const compare = ['/b', '/a', '/gone'].map((key) => ({ key, modRevision: key === '/a' ? 3 : 0 }));
        const result = await store.txn(compare, [put('/b'), del('/a')]);
        assert.ok(!result.succeeded);
        assert.equal(result.revision, 4);
        assert.deepEqual(result.current.map(show), ['-', '/a=1@2/2', '-']);
        assert.deepEqual((await store.list('')).items.map(show), ['/a=1@2/2']);
      });

      it('give a key to one of many that compete for it', async () => {
        const attempts = Array.from({ length: 20 }, (_, i) =>
          store.txn([{ key: '/lock', modRevision: 0 }], [put('/lock', String(i))]),
        );
        const results = await Promise.all(attempts);
        assert.equal(results.filter(({ succeeded }) => succeeded).length, 1);
        const current = results.flatMap((result) => (result.succeeded ? [] : result.current.map(show)));
        assert.deepEqual(new Set(current), new Set([show(await store.get('/lock'))]));
      });

      it('are refused when they make no sense', async () => {
        await assert.rejects(store.txn([], [put('/a'), del('/a')]), /"\/a" appears twice in one transaction/);
        await assert.rejects(store.txn([], [put('')]), /must not be empty/);
        await assert.rejects(store.txn([], [put('/a\ud800')]), /not well-formed Unicode/);
        await assert.rejects(store.txn([], [put('k'.repeat(1025))]), /key of 1025 bytes: at most 1024/);
        await assert.rejects(store.txn([], [put('/a', '', 0)]), /ttlSeconds .* must be positive: 0/);
        await assert.rejects(store.txn([], [put('/a', '', Number.NaN)]), /must be positive: NaN/);
        assert.equal(await store.revision(), 1);
        assert.equal(await write(store, put('k'.repeat(1024))), 2);
      });

      it('keep values byte by byte, empty ones and large ones too', async () => {
        const all = Uint8Array.from({ length: 256 }, (_, i) => i);
        const large = Uint8Array.from({ length: 3 * 1024 * 1024 }, (_, i) => i * 31);
        const values = [new Uint8Array(0), all, large, all.subarray(10, 20)];
        for (const value of values) {
          await store.txn([], [{ type: 'put', key: '/value', value }]);
          const read = (await store.get('/value'))?.value;
          assert.equal(Object.getPrototypeOf(read), Uint8Array.prototype);
          assert.ok(Buffer.from(read!).equals(value));
        }
      });

      it('of 64 concurrent writers get revisions without gap or repetition', async () => {
        const watch = record(store, '', 1);
        const revisions = await Promise.all(
          Array.from({ length: 64 }, async (_, writer) => {
            const mine: number[] = [];
            for (let i = 0; i < 20; i++) mine.push(await write(store, put(`/w${writer}/${i % 3}`, String(i))));
            return mine;
          }),
        );
        const all = revisions.flat().sort((a, b) => a - b);
        assert.deepEqual(
          all,
          Array.from({ length: 64 * 20 }, (_, i) => i + 2),
        );
        await watch.watch.reached(all.at(-1)!);
        assert.deepEqual(
          watch.batches.flat().map(({ kv }) => kv.modRevision),
          all,
        );
      });
    });

    describe('lists', () => {
      it('are in the order of the keys’ bytes', async () => {
        // U+FFFD and U+E000 sort before U+10000 in UTF-8 and after it in UTF-16.
        const keys = ['/\u{10000}', '/\ufffd', '/a/', '/a', '/a/b', '/A', '/é', '/z', '/a-b', '/\ue000', '/\u{10ffff}'];
        await write(store, ...keys.map((key) => put(key)));
        const expected = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
        const listed = async (prefix: string, after?: string): Promise<string[]> =>
          (await store.list(prefix, { ...(after !== undefined && { after }) })).items.map(({ key }) => key);
        assert.deepEqual(await listed('/'), expected);
        assert.deepEqual(await listed('/\u{10000}'), ['/\u{10000}']);
        for (const [i, key] of expected.entries()) assert.deepEqual(await listed('/', key), expected.slice(i + 1));
      });

      it('hold what begins with the prefix, and nothing else', async () => {
        await write(store, ...['/a', '/a/1', '/a/2', '/a0', '/b', '/ab'].map((key) => put(key)));
        const keys = async (prefix: string): Promise<string[]> =>
          (await store.list(prefix)).items.map(({ key }) => key);
        assert.deepEqual(await keys('/a/'), ['/a/1', '/a/2']);
        assert.deepEqual(await keys('/a'), ['/a', '/a/1', '/a/2', '/a0', '/ab']);
        assert.deepEqual(await keys('/c'), []);
        assert.equal((await keys('')).length, 6);
      });

      it('are cut to the limit, say what is left, and go on after a key', async () => {
        await write(store, ...Array.from({ length: 10 }, (_, i) => put(`/k/${i}`)));
        await write(store, put('/l'));
        const first = await store.list('/k/', { limit: 4 });
        assert.deepEqual([first.items.length, first.remaining, first.revision], [4, 6, 3]);
        const second = await store.list('/k/', { limit: 4, after: first.items.at(-1)!.key });
        assert.deepEqual([second.items[0]!.key, second.items.length, second.remaining], ['/k/4', 4, 2]);
        const third = await store.list('/k/', { limit: 4, after: second.items.at(-1)!.key });
        assert.deepEqual([third.items.map(({ key }) => key), third.remaining], [['/k/8', '/k/9'], 0]);
        assert.deepEqual((await store.list('/k/', { after: '/k/5x' })).items[0]!.key, '/k/6');
        assert.deepEqual((await store.list('/k/', { after: '/z' })).items, []);
        assert.deepEqual((await store.list('/k/', { after: '/a' })).items.length, 10);
      });

      it('of thousands of keys are whole while writers go on', async () => {
        await write(store, ...Array.from({ length: 5000 }, (_, i) => put(`/k/${i}`, 'old')));
        const listing = store.list('/k/');
        const writing = write(store, ...Array.from({ length: 5000 }, (_, i) => put(`/k/${i}`, 'new')));
        const list = await listing;
        await writing;
        assert.equal(list.revision, 2);
        assert.equal(list.items.filter(({ value }) => text(value) === 'old').length, 5000);
      });
    });

    describe('history', () => {
      it('answers reads at every revision', async () => {
        await write(store, put('/a', '1')); // 2
        await write(store, put('/a', '2'), put('/b', '1')); // 3
        await write(store, del('/a')); // 4
        await write(store, put('/a', '3')); // 5
        const at = async (revision: number): Promise<string[]> => {
          const list = await store.list('/', { revision });
          assert.equal(list.revision, revision);
          return list.items.map(show);
        };
        assert.deepEqual(await at(1), []);
        assert.deepEqual(await at(2), ['/a=1@2/2']);
        assert.deepEqual(await at(3), ['/a=2@3/2', '/b=1@3/3']);
        assert.deepEqual(await at(4), ['/b=1@3/3']);
        assert.deepEqual(await at(5), ['/a=3@5/5', '/b=1@3/3']);
        assert.equal(show(await store.get('/a', 3)), '/a=2@3/2');
        assert.equal(show(await store.get('/a', 4)), '-');
      });

      it('has no future', async () => {
        await write(store, put('/a'));
        const future = (error: unknown): boolean => {
          assert.ok(error instanceof FutureRevisionError);
          assert.equal(error.currentRevision, 2);
          return true;
        };
        await assert.rejects(store.get('/a', 3), future);
        await assert.rejects(store.list('/', { revision: 3 }), future);
        await assert.rejects(store.compact(3), future);
      });

      it('ends where it was compacted', async () => {
        for (let i = 2; i <= 6; i++) await write(store, put('/a', String(i)));
        assert.equal(await store.compactedRevision(), 0);
        await store.compact(4);
        assert.equal(await store.compactedRevision(), 4);
        const compacted = (error: unknown): boolean => {
          assert.ok(error instanceof CompactedError);
          assert.equal(error.compactedRevision, 4);
          return true;
        };
        await assert.rejects(store.get('/a', 3), compacted);
        await assert.rejects(store.list('/', { revision: 3 }), compacted);
        assert.equal(text((await store.get('/a', 4))?.value), '4');
        assert.equal(text((await store.get('/a', 5))?.value), '5');
        assert.equal(text((await store.get('/a'))?.value), '6');
      });

      it('stays compacted when asked for less', async () => {
        await write(store, put('/a'));
        await write(store, put('/b'));
        await store.compact(3);
        await store.compact(2);
        await store.compact(3);
        assert.equal(await store.compactedRevision(), 3);
      });

      it('keeps what is current, and forgets deleted keys, through compaction', async () => {
        await write(store, put('/kept'), put('/gone'), put('/late'));
        await write(store, del('/gone'));
        await write(store, put('/other'));
        await write(store, del('/late'));
        await store.compact(await store.revision());
        assert.deepEqual((await store.list('/')).items.map(show), ['/kept=/kept@2/2', '/other=/other@4/4']);
        assert.equal(await store.get('/gone'), undefined);
        const again = await store.txn([{ key: '/gone', modRevision: 0 }], [put('/gone')]);
        assert.ok(again.succeeded);
        assert.equal(show(await store.get('/gone')), '/gone=/gone@6/6');
      });

      it('is compacted by itself: by age', async () => {
        const clock = createVirtualClock();
        const own = await open({ clock, retention: { milliseconds: 60_000, revisions: 1000 } });
        await write(own, put('/a', '1'));
        await write(own, put('/a', '2'));
        await clock.advance(59_000);
        assert.equal(await own.compactedRevision(), 0);
        const revision = await write(own, put('/a', '3'));
        await clock.advance(61_000);
        await own.compact(1); // waits for what is under way
        assert.ok((await own.compactedRevision()) >= 2);
        await clock.advance(60_000);
        await own.compact(1);
        assert.equal(await own.compactedRevision(), revision);
        assert.equal(text((await own.get('/a'))?.value), '3');
        await own.close();
      });

      it('is compacted by itself: by length', async () => {
        const own = await open({ retention: { milliseconds: 1e9, revisions: 100 } });
        for (let i = 0; i < 120; i++) await write(own, put('/a', String(i)));
        await own.compact(1);
        const kept = (await own.revision()) - (await own.compactedRevision());
        assert.ok(kept >= 100 && kept <= 111, `${kept} revisions are kept`);
        await own.close();
      });
    });

    describe('watches', () => {
      it('deliver before the transaction resolves', async () => {
        const watch = record(store, '/a/', 2);
        await watch.watch.reached(1);
        for (let i = 2; i < 10; i++) {
          const revision = await write(store, put('/a/x', String(i)));
          assert.equal(watch.events.length, i - 1);
          assert.equal(watch.watch.revision, revision);
        }
      });

      it('tell what was before', async () => {
        const watch = record(store, '/', 1);
        await write(store, put('/a', '1'));
        await write(store, put('/a', '2'), put('/b', '1'));
        await write(store, del('/a'));
        const last = await write(store, put('/a', '3'));
        await watch.watch.reached(last);
        const expected = [
          'put /a=1@2/2 was -',
          'put /a=2@3/2 was /a=1@2/2',
          'put /b=1@3/3 was -',
          'delete /a=@4/2 was /a=2@3/2',
          'put /a=3@5/5 was -',
        ];
        assert.deepEqual(watch.events, expected);
        const late = record(store, '/', 1);
        await late.watch.reached(last);
        assert.deepEqual(late.events, expected);
      });

      it('deliver the very bytes that were put', async () => {
        const watch = record(store, '/', 2);
        await watch.watch.reached(1);
        const value = bytes('mine');
        await store.txn([], [{ type: 'put', key: '/a', value }]);
        assert.equal(watch.batches[0]![0]!.kv.value, value);
      });

      it('deliver a transaction in one batch, of their prefix only', async () => {
        const watches = ['/a/', '/a', '', '/a/1', '/b/', '/c'].map((prefix) => record(store, prefix, 2));
        await Promise.all(watches.map(({ watch }) => watch.reached(1)));
        await write(store, put('/a/1'), put('/b/1'), put('/a/2'), put('/ab'));
        const keys = watches.map(({ batches }) => batches.map((batch) => batch.map(({ kv }) => kv.key)));
        assert.deepEqual(keys, [
          [['/a/1', '/a/2']],
          [['/a/1', '/a/2', '/ab']],
          [['/a/1', '/b/1', '/a/2', '/ab']],
          [['/a/1']],
          [['/b/1']],
          [],
        ]);
      });

      it('that start in the past see everything once, with writers at work', async () => {
        for (let i = 0; i < 1500; i++) await write(store, put(`/k/${i % 7}`, String(i)));
        const writing = Promise.all(Array.from({ length: 300 }, (_, i) => write(store, put(`/k/${i % 7}`, 'live'))));
        const watches = [2, 700, 1500, 1502, 1700].map((from) => ({ from, ...record(store, '/k/', from) }));
        const last = Math.max(...(await writing));
        for (const { from, watch, batches } of watches) {
          await watch.reached(last);
          assert.deepEqual(
            batches.flat().map(({ kv }) => kv.modRevision),
            Array.from({ length: last - from + 1 }, (_, i) => from + i),
          );
        }
      });

      it('never call the observer before they are returned', async () => {
        await write(store, put('/a'));
        let returned = false;
        const early: string[] = [];
        const note = (what: string): void => {
          if (!returned) early.push(what);
        };
        const observer = { events: () => note('events'), error: () => note('error') };
        const watch = store.watch('/', 1, observer);
        returned = true;
        await watch.reached(2);
        await store.compact(2);
        returned = false;
        store.watch('/', 1, observer);
        returned = true;
        assert.deepEqual(early, []);
      });

      it('from the future wait for it', async () => {
        const watch = record(store, '/', 4);
        await write(store, put('/a', '2'));
        await write(store, put('/a', '3'));
        const last = await write(store, put('/a', '4'));
        await watch.watch.reached(last);
        assert.deepEqual(watch.events, ['put /a=4@4/2 was /a=3@3/2']);
      });

      it('below the compacted revision end with an error, and at it are whole', async () => {
        await write(store, put('/a', '2'));
        await write(store, put('/a', '3'));
        await write(store, del('/a'));
        await store.compact(4);
        const below = record(store, '/', 3);
        const error = await below.ended;
        assert.ok(error instanceof CompactedError);
        assert.equal(error.compactedRevision, 4);
        assert.deepEqual(below.events, []);
        await assert.rejects(below.watch.reached(4), CompactedError);
        const at = record(store, '/', 4);
        await at.watch.reached(4);
        assert.deepEqual(at.events, ['delete /a=@4/2 was /a=3@3/2']);
      });

      it('that are live do not mind compaction', async () => {
        const watch = record(store, '/', 2);
        await write(store, put('/a', '2'));
        await watch.watch.reached(2);
        await store.compact(2);
        await write(store, put('/a', '3'));
        assert.deepEqual(watch.events, ['put /a=2@2/2 was -', 'put /a=3@3/2 was /a=2@2/2']);
      });

      it('say when they have reached a revision, also one that does not concern them', async () => {
        const watch = record(store, '/mine/', 1);
        const reached: number[] = [];
        const waits = [4, 2, 3].map((revision) => watch.watch.reached(revision).then(() => reached.push(revision)));
        await write(store, put('/other'));
        await waits[1];
        assert.deepEqual(reached, [2]);
        await write(store, put('/mine/a'));
        await waits[2];
        await write(store, put('/other'));
        await Promise.all(waits);
        assert.deepEqual(reached, [2, 3, 4]);
        assert.equal(watch.events.length, 1);
      });

      it('are silent once closed', async () => {
        const watch = record(store, '/', 2);
        await write(store, put('/a'));
        await watch.watch.reached(2);
        const waiting = assert.rejects(watch.watch.reached(9), /was closed/);
        watch.watch.close();
        watch.watch.close();
        await waiting;
        await write(store, put('/b'));
        assert.equal(watch.events.length, 1);
        assert.equal(watch.watch.revision, 2);
        assert.equal(watch.error, undefined);
      });

      it('end when their observer throws, which hurts nobody else', async () => {
        let ended: Error | undefined;
        const broken = store.watch('/', 2, {
          events() {
            throw new Error('broken observer');
          },
          error(error) {
            ended = error;
          },
        });
        const sound = record(store, '/', 2);
        await Promise.all([broken.reached(1), sound.watch.reached(1)]);
        await write(store, put('/a'));
        await write(store, put('/b'));
        assert.equal(ended?.message, 'broken observer');
        assert.equal(sound.events.length, 2);
      });

      it('let observers write, watch and close while they are called', async () => {
        const seen: number[] = [];
        const second: number[] = [];
        const writes: Promise<number>[] = [];
        const first = store.watch('/', 2, {
          events(events) {
            for (const { kv } of events) if (kv.modRevision < 5) writes.push(write(store, put('/chain')));
            inner ??= record(store, '/', 2);
          },
          error: () => undefined,
        });
        let inner: ReturnType<typeof record> | undefined;
        const other = store.watch('/', 2, {
          events: (events) => second.push(...events.map(({ kv }) => kv.modRevision)),
          error: () => undefined,
        });
        const closing = store.watch('/', 2, {
          events(events) {
            seen.push(...events.map(({ kv }) => kv.modRevision));
            closing.close();
          },
          error: () => undefined,
        });
        await Promise.all([first, other, closing].map((watch) => watch.reached(1)));
        await write(store, put('/start'));
        await other.reached(5);
        await Promise.all(writes);
        await inner!.watch.reached(5);
        assert.deepEqual(second, [2, 3, 4, 5]);
        assert.deepEqual(
          inner!.batches.flat().map(({ kv }) => kv.modRevision),
          [2, 3, 4, 5],
        );
        assert.deepEqual(seen, [2]);
      });
    });

    describe('keys with a time to live', () => {
      it('end by an ordinary delete', async () => {
        const clock = createVirtualClock();
        const own = await open({ clock });
        const watch = record(own, '/', 1);
        await write(own, put('/a', '1', 10), put('/b', '1', 20), put('/c', '1'));
        await clock.advance(9_999);
        assert.equal((await own.list('/')).items.length, 3);
        await clock.advance(1);
        await watch.watch.reached(3);
        await clock.advance(10_000);
        await watch.watch.reached(4);
        assert.deepEqual(watch.events.slice(3), ['delete /a=@3/2 was /a=1@2/2', 'delete /b=@4/2 was /b=1@2/2']);
        assert.deepEqual((await own.list('/')).items.map(show), ['/c=1@2/2']);
        await own.close();
      });

      it('live on when they are written again', async () => {
        const clock = createVirtualClock();
        const own = await open({ clock });
        const watch = record(own, '/', 1);
        await write(own, put('/renewed', '1', 10), put('/kept', '1', 10), put('/deleted', '1', 10));
        await clock.advance(5_000);
        await write(own, put('/renewed', '2', 10), put('/kept', '2'), del('/deleted'));
        await clock.advance(9_999);
        assert.equal(await own.revision(), 3);
        await clock.advance(1);
        await watch.watch.reached(4);
        await clock.advance(3_600_000);
        assert.deepEqual((await own.list('/')).items.map(show), ['/kept=2@3/2']);
        assert.equal(await own.revision(), 4);
        await own.close();
      });

      it('end by the hundred', async () => {
        const clock = createVirtualClock();
        const own = await open({ clock });
        const watch = record(own, '/', 1);
        await write(own, ...Array.from({ length: 1000 }, (_, i) => put(`/k/${i}`, '', 1 + (i % 3))));
        await clock.advance(3_000);
        await watch.watch.reached(1002);
        assert.deepEqual((await own.list('/')).items, []);
        await own.close();
      });
    });

    describe('closing', () => {
      it('finishes pending writes, and ends watches', async () => {
        const watch = record(store, '/', 1);
        const writes = Array.from({ length: 10 }, (_, i) => write(store, put(`/${i}`)));
        await store.close();
        assert.equal(Math.max(...(await Promise.all(writes))), 11);
        assert.ok((await watch.ended) instanceof StoreClosedError);
      });

      it('refuses what comes later, and closing again does nothing', async () => {
        await store.close();
        await store.close();
        await assert.rejects(store.revision(), StoreClosedError);
        await assert.rejects(store.get('/a'), StoreClosedError);
        await assert.rejects(store.list('/'), StoreClosedError);
        await assert.rejects(store.txn([], [put('/a')]), StoreClosedError);
        await assert.rejects(store.compact(1), StoreClosedError);
        await assert.rejects(store.compactedRevision(), StoreClosedError);
        assert.throws(() => record(store, '/', 1), StoreClosedError);
      });
    });

    storeModel(open);
  });
}
