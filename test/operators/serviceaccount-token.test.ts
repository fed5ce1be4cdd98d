import assert from 'node:assert/strict';
import { Secret, ServiceAccount } from '../../src/client/kinds.ts';
import { isReason } from '../../src/machinery/status.ts';
import { rootCertificates, startCluster, type TestCluster } from './cluster.ts';

describe('a Secret for a service account', () => {
  let cluster: TestCluster;
  const namespace = 'default';
  const key = { namespace, name: 'robot-token' };

  beforeEach(async () => {
    cluster = await startCluster('serviceaccount-token-controller');
    await cluster.client.resource(ServiceAccount).create({ metadata: { namespace, name: 'robot' } });
  });
  afterEach(async () => {
    await cluster.stop();
    assert.deepEqual(cluster.errors, []);
  });

  const make = (annotations: Record<string, string>, type = 'kubernetes.io/service-account-token') =>
    cluster.client.resource(Secret).create({ metadata: { ...key, annotations }, type });
  const read = async () => {
    await cluster.clock.settle();
    return await cluster.client.resource(Secret).get(key);
  };
  /** Keys sign on a thread of their own, which the virtual clock does not wait for. */
  const filled = async (): Promise<Secret> => {
    for (;;) {
      const secret = await read();
      if (decoded(secret, 'token') !== '' && decoded(secret, 'namespace') === namespace) return secret;
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const isGone = async () => {
    await assert.rejects(read(), (error) => isReason(error, 'NotFound'));
  };
  const decoded = (secret: Secret, field: string) => Buffer.from(secret.data?.[field] ?? '', 'base64').toString();
  const review = async (token: string) => {
    const reviews = await cluster.client.dynamic({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview' });
    const answer = await reviews.create({
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      metadata: {},
      spec: { token },
    });
    return answer.status as { user: { username?: string; extra?: object }; error?: string };
  };

  it('is filled with a token of its, and the certificates', async () => {
    await make({ 'kubernetes.io/service-account.name': 'robot' });
    const secret = await filled();
    const account = await cluster.client.resource(ServiceAccount).get({ namespace, name: 'robot' });
    assert.equal(secret.metadata.annotations?.['kubernetes.io/service-account.uid'], account.metadata.uid);
    assert.equal(decoded(secret, 'namespace'), namespace);
    assert.equal(decoded(secret, 'ca.crt'), rootCertificates);
    const claims = JSON.parse(Buffer.from(decoded(secret, 'token').split('.')[1]!, 'base64url').toString());
    assert.deepEqual(claims, {
      iss: 'kubernetes/serviceaccount',
      'kubernetes.io/serviceaccount/namespace': namespace,
      'kubernetes.io/serviceaccount/secret.name': 'robot-token',
      'kubernetes.io/serviceaccount/service-account.name': 'robot',
      'kubernetes.io/serviceaccount/service-account.uid': account.metadata.uid,
      sub: 'system:serviceaccount:default:robot',
    });
  });

  it('lets its account in until it is deleted', async () => {
    await make({ 'kubernetes.io/service-account.name': 'robot' });
    const token = decoded(await filled(), 'token');
    assert.equal((await review(token)).user.username, 'system:serviceaccount:default:robot');
    await cluster.client.resource(Secret).delete(key);
    assert.equal((await review(token)).error, '[invalid bearer token, service account token has been invalidated]');
  });

  it('goes with its account, and is not there for one that is not', async () => {
    await make({ 'kubernetes.io/service-account.name': 'robot' });
    await filled();
    await cluster.client.resource(ServiceAccount).delete({ namespace, name: 'robot' });
    await isGone();
    await make({ 'kubernetes.io/service-account.name': 'ghost' });
    await isGone();
  });

  it('goes when it was another account of the name', async () => {
    await make({ 'kubernetes.io/service-account.name': 'robot', 'kubernetes.io/service-account.uid': 'former' });
    await isGone();
  });

  it('is filled again when somebody empties it', async () => {
    await make({ 'kubernetes.io/service-account.name': 'robot' });
    const first = decoded(await filled(), 'token');
    await cluster.client.resource(Secret).patch(key, { data: { token: null, namespace: 'eA==' } } as never);
    assert.equal(decoded(await filled(), 'token').split('.')[1], first.split('.')[1]);
  });

  it('is left alone when it is something else', async () => {
    await make({ 'kubernetes.io/service-account.name': 'robot' }, 'Opaque');
    assert.equal((await read()).data, undefined);
  });
});
