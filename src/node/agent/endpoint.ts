/**
 * What a node agent's endpoint answers, in kubelet's shape, to callers that may ask: `/containerLogs/…`, `/exec/…`,
 * `/attach/…`, `/portForward/…`, `/pods`, `/stats/summary`, `/metrics/resource`, `/healthz`. Source: kubelet's `pkg/kubelet/server`.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { AttachRequest, ContainerLogsRequest, ExecRequest, PortForwardRequest } from '../../apis/resource-type.ts';
import type { Pod } from '../../apis/types.ts';
import type { Clock } from '../../clock/clock.ts';
import type { JsonObject } from '../../machinery/json.ts';
import { StatusError } from '../../machinery/status.ts';
import type { PortDialer } from '../../streaming/port-forward-server.ts';
import { portsOf } from '../../streaming/port-forward-server.ts';
import { type CommandSession, type CommandWants, wantsNothing } from '../../streaming/remote-command.ts';
import { serveCommand, servePortForward } from '../../streaming/serve-upgrade.ts';
import { subprotocols, UpgradeRefused, type UpgradeRequest, writeRefusal } from '../../streaming/upgrade.ts';
import { formatResourceMetrics } from './resource-metrics.ts';
import type { ResourceUsage } from './resource-usage.ts';

/** What the endpoint shows. */
export interface ServedNode {
  containerLogs(request: ContainerLogsRequest): Promise<AsyncIterable<Uint8Array>>;
  exec(request: ExecRequest): Promise<CommandSession>;
  attach(request: AttachRequest): Promise<CommandSession>;
  portForward(request: PortForwardRequest): Promise<PortDialer>;
  pods(): readonly Pod[];
  resourceUsage(): Promise<ResourceUsage>;
  statsSummary(): Promise<JsonObject>;
}

export interface AgentEndpoint {
  handler(request: IncomingMessage, response: ServerResponse): void;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/** `signal` cuts the streams that are open. */
export function agentEndpoint(node: ServedNode, clock: Clock, signal: AbortSignal): AgentEndpoint {
  return {
    handler(request, response) {
      answer(node, request, response).catch((error: unknown) => refuse(response, error));
    },
    upgrade(request, socket, head) {
      socket.on('error', () => socket.destroy());
      const upgrade = { request, socket, head, protocols: subprotocols(request) };
      serve(node, upgrade, clock, signal).catch((error: unknown) => writeRefusal(socket, error));
    },
  };
}

async function answer(node: ServedNode, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'https://node');
  if (url.pathname === '/healthz') return text(response, 200, 'ok');
  if (request.method !== 'GET') return text(response, 405, 'Method Not Allowed');
  const [, resource, namespace, pod, container, more] = url.pathname.split('/').map(decodeURIComponent);
  if (resource === 'pods' && namespace === undefined) {
    return json(response, { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: node.pods() });
  }
  if (url.pathname === '/stats/summary') return json(response, await node.statsSummary());
  if (url.pathname === '/metrics/resource') {
    const type = 'text/plain; version=0.0.4; charset=utf-8';
    return text(response, 200, formatResourceMetrics(await node.resourceUsage()), type);
  }
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
  if (resource === 'exec' || resource === 'attach' || resource === 'portForward') {
    return text(response, 400, 'Upgrade request required');
  }
  text(response, 404, '404 page not found');
}

async function serve(node: ServedNode, upgrade: UpgradeRequest, clock: Clock, signal: AbortSignal): Promise<void> {
  const url = new URL(upgrade.request.url ?? '/', 'https://node');
  const query = url.searchParams;
  const [, resource, namespace, pod, container, more] = url.pathname.split('/').map(decodeURIComponent);
  if (!namespace || !pod || more !== undefined) throw new UpgradeRefused(404, '404 page not found');
  if (resource === 'portForward' && container === undefined) {
    const ports = portsOf(query.getAll('port'));
    const open = (over: AbortSignal) => node.portForward({ namespace, pod, signal: over });
    return await servePortForward(upgrade, { ports, open }, clock, signal);
  }
  if (!container || (resource !== 'exec' && resource !== 'attach')) throw new UpgradeRefused(404, '404 page not found');
  const flag = (name: string): boolean => query.get(name) === 'true' || query.get(name) === '1';
  const tty = flag('tty');
  const wants: CommandWants = { stdin: flag('input'), stdout: flag('output'), stderr: flag('error') && !tty, tty };
  if (wantsNothing(wants)) throw new UpgradeRefused(400, 'you must specify at least 1 of stdin, stdout, stderr');
  const asked = { ...wants, namespace, pod, container };
  const command = resource === 'exec' ? query.getAll('command') : [];
  const offer =
    resource === 'exec'
      ? { doing: 'executing command in container', open: () => node.exec({ ...asked, command }) }
      : { doing: 'attaching to container', open: () => node.attach(asked) };
  await serveCommand(upgrade, { wants, command, ...offer }, clock, signal);
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

function text(response: ServerResponse, code: number, body: string, type = 'text/plain; charset=utf-8'): void {
  response.writeHead(code, { 'Content-Type': type }).end(body);
}

function json(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}
