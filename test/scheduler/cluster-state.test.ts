import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Node, Pod } from '../../src/client/kinds.ts';
import { ClusterState } from '../../src/scheduler/cluster-state.ts';
import { Judge } from '../../src/scheduler/judge.ts';
import { podInfo } from '../../src/scheduler/pod-info.ts';
import { createProfile } from '../../src/scheduler/profile.ts';
import { cluster, node, pod } from './cluster.ts';

const apps = ['x', 'y'];
const nodeNames = ['n1', 'n2', 'n3'];

const select = (app: string) => ({ labelSelector: { matchLabels: { app } }, topologyKey: 'zone' });
const specs = apps.flatMap((app) => [
  {},
  { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [select(app)] } } },
  { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [select(app)] } } },
  { topologySpreadConstraints: [{ ...select(app), maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule' }] },
]);

const aPod = fc.record({
  name: fc.integer({ min: 0, max: 5 }).map((i) => `p${i}`),
  app: fc.constantFrom(...apps),
  spec: fc.constantFrom(...specs),
  nodeName: fc.constantFrom(...nodeNames),
  generation: fc.nat(),
});
type Step =
  | { readonly pod: Pod }
  | { readonly node: Node }
  | { readonly podGone: string }
  | { readonly nodeGone: string };

const step: fc.Arbitrary<Step> = fc.oneof(
  aPod.map(({ name, app, spec, nodeName, generation }) => ({
    pod: pod({ ...spec, nodeName }, {}, { name, generation, labels: { app } }),
  })),
  fc.record({ name: fc.constantFrom(...nodeNames), zone: fc.constantFrom('a', 'b') }).map(({ name, zone }) => ({
    node: node(name, {}, { zone }),
  })),
  fc.integer({ min: 0, max: 5 }).map((i) => ({ podGone: `p${i}` })),
  fc.constantFrom(...nodeNames).map((nodeGone) => ({ nodeGone })),
);

const { filters } = createProfile();

/** What the filters say of every node. */
function verdicts(wanted: Pod, state: ClusterState): string {
  const judge = new Judge(podInfo(wanted), filters, state);
  return state.nodes
    .map((each) => `${each.name}: ${judge.refusal(each)?.objection.reasons ?? 'fits'}`)
    .sort()
    .join('; ');
}

describe('the state of a cluster', () => {
  it('is the same however it has come about', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        const kept = new ClusterState();
        const pods = new Map<string, Pod>();
        const nodes = new Map<string, Node>();
        const wanted = specs.map((spec) => pod(spec, {}, { name: 'wanted', labels: { app: 'x' } }));
        for (const each of steps) {
          for (const one of wanted) verdicts(one, kept); // what is counted now is kept from here on
          if ('pod' in each) {
            kept.setPod(each.pod);
            pods.set(each.pod.metadata.name!, each.pod);
          } else if ('node' in each) {
            kept.setNode(each.node);
            nodes.set(each.node.metadata.name!, each.node);
          } else if ('podGone' in each) {
            kept.removePod(`default/${each.podGone}`);
            pods.delete(each.podGone);
          } else {
            kept.removeNode(each.nodeGone);
            nodes.delete(each.nodeGone);
          }
        }
        const fresh = cluster([...nodes.values()], [...pods.values()]);
        for (const one of wanted) assert.equal(verdicts(one, kept), verdicts(one, fresh));
      }),
      { numRuns: 150 },
    );
  });

  it('keeps the pods of a node that has not come yet', () => {
    const state = cluster(
      [],
      ['a', 'b', 'c'].map((name) => pod({ nodeName: 'n1' }, {}, { name })),
    );
    state.setNode(node('n1'));
    assert.equal(verdicts(pod(), state), 'n1: Too many pods');
  });

  it('says what has happened that others may have waited for', () => {
    const state = cluster([node('n1')]);
    const placed = pod({ nodeName: 'n1' }, { cpu: '1' }, { generation: 1 });
    assert.equal(state.setPod(pod())?.type, undefined);
    assert.equal(state.setPod(placed)?.type, 'PodPlaced');
    assert.equal(state.setPod({ ...placed, status: { phase: 'Running' } } as Pod)?.type, undefined);
    const labelled = pod({ nodeName: 'n1' }, { cpu: '1' }, { generation: 1, labels: { a: 'b' } });
    assert.equal(state.setPod(labelled)?.type, 'PodChanged');
    const resized = pod({ nodeName: 'n1' }, { cpu: '500m' }, { generation: 2, labels: { a: 'b' } });
    assert.equal(state.setPod(resized)?.type, 'PodLeft');
    assert.equal(state.setPod({ ...resized, status: { phase: 'Succeeded' } } as Pod)?.type, 'PodLeft');
    assert.equal(state.setNode(node('n1'))?.type, undefined);
    assert.equal(state.setNode(node('n1', { unschedulable: true }))?.type, 'NodeChanged');
    assert.equal(state.removeNode('n1')?.type, 'NodeRemoved');
    assert.equal(state.removeNode('n1')?.type, undefined);
  });
});
