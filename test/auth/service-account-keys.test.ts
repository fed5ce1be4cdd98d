import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { createAuthority } from '../../src/auth/certificates.ts';
import { issuerProblem, keySet, openIdConfiguration } from '../../src/auth/service-account/discovery.ts';
import { createSigningKey, publicKeyPem, serviceAccountKeys } from '../../src/auth/service-account/keys.ts';

describe('the keys of service accounts', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = (key: { export(options: object): string | Buffer }, type: string): string =>
    key.export({ type, format: 'pem' }).toString();

  it('sign with the algorithm of their kind', () => {
    assert.equal(serviceAccountKeys(createSigningKey()).signing.algorithm, 'ES256');
    assert.equal(serviceAccountKeys(pem(rsa.privateKey, 'pkcs1')).signing.algorithm, 'RS256');
    for (const [namedCurve, algorithm] of [
      ['P-384', 'ES384'],
      ['P-521', 'ES512'],
    ] as const) {
      const { privateKey } = generateKeyPairSync('ec', { namedCurve });
      assert.equal(serviceAccountKeys(pem(privateKey, 'sec1')).signing.algorithm, algorithm);
    }
  });

  it('are verified by any of those that are given, each once', async () => {
    const signing = createSigningKey();
    const own = serviceAccountKeys(signing).signing;
    const authority = await createAuthority('keys', Date.now());
    const others = [
      publicKeyPem(own),
      `${pem(rsa.publicKey, 'spki')}\n${pem(rsa.publicKey, 'pkcs1')}`,
      authority.certificate,
    ];
    const { verifying } = serviceAccountKeys(signing, others);
    assert.deepEqual(
      verifying.map(({ algorithm }) => algorithm),
      ['ES256', 'RS256', 'ES256'],
    );
    assert.equal(verifying[0]?.id, own.id);
  });

  it('are refused when they cannot sign tokens', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    assert.throws(() => serviceAccountKeys(pem(privateKey, 'pkcs8')), /keys of type ed25519 cannot sign tokens/);
    assert.throws(() => serviceAccountKeys(createSigningKey(), [pem(publicKey, 'spki')]), /ed25519/);
    assert.throws(() => serviceAccountKeys(createSigningKey(), ['nothing']), {
      message: 'data does not contain any valid RSA or ECDSA public keys',
    });
    const { privateKey: other } = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
    assert.throws(() => serviceAccountKeys(pem(other, 'sec1')), /P-256, P-384 or P-521/);
  });

  it('are published without their private half', () => {
    const keys = serviceAccountKeys(createSigningKey(), [pem(rsa.publicKey, 'spki')]);
    const published = JSON.parse(keySet(keys)).keys;
    assert.deepEqual(Object.keys(published[0]), ['use', 'kty', 'kid', 'crv', 'alg', 'x', 'y']);
    assert.deepEqual(Object.keys(published[1]), ['use', 'kty', 'kid', 'alg', 'n', 'e']);
    assert.deepEqual(
      JSON.parse(openIdConfiguration('https://a', 'https://a/keys', keys)).id_token_signing_alg_values_supported,
      ['ES256', 'RS256'],
    );
  });

  const issuers: readonly [string, string | undefined][] = [
    ['https://kubernetes.default.svc', undefined],
    ['', 'empty issuer URL'],
    ['api', 'parse "api": invalid URL'],
    ['http://a', 'issuer URL must use https scheme, got: http://a'],
    ['https://a?b=c', 'issuer URL may not include a query, got: https://a?b=c'],
    ['https://a#b', 'issuer URL may not include a fragment, got: https://a#b'],
  ];
  for (const [issuer, problem] of issuers) {
    it(`${problem === undefined ? 'can' : 'cannot'} be discovered at ${issuer === '' ? 'nowhere' : issuer}`, () => {
      assert.equal(issuerProblem(issuer), problem);
    });
  }
});
