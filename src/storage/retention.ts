/** Automatic compaction: how much history stays when nobody calls `compact`. */
import type { Clock, Timer } from '../clock/clock.ts';
import type { Revision } from './store.ts';

export interface HistoryRetention {
  /** History younger than this is kept. Older history goes within the same time again. */
  readonly milliseconds: number;
  /** But never more than about this many revisions (a tenth more at times). */
  readonly revisions: number;
}

/** kube-apiserver compacts etcd every 5 minutes, up to where it was 5 minutes before. */
export const DEFAULT_RETENTION: HistoryRetention = { milliseconds: 300_000, revisions: 100_000 };

export class Retention {
  readonly #clock: Clock;
  readonly #keep: HistoryRetention;
  readonly #compact: (revision: Revision) => void;
  #timer: Timer | undefined;
  #revision: Revision;
  /** What this policy has asked to compact. */
  #compacted: Revision;
  /** The revision when the timer was set: all at or below it will be old when it fires. */
  #mark: Revision = 0;
  #stopped = false;

  constructor(clock: Clock, keep: HistoryRetention, revision: Revision, compact: (revision: Revision) => void) {
    this.#clock = clock;
    this.#keep = keep;
    this.#revision = revision;
    this.#compacted = revision - 1;
    this.#compact = compact;
  }

  committed(revision: Revision): void {
    this.#revision = revision;
    if (revision - this.#compacted > this.#keep.revisions * 1.1) this.#ask(revision - this.#keep.revisions);
    if (this.#timer === undefined) this.#arm();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #arm(): void {
    if (this.#stopped) return;
    this.#mark = this.#revision;
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined;
      this.#ask(this.#mark);
      if (this.#revision > this.#mark) this.#arm();
    }, this.#keep.milliseconds);
  }

  #ask(revision: Revision): void {
    if (revision <= this.#compacted) return;
    this.#compacted = revision;
    this.#compact(revision);
  }
}
