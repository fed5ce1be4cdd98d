/**
 * The proxy to what runs in the cluster: requests are passed on with their bodies, answers with theirs, and a connection
 * goes on in another protocol where both sides agree.
 *
 * What says who the client is stays here. Links in HTML pages are not rewritten; `Location` headers are.
 * Source: `k8s.io/apimachinery/pkg/util/proxy` (upgradeaware.go, transport.go).
 */

import { setMaxListeners } from 'node:events';
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { connect as connectTls } from 'node:tls';
import type { Connection } from '../apis/resource-type.ts';
import { StatusError, serviceUnavailable } from '../machinery/status.ts';
import { asksForUpgrade } from '../streaming/upgrade.ts';
import type { Exchange } from './exchange.ts';
import { bearerPrefix } from './watch-socket.ts';

type Target = Extract<Connection, { kind: 'proxy' }>;

/** Of one connection each (RFC 9110, 7.6.1). */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** @param rest what follows `proxy/` in the path, decoded. Resolves when the answer, or the connection, has ended */
export async function proxy(exchange: Exchange, target: Target, rest: string, stopping: AbortSignal): Promise<void> {
  const { request, response, connection } = exchange;
  const url = request.url ?? '/';
  const mark = url.indexOf('?');
  const [path, query] = mark < 0 ? [url, ''] : [url.slice(0, mark), url.slice(mark)];
  const upgrades = connection !== undefined && asksForUpgrade(request);
  if (rest === '' && !path.endsWith('/') && !upgrades) {
    response.writeHead(301, { ...exchange.headers(), Location: `${path}/${query}` }).end();
    return;
  }
  const over = new AbortController();
  const cut = (): void => over.abort();
  setMaxListeners(0, stopping);
  response.once('close', cut);
  stopping.addEventListener('abort', cut, { once: true });
  try {
    const prefix = path.split('/', leading(exchange.path, rest)).join('/');
    const remote = await dial(target, over.signal);
    const sent = httpRequest({
      createConnection: () => remote,
      method: request.method ?? 'GET',
      path: `${path.slice(prefix.length) || '/'}${query}`,
      headers: forwardedHeaders(exchange, path, upgrades),
      setHost: false,
      signal: over.signal,
    });
    await (upgrades ? switchOver(exchange, sent, target, prefix) : passOn(exchange, sent, target, prefix));
  } finally {
    response.off('close', cut);
    stopping.removeEventListener('abort', cut);
    over.abort();
  }
}

/** How many segments of the path lead to the proxy. Counted from the front: behind it, slashes may be escaped. */
function leading(path: string, rest: string): number {
  const bare = rest === '' && !path.endsWith('/');
  return path.split('/').length - (bare ? 0 : rest.split('/').length);
}

async function dial({ dial: open, secure }: Target, signal: AbortSignal): Promise<Duplex> {
  let remote: Duplex;
  try {
    remote = await open(signal);
  } catch (error) {
    throw unreachable(error);
  }
  // As kube-apiserver does: the certificates of pods are nobody's.
  return secure ? connectTls({ socket: remote, rejectUnauthorized: false }) : remote;
}

async function passOn(exchange: Exchange, sent: ClientRequest, target: Target, prefix: string): Promise<void> {
  const { request } = exchange;
  // The answer may come before the body has gone, and end the matter.
  pipeline(request, sent).catch(() => undefined);
  const answer = await answerTo(sent);
  if (answer.kind === 'upgrade') {
    answer.socket.destroy();
    throw unreachable(new Error('the answer is another protocol, which nobody asked for'));
  }
  await send(exchange, answer.message, target, prefix);
}

async function switchOver(exchange: Exchange, sent: ClientRequest, target: Target, prefix: string): Promise<void> {
  const { socket, head } = exchange.connection!;
  sent.end();
  const answer = await answerTo(sent);
  if (answer.kind === 'answer') {
    await send(exchange, answer.message, target, prefix);
    return;
  }
  const { message, socket: remote, head: first } = answer;
  const lines = pairs(message.rawHeaders).map(([name, value]) => `${name}: ${value}\r\n`);
  exchange.audit?.started(101);
  socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('')}\r\n`);
  if (first.length > 0) socket.write(first);
  if (head.length > 0) remote.write(head);
  await Promise.all([
    // Either side may cut the connection: then the other is cut as well.
    pipeline(socket, remote).catch(() => socket.destroy()),
    pipeline(remote, socket).catch(() => remote.destroy()),
  ]);
}

type Answer =
  | { readonly kind: 'answer'; readonly message: IncomingMessage }
  | { readonly kind: 'upgrade'; readonly message: IncomingMessage; readonly socket: Duplex; readonly head: Buffer };

function answerTo(sent: ClientRequest): Promise<Answer> {
  return new Promise((resolve, reject) => {
    sent.once('response', (message: IncomingMessage) => resolve({ kind: 'answer', message }));
    sent.once('upgrade', (message: IncomingMessage, socket: Duplex, head: Buffer) =>
      resolve({ kind: 'upgrade', message, socket, head }),
    );
    sent.on('error', (error) => reject(unreachable(error)));
    sent.once('close', () => reject(unreachable(new Error('EOF'))));
  });
}

async function send(exchange: Exchange, message: IncomingMessage, target: Target, prefix: string): Promise<void> {
  const { response, request } = exchange;
  const headers = pairs(message.rawHeaders).filter(([name]) => !hopByHop.has(name.toLowerCase()));
  const known = new Set(headers.map(([name]) => name.toLowerCase()));
  for (const [name, value] of Object.entries(exchange.headers())) {
    if (!known.has(name.toLowerCase())) headers.push([name, value]);
  }
  const rewritten = headers.map(([name, value]): [string, string] =>
    name.toLowerCase() === 'location'
      ? [name, rewriteLocation(value, target, request.headers.host, prefix)]
      : [name, value],
  );
  response.writeHead(message.statusCode ?? 502, message.statusMessage, rewritten.flat());
  response.flushHeaders();
  exchange.audit?.started(response.statusCode);
  // Whichever side breaks off, the head is out: the answer is cut.
  await pipeline(message, response).catch(() => response.destroy());
}

function forwardedHeaders(exchange: Exchange, path: string, upgrades: boolean): Record<string, string | string[]> {
  const { request, knownByProtocol } = exchange;
  const named = new Set((request.headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase()));
  const headers: Record<string, string[]> = {};
  for (const [name, value] of pairs(request.rawHeaders)) {
    const key = name.toLowerCase();
    if (hopByHop.has(key) || named.has(key) || key === 'authorization' || key.startsWith('impersonate-')) continue;
    headers[key] = [...(headers[key] ?? []), value];
  }
  if (knownByProtocol) {
    const protocols = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((protocol) => protocol.trim());
    headers['sec-websocket-protocol'] = [protocols.filter((protocol) => !protocol.startsWith(bearerPrefix)).join(', ')];
  }
  const address = request.socket.remoteAddress;
  return {
    ...Object.fromEntries(
      Object.entries(headers).map(([name, values]) => [name, values.length === 1 ? values[0]! : values]),
    ),
    'X-Forwarded-Uri': path,
    'X-Forwarded-Host': request.headers.host ?? '',
    'X-Forwarded-Proto': 'https',
    ...(address === undefined
      ? {}
      : { 'X-Forwarded-For': [...(headers['x-forwarded-for'] ?? []), address].join(', ') }),
    ...(request.headers['transfer-encoding'] === undefined ? {} : { 'Transfer-Encoding': 'chunked' }),
    ...(upgrades ? { Connection: 'Upgrade', Upgrade: request.headers.upgrade ?? '' } : {}),
  };
}

/** Places on the same server lead back through the proxy. */
function rewriteLocation(location: string, { host }: Target, asked: string | undefined, prefix: string): string {
  const absolute = /^https?:\/\/([^/?#]*)(.*)$/i.exec(location);
  if (absolute !== null && absolute[1] !== host && absolute[1] !== asked) return location;
  const path = absolute === null ? location : absolute[2] || '/';
  if (!path.startsWith('/') || path.startsWith(`${prefix}/`)) return path;
  return prefix + path;
}

function pairs(raw: readonly string[]): [string, string][] {
  return Array.from({ length: raw.length / 2 }, (_, index) => [raw[index * 2]!, raw[index * 2 + 1]!]);
}

/** Without what a node says of the connection: kube-apiserver dials pods itself. */
function unreachable(error: unknown): StatusError {
  if (error instanceof StatusError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const from = message.indexOf('dial tcp');
  const why = from < 0 ? message : message.slice(from).replace(/^dial tcp4/, 'dial tcp');
  return serviceUnavailable(`error trying to reach service: ${why}`);
}
