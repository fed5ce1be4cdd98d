import assert from 'node:assert/strict';
import type { Pod, PodDisruptionBudget } from '../../src/client/kinds.ts';
import type { ClusterState } from '../../src/scheduler/cluster-state.ts';
import { podInfo } from '../../src/scheduler/pod-info.ts';
import { findPreemption } from '../../src/scheduler/preemption.ts';
import { cluster, decide, decisionOn, inZone, node, type PodSpec, pod } from './cluster.ts';

const important = (spec: PodSpec = {}, requests: Record<string, string> = { cpu: '2' }): Pod =>
  pod({ priority: 100, ...spec }, requests, { labels: { app: 'vip' } });

interface Running {
  readonly priority?: number;
  readonly cpu?: string;
  readonly started?: number;
  readonly labels?: Record<string, string>;
  readonly spec?: PodSpec;
}

const running = (
  name: string,
  nodeName: string,
  { priority = 0, cpu = '1', started = 0, labels = {}, spec = {} }: Running = {},
): Pod =>
  pod(
    { nodeName, priority, ...spec },
    { cpu },
    { name, labels },
    { startTime: new Date(started * 1000).toISOString() },
  );

const budget = (app: string, disruptionsAllowed: number, disruptedPods = {}): PodDisruptionBudget =>
  ({
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: app, namespace: 'default' },
    spec: { selector: { matchLabels: { app } } },
    status: { disruptionsAllowed, disruptedPods },
  }) as unknown as PodDisruptionBudget;

/** `n1 without a, b`, or why not. */
function preempt(wanted: Pod, state: ClusterState, budgets: PodDisruptionBudget[] = []): string {
  const decision = decisionOn(wanted, state);
  assert.equal(decision.node, undefined, 'it fits as it is');
  const found = findPreemption(decision, state, budgets, () => 0);
  if (found.candidate === undefined) return found.message;
  const { node: where, victims } = found.candidate;
  return `${where.name} without ${victims.map(({ pod: { metadata } }) => metadata.name).join(', ')}`;
}

const two = [node('n1'), node('n2')];

describe('preemption', () => {
  const cases: [string, Pod, Pod[], PodDisruptionBudget[], string][] = [
    [
      'only as many as needed',
      important({}, { cpu: '1' }),
      [running('a', 'n1'), running('b', 'n1'), running('c', 'n2', { cpu: '2', priority: 100 })],
      [],
      'n1 without b',
    ],
    [
      'never pods that are as important',
      important(),
      [running('a', 'n1', { priority: 100 }), running('b', 'n2', { priority: 200 })],
      [],
      'preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.',
    ],
    [
      'not where the rest takes too much',
      important(),
      [running('a', 'n1', { priority: 100 }), running('b', 'n1'), running('c', 'n2', { priority: 100 })],
      [],
      'preemption: 0/2 nodes are available: 1 Insufficient cpu, 1 No preemption victims found for incoming pod.',
    ],
    [
      'not what no node could ever hold',
      important({}, { cpu: '3' }),
      [running('a', 'n1'), running('b', 'n2')],
      [],
      'preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.',
    ],
    [
      'not where the pod cannot go anyway',
      important({ nodeSelector: { disk: 'ssd' } }),
      [running('a', 'n1')],
      [],
      'preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.',
    ],
    [
      'not for a pod that may not',
      important({ preemptionPolicy: 'Never' }),
      [running('a', 'n1'), running('b', 'n2')],
      [],
      'preemption: not eligible due to preemptionPolicy=Never.',
    ],
    [
      'where no budget is violated',
      important(),
      [running('a', 'n1', { labels: { app: 'a' } }), running('b', 'n2', { priority: 50 })],
      [budget('a', 0)],
      'n2 without b',
    ],
    [
      'a budget that allows it is not violated',
      important(),
      [running('a', 'n1', { labels: { app: 'a' } }), running('b', 'n2', { priority: 50 })],
      [budget('a', 1)],
      'n1 without a',
    ],
    [
      'a pod that is already being evicted is none of the budget',
      important(),
      [running('a', 'n1', { labels: { app: 'a' } }), running('b', 'n2', { priority: 50 })],
      [budget('a', 0, { a: '2026-01-01T00:00:00Z' })],
      'n1 without a',
    ],
    [
      'a budget is violated rather than nothing done',
      important(),
      [running('a', 'n1', { labels: { app: 'a' } }), running('b', 'n2', { priority: 100 })],
      [budget('a', 0)],
      'n1 without a',
    ],
    [
      'those that a budget protects stay first',
      important({}, { cpu: '1' }),
      [
        running('guarded', 'n1', { labels: { app: 'a' } }),
        running('free', 'n1', { priority: 50 }),
        running('b', 'n2', { cpu: '2', priority: 100 }),
      ],
      [budget('a', 0)],
      'n1 without free',
    ],
    [
      'where the most important victim is the least important',
      important(),
      [
        running('a', 'n1', { priority: 20 }),
        running('b', 'n2', { priority: 10 }),
        running('c', 'n2', { priority: 10 }),
      ],
      [],
      'n2 without b, c',
    ],
    [
      'where the fewest go',
      important(),
      [running('a', 'n1'), running('b', 'n1'), running('c', 'n2')],
      [],
      'n2 without c',
    ],
    [
      'where they have run the shortest',
      important(),
      [running('a', 'n1', { started: 1 }), running('b', 'n2', { started: 2 })],
      [],
      'n2 without b',
    ],
    [
      'the pod that has run longer stays',
      important({}, { cpu: '1' }),
      [
        running('young', 'n1', { started: 9 }),
        running('old', 'n1', { started: 1 }),
        running('c', 'n2', { cpu: '2', priority: 100 }),
      ],
      [],
      'n1 without young',
    ],
  ];
  for (const [name, wanted, pods, budgets, expected] of cases) {
    it(name, () => assert.equal(preempt(wanted, cluster(two, pods), budgets), expected));
  }

  it('removes pods that do not want it beside them, and pods that it does not want', () => {
    const vip = { labelSelector: { matchLabels: { app: 'vip' } }, topologyKey: 'zone' };
    const affinity = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [vip] } };
    const zone = [inZone('a1', 'a')];
    const shy = running('shy', 'a1', { spec: { affinity } });
    assert.equal(preempt(important({}, { cpu: '1' }), cluster(zone, [shy])), 'a1 without shy');
    const other = running('other', 'a1', { labels: { app: 'vip' } });
    assert.equal(preempt(important({ affinity }, { cpu: '1' }), cluster(zone, [other])), 'a1 without other');
  });

  it('makes the spread even by removing pods', () => {
    const constraint = {
      topologyKey: 'zone',
      maxSkew: 1,
      whenUnsatisfiable: 'DoNotSchedule',
      nodeAffinityPolicy: 'Ignore',
      labelSelector: { matchLabels: { app: 'vip' } },
    };
    const wanted = important({ topologySpreadConstraints: [constraint], nodeSelector: { zone: 'a' } }, {});
    const pods = [
      running('a', 'a1', { labels: { app: 'vip' } }),
      running('b', 'a1', { priority: 100, labels: { app: 'x' } }),
    ];
    assert.equal(preempt(wanted, cluster([inZone('a1', 'a'), inZone('b1', 'b')], pods)), 'a1 without a');
  });

  it('leaves what it has tried as it was', () => {
    const state = cluster(two, [running('a', 'n1'), running('b', 'n1', { priority: 100 }), running('c', 'n2')]);
    const wanted = important();
    const before = decide(wanted, state);
    assert.equal(preempt(wanted, state), 'n2 without c');
    assert.equal(decide(wanted, state), before);
  });

  describe('a pod that is promised a node', () => {
    const promised = (): ClusterState => {
      const state = cluster([node('n1')]);
      state.nominations.set(podInfo(important({}, { cpu: '2' })), 'n1');
      return state;
    };
    const later = (priority: number): Pod => pod({ priority }, { cpu: '1' }, { name: 'later' });

    it('is left the room by pods that are not more important', () => {
      for (const priority of [0, 100]) {
        assert.equal(decide(later(priority), promised()), '0/1 nodes are available: 1 Insufficient cpu.');
      }
      assert.equal(decide(later(101), promised()), '→ n1');
    });

    it('takes it itself, though others are better', () => {
      const state = cluster([node('n1'), node('n2')], [running('a', 'n1', { cpu: '100m' })]);
      state.nominations.set(podInfo(important({}, { cpu: '1' })), 'n1');
      assert.equal(decide(important({}, { cpu: '1' }), state), '→ n1');
    });

    it('removes nobody else while its victims end', () => {
      const victim = running('a', 'n1', { cpu: '2' });
      const conditions = [{ type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler' }];
      const ending = {
        ...victim,
        metadata: { ...victim.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' },
        status: { conditions },
      } as unknown as Pod;
      const state = cluster(two, [ending, running('b', 'n2')]);
      state.nominations.set(podInfo(important()), 'n1');
      assert.equal(
        preempt(important(), state),
        'preemption: not eligible due to a terminating pod on the nominated node.',
      );
    });
  });
});
