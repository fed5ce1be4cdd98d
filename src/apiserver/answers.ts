/**
 * What goes out over HTTP: results in the representation that was negotiated, documents, streams, and failures, which are a
 * Status each. Whatever is answered is counted, and ends the request's trail in the audit log.
 */
import type { Socket } from 'node:net';
import type { Clock } from '../clock/clock.ts';
import type { JsonObject } from '../machinery/json.ts';
import type { ApiObject } from '../machinery/object.ts';
import { internalError, StatusError } from '../machinery/status.ts';
import type { ApiResponse } from './api-request.ts';
import { noteAnswer, noteFailure } from './audited.ts';
import type { Exchange } from './exchange.ts';
import type { InFlight } from './in-flight.ts';
import { negotiateFailure } from './media.ts';
import type { PathResponse } from './paths.ts';
import type { ServedVersion } from './registry.ts';
import { type RenderContext, renderEntry, renderList, renderObject, renderOther } from './render.ts';
import { drained, writeBody } from './response-body.ts';
import type { ServerLog } from './server-log.ts';
import { chunkedSink, respondWithWatch, type WatchSink } from './watch-response.ts';
import { openWatchSocket, refuseHandshake } from './watch-socket.ts';

export interface AnswerOptions {
  readonly clock: Clock;
  readonly inFlight: InFlight;
  readonly log: ServerLog;
  readonly onRequest: (verb: string, resource: string, code: number, seconds: number) => void;
}

export interface Answers {
  respond(exchange: Exchange, result: ApiResponse, context: RenderContext, served: ServedVersion): Promise<void>;
  send(exchange: Exchange, answer: PathResponse): Promise<void>;
  fail(exchange: Exchange, error: unknown): void;
}

export function answers(options: AnswerOptions): Answers {
  return { respond, send: sendDocument, fail };

  async function sendDocument(exchange: Exchange, { code, contentType, body, headers }: PathResponse): Promise<void> {
    await send(exchange, code, contentType, Buffer.isBuffer(body) ? body : Buffer.from(body), headers);
  }

  async function respond(
    exchange: Exchange,
    result: ApiResponse,
    context: RenderContext,
    served: ServedVersion,
  ): Promise<void> {
    const { representation } = context;
    const noting = exchange.audit && noteAnswer(exchange.audit, result, context);
    if (noting !== undefined) await noting;
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
    exchange.audit?.complete(code);
  }

  async function sendStream(
    exchange: Exchange,
    code: number,
    contentType: string,
    body: AsyncIterable<Uint8Array>,
  ): Promise<void> {
    const { response } = exchange;
    // Logs are whatever a program writes: no browser shall take them for a page.
    response.writeHead(code, {
      ...exchange.headers(),
      'Content-Type': contentType,
      'X-Content-Type-Options': 'nosniff',
    });
    response.flushHeaders();
    exchange.audit?.started(code);
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
    } finally {
      exchange.audit?.complete(code);
    }
  }

  function fail(exchange: Exchange, error: unknown): void {
    const { response, audit } = exchange;
    const failure = error instanceof StatusError ? error : internalError(messageOf(error));
    if (audit !== undefined) noteFailure(audit, error);
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

async function watchSink(exchange: Exchange, context: RenderContext): Promise<WatchSink> {
  const { request, response, upgrade, knownByProtocol, audit } = exchange;
  let sink: WatchSink;
  if (upgrade === undefined) sink = chunkedSink(response, exchange.headers(), context);
  else {
    response.detachSocket(upgrade.socket as Socket);
    sink = await openWatchSocket(request, upgrade, !knownByProtocol);
  }
  if (audit !== undefined) {
    const code = upgrade === undefined ? 200 : 101;
    audit.started(code);
    (upgrade?.socket ?? response).once('close', () => audit.complete(code));
  }
  return sink;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
