import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Namespace } from '../../src/client/kinds.ts';
import { getControllerOf } from '../../src/machinery/owner-reference.ts';
import { forbiddenError } from '../../src/machinery/status.ts';
import { slowStart } from '../../src/operators/workload/slow-start.ts';
import {
  eventsAbout,
  labels,
  Pod,
  podsOf,
  ReplicaSet,
  setAllReady,
  setReady,
  startCluster,
  type TestCluster,
  template,
} from './cluster.ts';

const key = { namespace: 'default', name: 'web' };

describe('the ReplicaSet controller', () => {
  let cluster: TestCluster;

  beforeEach(async () => {
    cluster = await startCluster('replicaset-controller');
  });

  afterEach(async () => {
    await cluster.stop();
  });

  const sets = () => cluster.client.resource(ReplicaSet);
  const pods = () => cluster.client.resource(Pod);

  async function create(replicas: number, more: object = {}): Promise<ReplicaSet> {
    const created = await sets().create({
      metadata: key,
      spec: { replicas, selector: { matchLabels: labels }, template: template(), ...more },
    });
    await cluster.clock.settle();
    return created;
  }

  it('makes pods of the template, owned and named after the set', async () => {
    const set = await create(3);
    const made = await podsOf(cluster);
    assert.equal(made.length, 3);
    for (const { metadata, spec } of made) {
      assert.match(metadata.name!, /^web-[a-z0-9]{5}$/);
      assert.equal(metadata.generateName, 'web-');
      assert.deepEqual(metadata.ownerReferences, [
        {
          apiVersion: 'apps/v1',
          kind: 'ReplicaSet',
          name: 'web',
          uid: set.metadata.uid,
          controller: true,
          blockOwnerDeletion: true,
        },
      ]);
      assert.equal(spec?.containers[0]?.image, 'nginx:1.28');
    }
    assert.deepEqual((await sets().get(key)).status, {
      replicas: 3,
      fullyLabeledReplicas: 3,
      observedGeneration: 1,
      terminatingReplicas: 0,
    });
    const events = await eventsAbout(cluster, 'ReplicaSet');
    assert.deepEqual(
      events.sort(),
      made.map(({ metadata }) => `Normal SuccessfulCreate: Created pod: ${metadata.name}`).sort(),
    );
    assert.deepEqual(cluster.errors, []);
  });

  it('writes the status once for a burst of pods', async () => {
    await create(20);
    assert.equal(cluster.writes.filter((write) => write === 'update replicasets/status').length, 1);
    assert.equal(cluster.writes.filter((write) => write === 'create pods').length, 20);
  });

  it('makes and deletes hundreds of pods without asking too much of the server', async () => {
    await create(500);
    assert.equal((await podsOf(cluster)).length, 500);
    await sets().updateScale(key, { metadata: key, spec: { replicas: 0 } });
    await cluster.clock.settle();
    assert.equal((await podsOf(cluster)).length, 0);
    assert.deepEqual(cluster.errors, []);
  });

  it('replaces a pod that is deleted or finished, and writes nothing when nothing changes', async () => {
    await create(2);
    const [first, second] = await podsOf(cluster);
    await pods().delete({ namespace: 'default', name: first!.metadata.name! });
    await pods().patchStatus({ namespace: 'default', name: second!.metadata.name! }, { status: { phase: 'Failed' } });
    await cluster.clock.settle();
    const alive = (await podsOf(cluster)).filter(({ status }) => status?.phase !== 'Failed');
    assert.equal(alive.length, 2);
    cluster.writes.length = 0;
    await sets().patch(key, { metadata: { annotations: { touched: 'yes' } } });
    await cluster.clock.settle();
    assert.deepEqual(cluster.writes, []);
  });

  it('scales down by ranking, and tells of it', async () => {
    await create(3);
    const [first, second, third] = await podsOf(cluster);
    await setReady(cluster, first!);
    await setReady(cluster, third!);
    await cluster.client
      .resource(Pod)
      .patch(
        { namespace: 'default', name: first!.metadata.name! },
        { metadata: { annotations: { 'controller.kubernetes.io/pod-deletion-cost': '-10' } } },
      );
    await sets().updateScale(key, { metadata: key, spec: { replicas: 1 } });
    await cluster.clock.settle();
    assert.deepEqual(
      (await podsOf(cluster)).map(({ metadata }) => metadata.name),
      [third!.metadata.name],
    );
    const events = await eventsAbout(cluster, 'ReplicaSet');
    assert.ok(events.includes(`Normal SuccessfulDelete: Deleted pod: ${second!.metadata.name}`));
  });

  it('adopts orphans that it selects, and no others', async () => {
    const orphan = (name: string, of: Record<string, string>) =>
      pods().create({ metadata: { namespace: 'default', name, labels: of }, spec: template().spec });
    await orphan('mine', labels);
    await orphan('other', { app: 'db' });
    const set = await create(2);
    assert.equal((await podsOf(cluster)).length, 2);
    const mine = await pods().get({ namespace: 'default', name: 'mine' });
    assert.equal(getControllerOf(mine)?.uid, set.metadata.uid);
    const other = await pods().get({ namespace: 'default', name: 'other' });
    assert.equal(other.metadata.ownerReferences, undefined);
    // One that comes later is one too many.
    await orphan('late', labels);
    await cluster.clock.settle();
    assert.equal((await podsOf(cluster)).length, 2);
  });

  it('does not take pods of another controller', async () => {
    await pods().create({
      metadata: {
        namespace: 'default',
        name: 'theirs',
        labels,
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'another', controller: true }],
      },
      spec: template().spec,
    });
    await create(1);
    assert.equal((await podsOf(cluster)).length, 2);
  });

  it('releases a pod whose labels do not match any more, and makes another', async () => {
    await create(1);
    const [pod] = await podsOf(cluster);
    const name = { namespace: 'default', name: pod!.metadata.name! };
    await pods().patch(name, { metadata: { labels: { app: 'debug' } } });
    await cluster.clock.settle();
    assert.equal((await pods().get(name)).metadata.ownerReferences, undefined);
    assert.equal((await podsOf(cluster)).length, 1);
    // It comes back when its labels do, and one of the two goes.
    await pods().patch(name, { metadata: { labels } });
    await cluster.clock.settle();
    assert.equal((await podsOf(cluster)).length, 1);
  });

  it('counts pods as available after minReadySeconds', async () => {
    await create(2, { minReadySeconds: 10 });
    await setAllReady(cluster);
    const counts = async () => {
      const { readyReplicas, availableReplicas } = (await sets().get(key)).status ?? {};
      return [readyReplicas, availableReplicas];
    };
    assert.deepEqual(await counts(), [2, undefined]);
    await cluster.clock.advance(9_999);
    assert.deepEqual(await counts(), [2, undefined]);
    await cluster.clock.advance(1);
    assert.deepEqual(await counts(), [2, 2]);
  });

  it('says why pods cannot be made, and takes it back when they can', async () => {
    const refusal = forbiddenError({ group: '', name: 'pods' }, 'web-x', 'exceeded quota: small');
    cluster.refuse = (verb, resource) => (verb === 'create' && resource === 'pods' ? refusal : undefined);
    await create(5);
    const message = 'pods "web-x" is forbidden: exceeded quota: small';
    const failed = (await sets().get(key)).status;
    assert.equal(failed?.replicas, 0);
    assert.deepEqual(failed?.conditions, [
      {
        type: 'ReplicaFailure',
        status: 'True',
        lastTransitionTime: '2026-01-01T00:00:00Z',
        reason: 'FailedCreate',
        message,
      },
    ]);
    assert.deepEqual(await eventsAbout(cluster, 'ReplicaSet'), [`Warning FailedCreate: Error creating: ${message}`]);
    cluster.refuse = () => undefined;
    await cluster.clock.advance(1000);
    const healthy = (await sets().get(key)).status;
    assert.equal(healthy?.replicas, 5);
    assert.equal(healthy?.conditions, undefined);
  });

  it('does nothing in a namespace that goes away', async () => {
    const namespace = 'leaving';
    await cluster.client.resource(Namespace).create({ metadata: { name: namespace } });
    await sets().create({
      metadata: { namespace, name: 'web' },
      spec: { replicas: 0, selector: { matchLabels: labels }, template: template() },
    });
    await cluster.client.resource(Namespace).delete({ name: namespace });
    await sets().updateScale(
      { namespace, name: 'web' },
      { metadata: { namespace, name: 'web' }, spec: { replicas: 2 } },
    );
    await cluster.clock.settle();
    assert.deepEqual((await pods().list({ namespace })).items, []);
    assert.deepEqual(await eventsAbout(cluster, 'ReplicaSet'), []);
    assert.deepEqual(cluster.errors, []);
  });
});

describe('a slow start', () => {
  it('calls each once when all succeed, and little when one fails', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(40), fc.option(fc.nat(40), { nil: undefined }), async (count, failing) => {
        const called: number[] = [];
        const { successes, error } = await slowStart(count, async (index) => {
          called.push(index);
          if (index === failing) throw new Error('no');
        });
        assert.equal(new Set(called).size, called.length);
        if (failing === undefined || failing >= count) {
          assert.equal(successes, count);
          assert.equal(error, undefined);
        } else {
          assert.ok(called.length <= 2 * failing + 1);
          assert.equal(successes, called.length - 1);
          assert.equal((error as Error).message, 'no');
        }
      }),
    );
  });
});
