/** Aggregated cluster roles: what they gather, and that they follow. */
import assert from 'node:assert/strict';
import { ClusterRole } from '../../src/client/kinds.ts';
import { startCluster, type TestCluster } from './cluster.ts';

describe('an aggregated cluster role', () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startCluster('clusterrole-aggregation-controller');
    await cluster.clock.settle();
  });
  after(() => cluster.stop());

  const roles = () => cluster.client.resource(ClusterRole);
  const rules = async (name: string) => (await roles().get({ name })).rules;

  it('of a new cluster has the rules of the default roles', async () => {
    const view = await rules('view');
    assert.deepEqual(view, await rules('system:aggregate-to-view'));
    const edit = await rules('edit');
    assert.deepEqual(edit, [...(await rules('system:aggregate-to-edit'))!, ...view!]);
    assert.deepEqual(await rules('admin'), [...edit!, ...(await rules('system:aggregate-to-admin'))!].filter(once));
    const { managedFields } = (await roles().get({ name: 'view' })).metadata;
    assert.ok(managedFields!.some(({ manager }) => manager === 'clusterrole-aggregation-controller'));
  });

  it('follows those that it selects', async () => {
    const labels = { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' };
    const rule = { apiGroups: ['stable.example.com'], resources: ['crontabs'], verbs: ['get'] };
    await roles().create({ metadata: { name: 'cron-viewer', labels }, rules: [rule, rule] });
    await cluster.clock.settle();
    const has = async (name: string) =>
      (await rules(name))!.filter(({ apiGroups }) => apiGroups?.[0] === 'stable.example.com');
    for (const name of ['view', 'edit', 'admin']) assert.deepEqual(await has(name), [rule], name);
    await roles().patch({ name: 'cron-viewer' }, {
      metadata: { labels: { [Object.keys(labels)[0]!]: null } },
    } as never);
    await cluster.clock.settle();
    for (const name of ['view', 'edit', 'admin']) assert.deepEqual(await has(name), [], name);
  });

  it('loses what is not gathered', async () => {
    await roles().patch({ name: 'view' }, { rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }] } as never);
    await cluster.clock.settle();
    assert.deepEqual(await rules('view'), await rules('system:aggregate-to-view'));
    assert.deepEqual(cluster.errors, []);
  });
});

const once = <T>(value: T, index: number, all: readonly T[]): boolean =>
  all.findIndex((other) => JSON.stringify(other) === JSON.stringify(value)) === index;
