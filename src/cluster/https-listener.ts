/**
 * A request handler on HTTPS: TLS 1.2 or newer, client certificates asked for and verified against the cluster's CA,
 * time-outs against clients that dawdle, and an end that lets the requests under way finish.
 */
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { HttpHandler, UpgradeHandler } from '../apiserver/http-handler.ts';
import type { KeyPair } from '../auth/certificates.ts';

export interface ListenOptions {
  readonly handler: HttpHandler;
  /** Default: requests for another protocol are answered as if they asked for none. */
  readonly upgrade?: UpgradeHandler;
  readonly serving: KeyPair;
  /** PEM of the CA that signs client certificates. */
  readonly clientAuthority: string;
  readonly bind: string;
  /** 0: any free one. */
  readonly port: number;
}

export interface HttpsListener {
  readonly port: number;
  /** Takes no new connections, and resolves when those there are have ended; idle ones are closed at once. */
  close(): Promise<void>;
}

/** How long a client may take for the head of a request, and for the whole of it, in milliseconds. */
const headersTimeout = 30_000;
const requestTimeout = 120_000;
/** How long an idle connection is kept, in milliseconds: longer than clients keep theirs. */
const keepAliveTimeout = 150_000;
/** What is left open this long after `close` is cut. */
const closeTimeout = 5_000;
/** How often connections that have become idle are closed meanwhile. */
const sweepInterval = 50;

/** Rejects with the error of the socket (`EADDRINUSE`, `EACCES`, …). */
export function listen(options: ListenOptions): Promise<HttpsListener> {
  const server: Server = createServer(
    {
      key: options.serving.key,
      cert: options.serving.certificate,
      ca: options.clientAuthority,
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      headersTimeout,
      requestTimeout,
      keepAliveTimeout,
      maxHeaderSize: 64 * 1024,
      noDelay: true,
    },
    options.handler,
  );
  if (options.upgrade !== undefined) server.on('upgrade', options.upgrade);
  const sockets = new Set<Socket>();
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  answerPlainHttp(server);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: options.bind, port: options.port, backlog: 4096 }, () => {
      server.off('error', reject);
      resolve({
        port: (server.address() as AddressInfo).port,
        close: () => close(server, sockets),
      });
    });
  });
}

/** A failed handshake is the client's affair; one that speaks HTTP without TLS is told so, as Go's servers do. */
function answerPlainHttp(server: Server): void {
  const shaking = new Map<number | undefined, Socket>();
  server.on('connection', (socket: Socket) => {
    const { remotePort } = socket;
    shaking.set(remotePort, socket);
    socket.once('close', () => shaking.delete(remotePort));
  });
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    const plain = shaking.get(socket.remotePort);
    if (error.code === 'ERR_SSL_HTTP_REQUEST') plain?.end(plainHttpAnswer);
    socket.destroy();
  });
}

const plainHttpAnswer = 'HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n';

function close(server: Server, sockets: Set<Socket>): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => {
      for (const socket of sockets) socket.destroy();
    }, closeTimeout);
    // Connections become idle as their last answers end, and their clients would keep them.
    const sweep = setInterval(() => server.closeIdleConnections(), sweepInterval);
    server.close(() => {
      clearTimeout(cut);
      clearInterval(sweep);
      resolve();
    });
    server.closeIdleConnections();
  });
}
