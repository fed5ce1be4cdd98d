/**
 * The agent's endpoint on HTTPS, for API servers in other processes. Callers show a certificate of the cluster's authority;
 * only the API server's own, and administrators', may ask for anything but health.
 */
import type { IncomingMessage } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../../clock/clock.ts';
import { UpgradeRefused, writeRefusal } from '../../streaming/upgrade.ts';
import { agentEndpoint, type ServedNode } from './endpoint.ts';

export interface AgentServerOptions {
  /** PEM. */
  readonly certificate: string;
  readonly key: string;
  /** The authority whose client certificates are accepted, PEM. */
  readonly clientAuthority: string;
  /** Default: every address. */
  readonly host?: string;
  /** 0: any free one. */
  readonly port: number;
  /** Who may ask, by the subject of the certificate. Default: `system:masters` and `kube-apiserver-kubelet-client`. */
  readonly allow?: (commonName: string, organizations: readonly string[]) => boolean;
}

export interface AgentServer {
  readonly port: number;
  close(): Promise<void>;
}

const isApiServer = (commonName: string, organizations: readonly string[]): boolean =>
  organizations.includes('system:masters') || commonName === 'kube-apiserver-kubelet-client';

export async function serveAgent(node: ServedNode, options: AgentServerOptions, clock: Clock): Promise<AgentServer> {
  const allow = options.allow ?? isApiServer;
  const closing = new AbortController();
  const endpoint = agentEndpoint(node, clock, closing.signal);
  const server = createServer(
    {
      cert: options.certificate,
      key: options.key,
      ca: options.clientAuthority,
      requestCert: true,
      // Health is for everybody; the rest is refused with words instead of a broken handshake.
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
    },
    (request, response) => {
      const refused = request.url === '/healthz' ? undefined : refusal(request, allow);
      if (refused === undefined) return endpoint.handler(request, response);
      response.writeHead(refused.code, { 'Content-Type': 'text/plain; charset=utf-8' }).end(refused.message);
    },
  );
  const upgraded = new Set<Duplex>();
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    upgraded.add(socket);
    socket.once('close', () => upgraded.delete(socket));
    const refused = refusal(request, allow);
    if (refused === undefined) endpoint.upgrade(request, socket, head);
    else writeRefusal(socket, refused);
  });
  await listening(server, options);
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        closing.abort();
        server.close(() => resolve());
        server.closeAllConnections();
        for (const socket of upgraded) socket.destroy();
      }),
  };
}

/** Why the caller may not ask. */
function refusal(
  request: IncomingMessage,
  allow: NonNullable<AgentServerOptions['allow']>,
): UpgradeRefused | undefined {
  const socket = request.socket as TLSSocket;
  if (!socket.authorized) return new UpgradeRefused(401, 'Unauthorized');
  const { CN = '', O = [] } = (socket.getPeerCertificate().subject ?? {}) as { CN?: string; O?: string | string[] };
  if (allow(CN, Array.isArray(O) ? O : [O])) return undefined;
  return new UpgradeRefused(403, `Forbidden (user=${CN}, verb=get, resource=nodes)`);
}

function listening(server: Server, { port, host }: AgentServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
