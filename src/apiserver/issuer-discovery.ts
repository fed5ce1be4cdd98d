/** The documents by which others check tokens of service accounts: who made them, and with which keys. */
import type { ServiceAccountSettings } from '../auth/authentication.ts';
import {
  discoveryMaxAge,
  issuerProblem,
  keySet,
  keySetPath,
  openIdConfiguration,
  openIdConfigurationPath,
} from '../auth/service-account/discovery.ts';
import type { PathHandler, PathResponse } from './paths.ts';

/** Knows no path when the issuer is not one that can be discovered. */
export function issuerDiscoveryPaths(settings: ServiceAccountSettings): PathHandler {
  const {
    issuers: [issuer = ''],
    keys,
  } = settings;
  if (issuerProblem(issuer) !== undefined) return () => undefined;
  return ({ path }) => {
    if (path === keySetPath) return publicDocument('application/jwk-set+json', keySet(keys()));
    if (path !== openIdConfigurationPath) return undefined;
    // Not known before the server listens.
    const url = settings.keySetUrl ?? `${issuer.replace(/\/$/, '')}${keySetPath}`;
    return publicDocument('application/json', openIdConfiguration(issuer, url, keys()));
  };
}

function publicDocument(contentType: string, body: string): PathResponse {
  return { code: 200, contentType, body, headers: { 'Cache-Control': `public, max-age=${discoveryMaxAge}` } };
}
