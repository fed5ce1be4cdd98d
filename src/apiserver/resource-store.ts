/**
 * One resource's objects: the verbs without HTTP. Drafts come in decoded and defaulted, in the version of the request;
 * this is where they are admitted, stamped, validated and committed.
 *
 * Guarantees: a write happens at most once and only over the revision that was read; what is answered is what was
 * committed; an update that changes nothing writes nothing (the resourceVersion stays).
 * Source: `k8s.io/apiserver/pkg/registry/generic/registry`.
 */
import type { AdmissionChain, AdmissionRequest, Operation, OperationOptions } from '../admission/chain.ts';
import type { RequestContext, ResourceAccess, ResourceType, ResourceVersion } from '../apis/resource-type.ts';
import type { Clock } from '../clock/clock.ts';
import { goQuote, invalid } from '../machinery/field.ts';
import { cloneJson, deepEqual, type JsonObject } from '../machinery/json.ts';
import { type ApiObject, groupVersion } from '../machinery/object.ts';
import {
  alreadyExists,
  badRequest,
  conflict,
  internalError,
  invalidObject,
  modified,
  type Named,
  notFound,
  requestEntityTooLarge,
  StatusError,
  serviceUnavailable,
} from '../machinery/status.ts';
import { type Store, StoreClosedError, type Operation as StoreOperation, StoreWriteError } from '../storage/store.ts';
import { CacheEntry, draftOf, encodeObject, entryOf } from './cache-entry.ts';
import { convertObject, storedApiVersion, storedForm } from './conversion.ts';
import { applyDefaults, shapeObject } from './decode.ts';
import { checkPreconditions, type DeleteOptions, deletionFinished, planDeletion } from './deletion.ts';
import { namespacePrefix, objectKey, resourcePrefix } from './keys.ts';
import { listObjects, type ObjectList } from './list.ts';
import { forgetIdleTimes } from './managed-fields.ts';
import {
  beforeCreate,
  beforeUpdate,
  type UpdateTarget,
  validateCreate,
  validateUpdate,
  wipeSystemFields,
} from './object-lifecycle.ts';
import type { ListOptions } from './options.ts';
import type { Selection } from './selection.ts';
import { openWatch, type WatchSession } from './watch.ts';
import { WatchCache } from './watch-cache.ts';

/** One write, as the store needs to know it. */
export interface WriteRequest {
  readonly version: ResourceVersion;
  readonly namespace: string | undefined;
  /** Empty: the object's own name, or one made from generateName. */
  readonly name: string;
  readonly subresource: string;
  readonly context: RequestContext;
  readonly warn: (message: string) => void;
  /** Runs before admission, whose changes nobody owns: writes `metadata.managedFields` of the draft. */
  readonly trackFields: (draft: ApiObject, live: ApiObject | undefined) => void | Promise<void>;
  /** What admission is told of the options of the request. */
  readonly options?: OperationOptions;
  /** How admission sees objects at an endpoint that shows them in another form; absent: as they are. */
  readonly form?: AdmittedForm;
  /** The server's own doing, which passes no admission. */
  readonly internal?: boolean;
}

/** The form of objects at an endpoint: of `scale` they are Scales. */
export interface AdmittedForm {
  readonly kind: string;
  readonly apiVersion: string;
  /** A copy of its own. */
  readonly of: (object: ApiObject) => ApiObject;
  /** Writes what admission has made of it back into the draft. */
  readonly into: (draft: ApiObject, form: ApiObject) => void;
}

/** Makes the new object from the current one, which is not to be changed. Runs again when another write came first. */
export type Change = (current: ApiObject) => ApiObject | Promise<ApiObject>;

export interface UpdateResult {
  readonly entry: CacheEntry;
  readonly created: boolean;
  /** Nothing was written, as nothing has changed: the warnings of the strategy all the same. */
  readonly unchanged?: { readonly warnings: readonly string[] };
}

/** A write that changes nothing: the warnings that it gives before admission, and those of the strategy. */
export interface IdleWrite {
  readonly decoding: readonly string[];
  readonly strategy: readonly string[];
}

export type DeleteResult =
  /** The object is gone; `entry` is what it was last. */
  | { readonly removed: true; readonly entry: CacheEntry }
  /** The object waits for its grace period or finalizers; `pending`: it did so before, and nothing has changed. */
  | { readonly removed: false; readonly entry: CacheEntry; readonly pending?: boolean };

export interface ResourceStoreOptions {
  readonly type: ResourceType;
  readonly store: Store;
  readonly clock: Clock;
  readonly admission: AdmissionChain;
  readonly access: ResourceAccess;
}

const resourceVersionOnCreate = 'resourceVersion should not be set on objects to be created';
/** Kubernetes tries a generated name this often before it gives up. */
const generateNameAttempts = 8;
/** etcd's default limit on a request, which Kubernetes inherits. */
const maxObjectBytes = 1.5 * 1024 * 1024;

export class ResourceStore {
  readonly cache: WatchCache;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #admission: AdmissionChain;
  readonly #access: ResourceAccess;
  #type: ResourceType;

  constructor(options: ResourceStoreOptions) {
    this.#type = options.type;
    this.#store = options.store;
    this.#clock = options.clock;
    this.#admission = options.admission;
    this.#access = options.access;
    this.cache = new WatchCache(options.store, resourcePrefix(options.type), options.clock, options.type);
  }

  get type(): ResourceType {
    return this.#type;
  }

  /** A changed definition of the same resource takes effect with the next request; watches that can, go on. */
  replaceType(type: ResourceType): void {
    this.#type = type;
    this.cache.replaceType(type);
  }

  get resource(): Named {
    return { group: this.#type.group, name: this.#type.names.plural };
  }

  get kind(): Named {
    return { group: this.#type.group, name: this.#type.names.kind };
  }

  /** Throws 400 for names that cannot stand in a path. */
  key(namespace: string | undefined, name: string): string {
    const problem = pathSegmentProblem(name);
    if (problem !== undefined) throw badRequest(`invalid resource name ${goQuote(name)}: [${problem}]`);
    return objectKey(this.#type, namespace, name);
  }

  prefix(namespace: string | undefined): string {
    return namespacePrefix(this.#type, namespace);
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

  async create(draft: ApiObject, request: WriteRequest): Promise<CacheEntry> {
    const type = this.#type;
    await this.cache.ready();
    const generated = (draft.metadata.name ?? '') === '' && (draft.metadata.generateName ?? '') !== '';
    const attempts = generated ? generateNameAttempts : 1;
    for (let attempt = 1; ; attempt++) {
      const object = attempts === 1 ? draft : cloneJson(draft);
      const created = await this.#createOnce(type, object, request);
      if (created !== undefined) return created;
      const name = object.metadata.name!;
      if (!generated) throw this.#taken(request.namespace, name);
      if (attempt < attempts) continue;
      const error = alreadyExists(this.resource, name);
      throw new StatusError(
        409,
        'AlreadyExists',
        `${error.message}, the server was not able to generate a unique name for the object`,
        { ...error.status.details, retryAfterSeconds: 1 },
      );
    }
  }

  /** A create of a kind without storage: admitted, stamped and validated, then answered by `make`. */
  async answer(
    draft: ApiObject,
    request: WriteRequest,
    make: (draft: ApiObject) => ApiObject | Promise<ApiObject>,
  ): Promise<ApiObject> {
    const type = this.#type;
    const admission = this.#admissionRequest('CREATE', draft, undefined, request);
    wipeSystemFields(draft);
    const tracked = request.trackFields(draft, undefined);
    if (tracked !== undefined) await tracked;
    const mutated = this.#chain(request).mutate(admission);
    if (mutated !== undefined) await mutated;
    const errors = type.strategy.validate?.(draft, request.context) ?? [];
    // Kubernetes has lost the kind by then: reviews are told apart by their group alone.
    if (errors.length > 0) throw invalidObject({ group: type.group, name: '' }, '', errors);
    const validated = this.#chain(request).validate(admission);
    if (validated !== undefined) await validated;
    return await make(draft);
  }

  #taken(namespace: string | undefined, name: string): StatusError {
    const error = alreadyExists(this.resource, name);
    if (this.cache.get(this.key(namespace, name))?.peek().metadata.deletionTimestamp === undefined) return error;
    return new StatusError(409, 'AlreadyExists', `object is being deleted: ${error.message}`, error.status.details);
  }

  /** `undefined`: the name is taken. */
  async #createOnce(type: ResourceType, draft: ApiObject, request: WriteRequest): Promise<CacheEntry | undefined> {
    const { context, version, namespace } = request;
    const { resourceVersion = '' } = draft.metadata;
    const admission = this.#admissionRequest('CREATE', draft, undefined, request);
    // What admission and the strategy do from here on is nobody's doing.
    const tracked = request.trackFields(draft, undefined);
    if (tracked !== undefined) await tracked;
    const mutated = this.#chain(request).mutate(admission);
    if (mutated !== undefined) await mutated;
    beforeCreate(type, draft, namespace, context, () => this.#clock.random());
    const { authorize, allocate: allocated } = type.strategy;
    if (authorize !== undefined) await authorize(draft, undefined, this.#access, context);
    const release = allocated === undefined ? undefined : await allocated(draft, undefined, this.#access, context);
    try {
      this.#refuse(draft, validateCreate(type, version, draft, context));
      this.#warn(type, draft, undefined, request);
      const validated = this.#chain(request).validate(admission);
      if (validated !== undefined) await validated;
      const key = this.key(namespace, draft.metadata.name!);
      const stored = await this.#storageForm(type, draft, version);
      const value = this.#encode(stored);
      if (context.dryRun) {
        release?.();
        if (this.cache.get(key) !== undefined) return undefined;
        return new CacheEntry(key, 0, value, stored, false);
      }
      // Kubernetes' store says so, behind everything else, and gives it no reason.
      if (/^[1-9]\d*$/.test(resourceVersion)) throw new StatusError(500, '', resourceVersionOnCreate);
      const entry = await this.#commit(type, key, 0, value, stored);
      if (entry === undefined) release?.();
      return entry;
    } catch (error) {
      release?.();
      throw error;
    }
  }

  /**
   * Reads, changes, writes; again from the new current object when another write came first, which is a Conflict for a draft
   * that names an older resourceVersion. `createMissing` makes the object of a write to a name that is not there.
   */
  async update(
    change: Change,
    request: WriteRequest,
    target: UpdateTarget,
    createMissing?: () => ApiObject | Promise<ApiObject>,
  ): Promise<UpdateResult> {
    const type = this.#type;
    const key = this.key(request.namespace, request.name);
    await this.cache.ready();
    let entry = this.cache.get(key);
    for (;;) {
      if (entry === undefined) {
        if (createMissing === undefined) throw notFound(this.resource, request.name);
        const created = await this.#createOnce(type, await createMissing(), request);
        if (created !== undefined) return { entry: created, created: true };
        entry = await this.#reread(key);
        continue;
      }
      const outcome = await this.#updateOnce(type, entry, change, request, target);
      if (outcome.done) return outcome.result;
      entry = outcome.current;
    }
  }

  /**
   * A write that would leave the object as it is, as `recall` knows of its present version: admission has its say, and that
   * is all. `undefined`: it is not known, or somebody changes the object after all; then {@link update} is for it.
   */
  async confirm(
    request: WriteRequest,
    recall: (entry: CacheEntry, type: ResourceType) => IdleWrite | undefined,
  ): Promise<CacheEntry | undefined> {
    const type = this.#type;
    // Whether the user may write what it says is asked every time.
    if (type.strategy.authorize !== undefined) return undefined;
    const key = this.key(request.namespace, request.name);
    await this.cache.ready();
    const entry = this.cache.get(key);
    if (entry === undefined) return undefined;
    const known = recall(entry, type);
    if (known === undefined) return undefined;
    for (const warning of known.decoding) request.warn(warning);
    const requested = groupVersion(type.group, request.version.name);
    const converted = entry.apiVersion === requested ? undefined : await inVersion(type, entry, request.version.name);
    let draft: ApiObject | undefined;
    const admission: AdmissionRequest = {
      ...this.#admissionRequest('UPDATE', undefined, undefined, request),
      // Made for those who look at them: few do.
      get object(): ApiObject {
        draft ??= draftOf(this.oldObject!);
        return draft;
      },
      get oldObject(): ApiObject {
        return converted ?? entry.recent;
      },
    };
    const mutated = this.#chain(request).mutate(admission);
    if (mutated !== undefined) await mutated;
    if (draft !== undefined && !deepEqual(draft, admission.oldObject)) return undefined;
    for (const warning of known.strategy) request.warn(warning);
    const validated = this.#chain(request).validate(admission);
    if (validated !== undefined) await validated;
    return (await this.#reread(key)) === entry ? entry : undefined;
  }

  async #updateOnce(
    type: ResourceType,
    entry: CacheEntry,
    change: Change,
    request: WriteRequest,
    target: UpdateTarget,
  ): Promise<Outcome> {
    const { context, version } = request;
    const old = await inVersion(type, entry, version.name);
    const changed = change(old);
    const draft = changed instanceof Promise ? await changed : changed;
    this.#checkUpdate(type, draft, old);
    const tracked = request.trackFields(draft, old);
    if (tracked !== undefined) await tracked;
    const { form } = request;
    const admission =
      form === undefined
        ? this.#admissionRequest('UPDATE', draft, old, request)
        : this.#admissionRequest('UPDATE', form.of(draft), form.of(old), request);
    const mutated = this.#chain(request).mutate(admission);
    if (mutated !== undefined) await mutated;
    form?.into(draft, admission.object!);
    forgetIdleTimes(draft, old);
    beforeUpdate(type, version, draft, old, target, context);
    draft.metadata.resourceVersion = entry.resourceVersion;
    const { authorize } = type.strategy;
    if (authorize !== undefined) await authorize(draft, old, this.#access, context);
    const allocated = target === 'object' ? type.strategy.allocate : undefined;
    const release = allocated === undefined ? undefined : await allocated(draft, old, this.#access, context);
    try {
      this.#refuse(draft, validateUpdate(type, version, draft, old, target, context));
      const warnings = this.#warn(type, draft, old, request);
      const validated = this.#chain(request).validate(admission);
      if (validated !== undefined) await validated;
      const stored = await this.#storageForm(type, draft, version);
      if (deletionFinished(type, stored)) {
        const gone = await this.#remove(entry, context);
        return gone === undefined
          ? { done: false, current: await this.#reread(entry.key) }
          : done(unwritten(entry, this.#encode(stored), stored));
      }
      const value = this.#encode(stored);
      if (sameStoredForm(entry, value, stored)) {
        // A write that changes nothing does not learn from the store whether another came first.
        const current = await this.#reread(entry.key);
        release?.();
        return current === entry ? done(entry, { warnings }) : { done: false, current };
      }
      if (context.dryRun) {
        release?.();
        return done(unwritten(entry, value, stored));
      }
      const written = await this.#commit(type, entry.key, entry.revision, value, stored);
      if (written !== undefined) {
        type.strategy.afterWrite?.(entry.peek(), written.peek(), this.#access);
        return done(written);
      }
      release?.();
      return { done: false, current: await this.#reread(entry.key) };
    } catch (error) {
      release?.();
      throw error;
    }
  }

  /**
   * A write of the server itself: no admission, no stamps, no validation. For subresources that do what clients may not
   * (a binding sets `spec.nodeName`), and for the server's own bookkeeping.
   */
  async overwrite(
    namespace: string | undefined,
    name: string,
    change: (draft: ApiObject) => void,
    context: RequestContext,
  ): Promise<CacheEntry> {
    const key = this.key(namespace, name);
    await this.cache.ready();
    let entry = this.cache.get(key);
    for (;;) {
      if (entry === undefined) throw notFound(this.resource, name);
      const type = this.#type;
      const draft = await storedDraft(type, entry);
      change(draft);
      if (deletionFinished(type, draft)) {
        const gone = await this.#remove(entry, context);
        if (gone !== undefined) return unwritten(entry, this.#encode(draft), draft);
      } else {
        const value = this.#encode(draft);
        if (sameStoredForm(entry, value, draft)) return entry;
        if (context.dryRun) return unwritten(entry, value, draft);
        const written = await this.#commit(type, key, entry.revision, value, draft);
        if (written !== undefined) return written;
      }
      entry = await this.#reread(key);
    }
  }

  #checkUpdate(type: ResourceType, draft: ApiObject, old: ApiObject): void {
    const name = old.metadata.name ?? '';
    const { resourceVersion, uid } = draft.metadata;
    if (uid !== undefined && uid !== '' && uid !== old.metadata.uid) {
      throw conflict(
        this.resource,
        name,
        `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid}`,
      );
    }
    if (resourceVersion === undefined || resourceVersion === '' || resourceVersion === '0') {
      if (type.strategy.allowUnconditionalUpdate) return;
      throw invalidObject(this.resource, name, [
        invalid('metadata.resourceVersion', 0, 'must be specified for an update'),
      ]);
    }
    if (resourceVersion !== old.metadata.resourceVersion) throw modified(this.resource, name);
  }

  async delete(options: DeleteOptions, request: WriteRequest): Promise<DeleteResult> {
    const type = this.#type;
    const { context } = request;
    const key = this.key(request.namespace, request.name);
    await this.cache.ready();
    let entry = this.cache.get(key);
    for (;;) {
      if (entry === undefined) throw notFound(this.resource, request.name);
      const draft = await storedDraft(type, entry);
      checkPreconditions(type, draft, options);
      const old = await inVersion(type, entry, request.version.name);
      const admission = this.#admissionRequest('DELETE', undefined, old, { ...request, options: said(options) });
      const mutated = this.#chain(request).mutate(admission);
      if (mutated !== undefined) await mutated;
      const validated = this.#chain(request).validate(admission);
      if (validated !== undefined) await validated;
      const plan = planDeletion(type, draft, options, context.now);
      if (plan.step === 'wait') return { removed: false, entry, pending: true };
      if (plan.step === 'remove') {
        const gone = await this.#remove(entry, context);
        if (gone !== undefined) return { removed: true, entry: gone };
      } else {
        const value = this.#encode(draft);
        if (sameStoredForm(entry, value, draft)) return { removed: false, entry };
        if (context.dryRun) return { removed: false, entry: unwritten(entry, value, draft) };
        const marked = await this.#commit(type, key, entry.revision, value, draft);
        if (marked !== undefined) return { removed: false, entry: marked };
      }
      entry = await this.#reread(key);
    }
  }

  /** Removes what `entry` shows; `undefined` when another write came first. */
  async #remove(entry: CacheEntry, context: RequestContext): Promise<CacheEntry | undefined> {
    if (context.dryRun) return entry;
    const result = await this.#txn(entry.key, entry.revision, { type: 'delete', key: entry.key });
    if (!result.succeeded) return undefined;
    this.#type.strategy.afterWrite?.(entry.peek(), undefined, this.#access);
    return entry;
  }

  /** Writes over `revision` (0: the key must be free); `undefined` when another write came first. */
  async #commit(
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

  async #txn(key: string, revision: number, operation: StoreOperation): ReturnType<Store['txn']> {
    try {
      return await this.#store.txn([{ key, modRevision: revision }], [operation]);
    } catch (error) {
      if (error instanceof StoreWriteError) throw internalError(error.message);
      if (error instanceof StoreClosedError) throw serviceUnavailable('apiserver is shutting down');
      throw error;
    }
  }

  /** What is there now, from a cache that has caught up with the write that came first. */
  async #reread(key: string): Promise<CacheEntry | undefined> {
    await this.cache.caughtUp();
    return this.cache.get(key);
  }

  async #storageForm(type: ResourceType, object: ApiObject, version: ResourceVersion): Promise<ApiObject> {
    const isStoredForm = version.name === type.storageVersion && type.storedAs === undefined;
    const stored = isStoredForm ? object : await storedForm(type, object);
    stored.apiVersion = storedApiVersion(type);
    stored.kind = type.names.kind;
    return stored;
  }

  #encode(object: ApiObject): Buffer {
    const value = encodeObject(object);
    if (value.length > maxObjectBytes) {
      throw requestEntityTooLarge(`limit is ${maxObjectBytes}, the object has ${value.length} bytes`);
    }
    return value;
  }

  #refuse(object: ApiObject, errors: readonly Parameters<typeof invalidObject>[2][number][]): void {
    if (errors.length > 0) throw invalidObject(this.kind, object.metadata.name ?? '', errors);
  }

  #warn(type: ResourceType, object: ApiObject, old: ApiObject | undefined, request: WriteRequest): readonly string[] {
    const warnings = type.strategy.warnings?.(object, old, request.context) ?? [];
    for (const warning of warnings) request.warn(warning);
    return warnings;
  }

  #chain({ internal }: WriteRequest): AdmissionChain {
    return internal === true ? noAdmission : this.#admission;
  }

  #admissionRequest(
    operation: Operation,
    object: ApiObject | undefined,
    oldObject: ApiObject | undefined,
    request: WriteRequest,
  ): AdmissionRequest {
    const type = this.#type;
    const { group, names } = type;
    const { version, form } = request;
    return {
      operation,
      group,
      version: version.name,
      resource: names.plural,
      kind: form?.kind ?? names.kind,
      apiVersion: form?.apiVersion ?? groupVersion(group, version.name),
      type,
      options: request.options,
      conform: form === undefined ? conformTo(type, version) : asItIs,
      subresource: request.subresource,
      namespace: type.scope === 'Namespaced' ? request.namespace : undefined,
      name: request.name === '' ? (object?.metadata.name ?? '') : request.name,
      object,
      oldObject,
      context: request.context,
      warn: request.warn,
      access: this.#access,
    };
  }
}

const noAdmission: AdmissionChain = { mutate: () => undefined, validate: () => undefined };

const asItIs = (): void => undefined;

const conforming = new WeakMap<ResourceVersion, { type: ResourceType; conform: (draft: ApiObject) => void }>();

/** What brings a draft back into shape that admission has changed. Made once for each version. */
function conformTo(type: ResourceType, version: ResourceVersion): (draft: ApiObject) => void {
  let known = conforming.get(version);
  if (known?.type !== type) {
    const conform = (draft: ApiObject): void => {
      shapeObject(draft as unknown as JsonObject, type, version);
      applyDefaults(draft, type, version);
    };
    known = { type, conform };
    conforming.set(version, known);
  }
  return known.conform;
}

/** What came of an attempt; not done: another write came first. */
type Outcome =
  | { readonly done: true; readonly result: UpdateResult }
  | { readonly done: false; readonly current: CacheEntry | undefined };

function done(entry: CacheEntry, unchanged?: UpdateResult['unchanged']): Outcome {
  return { done: true, result: { entry, created: false, ...(unchanged === undefined ? {} : { unchanged }) } };
}

/** What was said, without what is empty. */
function said({ dryRun: _, preconditions = {}, ...rest }: DeleteOptions): OperationOptions {
  return Object.keys(preconditions).length === 0 ? rest : { ...rest, preconditions };
}

/** Source: `IsValidPathSegmentName` of `k8s.io/apimachinery/pkg/api/validation/path`. */
function pathSegmentProblem(name: string): string | undefined {
  if (name === '.' || name === '..') return `may not be '${name}'`;
  const found = ['/', '%'].filter((character) => name.includes(character));
  return found.length === 0 ? undefined : found.map((character) => `may not contain '${character}'`).join(' ');
}

/** The current object in a version, not to be changed. */
function inVersion(type: ResourceType, entry: CacheEntry, version: string): ApiObject | Promise<ApiObject> {
  const object = entry.recent;
  return entry.apiVersion === groupVersion(type.group, version) ? object : convertObject(type, object, version);
}

/** The current object as a draft, in the version in which objects are stored now. */
function storedDraft(type: ResourceType, entry: CacheEntry): ApiObject | Promise<ApiObject> {
  const object = entry.parse();
  if (entry.apiVersion === storedApiVersion(type)) return object;
  return storedForm(type, object).then((converted) => structuredClone(converted));
}

/**
 * Whether `value`, the stored form of `object` without resourceVersion, is what `entry` holds. Members may come in another
 * order: then the length is the same, and the objects are compared.
 */
function sameStoredForm(entry: CacheEntry, value: Buffer, object: ApiObject): boolean {
  const member = `"resourceVersion":"${entry.revision}",`;
  if (entry.outdated || entry.bytes.length !== value.length + member.length) return false;
  const at = entry.bytes.indexOf(member);
  const sameBytes =
    at >= 0 &&
    entry.bytes.compare(value, 0, at, 0, at) === 0 &&
    entry.bytes.compare(value, at, value.length, at + member.length) === 0;
  if (sameBytes) return true;
  const { resourceVersion } = entry;
  return deepEqual({ ...object, metadata: { ...object.metadata, resourceVersion } }, entry.peek());
}

/**
 * What was not written (a dry run, an update that let a deletion finish), under the revision that it would have been
 * written over.
 */
function unwritten(entry: CacheEntry, value: Buffer, object: ApiObject): CacheEntry {
  return entryOf({ key: entry.key, value, createRevision: entry.revision, modRevision: entry.revision }, object, false);
}
