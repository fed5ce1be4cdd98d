/** Client certificates: whom they name, and which count for nothing. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { Agent } from 'node:https';
import {
  type CertificateSubject,
  createAuthority,
  issueClientCertificate,
  issueServingCertificate,
  type KeyPair,
} from '../../src/auth/certificates.ts';
import { type Api, startApi } from '../apiserver/support/api.ts';

const day = 24 * 60 * 60 * 1000;

describe('client certificates', () => {
  let api: Api;
  let agent: Agent | undefined;

  before(async () => {
    api = await startApi();
  });
  after(() => api[Symbol.asyncDispose]());
  afterEach(() => agent?.destroy());

  const whoIs = async (pair: KeyPair) => {
    agent = new Agent({ ca: api.endpoint.pki.authority.certificate, cert: pair.certificate, key: pair.key });
    const answer = await api.send('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { agent, body: {} });
    return answer.code === 201 ? answer.json.status.userInfo : answer.code;
  };
  const issue = (subject: CertificateSubject, now = Date.now(), authority = api.endpoint.pki.authority) =>
    issueClientCertificate(authority, subject, now);

  it('name a user, its uid, its groups, and themselves', async () => {
    const pair = await issue({ commonName: 'ann', organizations: ['devs', 'ops'], uid: 'u-1' });
    const fingerprint = new X509Certificate(pair.certificate).fingerprint256.replaceAll(':', '').toLowerCase();
    assert.deepEqual(await whoIs(pair), {
      username: 'ann',
      uid: 'u-1',
      groups: ['devs', 'ops', 'system:authenticated'],
      extra: { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${fingerprint}`] },
    });
  });

  it('name nobody without a common name, or with an empty uid', async () => {
    assert.equal(await whoIs(await issue({ commonName: '', organizations: ['system:masters'] })), 401);
    assert.equal(await whoIs(await issue({ commonName: 'ann', uid: '' })), 401);
  });

  it('count for nothing when their time is over, or not come', async () => {
    assert.equal(await whoIs(await issue({ commonName: 'ann' }, Date.now() - 366 * day)), 401);
    assert.equal(await whoIs(await issue({ commonName: 'ann' }, Date.now() + day)), 401);
  });

  it('count for nothing from another authority, also one of the same name', async () => {
    const impostor = await createAuthority('setpoint-ca', Date.now());
    assert.equal(await whoIs(await issue({ commonName: 'ann' }, Date.now(), impostor)), 401);
  });

  it('count for nothing when they are for servers', async () => {
    const names = { dns: ['ann'], ips: [] };
    const serving = await issueServingCertificate(api.endpoint.pki.authority, { commonName: 'ann' }, names, Date.now());
    assert.equal(await whoIs(serving), 401);
  });
});
