/** `@kubernetes/client-node`, the client that most programs in this language use, against the server over HTTPS. */
import assert from 'node:assert/strict';
import {
  ApiException,
  AppsV1Api,
  CoreV1Api,
  type CoreV1Event,
  CustomObjectsApi,
  KubeConfig,
  type KubernetesObject,
  KubernetesObjectApi,
  Log,
  makeInformer,
  setHeaderOptions,
  type V1ConfigMap,
  type V1Deployment,
  VersionApi,
  Watch,
} from '@kubernetes/client-node';
import { startTestCluster, type TestCluster } from '../../src/testing/index.ts';
import { widgets } from '../apiserver/support/api.ts';

describe('@kubernetes/client-node', () => {
  let cluster: TestCluster;
  let config: KubeConfig;
  let core: CoreV1Api;
  before(async () => {
    cluster = await startTestCluster({ resources: [widgets()], controllers: ['*'], nodes: 1 });
    const { kubeconfig } = await cluster.listen();
    config = new KubeConfig();
    config.loadFromString(kubeconfig);
    core = config.makeApiClient(CoreV1Api);
  });
  after(() => cluster.stop());

  const namespace = 'default';
  const configMap = (name: string, data: Record<string, string> = {}): V1ConfigMap => ({ metadata: { name }, data });
  const merge = setHeaderOptions('Content-Type', 'application/merge-patch+json');

  it('reads, writes and deletes with CoreV1Api', async () => {
    const created = await core.createNamespacedConfigMap({ namespace, body: configMap('typed', { a: '1' }) });
    assert.equal(created.kind, 'ConfigMap');
    assert.ok(created.metadata?.creationTimestamp instanceof Date);
    const replaced = await core.replaceNamespacedConfigMap({
      namespace,
      name: 'typed',
      body: { ...created, data: { a: '2' } },
    });
    assert.deepEqual(replaced.data, { a: '2' });
    const patched = await core.patchNamespacedConfigMap(
      { namespace, name: 'typed', body: { data: { b: '3' } } },
      merge,
    );
    assert.deepEqual(patched.data, { a: '2', b: '3' });
    const list = await core.listNamespacedConfigMap({ namespace, labelSelector: 'none=such' });
    assert.deepEqual(list.items, []);
    const status = await core.deleteNamespacedConfigMap({ namespace, name: 'typed' });
    assert.equal(status.status, 'Success');
    await assert.rejects(core.readNamespacedConfigMap({ namespace, name: 'typed' }), (error: unknown) => {
      assert.ok(error instanceof ApiException);
      assert.equal(error.code, 404);
      assert.equal(JSON.parse(error.body as string).message, 'configmaps "typed" not found');
      return true;
    });
  });

  it('pages', async () => {
    for (const name of ['p1', 'p2', 'p3']) {
      const body = { ...configMap(name), metadata: { name, labels: { page: 'yes' } } };
      await core.createNamespacedConfigMap({ namespace, body });
    }
    const seen: (string | undefined)[] = [];
    let next: string | undefined;
    do {
      const page = await core.listNamespacedConfigMap({
        namespace,
        labelSelector: 'page=yes',
        limit: 2,
        ...(next === undefined ? {} : { _continue: next }),
      });
      seen.push(...page.items.map(({ metadata }) => metadata?.name));
      next = page.metadata?._continue;
    } while (next !== undefined);
    assert.deepEqual(seen, ['p1', 'p2', 'p3']);
  });

  it('runs a Deployment to its pods with AppsV1Api', async () => {
    const apps = config.makeApiClient(AppsV1Api);
    const body: V1Deployment = {
      metadata: { name: 'web' },
      spec: {
        replicas: 2,
        selector: { matchLabels: { app: 'web' } },
        template: {
          metadata: { labels: { app: 'web' } },
          spec: { containers: [{ name: 'main', image: 'nginx' }] },
        },
      },
    };
    await apps.createNamespacedDeployment({ namespace, body });
    await cluster.eventually(async () => {
      const { status } = await apps.readNamespacedDeployment({ namespace, name: 'web' });
      return status?.availableReplicas === 2;
    });
    const scale = await apps.readNamespacedDeploymentScale({ namespace, name: 'web' });
    assert.equal(scale.spec?.replicas, 2);
    await apps.replaceNamespacedDeploymentScale({ namespace, name: 'web', body: { ...scale, spec: { replicas: 1 } } });
    await cluster.eventually(async () => {
      const pods = await core.listNamespacedPod({ namespace, labelSelector: 'app=web' });
      return pods.items.length === 1;
    });
  });

  it('handles custom resources with CustomObjectsApi', async () => {
    const custom = config.makeApiClient(CustomObjectsApi);
    const kind = { group: 'example.com', version: 'v1', namespace, plural: 'widgets' };
    const body = { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'w' }, spec: { replicas: 1 } };
    const created = (await custom.createNamespacedCustomObject({ ...kind, body })) as { spec: object };
    assert.deepEqual(created.spec, { replicas: 1, color: 'red' });
    const patched = (await custom.patchNamespacedCustomObject(
      { ...kind, name: 'w', body: { spec: { replicas: 3 } } },
      merge,
    )) as { spec: { replicas: number } };
    assert.equal(patched.spec.replicas, 3);
    const list = (await custom.listNamespacedCustomObject(kind)) as { items: unknown[] };
    assert.equal(list.items.length, 1);
    await custom.deleteNamespacedCustomObject({ ...kind, name: 'w' });
    await assert.rejects(custom.getNamespacedCustomObject({ ...kind, name: 'w' }), ApiException);
  });

  it('handles any kind with KubernetesObjectApi', async () => {
    const objects = KubernetesObjectApi.makeApiClient(config);
    const widget = {
      apiVersion: 'example.com/v1',
      kind: 'Widget',
      metadata: { name: 'any', namespace },
      spec: { replicas: 1 },
    };
    const created: KubernetesObject = await objects.create(widget);
    assert.ok(created.metadata?.uid);
    const applied = await objects.patch(
      { ...widget, spec: { replicas: 4 } } as KubernetesObject,
      undefined,
      undefined,
      'interop',
      true,
      'application/apply-patch+yaml',
    );
    assert.equal((applied as unknown as typeof widget).spec.replicas, 4);
    const list = await objects.list('example.com/v1', 'Widget', namespace);
    assert.deepEqual(
      list.items.map(({ metadata }) => metadata?.name),
      ['any'],
    );
    await objects.delete(widget);
  });

  it('watches', async () => {
    const watch = new Watch(config);
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    const { metadata } = await core.listNamespacedConfigMap({ namespace });
    const seen = new Arrivals();
    let over: (error: unknown) => void = () => undefined;
    const ended = new Promise((resolve) => {
      over = resolve;
    });
    const abort = await watch.watch(
      path,
      { resourceVersion: metadata?.resourceVersion ?? '' },
      (type, object: V1ConfigMap) => {
        seen.push(`${type} ${object.metadata?.name}`);
      },
      (error) => over(error),
    );
    await core.createNamespacedConfigMap({ namespace, body: configMap('watched') });
    await core.deleteNamespacedConfigMap({ namespace, name: 'watched' });
    assert.deepEqual(await seen.first(2), ['ADDED watched', 'DELETED watched']);
    abort.abort();
    await ended;
  });

  it('informs', async () => {
    const informer = makeInformer<V1ConfigMap>(config, `/api/v1/namespaces/kube-public/configmaps`, () =>
      core.listNamespacedConfigMap({ namespace: 'kube-public' }),
    );
    const seen = new Arrivals();
    for (const verb of ['add', 'update', 'delete'] as const) {
      informer.on(verb, (object) => {
        // The cluster's own, in every namespace.
        if (object.metadata?.name !== 'kube-root-ca.crt') seen.push(`${verb} ${object.metadata?.name}`);
      });
    }
    await core.createNamespacedConfigMap({ namespace: 'kube-public', body: configMap('first') });
    await informer.start();
    await seen.first(1);
    await core.createNamespacedConfigMap({ namespace: 'kube-public', body: configMap('second') });
    await core.patchNamespacedConfigMap(
      { namespace: 'kube-public', name: 'second', body: { data: { a: 'b' } } },
      merge,
    );
    await core.deleteNamespacedConfigMap({ namespace: 'kube-public', name: 'first' });
    assert.deepEqual(await seen.first(4), ['add first', 'add second', 'update second', 'delete first']);
    assert.deepEqual(
      informer
        .list()
        .map(({ metadata }) => metadata?.name)
        .filter((name) => name !== 'kube-root-ca.crt'),
      ['second'],
    );
    await informer.stop();
  });

  it('applies and scales with AppsV1Api, on the object and on its parts', async () => {
    const apps = config.makeApiClient(AppsV1Api);
    const apply = setHeaderOptions('Content-Type', 'application/apply-patch+yaml');
    const name = 'applied';
    const body = (replicas: number) => ({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name },
      spec: {
        replicas,
        selector: { matchLabels: { app: name } },
        template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
      },
    });
    const at = { namespace, name, fieldManager: 'interop' };
    const applied = await apps.patchNamespacedDeployment({ ...at, body: body(0) }, apply);
    assert.equal(applied.metadata?.managedFields?.[0]?.operation, 'Apply');
    const scale = await apps.readNamespacedDeploymentScale({ namespace, name });
    scale.spec!.replicas = 1;
    const scaled = await apps.replaceNamespacedDeploymentScale({
      namespace,
      name,
      fieldManager: 'scaler',
      body: scale,
    });
    assert.equal(scaled.spec?.replicas, 1);
    await assert.rejects(apps.patchNamespacedDeployment({ ...at, body: body(2) }, apply), (error: unknown) => {
      assert.ok(error instanceof ApiException);
      assert.equal(error.code, 409);
      return true;
    });
    const forced = await apps.patchNamespacedDeployment({ ...at, force: true, body: body(0) }, apply);
    assert.equal(forced.spec?.replicas, 0);
    await apps.deleteNamespacedDeployment({ namespace, name, propagationPolicy: 'Foreground' });
  });

  it('watches and informs of custom resources', async () => {
    const objects = KubernetesObjectApi.makeApiClient(config);
    const path = `/apis/example.com/v1/namespaces/${namespace}/widgets`;
    const informer = makeInformer<KubernetesObject>(
      config,
      path,
      () => objects.list('example.com/v1', 'Widget', namespace),
      'tier=seen',
    );
    const seen = new Arrivals();
    for (const verb of ['add', 'update', 'delete'] as const) {
      informer.on(verb, (object) => {
        seen.push(`${verb} ${object.metadata?.name}`);
      });
    }
    await informer.start();
    const widget = {
      apiVersion: 'example.com/v1',
      kind: 'Widget',
      metadata: { name: 'informed', namespace, labels: { tier: 'seen' } },
      spec: { replicas: 1 },
    };
    await objects.create({ ...widget, metadata: { ...widget.metadata, name: 'other', labels: {} } });
    await objects.create(widget);
    await seen.first(1);
    // Without the label it is no longer one of those that the informer is told of.
    await objects.patch(
      { ...widget, metadata: { ...widget.metadata, labels: { tier: null } } } as unknown as KubernetesObject,
      undefined,
      undefined,
      undefined,
      undefined,
      'application/merge-patch+json',
    );
    assert.deepEqual(await seen.first(2), ['add informed', 'delete informed']);
    await informer.stop();
    for (const name of ['informed', 'other']) await objects.delete({ ...widget, metadata: { name, namespace } });
  });

  it('reads logs', async () => {
    await core.createNamespacedPod({
      namespace,
      body: { metadata: { name: 'talker' }, spec: { containers: [{ name: 'main', image: 'busybox' }] } },
    });
    await cluster.eventually(async () => {
      const { status } = await core.readNamespacedPod({ namespace, name: 'talker' });
      return status?.phase === 'Running';
    });
    const text = await core.readNamespacedPodLog({ namespace, name: 'talker' });
    assert.equal(typeof text, 'string');
    const { PassThrough } = await import('node:stream');
    const stream = new PassThrough();
    const log = new Log(config);
    const abort = await log.log(namespace, 'talker', 'main', stream, { follow: false });
    abort.abort();
    await assert.rejects(core.readNamespacedPodLog({ namespace, name: 'nobody' }), ApiException);
  });

  it('reads events and the version', async () => {
    const events = await core.listNamespacedEvent({ namespace });
    assert.ok(Array.isArray(events.items satisfies CoreV1Event[]));
    const version = await config.makeApiClient(VersionApi).getCode();
    assert.equal(version.major, '1');
  });
});

/** What has come, and a way to wait for more. */
class Arrivals {
  readonly #items: string[] = [];
  #arrived: () => void = () => undefined;

  push(item: string): void {
    this.#items.push(item);
    this.#arrived();
  }

  async first(count: number): Promise<readonly string[]> {
    while (this.#items.length < count) {
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
    return this.#items;
  }
}
