/** Keys that end by themselves: finds the due ones through the clock and has the engine delete them. */

import type { Clock, Timer } from '../clock/clock.ts';
import { BTree } from './btree.ts';

interface Expiring {
  readonly key: string;
  readonly expiresAt: number;
}

/** How many keys are deleted at a time. */
const SLICE = 256;
/** How long to wait when a delete failed, in milliseconds. */
const RETRY = 1000;
/** The longest time that timers take, in milliseconds. */
const LONGEST_TIMER = 2 ** 31 - 1;

export class Expiry {
  readonly #clock: Clock;
  /** Deletes those keys that are still due, each by an ordinary write. */
  readonly #expire: (keys: readonly string[]) => Promise<unknown>;
  readonly #due = new BTree<number, Set<string>>(undefined, (a, b) => a - b);
  #timer: Timer | undefined;
  #timerAt = 0;
  #running = false;
  #stopped = false;

  constructor(clock: Clock, expire: (keys: readonly string[]) => Promise<unknown>) {
    this.#clock = clock;
    this.#expire = expire;
  }

  /** One committed write: `previous` no longer counts, `current` does. */
  changed(current: Expiring, previous: Expiring | undefined): void {
    if (previous !== undefined && previous.expiresAt > 0) this.#remove(previous);
    if (current.expiresAt > 0) this.#add(current);
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #add({ key, expiresAt }: Expiring): void {
    const keys = this.#due.get(expiresAt);
    if (keys === undefined) this.#due.set(expiresAt, new Set([key]));
    else keys.add(key);
    this.#arm(0);
  }

  #remove({ key, expiresAt }: Expiring): void {
    const keys = this.#due.get(expiresAt);
    if (keys?.delete(key) && keys.size === 0) this.#due.delete(expiresAt);
  }

  #arm(atLeast: number): void {
    const at = this.#due.minKey();
    if (at === undefined || this.#running || this.#stopped) return;
    if (this.#timer !== undefined && this.#timerAt <= at) return;
    this.#timer?.cancel();
    this.#timerAt = at;
    const delay = Math.min(Math.max(at - this.#clock.now(), atLeast, 0), LONGEST_TIMER);
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined;
      this.#running = true;
      this.#run().then(
        () => this.#rearm(0),
        () => this.#rearm(RETRY), // the medium refused the delete: the keys stay due, and later writes may work again
      );
    }, delay);
  }

  #rearm(atLeast: number): void {
    this.#running = false;
    this.#arm(atLeast);
  }

  async #run(): Promise<void> {
    for (;;) {
      const now = this.#clock.now();
      const keys: string[] = [];
      for (const [at, due] of this.#due.entries()) {
        if (at > now || keys.length >= SLICE) break;
        keys.push(...due);
      }
      if (keys.length === 0 || this.#stopped) return;
      await this.#expire(keys);
    }
  }
}
