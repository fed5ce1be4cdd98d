/**
 * Bootstrap tokens: `<id>.<secret>`, kept as Secrets `bootstrap-token-<id>` in `kube-system`, with which nodes join.
 * Source: Kubernetes "Authenticating with bootstrap tokens"; `plugin/pkg/auth/authenticator/token/bootstrap`.
 */
import { timingSafeEqual } from 'node:crypto';
import type { UserInfo } from '../apis/user-info.ts';
import type { Clock } from '../clock/clock.ts';
import type { ObjectLookup } from './service-account/authenticator.ts';

export const bootstrapTokenNamespace = 'kube-system';
export const bootstrapTokenType = 'bootstrap.kubernetes.io/token';
export const bootstrapGroup = 'system:bootstrappers';

const tokenForm = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const groupForm = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;

interface TokenSecret {
  readonly type?: string;
  readonly metadata: { readonly deletionTimestamp?: string };
  /** Base64. */
  readonly data?: Readonly<Record<string, string>>;
}

/** Whose token it is; `undefined` when it is none that may log in now. */
export function bootstrapUser(lookup: ObjectLookup, clock: Clock): (token: string) => Promise<UserInfo | undefined> {
  return async (token) => {
    const [, id, secret] = tokenForm.exec(token) ?? [];
    if (id === undefined || secret === undefined) return undefined;
    const found = (await lookup('secrets', bootstrapTokenNamespace, `bootstrap-token-${id}`)) as
      | TokenSecret
      | undefined;
    if (found === undefined || found.metadata.deletionTimestamp !== undefined) return undefined;
    const value = (key: string): string => Buffer.from(found.data?.[key] ?? '', 'base64').toString();
    if (found.type !== bootstrapTokenType || value('token-id') !== id) return undefined;
    if (!sameText(value('token-secret'), secret)) return undefined;
    if (isExpired(value('expiration'), clock.now())) return undefined;
    if (value('usage-bootstrap-authentication') !== 'true') return undefined;
    const groups = value('auth-extra-groups')
      .split(',')
      .filter((group) => group !== '');
    if (!groups.every((group) => groupForm.test(group))) return undefined;
    return { name: `system:bootstrap:${id}`, groups: [bootstrapGroup, ...groups] };
  };
}

/** A time that cannot be read has passed. */
function isExpired(expiration: string, now: number): boolean {
  return expiration !== '' && !(Date.parse(expiration) > now);
}

/** In a time that says nothing of where they differ. */
function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
