import assert from 'node:assert/strict';
import { Node } from '../../src/client/kinds.ts';
import { isReason } from '../../src/machinery/status.ts';
import { eventsAbout, Pod, startCluster, type TestCluster, template } from './cluster.ts';

const key = { namespace: 'default', name: 'web' };
const finalizers = ['example.com/hold'];

describe('eviction by taints', () => {
  let cluster: TestCluster;

  beforeEach(async () => {
    cluster = await startCluster('taint-eviction-controller');
    await cluster.client.resource(Node).create({ metadata: { name: 'a' } });
  });

  afterEach(async () => {
    await cluster.stop();
    assert.deepEqual(cluster.errors, []);
  });

  const pods = () => cluster.client.resource(Pod);

  const pod = (tolerations: object[] = [], metadata: object = {}) =>
    pods().create({
      metadata: { ...key, ...metadata },
      spec: { ...template().spec, nodeName: 'a', tolerations: tolerations as never },
    });

  const taint = async (...taints: object[]): Promise<void> => {
    await cluster.client.resource(Node).patch({ name: 'a' }, { spec: { taints: taints as never } });
    await cluster.clock.settle();
  };

  const stays = async (): Promise<boolean> => {
    await cluster.clock.settle();
    try {
      return (await pods().get(key)).metadata.deletionTimestamp === undefined;
    } catch (error) {
      if (isReason(error, 'NotFound')) return false;
      throw error;
    }
  };

  const maintenance = { key: 'example.com/maintenance', effect: 'NoExecute' };
  const tolerating = (seconds?: number) => ({
    key: maintenance.key,
    operator: 'Exists',
    effect: 'NoExecute',
    ...(seconds === undefined ? {} : { tolerationSeconds: seconds }),
  });

  it('sends pods away at once that tolerate nothing, and says why', async () => {
    await pod([], { finalizers });
    await taint({ ...maintenance, effect: 'NoSchedule' });
    assert.ok(await stays());
    await taint(maintenance);
    assert.equal(await stays(), false);
    const target = (await pods().get(key)).status?.conditions?.find(({ type }) => type === 'DisruptionTarget');
    assert.equal(target?.status, 'True');
    assert.equal(target?.reason, 'DeletionByTaintManager');
    assert.equal(target?.message, 'Taint manager: deleting due to NoExecute taint');
    assert.deepEqual(await eventsAbout(cluster, 'Pod'), [
      'Normal TaintManagerEviction: Marking for deletion Pod default/web',
    ]);
  });

  it('sends pods away that come to a tainted node', async () => {
    await taint(maintenance);
    await pod();
    assert.equal(await stays(), false);
  });

  it('lets pods stay that tolerate the taint for good', async () => {
    await pod([tolerating()]);
    await taint(maintenance);
    await cluster.clock.advance(3_600_000);
    assert.ok(await stays());
  });

  it('waits as long as the least patient toleration', async () => {
    await pod([tolerating(60), { key: 'other', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 30 }]);
    await taint(maintenance, { key: 'other', effect: 'NoExecute' });
    await cluster.clock.advance(29_000);
    assert.ok(await stays());
    await cluster.clock.advance(2_000);
    assert.equal(await stays(), false);
  });

  it('changes its mind when the taint goes in time', async () => {
    await pod([tolerating(60)]);
    await taint(maintenance);
    await cluster.clock.advance(30_000);
    await taint();
    await cluster.clock.advance(300_000);
    assert.ok(await stays());
    assert.deepEqual(await eventsAbout(cluster, 'Pod'), [
      'Normal TaintManagerEviction: Cancelling deletion of Pod default/web',
    ]);
    await taint(maintenance);
    await cluster.clock.advance(59_000);
    assert.ok(await stays());
    await cluster.clock.advance(2_000);
    assert.equal(await stays(), false);
  });

  it('gives a pod that follows under the same name its own time', async () => {
    await pod([tolerating(60)]);
    await taint(maintenance);
    await cluster.clock.advance(40_000);
    await pods().delete(key, { gracePeriodSeconds: 0 });
    await pod([tolerating(60)]);
    await cluster.clock.advance(40_000);
    assert.ok(await stays());
    await cluster.clock.advance(21_000);
    assert.equal(await stays(), false);
  });
});

describe('a node that falls silent', () => {
  it('loses its pods after five minutes, as admission has it', async () => {
    const cluster = await startCluster('node-lifecycle-controller', 'taint-eviction-controller');
    const nodes = cluster.client.resource(Node);
    await nodes.create({ metadata: { name: 'a' } });
    const time = new Date(cluster.clock.now()).toISOString().replace(/\.\d+/, '');
    const conditions = [{ type: 'Ready', status: 'True', lastHeartbeatTime: time, lastTransitionTime: time }];
    await nodes.patchStatus({ name: 'a' }, { status: { conditions } });
    const pods = cluster.client.resource(Pod);
    await pods.create({ metadata: { ...key, finalizers }, spec: { ...template().spec, nodeName: 'a' } });
    await cluster.clock.advance(340_000);
    assert.equal((await pods.get(key)).metadata.deletionTimestamp, undefined);
    await cluster.clock.advance(20_000);
    assert.notEqual((await pods.get(key)).metadata.deletionTimestamp, undefined);
    await cluster.stop();
    assert.deepEqual(cluster.errors, []);
  });
});
