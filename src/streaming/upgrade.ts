/**
 * Requests to go on in another protocol, and what they are answered. Source: RFC 9110, 7.8;
 * `k8s.io/streaming/pkg/httpstream` (the handshake).
 */
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { StatusError } from '../machinery/status.ts';
import { SpdyConnection, type SpdyConnectionOptions } from './spdy/connection.ts';

/** A connection whose client asks for another protocol: node has let go of it. */
export interface Upgrade {
  readonly socket: Duplex;
  /** What has arrived behind the head of the request. */
  readonly head: Buffer;
}

/** A request with its connection. */
export interface UpgradeRequest extends Upgrade {
  readonly request: IncomingMessage;
  /** The sub-protocols that a WebSocket offers, without those that carry a token. */
  readonly protocols: readonly string[];
}

/** The handshake failed: the answer is bare text, without a Status. */
export class UpgradeRefused extends Error {
  override readonly name = 'UpgradeRefused';
  readonly code: number;
  readonly headers: Readonly<Record<string, string>>;
  constructor(code: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.code = code;
    this.headers = headers;
  }
}

export function asksForUpgrade({ headers }: IncomingMessage): boolean {
  return /(^|,)\s*upgrade\s*(,|$)/i.test(headers.connection ?? '');
}

export function asksForWebSocket(request: IncomingMessage): boolean {
  return asksForUpgrade(request) && request.headers.upgrade?.toLowerCase() === 'websocket';
}

export function asksForSpdy(request: IncomingMessage): boolean {
  return asksForUpgrade(request) && request.headers.upgrade?.toLowerCase() === 'spdy/3.1';
}

/** The sub-protocols that a WebSocket offers. */
export function subprotocols({ headers }: IncomingMessage): string[] {
  const list = headers['sec-websocket-protocol'];
  return list === undefined ? [] : list.split(',').map((protocol) => protocol.trim());
}

const versionHeader = 'X-Stream-Protocol-Version';

/** The first protocol that the client offers and `supported` has. @throws UpgradeRefused when there is none */
export function negotiateSpdy(request: IncomingMessage, supported: readonly string[]): string {
  const offered = (request.headersDistinct[versionHeader.toLowerCase()] ?? [])
    .flatMap((value) => value.split(','))
    .map((value) => value.trim());
  if (offered.length === 0) throw new UpgradeRefused(400, `unable to upgrade: ${versionHeader} is required`);
  const chosen = offered.find((protocol) => supported.includes(protocol));
  if (chosen !== undefined) return chosen;
  const lists = `client supports [${offered.join(' ')}], server accepts [${supported.join(' ')}]`;
  throw new UpgradeRefused(403, `unable to upgrade: unable to negotiate protocol: ${lists}\n`, {
    'X-Accepted-Stream-Protocol-Versions': supported.join(', '),
  });
}

/** Answers 101 and goes on in SPDY. */
export function switchToSpdy(
  { socket, head }: Upgrade,
  protocol: string,
  onStream: SpdyConnectionOptions['onStream'],
): SpdyConnection {
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n' +
      `${versionHeader}: ${protocol}\r\n\r\n`,
  );
  if (head.length > 0) socket.unshift(head);
  return new SpdyConnection(socket, { role: 'server', ...(onStream === undefined ? {} : { onStream }) });
}

/** What a client sends to go on in SPDY. */
export const spdyRequestHeaders = (protocol: string): Record<string, string> => ({
  Connection: 'Upgrade',
  Upgrade: 'SPDY/3.1',
  [versionHeader]: protocol,
});

/** The answer to a request whose connection node has let go of: the last one there. Anything but a refusal is a 500. */
export function writeRefusal(socket: Duplex, error: unknown): void {
  if (!socket.writable) return;
  const { code, message, headers } =
    error instanceof UpgradeRefused
      ? error
      : new UpgradeRefused(statusCodeOf(error), error instanceof Error ? error.message : String(error));
  const lines = Object.entries({
    ...headers,
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(message)),
    Connection: 'close',
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${code} ${STATUS_CODES[code] ?? ''}\r\n${lines.join('')}\r\n${message}`);
}

function statusCodeOf(error: unknown): number {
  return error instanceof StatusError ? error.code : 500;
}
