/**
 * The transport to any Kubernetes over HTTP: keep-alive connections, client certificates or tokens, retries where the
 * server asks for them.
 */
import { setMaxListeners } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { type Clock, sleep, systemClock } from '../clock/clock.ts';
import { deepFreeze, isJsonObject, type JsonObject, parseJson, stringifyJson } from '../machinery/json.ts';
import type { ApiObject } from '../machinery/object.ts';
import { statusErrorOf } from './http-error.ts';
import { openWatch } from './http-watch.ts';
import type {
  RequestOptions,
  RequestVerb,
  ResourceTarget,
  Transport,
  TransportRequest,
  TransportWatchRequest,
  WatchHandlers,
} from './transport.ts';

export interface HttpTransportOptions {
  /** `https://host:port`, with a path where the API does not stand at the root. */
  readonly server: string;
  /** PEM. Absent: the machine's certificate authorities. */
  readonly ca?: string | Buffer;
  readonly insecureSkipTlsVerify?: boolean;
  /** The name that the server's certificate must bear, when it is not the host's. */
  readonly tlsServerName?: string;
  /** PEM: the client certificate and its key. */
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  /** A bearer token. */
  readonly token?: string;
  /** Asked before each request, for credentials that change; what it answers goes before the fixed ones. */
  readonly credentials?: () => Promise<Credentials>;
  /** Default `setpoint`. Kubernetes names the field manager after what stands before its first slash. */
  readonly userAgent?: string;
  /** The `Warning` headers of answers, each once an answer. */
  readonly onWarning?: (text: string) => void;
  readonly clock?: Clock;
  /** How long an answer may take, in milliseconds. Default 65 seconds: the server gives up after 60. */
  readonly timeout?: number;
  /** How long a watch with bookmarks may be silent, in milliseconds. Default 3 minutes. */
  readonly idleTimeout?: number;
}

export interface Credentials {
  /** Such as `Authorization`. */
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
}

/** What all kinds of requests have in common. */
interface HttpRequest {
  readonly method: string;
  /** Path and query, below the server's own path. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Long-running requests do not take connections from the others. */
  readonly longRunning?: boolean;
}

const methods: Record<RequestVerb, string> = {
  create: 'POST',
  get: 'GET',
  list: 'GET',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  deletecollection: 'DELETE',
};

/** client-go's: how often a request is tried again because the server says so. */
const mostRetries = 10;

export function httpTransport(options: HttpTransportOptions): Transport {
  return new HttpTransport(options);
}

class HttpTransport implements Transport {
  readonly #options: HttpTransportOptions;
  readonly #clock: Clock;
  readonly #base: URL;
  readonly #secure: boolean;
  readonly #timeout: number;
  readonly #closed = new AbortController();
  #agents: Agents;

  constructor(options: HttpTransportOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#timeout = options.timeout ?? 65_000;
    this.#base = new URL(options.server);
    this.#secure = this.#base.protocol === 'https:';
    if (!this.#secure && this.#base.protocol !== 'http:') {
      throw new TypeError(`the server's address must begin with https:// or http://: ${options.server}`);
    }
    this.#agents = new Agents(this.#secure, options, options.cert, options.key);
    // Each watch listens: many are no leak.
    setMaxListeners(0, this.#closed.signal);
  }

  async request({ verb, target, options, body, patchType, signal }: TransportRequest): Promise<ApiObject> {
    const answer = await this.#answer(
      {
        method: methods[verb],
        path: pathOf(target, queryOf(options)),
        ...(body === undefined
          ? {}
          : {
              headers: { 'Content-Type': patchType ?? 'application/json' },
              body: stringifyJson(body as JsonObject),
            }),
      },
      // Sending these again, when an answer has been lost or refused, does not do more than sending them once.
      verb !== 'create' && patchType !== 'application/json-patch+json',
      signal,
    );
    return deepFreeze(answer) as ApiObject;
  }

  async document(path: string, signal?: AbortSignal): Promise<JsonObject> {
    return deepFreeze(await this.#answer({ method: 'GET', path }, true, signal));
  }

  async stream(
    target: ResourceTarget,
    query: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array>> {
    const path = pathOf(target, new URLSearchParams(query));
    const headers = { Accept: '*/*' };
    const request = await this.#send({ method: 'GET', path, headers, longRunning: true }, signal);
    const timer = this.#clock.setTimeout(() => request.destroy(this.#unanswered('GET', path)), this.#timeout);
    const response = await responseTo(request)
      .catch((error: unknown) => {
        throw signal.aborted ? signal.reason : error;
      })
      .finally(() => timer.cancel());
    if (isFailure(response)) throw statusErrorOf(response.statusCode ?? 0, await textOf(response));
    return bytesOf(response, signal);
  }

  watch(request: TransportWatchRequest, handlers: WatchHandlers): { close(): void } {
    const query = queryOf(request.options);
    query.set('watch', 'true');
    const path = pathOf(request.target, query);
    return openWatch(
      {
        clock: this.#clock,
        open: (signal) => this.#send({ method: 'GET', path, longRunning: true }, signal),
        // Without bookmarks a watch may rightly be silent; TCP's own probes still notice a dead peer.
        idleTimeout:
          request.options?.allowWatchBookmarks === true
            ? (this.#options.idleTimeout ?? 180_000)
            : Number.POSITIVE_INFINITY,
        answerTimeout: this.#timeout,
        closed: this.#closed.signal,
      },
      handlers,
    );
  }

  async close(): Promise<void> {
    this.#closed.abort(new Error('the transport is closed'));
    this.#agents.destroy();
  }

  /** The JSON of an answer; tries again where that is safe and the server asks for it, or a kept connection was stale. */
  async #answer(request: HttpRequest, idempotent: boolean, signal: AbortSignal | undefined): Promise<JsonObject> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#attempt(request, signal);
      } catch (error) {
        if (!(error instanceof RetryLater)) throw error;
        if (!idempotent || attempt >= mostRetries) throw error.cause;
        await sleep(this.#clock, error.milliseconds, signal ?? this.#closed.signal);
      }
    }
  }

  async #attempt(request: HttpRequest, signal: AbortSignal | undefined): Promise<JsonObject> {
    const abort = new AbortController();
    const onAbort = (): void => abort.abort(signal?.reason);
    signal?.addEventListener('abort', onAbort);
    if (signal?.aborted) onAbort();
    const { method, path } = request;
    const timer = this.#clock.setTimeout(() => abort.abort(this.#unanswered(method, path)), this.#timeout);
    let sent: http.ClientRequest | undefined;
    try {
      sent = await this.#send(request, abort.signal);
      const response = await responseTo(sent);
      const text = await textOf(response);
      this.#warn(response);
      if (isFailure(response)) throw retryOf(response, text) ?? statusErrorOf(response.statusCode ?? 0, text);
      const answer = parseJson(text);
      if (!isJsonObject(answer)) throw new Error(`${request.method} ${request.path}: the answer is not a JSON object`);
      return answer;
    } catch (error) {
      // The server closed an idle connection just when it was used again: nothing was served.
      if (sent?.reusedSocket === true && (error as NodeJS.ErrnoException).code === 'ECONNRESET') {
        throw new RetryLater(0, error as Error);
      }
      throw abort.signal.aborted ? abort.signal.reason : error;
    } finally {
      timer.cancel();
      signal?.removeEventListener('abort', onAbort);
    }
  }

  async #send(
    { method, path, headers, body, longRunning }: HttpRequest,
    signal: AbortSignal,
  ): Promise<http.ClientRequest> {
    this.#closed.signal.throwIfAborted();
    signal.throwIfAborted();
    const { credentials, token, userAgent = 'setpoint' } = this.#options;
    const current = credentials === undefined ? undefined : await credentials();
    if (current?.cert !== undefined || current?.key !== undefined) this.#useCertificate(current);
    const request = (this.#secure ? https : http).request({
      method,
      hostname: this.#base.hostname.replace(/^\[|\]$/g, ''),
      port: this.#base.port || (this.#secure ? 443 : 80),
      path: this.#base.pathname.replace(/\/$/, '') + path,
      agent: longRunning === true ? this.#agents.longRunning : this.#agents.short,
      headers: {
        Accept: 'application/json',
        'User-Agent': userAgent,
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
        ...current?.headers,
        ...headers,
        ...(body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }),
      },
    });
    // Not node's own `signal`: that destroys the socket with an error, and when the answer has just ended nobody hears it.
    const onAbort = (): void => void request.destroy();
    signal.addEventListener('abort', onAbort, { once: true });
    request.once('close', () => signal.removeEventListener('abort', onAbort));
    request.end(body);
    return request;
  }

  #unanswered(method: string, path: string): Error {
    return new Error(`${method} ${path}: no answer within ${this.#timeout} ms`);
  }

  #useCertificate({ cert, key }: Credentials): void {
    if (this.#agents.uses(cert, key)) return;
    this.#agents.retire();
    this.#agents = new Agents(this.#secure, this.#options, cert, key);
  }

  #warn(response: http.IncomingMessage): void {
    const { onWarning } = this.#options;
    const header = response.headers.warning;
    if (onWarning === undefined || header === undefined) return;
    // RFC 7234, 5.5: 299 - "text", several with a comma between.
    for (const [, text = ''] of header.matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)) {
      onWarning(text.replace(/\\(.)/g, '$1'));
    }
  }
}

/** The connections: one pool for requests, one for watches and streams. */
class Agents {
  readonly short: http.Agent;
  readonly longRunning: http.Agent;
  readonly #cert: string | Buffer | undefined;
  readonly #key: string | Buffer | undefined;

  constructor(
    secure: boolean,
    { ca, insecureSkipTlsVerify, tlsServerName }: HttpTransportOptions,
    cert: string | Buffer | undefined,
    key: string | Buffer | undefined,
  ) {
    this.#cert = cert;
    this.#key = key;
    const kept = { keepAlive: true, keepAliveMsecs: 30_000 };
    const tls = {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(tlsServerName === undefined ? {} : { servername: tlsServerName }),
      ...(insecureSkipTlsVerify === true ? { rejectUnauthorized: false } : {}),
    };
    const short = { ...kept, maxSockets: 64 };
    this.short = secure ? new https.Agent({ ...short, ...tls }) : new http.Agent(short);
    this.longRunning = secure ? new https.Agent({ ...kept, ...tls }) : new http.Agent(kept);
  }

  uses(cert: string | Buffer | undefined, key: string | Buffer | undefined): boolean {
    return String(cert) === String(this.#cert) && String(key) === String(this.#key);
  }

  /** No new requests: what runs may finish. */
  retire(): void {
    for (const agent of [this.short, this.longRunning]) {
      for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
    }
  }

  destroy(): void {
    this.short.destroy();
    this.longRunning.destroy();
  }
}

/** The request was not served: it may be sent again after a while. `cause` is what to say when it is not. */
class RetryLater extends Error {
  readonly milliseconds: number;

  constructor(milliseconds: number, cause: Error) {
    super(cause.message, { cause });
    this.milliseconds = milliseconds;
  }
}

function retryOf(response: http.IncomingMessage, text: string): RetryLater | undefined {
  const { statusCode, headers } = response;
  if (statusCode !== 429 && statusCode !== 503) return undefined;
  const seconds = Number(headers['retry-after'] ?? Number.NaN);
  return Number.isFinite(seconds) ? new RetryLater(seconds * 1000, statusErrorOf(statusCode, text)) : undefined;
}

function isFailure({ statusCode = 0 }: http.IncomingMessage): boolean {
  return statusCode < 200 || statusCode >= 300;
}

function responseTo(request: http.ClientRequest): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve);
    request.once('error', reject);
  });
}

async function textOf(response: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return (chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)).toString('utf8');
}

async function* bytesOf(response: http.IncomingMessage, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    yield* response;
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
}

function pathOf(target: ResourceTarget, query: URLSearchParams): string {
  const { group, version, namespace, resource, name, subresource } = target;
  const segments = group === '' ? ['api', version] : ['apis', group, version];
  if (namespace !== undefined) segments.push('namespaces', namespace);
  segments.push(resource);
  if (name !== undefined) segments.push(name);
  // A subresource may have a path below it, as proxies do.
  if (subresource !== undefined) segments.push(...subresource.split('/'));
  const text = query.toString();
  return `/${segments.map(encodeURIComponent).join('/')}${text === '' ? '' : `?${text}`}`;
}

function queryOf(options: RequestOptions = {}): URLSearchParams {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(options)) if (value !== undefined) query.set(name, String(value));
  return query;
}
