import assert from 'node:assert/strict';
import { Lease, Node } from '../../src/client/kinds.ts';
import { formatMicroTime, formatTime } from '../../src/clock/clock.ts';
import { isReason } from '../../src/machinery/status.ts';
import { Pod, startCluster, type TestCluster, template } from './cluster.ts';

const pod = { namespace: 'default', name: 'web' };
const leaseKey = { namespace: 'kube-node-lease', name: 'a' };

let cluster: TestCluster;
const nodes = () => cluster.client.resource(Node);

async function addNode(name: string): Promise<void> {
  await nodes().create({ metadata: { name } });
  await setCondition(name, 'Ready', 'True');
}

async function setCondition(name: string, type: string, status: string): Promise<void> {
  const time = formatTime(cluster.clock.now());
  const condition = { type, status, lastHeartbeatTime: time, lastTransitionTime: time };
  await nodes().patchStatus(
    { name },
    { status: { conditions: [condition] } },
    { type: 'application/strategic-merge-patch+json' },
  );
  await cluster.clock.settle();
}

async function addPod(node: string): Promise<void> {
  const pods = cluster.client.resource(Pod);
  await pods.create({ metadata: pod, spec: template().spec });
  await pods.subresource('binding').create(pod, {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: pod,
    target: { apiVersion: 'v1', kind: 'Node', name: node },
  });
  const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: formatTime(cluster.clock.now()) }];
  await pods.patchStatus(pod, { status: { phase: 'Running', conditions } });
}

describe('the node lifecycle controller', () => {
  beforeEach(async () => {
    cluster = await startCluster('node-lifecycle-controller');
    await addNode('a');
  });

  afterEach(async () => {
    await cluster.stop();
    assert.deepEqual(cluster.errors, []);
  });

  const taints = async () =>
    ((await nodes().get({ name: 'a' })).spec?.taints ?? []).map(({ key, effect }) => `${key}:${effect}`);
  const ready = async () => (await nodes().get({ name: 'a' })).status?.conditions?.find(({ type }) => type === 'Ready');

  it('leaves a node alone that renews its lease', async () => {
    const leases = cluster.client.resource(Lease);
    await leases.create({ metadata: leaseKey, spec: { holderIdentity: 'a' } });
    for (let turn = 0; turn < 20; turn++) {
      await leases.patch(leaseKey, { spec: { renewTime: formatMicroTime(cluster.clock.now()) } });
      await cluster.clock.advance(10_000);
    }
    assert.equal((await ready())?.status, 'True');
    assert.deepEqual(cluster.writes, []);
  });

  it('marks a node that has fallen silent, and its pods', async () => {
    await addPod('a');
    await cluster.clock.advance(49_000);
    assert.equal((await ready())?.status, 'True');
    await cluster.clock.advance(6_000);
    const condition = await ready();
    assert.equal(condition?.status, 'Unknown');
    assert.equal(condition?.reason, 'NodeStatusUnknown');
    assert.equal(condition?.message, 'Kubelet stopped posting node status.');
    assert.deepEqual(await taints(), [
      'node.kubernetes.io/unreachable:NoSchedule',
      'node.kubernetes.io/unreachable:NoExecute',
    ]);
    const { status } = await cluster.client.resource(Pod).get(pod);
    assert.equal(status?.conditions?.find(({ type }) => type === 'Ready')?.status, 'False');
    await setCondition('a', 'Ready', 'True');
    assert.deepEqual(await taints(), []);
  });

  it("taints a node by its conditions, and keeps others' taints", async () => {
    await nodes().patch({ name: 'a' }, { spec: { taints: [{ key: 'example.com/own', effect: 'NoSchedule' }] } });
    await setCondition('a', 'DiskPressure', 'True');
    assert.deepEqual(await taints(), ['example.com/own:NoSchedule', 'node.kubernetes.io/disk-pressure:NoSchedule']);
    await setCondition('a', 'DiskPressure', 'False');
    await setCondition('a', 'Ready', 'False');
    assert.deepEqual(await taints(), [
      'example.com/own:NoSchedule',
      'node.kubernetes.io/not-ready:NoSchedule',
      'node.kubernetes.io/not-ready:NoExecute',
    ]);
    await setCondition('a', 'Ready', 'True');
    await nodes().patch({ name: 'a' }, { spec: { unschedulable: true } });
    await cluster.clock.settle();
    assert.deepEqual(await taints(), ['example.com/own:NoSchedule', 'node.kubernetes.io/unschedulable:NoSchedule']);
  });
});

describe('the pod garbage collector', () => {
  beforeEach(async () => {
    cluster = await startCluster('pod-garbage-collector-controller');
    await addNode('a');
    await addPod('a');
  });

  afterEach(async () => {
    await cluster.stop();
    assert.deepEqual(cluster.errors, []);
  });

  async function exists(): Promise<boolean> {
    try {
      await cluster.client.resource(Pod).get(pod);
      return true;
    } catch (error) {
      if (isReason(error, 'NotFound')) return false;
      throw error;
    }
  }

  it('removes the pods of a node that is gone, after a while', async () => {
    await cluster.clock.advance(120_000);
    assert.ok(await exists());
    await nodes().delete({ name: 'a' });
    await cluster.clock.advance(30_000);
    assert.ok(await exists());
    await cluster.clock.advance(60_000);
    assert.equal(await exists(), false);
  });

  it('keeps them when the node comes back in time', async () => {
    await nodes().delete({ name: 'a' });
    await cluster.clock.advance(30_000);
    await addNode('a');
    await cluster.clock.advance(120_000);
    assert.ok(await exists());
  });

  it('tells why a pod has failed', async () => {
    await cluster.client.resource(Pod).patch(pod, { metadata: { finalizers: ['example.com/hold'] } });
    await nodes().delete({ name: 'a' });
    await cluster.clock.advance(90_000);
    const { status } = await cluster.client.resource(Pod).get(pod);
    assert.equal(status?.phase, 'Failed');
    const condition = status?.conditions?.find(({ type }) => type === 'DisruptionTarget');
    assert.equal(`${condition?.reason}: ${condition?.message}`, 'DeletionByPodGC: PodGC: node no longer exists');
  });
});
