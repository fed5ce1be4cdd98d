/**
 * HTTP: from a node request to a verb and back. The handler is plain `(request, response)`, so that it runs under
 * node:https and mounts in Express alike.
 *
 * Flow: authenticate → audit → authorize → look up → read the body → verb → answer. Every failure is a Status.
 */
import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Attributes } from '../apis/authorizer.ts';
import type { ConnectSubresource, UserInfo, Verb } from '../apis/resource-type.ts';
import type { Auditor } from '../auth/audit/auditor.ts';
import { anonymousUser } from '../auth/authenticate.ts';
import type { Authentication } from '../auth/authentication.ts';
import type { Gate } from '../auth/authorize.ts';
import { asksToImpersonate, impersonate } from '../auth/impersonate.ts';
import { methodNotAllowed, resourceNotServed, StatusError, unauthorized } from '../machinery/status.ts';
import { type AnswerOptions, answers } from './answers.ts';
import type { ApiRequest, RequestServices } from './api-request.ts';
import { attempted, auditedRequest, unknownUser } from './audited-request.ts';
import { connect } from './connect.ts';
import { deprecation } from './deprecation.ts';
import { Exchange } from './exchange.ts';
import { identification } from './identify.ts';
import { negotiate, negotiateWatch, plainJson } from './media.ts';
import { type PathHandler, textResponse } from './paths.ts';
import type { ResourceRegistry, ServedVersion } from './registry.ts';
import { parseRowObject } from './render.ts';
import { attributesOf } from './request-attributes.ts';
import { readBody } from './request-body.ts';
import { parsePath, type ResourcePath } from './request-info.ts';
import { serve } from './verbs.ts';

export interface HandlerOptions extends AnswerOptions {
  readonly registry: ResourceRegistry;
  readonly authentication: Authentication;
  readonly authorize: Gate;
  readonly paths: readonly PathHandler[];
  readonly services: RequestServices;
  /** Aborted when the server stops. */
  readonly stopping: AbortSignal;
  /** Absent: there is no audit log. */
  readonly auditor: Auditor | undefined;
  /** The header of every answer; absent: none. */
  readonly strictTransportSecurity: string | undefined;
}

export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => void;
/** For the `upgrade` event of a node server. */
export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

export function httpHandler(options: HandlerOptions): { handler: HttpHandler; upgrade: UpgradeHandler } {
  const { authentication, auditor } = options;
  const identify = identification(authentication);
  const { respond, send, fail } = answers(options);

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
    if (options.strictTransportSecurity !== undefined) {
      exchange.response.setHeader('Strict-Transport-Security', options.strictTransportSecurity);
    }
    handle(exchange).catch((error: unknown) => fail(exchange, error));
  }

  async function handle(exchange: Exchange): Promise<void> {
    const { request, query } = exchange;
    if (exchange.brokenPath) return await send(exchange, textResponse(400, '400 Bad Request'));
    const target = parsePath(exchange.path);
    const connection = connectionOf(target);
    // Kubernetes has no verb for OPTIONS, which proxies pass on: who may read may ask.
    const method = request.method === 'OPTIONS' && connection?.passesPath === true ? 'GET' : request.method;
    const verb = target.kind === 'other' ? undefined : verbOf(method, target, query);
    const attributesFor = (asking: UserInfo): Attributes =>
      target.kind === 'other'
        ? { user: asking, verb: (method ?? 'GET').toLowerCase(), path: exchange.path }
        : attributesOf(asking, verb ?? '', target, query);

    let user = await identifyOrRefuse(exchange, attributesFor);
    let attributes = attributesFor(user);
    exchange.audit = auditor?.begin(auditedRequest(exchange, attributes, options.clock.now()));
    if (asksToImpersonate(request.headers)) {
      user = await impersonate(user, request.headersDistinct, options.authorize);
      attributes = attributesFor(user);
      exchange.audit?.impersonates(user);
    }
    // Node reads no body behind a head that asks for an upgrade.
    if (exchange.connection !== undefined && connection === undefined && !/^(GET|HEAD)$/.test(request.method ?? '')) {
      return await send(exchange, textResponse(400, '400 Bad Request'));
    }
    if (target.kind === 'other') {
      await options.authorize(attributes, exchange.audit);
      return await answerPath(exchange, user);
    }
    if (verb === undefined) throw methodNotAllowed();
    exchange.verb = verb;
    exchange.resource = target.resource;
    const pending = options.authorize(attributes, exchange.audit);
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

  /** The audit log hears of those who are turned away as well. */
  async function identifyOrRefuse(
    exchange: Exchange,
    attributesFor: (user: UserInfo) => Attributes,
  ): Promise<UserInfo> {
    try {
      const user = await identify(exchange);
      if (user === anonymousUser && !authentication.anonymous(exchange.path)) throw unauthorized();
      return user;
    } catch (error) {
      if (error instanceof StatusError) {
        const request = auditedRequest(exchange, attributesFor(unknownUser), options.clock.now());
        auditor?.refuse(request, attempted(exchange), error.code);
      }
      throw error;
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
      await options.authorize(attributesOf(user, 'create', target, exchange.query), exchange.audit);
    }
    const { clock, stopping } = options;
    await connect(exchange, apiRequest(exchange, target, verb, served, user, undefined), connection, {
      clock,
      stopping,
    });
    const code = exchange.response.headersSent ? exchange.response.statusCode : 101;
    options.onRequest('CONNECT', target.resource, code, exchange.seconds());
    exchange.audit?.complete(code);
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
      audit: exchange.audit,
      services: options.services,
    };
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
      return await send(exchange, await pending);
    }
    await send(exchange, textResponse(404, '404 page not found\n'));
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

function verbOf(method: string | undefined, target: ResourcePath, query: URLSearchParams): Verb | undefined {
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
      return undefined;
  }
}

function asksToWatch(query: URLSearchParams): boolean {
  const text = query.get('watch');
  return text !== null && text !== '0' && text.toLowerCase() !== 'false';
}
