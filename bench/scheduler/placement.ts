/**
 * How fast pods get their nodes: decisions alone, and pods bound through an API server in this process (memory store), with
 * everything that the scheduler writes.
 */
import { type Node, Node as NodeKind, type Pod, Pod as PodKind } from '../../src/client/kinds.ts';
import { systemClock } from '../../src/clock/clock.ts';
import { startScheduler } from '../../src/cluster/scheduler-role.ts';
import { silentLogger } from '../../src/runtime/logger.ts';
import { ClusterState } from '../../src/scheduler/cluster-state.ts';
import { Decider } from '../../src/scheduler/decision.ts';
import { podInfo } from '../../src/scheduler/pod-info.ts';
import { createProfile } from '../../src/scheduler/profile.ts';
import { startTestCluster } from '../../src/testing/test-cluster.ts';
import { type Figure, perSecond } from '../server/figure.ts';

const apps = 20;

function node(i: number): Node {
  const name = `n${i}`;
  const labels = { 'kubernetes.io/hostname': name, 'topology.kubernetes.io/zone': `z${i % 3}` };
  const allocatable = { cpu: '8', memory: '32Gi', pods: '110' };
  const status = { allocatable, capacity: allocatable, conditions: [{ type: 'Ready', status: 'True' }] };
  return { apiVersion: 'v1', kind: 'Node', metadata: { name, labels }, spec: {}, status } as unknown as Node;
}

/** `spread`: evenly over zones, and no two pods of an app on one node. */
function pod(i: number, spread: boolean): Pod {
  const labels = { app: `a${i % apps}` };
  const labelSelector = { matchLabels: labels };
  const zones = { topologyKey: 'topology.kubernetes.io/zone', maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule' };
  const apart = [{ labelSelector, topologyKey: 'kubernetes.io/hostname' }];
  const rules = {
    topologySpreadConstraints: [{ ...zones, labelSelector }],
    affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: apart } },
  };
  const resources = { requests: { cpu: '100m', memory: '100Mi' } };
  const spec = { containers: [{ name: 'c', image: 'i', resources }], ...(spread ? rules : {}) };
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name: `p${i}`, namespace: 'default', labels }, spec } as Pod;
}

function decisions(nodes: number, pods: number, spread: boolean): number {
  const cluster = new ClusterState();
  for (let i = 0; i < nodes; i++) cluster.setNode(node(i));
  const decider = new Decider(createProfile(), cluster, () => systemClock.random());
  const start = performance.now();
  for (let i = 0; i < pods; i++) {
    const info = podInfo(pod(i, spread));
    const decision = decider.decide(info);
    if (decision.node === undefined) throw new Error(decision.message);
    cluster.assume(info, decision.node.name);
  }
  return (1000 * pods) / (performance.now() - start);
}

/** Pods wait in the API; the clock runs from the scheduler's first look to the last binding. */
async function bindings(nodes: number, pods: number, spread: boolean): Promise<number> {
  await using server = await startTestCluster();
  for (let i = 0; i < nodes; i++) {
    const { status, ...object } = node(i);
    await server.client.resource(NodeKind).create(object as Node);
    await server.client.resource(NodeKind).patchStatus({ name: object.metadata.name! }, { status: status as never });
  }
  for (let i = 0; i < pods; i++) await server.client.resource(PodKind).create(pod(i, spread));
  const transport = server.transportAs('system:kube-scheduler');
  const request = transport.request.bind(transport);
  let bound = 0;
  const all = new Promise<void>((resolve) => {
    transport.request = async (asked) => {
      const answer = await request(asked);
      if (asked.target.subresource === 'binding' && ++bound === pods) resolve();
      return answer;
    };
  });
  const start = performance.now();
  const scheduler = await startScheduler({ transport, clock: systemClock, log: silentLogger });
  await all;
  const rate = (1000 * pods) / (performance.now() - start);
  await scheduler.stop();
  return rate;
}

export async function scheduler(): Promise<Figure[]> {
  decisions(1000, 500, true); // warms up
  return [
    { figure: 'decisions, 1,000 nodes', ours: perSecond(decisions(1000, 2000, false)) },
    { figure: 'decisions, 5,000 nodes, anti-affinity and spread', ours: perSecond(decisions(5000, 2000, true)) },
    { figure: 'pods bound, 1,000 nodes', ours: perSecond(await bindings(1000, 2000, false)), target: '≥ 1,000/s' },
    {
      figure: 'pods bound, 5,000 nodes, anti-affinity and spread',
      ours: perSecond(await bindings(5000, 1000, true)),
      target: '≥ 300/s',
      kubernetes: '185–400/s (published)',
    },
  ];
}
