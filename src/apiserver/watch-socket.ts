/**
 * Watches over WebSocket: one text frame for each event, nothing from the client but control frames. Source: `watch.go` of
 * `k8s.io/apiserver/pkg/endpoints/handlers`, the handshake of `golang.org/x/net/websocket`, RFC 6455.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket, WebSocketServer } from 'ws';
import { badRequest } from '../machinery/status.ts';
import { subprotocols, type Upgrade } from '../streaming/upgrade.ts';
import type { WatchSink } from './watch-response.ts';

/** Why a handshake is refused, as kube-apiserver answers it: bare, without a Status. */
export interface HandshakeRefusal {
  readonly code: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
}

export const bearerPrefix = 'base64url.bearer.authorization.k8s.io.';

/**
 * A browser cannot send an `Authorization` header with a WebSocket: its bearer token comes as a sub-protocol, beside another
 * that can be answered. `undefined`: there is none. A token that cannot be read is none that anybody knows.
 * Source: `k8s.io/apiserver/pkg/authentication/request/websocket`.
 */
export function protocolAuthorization(request: IncomingMessage): string | undefined {
  const protocols = subprotocols(request);
  const tokens = protocols.filter((protocol) => protocol.startsWith(bearerPrefix));
  if (tokens.length === 0) return undefined;
  const readable = tokens.length === 1 && protocols.length > 1;
  return `Bearer ${readable ? Buffer.from(tokens[0]!.slice(bearerPrefix.length), 'base64url').toString() : ''}`;
}

/** `undefined`: the handshake may go on. `authenticated`: the user is known by other means than a sub-protocol. */
export function refuseHandshake(request: IncomingMessage, authenticated: boolean): HandshakeRefusal | undefined {
  const { headers } = request;
  if ((headers['sec-websocket-key'] ?? '') === '') return refusal(400, 'mismatch challenge/response');
  if (headers['sec-websocket-version'] !== '13') {
    return refusal(400, 'missing or bad WebSocket Version', { 'Sec-WebSocket-Version': '13' });
  }
  if (!URL.canParse(headers.origin ?? '')) return refusal(403, '');
  if (answeredProtocols(request, authenticated).length > 1) return refusal(400, '');
  return undefined;
}

/** Resolves when the client has its 101; rejects when it went away before. */
export async function openWatchSocket(
  request: IncomingMessage,
  { socket, head }: Upgrade,
  authenticated: boolean,
): Promise<WatchSink> {
  const server = await webSocketServer();
  const [protocol] = answeredProtocols(request, authenticated);
  // What the library is to answer is what is left of the client's list.
  if (protocol === undefined) delete request.headers['sec-websocket-protocol'];
  else request.headers['sec-websocket-protocol'] = protocol;
  return await new Promise((resolve, reject) => {
    const gone = (): void => reject(badRequest('the client has gone'));
    socket.once('close', gone);
    server.handleUpgrade(request, socket, head, (webSocket) => {
      socket.off('close', gone);
      resolve(watchSink(webSocket, socket));
    });
  });
}

function watchSink(webSocket: WebSocket, socket: Duplex): WatchSink {
  // A frame that breaks the protocol ends the connection; what is said in good order is not listened to.
  webSocket.on('error', () => webSocket.terminate());
  return {
    write(lines) {
      for (let start = 0; start < lines.length; ) {
        const end = lines.indexOf(0x0a, start) + 1;
        webSocket.send(lines.subarray(start, end), { binary: false });
        start = end;
      }
      return !socket.writableNeedDrain;
    },
    end: () => webSocket.close(1000),
    destroy: () => webSocket.terminate(),
    onDrain: (listener) => void socket.on('drain', listener),
    onClose: (listener) => void webSocket.once('close', listener),
  };
}

/** A token is not answered, unless nobody has looked at it. */
function answeredProtocols(request: IncomingMessage, authenticated: boolean): string[] {
  const protocols = subprotocols(request);
  return authenticated ? protocols : protocols.filter((protocol) => !protocol.startsWith(bearerPrefix));
}

function refusal(code: number, text: string, headers: HandshakeRefusal['headers'] = {}): HandshakeRefusal {
  return { code, text, headers };
}

/** Clients have nothing to say: what they may send is bounded. */
const maxPayload = 64 * 1024;

let loaded: Promise<WebSocketServer> | undefined;

/** Few servers ever see a WebSocket: the library is loaded for the first. */
function webSocketServer(): Promise<WebSocketServer> {
  loaded ??= import('ws').then(
    ({ WebSocketServer }) =>
      new WebSocketServer({ noServer: true, clientTracking: false, perMessageDeflate: false, maxPayload }),
  );
  return loaded;
}
