import assert from 'node:assert/strict';
import { ConfigMap, Deployment, Pod, ResourceQuota } from '../../src/client/kinds.ts';
import type { StatusError } from '../../src/machinery/status.ts';
import { startCluster, type TestCluster, template } from './cluster.ts';

describe('resource quotas', () => {
  let cluster: TestCluster;
  const namespace = 'default';

  beforeEach(async () => {
    cluster = await startCluster('resourcequota-controller');
  });

  afterEach(async () => {
    await cluster.stop();
  });

  const quotas = () => cluster.client.resource(ResourceQuota);

  async function limit(hard: Record<string, string>, more: object = {}): Promise<void> {
    await quotas().create({ metadata: { namespace, name: 'q' }, spec: { hard, ...more } });
    await cluster.clock.settle();
  }

  const used = async (): Promise<unknown> => (await quotas().get({ namespace, name: 'q' })).status?.used;

  const map = (name: string): Promise<unknown> =>
    cluster.client.resource(ConfigMap).create({ metadata: { namespace, name } });

  const pod = (name: string, resources?: object): Promise<unknown> =>
    cluster.client.resource(Pod).create({
      metadata: { namespace, name },
      spec: { containers: [{ name: 'c', image: 'x', ...(resources === undefined ? {} : { resources }) }] },
    });

  it('counts what is there, and charges for what comes', async () => {
    await map('a');
    await limit({ configmaps: '3', 'count/deployments.apps': '1' });
    assert.deepEqual(await used(), { configmaps: '1', 'count/deployments.apps': '0' });
    await map('b');
    assert.deepEqual(await used(), { configmaps: '2', 'count/deployments.apps': '0' });
    await cluster.client.resource(Deployment).create({
      metadata: { namespace, name: 'd' },
      spec: { selector: { matchLabels: { app: 'web' } }, template: template() },
    });
    assert.deepEqual(await used(), { configmaps: '2', 'count/deployments.apps': '1' });
  });

  it('refuses what is too much, and says how much', async () => {
    await limit({ configmaps: '1' });
    await map('a');
    await assert.rejects(map('b'), (error: StatusError) => {
      assert.equal(error.status.code, 403);
      assert.equal(
        error.message,
        'configmaps "b" is forbidden: exceeded quota: q, requested: configmaps=1, used: configmaps=1, limited: configmaps=1',
      );
      return true;
    });
  });

  it('gives back what deleted objects took, when nobody has charged for a second', async () => {
    await limit({ configmaps: '1', secrets: '1' });
    await map('a');
    await cluster.client.resource(ConfigMap).delete({ namespace, name: 'a' });
    await cluster.clock.settle();
    assert.deepEqual(await used(), { configmaps: '1', secrets: '0' });
    await cluster.clock.advance(2000);
    assert.deepEqual(await used(), { configmaps: '0', secrets: '0' });
    await map('b');
  });

  it('asks containers what they need where that is limited', async () => {
    await limit({ 'requests.cpu': '1', 'limits.memory': '1Gi', pods: '5' });
    await assert.rejects(pod('a'), {
      message: 'pods "a" is forbidden: failed quota: q: must specify limits.memory for: c; requests.cpu for: c',
    });
    await pod('b', { requests: { cpu: '600m' }, limits: { memory: '512Mi' } });
    assert.deepEqual(await used(), { 'requests.cpu': '600m', 'limits.memory': '512Mi', pods: '1' });
    await assert.rejects(pod('c', { requests: { cpu: '600m' }, limits: { memory: '1Gi' } }), {
      message:
        'pods "c" is forbidden: exceeded quota: q, requested: limits.memory=1Gi,requests.cpu=600m, used: limits.memory=512Mi,requests.cpu=600m, limited: limits.memory=1Gi,requests.cpu=1',
    });
  });

  it('counts the pods of its scopes alone, and none that has ended', async () => {
    await limit({ pods: '1' }, { scopes: ['BestEffort'] });
    await pod('burstable', { requests: { cpu: '1' } });
    assert.deepEqual(await used(), { pods: '0' });
    await pod('a');
    await assert.rejects(pod('b'), /exceeded quota/);
    const pods = cluster.client.resource(Pod);
    await pods.updateStatus({ ...(await pods.get({ namespace, name: 'a' })), status: { phase: 'Succeeded' } });
    await cluster.clock.advance(2000);
    await pod('b');
  });

  it('takes over new limits', async () => {
    await limit({ configmaps: '1' });
    await quotas().patch({ namespace, name: 'q' }, { spec: { hard: { configmaps: '7' } } });
    await cluster.clock.settle();
    assert.equal((await quotas().get({ namespace, name: 'q' })).status?.hard?.configmaps, '7');
  });

  it('holds under 200 writers at once', async () => {
    await limit({ configmaps: '20' });
    const results = await Promise.allSettled(Array.from({ length: 200 }, (_, index) => map(`m-${index}`)));
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 20);
    for (const result of results) {
      if (result.status === 'rejected') assert.match((result.reason as Error).message, /exceeded quota: q/);
    }
    assert.equal((await cluster.client.resource(ConfigMap).list({ namespace })).items.length, 20);
    await cluster.clock.advance(10_000);
    assert.deepEqual(await used(), { configmaps: '20' });
  });
});
