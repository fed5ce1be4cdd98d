/** Draining a node under a disruption budget: it waits for the pods' successors. */
import assert from 'node:assert/strict';
import { Pod, PodDisruptionBudget } from '../../src/client/kinds.ts';
import { describeKubectl } from './transcript.ts';

describeKubectl('drain', { controllers: ['*'], nodes: 2 }, (session) => {
  /** A budget of its own for the test, when it is counted. */
  async function allow(spec: object, disruptions: number): Promise<void> {
    const budgets = session().cluster.client.resource(PodDisruptionBudget);
    await budgets.deleteCollection({ namespace: 'default' });
    await budgets.create({
      metadata: { namespace: 'default', name: 'web' },
      spec: { selector: { matchLabels: { app: 'web' } }, ...spec },
    });
    for (;;) {
      const { metadata, status } = await budgets.get({ namespace: 'default', name: 'web' });
      if (status?.observedGeneration === metadata.generation && status?.disruptionsAllowed === disruptions) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  it('waits as long as the budget says, and then proceeds', async () => {
    const { client } = session().cluster;
    await session().expect(`
      $ kubectl cordon node-2
      node/node-2 cordoned
      $ kubectl create deployment web --image=nginx --replicas=2
      deployment.apps/web created
      $ kubectl rollout status deployment web
      ...
      deployment "web" successfully rolled out
      $ kubectl uncordon node-2
      node/node-2 uncordoned
    `);
    await allow({ minAvailable: 1 }, 1);
    const { code, stdout, stderr } = await session().run('kubectl drain node-1 --ignore-daemonsets --timeout=30s');
    assert.equal(code, 0, stderr);
    assert.match(stderr, /will retry after 5s\): Cannot evict pod as it would violate the pod's disruption budget\./);
    assert.equal(stdout.match(/^pod\/web-\S+ evicted$/gm)?.length, 2);
    const { items } = await client.resource(Pod).list({ namespace: 'default', labelSelector: 'app=web' });
    const left = items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    assert.deepEqual(
      left.map(({ spec }) => spec?.nodeName),
      ['node-2', 'node-2'],
    );
  });

  it('gives up when the budget never allows it', async () => {
    await allow({ minAvailable: '100%' }, 0);
    const { code, stderr } = await session().run('kubectl drain node-2 --ignore-daemonsets --timeout=1s');
    assert.notEqual(code, 0);
    assert.match(stderr, /Cannot evict pod as it would violate the pod's disruption budget\./);
  });
});
