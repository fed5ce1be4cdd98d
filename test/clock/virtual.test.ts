import assert from 'node:assert/strict';
import fc from 'fast-check';
import { sleep } from '../../src/clock/clock.ts';
import { createVirtualClock } from '../../src/clock/virtual.ts';

describe('virtual clock', () => {
  it('fires timers in the order of their times, and of their making when equal', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 30 }), async (delays) => {
        const clock = createVirtualClock(0);
        const fired: number[] = [];
        delays.forEach((delay, index) => {
          clock.setTimeout(() => {
            assert.equal(clock.now(), delay);
            fired.push(index);
          }, delay);
        });
        await clock.advance(50);
        const expected = delays.map((_, index) => index).sort((a, b) => delays[a]! - delays[b]! || a - b);
        assert.deepEqual(fired, expected);
        assert.equal(clock.nextTimer(), undefined);
      }),
      { numRuns: 20 },
    );
  });

  it('does not fire what is later or cancelled', async () => {
    const clock = createVirtualClock(0);
    const fired: string[] = [];
    clock.setTimeout(() => fired.push('cancelled'), 5).cancel();
    clock.setTimeout(() => fired.push('later'), 11);
    await clock.advance(10);
    assert.deepEqual(fired, []);
    assert.equal(clock.nextTimer(), 11);
    await clock.advance(1);
    assert.deepEqual(fired, ['later']);
  });

  it('lets a chain of sleeps run through in one advance', async () => {
    const clock = createVirtualClock(0);
    const times: number[] = [];
    void (async () => {
      for (let i = 0; i < 3; i++) {
        await sleep(clock, 1000);
        times.push(clock.now());
      }
    })();
    await clock.advance(3600_000);
    assert.deepEqual(times, [1000, 2000, 3000]);
    assert.equal(clock.now(), 3600_000);
  });

  it('repeats its chance for the same seed, and not for another', () => {
    const draw = (seed: number): number[] => {
      const clock = createVirtualClock(0, seed);
      return Array.from({ length: 5 }, () => clock.random());
    };
    assert.deepEqual(draw(7), draw(7));
    assert.notDeepEqual(draw(7), draw(8));
    assert.ok(draw(7).every((number) => number >= 0 && number < 1));
  });
});
