/**
 * The default provider: every batch of writes has a data key of its own, which is kept beside each value, wrapped by a key of
 * the configuration. That key writes little, so it need not be replaced every 200,000 writes as that of `aesgcm` must.
 * The idea is that of Kubernetes' KMS v2 (KEP-3299), with the key that wraps in a file.
 *
 * Layout: `k8s:enc:envelope:v1:<key>:`, the wrapped data key, the sealed value.
 */
import { randomBytes } from 'node:crypto';
import { type EncryptionKey, nonceBytes, open, seal, tagBytes, withKeys } from './providers.ts';
import { DecryptionError, type EncryptionProvider } from './transformer.ts';

const dataKeyBytes = 32;
const wrappedBytes = nonceBytes + dataKeyBytes + tagBytes;
/** How many values a data key writes. */
const batch = 1000;
/** Unwrapped data keys that are kept for readers. */
const remembered = 1000;
/** What a wrapped key is bound to: no value can pass for one. */
const wrapContext = 'data key';

export function envelope(keys: readonly EncryptionKey[]): EncryptionProvider {
  let dataKey: Buffer = Buffer.alloc(0);
  let wrapped: Buffer = Buffer.alloc(0);
  let writes = batch;
  const unwrapped = new Map<string, Buffer>();

  const renew = (secret: Buffer): void => {
    dataKey = randomBytes(dataKeyBytes);
    wrapped = seal(secret, dataKey, wrapContext);
    writes = 0;
  };
  const unwrap = (secret: Buffer, sealed: Uint8Array): Buffer => {
    const id = Buffer.from(sealed).toString('latin1');
    let found = unwrapped.get(id);
    if (found === undefined) {
      found = open(secret, sealed, wrapContext);
      if (unwrapped.size >= remembered) unwrapped.clear();
      unwrapped.set(id, found);
    }
    return found;
  };
  return withKeys(
    'k8s:enc:envelope:v1:',
    keys,
    (secret, value, context) => {
      if (writes >= batch) renew(secret);
      writes += 1;
      return Buffer.concat([wrapped, seal(dataKey, value, context)]);
    },
    (secret, stored, context) => {
      if (stored.length < wrappedBytes) throw new DecryptionError('the stored data was shorter than the required size');
      const key = unwrap(secret, stored.subarray(0, wrappedBytes));
      return open(key, stored.subarray(wrappedBytes), context);
    },
  );
}
