import assert from 'node:assert/strict';
import type { Node, Pod } from '../../src/client/kinds.ts';
import { Decider } from '../../src/scheduler/decision.ts';
import { NodeInfo } from '../../src/scheduler/node-info.ts';
import { podInfo } from '../../src/scheduler/pod-info.ts';

type NodeSpec = NonNullable<Node['spec']>;
type PodSpec = Partial<NonNullable<Pod['spec']>>;

function node(name: string, spec: NodeSpec = {}, labels: Record<string, string> = {}, ready = 'True'): NodeInfo {
  return new NodeInfo({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels },
    spec,
    status: {
      allocatable: { cpu: '2', memory: '4Gi', pods: '3' },
      conditions: [{ type: 'Ready', status: ready }],
    },
  } as Node);
}

function pod(spec: PodSpec = {}, requests: Record<string, string> = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'default' },
    spec: { containers: [{ name: 'c', image: 'i', resources: { requests } }], ...spec },
  } as Pod;
}

const decide = (wanted: Pod, nodes: NodeInfo[]): string => {
  const decision = new Decider(() => 0.5).decide(podInfo(wanted), nodes);
  return decision.node === undefined ? decision.message : `→ ${decision.node.name}`;
};

const noSchedule = { key: 'team', value: 'a', effect: 'NoSchedule' };

describe('scheduling decisions', () => {
  const cases: [string, Pod, NodeInfo[], string][] = [
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
    it(name, () => assert.equal(decide(wanted, nodes), expected));
  }

  it('counts the pods of a node', () => {
    const full = node('n1');
    for (const key of ['a', 'b', 'c']) full.add(key, podInfo(pod()));
    assert.equal(decide(pod(), [full]), '0/1 nodes are available: 1 Too many pods.');
    full.remove('b');
    assert.equal(decide(pod(), [full]), '→ n1');
  });

  it('keeps host ports apart', () => {
    const wanted = pod({ containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 80, hostPort: 80 }] }] });
    const taken = node('n1');
    taken.add('other', podInfo(wanted));
    assert.equal(
      decide(wanted, [taken]),
      "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.",
    );
  });

  it('prefers the node with more room', () => {
    const busy = node('n1');
    busy.add('other', podInfo(pod({}, { cpu: '1500m', memory: '3Gi' })));
    assert.equal(decide(pod({}, { cpu: '100m' }), [busy, node('n2')]), '→ n2');
  });

  it('takes an init container for what a pod needs when it is the larger', () => {
    const wanted = pod(
      { initContainers: [{ name: 'init', image: 'i', resources: { requests: { cpu: '2500m' } } }] },
      { cpu: '1' },
    );
    assert.equal(decide(wanted, [node('n1')]), '0/1 nodes are available: 1 Insufficient cpu.');
  });
});
