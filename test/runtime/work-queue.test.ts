import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createVirtualClock } from '../../src/clock/virtual.ts';
import { type Priority, WorkQueue, type WorkQueueOptions } from '../../src/runtime/index.ts';

function queueOf(options: Partial<WorkQueueOptions> = {}) {
  const clock = createVirtualClock();
  const queue = new WorkQueue({ clock, ...options });
  return { clock, queue };
}

function takeAll(queue: WorkQueue): string[] {
  const taken: string[] = [];
  for (let key = queue.get(); key !== undefined; key = queue.get()) {
    taken.push(key);
    queue.done(key);
  }
  return taken;
}

describe('work queue', () => {
  it('works on a key once however often it was added', () => {
    const { queue } = queueOf();
    for (const key of ['a/x', 'a/y', 'a/x', 'a/x']) queue.add(key);
    assert.equal(queue.length, 2);
    assert.deepEqual(takeAll(queue), ['a/x', 'a/y']);
  });

  it('never gives a key out twice at the same time, and gives it again when it was added meanwhile', () => {
    const { queue } = queueOf();
    queue.add('a/x');
    assert.equal(queue.get(), 'a/x');
    queue.add('a/x');
    assert.equal(queue.get(), undefined);
    queue.done('a/x');
    assert.equal(queue.get(), 'a/x');
    queue.done('a/x');
    assert.equal(queue.get(), undefined);
  });

  it('refuses done without get', () => {
    const { queue } = queueOf();
    queue.add('a/x');
    assert.throws(() => queue.done('a/x'), /done\("a\/x"\) without get/);
    assert.throws(() => queue.done('a/never'), /without get/);
  });

  it('takes fresh keys before background ones, and raises a key that becomes fresh', () => {
    const { queue } = queueOf();
    queue.add('a/1', 'background');
    queue.add('a/2', 'background');
    queue.add('a/3');
    queue.add('a/2');
    queue.add('a/3', 'background');
    assert.deepEqual(takeAll(queue), ['a/3', 'a/2', 'a/1']);
  });

  it('lets namespaces take turns', () => {
    const { queue } = queueOf();
    for (let i = 0; i < 4; i++) queue.add(`busy/${i}`);
    queue.add('quiet/0');
    queue.add('other/0');
    assert.deepEqual(takeAll(queue), ['busy/0', 'quiet/0', 'other/0', 'busy/1', 'busy/2', 'busy/3']);
  });

  it('adds later, at the earliest of several times', async () => {
    const { queue, clock } = queueOf();
    queue.addAfter('a/x', 1000);
    queue.addAfter('a/x', 500);
    queue.addAfter('a/x', 2000);
    assert.equal(queue.delayed, 1);
    await clock.advance(499);
    assert.equal(queue.get(), undefined);
    await clock.advance(1);
    assert.deepEqual(takeAll(queue), ['a/x']);
    await clock.advance(5000);
    assert.equal(queue.get(), undefined);
  });

  it('backs off from 5 ms to 1000 s, less a little by lot, until the key is forgotten', () => {
    const { queue } = queueOf();
    for (let failure = 0; failure < 25; failure++) {
      const full = Math.min(5 * 2 ** failure, 1_000_000);
      const delay = queue.addRateLimited('a/x');
      assert.ok(delay <= full && delay >= full * 0.9, `failure ${failure}: ${delay}`);
    }
    assert.equal(queue.failures('a/x'), 25);
    queue.forget('a/x');
    assert.ok(queue.addRateLimited('a/x') <= 5);
  });

  it('holds all retries together to 10 a second after a burst of 100', () => {
    const { queue } = queueOf({ jitter: 0 });
    const delays = Array.from({ length: 120 }, (_, i) => queue.addRateLimited(`a/${i}`));
    assert.ok(delays.slice(0, 100).every((delay) => delay === 5));
    assert.equal(Math.round(delays[100]!), 100);
    assert.equal(Math.round(delays[119]!), 2000);
  });

  it('says when it becomes ready, once', () => {
    const { queue } = queueOf();
    let ready = 0;
    queue.onReady = () => {
      ready++;
    };
    queue.add('a/x');
    queue.add('a/y');
    assert.equal(ready, 1);
    const key = queue.get()!;
    queue.get();
    queue.add(key);
    queue.done(key);
    assert.equal(ready, 2);
  });

  it('shuts down: takes nothing more, drops what waits, and resolves with the last key done', async () => {
    const { queue, clock } = queueOf();
    queue.add('a/x');
    queue.add('a/y');
    queue.addAfter('a/z', 10);
    assert.equal(queue.get(), 'a/x');
    let drained = false;
    const shutDown = queue.shutDown().then(() => {
      drained = true;
    });
    queue.add('a/late');
    queue.add('a/x');
    await clock.advance(100);
    assert.equal(queue.get(), undefined);
    assert.equal(drained, false);
    queue.done('a/x');
    await shutDown;
    assert.equal(queue.get(), undefined);
    await queue.shutDown();
  });

  it('tells its metrics each step', async () => {
    const seen: string[] = [];
    const { queue, clock } = queueOf({
      metrics: {
        added: (depth) => seen.push(`added ${depth}`),
        taken: (depth, waited) => seen.push(`taken ${depth} after ${waited}`),
        done: (worked) => seen.push(`done after ${worked}`),
        retried: () => seen.push('retried'),
      },
    });
    queue.add('a/x');
    await clock.advance(30);
    queue.get();
    await clock.advance(20);
    queue.addRateLimited('a/x');
    queue.done('a/x');
    assert.deepEqual(seen, ['added 1', 'taken 0 after 30', 'retried', 'done after 20']);
  });

  it('behaves as its model', async () => {
    const key = fc
      .tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('1', '2', '3'))
      .map(([namespace, name]) => `${namespace}/${name}`);
    const priority = fc.constantFrom<Priority>('fresh', 'background');
    const command = fc.oneof(
      fc.record({ do: fc.constant('add' as const), key, priority }),
      fc.record({ do: fc.constant('after' as const), key, priority, delay: fc.integer({ min: 1, max: 50 }) }),
      fc.record({ do: fc.constant('get' as const) }),
      fc.record({ do: fc.constant('done' as const), key }),
      fc.record({ do: fc.constant('wait' as const), delay: fc.integer({ min: 1, max: 40 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 60 }), async (commands) => {
        const { queue, clock } = queueOf();
        const model = new Model();
        let now = 0;
        for (const step of commands) {
          switch (step.do) {
            case 'add':
              queue.add(step.key, step.priority);
              model.add(step.key, step.priority);
              break;
            case 'after':
              queue.addAfter(step.key, step.delay, step.priority);
              model.addAt(step.key, now + step.delay, step.priority);
              break;
            case 'get':
              assert.equal(queue.get(), model.get());
              break;
            case 'done':
              if (!model.working.has(step.key)) assert.throws(() => queue.done(step.key));
              else {
                queue.done(step.key);
                model.done(step.key);
              }
              break;
            case 'wait':
              now += step.delay;
              await clock.advance(step.delay);
              model.release(now);
          }
          assert.equal(queue.length, model.length);
          assert.equal(queue.processing, model.working.size);
          assert.equal(queue.delayed, model.delayed.size);
        }
        for (const working of [...model.working.keys()]) {
          queue.done(working);
          model.done(working);
        }
        await clock.advance(100);
        model.release(now + 100);
        for (let expected = model.get(); expected !== undefined; expected = model.get()) {
          assert.equal(queue.get(), expected);
          queue.done(expected);
          model.done(expected);
        }
        assert.equal(queue.get(), undefined);
      }),
      { numRuns: 200 },
    );
  });
});

/** The queue, said simply: per priority an array of namespaces in turn, each with an array of keys. */
class Model {
  readonly levels: Record<Priority, { namespace: string; keys: string[] }[]> = { fresh: [], background: [] };
  readonly working = new Map<string, Priority | undefined>();
  readonly delayed = new Map<string, { at: number; priority: Priority }>();

  get length(): number {
    return [...this.levels.fresh, ...this.levels.background].reduce((sum, { keys }) => sum + keys.length, 0);
  }

  add(key: string, priority: Priority): void {
    if (this.working.has(key)) {
      if (this.working.get(key) !== 'fresh') this.working.set(key, priority);
      return;
    }
    const has = (level: Priority): boolean => this.levels[level].some(({ keys }) => keys.includes(key));
    if (has('fresh') || (has('background') && priority === 'background')) return;
    if (has('background')) this.#remove('background', key);
    const namespace = key.split('/')[0]!;
    const turn = this.levels[priority].find((entry) => entry.namespace === namespace);
    if (turn === undefined) this.levels[priority].push({ namespace, keys: [key] });
    else turn.keys.push(key);
  }

  addAt(key: string, at: number, priority: Priority): void {
    const known = this.delayed.get(key);
    this.delayed.set(key, {
      at: Math.min(at, known?.at ?? at),
      priority: known?.priority === 'fresh' ? 'fresh' : priority,
    });
  }

  release(now: number): void {
    const due = [...this.delayed].filter(([, { at }]) => at <= now);
    for (const [key, { priority }] of due.sort((a, b) => a[1].at - b[1].at)) {
      this.delayed.delete(key);
      this.add(key, priority);
    }
  }

  get(): string | undefined {
    for (const level of ['fresh', 'background'] as const) {
      const turn = this.levels[level].shift();
      if (turn === undefined) continue;
      const key = turn.keys.shift()!;
      if (turn.keys.length > 0) this.levels[level].push(turn);
      this.working.set(key, undefined);
      return key;
    }
    return undefined;
  }

  done(key: string): void {
    const again = this.working.get(key);
    this.working.delete(key);
    if (again !== undefined) this.add(key, again);
  }

  #remove(level: Priority, key: string): void {
    for (const turn of this.levels[level]) turn.keys = turn.keys.filter((other) => other !== key);
    this.levels[level] = this.levels[level].filter(({ keys }) => keys.length > 0);
  }
}
