/** `golang.org/x/time/rate` as client-go's queues use it: each reservation says how long to wait for its token. */
export class TokenBucket {
  readonly #perMillisecond: number;
  readonly #burst: number;
  #tokens: number;
  #at = 0;

  constructor(perSecond: number, burst: number) {
    this.#perMillisecond = perSecond / 1000;
    this.#burst = burst;
    this.#tokens = burst;
  }

  /** Takes a token, on credit when there is none; answers the milliseconds until it is there. */
  reserve(now: number): number {
    const elapsed = Math.max(0, now - this.#at);
    this.#at = Math.max(now, this.#at);
    this.#tokens = Math.min(this.#burst, this.#tokens + elapsed * this.#perMillisecond) - 1;
    return this.#tokens >= 0 ? 0 : -this.#tokens / this.#perMillisecond;
  }
}
