import assert from 'node:assert/strict';
import { type Api, startApi } from './support/api.ts';

const services = '/api/v1/namespaces/default/services';
const merge = 'application/merge-patch+json';

describe('addresses and ports of services', () => {
  let api: Api;
  before(async () => {
    api = await startApi();
  });
  after(() => api[Symbol.asyncDispose]());

  const service = (name: string, spec: object) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { ports: [{ port: 80 }], ...spec },
  });

  it('are free as soon as the service is gone', async () => {
    for (let round = 0; round < 3; round++) {
      const made = await api.ok(
        'POST',
        services,
        service('s', { type: 'NodePort', clusterIP: '10.0.0.77', ports: [{ port: 80, nodePort: 31234 }] }),
      );
      assert.equal(made.spec.clusterIP, '10.0.0.77');
      assert.equal((await api.send('POST', services, { body: service('t', { clusterIP: '10.0.0.77' }) })).code, 422);
      await api.ok('DELETE', `${services}/s?dryRun=All`);
      assert.equal((await api.send('POST', services, { body: service('t', { clusterIP: '10.0.0.77' }) })).code, 422);
      await api.ok('DELETE', `${services}/s`);
    }
  });

  it('are free as soon as the last finalizer lets the service go', async () => {
    const held = service('held', { clusterIP: '10.0.0.78' });
    await api.ok('POST', services, { ...held, metadata: { name: 'held', finalizers: ['example.com/x'] } });
    await api.ok('DELETE', `${services}/held`);
    const again = service('again', { clusterIP: '10.0.0.78' });
    assert.equal((await api.send('POST', services, { body: again })).code, 422);
    await api.ok('PATCH', `${services}/held`, { metadata: { finalizers: null } }, merge);
    await api.ok('POST', services, again);
  });

  it('are free as soon as the service no longer needs them', async () => {
    await api.ok('POST', services, service('n', { type: 'NodePort', ports: [{ port: 80, nodePort: 31235 }] }));
    const wanted = service('w', { type: 'NodePort', ports: [{ port: 80, nodePort: 31235 }] });
    assert.equal((await api.send('POST', services, { body: wanted })).code, 422);
    await api.ok('PATCH', `${services}/n`, { metadata: { labels: { a: 'b' } } }, merge);
    assert.equal((await api.send('POST', services, { body: wanted })).code, 422);
    await api.ok('PATCH', `${services}/n`, { spec: { type: 'ClusterIP' } }, merge);
    await api.ok('POST', services, wanted);
  });
});
