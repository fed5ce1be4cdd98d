import assert from 'node:assert/strict';
import type { Node, Pod } from '../../src/client/kinds.ts';
import { createVirtualClock } from '../../src/clock/virtual.ts';
import type { ClusterState } from '../../src/scheduler/cluster-state.ts';
import type { ClusterEvent } from '../../src/scheduler/events.ts';
import { podInfo } from '../../src/scheduler/pod-info.ts';
import { WaitingPods } from '../../src/scheduler/waiting-pods.ts';
import { cluster, decisionOn, inZone, node, pod } from './cluster.ts';

const term = (app: string) => ({ labelSelector: { matchLabels: { app } }, topologyKey: 'zone' });
const near = { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term('db')] } } };
const apart = { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term('db')] } } };
const running = (name: string, app: string, cpu = '100m'): Pod =>
  pod({ nodeName: 'a1' }, { cpu }, { name, labels: { app } });
const taint = { key: 'k', effect: 'NoSchedule' };
const spread = {
  topologySpreadConstraints: [{ ...term('web'), maxSkew: 1, minDomains: 2, whenUnsatisfiable: 'DoNotSchedule' }],
};

describe('pods that wait', () => {
  const zone = (node: Node): Node => ({ ...node, metadata: { ...node.metadata, labels: { zone: 'a' } } });
  type Change = (state: ClusterState) => ClusterEvent | undefined;
  const cases: [string, Pod, Node[], Pod[], Change, boolean][] = [
    [
      'too little cpu: a pod ends',
      pod({}, { cpu: '2' }),
      [node('a1')],
      [running('a', 'x')],
      (s) => s.removePod('default/a'),
      true,
    ],
    [
      'too little cpu: a taint goes',
      pod({}, { cpu: '2' }),
      [node('a1', { taints: [{ ...taint, effect: 'PreferNoSchedule' }] })],
      [running('a', 'x')],
      (s) => s.setNode(node('a1')),
      false,
    ],
    [
      'too little cpu: a small node comes',
      pod({}, { cpu: '3' }),
      [node('a1')],
      [],
      (s) => s.setNode(node('a2')),
      false,
    ],
    [
      'too little cpu: a large node comes',
      pod({}, { cpu: '3' }),
      [node('a1')],
      [],
      (s) => s.setNode(node('a2', {}, {}, 'True', { allocatable: { cpu: '4', pods: '9' } })),
      true,
    ],
    [
      'too little cpu: a pod comes',
      pod({}, { cpu: '2' }),
      [node('a1')],
      [running('a', 'x')],
      (s) => s.setPod(running('b', 'y')),
      false,
    ],
    ['a taint: it goes', pod(), [node('a1', { taints: [taint] })], [], (s) => s.setNode(node('a1')), true],
    [
      'a taint: another one comes',
      pod(),
      [node('a1', { taints: [taint] })],
      [],
      (s) => s.setNode(node('a1', { taints: [taint, { ...taint, key: 'l' }] })),
      false,
    ],
    [
      'a taint: a pod ends',
      pod(),
      [node('a1', { taints: [taint] })],
      [running('a', 'x')],
      (s) => s.removePod('default/a'),
      false,
    ],
    ['not ready: ready', pod(), [node('a1', {}, {}, 'False')], [], (s) => s.setNode(node('a1')), true],
    [
      'unschedulable: schedulable',
      pod(),
      [node('a1', { unschedulable: true })],
      [],
      (s) => s.setNode(node('a1')),
      true,
    ],
    [
      'a selector: labels that match',
      pod({ nodeSelector: { zone: 'a' } }),
      [node('a1')],
      [],
      (s) => s.setNode(inZone('a1', 'a')),
      true,
    ],
    [
      'a selector: labels that do not',
      pod({ nodeSelector: { zone: 'a' } }),
      [node('a1')],
      [],
      (s) => s.setNode(inZone('a1', 'b')),
      false,
    ],
    ['nobody near: the right pod comes', pod(near), [inZone('a1', 'a')], [], (s) => s.setPod(running('a', 'db')), true],
    ['nobody near: another pod comes', pod(near), [inZone('a1', 'a')], [], (s) => s.setPod(running('a', 'x')), false],
    [
      'somebody near: it goes',
      pod(apart),
      [inZone('a1', 'a')],
      [running('a', 'db')],
      (s) => s.removePod('default/a'),
      true,
    ],
    [
      'somebody near: another one goes',
      pod(apart),
      [inZone('a1', 'a')],
      [running('a', 'db'), running('b', 'x')],
      (s) => s.removePod('default/b'),
      false,
    ],
    [
      'somebody near: its label goes',
      pod(apart),
      [inZone('a1', 'a')],
      [running('a', 'db')],
      (s) => s.setPod(running('a', 'x')),
      true,
    ],
    [
      'uneven: a domain comes',
      pod(spread, {}, { labels: { app: 'web' } }),
      [inZone('a1', 'a')],
      [running('a', 'web')],
      (s) => s.setNode(inZone('b1', 'b')),
      true,
    ],
    [
      'uneven: a pod of the kind goes',
      pod(spread, {}, { labels: { app: 'web' } }),
      [inZone('a1', 'a')],
      [running('a', 'web')],
      (s) => s.removePod('default/a'),
      true,
    ],
    [
      'uneven: another pod goes',
      pod(spread, {}, { labels: { app: 'web' } }),
      [inZone('a1', 'a')],
      [running('a', 'web'), running('b', 'x')],
      (s) => s.removePod('default/b'),
      false,
    ],
    ['no node at all: one comes', pod(), [], [], (s) => s.setNode(zone(node('a1'))), true],
  ];
  for (const [name, wanted, nodes, pods, change, expected] of cases) {
    it(`${name}: ${expected ? 'wakes' : 'does not wake'}`, () => {
      const state = cluster(nodes, pods);
      const waiting = new WaitingPods(createVirtualClock());
      const decision = decisionOn(wanted, state);
      assert.equal(decision.node, undefined, 'it fits as it is');
      waiting.refused(podInfo(wanted), decision.plugins);
      const event = change(state);
      assert.notEqual(event, undefined, 'nothing has happened');
      assert.equal(waiting.wake(event!, state).length, expected ? 1 : 0);
    });
  }

  it('are woken once, later the more often they were refused, and the most important first', async () => {
    const clock = createVirtualClock();
    const waiting = new WaitingPods(clock);
    const state = cluster([node('a1', { taints: [taint] })]);
    const refuse = (wanted: Pod): void => {
      const decision = decisionOn(wanted, state);
      assert.equal(decision.node, undefined);
      waiting.refused(podInfo(wanted), decision.plugins);
    };
    const wake = (): [string, number][] =>
      waiting
        .wake({ type: 'NodeAdded', node: cluster([node('a2')]).nodes[0]! }, state)
        .map(({ pod: { key }, delay }) => [key, delay]);
    const [low, high] = [pod({}, {}, { name: 'low' }), pod({ priority: 9 }, {}, { name: 'high' })];
    for (const each of [low, high]) refuse(each);
    await clock.advance(400);
    assert.deepEqual(wake(), [
      ['default/high', 600],
      ['default/low', 600],
    ]);
    assert.deepEqual(wake(), []);
    waiting.forget('default/low');
    for (const delay of [2000, 4000, 8000, 10_000, 10_000]) {
      refuse(high);
      assert.deepEqual(wake(), [['default/high', delay]]);
    }
    refuse(high);
    await clock.advance(60_000);
    assert.deepEqual(wake(), [['default/high', 0]]);
    waiting.forget('default/high');
    assert.deepEqual(wake(), []);
  });
});
