/**
 * What all keys were at every revision that is still kept: the multi-version index under the engines.
 *
 * Each key holds its newest {@link Version}; versions are linked to the ones that they replaced. A log of all versions in
 * revision order serves watches from the past and compaction. An engine that keeps values
 * elsewhere finds them by a version's revision and index.
 */
import { BTree } from './btree.ts';
import { compareSortKeys, sortKey } from './keys.ts';
import { CompactedError, type Compare, FutureRevisionError, type Revision } from './store.ts';

export interface Version {
  readonly key: string;
  /** 0 for a delete. */
  readonly createRevision: Revision;
  readonly modRevision: Revision;
  /** Which of its transaction's versions this is. */
  readonly index: number;
  /** When the key ends by itself, in milliseconds since the epoch; 0 for never. */
  readonly expiresAt: number;
  /** Undefined when the engine keeps the value elsewhere. */
  value: Uint8Array | undefined;
  /** The version that this one replaced, as long as it is kept. */
  previous: Version | undefined;
}

interface Entry {
  readonly sortKey: string;
  head: Version;
}

/** A key that sorts after all others: U+FFFF begins no sort key of well-formed text. */
const AFTER_ALL = '\uffff';

export class History {
  /** Everything at or below this revision is forgotten, except what was current at it. */
  compactedRevision: Revision;
  /** The newest revision that readers may see; an engine moves it when a write is durable. */
  committedRevision: Revision;
  readonly #entries = new Map<string, Entry>();
  readonly #order = new BTree<string, Entry>(undefined, compareSortKeys);
  /** In revision order; what lies before `#logStart` has been compacted. */
  #log: Version[] = [];
  #logStart = 0;

  constructor(committedRevision: Revision = 1, compactedRevision: Revision = 0) {
    this.committedRevision = committedRevision;
    this.compactedRevision = compactedRevision;
  }

  /** How many keys are known, deleted ones that are still in the history included. */
  get size(): number {
    return this.#entries.size;
  }

  /** The newest version, committed or not; undefined when the key does not exist. */
  latest(key: string): Version | undefined {
    const head = this.#entries.get(key)?.head;
    return head === undefined || head.createRevision === 0 ? undefined : head;
  }

  holds(compare: readonly Compare[]): boolean {
    for (const { key, modRevision } of compare) {
      if ((this.latest(key)?.modRevision ?? 0) !== modRevision) return false;
    }
    return true;
  }

  /** All keys that exist, in no order. */
  *current(): Generator<Version> {
    for (const { head } of this.#entries.values()) if (head.createRevision !== 0) yield head;
  }

  at(key: string, revision: Revision): Version | undefined {
    const entry = this.#entries.get(key);
    return entry === undefined ? undefined : versionAt(entry.head, revision);
  }

  /** Appends the versions under `prefix` at `revision` to `into`, `limit` at most; returns how many were left out. */
  range(prefix: string, after: string | undefined, revision: Revision, limit: number, into: Version[]): number {
    const low = sortKey(prefix);
    const afterKey = after === undefined ? '' : sortKey(after);
    const start = compareSortKeys(afterKey, low) > 0 ? afterKey : low;
    let remaining = 0;
    this.#order.forRange(start, upperBound(low), false, (key, entry) => {
      if (key === afterKey) return;
      const version = versionAt(entry.head, revision);
      if (version === undefined) return;
      if (into.length < limit) into.push(version);
      else remaining++;
    });
    return remaining;
  }

  /** The revision that a read means; throws when it is no longer or not yet known. 0 and undefined mean the latest. */
  readRevision(revision: Revision | undefined): Revision {
    if (revision === undefined || revision === 0) return this.committedRevision;
    if (revision > this.committedRevision) throw new FutureRevisionError(revision, this.committedRevision);
    if (revision < this.compactedRevision) throw new CompactedError(this.compactedRevision);
    return revision;
  }

  /** Adds the newest version of its key; `version.previous` becomes what it replaces. */
  append(version: Version): void {
    const entry = this.#entries.get(version.key);
    if (entry === undefined) {
      const added = { sortKey: sortKey(version.key), head: version };
      this.#entries.set(version.key, added);
      this.#order.set(added.sortKey, added);
    } else {
      version.previous = entry.head;
      entry.head = version;
    }
    this.#log.push(version);
  }

  /** Takes back all versions above the committed revision, newest first. */
  rollback(): readonly Version[] {
    const undone: Version[] = [];
    for (let last = this.#log.at(-1); last !== undefined; last = this.#log.at(-1)) {
      if (last.modRevision <= this.committedRevision || this.#log.length <= this.#logStart) break;
      this.#log.pop();
      undone.push(last);
      if (last.previous === undefined) this.#forget(last.key);
      else this.#entries.get(last.key)!.head = last.previous;
    }
    return undone;
  }

  /**
   * Committed versions from `revision` on, whole revisions, until about `limit` are there (at least one revision).
   * An empty answer means that there are none yet.
   */
  since(revision: Revision, limit: number): readonly Version[] {
    let low = this.#logStart;
    let high = this.#log.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#log[middle]!.modRevision < revision) low = middle + 1;
      else high = middle;
    }
    let end = low;
    for (; end < this.#log.length; end++) {
      const { modRevision } = this.#log[end]!;
      if (modRevision > this.committedRevision) break;
      if (end - low >= limit && modRevision !== this.#log[end - 1]!.modRevision) break;
    }
    return this.#log.slice(low, end);
  }

  /**
   * Drops what nobody can ask for any more, at most `limit` log entries of it; returns the dropped versions. A version
   * stays as long as an event at or above the compacted revision names it as what was before.
   * An empty answer means that the work is done or that the entries held nothing to drop: ask {@link compacting}.
   */
  compactStep(limit: number): readonly Version[] {
    const dropped: Version[] = [];
    for (let steps = 0; steps < limit && this.compacting; steps++) {
      const version = this.#log[this.#logStart]!;
      this.#logStart++;
      if (version.previous !== undefined) {
        dropped.push(version.previous);
        version.previous = undefined;
      }
      if (version.createRevision === 0 && this.#entries.get(version.key)?.head === version) {
        dropped.push(version);
        this.#forget(version.key);
      }
    }
    if (this.#logStart * 2 > this.#log.length) {
      this.#log = this.#log.slice(this.#logStart);
      this.#logStart = 0;
    }
    return dropped;
  }

  /** Whether log entries below the compacted revision are left. */
  get compacting(): boolean {
    const first = this.#log[this.#logStart];
    return first !== undefined && first.modRevision < this.compactedRevision;
  }

  #forget(key: string): void {
    this.#order.delete(this.#entries.get(key)!.sortKey);
    this.#entries.delete(key);
  }
}

function versionAt(head: Version, revision: Revision): Version | undefined {
  let version: Version | undefined = head;
  while (version !== undefined && version.modRevision > revision) version = version.previous;
  return version === undefined || version.createRevision === 0 ? undefined : version;
}

/** The first sort key after all that begin with `prefix`. */
function upperBound(prefix: string): string {
  if (prefix === '') return AFTER_ALL;
  const last = prefix.charCodeAt(prefix.length - 1);
  return last === 0xffff ? AFTER_ALL : prefix.slice(0, -1) + String.fromCharCode(last + 1);
}
