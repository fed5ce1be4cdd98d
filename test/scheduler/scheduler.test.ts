import assert from 'node:assert/strict';
import { Event, Node, Pod, PodDisruptionBudget } from '../../src/client/kinds.ts';
import { createVirtualClock, type VirtualClock } from '../../src/clock/virtual.ts';
import { startScheduler } from '../../src/cluster/scheduler-role.ts';
import type { ProfileOptions } from '../../src/scheduler/profile.ts';
import { startTestCluster, type TestCluster } from '../../src/testing/test-cluster.ts';
import { node, type PodSpec, pod } from './cluster.ts';

interface Scheduled extends AsyncDisposable {
  readonly cluster: TestCluster;
  readonly clock: VirtualClock;
  /** What the scheduler logged as going wrong. */
  readonly errors: unknown[];
}

/** A server and a scheduler with the rights that Kubernetes gives it; nodes are objects that nobody stands behind. */
async function start(nodes: readonly string[], profiles?: readonly ProfileOptions[]): Promise<Scheduled> {
  const clock = createVirtualClock();
  const cluster = await startTestCluster({ clock });
  const errors: unknown[] = [];
  const note = (fields: unknown): void => void errors.push(fields);
  const log = { debug: () => undefined, info: () => undefined, warn: note, error: note };
  const transport = cluster.transportAs('system:kube-scheduler');
  const scheduler = await startScheduler({ transport, clock, log, ...(profiles && { profiles }) });
  for (const name of nodes) await addNode(cluster, name);
  await clock.settle();
  return {
    cluster,
    clock,
    errors,
    async [Symbol.asyncDispose]() {
      await scheduler.stop();
      await cluster.stop();
    },
  };
}

async function addNode({ client }: TestCluster, name: string): Promise<void> {
  const { spec, status, ...object } = node(name);
  await client.resource(Node).create({ ...object, spec: { ...spec } } as Node);
  await client.resource(Node).patchStatus({ name }, { status: status as never });
}

async function create({ cluster, clock }: Scheduled, name: string, cpu: string, spec: PodSpec = {}): Promise<void> {
  await cluster.client.resource(Pod).create(pod({ ...spec }, { cpu }, { name, labels: { app: name } }));
  await clock.settle();
}

const get = ({ cluster }: Scheduled, name: string): Promise<Pod> =>
  cluster.client.resource(Pod).get({ namespace: 'default', name });

function condition({ status }: Pod, type: string) {
  const found = status?.conditions?.find((each) => each.type === type);
  assert.ok(found, `there is no condition ${type}`);
  const { lastTransitionTime, ...rest } = found;
  return rest;
}

async function events({ cluster, clock }: Scheduled, name: string): Promise<string[]> {
  await clock.settle();
  const { items } = await cluster.client.resource(Event).list({ namespace: 'default' });
  return items
    .filter(({ involvedObject }) => involvedObject.name === name)
    .map(({ type, reason, message, count }) => `${type} ${reason} (${count}): ${message}`);
}

const remove = async ({ cluster, clock }: Scheduled, name: string): Promise<void> => {
  await cluster.client.resource(Pod).delete({ namespace: 'default', name }, { gracePeriodSeconds: 0 });
  await clock.settle();
};

describe('the scheduler', () => {
  it('binds a pod and says so', async () => {
    await using it = await start(['n1']);
    await create(it, 'web', '1');
    const { spec, status } = await get(it, 'web');
    assert.equal(spec?.nodeName, 'n1');
    assert.equal(status?.conditions?.find(({ type }) => type === 'PodScheduled')?.status, 'True');
    assert.deepEqual(await events(it, 'web'), ['Normal Scheduled (1): Successfully assigned default/web to n1']);
    assert.deepEqual(it.errors, []);
  });

  it('says why a pod waits, and places it when what it waits for happens', async () => {
    await using it = await start(['n1']);
    await create(it, 'first', '2');
    await create(it, 'second', '2');
    const message =
      '0/1 nodes are available: 1 Insufficient cpu. ' +
      'preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.';
    const waiting = await get(it, 'second');
    assert.deepEqual(condition(waiting, 'PodScheduled'), {
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message,
      lastProbeTime: null,
    });
    assert.deepEqual(await events(it, 'second'), [`Warning FailedScheduling (1): ${message}`]);
    await it.clock.advance(600_000);
    assert.deepEqual(await events(it, 'second'), [`Warning FailedScheduling (1): ${message}`], 'nothing has happened');
    await remove(it, 'first');
    assert.equal((await get(it, 'second')).spec?.nodeName, 'n1');
  });

  it('waits out the back-off', async () => {
    await using it = await start(['n1']);
    await create(it, 'first', '2');
    await create(it, 'second', '2');
    await remove(it, 'first');
    assert.equal((await get(it, 'second')).spec?.nodeName, undefined);
    await it.clock.advance(1000);
    assert.equal((await get(it, 'second')).spec?.nodeName, 'n1');
  });

  it('leaves gated pods alone until their gates are gone', async () => {
    await using it = await start(['n1']);
    await create(it, 'gated', '1', { schedulingGates: [{ name: 'example.com/wait' }] });
    const gated = await get(it, 'gated');
    assert.equal(gated.spec?.nodeName, undefined);
    assert.equal(condition(gated, 'PodScheduled').reason, 'SchedulingGated');
    await it.cluster.client
      .resource(Pod)
      .patch({ namespace: 'default', name: 'gated' }, { spec: { schedulingGates: null } } as never);
    await it.clock.settle();
    assert.equal((await get(it, 'gated')).spec?.nodeName, 'n1');
  });

  it('removes lesser pods for an important one, and keeps their room for it', async () => {
    await using it = await start(['n1']);
    await create(it, 'low', '2');
    await create(it, 'high', '2', { priorityClassName: 'system-cluster-critical' });
    const victim = await get(it, 'low');
    const high = await get(it, 'high');
    assert.equal(high.status?.nominatedNodeName, 'n1');
    assert.equal(condition(high, 'PodScheduled').message, '0/1 nodes are available: 1 Insufficient cpu.');
    assert.deepEqual(condition(victim, 'DisruptionTarget'), {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'PreemptionByScheduler',
      message: 'default-scheduler: preempting to accommodate a higher priority pod',
      lastProbeTime: null,
    });
    assert.notEqual(victim.metadata.deletionTimestamp, undefined);
    assert.equal(
      (await events(it, 'low')).at(-1),
      `Normal Preempted (1): Preempted by pod ${high.metadata.uid} on node n1`,
    );
    await create(it, 'sneaky', '1');
    await remove(it, 'low');
    await it.clock.advance(10_000);
    assert.equal((await get(it, 'high')).spec?.nodeName, 'n1');
    assert.equal((await get(it, 'sneaky')).spec?.nodeName, undefined);
    assert.deepEqual(it.errors, []);
  });

  it('spares pods of a disruption budget where it can', async () => {
    await using it = await start(['n1', 'n2']);
    await it.cluster.client.resource(PodDisruptionBudget).create({
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'guard', namespace: 'default' },
      spec: { minAvailable: 1, selector: { matchLabels: { app: 'guarded' } } } as never,
    });
    await create(it, 'guarded', '2');
    await create(it, 'free', '2');
    await create(it, 'high', '2', { priorityClassName: 'system-cluster-critical' });
    assert.equal((await get(it, 'guarded')).metadata.deletionTimestamp, undefined);
    assert.notEqual((await get(it, 'free')).metadata.deletionTimestamp, undefined);
  });

  it('never removes pods for one that may not', async () => {
    await using it = await start(['n1']);
    await create(it, 'low', '2', {});
    await it.cluster.create({
      apiVersion: 'scheduling.k8s.io/v1',
      kind: 'PriorityClass',
      metadata: { name: 'polite' },
      value: 1000,
      preemptionPolicy: 'Never',
    } as never);
    await create(it, 'high', '2', { priorityClassName: 'polite' });
    assert.equal(
      condition(await get(it, 'high'), 'PodScheduled').message,
      '0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible due to preemptionPolicy=Never.',
    );
    assert.equal((await get(it, 'low')).metadata.deletionTimestamp, undefined);
  });

  it('serves the profiles that it is given, and no other name', async () => {
    await using it = await start(['n1'], [{ schedulerName: 'packer', scoringStrategy: 'MostAllocated' }]);
    await create(it, 'packed', '1', { schedulerName: 'packer' });
    await create(it, 'other', '1');
    assert.equal((await get(it, 'packed')).spec?.nodeName, 'n1');
    assert.equal((await get(it, 'other')).spec?.nodeName, undefined);
    assert.deepEqual(await events(it, 'other'), []);
  });
});
