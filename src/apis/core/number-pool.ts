/** What the addresses and node ports of Services are taken from. */

/** How long something handed out counts as taken although no Service holds it yet. */
const inFlightMilliseconds = 1_000;

/** A range of numbers and which of them are taken. Hands out one after the other, so that a freed one rests a while. */
export class Pool {
  readonly #first: number;
  readonly #last: number;
  readonly #reserved: number;
  #next: number;
  #taken = new Set<number>();
  /** What was handed out lately, and until when it counts as taken whatever the store says. */
  readonly #inFlight = new Map<number, number>();

  /** `reserved`: so many at the beginning are only taken by name. */
  constructor(first: number, last: number, reserved: number) {
    this.#first = first;
    this.#last = last;
    this.#reserved = reserved;
    this.#next = first + reserved;
  }

  contains(value: number): boolean {
    return value >= this.#first && value <= this.#last;
  }

  take(value: number, now: number): boolean {
    if (this.#taken.has(value)) return false;
    this.#taken.add(value);
    this.#inFlight.set(value, now + inFlightMilliseconds);
    return true;
  }

  takeAny(now: number): number | undefined {
    const start = this.#first + this.#reserved;
    const size = this.#last - start + 1;
    if (this.#taken.size >= size + this.#reserved) return undefined;
    for (let i = 0; i < size; i++) {
      const value = this.#next;
      this.#next = value >= this.#last ? start : value + 1;
      if (this.take(value, now)) return value;
    }
    return undefined;
  }

  release(value: number): void {
    this.#taken.delete(value);
    this.#inFlight.delete(value);
  }

  reset(taken: readonly number[], now: number): void {
    this.#taken = new Set(taken);
    for (const [value, until] of this.#inFlight) {
      if (until > now) this.#taken.add(value);
      else this.#inFlight.delete(value);
    }
  }
}
