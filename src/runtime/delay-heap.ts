/** Keys that wait for their time: a binary heap, one entry a key. */
import type { Priority } from './turns.ts';

interface Delayed {
  readonly key: string;
  at: number;
  priority: Priority;
  /** Of two that fall due together, the one that was added first comes first. */
  readonly order: number;
  place: number;
}

const isEarlier = (a: Delayed, b: Delayed): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

export class DelayHeap {
  readonly #heap: Delayed[] = [];
  readonly #byKey = new Map<string, Delayed>();
  #order = 0;

  get size(): number {
    return this.#heap.length;
  }

  earliest(): number {
    return this.#heap[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  push(key: string, at: number, priority: Priority): void {
    const known = this.#byKey.get(key);
    if (known === undefined) {
      const entry = { key, at, priority, order: this.#order++, place: this.#heap.length };
      this.#byKey.set(key, entry);
      this.#heap.push(entry);
      this.#up(entry);
      return;
    }
    if (priority === 'fresh') known.priority = 'fresh';
    if (at < known.at) {
      known.at = at;
      this.#up(known);
    }
  }

  popDue(now: number): Delayed | undefined {
    const first = this.#heap[0];
    if (first === undefined || first.at > now) return undefined;
    const last = this.#heap.pop()!;
    if (last !== first) {
      last.place = 0;
      this.#heap[0] = last;
      this.#down(last);
    }
    this.#byKey.delete(first.key);
    return first;
  }

  clear(): void {
    this.#heap.length = 0;
    this.#byKey.clear();
  }

  #up(entry: Delayed): void {
    while (entry.place > 0) {
      const parent = this.#heap[(entry.place - 1) >> 1]!;
      if (!isEarlier(entry, parent)) return;
      this.#swap(entry, parent);
    }
  }

  #down(entry: Delayed): void {
    for (;;) {
      const left = this.#heap[2 * entry.place + 1];
      const right = this.#heap[2 * entry.place + 2];
      const child = right !== undefined && isEarlier(right, left!) ? right : left;
      if (child === undefined || !isEarlier(child, entry)) return;
      this.#swap(child, entry);
    }
  }

  /** `a` takes the place of its parent `b`. */
  #swap(a: Delayed, b: Delayed): void {
    const place = b.place;
    b.place = a.place;
    a.place = place;
    this.#heap[a.place] = a;
    this.#heap[b.place] = b;
  }
}
