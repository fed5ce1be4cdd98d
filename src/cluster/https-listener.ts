/**
 * A request handler on HTTPS: TLS 1.2 or newer, client certificates asked for and verified against the cluster's CA,
 * time-outs against clients that dawdle, and an end that lets the requests under way finish.
 */
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import type { HttpHandler, UpgradeHandler } from '../apiserver/http-handler.ts';
import type { KeyPair } from '../auth/certificates.ts';

export interface ServingCertificates {
  readonly serving: KeyPair;
  /** PEM of the CA (or CAs) that sign client certificates. */
  readonly clientAuthority: string;
}

export interface ListenOptions extends ServingCertificates {
  readonly handler: HttpHandler;
  /** Default: requests for another protocol are answered as if they asked for none. */
  readonly upgrade?: UpgradeHandler;
  readonly bind: string;
  /** 0: any free one. */
  readonly port: number;
  readonly limits?: Partial<ListenLimits>;
}

/** What clients are granted; times in milliseconds. */
export interface ListenLimits {
  /** For TLS' handshake. Default: 10 seconds. */
  readonly handshakeTimeout: number;
  /** For the head of a request. Default: 30 seconds. */
  readonly headersTimeout: number;
  /** For the whole of a request. Default: 2 minutes. */
  readonly requestTimeout: number;
  /** How long an idle connection is kept. Default: 150 seconds, longer than clients keep theirs. */
  readonly keepAliveTimeout: number;
  /** How long a client may leave an answer where it is, taking none of it. Default: 1 minute. */
  readonly stallTimeout: number;
  /** How many bytes the head of a request may have: 431 above. Default: 64 KiB. */
  readonly maxHeaderBytes: number;
}

const defaultLimits: ListenLimits = {
  handshakeTimeout: 10_000,
  headersTimeout: 30_000,
  requestTimeout: 120_000,
  keepAliveTimeout: 150_000,
  stallTimeout: 60_000,
  maxHeaderBytes: 64 * 1024,
};

export interface HttpsListener {
  readonly port: number;
  /** New connections are served with this from now on; those there are stay as they are. */
  renew(certificates: ServingCertificates): void;
  /** Takes no new connections, and resolves when those there are have ended; idle ones are closed at once. */
  close(): Promise<void>;
}

/** What is left open this long after `close` is cut. */
const closeTimeout = 5_000;
/** How often connections that have become idle are closed meanwhile. */
const sweepInterval = 50;

/** Rejects with the error of the socket (`EADDRINUSE`, `EACCES`, …). */
export function listen(options: ListenOptions): Promise<HttpsListener> {
  const limits = { ...defaultLimits, ...options.limits };
  const server: Server = createServer(
    {
      ...secureContext(options),
      requestCert: true,
      rejectUnauthorized: false,
      handshakeTimeout: limits.handshakeTimeout,
      headersTimeout: limits.headersTimeout,
      requestTimeout: limits.requestTimeout,
      keepAliveTimeout: limits.keepAliveTimeout,
      maxHeaderSize: limits.maxHeaderBytes,
      // How often the two times above are looked at.
      connectionsCheckingInterval: Math.min(limits.headersTimeout, limits.requestTimeout, 10_000) / 2,
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
  cutStalled(server, sockets, limits.stallTimeout);
  answerPlainHttp(server);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: options.bind, port: options.port, backlog: 4096 }, () => {
      server.off('error', reject);
      resolve({
        port: (server.address() as AddressInfo).port,
        renew: (certificates) => server.setSecureContext(secureContext(certificates)),
        close: () => close(server, sockets),
      });
    });
  });
}

/**
 * Cuts clients that have not taken a byte of what waits for them since the last look, of which there are two within
 * `timeout`: each answer that waits holds its bytes. What is written in one piece is taken as one: long answers go out in
 * several.
 */
function cutStalled(server: Server, sockets: ReadonlySet<Socket>, timeout: number): void {
  const waiting = new WeakMap<Socket, number>();
  const look = setInterval(() => {
    for (const socket of sockets) {
      const taken = socket.bytesWritten - socket.writableLength;
      if (socket.writableLength === 0) waiting.delete(socket);
      else if (waiting.get(socket) === taken) socket.destroy();
      else waiting.set(socket, taken);
    }
  }, timeout / 2);
  look.unref();
  server.once('close', () => clearInterval(look));
}

function secureContext({ serving, clientAuthority }: ServingCertificates): SecureContextOptions {
  return { key: serving.key, cert: serving.certificate, ca: clientAuthority, minVersion: 'TLSv1.2', ciphers };
}

/** Forward secrecy and authenticated encryption, and nothing else (RFC 9325, 4.2); those of TLS 1.3 come first. */
const ciphers = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

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
