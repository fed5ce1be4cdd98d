/**
 * The typed, dynamic client: the API's verbs over any {@link Transport}.
 *
 * Objects that come back are shared and deeply frozen; copy (`structuredClone`) before changing. Failures are
 * {@link StatusError}s.
 */
import type { JsonObject, JsonValue } from '../machinery/json.ts';
import type { ApiList, ApiObject, ObjectMeta } from '../machinery/object.ts';
import type { Status } from '../machinery/status.ts';
import { apiVersionOf, keyOf, type ObjectKey, type ResourceDefinition, type TypedObject } from './definition.ts';
import { createRestMapper, type KindReference, type RestMapper } from './discovery.ts';
import type { PatchType, RequestOptions, ResourceTarget, Transport } from './transport.ts';

export interface Client {
  readonly transport: Transport;
  /** Kinds to resources, by discovery. */
  readonly mapper: RestMapper;
  resource<T extends TypedObject>(definition: ResourceDefinition<T>): ResourceClient<T>;
  /** A kind that is known only at run time. Throws NotFound when the server does not serve it. */
  dynamic(kind: KindReference): Promise<ResourceClient<ApiObject>>;
  /** A container's log, as bytes. */
  logs(pod: ObjectKey, options?: LogOptions): Promise<AsyncIterable<Uint8Array>>;
}

/** An object to be written: `apiVersion` and `kind` may be left out, the client knows them. */
export type Draft<T extends TypedObject> = Omit<T, 'apiVersion' | 'kind'> & { apiVersion?: string; kind?: string };

/** The fields that the applier wants to own (server-side apply): any subset, with `metadata.name`. */
export type ApplyDraft<T extends TypedObject> = DeepPartial<Omit<T, 'metadata' | 'apiVersion' | 'kind'>> & {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
};

export type DeepPartial<T> = T extends (infer E)[]
  ? DeepPartial<E>[]
  : T extends object
    ? { [K in keyof T]?: DeepPartial<T[K]> | undefined }
    : T;

export interface GetOptions {
  readonly resourceVersion?: string;
  readonly signal?: AbortSignal;
}

export interface ListOptions {
  /** Absent: all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan';
  readonly limit?: number;
  readonly continue?: string;
  readonly signal?: AbortSignal;
}

export interface WriteOptions {
  readonly dryRun?: 'All';
  readonly fieldManager?: string;
  readonly fieldValidation?: 'Strict' | 'Warn' | 'Ignore';
  readonly signal?: AbortSignal;
}

export interface PatchOptions extends WriteOptions {
  /** Default: `application/merge-patch+json`. */
  readonly type?: Exclude<PatchType, 'application/apply-patch+yaml'>;
}

export interface ApplyOptions extends WriteOptions {
  readonly fieldManager: string;
  /** Take fields over from other managers instead of failing with Conflict. */
  readonly force?: boolean;
}

/** `metav1.DeleteOptions`. */
export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: 'Orphan' | 'Background' | 'Foreground';
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun?: 'All';
  readonly signal?: AbortSignal;
}

export interface WatchOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: 'NotOlderThan';
  readonly timeoutSeconds?: number;
  readonly sendInitialEvents?: boolean;
  readonly allowWatchBookmarks?: boolean;
}

export interface TypedWatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  /** Of a BOOKMARK, only `metadata.resourceVersion` and annotations. */
  readonly object: T;
}

export interface TypedWatchHandlers<T> {
  events(events: readonly TypedWatchEvent<T>[]): void;
  ended(error: Error | undefined): void;
}

/** `v1.PodLogOptions`. */
export interface LogOptions {
  readonly container?: string;
  readonly follow?: boolean;
  readonly previous?: boolean;
  readonly timestamps?: boolean;
  readonly sinceSeconds?: number;
  /** RFC 3339. */
  readonly sinceTime?: string;
  readonly tailLines?: number;
  readonly limitBytes?: number;
  readonly signal?: AbortSignal;
}

/** `autoscaling/v1` Scale. */
export interface Scale {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
  spec: { replicas?: number };
  status?: { replicas: number; selector?: string };
}

export interface ResourceClient<T extends TypedObject> {
  readonly definition: ResourceDefinition<T>;
  get(key: ObjectKey, options?: GetOptions): Promise<T>;
  /** One page (the whole list, without `limit`). */
  list(options?: ListOptions): Promise<ApiList<T>>;
  /** Every object, page by page (`limit` objects each, default 500). */
  listAll(options?: ListOptions): AsyncIterable<T>;
  create(object: Draft<T>, options?: WriteOptions): Promise<T>;
  update(object: Draft<T>, options?: WriteOptions): Promise<T>;
  updateStatus(object: Draft<T>, options?: WriteOptions): Promise<T>;
  patch(key: ObjectKey, patch: JsonValue, options?: PatchOptions): Promise<T>;
  patchStatus(key: ObjectKey, patch: JsonValue, options?: PatchOptions): Promise<T>;
  /** Server-side apply. */
  apply(object: ApplyDraft<T>, options: ApplyOptions): Promise<T>;
  applyStatus(object: ApplyDraft<T>, options: ApplyOptions): Promise<T>;
  /** The object as it is now, when it stays for a while (finalizers, grace period), else a Status. */
  delete(key: ObjectKey, options?: DeleteOptions): Promise<T | Status>;
  deleteCollection(selection: ListOptions, options?: DeleteOptions): Promise<void>;
  watch(options: WatchOptions, handlers: TypedWatchHandlers<T>): { close(): void };
  /** The same as an iterable: ends when the server closes in order, throws what ended the watch otherwise. */
  events(options: WatchOptions, signal?: AbortSignal): AsyncIterable<TypedWatchEvent<T>>;
  getScale(key: ObjectKey, options?: GetOptions): Promise<Scale>;
  updateScale(key: ObjectKey, scale: Scale, options?: WriteOptions): Promise<Scale>;
  /** Any other subresource: `subresource('binding').create(key, binding)`. */
  subresource(name: string): SubresourceClient;
}

export interface SubresourceClient {
  get(key: ObjectKey, options?: GetOptions): Promise<ApiObject>;
  create(key: ObjectKey, body: JsonObject | ApiObject, options?: WriteOptions): Promise<ApiObject>;
  update(key: ObjectKey, body: JsonObject | ApiObject, options?: WriteOptions): Promise<ApiObject>;
  patch(key: ObjectKey, patch: JsonValue, options?: PatchOptions): Promise<ApiObject>;
}

export function createClient(transport: Transport): Client {
  const mapper = createRestMapper(transport);
  const clients = new Map<string, ResourceClient<ApiObject>>();

  const resource = <T extends TypedObject>(definition: ResourceDefinition<T>): ResourceClient<T> => {
    const id = `${definition.group}/${definition.version}/${definition.plural}`;
    let client = clients.get(id) as ResourceClient<T> | undefined;
    if (client === undefined) {
      client = createResourceClient(transport, definition);
      clients.set(id, client as unknown as ResourceClient<ApiObject>);
    }
    return client;
  };

  return {
    transport,
    mapper,
    resource,
    dynamic: async (kind) => resource(await mapper.resourceFor(kind)),
    logs: (pod, { signal = new AbortController().signal, ...options } = {}) =>
      transport.stream(
        { group: '', version: 'v1', resource: 'pods', ...place(pod, 'log') },
        Object.fromEntries(Object.entries(options).map(([name, value]) => [name, String(value)])),
        signal,
      ),
  };
}

function createResourceClient<T extends TypedObject>(
  transport: Transport,
  definition: ResourceDefinition<T>,
): ResourceClient<T> {
  const apiVersion = apiVersionOf(definition);
  const kind = definition.kind;
  const base = { group: definition.group, version: definition.version, resource: definition.plural };
  const at = (key: ObjectKey, subresource?: string): ResourceTarget => ({ ...base, ...place(key, subresource) });
  const all = (namespace: string | undefined): ResourceTarget =>
    namespace === undefined || namespace === '' ? base : { ...base, namespace };
  const filled = (object: Draft<T> | ApplyDraft<T>): ApiObject =>
    object.apiVersion === apiVersion && object.kind === kind
      ? (object as unknown as ApiObject)
      : ({ apiVersion, kind, ...object } as unknown as ApiObject);

  // The transport knows objects only as far as all kinds agree; the definition says what they are.
  const read = <R = T>(target: ResourceTarget, { signal, ...options }: GetOptions = {}): Promise<R> =>
    transport.request({ verb: 'get', target, options, ...withSignal(signal) }) as Promise<unknown> as Promise<R>;
  const write = <R = T>(
    verb: 'create' | 'update' | 'patch',
    target: ResourceTarget,
    body: JsonValue | ApiObject,
    { signal, ...options }: WriteOptions & { force?: boolean } = {},
    patchType?: PatchType,
  ): Promise<R> =>
    transport.request({
      verb,
      target,
      options,
      body,
      ...(patchType === undefined ? {} : { patchType }),
      ...withSignal(signal),
    }) as Promise<unknown> as Promise<R>;
  const patch = <R = T>(
    target: ResourceTarget,
    body: JsonValue,
    { type = 'application/merge-patch+json', ...options }: PatchOptions = {},
  ): Promise<R> => write<R>('patch', target, body, options, type);
  const apply = (object: ApplyDraft<T>, options: ApplyOptions, subresource?: string): Promise<T> =>
    write('patch', at(keyOf(object), subresource), filled(object), options, 'application/apply-patch+yaml');

  const list = async ({ namespace, signal, ...options }: ListOptions = {}): Promise<ApiList<T>> => {
    const answer = await transport.request({ verb: 'list', target: all(namespace), options, ...withSignal(signal) });
    const page = answer as unknown as ApiList<T>;
    const [first] = page.items;
    if (first === undefined || first.kind !== undefined) return page;
    // Kubernetes leaves out what all items of a list of built-ins have in common.
    return { ...page, items: page.items.map((item) => Object.freeze({ apiVersion, kind, ...item })) };
  };

  const watch: ResourceClient<T>['watch'] = ({ namespace, ...options }, handlers) =>
    transport.watch({ target: all(namespace), options }, handlers as never);

  return {
    definition,
    get: (key, options) => read(at(key), options),
    list,
    async *listAll(options = {}) {
      let page = await list({ limit: 500, ...options });
      yield* page.items;
      while (page.metadata.continue !== undefined && page.metadata.continue !== '') {
        // The token carries the revision: the API refuses both together.
        const { resourceVersion: _, resourceVersionMatch: __, ...rest } = options;
        page = await list({ limit: 500, ...rest, continue: page.metadata.continue });
        yield* page.items;
      }
    },
    create: (object, options) => write('create', all(object.metadata.namespace), filled(object), options),
    update: (object, options) => write('update', at(keyOf(object)), filled(object), options),
    updateStatus: (object, options) => write('update', at(keyOf(object), 'status'), filled(object), options),
    patch: (key, body, options) => patch(at(key), body, options),
    patchStatus: (key, body, options) => patch(at(key, 'status'), body, options),
    apply: (object, options) => apply(object, options),
    applyStatus: (object, options) => apply(object, options, 'status'),
    delete: (key, { signal, ...options } = {}) =>
      transport.request({
        verb: 'delete',
        target: at(key),
        body: deleteOptions(options),
        ...withSignal(signal),
      }) as Promise<unknown> as Promise<T | Status>,
    async deleteCollection({ namespace, signal, ...selection }, { signal: _, ...options } = {}) {
      await transport.request({
        verb: 'deletecollection',
        target: all(namespace),
        options: selection,
        body: deleteOptions(options),
        ...withSignal(signal),
      });
    },
    watch,
    events: (options, signal) => watchEvents((handlers) => watch(options, handlers), signal),
    getScale: (key, options) => read<Scale>(at(key, 'scale'), options),
    updateScale: (key, scale, options) =>
      write<Scale>(
        'update',
        at(key, 'scale'),
        { apiVersion: 'autoscaling/v1', kind: 'Scale', ...scale } as unknown as ApiObject,
        options,
      ),
    subresource: (name) => ({
      get: (key, options) => read<ApiObject>(at(key, name), options),
      create: (key, body, options) => write<ApiObject>('create', at(key, name), body as ApiObject, options),
      update: (key, body, options) => write<ApiObject>('update', at(key, name), body as ApiObject, options),
      patch: (key, body, options) => patch<ApiObject>(at(key, name), body, options),
    }),
  };
}

function place(key: ObjectKey, subresource?: string): Pick<ResourceTarget, 'name' | 'namespace' | 'subresource'> {
  const { namespace, name } = key;
  return {
    name,
    ...(namespace === undefined || namespace === '' ? {} : { namespace }),
    ...(subresource === undefined ? {} : { subresource }),
  };
}

function withSignal(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

function deleteOptions({ dryRun, ...options }: Omit<DeleteOptions, 'signal'>): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    ...(options as JsonObject),
    ...(dryRun === undefined ? {} : { dryRun: [dryRun] }),
  };
}

/** A watch as an iterable. What has arrived and is not yet consumed waits without bound: consume it, or close it. */
async function* watchEvents<T>(
  open: (handlers: TypedWatchHandlers<T>) => { close(): void },
  signal: AbortSignal | undefined,
): AsyncGenerator<TypedWatchEvent<T>> {
  let waiting: TypedWatchEvent<T>[] = [];
  let end: { error: Error | undefined } | undefined;
  let wake: () => void = () => undefined;
  const watch = open({
    events(events) {
      for (const event of events) waiting.push(event);
      wake();
    },
    ended(error) {
      end = { error };
      wake();
    },
  });
  const onAbort = (): void => wake();
  signal?.addEventListener('abort', onAbort);
  try {
    while (signal?.aborted !== true) {
      const batch = waiting;
      waiting = [];
      yield* batch;
      if (waiting.length > 0 || batch.length > 0) continue;
      if (end !== undefined) {
        if (end.error !== undefined) throw end.error;
        return;
      }
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    signal?.removeEventListener('abort', onAbort);
    watch.close();
  }
}

export type { RequestOptions };
