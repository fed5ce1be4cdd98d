import assert from 'node:assert/strict';
import { ControllerRevision, PersistentVolumeClaim, StatefulSet } from '../../src/client/kinds.ts';
import { eventsAbout, labels, Pod, podsOf, setReady, startCluster, type TestCluster, template } from './cluster.ts';

const key = { namespace: 'default', name: 'db' };

describe('the StatefulSet controller', () => {
  let cluster: TestCluster;

  beforeEach(async () => {
    cluster = await startCluster('statefulset-controller');
  });

  afterEach(async () => {
    await cluster.stop();
    assert.deepEqual(cluster.errors, []);
  });

  const sets = () => cluster.client.resource(StatefulSet);
  const names = async () => (await podsOf(cluster)).map(({ metadata }) => metadata.name).sort();
  const pod = (name: string) => cluster.client.resource(Pod).get({ namespace: 'default', name });

  async function create(more: Partial<NonNullable<StatefulSet['spec']>> = {}): Promise<void> {
    await sets().create({
      metadata: key,
      spec: { replicas: 3, serviceName: 'db', selector: { matchLabels: labels }, template: template(), ...more },
    });
    await cluster.clock.settle();
  }

  async function ready(name: string): Promise<void> {
    await setReady(cluster, await pod(name));
    await cluster.clock.settle();
  }

  async function allReady(): Promise<void> {
    for (let step = 0; step < 20; step++) {
      const waiting = (await podsOf(cluster)).find(({ status }) => status?.conditions === undefined);
      if (waiting === undefined) return;
      await ready(waiting.metadata.name!);
    }
  }

  it('makes pods one after the other, each when the one before is ready', async () => {
    await create();
    assert.deepEqual(await names(), ['db-0']);
    await ready('db-0');
    assert.deepEqual(await names(), ['db-0', 'db-1']);
    await ready('db-1');
    await ready('db-2');
    assert.deepEqual(await names(), ['db-0', 'db-1', 'db-2']);
    const { status } = await sets().get(key);
    assert.deepEqual(status, {
      observedGeneration: 1,
      replicas: 3,
      readyReplicas: 3,
      currentReplicas: 3,
      updatedReplicas: 3,
      availableReplicas: 3,
      currentRevision: status?.updateRevision,
      updateRevision: status?.updateRevision,
      collisionCount: 0,
    });
    assert.match(status!.updateRevision!, /^db-[a-z0-9]+$/);
    assert.ok(
      (await eventsAbout(cluster, 'StatefulSet')).includes(
        'Normal SuccessfulCreate: create Pod db-0 in StatefulSet db successful',
      ),
    );
  });

  it('gives pods their identity', async () => {
    await create();
    const { metadata, spec } = await pod('db-0');
    assert.equal(spec?.hostname, 'db-0');
    assert.equal(spec?.subdomain, 'db');
    const revision = (await sets().get(key)).status?.updateRevision;
    assert.deepEqual(metadata.labels, {
      ...labels,
      'statefulset.kubernetes.io/pod-name': 'db-0',
      'apps.kubernetes.io/pod-index': '0',
      'controller-revision-hash': revision,
    });
  });

  it('makes a claim for each pod, which outlives it', async () => {
    await create({
      replicas: 1,
      volumeClaimTemplates: [
        {
          metadata: { name: 'data' },
          spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
        },
      ],
    });
    const claims = cluster.client.resource(PersistentVolumeClaim);
    const claim = await claims.get({ namespace: 'default', name: 'data-db-0' });
    assert.deepEqual(claim.metadata.labels, labels);
    const { spec } = await pod('db-0');
    assert.deepEqual(
      spec?.volumes?.find(({ name }) => name === 'data'),
      {
        name: 'data',
        persistentVolumeClaim: { claimName: 'data-db-0' },
      },
    );
    await sets().updateScale(key, { metadata: key, spec: { replicas: 0 } });
    await cluster.clock.settle();
    assert.deepEqual(await names(), []);
    assert.equal((await claims.list()).items.length, 1);
  });

  it('makes all pods at once when told to', async () => {
    await create({ podManagementPolicy: 'Parallel' });
    assert.deepEqual(await names(), ['db-0', 'db-1', 'db-2']);
    await sets().updateScale(key, { metadata: key, spec: { replicas: 1 } });
    await cluster.clock.settle();
    assert.deepEqual(await names(), ['db-0']);
  });

  it('scales down from the highest ordinal', async () => {
    await create();
    await allReady();
    await sets().updateScale(key, { metadata: key, spec: { replicas: 1 } });
    await cluster.clock.settle();
    assert.deepEqual(await names(), ['db-0']);
    const events = (await eventsAbout(cluster, 'StatefulSet')).filter((event) => event.includes('delete'));
    assert.equal(events.length, 2);
  });

  it('replaces a failed pod under the same name', async () => {
    await create();
    const before = await pod('db-0');
    await cluster.client
      .resource(Pod)
      .patchStatus({ namespace: 'default', name: 'db-0' }, { status: { phase: 'Failed' } });
    await cluster.clock.settle();
    assert.notEqual((await pod('db-0')).metadata.uid, before.metadata.uid);
  });

  it('updates from the highest ordinal, one at a time, down to the partition', async () => {
    await create({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 1 } } });
    await allReady();
    const images = async () =>
      (await podsOf(cluster)).map(({ metadata, spec }) => `${metadata.name} ${spec?.containers[0]?.image}`).sort();
    await sets().patch(key, { spec: { template: template('nginx:2') } as never });
    await cluster.clock.settle();
    assert.deepEqual(await images(), ['db-0 nginx:1.28', 'db-1 nginx:1.28', 'db-2 nginx:2']);
    await allReady();
    assert.deepEqual(await images(), ['db-0 nginx:1.28', 'db-1 nginx:2', 'db-2 nginx:2']);
    const { status } = await sets().get(key);
    assert.notEqual(status?.currentRevision, status?.updateRevision);
    assert.equal(status?.updatedReplicas, 2);
    assert.equal(status?.currentReplicas, 1);
    await sets().patch(key, { spec: { updateStrategy: { rollingUpdate: { partition: 0 } } } });
    await cluster.clock.settle();
    await allReady();
    assert.deepEqual(await images(), ['db-0 nginx:2', 'db-1 nginx:2', 'db-2 nginx:2']);
    const done = (await sets().get(key)).status;
    assert.equal(done?.currentRevision, done?.updateRevision);
    // Back to the first template: its revision is raised, not repeated.
    await sets().patch(key, { spec: { template: template() } as never });
    await cluster.clock.settle();
    const revisions = (await cluster.client.resource(ControllerRevision).list()).items;
    assert.deepEqual(revisions.map(({ revision }) => revision).sort(), [2, 3]);
  });

  it('leaves outdated pods alone with OnDelete', async () => {
    await create({ replicas: 1, updateStrategy: { type: 'OnDelete' } });
    await allReady();
    await sets().patch(key, { spec: { template: template('nginx:2') } as never });
    await cluster.clock.settle();
    assert.equal((await pod('db-0')).spec?.containers[0]?.image, 'nginx:1.28');
    await cluster.client.resource(Pod).delete({ namespace: 'default', name: 'db-0' });
    await cluster.clock.settle();
    assert.equal((await pod('db-0')).spec?.containers[0]?.image, 'nginx:2');
  });

  it('writes nothing when nothing changes', async () => {
    await create();
    await allReady();
    cluster.writes.length = 0;
    await sets().patch(key, { metadata: { annotations: { touched: 'yes' } } });
    await cluster.clock.advance(60_000);
    assert.deepEqual(cluster.writes, []);
  });
});
