/** What service account tokens say. Source: Kubernetes `pkg/serviceaccount/{claims,legacy}.go`. */
import type { UserInfo } from '../../apis/user-info.ts';

export interface ObjectClaim {
  readonly name?: string;
  readonly uid?: string;
}

/** Of a bound token, under `kubernetes.io`. */
export interface BoundClaims {
  readonly namespace?: string;
  readonly node?: ObjectClaim;
  readonly pod?: ObjectClaim;
  readonly secret?: ObjectClaim;
  readonly serviceaccount?: ObjectClaim;
  /** Seconds since the epoch: from then on whoever uses the token should have fetched a new one. */
  readonly warnafter?: number;
}

export interface TokenClaims {
  readonly aud?: string | readonly string[];
  readonly exp?: number;
  readonly iat?: number;
  readonly iss?: string;
  readonly jti?: string;
  readonly nbf?: number;
  readonly sub?: string;
  readonly 'kubernetes.io'?: BoundClaims;
  readonly 'kubernetes.io/serviceaccount/namespace'?: string;
  readonly 'kubernetes.io/serviceaccount/secret.name'?: string;
  readonly 'kubernetes.io/serviceaccount/service-account.name'?: string;
  readonly 'kubernetes.io/serviceaccount/service-account.uid'?: string;
}

/** The issuer of tokens that are kept in Secrets. */
export const legacyIssuer = 'kubernetes/serviceaccount';

export interface ServiceAccountIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly pod?: ObjectClaim | undefined;
  readonly node?: ObjectClaim | undefined;
  readonly tokenId?: string | undefined;
}

export function serviceAccountName(namespace: string, name: string): string {
  return `system:serviceaccount:${namespace}:${name}`;
}

export function serviceAccountUser({ namespace, name, uid, pod, node, tokenId }: ServiceAccountIdentity): UserInfo {
  const extra: Record<string, string[]> = {};
  const add = (key: string, value: string | undefined): void => {
    if (value !== undefined && value !== '') extra[`authentication.kubernetes.io/${key}`] = [value];
  };
  add('credential-id', tokenId === undefined || tokenId === '' ? undefined : `JTI=${tokenId}`);
  add('node-name', node?.name);
  add('node-uid', node?.uid);
  add('pod-name', pod?.name);
  add('pod-uid', pod?.uid);
  return {
    name: serviceAccountName(namespace, name),
    uid,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`],
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  };
}
