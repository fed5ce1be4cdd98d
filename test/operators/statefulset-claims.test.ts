import assert from 'node:assert/strict';
import { PersistentVolumeClaim, StatefulSet } from '../../src/client/kinds.ts';
import { labels, Pod, podsOf, setReady, startCluster, type TestCluster, template } from './cluster.ts';

const key = { namespace: 'default', name: 'db' };
const namespace = 'default';

describe('claims and updates of StatefulSets', () => {
  let cluster: TestCluster;

  beforeEach(async () => {
    cluster = await startCluster(
      'statefulset-controller',
      'garbage-collector-controller',
      'persistentvolumeclaim-protection-controller',
    );
  });

  afterEach(async () => {
    await cluster.stop();
    assert.deepEqual(cluster.errors, []);
  });

  const sets = () => cluster.client.resource(StatefulSet);
  const claims = async () => (await cluster.client.resource(PersistentVolumeClaim).list({ namespace })).items;
  const claimNames = async () => (await claims()).map(({ metadata }) => metadata.name).sort();
  const owners = async () =>
    (await claims()).map(({ metadata }) =>
      (metadata.ownerReferences ?? []).map(({ kind, name, controller }) => `${kind} ${name} ${controller}`).join(),
    );

  async function create(more: Partial<NonNullable<StatefulSet['spec']>>): Promise<void> {
    const data = {
      metadata: { name: 'data' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    };
    await sets().create({
      metadata: key,
      spec: {
        replicas: 2,
        serviceName: 'db',
        podManagementPolicy: 'Parallel',
        selector: { matchLabels: labels },
        template: template(),
        volumeClaimTemplates: [data],
        ...more,
      },
    });
    await allReady();
  }

  async function allReady(): Promise<void> {
    await cluster.clock.settle();
    for (let round = 0; round < 20; round++) {
      const waiting = (await podsOf(cluster)).filter(({ status }) => status?.conditions === undefined);
      if (waiting.length === 0) return;
      for (const pod of waiting) await setReady(cluster, pod);
      await cluster.clock.settle();
    }
  }

  async function scale(replicas: number): Promise<void> {
    await sets().updateScale(key, { metadata: key, spec: { replicas } });
    await cluster.clock.advance(60_000);
  }

  const retention = (whenDeleted: string, whenScaled: string) => ({
    persistentVolumeClaimRetentionPolicy: { whenDeleted, whenScaled },
  });

  it('keeps claims by default', async () => {
    await create({});
    await scale(1);
    await sets().delete(key);
    await cluster.clock.advance(60_000);
    assert.deepEqual(await podsOf(cluster), []);
    assert.deepEqual(await claimNames(), ['data-db-0', 'data-db-1']);
    assert.deepEqual(await owners(), ['', '']);
  });

  it('takes claims along with the set', async () => {
    await create(retention('Delete', 'Retain'));
    assert.deepEqual(await owners(), ['StatefulSet db true', 'StatefulSet db true']);
    await scale(1);
    assert.deepEqual(await claimNames(), ['data-db-0', 'data-db-1']);
    await sets().delete(key);
    await cluster.clock.advance(60_000);
    assert.deepEqual(await claimNames(), []);
  });

  it('takes the claim along of a pod that is one too many, and gives the next one a new claim', async () => {
    await create(retention('Retain', 'Delete'));
    assert.deepEqual(await owners(), ['', '']);
    const before = (await claims()).find(({ metadata }) => metadata.name === 'data-db-1');
    await scale(1);
    assert.deepEqual(await claimNames(), ['data-db-0']);
    await scale(2);
    const after = (await claims()).find(({ metadata }) => metadata.name === 'data-db-1');
    assert.ok(after);
    assert.notEqual(after.metadata.uid, before?.metadata.uid);
    await sets().delete(key);
    await cluster.clock.advance(60_000);
    assert.deepEqual(await claimNames(), ['data-db-0', 'data-db-1']);
  });

  it('does not make a pod while the claim of the last one of its name is on its way out', async () => {
    await create(retention('Retain', 'Delete'));
    const client = cluster.client.resource(PersistentVolumeClaim);
    const claim = { namespace, name: 'data-db-1' };
    const { metadata } = await client.get(claim);
    await client.patch(claim, { metadata: { finalizers: [...(metadata.finalizers ?? []), 'example.com/hold'] } });
    await scale(1);
    await scale(2);
    assert.deepEqual(
      (await podsOf(cluster)).map(({ metadata: { name } }) => name),
      ['db-0'],
    );
    await client.patch(claim, { metadata: { finalizers: null } });
    await cluster.clock.advance(1000);
    assert.equal((await podsOf(cluster)).length, 2);
    assert.notEqual((await client.get(claim)).metadata.uid, metadata.uid);
  });

  it('follows a change of the policy', async () => {
    await create(retention('Delete', 'Delete'));
    assert.deepEqual(await owners(), ['StatefulSet db true', 'StatefulSet db true']);
    await sets().patch(key, { spec: retention('Retain', 'Retain') });
    await cluster.clock.settle();
    assert.deepEqual(await owners(), ['', '']);
  });

  it('updates as many pods at a time as may be missing', async () => {
    await create({
      replicas: 5,
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 1, maxUnavailable: '40%' } },
    });
    const outdated = async () =>
      (await podsOf(cluster)).filter(({ spec }) => spec?.containers[0]?.image === 'nginx:1.28').length;
    await sets().patch(key, { spec: { template: template('nginx:2') } as never });
    await cluster.clock.settle();
    assert.equal(await outdated(), 3);
    const waiting = (await podsOf(cluster)).filter(({ status }) => status?.conditions === undefined);
    await setReady(cluster, waiting[0]!);
    await cluster.clock.settle();
    assert.equal(await outdated(), 2);
    await allReady();
    assert.equal(await outdated(), 1);
    assert.equal(
      (await cluster.client.resource(Pod).get({ namespace, name: 'db-0' })).spec?.containers[0]?.image,
      'nginx:1.28',
    );
  });

  it('counts from where it is told to', async () => {
    await create({ ordinals: { start: 5 } });
    assert.deepEqual((await podsOf(cluster)).map(({ metadata }) => metadata.name).sort(), ['db-5', 'db-6']);
    await sets().patch(key, { spec: { ordinals: { start: 6 } } });
    await allReady();
    assert.deepEqual((await podsOf(cluster)).map(({ metadata }) => metadata.name).sort(), ['db-6', 'db-7']);
  });
});
