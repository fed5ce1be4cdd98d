/**
 * The providers that write with a key of the configuration itself: `aesgcm` and `aescbc`, byte for byte as kube-apiserver
 * writes them. Source: `k8s.io/apiserver/pkg/storage/value/encrypt/aes`.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { DecryptionError, type EncryptionProvider, hasPrefix } from './transformer.ts';

export interface EncryptionKey {
  readonly name: string;
  /** 16, 24 or 32 bytes. */
  readonly secret: Buffer;
}

export const nonceBytes = 12;
export const tagBytes = 16;

/** `nonce ciphertext tag`, with the context authenticated. */
export function seal(secret: Buffer, value: Uint8Array, context: string): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(gcmName(secret), secret, nonce);
  cipher.setAAD(Buffer.from(context));
  return Buffer.concat([nonce, cipher.update(value), cipher.final(), cipher.getAuthTag()]);
}

/** @throws DecryptionError */
export function open(secret: Buffer, sealed: Uint8Array, context: string): Buffer {
  if (sealed.length < nonceBytes + tagBytes)
    throw new DecryptionError('the stored data was shorter than the required size');
  const decipher = createDecipheriv(gcmName(secret), secret, sealed.subarray(0, nonceBytes));
  decipher.setAAD(Buffer.from(context));
  decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes));
  const text = decipher.update(sealed.subarray(nonceBytes, sealed.length - tagBytes));
  try {
    return Buffer.concat([text, decipher.final()]);
  } catch {
    // The one thing that can be said: key, context and value do not belong together.
    throw new DecryptionError('message authentication failed');
  }
}

const gcmName = (secret: Buffer): 'aes-128-gcm' | 'aes-192-gcm' | 'aes-256-gcm' =>
  `aes-${(secret.length * 8) as 128 | 192 | 256}-gcm`;

/** The name of a key stands after the provider's prefix; @throws DecryptionError */
export function withKeys(
  prefix: string,
  keys: readonly EncryptionKey[],
  encrypt: (secret: Buffer, value: Uint8Array, context: string) => Uint8Array,
  decrypt: (secret: Buffer, stored: Uint8Array, context: string) => Uint8Array,
): EncryptionProvider {
  const prefixed = keys.map(({ name, secret }) => ({ name, secret, prefix: Buffer.from(`${prefix}${name}:`) }));
  const [writer] = prefixed;
  return {
    prefix,
    encrypt: (value, context) => Buffer.concat([writer!.prefix, encrypt(writer!.secret, value, context)]),
    decrypt(stored, context) {
      let failure: DecryptionError | undefined;
      for (const key of prefixed) {
        if (!hasPrefix(stored, key.prefix)) continue;
        try {
          const value = decrypt(key.secret, stored.subarray(key.prefix.length), context);
          return { value, stale: key !== writer };
        } catch (error) {
          // Two keys may have had the same name.
          if (!(error instanceof DecryptionError)) throw error;
          failure = error;
        }
      }
      throw failure ?? new DecryptionError('no matching key was found for the provided transformer');
    },
  };
}

export function aesGcm(keys: readonly EncryptionKey[]): EncryptionProvider {
  return withKeys('k8s:enc:aesgcm:v1:', keys, seal, open);
}

const blockBytes = 16;

/** `iv ciphertext`, padded as PKCS #7; nothing authenticates it. */
export function aesCbc(keys: readonly EncryptionKey[]): EncryptionProvider {
  const name = (secret: Buffer): string => `aes-${secret.length * 8}-cbc`;
  return withKeys(
    'k8s:enc:aescbc:v1:',
    keys,
    (secret, value) => {
      const iv = randomBytes(blockBytes);
      const cipher = createCipheriv(name(secret), secret, iv);
      return Buffer.concat([iv, cipher.update(value), cipher.final()]);
    },
    (secret, stored) => {
      if (stored.length < blockBytes) throw new DecryptionError('the stored data was shorter than the required size');
      const decipher = createDecipheriv(name(secret), secret, stored.subarray(0, blockBytes));
      try {
        return Buffer.concat([decipher.update(stored.subarray(blockBytes)), decipher.final()]);
      } catch {
        throw new DecryptionError('invalid padding on input');
      }
    },
  );
}
