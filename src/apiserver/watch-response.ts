/**
 * A watch on its way to a client, over HTTP or WebSocket. The socket is the only buffer: while it is full nothing is taken
 * from the cache, and a client that stays away until its place has left the event window is cut off.
 */
import type { ServerResponse } from 'node:http';
import type { Clock } from '../clock/clock.ts';
import { internalError, StatusError } from '../machinery/status.ts';
import type { ListOptions } from './options.ts';
import type { RenderContext } from './render.ts';
import { WatchRenderer, wrap } from './render.ts';
import type { ResourceStore } from './resource-store.ts';
import type { Selection } from './selection.ts';
import type { WatchSession } from './watch.ts';
import { WatchClosed } from './watch-cache.ts';

/** kube-apiserver's --min-request-timeout: watches without a time-out last this long, up to twice. */
const minimumTimeout = 1800;

/** Where the events of a watch go. */
export interface WatchSink {
  /** One event a line. False: the sink is full, until it drains. */
  write(lines: Buffer): boolean;
  /** In good order, when everything is written. */
  end(): void;
  /** At once. */
  destroy(): void;
  onDrain(listener: () => void): void;
  /** Called once, whoever has ended it. */
  onClose(listener: () => void): void;
}

/** `open` is called when the watch is on: what fails before that is a plain answer. */
export async function respondWithWatch(
  open: () => WatchSink | Promise<WatchSink>,
  store: ResourceStore,
  selection: Selection,
  options: ListOptions,
  context: RenderContext,
  clock: Clock,
): Promise<void> {
  const renderer = new WatchRenderer(context);
  let stream: WatchStream | undefined;
  let session: WatchSession | undefined;
  let failure: Error | undefined;
  try {
    session = await store.watch(
      selection,
      options,
      () => stream?.wake(),
      (error) => {
        if (stream === undefined) failure = error;
        else stream.fail(error);
      },
    );
  } catch (error) {
    // A start that has left the window is told in the stream, as kube-apiserver does; everything else is a plain answer.
    if (!(error instanceof StatusError && error.code === 410)) throw error;
    failure = error;
  }
  let sink: WatchSink;
  try {
    sink = await open();
  } catch (error) {
    session?.close();
    throw error;
  }
  stream = new WatchStream(sink, session, renderer, () => renderer.follow(store.type));
  if (failure !== undefined) {
    stream.fail(failure);
    return;
  }
  // Nought seconds are none said, to kube-apiserver.
  const seconds = options.timeoutSeconds || minimumTimeout * (1 + clock.random());
  const running = stream;
  const timer = clock.setTimeout(() => running.end(), seconds * 1000);
  sink.onClose(() => {
    timer.cancel();
    running.close();
  });
  running.wake();
}

/** A chunked response. Opening it sends the head. */
export function chunkedSink(
  response: ServerResponse,
  headers: Record<string, string>,
  { representation }: RenderContext,
): WatchSink {
  const contentType = representation.shape === 'object' ? 'application/json' : representation.contentType;
  response.writeHead(200, { ...headers, 'Content-Type': contentType, 'Transfer-Encoding': 'chunked' });
  response.flushHeaders();
  return {
    write: (lines) => response.write(lines),
    end: () => void response.end(),
    destroy: () => void response.destroy(),
    onDrain: (listener) => void response.on('drain', listener),
    onClose: (listener) => void response.once('close', listener),
  };
}

class WatchStream {
  readonly #sink: WatchSink;
  readonly #session: WatchSession | undefined;
  readonly #renderer: WatchRenderer;
  /** Whether the definition of the resource, as it is now, lets the watch go on. */
  readonly #goesOn: () => boolean;
  #full = false;
  #rendering = false;
  #closed = false;

  constructor(sink: WatchSink, session: WatchSession | undefined, renderer: WatchRenderer, goesOn: () => boolean) {
    this.#goesOn = goesOn;
    this.#sink = sink;
    this.#session = session;
    this.#renderer = renderer;
    sink.onDrain(() => {
      this.#full = false;
      this.wake();
    });
  }

  /** Tells what there is to tell, as far as the socket takes it. */
  wake(): void {
    if (this.#closed || this.#rendering) return;
    if (!this.#goesOn()) {
      this.end();
      return;
    }
    if (this.#full) {
      if (this.#session?.lost === true) this.#sink.destroy();
      return;
    }
    try {
      while (!this.#full && !this.#closed) {
        const step = this.#session?.next();
        if (step === undefined) return;
        const frame = this.#renderer.render(step);
        if (frame instanceof Promise) {
          this.#rendering = true;
          frame.then(
            (bytes) => {
              this.#rendering = false;
              this.#write(bytes);
              this.wake();
            },
            (error: unknown) => this.fail(error instanceof Error ? error : new Error(String(error))),
          );
          return;
        }
        this.#write(frame);
      }
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** Ends the stream with an ERROR event, or without one when the server closes in good order. */
  fail(error: Error): void {
    if (this.#closed) return;
    if (!(error instanceof WatchClosed)) {
      const { status } = error instanceof StatusError ? error : internalError(error.message);
      this.#sink.write(wrap('ERROR', Buffer.from(JSON.stringify(status))));
    }
    this.end();
  }

  end(): void {
    this.close();
    this.#sink.end();
  }

  close(): void {
    this.#closed = true;
    this.#session?.close();
  }

  #write(frame: Buffer): void {
    if (this.#closed) return;
    if (!this.#sink.write(frame)) this.#full = true;
  }
}
