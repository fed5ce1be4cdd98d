/** An issuer of OIDC tokens on HTTPS, whose keys, metadata and mood a test decides. */
import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { SignJWT } from 'jose';
import { issueServingCertificate, type KeyPair } from '../../src/auth/certificates.ts';

export interface OidcIssuer extends AsyncDisposable {
  readonly url: string;
  /** How often somebody asked for the keys. */
  keyRequests: number;
  /** Replaces the members of the metadata. */
  metadata: Record<string, unknown>;
  failing: boolean;
  /** Tokens are signed with a new key from now on; the old one is not published any more. */
  rotate(): void;
  sign(claims: Record<string, unknown>, lifeSeconds?: number): Promise<string>;
}

export async function startIssuer(authority: KeyPair, now: () => number): Promise<OidcIssuer> {
  const names = { dns: ['localhost'], ips: ['127.0.0.1'] };
  const serving = await issueServingCertificate(authority, { commonName: 'issuer' }, names, now());
  let key: { privateKey: KeyObject; publicKey: KeyObject; kid: string };
  const server = createServer({ key: serving.key, cert: serving.certificate }, (request, response) => {
    const answer = (body: unknown): void => {
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify(body));
    };
    if (issuer.failing) {
      response.statusCode = 503;
      response.end();
    } else if (request.url === '/.well-known/openid-configuration') {
      answer({ issuer: issuer.url, jwks_uri: `${issuer.url}/keys`, ...issuer.metadata });
    } else if (request.url === '/keys') {
      issuer.keyRequests += 1;
      answer({ keys: [{ ...key.publicKey.export({ format: 'jwk' }), kid: key.kid, alg: 'RS256', use: 'sig' }] });
    } else {
      response.statusCode = 404;
      response.end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer: OidcIssuer = {
    url: `https://localhost:${(server.address() as AddressInfo).port}`,
    keyRequests: 0,
    metadata: {},
    failing: false,
    rotate() {
      key = { ...generateKeyPairSync('rsa', { modulusLength: 2048 }), kid: randomUUID() };
    },
    sign: (claims, lifeSeconds = 3600) => {
      const issued = Math.floor(now() / 1000);
      return new SignJWT({ iss: issuer.url, ...claims })
        .setProtectedHeader({ alg: 'RS256', kid: key.kid })
        .setIssuedAt(issued)
        .setExpirationTime(issued + lifeSeconds)
        .sign(key.privateKey);
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  issuer.rotate();
  return issuer;
}
