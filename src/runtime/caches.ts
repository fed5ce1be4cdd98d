/** The caches of a manager: one for each kind and scope, fed by informers, told of every write. */
import type { Client } from '../client/client.ts';
import type { ObjectKey, ResourceDefinition, TypedObject } from '../client/definition.ts';
import type { RequestVerb, ResourceTarget, Transport, TransportRequest } from '../client/transport.ts';
import type { Clock } from '../clock/clock.ts';
import { FieldSelector } from '../machinery/field-selector.ts';
import { isJsonObject } from '../machinery/json.ts';
import { LabelSelector } from '../machinery/label-selector.ts';
import type { ApiObject } from '../machinery/object.ts';
import { type CacheScope, ObjectCache } from './cache.ts';
import { Informer } from './informer.ts';
import { kindText } from './key.ts';
import type { Logger } from './logger.ts';

export interface CachesOptions {
  /** Reads for the informers. */
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly namespaces?: readonly string[];
}

interface Open {
  readonly id: string;
  readonly cache: ObjectCache<TypedObject>;
  readonly informers: readonly Informer<TypedObject>[];
}

const everything: CacheScope = {};

/** How long a write waits for caches that only the watch can tell, in milliseconds. */
const catchUpTimeout = 10_000;

export class Caches {
  readonly #options: CachesOptions;
  /** By resource, then by scope. */
  readonly #open = new Map<string, Open[]>();
  readonly #kinds = new Map<string, ResourceDefinition<TypedObject>>();
  #started = false;

  constructor(options: CachesOptions) {
    this.#options = options;
  }

  open<T extends TypedObject>(definition: ResourceDefinition<T>, scope: CacheScope = everything): ObjectCache<T> {
    const resource = resourceId(definition.group, definition.version, definition.plural);
    const id = scope === everything ? '' : JSON.stringify([scope.namespaces, scope.labelSelector, scope.fieldSelector]);
    let open = this.#open.get(resource);
    if (open === undefined) {
      open = [];
      this.#open.set(resource, open);
      this.#kinds.set(kindText(definition), definition);
    }
    let found = open.find((other) => other.id === id);
    if (found === undefined) {
      found = this.#make(id, definition as unknown as ResourceDefinition<TypedObject>, scope);
      open.push(found);
      if (this.#started) for (const informer of found.informers) informer.start();
    }
    return found.cache as unknown as ObjectCache<T>;
  }

  /** The definition under which a kind is cached, if it is. */
  definitionOf(apiVersion: string, kind: string): ResourceDefinition<TypedObject> | undefined {
    return this.#kinds.get(`${apiVersion}/${kind}`);
  }

  drop(definition: ResourceDefinition<TypedObject>): void {
    const resource = resourceId(definition.group, definition.version, definition.plural);
    for (const { informers } of this.#open.get(resource) ?? []) for (const informer of informers) informer.stop();
    this.#open.delete(resource);
    this.#kinds.delete(kindText(definition));
  }

  start(): void {
    this.#started = true;
    for (const open of this.#open.values()) {
      for (const { informers } of open) for (const informer of informers) informer.start();
    }
  }

  stop(): void {
    this.#started = false;
    for (const open of this.#open.values()) {
      for (const { informers } of open) for (const informer of informers) informer.stop();
    }
  }

  /** Rejects, naming the kinds that are not in, after `timeout` milliseconds; resolves at once when aborted. */
  async whenSynced(timeout: number, signal: AbortSignal): Promise<void> {
    const caches = [...this.#open.values()].flat().map(({ cache }) => cache);
    await new Promise<void>((resolve, reject) => {
      const timer = this.#options.clock.setTimeout(() => {
        const missing = caches.filter((cache) => !cache.synced).map((cache) => cache.definition.kind);
        reject(new Error(`the caches of ${missing.join(', ')} are not in after ${timeout} ms`));
      }, timeout);
      const done = (): void => {
        timer.cancel();
        signal.removeEventListener('abort', done);
        resolve();
      };
      signal.addEventListener('abort', done);
      Promise.all(caches.map((cache) => cache.whenSynced())).then(done, reject);
    });
  }

  /** `transport`, with every answer to a write shown to the caches before the writer sees it. */
  observe(transport: Transport): Transport {
    return {
      request: async (request) => {
        const answer = await transport.request(request);
        const seen = this.#wrote(request, answer);
        if (seen !== undefined) await seen;
        return answer;
      },
      stream: (target, query, signal) => transport.stream(target, query, signal),
      document: (path, signal) => transport.document(path, signal),
      watch: (request, handlers) => transport.watch(request, handlers),
      close: () => transport.close(),
    };
  }

  /** A promise only where the answer is not the object, and the caches have to catch up with it. */
  #wrote({ verb, target, options, body }: TransportRequest, answer: ApiObject): Promise<void> | undefined {
    if (verb === 'get' || verb === 'list' || verb === 'deletecollection' || options?.dryRun !== undefined) return;
    if (isJsonObject(body) && Array.isArray(body.dryRun)) return;
    const open = this.#open.get(resourceId(target.group, target.version, target.resource));
    if (open === undefined) return;
    const uid = goneUid(verb, target.subresource, answer);
    let behind: Promise<void>[] | undefined;
    for (const { cache } of open) {
      if (uid !== undefined) cache.removed(target as ObjectKey, uid);
      else if (answer.kind === cache.definition.kind) cache.wrote(answer);
      else {
        const reached = cache.reached(target as ObjectKey, answer.metadata.resourceVersion ?? '');
        if (reached !== undefined) behind = [...(behind ?? []), reached];
      }
    }
    return behind === undefined ? undefined : this.#catchUp(behind, target);
  }

  /** Waits for the watches, but not for one that is broken for long. */
  #catchUp(behind: readonly Promise<void>[], { resource, name }: ResourceTarget): Promise<void> {
    const { clock, log } = this.#options;
    return new Promise((resolve) => {
      const timer = clock.setTimeout(() => {
        log.warn({ resource, name }, 'the cache has not caught up with a write');
        resolve();
      }, catchUpTimeout);
      void Promise.all(behind).then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  #make(id: string, definition: ResourceDefinition<TypedObject>, scope: CacheScope): Open {
    const { client, clock, log } = this.#options;
    const namespaces = scope.namespaces ?? this.#options.namespaces;
    const sources = definition.namespaced && namespaces !== undefined && namespaces.length > 0 ? namespaces : [''];
    const { labelSelector, fieldSelector } = scope;
    const cache = new ObjectCache<TypedObject>(definition, {
      sources,
      ...(labelSelector === undefined && fieldSelector === undefined
        ? {}
        : { selects: selects(labelSelector ?? '', fieldSelector ?? '') }),
      onError: (error) => log.error({ kind: definition.kind, error }, 'a change handler has failed'),
    });
    const informers = sources.map(
      (namespace) =>
        new Informer({
          client: client.resource(definition),
          cache,
          namespace,
          clock,
          log,
          ...(labelSelector === undefined ? {} : { labelSelector }),
          ...(fieldSelector === undefined ? {} : { fieldSelector }),
        }),
    );
    return { id, cache, informers };
  }
}

/** The uid of the object that a write has removed, by what it answered; undefined when the object lives on. */
function goneUid(verb: RequestVerb, subresource: string | undefined, answer: ApiObject): string | undefined {
  if (answer.kind === 'Status') {
    const { details } = answer;
    const gone = verb === 'delete' && subresource === undefined && isJsonObject(details);
    return gone && typeof details.uid === 'string' ? details.uid : undefined;
  }
  const { uid, deletionTimestamp, deletionGracePeriodSeconds = 0, finalizers = [] } = answer.metadata;
  // Some kinds answer deletes with the object as it was.
  if (deletionTimestamp === undefined) return verb === 'delete' ? uid : undefined;
  // Marked, with nothing to wait for: the write was its last (`rest.ShouldDeleteDuringUpdate`). Namespaces also wait for
  // finalizers in their spec.
  const { spec } = answer;
  const waits = isJsonObject(spec) && Array.isArray(spec.finalizers) && spec.finalizers.length > 0;
  return deletionGracePeriodSeconds === 0 && finalizers.length === 0 && !waits ? uid : undefined;
}

/** Whether selectors select an object, for what was written and has not come back from the server yet. */
function selects(labelSelector: string, fieldSelector: string): (object: TypedObject) => boolean {
  const labels = LabelSelector.parse(labelSelector);
  const fields = FieldSelector.parse(fieldSelector);
  return (object) =>
    labels.matches(object.metadata.labels) &&
    fields.requirements.every(
      ({ field, operator, value }) => (fieldValue(object, field) === value) === (operator === '='),
    );
}

/** Field selectors name fields by their path; what is not there is the empty string. */
function fieldValue(object: TypedObject, path: string): string {
  let value: unknown = object;
  for (const field of path.split('.')) value = isJsonObject(value) ? value[field] : undefined;
  return value === undefined || value === null ? '' : String(value);
}

function resourceId(group: string, version: string, plural: string): string {
  return `${group}/${version}/${plural}`;
}
