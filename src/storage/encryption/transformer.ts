/**
 * Values as they are on disk. A provider's values begin with its prefix, as in Kubernetes, so that a store may hold values of
 * many providers and keys while they are being replaced.
 */

export interface Decrypted {
  readonly value: Uint8Array;
  /** Another key or provider would be used today. */
  readonly stale: boolean;
}

export interface ValueTransformer {
  /** `context` is the value's key in the store: a value that is moved to another key can no longer be read. */
  encrypt(value: Uint8Array, context: string): Uint8Array;
  /** @throws DecryptionError */
  decrypt(stored: Uint8Array, context: string): Decrypted;
}

/** One way to keep values, with all its keys; the first key writes. */
export interface EncryptionProvider extends ValueTransformer {
  /** `k8s:enc:aesgcm:v1:`; empty for values that are kept as they are. */
  readonly prefix: string;
}

/** What is stored cannot be read with the keys at hand, or has been tampered with. */
export class DecryptionError extends Error {
  override readonly name = 'DecryptionError';
}

/** Objects are JSON: a value with a provider's prefix is none. */
const anyPrefix = Buffer.from('k8s:enc:');

export function hasPrefix(stored: Uint8Array, prefix: Uint8Array): boolean {
  if (stored.length < prefix.length) return false;
  for (let at = 0; at < prefix.length; at++) if (stored[at] !== prefix[at]) return false;
  return true;
}

/** Values as they are. Source: Kubernetes "Encrypting Confidential Data at Rest", provider `identity`. */
export const identityProvider: EncryptionProvider = {
  prefix: '',
  encrypt: (value) => value,
  decrypt(stored) {
    if (hasPrefix(stored, anyPrefix)) throw new DecryptionError('identity transformer tried to read encrypted data');
    return { value: stored, stale: false };
  },
};

/** The first provider writes; all of them read. */
export function firstOf(providers: readonly EncryptionProvider[]): ValueTransformer {
  const [writer] = providers;
  const prefixes = providers.map(({ prefix }) => Buffer.from(prefix));
  return {
    encrypt: (value, context) => writer!.encrypt(value, context),
    decrypt(stored, context) {
      for (const [index, provider] of providers.entries()) {
        if (provider.prefix === '' ? hasPrefix(stored, anyPrefix) : !hasPrefix(stored, prefixes[index]!)) continue;
        const { value, stale } = provider.decrypt(stored, context);
        return { value, stale: stale || index > 0 };
      }
      throw new DecryptionError(
        `no provider of the encryption configuration reads values that begin with "${nameOf(stored)}"`,
      );
    },
  };
}

function nameOf(stored: Uint8Array): string {
  const [, , provider, version, key] = Buffer.from(stored.subarray(0, 200)).toString('latin1').split(':');
  return ['k8s', 'enc', provider, version, key]
    .filter((part) => part !== undefined)
    .join(':')
    .slice(0, 100);
}
