/**
 * Keeps an {@link ObjectCache} like the server's copy: list, then watch, for ever.
 *
 * The first state comes as a streamed list where the server has it (KEP-3157, `sendInitialEvents`), by pages otherwise.
 * A watch that ends is opened again where it stood; when the server no longer has that point (410) everything is listed
 * anew. A watch on which nothing arrives for long, not even a bookmark, counts as broken. Failures wait longer each time
 * (client-go's reflector: 800 ms × 2ⁿ up to 30 s, with as much again by lot).
 */
import type { ResourceClient, TypedWatchEvent } from '../client/client.ts';
import type { TypedObject } from '../client/definition.ts';
import type { Clock, Timer } from '../clock/clock.ts';
import { StatusError } from '../machinery/status.ts';
import type { ObjectCache } from './cache.ts';
import type { Logger } from './logger.ts';

export interface InformerOptions<T extends TypedObject> {
  readonly client: ResourceClient<T>;
  readonly cache: ObjectCache<T>;
  /** The namespace that is listed; `''` is all of them. Also the cache's name for this source. */
  readonly namespace: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long a watch may be silent, in milliseconds. Default 3 minutes (Kubernetes sends a bookmark each minute). */
  readonly idleTimeout?: number;
  /** How long a streamed list may be silent before pages are tried instead, in milliseconds. Default 10 seconds. */
  readonly initialTimeout?: number;
}

const pageSize = 500;
const firstBackoff = 800;
const longestBackoff = 30_000;
/** A watch that lived this long was a good one: the next failure starts from the first back-off. */
const goodWatch = 10_000;

export class Informer<T extends TypedObject> {
  readonly #options: InformerOptions<T>;
  /** The one stream that is listened to. */
  #stream: Stream<T> | undefined;
  #abort = new AbortController();
  #timer: Timer | undefined;
  #running = false;
  #failures = 0;
  #streamedLists = true;

  constructor(options: InformerOptions<T>) {
    this.#options = options;
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#abort = new AbortController();
    this.#begin();
  }

  stop(): void {
    this.#running = false;
    this.#abort.abort();
    this.#timer?.cancel();
    this.#closeStream();
  }

  #begin(): void {
    if (this.#streamedLists) this.#open(undefined);
    else this.#list().catch((error: unknown) => this.#retry(error, () => this.#begin()));
  }

  async #list(): Promise<void> {
    const { client, cache, namespace, labelSelector, fieldSelector } = this.#options;
    const signal = this.#abort.signal;
    const options = {
      ...(namespace === '' ? {} : { namespace }),
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
      signal,
    };
    let page = await client.list({ ...options, limit: pageSize });
    let objects = [...page.items];
    while (page.metadata.continue !== undefined && page.metadata.continue !== '') {
      try {
        page = await client.list({ ...options, limit: pageSize, continue: page.metadata.continue });
        for (const object of page.items) objects.push(object);
      } catch (error) {
        // The history that the pages come from is gone: take all at once, so that it cannot happen again (client-go's pager).
        if (!(error instanceof StatusError) || error.code !== 410) throw error;
        page = await client.list(options);
        objects = [...page.items];
      }
    }
    if (!this.#running || signal.aborted) return;
    const resourceVersion = page.metadata.resourceVersion ?? '';
    cache.replace(namespace, objects, resourceVersion);
    this.#open(resourceVersion);
  }

  /** Watches from `resourceVersion`; without one, a streamed list comes first. */
  #open(resourceVersion: string | undefined): void {
    const { client, namespace, labelSelector, fieldSelector, clock } = this.#options;
    const stream = new Stream<T>(clock.now(), resourceVersion === undefined ? new Map() : undefined);
    this.#stream = stream;
    const watch = client.watch(
      {
        ...(namespace === '' ? {} : { namespace }),
        ...(labelSelector === undefined ? {} : { labelSelector }),
        ...(fieldSelector === undefined ? {} : { fieldSelector }),
        allowWatchBookmarks: true,
        // Five to ten minutes, so that the watches of many clients do not all end together (as client-go).
        timeoutSeconds: 300 + Math.floor(clock.random() * 300),
        ...(resourceVersion === undefined
          ? { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' }
          : { resourceVersion }),
      },
      {
        events: (events) => {
          if (this.#stream === stream) this.#events(stream, events);
        },
        ended: (error) => {
          if (this.#stream === stream) this.#ended(stream, error);
        },
      },
    );
    stream.close = () => watch.close();
    this.#guard(stream);
  }

  #events(stream: Stream<T>, events: readonly TypedWatchEvent<T>[]): void {
    const { cache, namespace, clock } = this.#options;
    stream.lastEvent = clock.now();
    for (const { type, object } of events) {
      if (stream.initial !== undefined) this.#initialEvent(stream, stream.initial, type, object);
      else if (type === 'DELETED') cache.deleted(namespace, object);
      else if (type === 'BOOKMARK') cache.advance(namespace, object.metadata.resourceVersion ?? '');
      else cache.changed(namespace, object);
    }
  }

  #initialEvent(stream: Stream<T>, initial: Map<string, T>, type: TypedWatchEvent<T>['type'], object: T): void {
    const { metadata } = object;
    const key = `${metadata.namespace ?? ''}/${metadata.name ?? ''}`;
    if (type === 'DELETED') initial.delete(key);
    else if (type !== 'BOOKMARK') initial.set(key, object);
    else if (metadata.annotations?.['k8s.io/initial-events-end'] === 'true') {
      stream.initial = undefined;
      this.#options.cache.replace(
        this.#options.namespace,
        Array.from(initial.values()),
        metadata.resourceVersion ?? '',
      );
    }
  }

  #ended(stream: Stream<T>, error: Error | undefined): void {
    const { clock, cache, namespace } = this.#options;
    this.#closeStream();
    if (!this.#running) return;
    const lived = clock.now() - stream.opened;
    if (lived >= goodWatch) this.#failures = 0;
    const code = error instanceof StatusError ? error.code : 0;
    if (stream.initial !== undefined) {
      // The server does not know streamed lists: it refuses the parameters that ask for one.
      if (code === 400 || code === 422) {
        this.#streamedLists = false;
        this.#begin();
      } else this.#retry(error, () => this.#begin());
    } else if (code === 410) {
      this.#retry(error, () => this.#begin(), this.#failures === 0);
    } else {
      const served = stream.lastEvent > stream.opened || lived >= 1000;
      this.#retry(error, () => this.#open(cache.told(namespace)), error === undefined && served);
    }
  }

  #retry(error: unknown, again: () => void, atOnce = false): void {
    if (!this.#running) return;
    const { clock, log, client, namespace } = this.#options;
    const kind = client.definition.kind;
    const status = error instanceof StatusError ? error.status : undefined;
    const backoff = Math.min(firstBackoff * 2 ** this.#failures, longestBackoff) * (1 + clock.random());
    const delay = atOnce ? 0 : Math.max(backoff, (status?.details?.retryAfterSeconds ?? 0) * 1000);
    if (error !== undefined || !atOnce) this.#failures += 1;
    if (error !== undefined) log.warn({ kind, namespace, error, delay }, 'the watch has ended');
    else log.debug({ kind, namespace, delay }, 'the watch has ended');
    this.#timer = clock.setTimeout(again, delay);
  }

  /** Watches over the silence of a stream, with one timer and nothing per event. */
  #guard(stream: Stream<T>): void {
    const { clock, idleTimeout = 180_000, initialTimeout = 10_000 } = this.#options;
    const allowed = stream.initial === undefined ? idleTimeout : Math.min(initialTimeout, idleTimeout);
    const rest = stream.lastEvent + allowed - clock.now();
    if (rest > 0) {
      stream.timer = clock.setTimeout(() => this.#guard(stream), rest);
      return;
    }
    if (stream.initial !== undefined) {
      this.#streamedLists = false;
      this.#ended(stream, new Error(`the streamed list has been silent for ${allowed} ms`));
    } else this.#ended(stream, new Error(`the watch has been silent for ${allowed} ms`));
  }

  #closeStream(): void {
    const stream = this.#stream;
    this.#stream = undefined;
    stream?.timer?.cancel();
    stream?.close();
  }
}

class Stream<T> {
  readonly opened: number;
  lastEvent: number;
  /** While the streamed list has not ended: what has come so far. */
  initial: Map<string, T> | undefined;
  timer: Timer | undefined = undefined;
  close: () => void = () => undefined;

  constructor(now: number, initial: Map<string, T> | undefined) {
    this.opened = now;
    this.lastEvent = now;
    this.initial = initial;
  }
}
