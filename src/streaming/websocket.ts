/**
 * WebSockets that carry streams: the handshake with Kubernetes' sub-protocols, and channels, of which a message's first byte
 * is the number. Source: `k8s.io/streaming/pkg/httpstream/wsstream`, RFC 6455.
 */
import type { IncomingMessage } from 'node:http';
import { type Duplex, Readable, Writable } from 'node:stream';
import type { WebSocket, WebSocketServer } from 'ws';
import { type Upgrade, UpgradeRefused, type UpgradeRequest } from './upgrade.ts';

/** As golang.org/x/net/websocket takes them. */
const maxMessageBytes = 32 * 1024 * 1024;
/** Messages that are sent are cut to this. */
const maxSentBytes = 32 * 1024;

/** The first sub-protocol that the client offers and `supported` has; none is the empty one. @throws UpgradeRefused */
export function negotiateWebSocket({ request, protocols }: UpgradeRequest, supported: readonly string[]): string {
  const { headers } = request;
  if ((headers['sec-websocket-key'] ?? '') === '') throw new UpgradeRefused(400, 'mismatch challenge/response');
  if (headers['sec-websocket-version'] !== '13') {
    throw new UpgradeRefused(400, 'missing or bad WebSocket Version', { 'Sec-WebSocket-Version': '13' });
  }
  const chosen = (protocols.length === 0 ? [''] : protocols).find((protocol) => supported.includes(protocol));
  if (chosen === undefined) throw new UpgradeRefused(403, '');
  return chosen;
}

/** Resolves when the client has its 101; rejects when it went away before. */
export async function openWebSocket(
  request: IncomingMessage,
  { socket, head }: Upgrade,
  protocol: string,
): Promise<WebSocket> {
  const server = await webSocketServer();
  // The library refuses names with a slash, which Kubernetes has: it sees none, and what is answered is added below.
  delete request.headers['sec-websocket-protocol'];
  chosenProtocols.set(request, protocol);
  return await new Promise((resolve, reject) => {
    const gone = (): void => reject(new Error('the client has gone'));
    socket.once('close', gone);
    server.handleUpgrade(request, socket, head, (webSocket) => {
      socket.off('close', gone);
      // A frame that breaks the protocol ends the connection.
      webSocket.on('error', () => webSocket.terminate());
      resolve(webSocket);
    });
  });
}

/** The bytes of a WebSocket as one stream, whatever its messages. */
export async function webSocketStream(webSocket: WebSocket): Promise<Duplex> {
  const { createWebSocketStream } = await import('ws');
  return createWebSocketStream(webSocket);
}

const chosenProtocols = new WeakMap<IncomingMessage, string>();
let loaded: Promise<WebSocketServer> | undefined;

/** Few servers ever see a WebSocket: the library is loaded for the first. */
function webSocketServer(): Promise<WebSocketServer> {
  loaded ??= import('ws').then(({ WebSocketServer }) => {
    const server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: maxMessageBytes,
    });
    server.on('headers', (headers, request) => {
      const protocol = chosenProtocols.get(request) ?? '';
      if (protocol !== '') headers.push(`Sec-WebSocket-Protocol: ${protocol}`);
    });
    return server;
  });
  return loaded;
}

export interface ChannelOptions {
  /** Messages are texts: the channel's digit, then base64. */
  readonly base64: boolean;
  /** The client says of a channel that it has ended: a message on channel 255 with the channel's number. */
  readonly closeSignals: boolean;
}

const closeChannel = 255;

/** A WebSocket as channels. Channels that nobody reads are passed over. */
export class ChannelSocket {
  readonly #webSocket: WebSocket;
  readonly #base64: boolean;
  readonly #closeSignals: boolean;
  readonly #readers = new Map<number, Readable>();
  readonly #writers = new Set<Writable>();
  readonly #full = new Set<Readable>();

  constructor(webSocket: WebSocket, { base64, closeSignals }: ChannelOptions) {
    this.#webSocket = webSocket;
    this.#base64 = base64;
    this.#closeSignals = closeSignals;
    webSocket.on('message', (data: Buffer, isBinary) => this.#take(data, isBinary));
    webSocket.once('close', () => {
      for (const reader of this.#readers.values()) reader.destroy();
      for (const writer of this.#writers) writer.destroy();
    });
  }

  /** What the client sends on a channel. While it is not read, nothing of the connection is. */
  readable(channel: number): Readable {
    const reader = new Readable({
      read: () => this.#release(reader),
      destroy: (error, done) => {
        this.#release(reader);
        done(error);
      },
    });
    this.#readers.set(channel, reader);
    return reader;
  }

  /** To the client. A write is done when the connection has taken it. */
  writable(channel: number): Writable {
    const writer = new Writable({
      write: (chunk: Buffer, _encoding, done) => this.#send(channel, chunk, done),
      destroy: (error, done) => {
        this.#writers.delete(writer);
        done(error);
      },
    });
    this.#writers.add(writer);
    return writer;
  }

  /** An empty message tells the client that the streams are there. */
  greet(channel: number): void {
    this.#send(channel, Buffer.alloc(0), () => undefined);
  }

  onClose(listener: () => void): void {
    if (this.#webSocket.readyState >= this.#webSocket.CLOSING) listener();
    else this.#webSocket.once('close', listener);
  }

  close(): void {
    // The closing handshake must be heard, whoever has stopped reading.
    for (const reader of this.#readers.values()) reader.destroy();
    this.#webSocket.resume();
    this.#webSocket.close(1000);
  }

  #take(data: Buffer, isBinary: boolean): void {
    if (data.length === 0) return;
    const text = this.#base64 && !isBinary;
    const channel = text ? data[0]! - 0x30 : data[0]!;
    const content = text ? Buffer.from(data.toString('latin1', 1), 'base64') : data.subarray(1);
    if (channel === closeChannel && this.#closeSignals) {
      const ended = this.#readers.get(content[0] ?? closeChannel);
      if (ended !== undefined && !ended.readableEnded) ended.push(null);
      return;
    }
    const reader = this.#readers.get(channel);
    if (reader === undefined || reader.destroyed || content.length === 0 || reader.readableEnded) return;
    if (!reader.push(content)) {
      this.#full.add(reader);
      this.#webSocket.pause();
    }
  }

  #release(reader: Readable): void {
    if (!this.#full.delete(reader) || this.#full.size > 0) return;
    this.#webSocket.resume();
  }

  #send(channel: number, chunk: Buffer, done: (error?: Error | null) => void): void {
    if (this.#webSocket.readyState !== this.#webSocket.OPEN) {
      done(new Error('the connection is closed'));
      return;
    }
    const part = chunk.subarray(0, maxSentBytes);
    const message = this.#base64
      ? String.fromCharCode(0x30 + channel) + part.toString('base64')
      : Buffer.concat([Buffer.of(channel), part]);
    this.#webSocket.send(message, { binary: !this.#base64 }, (error) => {
      if (error || part.length === chunk.length) done(error);
      else this.#send(channel, chunk.subarray(part.length), done);
    });
  }
}
