import assert from 'node:assert/strict';
import { ConfigMap, Namespace, Pod } from '../../src/client/kinds.ts';
import { isReason } from '../../src/machinery/status.ts';
import { startCluster, type TestCluster, template } from './cluster.ts';

describe('the namespace controller', () => {
  let cluster: TestCluster;
  const name = 'shop';

  beforeEach(async () => {
    cluster = await startCluster('namespace-controller');
    await cluster.client.resource(Namespace).create({ metadata: { name } });
    await cluster.clock.settle();
  });

  afterEach(async () => {
    await cluster.stop();
  });

  const namespaces = () => cluster.client.resource(Namespace);
  const maps = () => cluster.client.resource(ConfigMap);

  async function isGone(): Promise<boolean> {
    try {
      await namespaces().get({ name });
      return false;
    } catch (error) {
      if (isReason(error, 'NotFound')) return true;
      throw error;
    }
  }

  async function conditions(): Promise<Record<string, string>> {
    const { status } = await namespaces().get({ name });
    return Object.fromEntries(
      (status?.conditions ?? []).map(({ type, status, reason, message }) => [type, `${status} ${reason}: ${message}`]),
    );
  }

  it('deletes the content, and leaves other namespaces alone', async () => {
    await maps().create({ metadata: { namespace: name, name: 'a' } });
    await maps().create({ metadata: { namespace: 'default', name: 'a' } });
    await namespaces().delete({ name });
    await cluster.clock.advance(1000);
    assert.ok(await isGone());
    assert.deepEqual((await maps().list({ namespace: name })).items, []);
    assert.equal((await maps().list({ namespace: 'default' })).items.length, 1);
    assert.deepEqual(cluster.errors, []);
    assert.deepEqual(
      cluster.writes.filter((write) => write.includes('namespaces')),
      ['update namespaces/finalize'],
    );
  });

  it('does nothing to a namespace that nobody deletes', async () => {
    await maps().create({ metadata: { namespace: name, name: 'a' } });
    await namespaces().patch({ name }, { metadata: { labels: { touched: 'yes' } } });
    await cluster.clock.advance(60_000);
    assert.equal((await maps().list({ namespace: name })).items.length, 1);
    assert.deepEqual(cluster.writes, []);
  });

  it('waits for finalizers, and says for which', async () => {
    const metadata = { namespace: name, finalizers: ['example.com/hold'] };
    await maps().create({ metadata: { ...metadata, name: 'a' } });
    await maps().create({ metadata: { ...metadata, name: 'b' } });
    await namespaces().delete({ name });
    await cluster.clock.advance(1000);
    assert.deepEqual(await conditions(), {
      NamespaceDeletionDiscoveryFailure: 'False ResourcesDiscovered: All resources successfully discovered',
      NamespaceDeletionGroupVersionParsingFailure:
        'False ParsedGroupVersions: All legacy kube types successfully parsed',
      NamespaceDeletionContentFailure:
        'False ContentDeleted: All content successfully deleted, may be waiting on finalization',
      NamespaceContentRemaining:
        'True SomeResourcesRemain: Some resources are remaining: configmaps. has 2 resource instances',
      NamespaceFinalizersRemaining:
        'True SomeFinalizersRemain: Some content in the namespace has finalizers remaining: example.com/hold in 2 resource instances',
    });
    for (const key of ['a', 'b'])
      await maps().patch({ namespace: name, name: key }, { metadata: { finalizers: null } });
    await cluster.clock.advance(8000);
    assert.ok(await isGone());
    assert.deepEqual(cluster.errors, []);
  });

  it('deletes pods before anything else, and goes on as soon as they are gone', async () => {
    await maps().create({ metadata: { namespace: name, name: 'a' } });
    await cluster.client.resource(Pod).create({ metadata: { namespace: name, name: 'web' }, spec: template().spec });
    await cluster.client
      .resource(Pod)
      .subresource('binding')
      .create(
        { namespace: name, name: 'web' },
        {
          apiVersion: 'v1',
          kind: 'Binding',
          metadata: { namespace: name, name: 'web' },
          target: { apiVersion: 'v1', kind: 'Node', name: 'node-1' },
        },
      );
    await namespaces().delete({ name });
    await cluster.clock.advance(1000);
    assert.match((await conditions()).NamespaceContentRemaining!, /: pods\. has 1 resource instances$/);
    assert.equal((await maps().list({ namespace: name })).items.length, 1);
    await cluster.client.resource(Pod).delete({ namespace: name, name: 'web' }, { gracePeriodSeconds: 0 });
    await cluster.clock.settle();
    assert.ok(await isGone());
  });

  it('leaves a namespace to its other finalizers, with its conditions', async () => {
    await namespaces().patch({ name }, { metadata: { finalizers: ['example.com/hold'] } });
    await namespaces().delete({ name });
    await cluster.clock.advance(1000);
    const namespace = await namespaces().get({ name });
    assert.equal(namespace.spec?.finalizers, undefined);
    assert.match((await conditions()).NamespaceContentRemaining!, /^False ContentRemoved: /);
    await namespaces().patch({ name }, { metadata: { finalizers: null } });
    assert.ok(await isGone());
  });
});
