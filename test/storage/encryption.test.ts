import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { errorText } from '../../src/machinery/field.ts';
import type { JsonObject } from '../../src/machinery/json.ts';
import {
  EncryptedStore,
  openMemoryStore,
  readEncryptionConfiguration,
  reencrypt,
  type Store,
} from '../../src/storage/index.ts';
import { storeContract } from './contract.ts';
import { bytes, put, text, write } from './helpers.ts';

const key = (name: string): JsonObject => ({ name, secret: randomBytes(32).toString('base64') });
const first = key('first');
const second = key('second');

function configuration(resources: string[], ...providers: JsonObject[]): JsonObject {
  const apiVersion = 'apiserver.config.k8s.io/v1';
  return { apiVersion, kind: 'EncryptionConfiguration', resources: [{ resources, providers }] };
}

function encrypted(store: Store, ...providers: JsonObject[]): Store {
  const { rules, errors } = readEncryptionConfiguration(configuration(['secrets'], ...providers));
  assert.deepEqual(errors, []);
  return new EncryptedStore(store, rules);
}

for (const provider of ['envelope', 'aesgcm', 'aescbc']) {
  storeContract(`memory, encrypted by ${provider}`, async (options) => {
    const { rules, errors } = readEncryptionConfiguration(configuration(['*.*'], { [provider]: { keys: [first] } }));
    assert.deepEqual(errors, []);
    return new EncryptedStore(openMemoryStore(options), rules);
  });
}

describe('encryption at rest', () => {
  const at = '/registry/core/secrets/default/password';
  const other = '/registry/core/secrets/default/token';

  it('leaves nothing of the value on the medium, and other resources alone', async () => {
    const medium = openMemoryStore();
    const store = encrypted(medium, { envelope: { keys: [first] } });
    await write(store, put(at, 'hunter2'), put('/registry/core/configmaps/default/a', 'plain'));
    const stored = Buffer.from((await medium.get(at))!.value).toString('latin1');
    assert.match(stored, /^k8s:enc:envelope:v1:first:/);
    assert.ok(!stored.includes('hunter2'));
    assert.equal(text((await store.get(at))!.value), 'hunter2');
    assert.equal(text((await medium.get('/registry/core/configmaps/default/a'))!.value), 'plain');
  });

  it('uses a data key for a batch of writes, and a nonce for each', async () => {
    const medium = openMemoryStore();
    const store = encrypted(medium, { envelope: { keys: [first] } });
    const header = 'k8s:enc:envelope:v1:first:'.length;
    const wrapped = new Set<string>();
    const nonces = new Set<string>();
    for (let n = 0; n < 2100; n++) {
      await write(store, put(at, 'same'));
      const stored = Buffer.from((await medium.get(at))!.value);
      wrapped.add(stored.subarray(header, header + 60).toString('hex'));
      nonces.add(stored.subarray(header + 60, header + 72).toString('hex'));
    }
    assert.equal(wrapped.size, 3);
    assert.equal(nonces.size, 2100);
  });

  it('reads what older keys and providers wrote, calls it stale, and writes it again', async () => {
    const medium = openMemoryStore();
    await write(medium, put(other, 'from before'));
    await write(encrypted(medium, { aesgcm: { keys: [first] } }), put(at, 'old'));
    const store = encrypted(medium, { envelope: { keys: [second] } }, { aesgcm: { keys: [first] } }, { identity: {} });
    assert.deepEqual(
      (await store.list('/registry/')).items.map(({ value, stale }) => [text(value), stale]),
      [
        ['old', true],
        ['from before', true],
      ],
    );
    assert.deepEqual(await reencrypt(store), { written: 2, unreadable: [] });
    assert.deepEqual(await reencrypt(store), { written: 0, unreadable: [] });
    const alone = encrypted(medium, { envelope: { keys: [second] } });
    assert.equal(text((await alone.get(at))!.value), 'old');
    assert.equal(text((await alone.get(other))!.value), 'from before');
  });

  it('says of a lost key what it has lost, and loses nothing else', async () => {
    const medium = openMemoryStore();
    await write(encrypted(medium, { envelope: { keys: [first] } }), put(at, 'lost'));
    const store = encrypted(medium, { envelope: { keys: [second] } });
    await write(store, put(other, 'kept'));
    const lost = await store.get(at);
    assert.match(lost!.unreadable!.message, /no matching key was found/);
    assert.equal(lost!.value.length, 0);
    assert.equal(text((await store.get(other))!.value), 'kept');
    assert.deepEqual((await reencrypt(store)).unreadable, [at]);
  });

  it('reads no value that was moved or changed', async () => {
    const medium = openMemoryStore();
    for (const provider of ['envelope', 'aesgcm']) {
      const store = encrypted(medium, { [provider]: { keys: [first] } });
      await write(store, put(at, 'mine'));
      const value = Buffer.from((await medium.get(at))!.value);
      const bent = Buffer.from(value);
      bent[bent.length - 1]! ^= 1;
      await medium.txn([], [{ type: 'put', key: other, value }]);
      assert.match((await store.get(other))!.unreadable!.message, /message authentication failed/);
      await medium.txn([], [{ type: 'put', key: at, value: bent }]);
      assert.match((await store.get(at))!.unreadable!.message, /message authentication failed/);
      await medium.txn([], [{ type: 'put', key: at, value: value.subarray(0, 40) }]);
      assert.match((await store.get(at))!.unreadable!.message, /shorter than the required size/);
    }
  });

  it('reads the layout in which kube-apiserver writes aesgcm', async () => {
    // Prefix, nonce, ciphertext and tag, with the store's key authenticated: k8s.io/apiserver's layout.
    const secret = Buffer.from(Array.from({ length: 32 }, (_, index) => index)).toString('base64');
    const medium = openMemoryStore();
    const { createCipheriv } = await import('node:crypto');
    const nonce = Buffer.alloc(12, 7);
    const gcm = createCipheriv('aes-256-gcm', Buffer.from(secret, 'base64'), nonce).setAAD(Buffer.from(at));
    const sealed = Buffer.concat([
      bytes('k8s:enc:aesgcm:v1:k:'),
      nonce,
      gcm.update('value'),
      gcm.final(),
      gcm.getAuthTag(),
    ]);
    await medium.txn([], [{ type: 'put', key: at, value: sealed }]);
    const store = encrypted(medium, { aesgcm: { keys: [{ name: 'k', secret }] } });
    assert.equal(text((await store.get(at))!.value), 'value');
  });

  const bad: [what: string, document: JsonObject, errors: string[]][] = [
    [
      'no resources',
      { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'EncryptionConfiguration' },
      ['resources: Required value: at least one resource must be specified'],
    ],
    [
      'another kind',
      { ...configuration(['secrets'], { identity: {} }), kind: 'Other' },
      ['kind: Unsupported value: "Other": supported values: "EncryptionConfiguration"'],
    ],
    [
      'a short key',
      configuration(['secrets'], { envelope: { keys: [{ name: 'a', secret: 'c2hvcnQ=' }] } }),
      [
        'resources[0].providers[0].envelope.keys[0].secret: Invalid value: "REDACTED": secret is not of the expected length, got 5, expected one of [32]',
      ],
    ],
    [
      'providers that are not to be had',
      configuration(['secrets'], { kms: { name: 'vault' } }),
      [
        'resources[0].providers[0]: Unsupported value: "kms": supported values: "aescbc", "aesgcm", "envelope", "identity"',
      ],
    ],
    [
      'a secret that is no base64',
      configuration(['secrets'], { aesgcm: { keys: [{ name: 'a', secret: '%%%' }] } }),
      ['resources[0].providers[0].aesgcm.keys[0].secret: Invalid value: "REDACTED": secret must be base64 encoded'],
    ],
  ];
  for (const [what, document, errors] of bad) {
    it(`refuses a configuration with ${what}`, () => {
      assert.deepEqual(readEncryptionConfiguration(document).errors.map(errorText), errors);
    });
  }
});
