/** How a request begins in the audit log. Source: `k8s.io/apiserver/pkg/endpoints/filters` (audit.go, authn_audit.go). */
import { randomUUID } from 'node:crypto';
import { isIP, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Attributes, ResourceAttributes } from '../apis/authorizer.ts';
import type { UserInfo } from '../apis/user-info.ts';
import type { AuditedRequest } from '../auth/audit/trail.ts';
import type { Exchange } from './exchange.ts';
import { certificateOf } from './identify.ts';

/** Who asks when nobody knows. */
export const unknownUser: UserInfo = { name: '', groups: [] };

export function auditedRequest(exchange: Exchange, attributes: Attributes, received: number): AuditedRequest {
  const { request } = exchange;
  return {
    auditId: exchange.auditId,
    requestUri: request.url ?? '/',
    attributes,
    sourceIps: sourceIps(exchange),
    userAgent: request.headers['user-agent'] ?? '',
    received,
  };
}

/** A request from inside this process, as if it had come by the URL that asks for the same; it has no address. */
export function auditedLocalRequest(
  attributes: Attributes,
  query: URLSearchParams,
  userAgent: string,
  received: number,
): AuditedRequest {
  const path = 'path' in attributes ? attributes.path : pathOf(attributes);
  const requestUri = query.size === 0 ? path : `${path}?${query}`;
  return { auditId: randomUUID(), requestUri, attributes, sourceIps: [], userAgent, received };
}

function pathOf({ group, version, namespace, resource, name, subresource }: ResourceAttributes): string {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const scope = (namespace ?? '') === '' ? '' : `/namespaces/${namespace}`;
  const object = name === '' ? '' : `/${name}`;
  return `${root}${scope}/${resource}${object}${subresource === '' ? '' : `/${subresource}`}`;
}

/** Whom proxies say that they speak for, and whoever speaks. Source: `k8s.io/apimachinery/pkg/util/net` (SourceIPs). */
function sourceIps({ request }: Exchange): readonly string[] {
  const { 'x-forwarded-for': forwarded, 'x-real-ip': real } = request.headers;
  const remote = remoteAddress(request.socket);
  if (forwarded === undefined && real === undefined) return remote;
  const addresses = String(forwarded)
    .split(',')
    .map((address) => address.trim())
    .filter((address) => isIP(address) !== 0);
  const realAddress = String(real).trim();
  if (isIP(realAddress) !== 0 && !addresses.includes(realAddress)) addresses.push(realAddress);
  return addresses.at(-1) === remote[0] ? addresses : [...addresses, ...remote];
}

/** Of connections, which carry many requests. */
const remotes = new WeakMap<Socket, readonly string[]>();

function remoteAddress(socket: Socket): readonly string[] {
  let known = remotes.get(socket);
  if (known === undefined) {
    const address = socket.remoteAddress?.replace(/^::ffff:(?=\d+\.)/i, '');
    known = address === undefined ? [] : [address];
    remotes.set(socket, known);
  }
  return known;
}

/** What was tried, in kube-apiserver's words. */
export function attempted({ request }: Exchange): string {
  const authorization = (request.headers.authorization ?? '').trim().toLowerCase();
  const methods = [
    ...(authorization.startsWith('basic ') ? ['basic'] : []),
    ...(authorization.startsWith('bearer ') ? ['bearer'] : []),
    ...(certificateOf(request.socket as TLSSocket) === undefined ? [] : ['x509']),
  ];
  if (methods.length === 0) return 'Authentication failed, no credentials provided';
  return `Authentication failed, attempted: ${methods.join(', ')}`;
}
