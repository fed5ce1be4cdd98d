/**
 * Time and chance, as values that are handed in.
 *
 * Every floor that waits, stamps or draws lots takes a {@link Clock}; nothing but {@link systemClock} reads the machine's
 * clock. A test hands in a virtual one and runs an hour in a millisecond, twice in the same order.
 */

/** A pending callback. `cancel` after it has fired does nothing. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since the Unix epoch. May step backwards, as wall clocks do. */
  now(): number;
  /** Calls `callback` once, `milliseconds` from now (at the earliest; 0 means the next turn). */
  setTimeout(callback: () => void, milliseconds: number): Timer;
  /** A number in [0, 1). */
  random(): number;
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimeout(callback, milliseconds) {
    const handle = setTimeout(callback, milliseconds);
    return { cancel: () => clearTimeout(handle) };
  },
  random: () => Math.random(),
};

/** Resolves after `milliseconds` on `clock`; rejects with the signal's reason when it is aborted first. */
export function sleep(clock: Clock, milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = (): void => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = clock.setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** `metav1.Time`: RFC 3339 in UTC with whole seconds, e.g. `2026-01-31T09:30:00Z`. */
export function formatTime(milliseconds: number): string {
  const second = Math.floor(milliseconds / 1000);
  // Every write is stamped with the same second as those around it.
  if (second !== lastSecond) {
    lastText = `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
    lastSecond = second;
  }
  return lastText;
}

let lastSecond = Number.NaN;
let lastText = '';

/** `metav1.MicroTime`: RFC 3339 in UTC with six decimals, e.g. `2026-01-31T09:30:00.123000Z`. */
export function formatMicroTime(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 23)}000Z`;
}
