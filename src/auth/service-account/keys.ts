/**
 * The keys of service account tokens: one signs, any number verify, so that keys can be changed while tokens of the old
 * one are about. RSA keys sign with RS256, elliptic ones with the ES algorithm of their curve.
 * Source: Kubernetes `pkg/serviceaccount/jwt.go`.
 */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';

export type TokenAlgorithm = 'RS256' | 'ES256' | 'ES384' | 'ES512';

export interface TokenKey {
  /** The hash of the public key: the `kid` of tokens and of the published key set. */
  readonly id: string;
  readonly algorithm: TokenAlgorithm;
  readonly publicKey: KeyObject;
}

export interface SigningKey extends TokenKey {
  readonly privateKey: KeyObject;
}

export interface ServiceAccountKeys {
  readonly signing: SigningKey;
  /** The signing key first. */
  readonly verifying: readonly TokenKey[];
}

/** `signing` is a private key in PEM; `others` are PEM texts of keys or certificates, each with any number of them. */
export function serviceAccountKeys(signing: string, others: readonly string[] = []): ServiceAccountKeys {
  const privateKey = createPrivateKey(signing);
  const own = { ...tokenKey(createPublicKey(privateKey)), privateKey };
  const known = new Map<string, TokenKey>([[own.id, own]]);
  for (const key of others.flatMap(publicKeys)) if (!known.has(key.id)) known.set(key.id, key);
  return { signing: own, verifying: [...known.values()] };
}

/** A new signing key in PEM (PKCS #8). Elliptic: an RSA key would take a first start a tenth of a second. */
export function createSigningKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

export function publicKeyPem({ publicKey }: TokenKey): string {
  return publicKey.export({ type: 'spki', format: 'pem' }).toString();
}

const pemBlock = /-----BEGIN ([A-Z ]+)-----[^-]+-----END \1-----/g;

/** Throws when a text holds no key, or one that tokens cannot be signed with. */
function publicKeys(pem: string): TokenKey[] {
  const blocks = [...pem.matchAll(pemBlock)].filter(([, label]) => label !== 'EC PARAMETERS');
  if (blocks.length === 0) throw new TypeError('data does not contain any valid RSA or ECDSA public keys');
  return blocks.map(([block]) => tokenKey(createPublicKey(block)));
}

const curves: Readonly<Record<string, TokenAlgorithm>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
};

function tokenKey(publicKey: KeyObject): TokenKey {
  const der = publicKey.export({ type: 'spki', format: 'der' });
  const id = createHash('sha256').update(der).digest('base64url');
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = publicKey;
  const algorithm = type === 'rsa' ? 'RS256' : type === 'ec' ? curves[details?.namedCurve ?? ''] : undefined;
  if (algorithm === undefined) {
    throw new TypeError(
      `keys of type ${type} cannot sign tokens: use RSA, or ECDSA on the curves P-256, P-384 or P-521`,
    );
  }
  return { id, algorithm, publicKey };
}
