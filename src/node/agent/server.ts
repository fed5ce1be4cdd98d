/**
 * The agent's HTTPS endpoint, in kubelet's shape, for API servers in other processes: `/containerLogs/…`, `/pods`,
 * `/stats/summary`, `/healthz`. Callers show a certificate of the cluster's authority; only the API server's own, and
 * administrators', may read.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { ContainerLogsRequest } from '../../apis/resource-type.ts';
import type { Pod } from '../../apis/types.ts';
import type { JsonObject } from '../../machinery/json.ts';
import { StatusError } from '../../machinery/status.ts';

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

/** What the endpoint shows. */
export interface ServedNode {
  containerLogs(request: ContainerLogsRequest): Promise<AsyncIterable<Uint8Array>>;
  pods(): readonly Pod[];
  statsSummary(): Promise<JsonObject>;
}

export interface AgentServer {
  readonly port: number;
  close(): Promise<void>;
}

const isApiServer = (commonName: string, organizations: readonly string[]): boolean =>
  organizations.includes('system:masters') || commonName === 'kube-apiserver-kubelet-client';

export async function serveAgent(node: ServedNode, options: AgentServerOptions): Promise<AgentServer> {
  const allow = options.allow ?? isApiServer;
  const server = createServer(
    {
      cert: options.certificate,
      key: options.key,
      ca: options.clientAuthority,
      requestCert: true,
      // Health is for everybody; the handler refuses the rest with words instead of a broken handshake.
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
    },
    (request, response) => {
      answer(node, request, response, allow).catch((error: unknown) => refuse(response, error));
    },
  );
  await listening(server, options);
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
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

async function answer(
  node: ServedNode,
  request: IncomingMessage,
  response: ServerResponse,
  allow: NonNullable<AgentServerOptions['allow']>,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'https://node');
  if (url.pathname === '/healthz') return text(response, 200, 'ok');
  const socket = request.socket as TLSSocket;
  if (!socket.authorized) return text(response, 401, 'Unauthorized');
  const { CN = '', O = [] } = (socket.getPeerCertificate().subject ?? {}) as { CN?: string; O?: string | string[] };
  if (!allow(CN, Array.isArray(O) ? O : [O]))
    return text(response, 403, `Forbidden (user=${CN}, verb=get, resource=nodes)`);
  if (request.method !== 'GET') return text(response, 405, 'Method Not Allowed');

  const [, resource, namespace, pod, container, more] = url.pathname.split('/').map(decodeURIComponent);
  if (resource === 'pods' && namespace === undefined) {
    return json(response, { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: node.pods() });
  }
  if (url.pathname === '/stats/summary') return json(response, await node.statsSummary());
  if (resource === 'containerLogs' && namespace && pod && container && more === undefined) {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const logs = await node.containerLogs(logsRequest(namespace, pod, container, url.searchParams, gone.signal));
    response.writeHead(200, { 'Content-Type': 'text/plain' });
    // At once: who follows a silent container wants to know that it is followed.
    response.flushHeaders();
    for await (const chunk of logs) {
      if (gone.signal.aborted) return;
      if (!response.write(chunk)) await drained(response, gone.signal);
    }
    response.end();
    return;
  }
  text(response, 404, '404 page not found');
}

function logsRequest(
  namespace: string,
  pod: string,
  container: string,
  query: URLSearchParams,
  signal: AbortSignal,
): ContainerLogsRequest {
  const flag = (name: string): boolean => query.get(name) === 'true' || query.get(name) === '1';
  const sinceTime = query.get('sinceTime');
  const numbers: { sinceSeconds?: number; tailLines?: number; limitBytes?: number } = {};
  for (const name of ['sinceSeconds', 'tailLines', 'limitBytes'] as const) {
    const given = query.get(name);
    if (given === null) continue;
    if (!/^-?\d+$/.test(given))
      throw new StatusError(400, 'BadRequest', `Unable to decode the request for container logs: ${name}`);
    numbers[name] = Number(given);
  }
  return {
    namespace,
    pod,
    container,
    follow: flag('follow'),
    previous: flag('previous'),
    timestamps: flag('timestamps'),
    ...numbers,
    ...(sinceTime === null ? {} : { sinceTime }),
    signal,
  };
}

function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    response.once('drain', resolve);
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function refuse(response: ServerResponse, error: unknown): void {
  if (response.headersSent) response.destroy();
  else text(response, error instanceof StatusError ? error.code : 500, (error as Error).message);
}

function text(response: ServerResponse, code: number, body: string): void {
  response.writeHead(code, { 'Content-Type': 'text/plain; charset=utf-8' }).end(body);
}

function json(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}
