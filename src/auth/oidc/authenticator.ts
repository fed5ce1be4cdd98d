/** Tokens of other issuers, as an AuthenticationConfiguration names them. */
import { createHash } from 'node:crypto';
import type { UserInfo } from '../../apis/user-info.ts';
import type { Clock } from '../../clock/clock.ts';
import { goQuote } from '../../machinery/field.ts';
import { isJsonObject, type JsonObject, parseJson } from '../../machinery/json.ts';
import { LruMap } from '../lru.ts';
import { unverifiedIssuer } from '../service-account/authenticator.ts';
import { userOfClaims } from './claim-mappings.ts';
import { Provider } from './provider.ts';
import type { CompiledJwt } from './validation.ts';

/** Kubernetes takes every algorithm with a public key. */
const algorithms = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512'];
const notBeforeLeeway = 5 * 60_000;
const rememberedTokens = 10_000;

interface Verified {
  readonly claims: JsonObject;
  readonly user: UserInfo;
}

/** Answers `undefined` for tokens of issuers that are not configured; rejects with what is wrong with the others. */
export function jwtAuthenticator(
  configured: readonly CompiledJwt[],
  clock: Clock,
): (token: string) => Promise<UserInfo | undefined> {
  const issuers = new Map(
    configured.map((jwt) => [jwt.issuer, { jwt, provider: new Provider({ ...jwt, clock }) }] as const),
  );
  const verified = new LruMap<string, Verified>(rememberedTokens);
  return async (token) => {
    const found = issuers.get(unverifiedIssuer(token) ?? '');
    if (found === undefined) return undefined;
    const hash = createHash('sha256').update(token).digest('base64');
    let known = verified.get(hash);
    if (known === undefined) {
      const claims = await verify(token, found.provider);
      checkAudience(found.jwt, claims);
      checkTime(claims, clock.now());
      known = { claims, user: userOfClaims(found.jwt, claims) };
      verified.set(hash, known);
    }
    checkTime(known.claims, clock.now());
    return known.user;
  };
}

async function verify(token: string, provider: Provider): Promise<JsonObject> {
  const { compactVerify, errors } = await import('jose');
  const keys = await provider.keys();
  const options = { algorithms };
  try {
    return claimsOf((await compactVerify(token, keys, options)).payload);
  } catch (error) {
    const isUnknownKey =
      error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWSSignatureVerificationFailed;
    const fresh = isUnknownKey ? await provider.freshKeys() : undefined;
    if (fresh === undefined) throw problem(error);
    try {
      return claimsOf((await compactVerify(token, fresh, options)).payload);
    } catch (again) {
      throw problem(again);
    }
  }
}

function problem(error: unknown): Error {
  const why = error instanceof Error ? error.message : String(error);
  return new Error(`oidc: verify token: failed to verify signature: ${why}`);
}

function claimsOf(payload: Uint8Array): JsonObject {
  const claims = parseJson(payload);
  if (!isJsonObject(claims)) throw new Error('the claims are no object');
  return claims;
}

function checkAudience({ audiences }: CompiledJwt, { aud }: JsonObject): void {
  const given = (Array.isArray(aud) ? aud : [aud]).filter((audience) => typeof audience === 'string');
  if (given.some((audience) => audiences.includes(audience))) return;
  const list = (names: readonly string[]): string => `[${names.map((name) => goQuote(name)).join(' ')}]`;
  const expected = audiences.length === 1 ? goQuote(audiences[0]!) : `in ${list(audiences)}`;
  throw new Error(`oidc: verify token: oidc: expected audience ${expected} got ${list(given)}`);
}

function checkTime({ exp, nbf }: JsonObject, now: number): void {
  if (typeof exp !== 'number' || exp * 1000 < now) {
    const end = typeof exp === 'number' ? new Date(exp * 1000).toISOString() : 'none';
    throw new Error(`oidc: verify token: oidc: token is expired (Token Expiry: ${end})`);
  }
  if (typeof nbf === 'number' && now + notBeforeLeeway < nbf * 1000) {
    throw new Error('oidc: verify token: oidc: current time is before the nbf (not before) time');
  }
}
