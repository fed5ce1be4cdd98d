/**
 * Whom the tokens of service accounts speak for. A signature is checked once and remembered; whether the token's account,
 * pod, secret or node still are what they were is looked up every time, so that deleting them revokes it.
 * Source: Kubernetes `pkg/serviceaccount/{jwt,claims,legacy}.go`.
 */
import { createHash } from 'node:crypto';
import type { TokenAuthenticator, TokenIdentity } from '../../apis/authenticator.ts';
import type { UserInfo } from '../../apis/user-info.ts';
import type { Clock } from '../../clock/clock.ts';
import { goQuote } from '../../machinery/field.ts';
import type { ApiObject } from '../../machinery/object.ts';
import { LruMap } from '../lru.ts';
import {
  type BoundClaims,
  legacyIssuer,
  type ObjectClaim,
  type ServiceAccountIdentity,
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
) => ApiObject | undefined | Promise<ApiObject | undefined>;

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

/** A token whose signature is right, and what follows from it alone. */
interface Verified {
  readonly claims: TokenClaims;
  /** Undefined: the API server. */
  readonly audiences: readonly string[] | undefined;
  readonly account: Account;
  readonly user: UserInfo;
}

export function serviceAccountAuthenticator(options: ServiceAccountAuthenticatorOptions): TokenAuthenticator {
  const { keys, audiences: own } = options;
  const issuers = new Set([...options.issuers, legacyIssuer]);
  const known = new LruMap<string, Verified>(rememberedTokens);
  let knownBy: ServiceAccountKeys | undefined;

  async function verified(token: string): Promise<Verified | undefined> {
    const current = keys();
    if (current !== knownBy) known.clear();
    knownBy = current;
    const hash = createHash('sha256').update(token).digest('base64');
    const remembered = known.get(hash);
    if (remembered !== undefined) return remembered;
    const issuer = unverifiedIssuer(token);
    if (issuer === undefined || !issuers.has(issuer)) return undefined;
    const claims = await verify(token, current);
    const account = accountOf(claims);
    const audiences = claims.aud === undefined ? undefined : [claims.aud].flat();
    const made = { claims, audiences, account, user: serviceAccountUser(account) };
    if (current === knownBy) known.set(hash, made);
    return made;
  }

  return {
    async authenticateToken(token, audiences): Promise<TokenIdentity | undefined> {
      const found = await verified(token);
      if (found === undefined) return undefined;
      const asked = audiences.length === 0 ? own : audiences;
      const given = found.audiences ?? own;
      const shared = given.filter((audience) => asked.includes(audience));
      if (shared.length === 0) {
        throw new Error(`token audiences ${quoted(given)} is invalid for the target audiences ${quoted(asked)}`);
      }
      if (found.account.secretName === undefined) await checkBound(found, options);
      else await checkLegacy(token, found, found.account.secretName, options);
      return { user: found.user, audiences: shared };
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

interface Account extends ServiceAccountIdentity {
  /** Of the Secret that holds the token; undefined: it is bound. */
  readonly secretName?: string;
}

function accountOf(claims: TokenClaims): Account {
  const bound = claims['kubernetes.io'];
  if (claims.iss !== legacyIssuer || bound !== undefined) {
    const { namespace = '', serviceaccount: { name = '', uid = '' } = {}, pod, node }: BoundClaims = bound ?? {};
    return { namespace, name, uid, pod, node, tokenId: claims.jti };
  }
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
  return { namespace, name, uid, secretName };
}

async function checkBound({ claims, account }: Verified, options: ServiceAccountAuthenticatorOptions): Promise<void> {
  const { lookup, clock } = options;
  const now = clock.now();
  if (claims.nbf !== undefined && now + leeway < claims.nbf * 1000) {
    throw new Error('service account token is not valid yet');
  }
  if (claims.exp !== undefined && now - leeway > claims.exp * 1000)
    throw new Error('service account token has expired');
  await checkAccount(account, lookup, now - leeway);

  const { namespace } = account;
  const { pod, node, secret } = claims['kubernetes.io'] ?? {};
  const requireObject = async (kind: string, claim: ObjectClaim, found: ReturnType<ObjectLookup>): Promise<void> => {
    const object = await found;
    if (object === undefined || isDeleted(object, now - leeway)) {
      throw new Error('service account token has been invalidated');
    }
    if (object.metadata.uid === claim.uid) return;
    throw new Error(
      `${kind} UID (${object.metadata.uid}) does not match service account ${kind} ref claim (${claim.uid ?? ''})`,
    );
  };
  if (secret !== undefined) await requireObject('secret', secret, lookup('secrets', namespace, secret.name ?? ''));
  if (pod !== undefined) await requireObject('pod', pod, lookup('pods', namespace, pod.name ?? ''));
  // The node of a pod's token says where the pod is; it binds nothing.
  else if (node !== undefined) await requireObject('node', node, lookup('nodes', undefined, node.name ?? ''));
}

async function checkLegacy(
  token: string,
  { account }: Verified,
  secretName: string,
  { lookup }: ServiceAccountAuthenticatorOptions,
): Promise<void> {
  const secret = (await lookup('secrets', account.namespace, secretName)) as
    | ({ data?: { token?: string } } & ApiObject)
    | undefined;
  if (secret === undefined || secret.metadata.deletionTimestamp !== undefined) {
    throw new Error('service account token has been invalidated');
  }
  if (Buffer.from(secret.data?.token ?? '', 'base64').toString() !== token) {
    throw new Error("service account token does not match server's copy");
  }
  await checkAccount(account, lookup, Number.POSITIVE_INFINITY);
}

/** What was deleted before `since` does not count any more, also while it waits for its finalizers. */
async function checkAccount({ namespace, name, uid }: Account, lookup: ObjectLookup, since: number): Promise<void> {
  const account = await lookup('serviceaccounts', namespace, name);
  if (account === undefined) throw new Error(`serviceaccounts ${goQuote(name)} not found`);
  if (isDeleted(account, since)) throw new Error(`service account ${namespace}/${name} has been deleted`);
  if (account.metadata.uid !== uid) {
    throw new Error(`service account UID (${account.metadata.uid}) does not match claim (${uid})`);
  }
}

function isDeleted({ metadata }: ApiObject, since: number): boolean {
  return metadata.deletionTimestamp !== undefined && Date.parse(metadata.deletionTimestamp) < since;
}

/** As Go prints a list of strings with `%q`. */
function quoted(values: readonly string[]): string {
  return `[${values.map((value) => goQuote(value)).join(' ')}]`;
}
