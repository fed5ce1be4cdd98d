/**
 * How objects of one resource get into the store, whichever verb they come from: in the form in which they are stored, over
 * the revision that was read, and known to the cache.
 */
import type { AdmissionChain } from '../admission/chain.ts';
import type { RequestContext, ResourceAccess, ResourceType, ResourceVersion } from '../apis/resource-type.ts';
import type { Clock } from '../clock/clock.ts';
import { goQuote } from '../machinery/field.ts';
import { deepEqual } from '../machinery/json.ts';
import { type ApiObject, groupVersion } from '../machinery/object.ts';
import {
  badRequest,
  internalError,
  invalidObject,
  type Named,
  requestEntityTooLarge,
  serviceUnavailable,
} from '../machinery/status.ts';
import { type Store, StoreClosedError, type Operation as StoreOperation, StoreWriteError } from '../storage/store.ts';
import { type CacheEntry, encodeObject, entryOf } from './cache-entry.ts';
import { convertObject, storedApiVersion, storedForm } from './conversion.ts';
import { objectKey, resourcePrefix } from './keys.ts';
import type { WriteRequest } from './store-write.ts';
import { WatchCache } from './watch-cache.ts';

export interface ObjectWriterOptions {
  readonly type: ResourceType;
  readonly store: Store;
  readonly clock: Clock;
  readonly admission: AdmissionChain;
  readonly access: ResourceAccess;
}

/** etcd's default limit on a request, which Kubernetes inherits. */
const maxObjectBytes = 1.5 * 1024 * 1024;

export class ObjectWriter {
  readonly cache: WatchCache;
  readonly clock: Clock;
  readonly access: ResourceAccess;
  readonly #store: Store;
  readonly #admission: AdmissionChain;
  /** Its definition as it is now; another one takes its place. */
  type: ResourceType;

  constructor(options: ObjectWriterOptions) {
    this.type = options.type;
    this.clock = options.clock;
    this.access = options.access;
    this.#store = options.store;
    this.#admission = options.admission;
    this.cache = new WatchCache(options.store, resourcePrefix(options.type), options.clock, options.type);
  }

  get resource(): Named {
    return { group: this.type.group, name: this.type.names.plural };
  }

  get kind(): Named {
    return { group: this.type.group, name: this.type.names.kind };
  }

  /** Throws 400 for names that cannot stand in a path. */
  key(namespace: string | undefined, name: string): string {
    const problem = pathSegmentProblem(name);
    if (problem !== undefined) throw badRequest(`invalid resource name ${goQuote(name)}: [${problem}]`);
    return objectKey(this.type, namespace, name);
  }

  /** Writes over `revision` (0: the key must be free); `undefined` when another write came first. */
  async commit(
    type: ResourceType,
    key: string,
    revision: number,
    value: Buffer,
    object: ApiObject,
  ): Promise<CacheEntry | undefined> {
    this.cache.willWrite(value, object, type);
    const ttlSeconds = type.strategy.ttlSeconds?.(object);
    const result = await this.#txn(key, revision, {
      type: 'put',
      key,
      value,
      ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
    });
    if (!result.succeeded) return undefined;
    const entry = this.cache.get(key);
    if (entry?.revision === result.revision) return entry;
    // A later write has already replaced it in the cache: answer with what this write made.
    return this.cache.entry({ key, value, createRevision: revision, modRevision: result.revision });
  }

  /** Removes what `entry` shows; `undefined` when another write came first. */
  async remove(entry: CacheEntry, context: RequestContext): Promise<CacheEntry | undefined> {
    if (context.dryRun) return entry;
    const result = await this.#txn(entry.key, entry.revision, { type: 'delete', key: entry.key });
    if (!result.succeeded) return undefined;
    this.type.strategy.afterWrite?.(entry.peek(), undefined, this.access);
    return entry;
  }

  /** What is there now, from a cache that has caught up with the write that came first. */
  async reread(key: string): Promise<CacheEntry | undefined> {
    await this.cache.caughtUp();
    return this.cache.get(key);
  }

  async storageForm(type: ResourceType, object: ApiObject, version: ResourceVersion): Promise<ApiObject> {
    const isStoredForm = version.name === type.storageVersion && type.storedAs === undefined;
    const stored = isStoredForm ? object : await storedForm(type, object);
    stored.apiVersion = storedApiVersion(type);
    stored.kind = type.names.kind;
    return stored;
  }

  encode(object: ApiObject): Buffer {
    const value = encodeObject(object);
    if (value.length > maxObjectBytes) {
      throw requestEntityTooLarge(`limit is ${maxObjectBytes}, the object has ${value.length} bytes`);
    }
    return value;
  }

  refuse(object: ApiObject, errors: readonly Parameters<typeof invalidObject>[2][number][]): void {
    if (errors.length > 0) throw invalidObject(this.kind, object.metadata.name ?? '', errors);
  }

  warn(type: ResourceType, object: ApiObject, old: ApiObject | undefined, request: WriteRequest): readonly string[] {
    const warnings = type.strategy.warnings?.(object, old, request.context) ?? [];
    for (const warning of warnings) request.warn(warning);
    return warnings;
  }

  chain({ internal }: WriteRequest): AdmissionChain {
    return internal === true ? noAdmission : this.#admission;
  }

  async #txn(key: string, revision: number, operation: StoreOperation): ReturnType<Store['txn']> {
    try {
      return await this.#store.txn([{ key, modRevision: revision }], [operation]);
    } catch (error) {
      if (error instanceof StoreWriteError) throw internalError(error.message);
      if (error instanceof StoreClosedError) throw serviceUnavailable('apiserver is shutting down');
      throw error;
    }
  }
}

/** The server's own doing passes none. */
const noAdmission: AdmissionChain = { mutate: () => undefined, validate: () => undefined };

/** Source: `IsValidPathSegmentName` of `k8s.io/apimachinery/pkg/api/validation/path`. */
function pathSegmentProblem(name: string): string | undefined {
  if (name === '.' || name === '..') return `may not be '${name}'`;
  const found = ['/', '%'].filter((character) => name.includes(character));
  return found.length === 0 ? undefined : found.map((character) => `may not contain '${character}'`).join(' ');
}

/** The current object in a version, not to be changed. */
export function inVersion(type: ResourceType, entry: CacheEntry, version: string): ApiObject | Promise<ApiObject> {
  const object = entry.recent;
  return entry.apiVersion === groupVersion(type.group, version) ? object : convertObject(type, object, version);
}

/** The current object as a draft, in the version in which objects are stored now. */
export function storedDraft(type: ResourceType, entry: CacheEntry): ApiObject | Promise<ApiObject> {
  const object = entry.parse();
  if (entry.apiVersion === storedApiVersion(type)) return object;
  return storedForm(type, object).then((converted) => structuredClone(converted));
}

/**
 * Whether `value`, the stored form of `object` without resourceVersion, is what `entry` holds. Members may come in another
 * order: then the length is the same, and the objects are compared.
 */
export function sameStoredForm(entry: CacheEntry, value: Buffer, object: ApiObject): boolean {
  const member = `"resourceVersion":"${entry.revision}",`;
  if (entry.outdated || entry.bytes.length !== value.length + member.length) return false;
  const at = entry.bytes.indexOf(member);
  const sameBytes =
    at >= 0 &&
    entry.bytes.compare(value, 0, at, 0, at) === 0 &&
    entry.bytes.compare(value, at, value.length, at + member.length) === 0;
  if (sameBytes) return true;
  const { resourceVersion } = entry;
  const held = entry.peek();
  if (object.metadata.generation !== held.metadata.generation) return false;
  return deepEqual({ ...object, metadata: { ...object.metadata, resourceVersion } }, held);
}

/**
 * What was not written (a dry run, an update that let a deletion finish), under the revision that it would have been
 * written over.
 */
export function unwritten(entry: CacheEntry, value: Buffer, object: ApiObject): CacheEntry {
  return entryOf({ key: entry.key, value, createRevision: entry.revision, modRevision: entry.revision }, object, false);
}
