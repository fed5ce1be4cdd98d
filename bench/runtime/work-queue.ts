/** The work queue: keys added, taken and done a second, beside a bare Set that only coalesces. */
import { systemClock } from '../../src/clock/clock.ts';
import { WorkQueue } from '../../src/runtime/work-queue.ts';

const keyCount = 10_000;
const rounds = 40;
const keys = Array.from({ length: keyCount }, (_, i) => `namespace-${i % 100}/object-${i}`);

function queueRound(queue: WorkQueue): void {
  for (const key of keys) queue.add(key);
  for (const key of keys) queue.add(key);
  for (let key = queue.get(); key !== undefined; key = queue.get()) queue.done(key);
}

function setRound(set: Set<string>): void {
  for (const key of keys) set.add(key);
  for (const key of keys) set.add(key);
  for (const key of set) set.delete(key);
}

/** Keys through the whole cycle a second, the best of three. */
function measure(round: () => void): number {
  round();
  let best = 0;
  for (let attempt = 0; attempt < 3; attempt++) {
    const start = performance.now();
    for (let i = 0; i < rounds / 4; i++) round();
    best = Math.max(best, (keyCount * (rounds / 4)) / ((performance.now() - start) / 1000));
  }
  return best;
}

const queue = new WorkQueue({ clock: systemClock });
const set = new Set<string>();
const ours = measure(() => queueRound(queue));
const bare = measure(() => setRound(set));
const delays = measure(() => {
  for (const key of keys) queue.addRateLimited(key);
  for (const key of keys) queue.forget(key);
});
await queue.shutDown();

const millions = (perSecond: number): string => `${(perSecond / 1e6).toFixed(2)} M/s`;
console.log(
  `work queue   add, add again, get, done   ${millions(ours)}   (a bare Set: ${millions(bare)}, ratio ${(ours / bare).toFixed(2)})`,
);
console.log(`work queue   addRateLimited, forget      ${millions(delays)}`);
