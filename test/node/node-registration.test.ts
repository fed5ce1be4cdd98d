import assert from 'node:assert/strict';
import type { Node } from '../../src/apis/types.ts';
import * as kinds from '../../src/client/kinds.ts';
import { createVirtualClock, type VirtualClock } from '../../src/clock/virtual.ts';
import { createSimulatedRuntime } from '../../src/node/simulated/simulated-runtime.ts';
import { TestNode, until } from './test-node.ts';

describe('node registration', () => {
  let clock: VirtualClock;
  let node: TestNode;

  beforeEach(async () => {
    clock = createVirtualClock();
    node = await TestNode.start(clock, () => createSimulatedRuntime({ clock }), {
      hostIP: '10.1.2.3',
      labels: { zone: 'a' },
      capacity: { cpu: '8', memory: '16Gi', pods: '250' },
      taints: [{ key: 'dedicated', value: 'x', effect: 'NoSchedule' }],
    });
  });
  afterEach(() => node.close());

  const nodes = () => node.client.resource(kinds.Node);
  const get = (): Promise<Node> => nodes().get({ name: 'node-1' });
  const lease = () => node.client.resource(kinds.Lease).get({ namespace: 'kube-node-lease', name: 'node-1' });

  it('says what the node is', async () => {
    const { metadata, spec, status } = await get();
    const labels = metadata.labels!;
    assert.equal(labels['kubernetes.io/hostname'], 'node-1');
    assert.equal(labels['kubernetes.io/os'], 'linux');
    assert.match(labels['kubernetes.io/arch']!, /^(amd64|arm64|arm|386)$/);
    assert.equal(labels.zone, 'a');
    assert.deepEqual(spec!.taints, [{ key: 'dedicated', value: 'x', effect: 'NoSchedule' }]);
    assert.deepEqual(status!.addresses, [
      { type: 'InternalIP', address: '10.1.2.3' },
      { type: 'Hostname', address: 'node-1' },
    ]);
    const { cpu, memory, pods, 'ephemeral-storage': storage } = status!.allocatable!;
    assert.deepEqual([cpu, memory, pods], ['8', '16Gi', '250']);
    assert.match(storage!, /^\d+Ki$/);
    assert.deepEqual(
      [status!.nodeInfo!.containerRuntimeVersion, status!.nodeInfo!.kubeletVersion],
      ['simulated://0.1.0', 'v1.36.0'],
    );
  });

  it('is ready, and says why', async () => {
    const { status } = await get();
    const time = '2026-01-01T00:00:00Z';
    const condition = (type: string, value: string, reason: string, message: string) => ({
      type,
      status: value,
      lastHeartbeatTime: time,
      lastTransitionTime: time,
      reason,
      message,
    });
    assert.deepEqual(status!.conditions, [
      condition('MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'),
      condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
      condition('PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
      condition('Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'),
    ]);
    const event = await node.untilEvent('NodeReady');
    assert.equal(event.message, 'Node node-1 status is now: NodeReady');
  });

  it('renews its lease every ten seconds', async () => {
    await until(() => lease().catch(() => undefined));
    const { spec, metadata } = await lease();
    assert.deepEqual([spec!.holderIdentity, spec!.leaseDurationSeconds], ['node-1', 40]);
    assert.deepEqual(
      metadata.ownerReferences!.map(({ kind, name, uid }) => [kind, name, uid]),
      [['Node', 'node-1', (await get()).metadata.uid]],
    );
    const renewed: number[] = [];
    while (renewed.length < 3) {
      const before = (await lease()).spec!.renewTime;
      const after = await until(async () => {
        await clock.advance(1000);
        const { renewTime } = (await lease()).spec!;
        return renewTime !== before && renewTime;
      });
      renewed.push(Date.parse(after) - Date.parse(before!));
    }
    assert.ok(
      renewed.every((interval) => interval >= 10_000 && interval <= 12_000),
      `${renewed}`,
    );
  });

  it('writes its lease anew when somebody has taken it away or written it', async () => {
    const leases = node.client.resource(kinds.Lease);
    await until(() => lease().catch(() => undefined));
    await leases.patch({ namespace: 'kube-node-lease', name: 'node-1' }, { metadata: { labels: { touched: 'yes' } } });
    await until(async () => {
      await clock.advance(10_000);
      return (await lease()).spec!.renewTime !== '2026-01-01T00:00:00.000000Z';
    });
    assert.equal((await lease()).metadata.labels!.touched, 'yes');
    await leases.delete({ namespace: 'kube-node-lease', name: 'node-1' });
    const again = await until(async () => {
      await clock.advance(10_000);
      return await lease().catch(() => undefined);
    });
    assert.equal(again.spec!.holderIdentity, 'node-1');
  });

  it('reports its status every five minutes, and else only when it changes', async () => {
    const before = await get();
    await clock.advance(280_000);
    assert.equal((await get()).metadata.resourceVersion, before.metadata.resourceVersion);
    const ready = await until(async () => {
      await clock.advance(10_000);
      const condition = (await get()).status!.conditions!.find(({ type }) => type === 'Ready')!;
      return condition.lastHeartbeatTime !== '2026-01-01T00:00:00Z' && condition;
    });
    assert.match(ready.lastHeartbeatTime!, /T00:05:[0-2]\d/);
    assert.equal(ready.lastTransitionTime, '2026-01-01T00:00:00Z');
  });

  it('takes back a node that others gave up on, and leaves what they set', async () => {
    await node.agent.stop();
    await nodes().patch(
      { name: 'node-1' },
      { metadata: { labels: { mine: 'yes', zone: 'b' } }, spec: { unschedulable: true } },
    );
    const conditions = [
      {
        type: 'Ready',
        status: 'Unknown',
        reason: 'NodeStatusUnknown',
        message: 'Kubelet stopped posting node status.',
      },
      { type: 'Custom', status: 'True' },
    ];
    await nodes().patchStatus(
      { name: 'node-1' },
      { status: { conditions } },
      { type: 'application/strategic-merge-patch+json' },
    );
    await clock.advance(1000);
    node.agent = node.newAgent();
    await node.agent.start();
    const { metadata, spec, status } = await get();
    assert.deepEqual([metadata.labels!.mine, metadata.labels!.zone, spec!.unschedulable], ['yes', 'a', true]);
    const condition = (type: string) => status!.conditions!.find((found) => found.type === type)!;
    assert.deepEqual(
      [condition('Ready').status, condition('Ready').reason, condition('Ready').lastTransitionTime],
      ['True', 'KubeletReady', '2026-01-01T00:00:01Z'],
    );
    assert.equal(condition('Custom').status, 'True');
  });
});
