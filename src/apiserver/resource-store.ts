/**
 * One resource's objects: the verbs without HTTP. Drafts come in decoded and defaulted, in the version of the request;
 * this is where they are admitted, stamped, validated and committed.
 *
 * Guarantees: a write happens at most once and only over the revision that was read; what is answered is what was
 * committed; an update that changes nothing writes nothing (the resourceVersion stays).
 * Source: `k8s.io/apiserver/pkg/registry/generic/registry`.
 */
import type { RequestContext, ResourceType } from '../apis/resource-type.ts';
import type { Clock } from '../clock/clock.ts';
import type { ApiObject } from '../machinery/object.ts';
import { type Named, notFound } from '../machinery/status.ts';
import type { Store } from '../storage/store.ts';
import type { CacheEntry } from './cache-entry.ts';
import { answerObject, createObject } from './create-object.ts';
import { deleteObject } from './delete-object.ts';
import type { DeleteOptions } from './deletion.ts';
import { namespacePrefix } from './keys.ts';
import { listObjects, type ObjectList } from './list.ts';
import type { UpdateTarget } from './object-lifecycle.ts';
import { ObjectWriter, type ObjectWriterOptions } from './object-writer.ts';
import type { ListOptions } from './options.ts';
import type { Selection } from './selection.ts';
import type { Change, DeleteResult, IdleWrite, UpdateResult, WriteRequest } from './store-write.ts';
import { confirmObject, overwriteObject, updateObject } from './update-object.ts';
import { openWatch, type WatchSession } from './watch.ts';
import type { WatchCache } from './watch-cache.ts';

export type ResourceStoreOptions = ObjectWriterOptions;

export class ResourceStore {
  readonly cache: WatchCache;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #writer: ObjectWriter;

  constructor(options: ResourceStoreOptions) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#writer = new ObjectWriter(options);
    this.cache = this.#writer.cache;
  }

  get type(): ResourceType {
    return this.#writer.type;
  }

  /** A changed definition of the same resource takes effect with the next request; watches that can, go on. */
  replaceType(type: ResourceType): void {
    this.#writer.type = type;
    this.cache.replaceType(type);
  }

  get resource(): Named {
    return this.#writer.resource;
  }

  get kind(): Named {
    return this.#writer.kind;
  }

  /** Throws 400 for names that cannot stand in a path. */
  key(namespace: string | undefined, name: string): string {
    return this.#writer.key(namespace, name);
  }

  prefix(namespace: string | undefined): string {
    return namespacePrefix(this.type, namespace);
  }

  async get(namespace: string | undefined, name: string): Promise<CacheEntry> {
    await this.cache.caughtUp();
    const entry = this.cache.get(this.key(namespace, name));
    if (entry === undefined) throw notFound(this.resource, name);
    return entry;
  }

  list(selection: Selection, options: ListOptions): Promise<ObjectList> {
    return listObjects(this.#store, this.cache, this.#clock, selection, options);
  }

  watch(
    selection: Selection,
    options: ListOptions,
    wake: () => void,
    ended: (error: Error) => void,
  ): Promise<WatchSession> {
    return openWatch(this.cache, this.#clock, selection, options, wake, ended);
  }

  create(draft: ApiObject, request: WriteRequest): Promise<CacheEntry> {
    return createObject(this.#writer, draft, request);
  }

  /** A create of a kind without storage: admitted, stamped and validated, then answered by `make`. */
  answer(
    draft: ApiObject,
    request: WriteRequest,
    make: (draft: ApiObject) => ApiObject | Promise<ApiObject>,
  ): Promise<ApiObject> {
    return answerObject(this.#writer, draft, request, make);
  }

  /** `createMissing` makes the object of a write to a name that is not there. */
  update(
    change: Change,
    request: WriteRequest,
    target: UpdateTarget,
    createMissing?: () => ApiObject | Promise<ApiObject>,
  ): Promise<UpdateResult> {
    return updateObject(this.#writer, change, request, target, createMissing);
  }

  /** A write of which `recall` may know that it changes nothing; `undefined`: it does not, and {@link update} is for it. */
  confirm(
    request: WriteRequest,
    recall: (entry: CacheEntry, type: ResourceType) => IdleWrite | undefined,
  ): Promise<CacheEntry | undefined> {
    return confirmObject(this.#writer, request, recall);
  }

  /** A write of the server itself: no admission, no stamps, no validation. */
  overwrite(
    namespace: string | undefined,
    name: string,
    change: (draft: ApiObject) => void,
    context: RequestContext,
  ): Promise<CacheEntry> {
    return overwriteObject(this.#writer, namespace, name, change, context);
  }

  delete(options: DeleteOptions, request: WriteRequest): Promise<DeleteResult> {
    return deleteObject(this.#writer, options, request);
  }
}
