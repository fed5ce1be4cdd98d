/** Whatever a request writes to, and however, admission is told in Kubernetes' terms. */
import assert from 'node:assert/strict';
import type { ReviewRequest } from '../../src/admission/webhook/review.ts';
import { type Api, startApi } from '../apiserver/support/api.ts';
import { configMap, configMaps, deployment, deployments, registration, ruleFor, type Spec } from './support.ts';

const pods = '/api/v1/namespaces/default/pods';
const pod = (name: string): Spec => ({
  metadata: { name },
  spec: { containers: [{ name: 'c', image: 'i' }] },
});

describe('admission is told of', () => {
  let api: Api;
  let seen: ReviewRequest[];
  beforeEach(async () => {
    api = await startApi();
    seen = [];
    await api.ok('POST', `${registration}/validatingwebhookconfigurations`, {
      metadata: { name: 'all' },
      webhooks: [
        {
          name: 'all.example.com',
          admissionReviewVersions: ['v1'],
          sideEffects: 'None',
          clientConfig: { url: 'https://nowhere' },
          rules: [ruleFor('*', ['*/*'], ['*'], ['*'])],
        },
      ],
    });
    api.cluster.server.webhooks.register({ webhook: 'all.example.com' }, (request) => {
      seen.push(request);
      return { allowed: true };
    });
  });
  afterEach(async () => {
    await api[Symbol.asyncDispose]();
  });

  const last = (): string => {
    const { operation, resource, subResource, kind, name, options } = seen.at(-1)!;
    const of = subResource === undefined ? resource.resource : `${resource.resource}/${subResource}`;
    const asked = (options as Spec)?.kind ?? 'no options';
    return `${operation} ${of} ${[kind.group, kind.version, kind.kind].join('/')} ${name} ${asked}`;
  };

  it('creates, updates, patches and deletes', async () => {
    await api.ok('POST', deployments, deployment('d'));
    assert.equal(last(), 'CREATE deployments apps/v1/Deployment d CreateOptions');
    await api.ok('PATCH', `${deployments}/d`, { metadata: { labels: { a: 'b' } } }, 'application/merge-patch+json');
    assert.equal(last(), 'UPDATE deployments apps/v1/Deployment d UpdateOptions');
    await api.ok('PATCH', `${deployments}/d/scale`, { spec: { replicas: 2 } }, 'application/merge-patch+json');
    assert.equal(last(), 'UPDATE deployments/scale autoscaling/v1/Scale d UpdateOptions');
    await api.ok('PATCH', `${deployments}/d/status`, { status: { replicas: 2 } }, 'application/merge-patch+json');
    assert.equal(last(), 'UPDATE deployments/status apps/v1/Deployment d UpdateOptions');
    await api.ok('DELETE', `${deployments}/d`);
    assert.equal(last(), 'DELETE deployments apps/v1/Deployment d DeleteOptions');
  });

  it('namespaces, which stand in themselves', async () => {
    await api.ok('POST', '/api/v1/namespaces', { metadata: { name: 'n' } });
    assert.equal(last(), 'CREATE namespaces /v1/Namespace n CreateOptions');
    assert.equal(seen.at(-1)!.namespace, 'n');
    await api.ok('POST', '/apis/rbac.authorization.k8s.io/v1/clusterroles', { metadata: { name: 'r' } });
    assert.equal(seen.at(-1)!.namespace, undefined);
  });

  it('an apply that creates', async () => {
    const applied = { ...configMap('x', { a: '1' }) };
    await api.ok('PATCH', `${configMaps}/x?fieldManager=me`, applied, 'application/apply-patch+yaml');
    assert.equal(last(), 'CREATE configmaps /v1/ConfigMap x CreateOptions');
    assert.deepEqual(seen.at(-1)!.options, { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1', fieldManager: 'me' });
  });

  it('bindings, evictions and tokens', async () => {
    await api.ok('POST', pods, pod('p'));
    await api.ok('POST', `${pods}/p/binding`, { target: { name: 'n' } });
    assert.equal(last(), 'CREATE pods/binding /v1/Binding p CreateOptions');
    await api.ok('POST', `${pods}/p/eviction`, { metadata: { name: 'p' } });
    assert.equal(last(), 'CREATE pods/eviction policy/v1/Eviction p CreateOptions');
    await api.ok('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 's' } });
    await api.ok('POST', '/api/v1/namespaces/default/serviceaccounts/s/token', { spec: {} });
    assert.equal(last(), 'CREATE serviceaccounts/token authentication.k8s.io/v1/TokenRequest s CreateOptions');
  });

  it('connections', async () => {
    await api.ok('POST', pods, pod('p'));
    await api.send('POST', `${pods}/p/exec?command=ls&container=c&stdout=true`);
    assert.equal(last(), 'CONNECT pods/exec /v1/PodExecOptions p no options');
    const { object } = seen.at(-1)! as Spec;
    assert.deepEqual([object.command, object.container, object.stdout], [['ls'], 'c', true]);
  });
});
