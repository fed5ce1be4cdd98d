/** Makes the tokens of service accounts. Source: Kubernetes `pkg/serviceaccount/{jwt,claims,legacy}.go`. */
import { randomUUID } from 'node:crypto';
import type { ClaimedObject, IssuedClaims, ServiceAccountTokens } from '../../apis/service-account-tokens.ts';
import { legacyIssuer, serviceAccountName, type TokenClaims } from './claims.ts';
import type { ServiceAccountKeys } from './keys.ts';

export interface TokenIssuerOptions {
  readonly issuer: string;
  /** Asked for every token: keys may change while the server runs. */
  readonly keys: () => ServiceAccountKeys;
  readonly audiences: readonly string[];
  /** In seconds; default: as long as is asked for. */
  readonly maxExpirationSeconds?: number;
}

export function tokenIssuer({
  issuer,
  keys,
  audiences,
  maxExpirationSeconds,
}: TokenIssuerOptions): ServiceAccountTokens {
  return {
    audiences,
    maxExpirationSeconds,
    async issue(claims) {
      const id = randomUUID();
      return { id, token: await sign(boundClaims(claims, issuer, id), keys()) };
    },
  };
}

/** The token that a Secret of type `kubernetes.io/service-account-token` holds: it has no end and no audience. */
export function legacyToken(
  namespace: string,
  serviceAccount: Required<ClaimedObject>,
  secret: string,
  keys: ServiceAccountKeys,
): Promise<string> {
  return sign(
    {
      iss: legacyIssuer,
      'kubernetes.io/serviceaccount/namespace': namespace,
      'kubernetes.io/serviceaccount/secret.name': secret,
      'kubernetes.io/serviceaccount/service-account.name': serviceAccount.name,
      'kubernetes.io/serviceaccount/service-account.uid': serviceAccount.uid,
      sub: serviceAccountName(namespace, serviceAccount.name),
    },
    keys,
  );
}

/** Members stand in the order of their names, as Go writes maps. */
function boundClaims(claims: IssuedClaims, issuer: string, id: string): TokenClaims {
  const { audiences, issuedAt, expiresAt, namespace, serviceAccount, pod, secret, node, warnAfter } = claims;
  return {
    aud: audiences,
    exp: expiresAt,
    iat: issuedAt,
    iss: issuer,
    jti: id,
    'kubernetes.io': {
      namespace,
      ...(node === undefined ? {} : { node }),
      ...(pod === undefined ? {} : { pod }),
      ...(secret === undefined ? {} : { secret }),
      serviceaccount: serviceAccount,
      ...(warnAfter === undefined ? {} : { warnafter: warnAfter }),
    },
    nbf: issuedAt,
    sub: serviceAccountName(namespace, serviceAccount.name),
  };
}

async function sign(claims: TokenClaims, { signing }: ServiceAccountKeys): Promise<string> {
  const { CompactSign } = await import('jose');
  return await new CompactSign(Buffer.from(JSON.stringify(claims)))
    .setProtectedHeader({ alg: signing.algorithm, kid: signing.id })
    .sign(signing.privateKey);
}
