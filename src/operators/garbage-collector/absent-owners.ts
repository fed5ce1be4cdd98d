/** Owners that a live read did not find: a uid never comes back, so one read serves all dependents. */
import { type Identity, identityText } from './identity.ts';

const capacity = 500;

export class AbsentOwners {
  /** The longest unused first. */
  readonly #known = new Set<string>();

  add(identity: Identity): void {
    const text = identityText(identity);
    this.#known.delete(text);
    this.#known.add(text);
    if (this.#known.size <= capacity) return;
    const [oldest] = this.#known;
    if (oldest !== undefined) this.#known.delete(oldest);
  }

  has(identity: Identity): boolean {
    const text = identityText(identity);
    if (!this.#known.delete(text)) return false;
    this.#known.add(text);
    return true;
  }
}
