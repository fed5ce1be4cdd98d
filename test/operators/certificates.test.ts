import assert from 'node:assert/strict';
import { webcrypto, X509Certificate } from 'node:crypto';
import { createAuthority, type KeyPair, x509 } from '../../src/auth/certificates.ts';
import { CertificateSigningRequest, ClusterRoleBinding } from '../../src/client/kinds.ts';
import { createVirtualClock } from '../../src/clock/virtual.ts';
import { isReason } from '../../src/machinery/status.ts';
import { startClusterWith, type TestCluster } from './cluster.ts';

const key = { name: 'r' };
const minute = 60_000;
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const kubeletUsages = ['digital signature', 'client auth'];

interface Names {
  readonly dns?: string;
  readonly ip?: string;
}

async function requestFor(subject: string, names: Names = {}): Promise<string> {
  const { Pkcs10CertificateRequestGenerator, SubjectAlternativeNameExtension } = await x509();
  const items = Object.entries(names).map(([type, value]) => ({ type: type as 'dns' | 'ip', value: value as string }));
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: subject,
    keys: await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']),
    signingAlgorithm: algorithm,
    extensions: items.length === 0 ? [] : [new SubjectAlternativeNameExtension(items)],
  });
  return Buffer.from(request.toString('pem')).toString('base64');
}

describe('requests for certificates', () => {
  let cluster: TestCluster;
  let authority: KeyPair;

  before(async () => {
    authority = await createAuthority('cluster', createVirtualClock().now());
  });

  beforeEach(async () => {
    cluster = await startClusterWith(
      { certificateAuthority: authority },
      'certificatesigningrequest-approving-controller',
      'certificatesigningrequest-signing-controller',
      'certificatesigningrequest-cleaner-controller',
    );
  });

  afterEach(async () => {
    await cluster.stop();
    assert.deepEqual(cluster.errors, []);
  });

  const requests = () => cluster.client.resource(CertificateSigningRequest);

  const ask = (request: string, spec: object) =>
    requests().create({ metadata: key, spec: { request, signerName: '', ...spec } });

  const approve = async (type = 'Approved'): Promise<void> => {
    const request = await requests().get(key);
    const conditions = [{ type, status: 'True', reason: 'Test', message: '' }];
    await requests()
      .subresource('approval')
      .update(key, { ...request, status: { conditions } } as never);
  };

  /** Signing takes real time: the library's cryptography runs beside the clock. */
  const until = async (done: (request: CertificateSigningRequest) => boolean): Promise<CertificateSigningRequest> => {
    for (;;) {
      await cluster.clock.settle();
      const request = await requests().get(key);
      if (done(request)) return request;
      await new Promise((resolve) => setImmediate(resolve));
    }
  };

  const issued = async (): Promise<X509Certificate> => {
    const { status } = await until((request) => request.status?.certificate !== undefined);
    return new X509Certificate(Buffer.from(status!.certificate!, 'base64'));
  };

  const isGone = async (): Promise<boolean> => {
    try {
      await requests().get(key);
      return false;
    } catch (error) {
      if (isReason(error, 'NotFound')) return true;
      throw error;
    }
  };

  it("approves and signs a node's own, and lets it go after an hour", async () => {
    await cluster.client.resource(ClusterRoleBinding).create({
      metadata: { name: 'nodes' },
      roleRef: {
        apiGroup: 'rbac.authorization.k8s.io',
        kind: 'ClusterRole',
        name: 'system:certificates.k8s.io:certificatesigningrequests:nodeclient',
      },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'system:masters' }],
    });
    await ask(await requestFor('O=system:nodes, CN=system:node:a'), {
      signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
      usages: kubeletUsages,
      expirationSeconds: 3 * 3600,
    });
    const certificate = await issued();
    const [approved] = (await requests().get(key)).status?.conditions ?? [];
    assert.equal(approved?.reason, 'AutoApproved');
    assert.equal(approved?.message, 'Auto approving kubelet client certificate after SubjectAccessReview.');
    assert.equal(certificate.subject, 'O=system:nodes\nCN=system:node:a');
    assert.ok(certificate.checkIssued(new X509Certificate(authority.certificate)));
    assert.ok(certificate.verify(new X509Certificate(authority.certificate).publicKey));
    assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.2']);
    assert.equal(certificate.ca, false);
    assert.ok(Math.abs(Date.parse(certificate.validTo) - cluster.clock.now() - 180 * minute) < minute);
    await cluster.clock.advance(59 * minute);
    assert.equal(await isGone(), false);
    await cluster.clock.advance(2 * minute);
    assert.ok(await isGone());
  });

  it('signs for clients what somebody has approved, for a year at most', async () => {
    await ask(await requestFor('CN=jane, O=dev', { dns: 'jane.example.com' }), {
      signerName: 'kubernetes.io/kube-apiserver-client',
      usages: ['client auth'],
      expirationSeconds: 2_000_000_000,
    });
    await cluster.clock.settle();
    assert.equal((await requests().get(key)).status?.certificate, undefined);
    await approve();
    const certificate = await issued();
    assert.equal(certificate.subjectAltName, 'DNS:jane.example.com');
    const days = (Date.parse(certificate.validTo) - cluster.clock.now()) / (24 * 60 * minute);
    assert.ok(days > 364 && days < 365, String(days));
  });

  it('signs serving certificates of nodes', async () => {
    await ask(await requestFor('O=system:nodes, CN=system:node:a', { dns: 'a', ip: '10.0.0.1' }), {
      signerName: 'kubernetes.io/kubelet-serving',
      usages: ['digital signature', 'server auth'],
    });
    await approve();
    assert.equal((await issued()).subjectAltName, 'DNS:a, IP Address:10.0.0.1');
  });

  const failures: [what: string, subject: string, names: Names, signerName: string, usages: string[], why: string][] = [
    [
      'a foreign organization',
      'O=dev, CN=system:node:a',
      {},
      'kubernetes.io/kube-apiserver-client-kubelet',
      kubeletUsages,
      'subject organization is not system:nodes',
    ],
    [
      'a foreign name',
      'O=system:nodes, CN=jane',
      {},
      'kubernetes.io/kube-apiserver-client-kubelet',
      kubeletUsages,
      'subject common name does not begin with system:node:',
    ],
    [
      'names in a client certificate',
      'O=system:nodes, CN=system:node:a',
      { dns: 'a' },
      'kubernetes.io/kube-apiserver-client-kubelet',
      kubeletUsages,
      'DNS subjectAltNames are not allowed',
    ],
    [
      'other usages',
      'O=system:nodes, CN=system:node:a',
      {},
      'kubernetes.io/kube-apiserver-client-kubelet',
      ['client auth'],
      'usages did not match [client auth digital signature key encipherment]',
    ],
    [
      'a server without names',
      'O=system:nodes, CN=system:node:a',
      {},
      'kubernetes.io/kubelet-serving',
      ['digital signature', 'server auth'],
      'DNS or IP subjectAltName is required',
    ],
    [
      'a client that serves',
      'CN=jane',
      {},
      'kubernetes.io/kube-apiserver-client',
      ['server auth'],
      'invalid usage for client certificate: server auth',
    ],
    [
      'a client that is none',
      'CN=jane',
      {},
      'kubernetes.io/kube-apiserver-client',
      ['digital signature'],
      'missing required usage for client certificate: client auth',
    ],
  ];
  for (const [what, subject, names, signerName, usages, why] of failures) {
    it(`refuses ${what}`, async () => {
      await ask(await requestFor(subject, names), { signerName, usages });
      await approve();
      const { status } = await until((request) => request.status?.conditions?.length === 2);
      const failed = status?.conditions?.find(({ type }) => type === 'Failed');
      assert.equal(failed?.reason, 'SignerValidationFailure');
      assert.equal(failed?.message, why);
      assert.equal(status?.certificate, undefined);
    });
  }

  it("leaves others' signers alone, and what is denied; forgets them in time", async () => {
    await ask(await requestFor('CN=jane'), { signerName: 'example.com/own', usages: ['client auth'] });
    await cluster.clock.advance(23 * 60 * minute);
    assert.equal(await isGone(), false);
    await cluster.clock.advance(61 * minute);
    assert.ok(await isGone());
    await ask(await requestFor('CN=jane'), {
      signerName: 'kubernetes.io/kube-apiserver-client',
      usages: ['client auth'],
    });
    await approve('Denied');
    await cluster.clock.advance(59 * minute);
    assert.equal((await requests().get(key)).status?.certificate, undefined);
    await cluster.clock.advance(2 * minute);
    assert.ok(await isGone());
  });
});
