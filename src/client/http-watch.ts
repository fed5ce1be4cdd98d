/** A watch over HTTP: lines of JSON for as long as it lasts. Source: API concepts, "Efficient detection of changes". */
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Clock, Timer } from '../clock/clock.ts';
import { deepFreeze, isJsonObject, parseJson } from '../machinery/json.ts';
import type { WatchEvent } from '../machinery/object.ts';
import type { Status } from '../machinery/status.ts';
import { statusError, statusErrorOf } from './http-error.ts';
import type { WatchHandlers } from './transport.ts';

export interface HttpWatchOptions {
  readonly clock: Clock;
  readonly open: (signal: AbortSignal) => Promise<ClientRequest>;
  /** How long nothing may arrive, in milliseconds. */
  readonly idleTimeout: number;
  /** How long the server may take to begin its answer, in milliseconds. */
  readonly answerTimeout: number;
  /** Aborted when the transport is closed. */
  readonly closed: AbortSignal;
}

const newline = 0x0a;

export function openWatch(options: HttpWatchOptions, handlers: WatchHandlers): { close(): void } {
  const watch = new HttpWatch(options, handlers);
  void watch.run();
  return watch;
}

class HttpWatch {
  readonly #options: HttpWatchOptions;
  readonly #handlers: WatchHandlers;
  readonly #abort = new AbortController();
  /** The beginning of a line whose end has not arrived yet. */
  #rest: Buffer[] = [];
  #lastData: number;
  #timer: Timer | undefined;
  #ended = false;
  readonly #onClosed = (): void => this.#abort.abort(this.#options.closed.reason);

  constructor(options: HttpWatchOptions, handlers: WatchHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.#lastData = options.clock.now();
    options.closed.addEventListener('abort', this.#onClosed);
  }

  close(): void {
    if (this.#ended) return;
    this.#finish();
    this.#abort.abort();
  }

  /** Never rejects: what goes wrong ends the watch. */
  async run(): Promise<void> {
    const { clock, open, answerTimeout, closed } = this.#options;
    const { signal } = this.#abort;
    // The handlers are never called before `watch` has returned.
    await Promise.resolve();
    if (closed.aborted) this.#onClosed();
    this.#timer = clock.setTimeout(
      () => this.#abort.abort(new Error(`the watch has no answer within ${answerTimeout} ms`)),
      answerTimeout,
    );
    try {
      const request = await open(signal);
      request.on('response', (response) => this.#read(response));
      request.on('error', (error) => this.#end(signal.aborted ? signal.reason : error));
      request.on('socket', (socket) => socket.setKeepAlive(true, 30_000));
    } catch (error) {
      this.#end(signal.aborted ? signal.reason : (error as Error));
    }
  }

  #read(response: IncomingMessage): void {
    this.#timer?.cancel();
    const { signal } = this.#abort;
    const { statusCode = 0 } = response;
    const failed = statusCode < 200 || statusCode >= 300;
    const body: Buffer[] = [];
    response.on('data', (chunk: Buffer) => {
      if (failed) body.push(chunk);
      else this.#data(chunk);
    });
    response.on('end', () => {
      if (failed) this.#end(statusErrorOf(statusCode, Buffer.concat(body).toString('utf8')));
      else if (response.complete) this.#end(undefined);
      else this.#end(new Error('the connection of the watch has broken'));
    });
    response.on('error', (error) => this.#end(signal.aborted ? signal.reason : error));
    this.#guard();
  }

  #data(chunk: Buffer): void {
    if (this.#ended) return;
    this.#lastData = this.#options.clock.now();
    const events: WatchEvent[] = [];
    let failure: Error | undefined;
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0 && failure === undefined; end = chunk.indexOf(newline, start)) {
      const line = this.#line(chunk.subarray(start, end));
      start = end + 1;
      if (line === '') continue;
      try {
        const event = eventOf(line);
        if (event.type === 'ERROR') failure = statusError(event.object as unknown as Status);
        else events.push(event);
      } catch (error) {
        failure = error as Error;
      }
    }
    if (start < chunk.length) this.#rest.push(start === 0 ? chunk : chunk.subarray(start));
    if (events.length > 0) this.#handlers.events(events);
    if (failure !== undefined) this.#end(failure);
  }

  #line(tail: Buffer): string {
    if (this.#rest.length === 0) return tail.toString('utf8').trim();
    const line = Buffer.concat([...this.#rest, tail]).toString('utf8');
    this.#rest = [];
    return line.trim();
  }

  /** Watches over the silence, with one timer and nothing per event. */
  #guard(): void {
    const { clock, idleTimeout } = this.#options;
    if (this.#ended || !Number.isFinite(idleTimeout)) return;
    const left = this.#lastData + idleTimeout - clock.now();
    if (left > 0) this.#timer = clock.setTimeout(() => this.#guard(), left);
    else this.#end(new Error(`the watch has been silent for ${idleTimeout} ms`));
  }

  #end(error: Error | undefined): void {
    if (this.#ended) return;
    this.#finish();
    this.#abort.abort();
    this.#handlers.ended(error);
  }

  #finish(): void {
    this.#ended = true;
    this.#timer?.cancel();
    this.#options.closed.removeEventListener('abort', this.#onClosed);
  }
}

function eventOf(line: string): WatchEvent {
  const event = parseJson(line);
  if (!isJsonObject(event) || typeof event.type !== 'string' || !isJsonObject(event.object)) {
    throw new Error(`the watch has sent something that is no event: ${line.slice(0, 200)}`);
  }
  return deepFreeze(event) as unknown as WatchEvent;
}
