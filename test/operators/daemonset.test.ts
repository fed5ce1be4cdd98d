import assert from 'node:assert/strict';
import { DaemonSet, Node } from '../../src/client/kinds.ts';
import { deepEqual } from '../../src/machinery/json.ts';
import { affinityTo } from '../../src/operators/daemonset/placement.ts';
import {
  eventsAbout,
  labels,
  Pod,
  podsOf,
  setAllReady,
  setReady,
  startCluster,
  type TestCluster,
  template,
} from './cluster.ts';

const key = { namespace: 'default', name: 'agent' };

describe('the DaemonSet controller', () => {
  let cluster: TestCluster;

  beforeEach(async () => {
    cluster = await startCluster('daemonset-controller');
    for (const name of ['a', 'b', 'c']) await addNode(name, { zone: name === 'c' ? 'far' : 'near' });
  });

  afterEach(async () => {
    await cluster.stop();
    assert.deepEqual(cluster.errors, []);
  });

  const sets = () => cluster.client.resource(DaemonSet);
  const addNode = (name: string, of: Record<string, string> = {}) =>
    cluster.client.resource(Node).create({ metadata: { name, labels: of } });

  async function create(more: Partial<NonNullable<DaemonSet['spec']>> = {}): Promise<void> {
    await sets().create({ metadata: key, spec: { selector: { matchLabels: labels }, template: template(), ...more } });
    await cluster.clock.settle();
  }

  async function nodes(): Promise<string[]> {
    const pods = (await podsOf(cluster)).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    return pods
      .map(({ spec }) => {
        const required = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
        return required?.nodeSelectorTerms[0]?.matchFields?.[0]?.values?.[0] ?? '';
      })
      .sort();
  }

  it('has a pod for each node, and for those that come later', async () => {
    await create();
    assert.deepEqual(await nodes(), ['a', 'b', 'c']);
    const [pod] = await podsOf(cluster);
    assert.ok(['a', 'b', 'c'].some((node) => deepEqual(pod?.spec?.affinity, affinityTo(node, undefined))));
    assert.ok(pod?.spec?.tolerations?.some(({ key }) => key === 'node.kubernetes.io/not-ready'));
    assert.match(pod?.metadata.labels?.['controller-revision-hash'] ?? '', /^[a-z0-9]+$/);
    assert.equal(pod?.metadata.labels?.['pod-template-generation'], '1');
    await addNode('d');
    await cluster.clock.settle();
    assert.deepEqual(await nodes(), ['a', 'b', 'c', 'd']);
    await cluster.client.resource(Node).delete({ name: 'd' });
    await cluster.clock.settle();
    assert.deepEqual(await nodes(), ['a', 'b', 'c']);
  });

  it('counts', async () => {
    await create();
    const [first] = await podsOf(cluster);
    await setReady(cluster, first!);
    await cluster.clock.settle();
    assert.deepEqual((await sets().get(key)).status, {
      observedGeneration: 1,
      desiredNumberScheduled: 3,
      currentNumberScheduled: 3,
      numberMisscheduled: 0,
      updatedNumberScheduled: 3,
      numberReady: 1,
      numberAvailable: 1,
      numberUnavailable: 2,
    });
  });

  it('keeps to selected nodes', async () => {
    await create({ template: { ...template(), spec: { ...template().spec, nodeSelector: { zone: 'near' } } } });
    assert.deepEqual(await nodes(), ['a', 'b']);
    await cluster.client.resource(Node).patch({ name: 'c' }, { metadata: { labels: { zone: 'near' } } });
    await cluster.client.resource(Node).patch({ name: 'a' }, { metadata: { labels: { zone: 'far' } } });
    await cluster.clock.settle();
    assert.deepEqual(await nodes(), ['b', 'c']);
  });

  it('stays away from taints that it does not tolerate', async () => {
    const taint = (effect: string) => ({ spec: { taints: [{ key: 'example.com/private', effect }] } });
    await cluster.client.resource(Node).patch({ name: 'a' }, taint('NoSchedule'));
    await create();
    assert.deepEqual(await nodes(), ['b', 'c']);
    // NoSchedule lets those stay that are there; NoExecute does not.
    await cluster.client.resource(Node).patch({ name: 'b' }, taint('NoSchedule'));
    await cluster.client.resource(Node).patch({ name: 'c' }, taint('NoExecute'));
    await cluster.clock.settle();
    assert.deepEqual(await nodes(), ['b']);
  });

  it('replaces failed pods and tells of them', async () => {
    await create();
    const [pod] = await podsOf(cluster);
    const { name = '' } = pod!.metadata;
    await cluster.client.resource(Pod).patchStatus({ namespace: 'default', name }, { status: { phase: 'Failed' } });
    await cluster.clock.settle();
    assert.deepEqual(await nodes(), ['a', 'b', 'c']);
    const events = await eventsAbout(cluster, 'DaemonSet');
    assert.ok(
      events.some((event) =>
        event.startsWith(`Warning FailedDaemonPod: Found failed daemon pod default/${name} on node `),
      ),
    );
  });

  it('updates one node after the other, each when the one before is ready', async () => {
    await create();
    await setAllReady(cluster);
    const updated = async () =>
      (await podsOf(cluster)).filter(({ spec }) => spec?.containers[0]?.image === 'nginx:2').length;
    await sets().patch(key, { spec: { template: template('nginx:2') } as never });
    await cluster.clock.settle();
    assert.equal(await updated(), 1);
    await setAllReady(cluster);
    assert.equal(await updated(), 2);
    await setAllReady(cluster);
    await setAllReady(cluster);
    assert.equal(await updated(), 3);
    assert.equal((await sets().get(key)).status?.updatedNumberScheduled, 3);
  });

  it('with maxSurge, makes the new pod before the old one goes', async () => {
    await create({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } });
    await setAllReady(cluster);
    await sets().patch(key, { spec: { template: template('nginx:2') } as never });
    await cluster.clock.settle();
    assert.equal((await podsOf(cluster)).length, 4);
    for (let step = 0; step < 4; step++) await setAllReady(cluster);
    const pods = await podsOf(cluster);
    assert.equal(pods.length, 3);
    assert.ok(pods.every(({ spec }) => spec?.containers[0]?.image === 'nginx:2'));
  });

  it('leaves outdated pods alone with OnDelete', async () => {
    await create({ updateStrategy: { type: 'OnDelete' } });
    await setAllReady(cluster);
    cluster.writes.length = 0;
    await sets().patch(key, { spec: { template: template('nginx:2') } as never });
    await cluster.clock.settle();
    assert.ok(!cluster.writes.includes('delete pods'));
  });
});
