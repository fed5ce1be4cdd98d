/** Limits of requests in flight as clients meet them, and what long lists leave to those who must renew a lease. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:https';
import type { ApiObject } from '../../src/machinery/object.ts';
import { type Answer, type Api, assertFailure, configMap, startApi } from './support/api.ts';

const collection = '/api/v1/namespaces/default/configmaps';
const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';

describe('requests in flight, over HTTPS', () => {
  let api: Api;
  before(async () => {
    api = await startApi({ surface: { inFlight: { reads: 4, writes: 1 } } });
    const rbac = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings';
    await api.ok('POST', rbac, {
      metadata: { name: 'everybody' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'ann' }],
    });
  });
  after(() => api[Symbol.asyncDispose]());
  const ann = { 'Impersonate-User': 'ann' };

  it('are answered 429, and told when to come again', async () => {
    const slow = request(`${api.endpoint.url}${collection}`, {
      agent: api.agent,
      method: 'POST',
      headers: { ...ann, 'Content-Type': 'application/json', Expect: '100-continue' },
    }).on('error', () => undefined);
    slow.flushHeaders();
    await once(slow, 'continue');
    slow.write('{');
    const send = (): Promise<Answer> => api.send('POST', collection, { body: configMap('late'), headers: ann });
    let refused = await send();
    for (let turn = 0; refused.code !== 429 && turn < 100; turn++) refused = await send();
    assertFailure(refused, 429, 'TooManyRequests', 'Too many requests, please try again later.', {
      retryAfterSeconds: 1,
    });
    assert.equal(refused.headers['retry-after'], '1');
    assert.equal((await api.send('GET', collection, { headers: ann })).code, 200);
    assert.equal((await api.send('POST', collection, { body: configMap('ours') })).code, 201);
    slow.destroy();
  });

  it('of administrators are all served', async () => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) => api.send('POST', collection, { body: configMap(`m-${index}`) })),
    );
    assert.ok(answers.every(({ code }) => code === 201));
  });

  it('are not those of watches', async () => {
    const watches = await Promise.all(Array.from({ length: 20 }, () => api.watch(`${collection}?watch=1`, ann)));
    assert.ok(watches.every(({ response }) => response.statusCode === 200));
    assert.equal((await api.send('GET', collection, { headers: ann })).code, 200);
    for (const watch of watches) watch.close();
  });

  it('that list much leave leases their time', async () => {
    const { client } = api.cluster;
    const made = await client.dynamic(configMap('x'));
    const text = 'x'.repeat(2000);
    for (let index = 0; index < 2000; index++) {
      await made.create({
        ...configMap(`big-${index}`, { data: { text } }),
        metadata: { name: `big-${index}`, namespace: 'default' },
      } as ApiObject);
    }
    await api.ok('POST', leases, { metadata: { name: 'node-1' }, spec: { holderIdentity: 'node-1' } });
    const node = { 'Impersonate-User': 'system:node:node-1', 'Impersonate-Group': 'system:nodes' };
    let done = false;
    let listed = 0;
    const lister = async (accept: string): Promise<void> => {
      while (!done) {
        const { code } = await api.send('GET', collection, { headers: { ...ann, Accept: accept } });
        if (code === 200) listed += 1;
      }
    };
    const table = 'application/json;as=Table;g=meta.k8s.io;v=v1';
    const listers = ['application/json', 'application/json', table, 'application/json', table, 'application/json'].map(
      lister,
    );
    const times: number[] = [];
    for (let renewal = 0; renewal < 40; renewal++) {
      const began = performance.now();
      const { code, text: answer } = await api.send('PATCH', `${leases}/node-1`, {
        body: { spec: { leaseDurationSeconds: 40 + renewal } },
        type: 'application/merge-patch+json',
        headers: node,
      });
      assert.equal(code, 200, answer);
      times.push(performance.now() - began);
    }
    done = true;
    await Promise.all(listers);
    assert.ok(listed > 0);
    assert.ok(
      times.sort((a, b) => a - b)[times.length >> 1]! < 100,
      `renewals took ${times.map(Math.round).join(', ')} ms`,
    );
  }).timeout(30_000);
});
