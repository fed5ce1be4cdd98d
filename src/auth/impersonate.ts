/**
 * Requests on behalf of someone else: `kubectl --as`. Who may impersonate what is a question to the authorizers, one for
 * every name, group and further attribute.
 * Source: Kubernetes authentication, "User impersonation"; `k8s.io/apiserver/pkg/endpoints/filters` (impersonation).
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { UserInfo } from '../apis/resource-type.ts';
import { internalError } from '../machinery/status.ts';
import { anonymousUser, authenticatedGroup } from './authenticate.ts';
import type { Attributes } from './authorize.ts';

const userHeader = 'impersonate-user';
const groupHeader = 'impersonate-group';
const uidHeader = 'impersonate-uid';
const extraPrefix = 'impersonate-extra-';
const serviceAccountPrefix = 'system:serviceaccount:';

/** The user that the request acts as: `user` itself when it names nobody else. Throws 403 when it may not. */
export function impersonate(
  user: UserInfo,
  headers: IncomingHttpHeaders,
  distinct: () => NodeJS.Dict<string[]>,
  authorize: (attributes: Attributes) => void,
): UserInfo {
  const name = headers[userHeader];
  if (name === undefined && !asksForParts(headers)) return user;
  // A header that comes twice: the joined form cannot be taken apart, since names may hold commas.
  const given = distinct();
  if (typeof name !== 'string' || name === '') {
    throw internalError(`requested ${JSON.stringify(Object.fromEntries(parts(given)))} without impersonating a user`);
  }
  const may = (resource: string, group: string, what: string, subresource = '', namespace?: string): void =>
    authorize({ user, verb: 'impersonate', group, version: 'v1', resource, subresource, namespace, name: what });

  const account = serviceAccount(name);
  if (account === undefined) may('users', '', name);
  else may('serviceaccounts', '', account.name, '', account.namespace);
  const groups = [...(given[groupHeader] ?? [])];
  for (const group of groups) may('groups', '', group);
  const [uid] = given[uidHeader] ?? [];
  if (uid !== undefined) may('uids', 'authentication.k8s.io', uid);
  const extra: Record<string, string[]> = {};
  for (const [header, values = []] of Object.entries(given)) {
    if (!header.startsWith(extraPrefix)) continue;
    const key = unescaped(header.slice(extraPrefix.length));
    for (const value of values) may('userextras', 'authentication.k8s.io', value, key);
    extra[key] = values;
  }

  if (account !== undefined && groups.length === 0) {
    groups.push('system:serviceaccounts', `system:serviceaccounts:${account.namespace}`);
  }
  const everybody = name === anonymousUser.name ? anonymousUser.groups[0]! : authenticatedGroup;
  if (!groups.includes(everybody)) groups.push(everybody);
  return {
    name,
    groups,
    ...(uid === undefined ? {} : { uid }),
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  };
}

function asksForParts(headers: IncomingHttpHeaders): boolean {
  if (headers[groupHeader] !== undefined || headers[uidHeader] !== undefined) return true;
  for (const header in headers) if (header.startsWith(extraPrefix)) return true;
  return false;
}

function parts(given: NodeJS.Dict<string[]>): [string, string[]][] {
  return Object.entries(given).filter((entry): entry is [string, string[]] => entry[0].startsWith('impersonate-'));
}

function serviceAccount(name: string): { namespace: string; name: string } | undefined {
  if (!name.startsWith(serviceAccountPrefix)) return undefined;
  const [namespace = '', account = '', ...rest] = name.slice(serviceAccountPrefix.length).split(':');
  return namespace === '' || account === '' || rest.length > 0 ? undefined : { namespace, name: account };
}

/** Keys of extras may be percent-encoded in the name of their header. */
function unescaped(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}
