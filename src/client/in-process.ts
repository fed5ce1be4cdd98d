/**
 * The transport to a server in this process: the same identity, authorization and admission as over HTTPS, and neither
 * socket nor serialisation. Objects come straight from the server's cache; watches read its event window.
 */

import type { UserInfo, Verb } from '../apis/resource-type.ts';
import { convertObject, convertObjects } from '../apiserver/conversion.ts';
import type { ServedVersion } from '../apiserver/registry.ts';
import type { ApiServer, LocalRequest } from '../apiserver/server.ts';
import type { WatchSession, WatchStep } from '../apiserver/watch.ts';
import { WatchClosed } from '../apiserver/watch-cache.ts';
import type { Clock, Timer } from '../clock/clock.ts';
import { cloneJson, deepFreeze, type JsonObject, type JsonValue, parseJson } from '../machinery/json.ts';
import { type ApiList, type ApiObject, groupVersion, type ListMeta, type WatchEvent } from '../machinery/object.ts';
import { badRequest, serviceUnavailable } from '../machinery/status.ts';
import type {
  RequestOptions,
  ResourceTarget,
  Transport,
  TransportRequest,
  TransportWatchRequest,
  WatchHandlers,
} from './transport.ts';

export interface InProcessOptions {
  /** Whom the requests come from. */
  readonly user: UserInfo;
  /** Names the field manager where requests do not; default: the user's name, without `system:`. */
  readonly userAgent?: string;
}

export function inProcessTransport(server: ApiServer, options: InProcessOptions): Transport {
  return new InProcessTransport(server, options);
}

class InProcessTransport implements Transport {
  readonly #server: ApiServer;
  readonly #user: UserInfo;
  readonly #userAgent: string;
  readonly #watches = new Set<LocalWatch>();
  readonly #closed = new AbortController();

  constructor(server: ApiServer, { user, userAgent }: InProcessOptions) {
    this.#server = server;
    this.#user = user;
    this.#userAgent = userAgent ?? user.name.replace(/^system:/, '');
  }

  async request(request: TransportRequest): Promise<ApiObject> {
    this.#requireOpen();
    request.signal?.throwIfAborted();
    const query = queryOf(request.options);
    if (request.patchType !== undefined) query.set('patchType', request.patchType);
    const { served, response } = await this.#server.request({
      ...this.#local(request.verb, request.target, query, request.signal),
      body: request.body === undefined ? undefined : { kind: 'value', value: cloneJson(request.body) as JsonValue },
    });
    switch (response.kind) {
      case 'entry':
        return await objectOf(served, response.entry.object);
      case 'object':
        return deepFreeze(response.object as unknown as ApiObject);
      case 'list': {
        const { list } = response;
        const metadata: ListMeta = list.revision === undefined ? {} : { resourceVersion: String(list.revision) };
        if (list.continue !== '') metadata.continue = list.continue;
        if (list.remaining !== undefined) metadata.remainingItemCount = list.remaining;
        const items = await convertObjects(
          served.type,
          list.entries.map((entry) => entry.object),
          served.version.name,
        );
        const answer: ApiList = {
          apiVersion: groupVersion(served.type.group, served.version.name),
          kind: served.type.names.listKind,
          metadata,
          items: [...items],
        };
        return deepFreeze(answer) as unknown as ApiObject;
      }
      default:
        throw badRequest(`${request.target.resource} answered a ${response.kind} where an object was expected`);
    }
  }

  async stream(
    target: ResourceTarget,
    query: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array>> {
    this.#requireOpen();
    const { response } = await this.#server.request(
      this.#local('get', target, new URLSearchParams(query as Record<string, string>), signal),
    );
    if (response.kind !== 'stream') throw badRequest(`${target.resource}/${target.subresource} is not a stream`);
    return response.body;
  }

  async document(path: string): Promise<JsonObject> {
    this.#requireOpen();
    const { code, body } = await this.#server.document(path, this.#user);
    if (code !== 200) throw badRequest(`${path} answered ${code}`);
    return parseJson(body) as JsonObject;
  }

  watch(request: TransportWatchRequest, handlers: WatchHandlers): { close(): void } {
    const watch = new LocalWatch(handlers, this.#server.clock, () => this.#watches.delete(watch));
    this.#watches.add(watch);
    const query = queryOf(request.options);
    query.set('watch', 'true');
    const local = this.#local('watch', request.target, query, undefined);
    Promise.resolve()
      .then(() => this.#requireOpen())
      .then(() => this.#server.request(local))
      .then(({ served, response, ended }) => {
        watch.onEnd(ended);
        if (response.kind !== 'watch') throw badRequest(`${request.target.resource} cannot be watched`);
        return watch.open(served, response);
      })
      .catch((error: unknown) => watch.end(error instanceof Error ? error : new Error(String(error))));
    return watch;
  }

  async close(): Promise<void> {
    this.#closed.abort();
    for (const watch of [...this.#watches]) watch.close();
  }

  #requireOpen(): void {
    if (this.#closed.signal.aborted) throw serviceUnavailable('the transport is closed');
  }

  #local(verb: Verb, target: ResourceTarget, query: URLSearchParams, signal: AbortSignal | undefined): LocalRequest {
    return {
      verb,
      group: target.group,
      version: target.version,
      resource: target.resource,
      namespace: target.namespace,
      name: target.name ?? '',
      subresource: target.subresource ?? '',
      query,
      user: this.#user,
      userAgent: this.#userAgent,
      body: undefined,
      signal: signal ?? this.#closed.signal,
    };
  }
}

/** Delivers in a later turn than the write that caused it, so that a writer never runs its own watchers. */
class LocalWatch {
  readonly #handlers: WatchHandlers;
  readonly #onClose: () => void;
  readonly #clock: Clock;
  #served: ServedVersion | undefined;
  #session: WatchSession | undefined;
  #release: (() => void) | undefined;
  #ended: (() => void) | undefined;
  #timeout: Timer | undefined;
  #scheduled = false;
  #closed = false;

  constructor(handlers: WatchHandlers, clock: Clock, onClose: () => void) {
    this.#handlers = handlers;
    this.#clock = clock;
    this.#onClose = onClose;
  }

  /** Called when the watch is over, or at once when it is already. */
  onEnd(ended: (() => void) | undefined): void {
    if (this.#closed) ended?.();
    else this.#ended = ended;
  }

  async open(
    served: ServedVersion,
    { selection, options }: Extract<Awaited<ReturnType<ApiServer['request']>>['response'], { kind: 'watch' }>,
  ): Promise<void> {
    if (this.#closed) return;
    this.#served = served;
    this.#release = served.store.cache.retain();
    const session = await served.store.watch(
      selection,
      options,
      () => this.#wake(),
      (error) => this.end(error),
    );
    if (this.#closed) session.close();
    else {
      this.#session = session;
      if (options.timeoutSeconds !== undefined) {
        this.#timeout = this.#clock.setTimeout(() => this.end(new WatchClosed()), options.timeoutSeconds * 1000);
      }
      this.#wake();
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#timeout?.cancel();
    this.#session?.close();
    this.#release?.();
    this.#ended?.();
    this.#onClose();
  }

  end(error: Error): void {
    if (this.#closed) return;
    this.close();
    this.#handlers.ended(error instanceof WatchClosed ? undefined : error);
  }

  #wake(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#deliver().catch((error: unknown) => this.end(error instanceof Error ? error : new Error(String(error))));
    });
  }

  async #deliver(): Promise<void> {
    for (;;) {
      if (this.#closed) return;
      const served = followed(this.#served!);
      if (served === undefined) {
        this.end(new WatchClosed());
        return;
      }
      this.#served = served;
      const step = this.#session?.next();
      if (step === undefined) {
        this.#scheduled = false;
        return;
      }
      const events = eventsOf(step, served);
      this.#handlers.events(events instanceof Promise ? await events : events);
    }
  }
}

/** The resource as its definition is now; `undefined` when its version is not served any more. */
function followed(served: ServedVersion): ServedVersion | undefined {
  const { type } = served.store;
  if (type === served.type) return served;
  const version = type.versions.find(({ name, served: isServed }) => isServed && name === served.version.name);
  return version === undefined ? undefined : { ...served, type, version };
}

function eventsOf(step: WatchStep, served: ServedVersion): WatchEvent[] | Promise<WatchEvent[]> {
  const { type, version } = served;
  if (step.kind === 'bookmark') {
    const object: ApiObject = {
      apiVersion: groupVersion(type.group, version.name),
      kind: type.names.kind,
      metadata: {
        resourceVersion: String(step.revision),
        ...(step.initialEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}),
      },
    };
    return [{ type: 'BOOKMARK', object: deepFreeze(object) }];
  }
  const apiVersion = groupVersion(type.group, version.name);
  if (step.events.every(({ entry }) => entry.apiVersion === apiVersion)) {
    return step.events.map(({ type, entry }) => ({ type, object: entry.object }));
  }
  return convertObjects(
    type,
    step.events.map(({ entry }) => entry.object),
    version.name,
  ).then((objects) => step.events.map(({ type }, i) => ({ type, object: deepFreeze(objects[i]!) })));
}

async function objectOf({ type, version }: ServedVersion, object: ApiObject): Promise<ApiObject> {
  return deepFreeze(await convertObject(type, object, version.name));
}

function queryOf(options: RequestOptions | undefined): URLSearchParams {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(options ?? {})) if (value !== undefined) query.set(name, String(value));
  return query;
}
