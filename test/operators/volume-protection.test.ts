import assert from 'node:assert/strict';
import { PersistentVolume, PersistentVolumeClaim, Pod } from '../../src/client/kinds.ts';
import { startCluster, type TestCluster } from './cluster.ts';

const namespace = 'default';

describe('protection of volumes in use', () => {
  let cluster: TestCluster;

  beforeEach(async () => {
    cluster = await startCluster(
      'persistentvolumeclaim-protection-controller',
      'persistentvolume-protection-controller',
    );
  });

  afterEach(async () => {
    assert.deepEqual(cluster.errors, []);
    await cluster.stop();
  });

  const claims = () => cluster.client.resource(PersistentVolumeClaim);
  const volumes = () => cluster.client.resource(PersistentVolume);
  const pods = () => cluster.client.resource(Pod);

  const claim = (name: string, metadata: object = {}) =>
    claims().create({
      metadata: { namespace, name, ...metadata },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    });

  const pod = (name: string, volume: object, nodeName?: string) =>
    pods().create({
      metadata: { namespace, name },
      spec: {
        containers: [{ name: 'c', image: 'x' }],
        volumes: [{ name: 'data', ...volume }],
        ...(nodeName === undefined ? {} : { nodeName }),
      },
    });

  const left = async (): Promise<unknown[]> => {
    await cluster.clock.settle();
    return (await claims().list({ namespace })).items.map(({ metadata }) => metadata.name);
  };

  it('lets a claim go that nobody uses', async () => {
    const { metadata } = await claim('free');
    assert.deepEqual(metadata.finalizers, ['kubernetes.io/pvc-protection']);
    await claims().delete({ namespace, name: 'free' });
    assert.deepEqual(await left(), []);
  });

  it('keeps a claim until the pod that uses it is gone', async () => {
    await claim('used');
    await pod('p', { persistentVolumeClaim: { claimName: 'used' } }, 'node-1');
    await claims().delete({ namespace, name: 'used' });
    assert.deepEqual(await left(), ['used']);
    await pods().delete({ namespace, name: 'p' }, { gracePeriodSeconds: 0 });
    assert.deepEqual(await left(), []);
  });

  it('does not wait for a pod without a node', async () => {
    await claim('wanted');
    await pod('p', { persistentVolumeClaim: { claimName: 'wanted' } });
    await claims().delete({ namespace, name: 'wanted' });
    assert.deepEqual(await left(), []);
  });

  it('keeps the claim of an ephemeral volume for its own pod alone', async () => {
    const template = { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } };
    const { metadata } = await pod('p', { ephemeral: { volumeClaimTemplate: template } }, 'node-1');
    const owner = { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: metadata.uid ?? '', controller: true };
    await claim('p-data', { ownerReferences: [owner] });
    await claims().delete({ namespace, name: 'p-data' });
    assert.deepEqual(await left(), ['p-data']);
    await pods().delete({ namespace, name: 'p' }, { gracePeriodSeconds: 0 });
    assert.deepEqual(await left(), []);

    await pod('q', { ephemeral: { volumeClaimTemplate: template } }, 'node-1');
    await claim('q-data');
    await claims().delete({ namespace, name: 'q-data' });
    assert.deepEqual(await left(), []);
  });

  it('gives the finalizer back to a claim that lost it', async () => {
    await claim('bare');
    await claims().patch({ namespace, name: 'bare' }, { metadata: { finalizers: null } });
    await cluster.clock.settle();
    const { metadata } = await claims().get({ namespace, name: 'bare' });
    assert.deepEqual(metadata.finalizers, ['kubernetes.io/pvc-protection']);
  });

  it('keeps a volume as long as it is bound', async () => {
    await volumes().create({
      metadata: { name: 'v' },
      spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/tmp/v' } },
    });
    await volumes().patchStatus({ name: 'v' }, { status: { phase: 'Bound' } });
    await volumes().delete({ name: 'v' });
    await cluster.clock.settle();
    assert.equal((await volumes().list()).items.length, 1);
    await volumes().patchStatus({ name: 'v' }, { status: { phase: 'Released' } });
    await cluster.clock.settle();
    assert.deepEqual((await volumes().list()).items, []);
  });
});
