/**
 * How long a container that keeps failing waits before it is started again: 10 s, doubled each time up to 5 minutes, from
 * the moment it ended. A container that ran for 10 minutes starts over; the first failure costs nothing.
 * Source: kubelet's use of `k8s.io/client-go/util/flowcontrol.Backoff`.
 */
import type { Clock } from '../../clock/clock.ts';

export interface BackoffOptions {
  /** Milliseconds. */
  readonly initial?: number;
  readonly longest?: number;
}

interface Entry {
  wait: number;
  lastUpdate: number;
}

export class RestartBackoff {
  readonly #clock: Clock;
  readonly #initial: number;
  readonly #longest: number;
  readonly #entries = new Map<string, Entry>();

  constructor(clock: Clock, options: BackoffOptions = {}) {
    this.#clock = clock;
    this.#initial = options.initial ?? 10_000;
    this.#longest = options.longest ?? 300_000;
  }

  /** Milliseconds that `key`, which ended at `since`, still has to wait; 0 when it may go on. */
  remaining(key: string, since: number): number {
    const entry = this.#entries.get(key);
    if (entry === undefined || this.#expired(entry, since)) return 0;
    return Math.max(0, since + entry.wait - this.#clock.now());
  }

  /** How long `key` waits after it ended, as messages show it. */
  wait(key: string): number {
    return this.#entries.get(key)?.wait ?? 0;
  }

  /** `key`, which ended at `since`, is started again: its next wait is longer. */
  next(key: string, since: number): void {
    const entry = this.#entries.get(key);
    if (entry === undefined || this.#expired(entry, since)) {
      this.#entries.set(key, { wait: this.#initial, lastUpdate: this.#clock.now() });
      return;
    }
    entry.wait = Math.min(entry.wait * 2, this.#longest);
    entry.lastUpdate = this.#clock.now();
  }

  forget(key: string): void {
    this.#entries.delete(key);
  }

  /** What was started last so long before it ended that its failures are forgotten. */
  #expired(entry: Entry, since: number): boolean {
    return since - entry.lastUpdate > 2 * this.#longest;
  }
}
