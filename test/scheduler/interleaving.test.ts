import assert from 'node:assert/strict';
import { Node, Pod } from '../../src/client/kinds.ts';
import { createVirtualClock } from '../../src/clock/virtual.ts';
import { startScheduler } from '../../src/cluster/scheduler-role.ts';
import { silentLogger } from '../../src/runtime/logger.ts';
import { startTestCluster } from '../../src/testing/test-cluster.ts';
import { decide, node, type PodSpec, pod, cluster as stateOf } from './cluster.ts';

const web = { labelSelector: { matchLabels: { app: 'web' } }, topologyKey: 'zone' };
const specs: PodSpec[] = [
  {},
  { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [web] } } },
  { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [web] } } },
  { topologySpreadConstraints: [{ ...web, maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule' }] },
  { nodeSelector: { zone: 'b' } },
  { priorityClassName: 'system-cluster-critical' },
];

/** Sixty changes by lot, in between which the scheduler has more or less time, and then peace. */
async function story(seed: number): Promise<void> {
  const clock = createVirtualClock(undefined, seed);
  const choose = <T>(...from: readonly T[]): T => from[Math.floor(clock.random() * from.length)]!;
  const server = await startTestCluster({ clock });
  const { client } = server;
  const errors: unknown[] = [];
  const start = (): Promise<{ stop(): Promise<void> }> =>
    startScheduler({
      transport: server.transportAs('system:kube-scheduler'),
      clock,
      log: { ...silentLogger, error: (fields) => void errors.push(fields) },
    });
  let scheduler = await start();
  const pods = async (): Promise<Pod[]> => (await client.resource(Pod).list({ namespace: 'default' })).items;
  const nodes = async (): Promise<Node[]> => (await client.resource(Node).list()).items;
  const end = (gone: Pod): Promise<unknown> =>
    client.resource(Pod).delete({ namespace: 'default', name: gone.metadata.name! }, { gracePeriodSeconds: 0 });
  const endVictims = async (): Promise<boolean> => {
    const victims = (await pods()).filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
    for (const victim of victims) await end(victim);
    return victims.length > 0;
  };
  const addNode = async (name: string): Promise<void> => {
    const { status, ...object } = node(name, {}, { zone: choose('a', 'b') });
    await client.resource(Node).create(object as Node);
    await client.resource(Node).patchStatus({ name }, { status: status as never });
  };
  try {
    await addNode('n0');
    for (let step = 1; step <= 60; step++) {
      const known = await nodes();
      const some = choose(...(await pods()));
      switch (choose('pod', 'pod', 'pod', 'end', 'end', 'node', 'label', 'cordon', 'remove', 'restart')) {
        case 'pod':
          await client
            .resource(Pod)
            .create(
              pod(
                choose(...specs),
                { cpu: choose('500m', '1', '2') },
                { name: `p${step}`, labels: { app: choose('web', 'db') } },
              ),
            );
          break;
        case 'end':
          if (some !== undefined) await end(some);
          break;
        case 'node':
          if (known.length < 4) await addNode(`n${step}`);
          break;
        case 'label':
          if (some !== undefined) {
            const key = { namespace: 'default', name: some.metadata.name! };
            await client.resource(Pod).patch(key, { metadata: { labels: { app: choose('web', 'db') } } } as never);
          }
          break;
        case 'cordon': {
          const { metadata, spec } = choose(...known);
          const unschedulable = spec?.unschedulable !== true;
          await client.resource(Node).patch({ name: metadata.name! }, { spec: { unschedulable } } as never);
          break;
        }
        case 'restart':
          await scheduler.stop();
          scheduler = await start();
          break;
        case 'remove':
          if (known.length > 1) {
            const { name } = choose(...known).metadata;
            await client.resource(Node).delete({ name: name! });
            for (const each of await pods()) if (each.spec?.nodeName === name) await end(each);
          }
          break;
      }
      if (choose(true, false)) await clock.advance(choose(0, 300, 3000));
      if (choose(true, false)) await endVictims();
    }
    do await clock.advance(60_000);
    while (await endVictims());

    assert.deepEqual(errors, []);
    const settled = await pods();
    const state = stateOf(await nodes(), settled, { default: {} });
    for (const { name, allocatable, requested } of state.nodes) {
      for (const [resource, amount] of requested) {
        assert.ok(amount <= (allocatable.get(resource) ?? 0), `${name} has too much ${resource}`);
      }
    }
    for (const each of settled) {
      if ((each.spec?.nodeName ?? '') === '') {
        assert.match(decide(each, state), /^0\/\d nodes are available/, `${each.metadata.name} waits for nothing`);
      }
    }
  } finally {
    await scheduler.stop();
    await server.stop();
  }
}

describe('the scheduler, whatever happens', () => {
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    it(`overcommits no node and forgets no pod (seed ${seed})`, () => story(seed)).timeout(20_000);
  }
});
