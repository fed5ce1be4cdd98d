import assert from 'node:assert/strict';
import type { Node, Pod } from '../../src/client/kinds.ts';
import { cluster, decide, inZone, node, pod } from './cluster.ts';

type Constraint = NonNullable<NonNullable<Pod['spec']>['topologySpreadConstraints']>[number];

const spread = (more: Partial<Constraint> = {}): Constraint => ({
  topologyKey: 'zone',
  maxSkew: 1,
  whenUnsatisfiable: 'DoNotSchedule',
  labelSelector: { matchLabels: { app: 'web' } },
  ...more,
});
const labels = { app: 'web' };
const web = (...topologySpreadConstraints: Constraint[]): Pod => pod({ topologySpreadConstraints }, {}, { labels });
let count = 0;
const on = (nodeName: string, more: object = {}): Pod =>
  pod({ nodeName }, {}, { name: `web-${++count}`, labels, ...more });

const zones = [inZone('a1', 'a'), inZone('b1', 'b'), inZone('c1', 'c')];
const uneven = (nodes: number): string => `${nodes} node(s) didn't match pod topology spread constraints`;
const ssd = { nodeSelector: { disk: 'ssd' } };

describe('topology spread', () => {
  const cases: [string, Pod, Node[], Pod[], string][] = [
    ['the empty zone', web(spread()), zones, [on('a1'), on('b1')], '→ c1'],
    ['a skew of two', web(spread({ maxSkew: 2 })), zones, [on('a1'), on('a1'), on('b1'), on('b1')], '→ c1'],
    [
      'the empty zone is full',
      pod({ topologySpreadConstraints: [spread()] }, { cpu: '2' }, { labels }),
      zones,
      [on('a1'), on('b1'), pod({ nodeName: 'c1' }, { cpu: '1' }, { name: 'other' })],
      `0/3 nodes are available: 1 Insufficient cpu, ${uneven(2)}.`,
    ],
    [
      'a pod that is not itself of the kind',
      pod({ topologySpreadConstraints: [spread()], nodeSelector: { zone: 'a' } }),
      zones,
      [on('a1')],
      '→ a1',
    ],
    [
      'nodes without the label',
      web(spread({ topologyKey: 'rack' })),
      zones,
      [],
      "0/3 nodes are available: 3 node(s) didn't match pod topology spread constraints (missing required label).",
    ],
    [
      'fewer domains than wanted: none may have a second',
      web(spread({ minDomains: 4 })),
      zones,
      [on('a1'), on('b1'), on('c1')],
      `0/3 nodes are available: ${uneven(3)}.`,
    ],
    [
      'pods of other namespaces do not count',
      web(spread()),
      zones.slice(0, 1),
      [on('a1', { namespace: 'other' })],
      '→ a1',
    ],
    [
      'pods that are being deleted do not count',
      web(spread()),
      zones.slice(0, 2),
      [on('a1'), on('b1', { deletionTimestamp: '2026-01-01T00:00:00Z' })],
      '→ b1',
    ],
    [
      'nodes that the pod cannot go to do not count',
      pod({ topologySpreadConstraints: [spread()], ...ssd }, {}, { labels }),
      [node('a1', {}, { zone: 'a', disk: 'ssd' }), inZone('b1', 'b')],
      [on('a1')],
      '→ a1',
    ],
    [
      'unless the policy counts them',
      pod({ topologySpreadConstraints: [spread({ nodeAffinityPolicy: 'Ignore' })], ...ssd }, {}, { labels }),
      [node('a1', {}, { zone: 'a', disk: 'ssd' }), inZone('b1', 'b')],
      [on('a1')],
      `0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, ${uneven(1)}.`,
    ],
    [
      'tainted nodes count',
      web(spread()),
      [inZone('a1', 'a'), node('b1', { taints: [{ key: 'k', effect: 'NoSchedule' }] }, { zone: 'b' })],
      [on('a1')],
      `0/2 nodes are available: ${uneven(1)}, 1 node(s) had untolerated taint {k: }.`,
    ],
    [
      'unless the policy honors taints',
      web(spread({ nodeTaintsPolicy: 'Honor' })),
      [inZone('a1', 'a'), node('b1', { taints: [{ key: 'k', effect: 'NoSchedule' }] }, { zone: 'b' })],
      [on('a1')],
      '→ a1',
    ],
    [
      'its own revision by matchLabelKeys',
      pod(
        { topologySpreadConstraints: [spread({ matchLabelKeys: ['revision'] })], nodeSelector: {} },
        {},
        { labels: { ...labels, revision: '2' } },
      ),
      zones,
      [
        on('a1', { labels: { ...labels, revision: '2' } }),
        on('b1', { labels: { ...labels, revision: '2' } }),
        on('c1'),
      ],
      '→ c1',
    ],
    [
      'it may be uneven, but had better not',
      web(spread({ whenUnsatisfiable: 'ScheduleAnyway' })),
      zones,
      [on('a1'), on('c1')],
      '→ b1',
    ],
    [
      'a node without the label is the last choice',
      web(spread({ whenUnsatisfiable: 'ScheduleAnyway' })),
      [node('n1'), inZone('a1', 'a')],
      [on('a1')],
      '→ a1',
    ],
  ];
  for (const [name, wanted, nodes, pods, expected] of cases) {
    it(name, () => {
      const sorted = expected.replace(
        /: (.*)\.$/,
        (_, reasons: string) => `: ${reasons.split(', ').sort().join(', ')}.`,
      );
      assert.equal(decide(wanted, cluster(nodes, pods)), sorted);
    });
  }

  it('spreads the pods of an owner that says nothing about it', () => {
    const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'rs', uid: 'u', controller: true }];
    const state = cluster(zones, [on('a1', { ownerReferences }), on('c1', { ownerReferences })]);
    const others = [0, 1].map((i) => pod({ nodeName: 'b1' }, { cpu: '10m' }, { name: `other-${i}` }));
    for (const other of others) state.setPod(other);
    assert.equal(decide(pod({}, {}, { ownerReferences }), state), '→ b1');
  });
});
