import assert from 'node:assert/strict';
import type { Pod } from '../../src/client/kinds.ts';
import { cluster, decide, inZone, node, type PodSpec, pod } from './cluster.ts';

type Affinity = NonNullable<PodSpec['affinity']>;
type Term = NonNullable<NonNullable<Affinity['podAffinity']>['requiredDuringSchedulingIgnoredDuringExecution']>[number];

const term = (app: string, topologyKey = 'zone', more: Partial<Term> = {}): Term => ({
  labelSelector: { matchLabels: { app } },
  topologyKey,
  ...more,
});
const near = (...terms: Term[]): PodSpec => ({
  affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
});
const apart = (...terms: Term[]): PodSpec => ({
  affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
});
const rather = (kind: 'podAffinity' | 'podAntiAffinity', wanted: Term): PodSpec => ({
  affinity: { [kind]: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 10, podAffinityTerm: wanted }] } },
});

let count = 0;
const running = (app: string, nodeName: string, spec: PodSpec = {}, namespace = 'default'): Pod =>
  pod({ nodeName, ...spec }, {}, { name: `${app}-${++count}`, namespace, labels: { app } });
const coming = (spec: PodSpec, app = 'web'): Pod => pod(spec, {}, { labels: { app } });

const zones = [inZone('a1', 'a'), inZone('a2', 'a'), inZone('b1', 'b')];
const noAffinity = "0/3 nodes are available: 3 node(s) didn't match pod affinity rules.";

describe('inter-pod affinity', () => {
  const cases: [string, Pod, Pod[], string][] = [
    ['the zone of a pod that it wants', coming(near(term('db'))), [running('db', 'b1')], '→ b1'],
    ['nobody that it wants', coming(near(term('db'))), [running('web', 'b1')], noAffinity],
    ['another namespace does not count', coming(near(term('db'))), [running('db', 'b1', {}, 'other')], noAffinity],
    [
      'unless it is named',
      coming(near(term('db', 'zone', { namespaces: ['other'] }))),
      [running('db', 'b1', {}, 'other')],
      '→ b1',
    ],
    ['the first of its kind may want its own kind', coming(near(term('web', 'zone'))), [running('db', 'b1')], '→ a1'],
    ['the second must join the first', coming(near(term('web'))), [running('web', 'b1')], '→ b1'],
    [
      'all terms, of one pod',
      coming(near(term('db'), term('cache'))),
      [running('db', 'a1'), running('cache', 'b1')],
      noAffinity,
    ],
    ['nodes without the label', coming(near(term('web', 'rack'))), [], noAffinity],
    ['no pod that it does not want beside it', coming(apart(term('web'))), [running('web', 'a1')], '→ b1'],
    [
      'such pods everywhere',
      coming(apart(term('web'))),
      [running('web', 'a1'), running('web', 'b1')],
      "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules.",
    ],
    ['a pod that does not want it', coming({}), [running('shy', 'a1', apart(term('web')))], '→ b1'],
    [
      'pods that do not want it everywhere',
      coming({}),
      [running('shy', 'a1', apart(term('web'))), running('shy', 'b1', apart(term('web', 'kubernetes.io/hostname')))],
      "0/3 nodes are available: 3 node(s) didn't satisfy existing pods anti-affinity rules.",
    ],
    [
      'a term without a selector selects nothing',
      coming(apart({ topologyKey: 'zone' })),
      [running('web', 'b1'), running('db', 'a1')],
      '→ a2',
    ],
    ['it would rather be near', coming(rather('podAffinity', term('db'))), [running('db', 'b1')], '→ b1'],
    ['it would rather not be near', coming(rather('podAntiAffinity', term('db'))), [running('db', 'a1')], '→ b1'],
    ['a pod would rather have it near', coming({}), [running('db', 'b1', rather('podAffinity', term('web')))], '→ b1'],
    [
      'its own revision by matchLabelKeys',
      pod(apart(term('web', 'zone', { matchLabelKeys: ['revision'] })), {}, { labels: { app: 'web', revision: '2' } }),
      [
        pod({ nodeName: 'b1' }, {}, { name: 'new', labels: { app: 'web', revision: '2' } }),
        pod({ nodeName: 'a1' }, {}, { name: 'old', labels: { app: 'web', revision: '1' } }),
      ],
      '→ a2',
    ],
    [
      'other tenants by mismatchLabelKeys',
      pod(
        apart({
          topologyKey: 'zone',
          labelSelector: { matchExpressions: [{ key: 'tenant', operator: 'Exists' }] },
          mismatchLabelKeys: ['tenant'],
        }),
        {},
        { labels: { tenant: 'x' } },
      ),
      [
        pod({ nodeName: 'a1' }, {}, { name: 'theirs', labels: { tenant: 'y' } }),
        pod({ nodeName: 'b1' }, {}, { name: 'ours', labels: { tenant: 'x' } }),
      ],
      '→ b1',
    ],
  ];
  for (const [name, wanted, pods, expected] of cases) {
    it(name, () => assert.equal(decide(wanted, cluster(zones, pods)), expected));
  }

  it('counts the namespaces that a selector selects, as their labels are now', () => {
    const state = cluster(zones, [running('db', 'b1', {}, 'other')], { other: { team: 'x' } });
    const wanted = coming(near(term('db', 'zone', { namespaceSelector: { matchLabels: { team: 'x' } } })));
    assert.equal(decide(wanted, state), '→ b1');
    state.setNamespace('other', { team: 'y' });
    assert.equal(decide(wanted, state), noAffinity);
  });

  it('takes an empty namespace selector for all namespaces', () => {
    const state = cluster(zones, [running('db', 'b1', {}, 'unheard-of')]);
    assert.equal(decide(coming(near(term('db', 'zone', { namespaceSelector: {} }))), state), '→ b1');
  });

  it('follows pods and nodes as they change', () => {
    const db = running('db', 'a1');
    const state = cluster(zones, [db]);
    const wanted = coming(apart(term('db')));
    assert.equal(decide(wanted, state), '→ b1');
    state.setPod({ ...db, metadata: { ...db.metadata, labels: { app: 'other' } } });
    assert.equal(decide(coming(near(term('db'))), state), noAffinity);
    state.setPod(db);
    state.setNode(inZone('b1', 'a'));
    assert.equal(decide(wanted, state), "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules.");
    state.removeNode('a1');
    assert.equal(decide(wanted, state), '→ a2');
    state.setNode(node('a1', {}, { zone: 'a' }));
    assert.equal(decide(wanted, state), "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules.");
    state.removePod(`default/${db.metadata.name}`);
    assert.match(decide(wanted, state), /^→/);
  });
});
