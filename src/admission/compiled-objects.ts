import type { ResourceRef } from '../apis/resource-type.ts';
import type { ApiObject } from '../machinery/object.ts';
import type { AdmissionHost, CurrentObjects } from './host.ts';

/** Objects of a kind with what they are compiled to, by name; each is compiled once for each generation. */
export class CompiledObjects<T> {
  readonly #host: AdmissionHost;
  readonly #ref: ResourceRef;
  readonly #compile: (object: ApiObject) => T;
  readonly #release: (compiled: T) => void;
  #known = new Map<string, T>();
  #found: CurrentObjects | undefined;

  /** `release` gets what is not needed any more. */
  constructor(
    host: AdmissionHost,
    ref: ResourceRef,
    compile: (object: ApiObject) => T,
    release: (compiled: T) => void = () => undefined,
  ) {
    this.#host = host;
    this.#ref = ref;
    this.#compile = compile;
    this.#release = release;
  }

  /** Resources are served only after the plugins have been made. */
  get #source(): CurrentObjects | undefined {
    this.#found ??= this.#host.source(this.#ref);
    return this.#found;
  }

  /** Counts the changes. */
  get version(): number {
    return this.#source?.version ?? 0;
  }

  /** Resolves when the objects are there; undefined when they are. */
  unready(): Promise<void> | undefined {
    const source = this.#source;
    return source === undefined || source.ready ? undefined : source.start();
  }

  all(): readonly T[] {
    const before = this.#known;
    this.#known = new Map();
    for (const object of this.#source?.objects() ?? []) {
      const key = `${object.metadata.uid} ${object.metadata.generation}`;
      this.#known.set(key, before.get(key) ?? this.#compile(object));
    }
    for (const [key, compiled] of before) if (!this.#known.has(key)) this.#release(compiled);
    return [...this.#known.values()];
  }
}
