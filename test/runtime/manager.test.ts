/** Controllers of one manager that write as different users. */
import assert from 'node:assert/strict';
import { ConfigMap } from '../../src/client/kinds.ts';
import { Manager } from '../../src/runtime/index.ts';
import { startTestCluster } from '../../src/testing/test-cluster.ts';

describe('a manager', () => {
  it('lets controllers write as others, over the same caches', async () => {
    await using cluster = await startTestCluster();
    const manager = new Manager({ transport: cluster.transport });
    const other = cluster.transportAs('other', ['system:masters']);
    const scope = manager.as(other);
    const answers = new Map<string, string>();
    scope.controller('writer', { for: ConfigMap }).reconcile(async (map, { client }) => {
      if (map.metadata.name !== 'asked') return;
      const made = await client
        .resource(ConfigMap)
        .create({ metadata: { namespace: 'default', name: 'answer' }, data: { a: 'b' } });
      answers.set(
        made.metadata.managedFields?.[0]?.manager ?? '',
        manager.cache(ConfigMap) === scope.cache(ConfigMap) ? 'same' : 'two',
      );
      assert.ok(manager.cache(ConfigMap).get({ namespace: 'default', name: 'answer' }) !== undefined, 'seen at once');
      answers.set('seen', 'at once');
    });
    await manager.start();
    await cluster.client.resource(ConfigMap).create({ metadata: { namespace: 'default', name: 'asked' } });
    await cluster.eventually(async () => {
      await cluster.client.resource(ConfigMap).get({ namespace: 'default', name: 'answer' });
      return answers.size === 2;
    });
    assert.deepEqual(
      [...answers],
      [
        ['other', 'same'],
        ['seen', 'at once'],
      ],
    );
    await manager.stop();
    await other.close();
  });
});
