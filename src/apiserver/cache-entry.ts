/**
 * One object as the server holds it: the JSON bytes that go on the wire beside a lazily parsed, frozen object.
 *
 * Stored values carry no resourceVersion (it is not known before the commit), so the wire form is the stored form with
 * one member spliced in at a position that is known beforehand: {@link encodeObject} writes `apiVersion`, `kind` and
 * `metadata` first, and the splice goes right after the brace that opens `metadata`.
 */
import { cloneJson, deepFreeze, type JsonObject, parseJson, stringifyJson } from '../machinery/json.ts';
import type { ApiObject, ManagedFieldsEntry } from '../machinery/object.ts';
import type { KeyValue, Revision } from '../storage/store.ts';
import { RecentValues } from './recent-values.ts';

const apiVersions = new Map<string, string>();

/** One string for all objects of a version: a parsed one may hold on to the whole text that it was cut from. */
function intern(text: string): string {
  let known = apiVersions.get(text);
  if (known === undefined) {
    known = Buffer.from(text).toString();
    apiVersions.set(known, known);
  }
  return known;
}

const noLabels: Readonly<Record<string, string>> = Object.freeze({});

export class CacheEntry {
  readonly key: string;
  readonly revision: Revision;
  /** The object in its storage version, resourceVersion included. */
  readonly bytes: Buffer;
  readonly labels: Readonly<Record<string, string>>;
  /** The version in which the object is stored: bytes can be sent as they are only to those who ask for it. */
  readonly apiVersion: string;
  /** What the store holds differs from `bytes`: the next write stores it anew, even one that changes nothing. */
  readonly outdated: boolean;
  readonly #name: number;
  #object: ApiObject | undefined;
  #fields: Map<string, string> | undefined;

  constructor(key: string, revision: Revision, bytes: Buffer, object: ApiObject, retain: boolean, outdated = false) {
    this.key = key;
    this.revision = revision;
    this.bytes = bytes;
    this.labels = object.metadata.labels ?? noLabels;
    this.apiVersion = intern(object.apiVersion);
    this.outdated = outdated;
    this.#name = key.lastIndexOf('/') + 1;
    if (retain) this.#object = deepFreeze(object);
  }

  get name(): string {
    return this.key.slice(this.#name);
  }

  get resourceVersion(): string {
    return String(this.revision);
  }

  /** The frozen object, parsed once and kept: for readers in this process. */
  get object(): ApiObject {
    this.#object ??= deepFreeze(this.parse());
    return this.#object;
  }

  /** The frozen object, kept for a while: for writers, who often come again. */
  get recent(): ApiObject {
    if (this.#object !== undefined) return this.#object;
    return recentObjects.get(this) ?? this.remember(this.parse());
  }

  /** Has `object`, which is what the bytes say, at hand for the next writer. */
  remember(object: ApiObject): ApiObject {
    const frozen = deepFreeze(object);
    if (this.#object === undefined) recentObjects.add(this, frozen);
    return frozen;
  }

  /** A later version has come. */
  forget(): void {
    recentObjects.delete(this);
  }

  /** The kept object when there is one, else a parse that is not kept: for readers that only pass by. */
  peek(): ApiObject {
    return this.#object ?? recentObjects.get(this) ?? this.parse();
  }

  /** A selectable field's value, read once. */
  field(name: string, read: (object: ApiObject) => string): string {
    this.#fields ??= new Map();
    let value = this.#fields.get(name);
    if (value === undefined) {
      value = read(this.peek());
      this.#fields.set(name, value);
    }
    return value;
  }

  /** A fresh object that is the caller's to change. */
  parse(): ApiObject {
    return parseJson(this.bytes) as unknown as ApiObject;
  }
}

/** Objects that were written or about to be, in parsed form, which takes several times the room of their bytes. */
const recentObjects = new RecentValues<CacheEntry, ApiObject>(4 * 1024 * 1024, ({ bytes }) => bytes.length);

/** A draft of `object` that is its owner's to change, but for the managed fields, which are replaced as a whole. */
export function draftOf(object: ApiObject): ApiObject {
  const { managedFields, ...metadata } = object.metadata;
  const draft = cloneJson<ApiObject>({ ...object, metadata });
  if (managedFields !== undefined) draft.metadata.managedFields = managedFields;
  return draft;
}

/** The stored form of `object`: without resourceVersion, with the members that every object has in front. */
export function encodeObject(object: ApiObject): Buffer {
  const { apiVersion, kind, metadata, ...rest } = object;
  const { resourceVersion: _, managedFields = [], ...meta } = metadata;
  if (managedFields.length === 0) return Buffer.from(textOf({ apiVersion, kind, metadata: meta, ...rest }));
  const front = textOf({ apiVersion, kind, metadata: meta });
  const managers = managedFields.map(managerText).join(',');
  const metadataEnd = Object.keys(meta).length === 0 ? '' : ',';
  const back = textOf(rest);
  return Buffer.from(
    `${front.slice(0, -2)}${metadataEnd}"managedFields":[${managers}]}${back === '{}' ? '}' : `,${back.slice(1)}`}`,
  );
}

/** Half of an object may be its managers' fields, which seldom change: they are not written anew every time. */
const fieldTexts = new RecentValues<object, string>(2 * 1024 * 1024, (_, text) => text.length);

function managerText(entry: ManagedFieldsEntry): string {
  const { fieldsV1, subresource, ...said } = entry;
  if (fieldsV1 === undefined || said.manager === undefined) return textOf(entry);
  let fields = fieldTexts.get(fieldsV1);
  if (fields === undefined) {
    fields = textOf(fieldsV1);
    fieldTexts.add(fieldsV1, fields);
  }
  const endpoint = subresource === undefined ? '' : `,"subresource":${JSON.stringify(subresource)}`;
  return `${textOf(said).slice(0, -1)},"fieldsV1":${fields}${endpoint}}`;
}

function textOf(value: object): string {
  return stringifyJson(value as JsonObject);
}

/** A cache entry for a stored value. `object` is what was written, when the caller has it; it is then the entry's. */
export function entryOf(kv: KeyValue, object: ApiObject | undefined, retain: boolean): CacheEntry {
  const stored = Buffer.from(kv.value.buffer, kv.value.byteOffset, kv.value.byteLength);
  const at = metadataStart(stored);
  if (at < 0) throw new Error(`stored value at ${kv.key} is not an API object`);
  const bytes = withResourceVersion(stored, at, kv.modRevision);
  const whole = object ?? (parseJson(bytes) as unknown as ApiObject);
  whole.metadata.resourceVersion = String(kv.modRevision);
  return new CacheEntry(kv.key, kv.modRevision, bytes, whole, retain, kv.stale);
}

/** A cache entry for a value that may have been stored under an older schema: `conform` brings the object up to date. */
export function fittedEntry(kv: KeyValue, conform: (draft: ApiObject) => void): CacheEntry {
  const object = parseJson(kv.value) as unknown as ApiObject;
  conform(object);
  const value = encodeObject(object);
  const outdated = value.compare(kv.value) !== 0;
  const { bytes, revision } = entryOf(outdated ? { ...kv, value } : kv, object, false);
  return new CacheEntry(kv.key, revision, bytes, object, false, outdated || kv.stale === true);
}

const metadataMember = Buffer.from('"metadata":{');

function metadataStart(stored: Buffer): number {
  const at = stored.indexOf(metadataMember);
  return at < 0 ? at : at + metadataMember.length;
}

function withResourceVersion(stored: Buffer, at: number, revision: Revision): Buffer {
  const member = `"resourceVersion":"${revision}"${stored[at] === 0x7d ? '' : ','}`;
  const bytes = Buffer.allocUnsafe(stored.length + member.length);
  stored.copy(bytes, 0, 0, at);
  bytes.write(member, at, 'latin1');
  stored.copy(bytes, at + member.length, at);
  return bytes;
}
