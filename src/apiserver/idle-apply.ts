/**
 * Applies that change nothing. Operators and deployment tools send the same configuration over and over: when one has found
 * nothing to change, the version of the object that it met remembers it, and the next one like it is neither read nor merged.
 *
 * What an apply does is decided by the object, the configuration, the options and the resource's definition. The note stands
 * with the first and names the others, so it dies with either. Admission is not remembered: it has its say every time
 * ({@link ResourceStore.confirm}).
 */
import { createHash } from 'node:crypto';
import type { ResourceType, ResourceVersion } from '../apis/resource-type.ts';
import type { CacheEntry } from './cache-entry.ts';
import type { WriteOptions } from './options.ts';
import type { IdleWrite } from './store-write.ts';

interface Note extends IdleWrite {
  readonly type: ResourceType;
  readonly version: ResourceVersion;
  readonly id: string;
}

/** As many appliers take turns at one object as it remembers. */
const notesOfVersion = 4;

const notes = new WeakMap<CacheEntry, readonly Note[]>();

/** One apply, as it is compared with those before it. */
export class IdleApply {
  readonly #version: ResourceVersion;
  readonly #subresource: string;
  readonly #bytes: Uint8Array;
  readonly #options: WriteOptions;
  #id: string | undefined;

  constructor(version: ResourceVersion, subresource: string, bytes: Uint8Array, options: WriteOptions) {
    this.#version = version;
    this.#subresource = subresource;
    this.#bytes = bytes;
    this.#options = options;
  }

  /** What was said when the same changed nothing at `entry`; `undefined`: that is not known. */
  recall(entry: CacheEntry, type: ResourceType): IdleWrite | undefined {
    return notes
      .get(entry)
      ?.find((note) => note.type === type && note.version === this.#version && note.id === this.#identity);
  }

  remember(entry: CacheEntry, type: ResourceType, said: IdleWrite): void {
    const note = { ...said, type, version: this.#version, id: this.#identity };
    const others = (notes.get(entry) ?? []).filter(({ id }) => id !== note.id);
    notes.set(entry, [note, ...others].slice(0, notesOfVersion));
  }

  get #identity(): string {
    if (this.#id === undefined) {
      const { fieldManager, force, fieldValidation } = this.#options;
      const digest = createHash('sha256').update(this.#bytes).digest('base64');
      this.#id = JSON.stringify([digest, fieldManager, force === true, fieldValidation, this.#subresource]);
    }
    return this.#id;
  }
}
