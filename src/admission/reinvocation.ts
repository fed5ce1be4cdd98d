/**
 * The second pass of the mutating chain: who runs again because somebody behind him changed the object.
 * Source: `k8s.io/apiserver/pkg/admission/plugin/webhook/mutating/reinvocationcontext.go`.
 */
import { cloneJson, deepEqual } from '../machinery/json.ts';
import type { ApiObject } from '../machinery/object.ts';
import { type AdmissionPlugin, type AdmissionRequest, Reinvocation } from './chain.ts';

export class ReinvocationNotes {
  readonly #pass: Reinvocation;
  /** Those that want to run again, and have run since the object was last changed by somebody else. */
  #satisfied = new Set<string>();
  readonly #due = new Set<string>();
  #last: ApiObject | undefined;

  /** The notes of one plugin: policies or webhooks. */
  static of(plugin: AdmissionPlugin, request: AdmissionRequest): ReinvocationNotes {
    request.reinvocation ??= new Reinvocation();
    const { notes } = request.reinvocation;
    let own = notes.get(plugin) as ReinvocationNotes | undefined;
    if (own === undefined) {
      own = new ReinvocationNotes(request.reinvocation);
      notes.set(plugin, own);
    }
    return own;
  }

  private constructor(pass: Reinvocation) {
    this.#pass = pass;
  }

  /** In the second pass: looks whether others have changed the object since. */
  begin(object: ApiObject | undefined): void {
    if (!this.#pass.again || this.#last === undefined || object === undefined) return;
    if (!deepEqual(this.#last, object)) this.#allDue();
  }

  /** Whether it is not his turn: in the second pass only those run whose work was changed after them. */
  skips(key: string): boolean {
    return this.#pass.again && !this.#due.has(key);
  }

  /** The object was changed by one whose turn it was. */
  changed(): void {
    this.#allDue();
    this.#pass.wanted = true;
  }

  /** `key` has run, and wants to again if something changes. */
  ranReinvocable(key: string): void {
    this.#satisfied.add(key);
  }

  end(object: ApiObject | undefined): void {
    if (!this.#pass.again && this.#satisfied.size > 0 && object !== undefined) this.#last = cloneJson(object);
  }

  #allDue(): void {
    for (const key of this.#satisfied) this.#due.add(key);
    this.#satisfied = new Set();
  }
}
