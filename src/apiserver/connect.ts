/**
 * Subresources that are connected to: admission, then whatever protocol the client asks for. Source: ConnectResource of
 * `k8s.io/apiserver/pkg/endpoints/handlers`.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Connection, ConnectSubresource } from '../apis/resource-type.ts';
import type { Clock } from '../clock/clock.ts';
import { badRequest, StatusError } from '../machinery/status.ts';
import { serveCommand, servePortForward } from '../streaming/serve-upgrade.ts';
import { asksForSpdy, asksForWebSocket, subprotocols, UpgradeRefused, writeRefusal } from '../streaming/upgrade.ts';
import type { ApiRequest } from './api-request.ts';
import type { Exchange } from './exchange.ts';
import { proxy } from './proxy.ts';
import { admitConnection } from './subresource-admission.ts';
import { bearerPrefix } from './watch-socket.ts';

export interface ConnectServices {
  readonly clock: Clock;
  /** Aborted when the server stops: connections are cut. */
  readonly stopping: AbortSignal;
}

/** Resolves when the connection has ended. Rejects with a StatusError as long as nothing has been answered. */
export async function connect(
  exchange: Exchange,
  request: ApiRequest,
  target: ConnectSubresource,
  services: ConnectServices,
): Promise<void> {
  await admitConnection(request, target.kind, target.options(request.query, request.rest));
  const { namespace, name, query } = request;
  const { access, nodes } = request.services;
  const connection = await target.connect({ namespace, name, query, access, nodes }).catch((error: unknown) => {
    // What a kubelet says before it upgrades is passed on as it is.
    if (error instanceof UpgradeRefused) throw new StatusError(error.code, 'BadRequest', error.message);
    throw error;
  });
  if (connection.kind === 'proxy') await proxy(exchange, connection, request.rest, services.stopping);
  else await upgrade(exchange, connection, services);
}

async function upgrade(
  exchange: Exchange,
  connection: Exclude<Connection, { kind: 'proxy' }>,
  { clock, stopping }: ConnectServices,
): Promise<void> {
  const { request, response, connection: taken } = exchange;
  if (taken === undefined || !(asksForWebSocket(request) || asksForSpdy(request))) {
    throw badRequest('Upgrade request required');
  }
  response.detachSocket(taken.socket as Socket);
  exchange.audit?.started(101);
  const upgraded = { request, ...taken, protocols: withoutTokens(request) };
  try {
    if (connection.kind === 'command') await serveCommand(upgraded, connection, clock, stopping);
    else await servePortForward(upgraded, connection, clock, stopping);
  } catch (error) {
    writeRefusal(taken.socket, error instanceof StatusError ? asText(error) : error);
  }
}

/** The sub-protocols that may be answered: a token is not. */
function withoutTokens(request: IncomingMessage): string[] {
  return subprotocols(request).filter((protocol) => !protocol.startsWith(bearerPrefix));
}

function asText({ code, status }: StatusError): UpgradeRefused {
  return new UpgradeRefused(code, JSON.stringify(status), { 'Content-Type': 'application/json' });
}
