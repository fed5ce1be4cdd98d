/** Who asks: what a request shows of itself, from its headers, its connection's certificate or its WebSocket's sub-protocols. */
import type { TLSSocket } from 'node:tls';
import type { UserInfo } from '../apis/user-info.ts';
import type { Credentials } from '../auth/authenticate.ts';
import type { Authentication } from '../auth/authentication.ts';
import type { Exchange } from './exchange.ts';
import { protocolAuthorization } from './watch-socket.ts';

/** Rejects with 401 when the credentials are nobody's. */
export function identification(authentication: Authentication): (exchange: Exchange) => Promise<UserInfo> {
  const users = new WeakMap<object, Promise<UserInfo>>();
  return (exchange) => {
    const { request, upgrade } = exchange;
    const socket = request.socket as TLSSocket;
    let { authorization } = request.headers;
    if (upgrade !== undefined && authorization === undefined && certificateOf(socket) === undefined) {
      authorization = protocolAuthorization(request);
      exchange.knownByProtocol = authorization !== undefined;
    }
    if (authorization !== undefined) return authentication.identify(credentialsOf(socket, authorization));
    // Node reads the certificate anew each time it is asked for; the connection's stays what it was.
    let user = users.get(socket);
    if (user === undefined) {
      user = authentication.identify(credentialsOf(socket, undefined));
      users.set(socket, user);
    }
    return user;
  };
}

function credentialsOf(socket: TLSSocket, authorization: string | undefined): Credentials {
  return { certificate: certificateOf(socket), authorization, address: socket.remoteAddress };
}

export function certificateOf(socket: TLSSocket): Credentials['certificate'] {
  if (typeof socket.getPeerCertificate !== 'function' || !socket.authorized) return undefined;
  const certificate = socket.getPeerCertificate();
  return certificate === null || Object.keys(certificate).length === 0 ? undefined : certificate;
}
