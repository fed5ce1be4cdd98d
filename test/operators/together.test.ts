import assert from 'node:assert/strict';
import { CronJob, Namespace, Service, StatefulSet } from '../../src/client/kinds.ts';
import { isReason } from '../../src/machinery/status.ts';
import { controllers } from '../../src/operators/index.ts';
import { Deployment, labels, podsOf, setAllReady, startCluster, type TestCluster, template } from './cluster.ts';

describe('all controllers together', () => {
  let cluster: TestCluster;

  beforeEach(async () => {
    cluster = await startCluster(...controllers.map(({ name }) => name));
    await cluster.clock.settle();
  });

  afterEach(async () => {
    await cluster.stop();
    assert.deepEqual(cluster.errors, []);
  });

  async function populate(namespace: string): Promise<void> {
    const metadata = { namespace, name: 'web' };
    const spec = { replicas: 2, selector: { matchLabels: labels }, template: template() };
    await cluster.client.resource(Deployment).create({ metadata, spec });
    const others = { app: 'db' };
    await cluster.client.resource(StatefulSet).create({
      metadata,
      spec: {
        ...spec,
        serviceName: 'db',
        selector: { matchLabels: others },
        template: { ...template(), metadata: { labels: others } },
      },
    });
    await cluster.client.resource(Service).create({ metadata, spec: { selector: labels, ports: [{ port: 80 }] } });
    await cluster.client.resource(CronJob).create({
      metadata,
      spec: {
        schedule: '0 0 1 1 *',
        jobTemplate: {
          spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'busybox' }] } } },
        },
      },
    });
    await cluster.clock.settle();
  }

  it('write nothing when all is as it should be', async () => {
    await populate('default');
    await setAllReady(cluster);
    cluster.writes.length = 0;
    await cluster.clock.advance(3_600_000);
    assert.deepEqual(cluster.writes, []);
    assert.equal((await podsOf(cluster)).length, 2);
  });

  it('leave nothing of a namespace', async () => {
    await cluster.client.resource(Namespace).create({ metadata: { name: 'shop' } });
    await cluster.clock.settle();
    await populate('shop');
    await cluster.client.resource(Namespace).delete({ name: 'shop' });
    await cluster.clock.advance(60_000);
    await assert.rejects(cluster.client.resource(Namespace).get({ name: 'shop' }), (error) =>
      isReason(error, 'NotFound'),
    );
    const resources = await cluster.client.mapper.preferredResources();
    for (const resource of resources.filter(({ namespaced, verbs }) => namespaced && verbs.includes('list'))) {
      const { items } = await cluster.client.resource(resource).list({ namespace: 'shop' });
      assert.deepEqual(items, [], resource.plural);
    }
    // What could not be said any more about objects that were going.
    const isEvent = (entry: unknown): boolean => /^events /.test(String((entry as { error?: Error }).error?.message));
    cluster.errors.splice(0, cluster.errors.length, ...cluster.errors.filter((entry) => !isEvent(entry)));
  });
});
