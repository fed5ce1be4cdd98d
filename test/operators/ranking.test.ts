import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Pod } from '../../src/client/kinds.ts';
import { formatTime } from '../../src/clock/clock.ts';
import { compareForDeletion, podsToDelete, rankedPod } from '../../src/operators/replicaset/ranking.ts';

const now = Date.UTC(2026, 0, 2);
const hour = 3_600_000;

interface Description {
  readonly uid: string;
  readonly node?: string;
  readonly phase?: string;
  readonly ready?: boolean;
  readonly cost?: string;
  readonly readyFor?: number;
  readonly restarts?: number;
  readonly sidecarRestarts?: number;
  readonly age?: number;
}

function pod(description: Description): Pod {
  const { uid, node = 'n', phase = 'Running', ready = true, cost, readyFor = hour } = description;
  const { restarts = 0, sidecarRestarts = 0, age = hour } = description;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: uid,
      uid,
      creationTimestamp: formatTime(now - age),
      ...(cost === undefined ? {} : { annotations: { 'controller.kubernetes.io/pod-deletion-cost': cost } }),
    },
    spec: {
      containers: [{ name: 'c' }],
      initContainers: [{ name: 's', restartPolicy: 'Always' }],
      ...(node === '' ? {} : { nodeName: node }),
    },
    status: {
      phase,
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: formatTime(now - readyFor) }],
      containerStatuses: [status('c', restarts)],
      initContainerStatuses: [status('s', sidecarRestarts)],
    },
  };
}

const status = (name: string, restartCount: number) => ({ name, restartCount, ready: true, image: '', imageID: '' });

function order(...pods: Description[]): string[] {
  const made = pods.map(pod);
  return podsToDelete([...made, pod({ uid: 'last', node: 'alone', cost: '9' })], made, made.length, now).map(
    ({ metadata }) => metadata.uid!,
  );
}

describe('which pods of a ReplicaSet go first', () => {
  const cases: [why: string, first: Omit<Description, 'uid'>, second: Omit<Description, 'uid'>][] = [
    ['without a node', { node: '', phase: 'Pending', ready: false }, { phase: 'Pending', ready: false }],
    ['pending', { phase: 'Pending', ready: false }, { phase: 'Unknown', ready: false }],
    ['unknown', { phase: 'Unknown' }, { phase: 'Running' }],
    ['not ready', { ready: false }, { ready: true, cost: '-5' }],
    ['cheaper', { cost: '-1', node: 'b' }, { cost: '1', node: 'a' }],
    ['ready for less time', { readyFor: 1000, restarts: 0 }, { readyFor: hour, restarts: 5 }],
    ['more restarts', { restarts: 3, age: hour }, { restarts: 1, age: 1000 }],
    ['more restarts of sidecars', { sidecarRestarts: 2, age: hour }, { sidecarRestarts: 1, age: 1000 }],
    ['younger', { age: 1000 }, { age: hour }],
  ];
  for (const [why, first, second] of cases) {
    it(`those that are ${why}`, () => {
      assert.deepEqual(order({ uid: 'b', ...second }, { uid: 'a', ...first }), ['a', 'b']);
      assert.deepEqual(order({ uid: 'a', ...second }, { uid: 'b', ...first }), ['b', 'a']);
    });
  }

  it('those on the node with most of them', () => {
    const pods = [
      { uid: 'x', node: 'one' },
      { uid: 'y', node: 'two' },
      { uid: 'z', node: 'two' },
    ].map(pod);
    assert.notEqual(podsToDelete(pods, pods, 1, now)[0]?.metadata.uid, 'x');
  });

  it('takes a cost that is no number for none', () => {
    assert.equal(rankedPod(pod({ uid: 'a', cost: '+5' }), 1).cost, 0);
    assert.equal(rankedPod(pod({ uid: 'a', cost: '-12' }), 1).cost, -12);
  });

  const anyPod = fc
    .record({
      uid: fc.uuid(),
      node: fc.constantFrom('', 'a', 'b'),
      phase: fc.constantFrom('Pending', 'Unknown', 'Running'),
      ready: fc.boolean(),
      cost: fc.constantFrom('-1', '0', '1'),
      readyFor: fc.nat(5).map((power) => 1000 * 2 ** power),
      restarts: fc.nat(2),
      age: fc.nat(5).map((power) => 1000 * 2 ** power),
    })
    .map(pod);

  it('is antisymmetric', () => {
    fc.assert(
      fc.property(anyPod, anyPod, fc.nat(2), fc.nat(2), (a, b, rankA, rankB) => {
        const left = Math.sign(compareForDeletion(rankedPod(a, rankA), rankedPod(b, rankB), now));
        const right = Math.sign(compareForDeletion(rankedPod(b, rankB), rankedPod(a, rankA), now));
        assert.equal(left + right, 0);
      }),
    );
  });

  it('never takes a ready pod while one without a node, or one not ready in the same phase, may go', () => {
    fc.assert(
      fc.property(fc.array(anyPod, { minLength: 1, maxLength: 12 }), fc.nat(12), (pods, wanted) => {
        const chosen = podsToDelete(pods, pods, wanted, now);
        assert.equal(chosen.length, Math.min(wanted, pods.length));
        assert.equal(new Set(chosen).size, chosen.length);
        const kept = pods.filter((candidate) => !chosen.includes(candidate));
        const unassigned = (candidate: Pod): boolean => candidate.spec?.nodeName === undefined;
        if (kept.some(unassigned)) assert.ok(chosen.every(unassigned));
      }),
    );
  });
});
