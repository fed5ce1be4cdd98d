/**
 * What is made of files, and made anew when they change: keys, certificates, configurations. Whoever asks gets the whole
 * old value or the whole new one; files that cannot be read or used leave the old one in place, and a line in the log.
 */
import { type FSWatcher, watch } from 'node:fs';
import type { Clock, Timer } from '../clock/clock.ts';
import type { Logger } from '../runtime/logger.ts';

export interface ReloadingOptions<T> {
  /** In log lines: `the token file`. */
  readonly what: string;
  /** Where the files are: links in the way are followed as they are then. */
  readonly directories: readonly string[];
  readonly read: () => Promise<readonly string[]>;
  /** Called only when what `read` answers has changed. */
  readonly make: (texts: readonly string[]) => T | Promise<T>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly changed?: (value: T) => void;
}

export interface Reloading<T> {
  readonly current: T;
  close(): void;
}

/** Everything that one part of the cluster reads again, closed together. */
export class ReloadingFiles {
  readonly clock: Clock;
  readonly #log: Logger;
  readonly #open: Reloading<unknown>[] = [];

  constructor(clock: Clock, log: Logger) {
    this.clock = clock;
    this.#log = log;
  }

  async open<T>(options: Omit<ReloadingOptions<T>, 'clock' | 'log'>): Promise<Reloading<T>> {
    const opened = await reloading({ ...options, clock: this.clock, log: this.#log });
    this.#open.push(opened);
    return opened;
  }

  close(): void {
    for (const opened of this.#open.splice(0)) opened.close();
  }
}

/** Several writes that belong together are one change, in milliseconds. */
const settleTime = 100;
/** Not every file system tells of changes: how often files are compared anyway, in milliseconds. */
const pollInterval = 60_000;

/** Rejects when there is no first value. */
export async function reloading<T>(options: ReloadingOptions<T>): Promise<Reloading<T>> {
  const { what, directories, read, make, clock, log, changed } = options;
  let texts = await read();
  let current = await make(texts);
  let timer: Timer | undefined;
  let closed = false;
  let working: Promise<void> = Promise.resolve();

  const reload = async (): Promise<void> => {
    try {
      const next = await read();
      if (closed || (next.length === texts.length && next.every((text, at) => text === texts[at]))) return;
      const value = await make(next);
      if (closed) return;
      texts = next;
      current = value;
      log.info({ what }, 'read again');
      changed?.(value);
    } catch (error) {
      log.error({ what, error: error instanceof Error ? error.message : String(error) }, 'cannot be read again');
    }
  };
  const schedule = (delay: number): void => {
    timer?.cancel();
    if (closed) return;
    timer = clock.setTimeout(() => {
      working = working.then(reload).then(() => schedule(pollInterval));
    }, delay);
  };
  const watchers = [...new Set(directories)].map((directory) => watched(directory, () => schedule(settleTime)));
  schedule(pollInterval);
  return {
    get current() {
      return current;
    },
    close() {
      closed = true;
      timer?.cancel();
      for (const watcher of watchers) watcher?.close();
    },
  };
}

function watched(directory: string, changed: () => void): FSWatcher | undefined {
  try {
    // A directory that goes away later is left to the poll.
    return watch(directory, { persistent: false }, changed).on('error', () => undefined);
  } catch {
    // Where there is nothing to watch with (too many watches, a network file system) the poll is all there is.
    return undefined;
  }
}
