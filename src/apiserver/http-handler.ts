/**
 * HTTP: from a node request to a verb and back. The handler is plain `(request, response)`, so that it runs under
 * node:https and mounts in Express alike.
 *
 * Flow: audit id → authenticate → authorize → look up → read the body → verb → render. Every failure is a Status.
 */
import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { ConnectSubresource, UserInfo, Verb } from '../apis/resource-type.ts';
import { anonymousUser, type Credentials } from '../auth/authenticate.ts';
import type { Authentication } from '../auth/authentication.ts';
import type { Gate } from '../auth/authorize.ts';
import { asksToImpersonate, impersonate } from '../auth/impersonate.ts';
import type { Clock } from '../clock/clock.ts';
import type { JsonObject } from '../machinery/json.ts';
import type { ApiObject } from '../machinery/object.ts';
import { internalError, methodNotAllowed, resourceNotServed, StatusError, unauthorized } from '../machinery/status.ts';
import type { ApiRequest, ApiResponse, RequestServices } from './api-request.ts';
import { connect } from './connect.ts';
import { Exchange, plainJson } from './exchange.ts';
import type { InFlight } from './in-flight.ts';
import { negotiate, negotiateFailure, negotiateWatch } from './media.ts';
import { type PathHandler, type PathResponse, textResponse } from './paths.ts';
import type { ResourceRegistry, ServedVersion } from './registry.ts';
import { parseRowObject, type RenderContext, renderEntry, renderList, renderObject, renderOther } from './render.ts';
import { attributesOf } from './request-attributes.ts';
import { readBody } from './request-body.ts';
import { parsePath, type ResourcePath } from './request-info.ts';
import { drained, writeBody } from './response-body.ts';
import type { ServerLog } from './server-log.ts';
import { serve } from './verbs.ts';
import { chunkedSink, respondWithWatch, type WatchSink } from './watch-response.ts';
import { openWatchSocket, protocolAuthorization, refuseHandshake } from './watch-socket.ts';

export interface HandlerOptions {
  readonly registry: ResourceRegistry;
  readonly clock: Clock;
  readonly authentication: Authentication;
  readonly authorize: Gate;
  readonly paths: readonly PathHandler[];
  readonly services: RequestServices;
  readonly inFlight: InFlight;
  /** Aborted when the server stops. */
  readonly stopping: AbortSignal;
  readonly log: ServerLog;
  readonly onRequest: (verb: string, resource: string, code: number, seconds: number) => void;
}

export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => void;
/** For the `upgrade` event of a node server. */
export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

export function httpHandler(options: HandlerOptions): { handler: HttpHandler; upgrade: UpgradeHandler } {
  const { authentication } = options;
  const users = new WeakMap<object, Promise<UserInfo>>();

  return {
    handler(request, response) {
      answer(new Exchange(request, response));
    },
    upgrade(request, socket, head) {
      const response = respondOn(socket, request);
      answer(new Exchange(request, response, { socket, head }));
    },
  };

  function answer(exchange: Exchange): void {
    handle(exchange).catch((error: unknown) => fail(exchange, error));
  }

  async function handle(exchange: Exchange): Promise<void> {
    const { request, query } = exchange;
    if (exchange.brokenPath) return await sendText(exchange, textResponse(400, '400 Bad Request'));
    let user = await identify(exchange);
    if (user === anonymousUser && !authentication.anonymous(exchange.path)) throw unauthorized();
    if (asksToImpersonate(request.headers)) user = await impersonate(user, request.headersDistinct, options.authorize);
    const target = parsePath(exchange.path);
    const connection = connectionOf(target);
    // Node reads no body behind a head that asks for an upgrade.
    if (exchange.connection !== undefined && connection === undefined && !/^(GET|HEAD)$/.test(request.method ?? '')) {
      return await sendText(exchange, textResponse(400, '400 Bad Request'));
    }
    if (target.kind === 'other') {
      await options.authorize({ user, verb: (request.method ?? 'GET').toLowerCase(), path: exchange.path });
      return await answerPath(exchange, user);
    }
    // Kubernetes has no verb for OPTIONS, which proxies pass on: who may read may ask.
    const method = request.method === 'OPTIONS' && connection?.passesPath === true ? 'GET' : request.method;
    const verb = verbOf(method, target, query);
    exchange.verb = verb;
    exchange.resource = target.resource;
    const pending = options.authorize(attributesOf(user, verb, target, query));
    if (pending !== undefined) await pending;
    const served = options.registry.find(target.group, target.version, target.resource);
    if (served === undefined) return await answerMissing(exchange, target, user);
    if (connection !== undefined) return await answerConnection(exchange, target, verb, served, connection, user);
    const release = options.inFlight.enter(verb, user);
    try {
      await answerResource(exchange, target, verb, served, user);
    } finally {
      release();
    }
  }

  function connectionOf(target: ReturnType<typeof parsePath>): ConnectSubresource | undefined {
    if (target.kind === 'other' || target.subresource === '') return undefined;
    const served = options.registry.find(target.group, target.version, target.resource);
    return served?.type.connections?.[target.subresource];
  }

  /** Connections last: they are not counted among requests, and are cut when the server stops. */
  async function answerConnection(
    exchange: Exchange,
    target: ResourcePath,
    verb: Verb,
    served: ServedVersion,
    connection: ConnectSubresource,
    user: UserInfo,
  ): Promise<void> {
    options.inFlight.enter('watch', user);
    if (!connection.verbs.includes(verb)) throw methodNotAllowed();
    if (connection.needsCreate === true && verb !== 'create') {
      await options.authorize(attributesOf(user, 'create', target, exchange.query));
    }
    const { clock, stopping } = options;
    await connect(exchange, apiRequest(exchange, target, verb, served, user, undefined), connection, {
      clock,
      stopping,
    });
    const code = exchange.response.headersSent ? exchange.response.statusCode : 101;
    options.onRequest('CONNECT', target.resource, code, exchange.seconds());
  }

  function apiRequest(
    exchange: Exchange,
    target: ResourcePath,
    verb: Verb,
    served: ServedVersion,
    user: UserInfo,
    body: ApiRequest['body'],
  ): ApiRequest {
    return {
      verb,
      served,
      namespace: target.namespace,
      name: target.name,
      subresource: target.subresource,
      rest: target.rest,
      query: exchange.query,
      user,
      userAgent: exchange.request.headers['user-agent'] ?? '',
      body,
      now: options.clock.now(),
      warn: exchange.warn,
      // Few ask for it, and a signal costs more than many a request.
      get signal() {
        return exchange.signal;
      },
      services: options.services,
    };
  }

  function identify(exchange: Exchange): Promise<UserInfo> {
    const { request, upgrade } = exchange;
    const socket = request.socket as TLSSocket;
    let { authorization } = request.headers;
    if (upgrade !== undefined && authorization === undefined && certificateOf(socket) === undefined) {
      authorization = protocolAuthorization(request);
      exchange.knownByProtocol = authorization !== undefined;
    }
    if (authorization !== undefined) return authentication.identify(credentialsOf(socket, authorization));
    // Node reads the certificate anew each time it is asked for; the connection's stays what it was.
    let user = users.get(socket);
    if (user === undefined) {
      user = authentication.identify(credentialsOf(socket, undefined));
      users.set(socket, user);
    }
    return user;
  }

  async function answerPath(exchange: Exchange, user: UserInfo): Promise<void> {
    const { request, path, query } = exchange;
    const method = request.method ?? 'GET';
    for (const handler of options.paths) {
      const pending = handler({
        method,
        path,
        query,
        accept: request.headers.accept,
        ifNoneMatch: request.headers['if-none-match'],
        user,
      });
      if (pending === undefined) continue;
      if (method !== 'GET' && method !== 'HEAD') throw methodNotAllowed();
      const { code, contentType, body, headers } = await pending;
      await send(exchange, code, contentType, Buffer.isBuffer(body) ? body : Buffer.from(body), headers);
      return;
    }
    await sendText(exchange, textResponse(404, '404 page not found\n'));
  }

  async function sendText(exchange: Exchange, { code, contentType, body, headers }: PathResponse): Promise<void> {
    await send(exchange, code, contentType, Buffer.from(body), headers);
  }

  /** A resource that is not served: a Status under a group version that is, a plain 404 elsewhere. */
  async function answerMissing(exchange: Exchange, target: ResourcePath, user: UserInfo): Promise<void> {
    if (options.registry.hasGroupVersion(target.group, target.version)) throw resourceNotServed();
    await answerPath(exchange, user);
  }

  async function answerResource(
    exchange: Exchange,
    target: ResourcePath,
    verb: Verb,
    served: ServedVersion,
    user: UserInfo,
  ): Promise<void> {
    const { request, response, query } = exchange;
    const { version } = served;
    const stream = target.subresource !== '' && served.type.subresources[target.subresource] !== undefined;
    const { accept, 'user-agent': userAgent } = request.headers;
    let representation = plainJson;
    if (verb === 'watch') representation = negotiateWatch(accept);
    else if (!stream) representation = negotiate(accept, query, userAgent);
    exchange.representation = representation;
    if (version.deprecated === true) exchange.warn(deprecation(served));
    const body = await readBody(request);
    const decoded = apiRequest(exchange, target, verb, served, user, body);
    const { now } = decoded;
    const result = await serve(decoded);
    const rowObject = representation.shape === 'table' ? parseRowObject(query) : 'Metadata';
    await respond(exchange, result, { type: served.type, version, representation, rowObject, now }, served);
    if (result.kind === 'watch') return;
    if (response.statusCode >= 500)
      options.log.error({ path: exchange.path, code: response.statusCode }, 'request failed');
  }

  async function respond(
    exchange: Exchange,
    result: ApiResponse,
    context: RenderContext,
    served: ServedVersion,
  ): Promise<void> {
    const { representation } = context;
    switch (result.kind) {
      case 'entry':
        return await send(exchange, result.code, representation.contentType, await renderEntry(result.entry, context));
      case 'list':
        return await sendParts(exchange, 200, representation.contentType, await renderList(result.list, context));
      case 'object':
        return await send(
          exchange,
          result.code,
          representation.contentType,
          result.version === undefined
            ? renderObject(result.object as JsonObject, representation)
            : renderOther(result.object as ApiObject, result.version, context),
        );
      case 'watch': {
        const refused = exchange.upgrade && refuseHandshake(exchange.request, !exchange.knownByProtocol);
        if (refused !== undefined) {
          const { code, text, headers } = refused;
          return await send(exchange, code, 'text/plain; charset=utf-8', Buffer.from(text), headers);
        }
        return await respondWithWatch(
          () => watchSink(exchange, context),
          served.store,
          result.selection,
          result.options,
          context,
          options.clock,
        );
      }
      case 'stream':
        return await sendStream(exchange, result.code, result.contentType, result.body);
    }
  }

  function send(
    exchange: Exchange,
    code: number,
    contentType: string,
    bytes: Buffer,
    extra?: Readonly<Record<string, string>>,
  ): Promise<void> {
    return sendParts(exchange, code, contentType, [bytes], extra);
  }

  async function sendParts(
    exchange: Exchange,
    code: number,
    contentType: string,
    parts: readonly Buffer[],
    extra?: Readonly<Record<string, string>>,
  ): Promise<void> {
    const { request, response } = exchange;
    const headers: Record<string, string> = { ...exchange.headers(), ...extra, 'Content-Type': contentType };
    // A client that keeps its connection would keep the server from ending.
    if (options.inFlight.stopping) headers.Connection = 'close';
    options.onRequest(exchange.verb, exchange.resource, code, exchange.seconds());
    await writeBody(request, response, code, headers, parts);
  }

  async function sendStream(
    exchange: Exchange,
    code: number,
    contentType: string,
    body: AsyncIterable<Uint8Array>,
  ): Promise<void> {
    const { response } = exchange;
    response.writeHead(code, { ...exchange.headers(), 'Content-Type': contentType });
    response.flushHeaders();
    try {
      for await (const chunk of body) {
        if (response.destroyed) return;
        if (!response.write(chunk)) await drained(response);
      }
      response.end();
    } catch (error) {
      // The head is out: all that is left is to cut the stream, so that the client sees it is not whole.
      options.log.error({ path: exchange.path, error: String(error) }, 'stream failed');
      response.destroy();
    }
  }

  function fail(exchange: Exchange, error: unknown): void {
    const { response } = exchange;
    const failure = error instanceof StatusError ? error : internalError(messageOf(error));
    if (!(error instanceof StatusError)) {
      const cause = error instanceof Error ? error.stack : String(error);
      options.log.error({ path: exchange.path, error: cause }, 'request failed');
    }
    if (response.headersSent || response.destroyed) {
      response.destroy();
      return;
    }
    const { accept, 'user-agent': userAgent } = exchange.request.headers;
    const representation = negotiateFailure(accept, exchange.query, userAgent);
    const headers: Record<string, string> = { 'Content-Type': representation.contentType };
    const retry = failure.status.details?.retryAfterSeconds;
    if (retry !== undefined) headers['Retry-After'] = String(retry);
    // A body that was refused half-read must not be taken for the next request.
    if (!exchange.request.complete) headers.Connection = 'close';
    const body = renderObject(failure.status as unknown as JsonObject, representation);
    options.onRequest(exchange.verb, exchange.resource, failure.code, exchange.seconds());
    response.writeHead(failure.code, { ...exchange.headers(), ...headers, 'Content-Length': String(body.length) });
    response.end(body);
  }
}

/** An answer on a connection that node has let go of: it is the last one there. */
function respondOn(socket: Duplex, request: IncomingMessage): ServerResponse {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket as Socket);
  socket.on('error', () => socket.destroy());
  socket.on('drain', () => response.emit('drain'));
  response.on('finish', () => socket.end());
  return response;
}

function watchSink(exchange: Exchange, context: RenderContext): WatchSink | Promise<WatchSink> {
  const { request, response, upgrade, knownByProtocol } = exchange;
  if (upgrade === undefined) return chunkedSink(response, exchange.headers(), context);
  response.detachSocket(upgrade.socket as Socket);
  return openWatchSocket(request, upgrade, !knownByProtocol);
}

function deprecation({ type, version }: ServedVersion): string {
  const { group, names } = type;
  const kind = group === '' ? `${version.name} ${names.kind}` : `${group}/${version.name} ${names.kind}`;
  return version.deprecationWarning ?? `${kind} is deprecated`;
}

function verbOf(method: string | undefined, target: ResourcePath, query: URLSearchParams): Verb {
  switch (method) {
    case 'GET':
    case 'HEAD':
      if (target.subresource !== '') return 'get';
      if (target.watch || asksToWatch(query)) return 'watch';
      return target.name === '' ? 'list' : 'get';
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return target.name === '' ? 'deletecollection' : 'delete';
    default:
      throw methodNotAllowed();
  }
}

function asksToWatch(query: URLSearchParams): boolean {
  const text = query.get('watch');
  return text !== null && text !== '0' && text.toLowerCase() !== 'false';
}

function credentialsOf(socket: TLSSocket, authorization: string | undefined): Credentials {
  return { certificate: certificateOf(socket), authorization, address: socket.remoteAddress };
}

function certificateOf(socket: TLSSocket): Credentials['certificate'] {
  if (typeof socket.getPeerCertificate !== 'function' || !socket.authorized) return undefined;
  const certificate = socket.getPeerCertificate();
  return certificate === null || Object.keys(certificate).length === 0 ? undefined : certificate;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
