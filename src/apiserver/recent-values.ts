/**
 * What is at hand for a while of things that can be made again, up to so many bytes. Two generations: what is not asked for
 * while one fills up goes with the other.
 */
export class RecentValues<K extends object, V> {
  readonly #limit: number;
  readonly #sizeOf: (key: K, value: V) => number;
  #young = new Map<K, V>();
  #old = new Map<K, V>();
  /** Of the young generation. */
  #bytes = 0;

  constructor(limit: number, sizeOf: (key: K, value: V) => number) {
    this.#limit = limit;
    this.#sizeOf = sizeOf;
  }

  get(key: K): V | undefined {
    const found = this.#young.get(key);
    if (found !== undefined) return found;
    const aging = this.#old.get(key);
    if (aging !== undefined) this.add(key, aging);
    return aging;
  }

  add(key: K, value: V): void {
    this.#young.set(key, value);
    this.#bytes += this.#sizeOf(key, value);
    if (this.#bytes < this.#limit / 2) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#bytes = 0;
  }

  delete(key: K): void {
    const value = this.#young.get(key);
    if (value !== undefined && this.#young.delete(key)) this.#bytes -= this.#sizeOf(key, value);
    this.#old.delete(key);
  }
}
