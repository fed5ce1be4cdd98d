/**
 * What relying parties read to check service account tokens by themselves: the issuer's metadata and its public keys.
 * Source: Kubernetes `pkg/serviceaccount/openidmetadata.go`; OpenID Connect Discovery 1.0.
 */
import type { ServiceAccountKeys } from './keys.ts';

export const openIdConfigurationPath = '/.well-known/openid-configuration';
export const keySetPath = '/openid/v1/jwks';

/** How long clients may keep either document, in seconds: as long, keys have to be published before they sign. */
export const discoveryMaxAge = 3600;

/** Why an issuer cannot be discovered, in Kubernetes' words; `undefined`: it can. */
export function issuerProblem(issuer: string): string | undefined {
  if (issuer === '') return 'empty issuer URL';
  if (!URL.canParse(issuer)) return `parse ${JSON.stringify(issuer)}: invalid URL`;
  const url = new URL(issuer);
  if (url.protocol !== 'https:') return `issuer URL must use https scheme, got: ${issuer}`;
  if (url.search !== '') return `issuer URL may not include a query, got: ${issuer}`;
  if (url.hash !== '') return `issuer URL may not include a fragment, got: ${issuer}`;
  return undefined;
}

export function openIdConfiguration(issuer: string, keySetUrl: string, { verifying }: ServiceAccountKeys): string {
  return JSON.stringify({
    issuer,
    jwks_uri: keySetUrl,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [...new Set(verifying.map(({ algorithm }) => algorithm))].sort(),
  });
}

/** Members in go-jose's order. */
export function keySet({ verifying }: ServiceAccountKeys): string {
  const keys = verifying.map(({ id, algorithm, publicKey }) => {
    const { kty, crv, x, y, n, e } = publicKey.export({ format: 'jwk' });
    return { use: 'sig', kty, kid: id, crv, alg: algorithm, x, y, n, e };
  });
  return JSON.stringify({ keys });
}
