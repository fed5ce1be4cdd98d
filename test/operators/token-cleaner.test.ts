import assert from 'node:assert/strict';
import { Secret } from '../../src/client/kinds.ts';
import { formatTime } from '../../src/clock/clock.ts';
import { startCluster, type TestCluster } from './cluster.ts';

describe('bootstrap tokens whose time is over', () => {
  let cluster: TestCluster;
  beforeEach(async () => {
    cluster = await startCluster('token-cleaner-controller');
  });
  afterEach(async () => {
    await cluster.stop();
    assert.deepEqual(cluster.errors, []);
  });

  const secrets = () => cluster.client.resource(Secret);
  const put = (name: string, expiration: string | undefined, type = 'bootstrap.kubernetes.io/token') =>
    secrets().create({
      metadata: { namespace: 'kube-system', name },
      type,
      stringData: expiration === undefined ? { 'token-id': 'aaaaaa' } : { expiration },
    });
  const names = async () => {
    await cluster.clock.settle();
    const { items } = await secrets().list({ namespace: 'kube-system' });
    return items.map(({ metadata }) => metadata.name);
  };

  it('are deleted then, and others stay', async () => {
    const soon = formatTime(cluster.clock.now() + 60_000);
    await put('bootstrap-token-aaaaaa', soon);
    await put('bootstrap-token-bbbbbb', undefined);
    await put('bootstrap-token-cccccc', formatTime(cluster.clock.now() - 1000));
    await put('bootstrap-token-dddddd', 'soon');
    await put('other', soon, 'Opaque');
    assert.deepEqual(await names(), ['bootstrap-token-aaaaaa', 'bootstrap-token-bbbbbb', 'other']);
    await cluster.clock.advance(61_000);
    assert.deepEqual(await names(), ['bootstrap-token-bbbbbb', 'other']);
  });
});
