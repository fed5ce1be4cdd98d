import assert from 'node:assert/strict';
import { ConfigMap, Namespace, ServiceAccount } from '../../src/client/kinds.ts';
import { controllers } from '../../src/operators/index.ts';
import { rootCertificates, startCluster, type TestCluster } from './cluster.ts';

describe('what every namespace has', () => {
  let cluster: TestCluster;
  const key = { namespace: 'shop', name: 'kube-root-ca.crt' };

  beforeEach(async () => {
    cluster = await startCluster('serviceaccount-controller', 'root-ca-certificate-publisher-controller');
    await cluster.client.resource(Namespace).create({ metadata: { name: 'shop' } });
    await cluster.clock.settle();
  });

  afterEach(async () => {
    await cluster.stop();
    assert.deepEqual(cluster.errors, []);
  });

  it('a ServiceAccount named default, also after it was deleted', async () => {
    const accounts = cluster.client.resource(ServiceAccount);
    for (const namespace of ['default', 'kube-system', 'shop']) await accounts.get({ namespace, name: 'default' });
    await accounts.delete({ namespace: 'shop', name: 'default' });
    await cluster.clock.settle();
    await accounts.get({ namespace: 'shop', name: 'default' });
  });

  it("the certificates of the cluster's authority, whatever becomes of them", async () => {
    const maps = cluster.client.resource(ConfigMap);
    assert.deepEqual((await maps.get(key)).data, { 'ca.crt': rootCertificates });
    await maps.patch(key, { data: { 'ca.crt': 'forged', more: 'x' } });
    await cluster.clock.settle();
    assert.deepEqual((await maps.get(key)).data, { 'ca.crt': rootCertificates });
    await maps.delete(key);
    await cluster.clock.settle();
    assert.deepEqual((await maps.get(key)).data, { 'ca.crt': rootCertificates });
  });

  it('nothing more, once it is being deleted', async () => {
    await cluster.client.resource(Namespace).delete({ name: 'shop' });
    await cluster.client.resource(ServiceAccount).delete({ namespace: 'shop', name: 'default' });
    await cluster.clock.settle();
    const { items } = await cluster.client.resource(ServiceAccount).list({ namespace: 'shop' });
    assert.deepEqual(items, []);
  });
});

describe('the list of controllers', () => {
  it('has each name once', () => {
    const names = controllers.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    for (const name of names) assert.match(name, /^[a-z-]+-controller$/);
  });
});
