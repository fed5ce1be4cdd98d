/**
 * Requests on behalf of someone else: `kubectl --as`. Who may impersonate what is a question to the authorizers, one for
 * every name, group and further attribute.
 * Source: Kubernetes authentication, "User impersonation"; `k8s.io/apiserver/pkg/endpoints/filters` (impersonation).
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { UserInfo } from '../apis/user-info.ts';
import { internalError } from '../machinery/status.ts';
import { anonymousUser, authenticatedGroup } from './authenticate.ts';
import type { Gate } from './authorize.ts';

const userHeader = 'impersonate-user';
const groupHeader = 'impersonate-group';
const uidHeader = 'impersonate-uid';
const extraPrefix = 'impersonate-extra-';
const serviceAccountPrefix = 'system:serviceaccount:';

/** Whether the request wants to act as someone else, or at least says so in part. */
export function asksToImpersonate(headers: IncomingHttpHeaders): boolean {
  if (headers[userHeader] !== undefined || headers[groupHeader] !== undefined) return true;
  if (headers[uidHeader] !== undefined) return true;
  for (const header in headers) if (header.startsWith(extraPrefix)) return true;
  return false;
}

/**
 * The user that the request of `user` acts as; rejects with 403 when it may not. `given`: the headers, each value apart, since
 * names may hold the commas that join them elsewhere.
 */
export async function impersonate(user: UserInfo, given: NodeJS.Dict<string[]>, gate: Gate): Promise<UserInfo> {
  const [name = ''] = given[userHeader] ?? [];
  if (name === '') {
    throw internalError(`requested [${parts(given).join(' ')}] without impersonating a user`);
  }
  const may = async (resource: string, group: string, what: string, subresource = '', namespace = ''): Promise<void> =>
    await gate({ user, verb: 'impersonate', group, version: 'v1', resource, subresource, namespace, name: what });

  const account = serviceAccount(name);
  if (account === undefined) await may('users', '', name);
  else await may('serviceaccounts', '', account.name, '', account.namespace);
  const groups = [...(given[groupHeader] ?? [])];
  for (const group of groups) await may('groups', '', group);
  const [uid] = given[uidHeader] ?? [];
  if (uid !== undefined) await may('uids', 'authentication.k8s.io', uid);
  const extra: Record<string, string[]> = {};
  for (const [header, values = []] of Object.entries(given)) {
    if (!header.startsWith(extraPrefix)) continue;
    const key = unescaped(header.slice(extraPrefix.length));
    for (const value of values) await may('userextras', 'authentication.k8s.io', value, key);
    extra[key] = values;
  }

  if (account !== undefined && groups.length === 0) {
    groups.push('system:serviceaccounts', `system:serviceaccounts:${account.namespace}`);
  }
  const unauthenticated = anonymousUser.groups[0]!;
  if (name === anonymousUser.name) {
    if (!groups.includes(unauthenticated)) groups.push(unauthenticated);
  } else if (!groups.includes(authenticatedGroup) && !groups.includes(unauthenticated)) groups.push(authenticatedGroup);
  return {
    name,
    groups,
    ...(uid === undefined ? {} : { uid }),
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  };
}

/** As Go prints the object references that Kubernetes makes of the headers. */
function parts(given: NodeJS.Dict<string[]>): string[] {
  const found = (given[groupHeader] ?? []).map((group) => `{Group  ${group}    }`);
  for (const [header, values = []] of Object.entries(given)) {
    if (!header.startsWith(extraPrefix)) continue;
    const key = unescaped(header.slice(extraPrefix.length));
    found.push(...values.map((value) => `{UserExtra  ${value}  authentication.k8s.io/v1  ${key}}`));
  }
  found.push(...(given[uidHeader] ?? []).map((uid) => `{UID  ${uid}  authentication.k8s.io/v1  }`));
  return found;
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
