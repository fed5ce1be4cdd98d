import assert from 'node:assert/strict';
import type { Node, Pod } from '../../src/client/kinds.ts';
import { cluster, decide, node, pod } from './cluster.ts';

const noSchedule = { key: 'team', value: 'a', effect: 'NoSchedule' };

describe('scheduling decisions', () => {
  const cases: [string, Pod, Node[], string][] = [
    ['no nodes', pod(), [], 'no nodes available to schedule pods'],
    ['one that fits', pod(), [node('n1')], '→ n1'],
    [
      'unschedulable',
      pod(),
      [node('n1', { unschedulable: true })],
      '0/1 nodes are available: 1 node(s) were unschedulable.',
    ],
    ['not ready', pod(), [node('n1', {}, {}, 'Unknown'), node('n2')], '→ n2'],
    ['too much cpu', pod({}, { cpu: '3' }), [node('n1')], '0/1 nodes are available: 1 Insufficient cpu.'],
    [
      'too much of both',
      pod({}, { cpu: '3', memory: '8Gi' }),
      [node('n1'), node('n2')],
      '0/2 nodes are available: 2 Insufficient cpu, 2 Insufficient memory.',
    ],
    [
      'something that no node has',
      pod({}, { 'example.com/gpu': '1' }),
      [node('n1')],
      '0/1 nodes are available: 1 Insufficient example.com/gpu.',
    ],
    [
      'a taint',
      pod(),
      [node('n1', { taints: [noSchedule] })],
      '0/1 nodes are available: 1 node(s) had untolerated taint {team: a}.',
    ],
    [
      'a tolerated taint',
      pod({ tolerations: [{ key: 'team', operator: 'Exists' }] }),
      [node('n1', { taints: [noSchedule] })],
      '→ n1',
    ],
    [
      'a taint with another value',
      pod({ tolerations: [{ key: 'team', value: 'b' }] }),
      [node('n1', { taints: [noSchedule] })],
      '0/1 nodes are available: 1 node(s) had untolerated taint {team: a}.',
    ],
    ['a node selector', pod({ nodeSelector: { disk: 'ssd' } }), [node('n1'), node('n2', {}, { disk: 'ssd' })], '→ n2'],
    [
      'a node selector that nothing matches',
      pod({ nodeSelector: { disk: 'ssd' } }),
      [node('n1')],
      "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.",
    ],
    [
      'several reasons, counted and sorted',
      pod({}, { cpu: '3' }),
      [node('n1'), node('n2', { unschedulable: true }), node('n3')],
      '0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu.',
    ],
    [
      'a taint that would rather not',
      pod(),
      [node('n1', { taints: [{ ...noSchedule, effect: 'PreferNoSchedule' }] }), node('n2')],
      '→ n2',
    ],
  ];
  for (const [name, wanted, nodes, expected] of cases) {
    it(name, () => assert.equal(decide(wanted, cluster(nodes)), expected));
  }

  it('counts the pods of a node', () => {
    const full = cluster(
      [node('n1')],
      ['a', 'b', 'c'].map((name) => pod({ nodeName: 'n1' }, {}, { name })),
    );
    assert.equal(decide(pod(), full), '0/1 nodes are available: 1 Too many pods.');
    full.removePod('default/b');
    assert.equal(decide(pod(), full), '→ n1');
  });

  it('keeps host ports apart', () => {
    const containers = [{ name: 'c', image: 'i', ports: [{ containerPort: 80, hostPort: 80 }] }];
    const taken = cluster([node('n1')], [pod({ containers, nodeName: 'n1' }, {}, { name: 'other' })]);
    assert.equal(
      decide(pod({ containers }), taken),
      "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.",
    );
  });

  it('prefers the node with more room', () => {
    const busy = pod({ nodeName: 'n1' }, { cpu: '1500m', memory: '3Gi' }, { name: 'other' });
    assert.equal(decide(pod({}, { cpu: '100m' }), cluster([node('n1'), node('n2')], [busy])), '→ n2');
  });

  it('prefers the node with less room where the profile fills nodes', () => {
    const busy = pod({ nodeName: 'n1' }, { cpu: '1', memory: '2Gi' }, { name: 'other' });
    const nodes = cluster([node('n1'), node('n2')], [busy]);
    const wanted = pod({}, { cpu: '100m', memory: '200Mi' });
    assert.equal(decide(wanted, nodes, { scoringStrategy: 'MostAllocated' }), '→ n1');
  });

  it('does not ask plugins that the profile disables', () => {
    const tainted = cluster([node('n1', { taints: [noSchedule] })]);
    assert.equal(decide(pod(), tainted, { disabled: ['TaintToleration'] }), '→ n1');
  });

  it('takes an init container for what a pod needs when it is the larger', () => {
    const wanted = pod(
      { initContainers: [{ name: 'init', image: 'i', resources: { requests: { cpu: '2500m' } } }] },
      { cpu: '1' },
    );
    assert.equal(decide(wanted, cluster([node('n1')])), '0/1 nodes are available: 1 Insufficient cpu.');
  });

  it('prefers a node that has a large image', () => {
    const containers = [{ name: 'c', image: 'registry.example:5000/app' }];
    const images = [{ names: ['registry.example:5000/app:latest'], sizeBytes: 900 * 1024 * 1024 }];
    const state = cluster([node('n1'), node('n2', {}, {}, 'True', { images }), node('n3')]);
    assert.equal(decide(pod({ containers }), state), '→ n2');
  });

  it('does not mind who has a small image', () => {
    const containers = [{ name: 'c', image: 'small:1' }];
    const images = [{ names: ['small:1'], sizeBytes: 1024 * 1024 }];
    const state = cluster([node('n1'), node('n2', {}, {}, 'True', { images })]);
    assert.equal(decide(pod({ containers }), state), '→ n1');
  });
});
