/** A clock for tests: time passes only when it is told to, timers fire in order, and chance repeats itself. */
import type { Clock, Timer } from './clock.ts';

export interface VirtualClock extends Clock {
  /**
   * Lets `milliseconds` pass. Timers that fall due fire one by one in the order of their times (of their making, when
   * equal), each after everything that the one before it set in motion has come to rest. Promises, immediates and file
   * operations are waited for; sockets and processes are not: whoever uses those waits on a condition.
   */
  advance(milliseconds: number): Promise<void>;
  /** Lets what is in motion come to rest, without any time passing. */
  settle(): Promise<void>;
  /** When the next timer falls due, in milliseconds since the epoch; `undefined` when none is set. */
  nextTimer(): number | undefined;
}

interface PendingTimer {
  readonly due: number;
  readonly order: number;
  readonly callback: () => void;
}

/** How many turns of the event loop count as rest. A chain of promises is one turn, however long. */
const restTurns = 16;
/** A file operation that does not end (a pipe that nobody writes to) is not waited for longer than this. */
const mostTurns = 10_000;

/** `start` in milliseconds since the epoch; default 2026-01-01T00:00:00Z. `seed` picks the row of random numbers. */
export function createVirtualClock(start = Date.UTC(2026, 0, 1), seed = 1): VirtualClock {
  let now = start;
  let order = 0;
  let state = seed >>> 0;
  /** A binary heap, the earliest first. Cancelled timers stay until they come up. */
  const heap: PendingTimer[] = [];
  const cancelled = new WeakSet<PendingTimer>();
  /** What is always under way, such as the files of modules. */
  const idle = fileOperations();

  function next(): PendingTimer | undefined {
    while (heap.length > 0 && cancelled.has(heap[0]!)) pop(heap);
    return heap[0];
  }

  const clock: VirtualClock = {
    now: () => now,
    setTimeout(callback, milliseconds): Timer {
      const timer: PendingTimer = { due: now + Math.max(0, milliseconds), order: order++, callback };
      push(heap, timer);
      return { cancel: () => void cancelled.add(timer) };
    },
    // mulberry32: small, and good enough for jitter.
    random() {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
    },
    async settle() {
      for (let quiet = 0, turns = 0; quiet < restTurns && turns < mostTurns; quiet++, turns++) {
        await new Promise((resolve) => setImmediate(resolve));
        if (fileOperations() > idle) quiet = -1;
      }
    },
    async advance(milliseconds) {
      const end = now + milliseconds;
      await clock.settle();
      for (let timer = next(); timer !== undefined && timer.due <= end; timer = next()) {
        pop(heap);
        now = Math.max(now, timer.due);
        timer.callback();
        await clock.settle();
      }
      now = end;
    },
    nextTimer: () => next()?.due,
  };
  return clock;
}

function fileOperations(): number {
  return process.getActiveResourcesInfo().filter((name) => name.startsWith('FSReq')).length;
}

const before = (a: PendingTimer, b: PendingTimer): boolean => a.due < b.due || (a.due === b.due && a.order < b.order);

function push(heap: PendingTimer[], timer: PendingTimer): void {
  let index = heap.push(timer) - 1;
  while (index > 0) {
    const parent = (index - 1) >> 1;
    if (!before(timer, heap[parent]!)) break;
    heap[index] = heap[parent]!;
    index = parent;
  }
  heap[index] = timer;
}

function pop(heap: PendingTimer[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let index = 0;
  for (;;) {
    let child = 2 * index + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
    if (!before(heap[child]!, last)) break;
    heap[index] = heap[child]!;
    index = child;
  }
  heap[index] = last;
}
