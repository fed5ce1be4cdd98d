/** Random histories against the simplest thing that could be right: a copy of everything at every revision. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { CompactedError, type Compare, type Operation, type Store } from '../../src/storage/index.ts';
import { bytes, record, show } from './helpers.ts';

type Snapshot = ReadonlyMap<string, { value: string; create: number; mod: number }>;

class Model {
  readonly snapshots: Snapshot[] = [new Map(), new Map()];
  readonly events: { revision: number; key: string; text: string }[] = [];

  get revision(): number {
    return this.snapshots.length - 1;
  }

  txn(compare: readonly Compare[], operations: readonly Operation[]): boolean {
    const now = this.snapshots.at(-1)!;
    if (compare.some(({ key, modRevision }) => (now.get(key)?.mod ?? 0) !== modRevision)) return false;
    const next = new Map(now);
    const mod = this.revision + 1;
    let changed = false;
    for (const operation of operations) {
      const { key } = operation;
      const before = now.get(key);
      const was = before === undefined ? '-' : `${key}=${before.value}@${before.mod}/${before.create}`;
      if (operation.type === 'put') {
        const value = Buffer.from(operation.value).toString();
        const create = before?.create ?? mod;
        next.set(key, { value, create, mod });
        this.events.push({ revision: mod, key, text: `put ${key}=${value}@${mod}/${create} was ${was}` });
      } else if (before === undefined) {
        continue;
      } else {
        next.delete(key);
        this.events.push({ revision: mod, key, text: `delete ${key}=@${mod}/${before.create} was ${was}` });
      }
      changed = true;
    }
    if (changed) this.snapshots.push(next);
    return true;
  }

  list(prefix: string, revision: number): string[] {
    return [...this.snapshots[revision]!]
      .filter(([key]) => key.startsWith(prefix))
      .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      .map(([key, { value, create, mod }]) => `${key}=${value}@${mod}/${create}`);
  }
}

const prefixes = ['', '/', '/a/', '/b', '/a/\u{10000}'];
const key = fc.constantFrom('/a', '/a/1', '/a/2', '/a/\u{10000}', '/a/\uffee', '/b', '/b/1', '/ba');
const step = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      type: fc.constant('txn' as const),
      /** Relative to what the key's revision is: mostly right. */
      compare: fc.array(fc.tuple(key, fc.constantFrom(0, 0, 0, 1)), { maxLength: 2 }),
      operations: fc.uniqueArray(fc.tuple(key, fc.boolean(), fc.string({ maxLength: 4, unit: 'binary' })), {
        selector: ([name]) => name,
        maxLength: 4,
      }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('watch' as const), back: fc.nat(12) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('compact' as const), back: fc.nat(8) }) },
);

export function storeModel(open: () => Promise<Store>): void {
  it('agrees with a naive model: lists at all revisions, comparisons, watches, compaction', async () => {
    const run = async (steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[]): Promise<void> => {
      const store = await open();
      const model = new Model();
      let compacted = 0;
      const watches = prefixes.map((prefix) => ({ prefix, from: 1, ...record(store, prefix, 1) }));
      await Promise.all(watches.map(({ watch }) => watch.reached(1)));
      for (const action of steps) {
        if (action.type === 'txn') {
          const now = model.snapshots.at(-1)!;
          const compare = action.compare.map(([name, off]) => ({
            key: name,
            modRevision: (now.get(name)?.mod ?? 0) + off,
          }));
          const operations = action.operations.map(
            ([name, isPut, value]): Operation =>
              isPut ? { type: 'put', key: name, value: bytes(value) } : { type: 'delete', key: name },
          );
          const result = await store.txn(compare, operations);
          assert.equal(result.succeeded, model.txn(compare, operations));
          assert.equal(result.revision, model.revision);
        } else if (action.type === 'watch') {
          const from = Math.max(1, compacted, model.revision - action.back);
          for (const prefix of prefixes) watches.push({ prefix, from, ...record(store, prefix, from) });
        } else {
          // What still replays must not be overtaken here: that it ends with an error is another test's matter.
          await Promise.all(watches.map(({ watch }) => watch.reached(model.revision)));
          compacted = Math.max(compacted, model.revision - action.back);
          await store.compact(Math.max(0, model.revision - action.back));
        }
      }
      assert.equal(await store.compactedRevision(), Math.max(0, compacted));
      for (let revision = 1; revision <= model.revision; revision++) {
        for (const prefix of prefixes) {
          const list = store.list(prefix, { revision });
          if (revision < compacted) await assert.rejects(list, CompactedError);
          else assert.deepEqual((await list).items.map(show), model.list(prefix, revision));
        }
      }
      for (const prefix of prefixes) {
        const from = Math.max(1, compacted);
        watches.push({ prefix, from, ...record(store, prefix, from) });
      }
      for (const { prefix, from, watch, events } of watches) {
        await watch.reached(model.revision);
        const expected = model.events.filter((e) => e.revision >= from && e.key.startsWith(prefix));
        assert.deepEqual(
          events,
          expected.map((e) => e.text),
        );
      }
      await store.close();
    };
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 40 }), run), { numRuns: 40 });
  });
}
