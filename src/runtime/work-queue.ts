/**
 * The work queue of a controller: which key to work on next.
 *
 * - A key that is added several times before it is taken is worked on once.
 * - A key is never worked on twice at the same time; what is added meanwhile comes again after `done`.
 * - Fresh keys go before background ones (resync, start-up); namespaces take turns within the same priority.
 * - A failing key waits longer each time, and all failing keys together are held to a rate (client-go's
 *   `DefaultTypedControllerRateLimiter`: 5 ms × 2ⁿ up to 1000 s, and 10 a second with a burst of 100).
 *
 * Everything is synchronous; `onReady` says that `get` would answer something.
 */
import type { Clock, Timer } from '../clock/clock.ts';
import { DelayHeap } from './delay-heap.ts';
import { TokenBucket } from './token-bucket.ts';
import { Item, Level, type Priority } from './turns.ts';

export type { Priority };

export interface WorkQueueOptions {
  readonly clock: Clock;
  /** First delay of a failing key, in milliseconds. Default 5. */
  readonly baseDelay?: number;
  /** Longest delay of a failing key, in milliseconds. Default 1,000,000. */
  readonly maxDelay?: number;
  /** The part of a key's delay that is drawn by lot, 0 to 1. Default 0.1: a delay of d lies in [0.9 d, d]. */
  readonly jitter?: number;
  /** Retries of all keys together: `perSecond` of them, `burst` at once. Default 10 and 100. */
  readonly retryRate?: { readonly perSecond: number; readonly burst: number };
  /** Which keys share a turn. Default: what stands before the first slash, the namespace. */
  readonly groupOf?: (key: string) => string;
  readonly metrics?: WorkQueueMetrics;
}

/** Called at each step. Times are in milliseconds. */
export interface WorkQueueMetrics {
  added(depth: number): void;
  /** `waited` is how long the key was ready before it was taken. */
  taken(depth: number, waited: number): void;
  done(worked: number): void;
  retried(): void;
}

/** Beyond this Node's timers fire at once. A release that comes too early releases nothing and waits on. */
const longestTimer = 2 ** 31 - 1;

export class WorkQueue {
  /** Called when the queue goes from nothing ready to something ready. Must not throw. */
  onReady: () => void = () => undefined;

  readonly #clock: Clock;
  readonly #groupOf: (key: string) => string;
  readonly #metrics: WorkQueueMetrics | undefined;
  readonly #baseDelay: number;
  readonly #maxDelay: number;
  readonly #jitter: number;
  readonly #bucket: TokenBucket;

  readonly #items = new Map<string, Item>();
  readonly #fresh = new Level();
  readonly #background = new Level();
  readonly #failures = new Map<string, number>();
  readonly #delayed: DelayHeap = new DelayHeap();
  #timer: Timer | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #processing = 0;
  #shutDown = false;
  #drained: (() => void)[] = [];

  constructor(options: WorkQueueOptions) {
    this.#clock = options.clock;
    this.#groupOf = options.groupOf ?? namespaceOf;
    this.#metrics = options.metrics;
    this.#baseDelay = options.baseDelay ?? 5;
    this.#maxDelay = options.maxDelay ?? 1_000_000;
    this.#jitter = options.jitter ?? 0.1;
    const rate = options.retryRate ?? { perSecond: 10, burst: 100 };
    this.#bucket = new TokenBucket(rate.perSecond, rate.burst);
  }

  /** How many keys are ready to be taken. */
  get length(): number {
    return this.#fresh.size + this.#background.size;
  }

  /** How many keys are being worked on. */
  get processing(): number {
    return this.#processing;
  }

  /** How many keys wait for their time. */
  get delayed(): number {
    return this.#delayed.size;
  }

  get isShutDown(): boolean {
    return this.#shutDown;
  }

  /** Puts `key` into the queue. A key that is queued already can only rise in priority. */
  add(key: string, priority: Priority = 'fresh'): void {
    if (this.#shutDown) return;
    const item = this.#items.get(key);
    if (item === undefined) {
      const added = new Item(key, this.#groupOf(key));
      this.#items.set(key, added);
      this.#push(added, priority);
    } else if (item.level !== undefined) {
      if (priority === 'fresh' && item.level === this.#background) {
        this.#background.remove(item);
        this.#fresh.push(item);
      }
    } else if (item.again !== 'fresh') {
      item.again = priority;
    }
  }

  /** Adds `key` after `delay` milliseconds. Of several delays of the same key, the earliest counts. */
  addAfter(key: string, delay: number, priority: Priority = 'fresh'): void {
    if (this.#shutDown) return;
    if (delay <= 0) {
      this.add(key, priority);
      return;
    }
    this.#delayed.push(key, this.#clock.now() + delay, priority);
    this.#arm();
  }

  /** Adds `key` after its back-off, which grows with each call until {@link forget}. Answers the delay in milliseconds. */
  addRateLimited(key: string, priority: Priority = 'fresh'): number {
    if (this.#shutDown) return 0;
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    const full = Math.min(this.#baseDelay * 2 ** failures, this.#maxDelay);
    const own = full * (1 - this.#jitter * this.#clock.random());
    const delay = Math.max(own, this.#bucket.reserve(this.#clock.now()));
    this.#metrics?.retried();
    this.addAfter(key, delay, priority);
    return delay;
  }

  /** How often `key` has failed since it was last forgotten. */
  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** Ends the back-off of `key`. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** The next key, now being worked on, or undefined when none is ready. Each taken key must be given to {@link done}. */
  get(): string | undefined {
    const item = this.#fresh.shift() ?? this.#background.shift();
    if (item === undefined) return undefined;
    this.#processing += 1;
    if (this.#metrics !== undefined) {
      const now = this.#clock.now();
      this.#metrics.taken(this.length, now - item.since);
      item.since = now;
    }
    return item.key;
  }

  /** The work on `key` has ended; what was added meanwhile is queued now. */
  done(key: string): void {
    const item = this.#items.get(key);
    if (item === undefined || item.level !== undefined) {
      throw new Error(`work queue: done("${key}") without get`);
    }
    this.#processing -= 1;
    this.#metrics?.done(this.#clock.now() - item.since);
    const again = item.again;
    if (again !== undefined && !this.#shutDown) {
      item.again = undefined;
      this.#push(item, again);
    } else {
      this.#items.delete(key);
    }
    if (this.#shutDown && this.#processing === 0) this.#settle();
  }

  /**
   * Accepts nothing more and drops what is not being worked on. Resolves when the last key being worked on is done.
   */
  shutDown(): Promise<void> {
    if (!this.#shutDown) {
      this.#shutDown = true;
      this.#timer?.cancel();
      this.#delayed.clear();
      for (let item = this.#fresh.shift(); item !== undefined; item = this.#fresh.shift()) this.#items.delete(item.key);
      for (let item = this.#background.shift(); item !== undefined; item = this.#background.shift()) {
        this.#items.delete(item.key);
      }
      this.#failures.clear();
    }
    return new Promise((resolve) => {
      this.#drained.push(resolve);
      if (this.#processing === 0) this.#settle();
    });
  }

  #settle(): void {
    const drained = this.#drained;
    this.#drained = [];
    for (const resolve of drained) resolve();
  }

  #push(item: Item, priority: Priority): void {
    const wasEmpty = this.#fresh.size === 0 && this.#background.size === 0;
    if (priority === 'fresh') this.#fresh.push(item);
    else this.#background.push(item);
    if (this.#metrics !== undefined) {
      item.since = this.#clock.now();
      this.#metrics.added(this.length);
    }
    if (wasEmpty) this.onReady();
  }

  #arm(): void {
    const next = this.#delayed.earliest();
    if (next >= this.#timerAt) return;
    this.#timer?.cancel();
    this.#timerAt = next;
    const wait = Math.min(Math.max(0, next - this.#clock.now()), longestTimer);
    this.#timer = this.#clock.setTimeout(() => this.#release(), wait);
  }

  #release(): void {
    this.#timerAt = Number.POSITIVE_INFINITY;
    const now = this.#clock.now();
    for (let due = this.#delayed.popDue(now); due !== undefined; due = this.#delayed.popDue(now)) {
      this.add(due.key, due.priority);
    }
    this.#arm();
  }
}

function namespaceOf(key: string): string {
  const slash = key.indexOf('/');
  return slash < 0 ? '' : key.slice(0, slash);
}
