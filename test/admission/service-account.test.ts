/** What becomes of pods for want of, and because of, their service account. */
import assert from 'node:assert/strict';
import { type Api, assertFailure, startApi } from '../apiserver/support/api.ts';

const namespaces = '/api/v1/namespaces';
const pods = `${namespaces}/default/pods`;
const accounts = `${namespaces}/default/serviceaccounts`;
const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount';

describe('ServiceAccount admission', () => {
  let api: Api;
  before(async () => {
    api = await startApi({ controllers: ['serviceaccount-controller'] });
    await api.ok('POST', accounts, {
      metadata: { name: 'robot' },
      imagePullSecrets: [{ name: 'registry' }],
      secrets: [{ name: 'allowed' }],
    });
    await api.ok('POST', accounts, { metadata: { name: 'quiet' }, automountServiceAccountToken: false });
  });
  after(() => api[Symbol.asyncDispose]());

  let count = 0;
  const pod = (spec: object = {}, metadata: object = {}) => {
    count += 1;
    const containers = [{ name: 'main', image: 'busybox' }];
    return { metadata: { name: `p${count}`, ...metadata }, spec: { containers, ...spec } };
  };
  // biome-ignore lint/suspicious/noExplicitAny: a pod as it travels
  const create = async (spec?: object, metadata?: object): Promise<any> =>
    (await api.ok('POST', pods, pod(spec, metadata))).spec;
  const refuse = async (why: string, spec: object, metadata: object = {}) => {
    const body = pod(spec, metadata);
    const answer = await api.send('POST', pods, { body });
    assertFailure(answer, 403, 'Forbidden', `pods "${body.metadata.name}" is forbidden: ${why}`);
  };

  it('gives pods the default account, and its token', async () => {
    const spec = await create({ initContainers: [{ name: 'init', image: 'busybox' }] });
    assert.equal(spec.serviceAccountName, 'default');
    assert.equal(spec.serviceAccount, 'default');
    const [volume] = spec.volumes;
    assert.match(volume.name, /^kube-api-access-[a-z0-9]{5}$/);
    assert.deepEqual(volume.projected, {
      sources: [
        { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        {
          downwardAPI: {
            items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
          },
        },
      ],
      defaultMode: 420,
    });
    for (const container of [...spec.containers, ...spec.initContainers]) {
      assert.deepEqual(container.volumeMounts, [{ name: volume.name, readOnly: true, mountPath }]);
    }
  });

  it('leaves containers alone that have something there', async () => {
    const spec = await create({
      volumes: [{ name: 'own', emptyDir: {} }],
      containers: [
        { name: 'main', image: 'busybox', volumeMounts: [{ name: 'own', mountPath }] },
        { name: 'other', image: 'busybox' },
      ],
    });
    assert.deepEqual(spec.containers[0].volumeMounts, [{ name: 'own', mountPath }]);
    assert.equal(spec.containers[1].volumeMounts[0].name, spec.volumes[1].name);
    const all = await create({
      volumes: [{ name: 'own', emptyDir: {} }],
      containers: [{ name: 'main', image: 'busybox', volumeMounts: [{ name: 'own', mountPath }] }],
    });
    assert.equal(all.volumes.length, 1);
  });

  it('mounts no token where the account or the pod does not want one; the pod has the last word', async () => {
    assert.equal((await create({ serviceAccountName: 'quiet' })).volumes, undefined);
    assert.equal((await create({ automountServiceAccountToken: false })).volumes, undefined);
    const wanted = await create({ serviceAccountName: 'quiet', automountServiceAccountToken: true });
    assert.equal(wanted.volumes.length, 1);
  });

  it('gives pods the pull secrets of their account, unless they have their own', async () => {
    const spec = await create({ serviceAccountName: 'robot' });
    assert.deepEqual(spec.imagePullSecrets, [{ name: 'registry' }]);
    const own = await create({ serviceAccountName: 'robot', imagePullSecrets: [{ name: 'mine' }] });
    assert.deepEqual(own.imagePullSecrets, [{ name: 'mine' }]);
  });

  it('refuses pods whose account is not there', async () => {
    await refuse('error looking up service account default/ghost: serviceaccount "ghost" not found', {
      serviceAccountName: 'ghost',
    });
  });

  it('waits for the account that every namespace gets', async () => {
    await api.ok('POST', namespaces, { metadata: { name: 'fresh' } });
    const made = await api.ok('POST', `${namespaces}/fresh/pods`, pod());
    assert.equal(made.spec.serviceAccountName, 'default');
  });

  it('keeps mirror pods from accounts and secrets', async () => {
    const metadata = { annotations: { 'kubernetes.io/config.mirror': 'x' } };
    const nodeName = 'n1';
    await refuse(
      'a mirror pod may not reference service accounts',
      { nodeName, serviceAccountName: 'robot' },
      metadata,
    );
    const volumes = [{ name: 's', secret: { secretName: 'x' } }];
    await refuse('a mirror pod may not reference secrets', { nodeName, volumes }, metadata);
    const spec = await create({ nodeName }, metadata);
    assert.equal(spec.serviceAccountName, undefined);
    assert.equal(spec.volumes, undefined);
  });

  describe('of accounts that limit secrets', () => {
    before(() =>
      api.ok(
        'PATCH',
        `${accounts}/robot`,
        { metadata: { annotations: { 'kubernetes.io/enforce-mountable-secrets': 'true' } } },
        'application/merge-patch+json',
      ),
    );
    const lacks = 'is not allowed because service account robot does not reference that';
    const serviceAccountName = 'robot';
    const variable = (name: string) => ({ name: 'V', valueFrom: { secretKeyRef: { name, key: 'k' } } });

    it('lets pods use those', async () => {
      const volumes = [{ name: 's', secret: { secretName: 'allowed' } }];
      const containers = [{ name: 'main', image: 'busybox', env: [variable('allowed')] }];
      assert.equal((await create({ serviceAccountName, volumes, containers })).serviceAccountName, 'robot');
    });

    const refusals: readonly [string, object, string][] = [
      [
        'a volume',
        { volumes: [{ name: 's', secret: { secretName: 'other' } }] },
        `volume with secret.secretName="other" ${lacks} secret`,
      ],
      [
        'a variable',
        { containers: [{ name: 'main', image: 'busybox', env: [variable('other')] }] },
        `container main with envVar V referencing secret.secretName="other" ${lacks} secret`,
      ],
      [
        'the variables of an init container',
        { initContainers: [{ name: 'init', image: 'busybox', envFrom: [{ secretRef: { name: 'other' } }] }] },
        `init container init with envFrom referencing secret.secretName="other" ${lacks} secret`,
      ],
      [
        'a pull secret',
        { imagePullSecrets: [{ name: 'other' }] },
        `imagePullSecrets[0].name="other" ${lacks} imagePullSecret`,
      ],
    ];
    for (const [what, spec, message] of refusals) {
      it(`refuses others in ${what}`, () => refuse(message, { serviceAccountName, ...spec }));
    }

    it('refuses others in a container that joins later', async () => {
      const made = await api.ok('POST', pods, pod({ serviceAccountName }));
      const { name } = made.metadata;
      const joining = [{ name: 'debug', image: 'busybox', env: [variable('other')] }];
      const answer = await api.send('PATCH', `${pods}/${name}/ephemeralcontainers`, {
        body: { spec: { ephemeralContainers: joining } },
        type: 'application/strategic-merge-patch+json',
      });
      const message = `ephemeral container debug with envVar V referencing secret.secretName="other" ${lacks} secret`;
      assertFailure(answer, 403, 'Forbidden', `pods "${name}" is forbidden: ${message}`);
    });
  });
});

describe('without a controller of service accounts', () => {
  it('pods need none', async () => {
    await using api = await startApi();
    const containers = [{ name: 'main', image: 'busybox' }];
    const made = await api.ok('POST', pods, { metadata: { name: 'plain' }, spec: { containers } });
    assert.equal(made.spec.serviceAccountName, undefined);
    assert.equal(made.spec.volumes, undefined);
  });
});
