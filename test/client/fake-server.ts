/**
 * A little API server in memory, for faults: it can hold back watch events, drop or hang watches, forget history, fail
 * requests and delay their answers. It has Kubernetes' optimistic locking, finalizers and watch semantics; it validates nothing.
 */
import { isDeepStrictEqual } from 'node:util';
import type { ResourceDefinition, TypedObject } from '../../src/client/definition.ts';
import type { Transport, TransportRequest, TransportWatchRequest, WatchHandlers } from '../../src/client/transport.ts';
import { FieldSelector } from '../../src/machinery/field-selector.ts';
import { cloneJson, deepFreeze, type JsonObject, type JsonValue } from '../../src/machinery/json.ts';
import { LabelSelector } from '../../src/machinery/label-selector.ts';
import { applyMergePatch } from '../../src/machinery/merge-patch.ts';
import { type ApiObject, groupVersion, type WatchEvent } from '../../src/machinery/object.ts';
import {
  alreadyExists,
  expired,
  modified,
  notFound,
  resourceNotServed,
  StatusError,
} from '../../src/machinery/status.ts';

interface Change {
  readonly revision: number;
  readonly resource: string;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: ApiObject;
  readonly old: ApiObject | undefined;
}

interface OpenWatch {
  readonly request: TransportWatchRequest;
  readonly handlers: WatchHandlers;
  readonly definition: ResourceDefinition<TypedObject>;
  /** Up to which revision this watch has been told. */
  told: number;
  hung: boolean;
}

export class FakeServer {
  readonly #definitions: readonly ResourceDefinition<TypedObject>[];
  readonly #objects = new Map<string, Map<string, ApiObject>>();
  readonly #watches = new Set<OpenWatch>();
  #history: Change[] = [];
  #revision = 10;
  #compacted = 0;
  #uids = 0;
  #delivering = false;
  /** Whether `sendInitialEvents` is known. */
  streamedLists = true;
  /** While true, watches are told nothing. */
  held = false;
  /** What comes before a request is served; it may fail or delay it. */
  before: (request: TransportRequest) => Promise<void> | void = () => undefined;
  /** What comes between serving a request and its answer. */
  after: (request: TransportRequest) => Promise<void> | void = () => undefined;
  /** What each new watch ends with, at once. */
  watchFault: ((request: TransportWatchRequest) => Error | undefined) | undefined;
  readonly requests: TransportRequest[] = [];
  readonly watchRequests: TransportWatchRequest[] = [];

  constructor(...definitions: ResourceDefinition<TypedObject>[]) {
    this.#definitions = definitions;
  }

  get revision(): number {
    return this.#revision;
  }

  get openWatches(): number {
    return this.#watches.size;
  }

  readonly transport: Transport = {
    request: async (request) => {
      this.requests.push(request);
      await this.before(request);
      const answer = this.#serve(request);
      await this.after(request);
      return answer;
    },
    stream: async (target) =>
      (async function* () {
        yield new TextEncoder().encode(`log of ${target.name}\n`);
      })(),
    document: async (path) => this.#document(path),
    watch: (request, handlers) => this.#watch(request, handlers),
    close: async () => this.dropWatches(),
  };

  /** Writes as somebody else would, past `before` and `after`. */
  put(definition: ResourceDefinition<TypedObject>, object: { metadata: TypedObject['metadata'] }): ApiObject {
    const store = this.#store(definition.plural);
    const key = keyOf(object.metadata.namespace, object.metadata.name);
    const old = store.get(key);
    const full = {
      ...object,
      apiVersion: groupVersion(definition.group, definition.version),
      kind: definition.kind,
      metadata: { ...object.metadata, uid: old?.metadata.uid ?? `uid-${++this.#uids}` },
    } as ApiObject;
    const { generation } = old?.metadata ?? {};
    if (generation !== undefined) {
      const changed = !isDeepStrictEqual(withoutMeta(full), withoutMeta(old!));
      full.metadata.generation = generation + (changed ? 1 : 0);
    }
    return this.#commit(definition.plural, old, full);
  }

  remove(definition: ResourceDefinition<TypedObject>, namespace: string, name: string): void {
    const old = this.#store(definition.plural).get(keyOf(namespace, name));
    if (old !== undefined) this.#commit(definition.plural, old, undefined);
  }

  read(definition: ResourceDefinition<TypedObject>, namespace: string, name: string): ApiObject | undefined {
    return this.#store(definition.plural).get(keyOf(namespace, name));
  }

  all(definition: ResourceDefinition<TypedObject>): ApiObject[] {
    return [...this.#store(definition.plural).values()];
  }

  /** Watches from before now answer 410. */
  compact(): void {
    this.#deliver();
    this.#history = [];
    this.#compacted = this.#revision;
  }

  /** Tells all watches what they have missed, at once. */
  release(): void {
    this.held = false;
    this.#deliver();
  }

  bookmark(): void {
    this.#deliver();
    for (const watch of this.#watches) {
      if (watch.hung || this.held) continue;
      watch.told = this.#revision;
      watch.handlers.events([bookmarkEvent(watch.definition, this.#revision, false)]);
    }
  }

  dropWatches(error?: Error): void {
    for (const watch of [...this.#watches]) {
      this.#watches.delete(watch);
      watch.handlers.ended(error);
    }
  }

  /** Running watches are told nothing more, and do not end either: the connection is half open. */
  hangWatches(): void {
    for (const watch of this.#watches) watch.hung = true;
  }

  #store(plural: string): Map<string, ApiObject> {
    let store = this.#objects.get(plural);
    if (store === undefined) {
      store = new Map();
      this.#objects.set(plural, store);
    }
    return store;
  }

  #definition({ group, version, resource }: TransportRequest['target']): ResourceDefinition<TypedObject> {
    const found = this.#definitions.find(
      (definition) => definition.plural === resource && definition.group === group && definition.version === version,
    );
    if (found === undefined) throw resourceNotServed();
    return found;
  }

  #serve({ verb, target, options = {}, body, patchType }: TransportRequest): ApiObject {
    const definition = this.#definition(target);
    const store = this.#store(target.resource);
    const named = { group: target.group, name: target.resource };
    const { name = '', namespace, subresource } = target;
    const key = keyOf(namespace, name);
    const old = store.get(key);
    if (verb === 'list') return this.#list(definition, target.namespace, options);
    if (verb === 'create' && subresource === undefined) {
      const object = cloneJson(body) as unknown as ApiObject;
      const own = keyOf(namespace, object.metadata.name);
      if (store.has(own)) throw alreadyExists(named, object.metadata.name ?? '');
      const metadata = {
        ...object.metadata,
        ...(namespace === undefined ? {} : { namespace }),
        uid: `uid-${++this.#uids}`,
        generation: 1,
        creationTimestamp: '2026-01-01T00:00:00Z',
      };
      return this.#commit(target.resource, undefined, { ...object, metadata });
    }
    if (verb === 'patch' && patchType === 'application/apply-patch+yaml' && old === undefined) {
      return this.#serve({ verb: 'create', target: without(target, 'name'), options, body: body as JsonObject });
    }
    if (old === undefined) throw notFound(named, name);
    switch (verb) {
      case 'get':
        return old;
      case 'update':
      case 'patch': {
        if (subresource === 'scale') return this.#scale(target.resource, old, body as unknown as ApiObject);
        const wanted = (verb === 'update'
          ? cloneJson(body)
          : applyMergePatch(old as unknown as JsonValue, body as JsonValue)) as unknown as ApiObject;
        const version = (body as unknown as ApiObject).metadata?.resourceVersion;
        if (version !== undefined && version !== old.metadata.resourceVersion) throw modified(named, name);
        return this.#change(target.resource, old, wanted, subresource);
      }
      case 'delete':
        return this.#delete(target.resource, named, old);
      default:
        throw new StatusError(405, 'MethodNotAllowed', `${verb} is not here`);
    }
  }

  #change(resource: string, old: ApiObject, wanted: ApiObject, subresource: string | undefined): ApiObject {
    const next: ApiObject =
      subresource === 'status'
        ? { ...old, ...('status' in wanted ? { status: wanted.status } : {}) }
        : { ...wanted, ...('status' in old ? { status: old.status } : {}) };
    const { resourceVersion, uid, creationTimestamp, deletionTimestamp } = old.metadata;
    const changed = !isDeepStrictEqual(withoutMeta(next), withoutMeta(old));
    const generation = (old.metadata.generation ?? 1) + (changed && subresource !== 'status' ? 1 : 0);
    const metadata = {
      ...(subresource === 'status' ? old.metadata : next.metadata),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(uid === undefined ? {} : { uid }),
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
      ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
      generation,
    };
    const object = { ...next, metadata };
    if (isDeepStrictEqual(object, old)) return old;
    if (deletionTimestamp !== undefined && (metadata.finalizers ?? []).length === 0) {
      this.#commit(resource, old, undefined);
      // As Kubernetes: the object as it would have been stored, with the version that it had.
      return deepFreeze(object);
    }
    return this.#commit(resource, old, object);
  }

  #scale(resource: string, old: ApiObject, scale: ApiObject): ApiObject {
    const { replicas } = scale.spec as { replicas: number };
    const { metadata } = this.#change(
      resource,
      old,
      { ...old, spec: { ...(old.spec as object), replicas } },
      undefined,
    );
    return { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata, spec: { replicas } };
  }

  #delete(resource: string, named: { group: string; name: string }, old: ApiObject): ApiObject {
    if ((old.metadata.finalizers ?? []).length > 0) {
      if (old.metadata.deletionTimestamp !== undefined) return old;
      const metadata = { ...old.metadata, deletionTimestamp: '2026-01-01T00:00:01Z' };
      return this.#commit(resource, old, { ...old, metadata });
    }
    this.#commit(resource, old, undefined);
    const details = { name: old.metadata.name, group: named.group, kind: named.name, uid: old.metadata.uid };
    return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details };
  }

  #commit(resource: string, old: ApiObject | undefined, next: ApiObject | undefined): ApiObject {
    const revision = ++this.#revision;
    const source = next ?? old!;
    const object = deepFreeze({
      ...source,
      metadata: { ...source.metadata, resourceVersion: String(revision) },
    }) as ApiObject;
    const key = keyOf(object.metadata.namespace, object.metadata.name);
    if (next === undefined) this.#store(resource).delete(key);
    else this.#store(resource).set(key, object);
    const type = next === undefined ? 'DELETED' : old === undefined ? 'ADDED' : 'MODIFIED';
    this.#history.push({ revision, resource, type, object, old });
    this.#schedule();
    return object;
  }

  #list(
    definition: ResourceDefinition<TypedObject>,
    namespace: string | undefined,
    options: NonNullable<TransportRequest['options']>,
  ): ApiObject {
    const selected = [...this.#store(definition.plural).values()]
      .filter((object) => selects(namespace, options, object))
      .sort((a, b) =>
        keyOf(a.metadata.namespace, a.metadata.name) < keyOf(b.metadata.namespace, b.metadata.name) ? -1 : 1,
      );
    const [version = String(this.#revision), start = '0'] = options.continue?.split('/') ?? [];
    const end = options.limit === undefined ? selected.length : Number(start) + options.limit;
    const metadata = {
      resourceVersion: version,
      ...(end < selected.length ? { continue: `${version}/${end}` } : {}),
    };
    return deepFreeze({
      apiVersion: groupVersion(definition.group, definition.version),
      kind: `${definition.kind}List`,
      metadata,
      items: selected.slice(Number(start), end),
    }) as unknown as ApiObject;
  }

  #watch(request: TransportWatchRequest, handlers: WatchHandlers): { close(): void } {
    this.watchRequests.push(request);
    const { options = {}, target } = request;
    let closed = false;
    const watch: OpenWatch = {
      request,
      handlers: {
        events: (events) => {
          if (!closed) handlers.events(events);
        },
        ended: (error) => {
          if (closed) return;
          closed = true;
          handlers.ended(error);
        },
      },
      definition: { group: '', version: '', kind: '', plural: '', namespaced: true },
      told: 0,
      hung: false,
    };
    queueMicrotask(() => {
      if (closed) return;
      const fault = this.watchFault?.(request);
      if (fault !== undefined) return watch.handlers.ended(fault);
      let definition: ResourceDefinition<TypedObject>;
      try {
        definition = this.#definition(target);
      } catch (error) {
        return watch.handlers.ended(error as Error);
      }
      Object.assign(watch, { definition });
      if (options.sendInitialEvents === true) {
        if (!this.streamedLists) {
          return watch.handlers.ended(new StatusError(422, 'Invalid', 'sendInitialEvents is forbidden for watch'));
        }
        const items = (
          this.#list(definition, target.namespace, without(options, 'limit')) as unknown as {
            items: ApiObject[];
          }
        ).items;
        watch.told = this.#revision;
        this.#watches.add(watch);
        watch.handlers.events(items.map((object) => ({ type: 'ADDED', object })));
        watch.handlers.events([bookmarkEvent(definition, this.#revision, true)]);
        return;
      }
      watch.told = Number(options.resourceVersion ?? this.#revision);
      if (watch.told < this.#compacted) {
        return watch.handlers.ended(expired(`too old resource version: ${watch.told} (${this.#compacted})`));
      }
      this.#watches.add(watch);
      this.#schedule();
    });
    return {
      close: () => {
        closed = true;
        this.#watches.delete(watch);
      },
    };
  }

  #schedule(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    queueMicrotask(() => {
      this.#delivering = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    if (this.held) return;
    for (const watch of [...this.#watches]) {
      if (watch.hung) continue;
      if (watch.told < this.#compacted) {
        this.#watches.delete(watch);
        watch.handlers.ended(expired(`too old resource version: ${watch.told} (${this.#compacted})`));
        continue;
      }
      const events: WatchEvent[] = [];
      for (const change of this.#history) {
        if (change.revision <= watch.told || change.resource !== watch.definition.plural) continue;
        const event = eventFor(watch.request, change);
        if (event !== undefined) events.push(event);
      }
      watch.told = this.#revision;
      if (events.length > 0) watch.handlers.events(events);
    }
  }

  #document(path: string): JsonObject {
    const versions = new Map<string, ResourceDefinition<TypedObject>[]>();
    for (const definition of this.#definitions) {
      const version = groupVersion(definition.group, definition.version);
      versions.set(version, [...(versions.get(version) ?? []), definition]);
    }
    if (path === '/apis') {
      const groups = [...versions.keys()].filter((version) => version.includes('/'));
      return { groups: groups.map((version) => ({ preferredVersion: { groupVersion: version } })) };
    }
    const version = path.replace(/^\/apis?\//, '');
    const definitions = versions.get(version);
    if (definitions === undefined) throw resourceNotServed();
    return {
      groupVersion: version,
      resources: definitions.flatMap(({ plural, kind, namespaced }) => [
        { name: plural, kind, namespaced, verbs: ['get', 'list', 'watch'] },
        { name: `${plural}/status`, kind, namespaced, verbs: ['get'] },
      ]),
    };
  }
}

function keyOf(namespace: string | undefined, name: string | undefined): string {
  return `${namespace ?? ''}/${name ?? ''}`;
}

function without<T extends object, K extends keyof T>(value: T, key: K): Omit<T, K> {
  const { [key]: _, ...rest } = value;
  return rest;
}

function withoutMeta(object: ApiObject): object {
  const { metadata: _, status: __, ...rest } = object;
  return rest;
}

function selects(
  namespace: string | undefined,
  { labelSelector = '', fieldSelector = '' }: NonNullable<TransportRequest['options']>,
  object: ApiObject,
): boolean {
  if (namespace !== undefined && object.metadata.namespace !== namespace) return false;
  if (!LabelSelector.parse(labelSelector).matches(object.metadata.labels)) return false;
  const spec = object.spec as { nodeName?: string } | undefined;
  return FieldSelector.parse(fieldSelector).matches({
    'metadata.name': object.metadata.name,
    'spec.nodeName': spec?.nodeName,
  });
}

/** What a watch is told of a change: an object that begins or ceases to be selected comes or goes. */
function eventFor({ target, options = {} }: TransportWatchRequest, change: Change): WatchEvent | undefined {
  const was = change.old !== undefined && selects(target.namespace, options, change.old);
  const is = change.type !== 'DELETED' && selects(target.namespace, options, change.object);
  if (!was && !is) return undefined;
  const type = was ? (is ? 'MODIFIED' : 'DELETED') : 'ADDED';
  return { type, object: change.object };
}

function bookmarkEvent(
  definition: ResourceDefinition<TypedObject>,
  revision: number,
  initialEventsEnd: boolean,
): WatchEvent {
  return {
    type: 'BOOKMARK',
    object: {
      apiVersion: groupVersion(definition.group, definition.version),
      kind: definition.kind,
      metadata: {
        resourceVersion: String(revision),
        ...(initialEventsEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}),
      },
    },
  };
}
