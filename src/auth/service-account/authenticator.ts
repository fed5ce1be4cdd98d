/**
 * Whom the tokens of service accounts speak for. A signature is checked once and remembered; whether the token's account,
 * pod, secret or node still are what they were is looked up every time, so that deleting them revokes it.
 * Source: Kubernetes `pkg/serviceaccount/{jwt,claims,legacy}.go`.
 */
import { createHash } from 'node:crypto';
import type { TokenAuthenticator, TokenIdentity } from '../../apis/authenticator.ts';
import type { Clock } from '../../clock/clock.ts';
import { goQuote } from '../../machinery/field.ts';
import type { ApiObject } from '../../machinery/object.ts';
import { LruMap } from '../lru.ts';
import {
  type BoundClaims,
  legacyIssuer,
  type ObjectClaim,
  serviceAccountName,
  serviceAccountUser,
  type TokenClaims,
} from './claims.ts';
import type { ServiceAccountKeys } from './keys.ts';

/** Objects of the core group, as the server's caches have them. */
export type ObjectLookup = (
  resource: 'serviceaccounts' | 'pods' | 'secrets' | 'nodes',
  namespace: string | undefined,
  name: string,
) => Promise<ApiObject | undefined>;

export interface ServiceAccountAuthenticatorOptions {
  /** The first one makes tokens, the others are believed too. */
  readonly issuers: readonly string[];
  readonly keys: () => ServiceAccountKeys;
  /** The API server's own audiences. */
  readonly audiences: readonly string[];
  readonly lookup: ObjectLookup;
  readonly clock: Clock;
}

/** Clocks differ by so much, in milliseconds; what was deleted no longer ago than this still counts. */
const leeway = 60_000;
const rememberedTokens = 10_000;

export function serviceAccountAuthenticator(options: ServiceAccountAuthenticatorOptions): TokenAuthenticator {
  const issuers = new Set([...options.issuers, legacyIssuer]);
  const verified = new LruMap<string, TokenClaims>(rememberedTokens);
  let verifiedWith: ServiceAccountKeys | undefined;

  async function claimsOf(token: string): Promise<TokenClaims> {
    const keys = options.keys();
    if (keys !== verifiedWith) verified.clear();
    verifiedWith = keys;
    const hash = createHash('sha256').update(token).digest('base64');
    let claims = verified.get(hash);
    if (claims === undefined) {
      claims = await verify(token, keys);
      if (keys === verifiedWith) verified.set(hash, claims);
    }
    return claims;
  }

  return {
    async authenticateToken(token, audiences): Promise<TokenIdentity | undefined> {
      const issuer = unverifiedIssuer(token);
      if (issuer === undefined || !issuers.has(issuer)) return undefined;
      const claims = await claimsOf(token);
      const asked = audiences.length === 0 ? options.audiences : audiences;
      const meant = [claims.aud ?? []].flat();
      // A token without audiences is for the API server.
      const given = meant.length === 0 ? options.audiences : meant;
      const shared = given.filter((audience) => asked.includes(audience));
      if (shared.length === 0) {
        throw new Error(`token audiences ${quoted(given)} is invalid for the target audiences ${quoted(asked)}`);
      }
      const user =
        claims.iss === legacyIssuer && claims['kubernetes.io'] === undefined
          ? await legacyUser(token, claims, options)
          : await boundUser(claims, options);
      return { user, audiences: shared };
    },
  };
}

/** What the token says of its issuer, before anything of it is believed. `undefined`: it is no JWT. */
export function unverifiedIssuer(token: string): string | undefined {
  const [, payload, , ...rest] = token.split('.');
  if (payload === undefined || rest.length > 0) return undefined;
  try {
    const { iss } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as TokenClaims;
    return typeof iss === 'string' ? iss : undefined;
  } catch {
    return undefined;
  }
}

async function verify(token: string, { verifying }: ServiceAccountKeys): Promise<TokenClaims> {
  const { compactVerify, decodeProtectedHeader } = await import('jose');
  const { kid } = decodeProtectedHeader(token);
  const candidates = kid === undefined ? verifying : verifying.filter(({ id }) => id === kid);
  if (candidates.length === 0) throw new Error('invalid signature, no keys found');
  for (const { publicKey, algorithm } of candidates) {
    try {
      const { payload } = await compactVerify(token, publicKey, { algorithms: [algorithm] });
      return JSON.parse(Buffer.from(payload).toString()) as TokenClaims;
    } catch {
      // Not this key's: the next one may be it, and the error below says the rest.
    }
  }
  throw new Error('go-jose/go-jose: error in cryptographic primitive');
}

async function boundUser(claims: TokenClaims, { lookup, clock }: ServiceAccountAuthenticatorOptions) {
  const now = clock.now();
  if (claims.nbf !== undefined && now + leeway < claims.nbf * 1000) {
    throw new Error('service account token is not valid yet');
  }
  if (claims.exp !== undefined && now - leeway > claims.exp * 1000)
    throw new Error('service account token has expired');

  const { namespace = '', serviceaccount = {}, pod, node, secret }: BoundClaims = claims['kubernetes.io'] ?? {};
  const { name = '', uid = '' } = serviceaccount;
  const account = await lookup('serviceaccounts', namespace, name);
  if (account === undefined) throw new Error(`serviceaccounts ${goQuote(name)} not found`);
  if (isDeleted(account, now)) throw new Error(`service account ${namespace}/${name} has been deleted`);
  if (account.metadata.uid !== uid) {
    throw new Error(`service account UID (${account.metadata.uid}) does not match claim (${uid})`);
  }
  const requireObject = async (kind: string, claim: ObjectClaim, found: Promise<ApiObject | undefined>) => {
    const object = await found;
    if (object === undefined || isDeleted(object, now)) throw new Error('service account token has been invalidated');
    if (object.metadata.uid === claim.uid) return;
    throw new Error(
      `${kind} UID (${object.metadata.uid}) does not match service account ${kind} ref claim (${claim.uid ?? ''})`,
    );
  };
  if (secret !== undefined) await requireObject('secret', secret, lookup('secrets', namespace, secret.name ?? ''));
  if (pod !== undefined) await requireObject('pod', pod, lookup('pods', namespace, pod.name ?? ''));
  // The node of a pod's token says where the pod is; it binds nothing.
  else if (node !== undefined) await requireObject('node', node, lookup('nodes', undefined, node.name ?? ''));
  return serviceAccountUser({ namespace, name, uid, pod, node, tokenId: claims.jti });
}

async function legacyUser(token: string, claims: TokenClaims, { lookup }: ServiceAccountAuthenticatorOptions) {
  const part = (claim: keyof TokenClaims, called: string): string => {
    const value = claims[claim];
    if (typeof value !== 'string' || value === '') throw new Error(`${called} claim is missing`);
    return value;
  };
  const subject = part('sub', 'sub');
  const namespace = part('kubernetes.io/serviceaccount/namespace', 'namespace');
  const secretName = part('kubernetes.io/serviceaccount/secret.name', 'secretName');
  const name = part('kubernetes.io/serviceaccount/service-account.name', 'serviceAccountName');
  const uid = part('kubernetes.io/serviceaccount/service-account.uid', 'serviceAccountUID');
  if (subject !== serviceAccountName(namespace, name)) throw new Error('sub claim is invalid');

  const secret = (await lookup('secrets', namespace, secretName)) as { data?: { token?: string } } & ApiObject;
  if (secret === undefined || secret.metadata.deletionTimestamp !== undefined) {
    throw new Error('service account token has been invalidated');
  }
  if (Buffer.from(secret.data?.token ?? '', 'base64').toString() !== token) {
    throw new Error("service account token does not match server's copy");
  }
  const account = await lookup('serviceaccounts', namespace, name);
  if (account === undefined) throw new Error(`serviceaccounts ${goQuote(name)} not found`);
  if (account.metadata.deletionTimestamp !== undefined) {
    throw new Error(`service account ${namespace}/${name} has been deleted`);
  }
  if (account.metadata.uid !== uid) {
    throw new Error(`service account UID (${account.metadata.uid}) does not match claim (${uid})`);
  }
  return serviceAccountUser({ namespace, name, uid });
}

function isDeleted({ metadata }: ApiObject, now: number): boolean {
  return metadata.deletionTimestamp !== undefined && Date.parse(metadata.deletionTimestamp) < now - leeway;
}

/** As Go prints a list of strings with `%q`. */
function quoted(values: readonly string[]): string {
  return `[${values.map((value) => goQuote(value)).join(' ')}]`;
}
