/** A namespace that goes takes its objects with it, each through admission. */
import assert from 'node:assert/strict';
import type { ReviewRequest } from '../../src/admission/webhook/review.ts';
import { startApi } from '../apiserver/support/api.ts';
import { configMap, registration, ruleFor } from './support.ts';

describe('the deletion of a namespace', () => {
  it('passes admission for each object, and waits for what is refused', async () => {
    await using api = await startApi({ controllers: ['namespace-controller'] });
    const seen: ReviewRequest[] = [];
    let keep = true;
    api.cluster.server.webhooks.register({ webhook: 'keep.example.com' }, (request) => {
      seen.push(request);
      return { allowed: !(keep && request.name === 'kept') };
    });
    await api.ok('POST', '/api/v1/namespaces', { metadata: { name: 'going' } });
    const within = '/api/v1/namespaces/going/configmaps';
    await api.ok('POST', within, configMap('free'));
    await api.ok('POST', within, configMap('kept'));
    await api.ok('POST', `${registration}/validatingwebhookconfigurations`, {
      metadata: { name: 'keep' },
      webhooks: [
        {
          name: 'keep.example.com',
          admissionReviewVersions: ['v1'],
          sideEffects: 'None',
          clientConfig: { url: 'https://nowhere' },
          rules: [ruleFor('', ['configmaps'], ['DELETE'])],
        },
      ],
    });
    await api.ok('DELETE', '/api/v1/namespaces/going');
    await api.cluster.eventually(() => seen.some(({ name }) => name === 'kept'));
    await api.cluster.eventually(async () => (await api.send('GET', `${within}/free`)).code === 404);
    assert.equal((await api.send('GET', `${within}/kept`)).code, 200);
    assert.equal(seen[0]!.operation, 'DELETE');
    assert.match(seen[0]!.userInfo.username!, /namespace-controller$/);
    keep = false;
    await api.cluster.eventually(async () => (await api.send('GET', '/api/v1/namespaces/going')).code === 404, 30_000);
  });
});
