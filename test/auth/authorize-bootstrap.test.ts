/** The default roles of a cluster: there from the start, and brought up to date at every start. */
import assert from 'node:assert/strict';
import { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from '../../src/client/kinds.ts';
import { bootstrapRoles } from '../../src/cluster/bootstrap-roles.ts';
import { controllerUser } from '../../src/cluster/controller-accounts.ts';
import { controllerNames } from '../../src/cluster/controllers-role.ts';
import { startTestCluster, type TestCluster } from '../../src/testing/test-cluster.ts';

const autoUpdate = 'rbac.authorization.kubernetes.io/autoupdate';

describe('the roles of a new cluster', () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster();
  });
  after(() => cluster.stop());

  const roles = () => cluster.client.resource(ClusterRole);
  const bindings = () => cluster.client.resource(ClusterRoleBinding);
  const restart = () => bootstrapRoles(cluster.server, cluster.client);

  it('are Kubernetes’', async () => {
    const { items } = await roles().list({ labelSelector: 'kubernetes.io/bootstrapping=rbac-defaults' });
    const names = items.map(({ metadata }) => metadata.name!);
    for (const name of ['cluster-admin', 'admin', 'edit', 'view', 'system:node', 'system:controller:job-controller']) {
      assert.ok(names.includes(name), name);
    }
    assert.ok(items.every(({ metadata }) => metadata.annotations?.[autoUpdate] === 'true'));
    const admin = await roles().get({ name: 'admin' });
    assert.equal(admin.rules, null);
    assert.deepEqual(admin.aggregationRule, {
      clusterRoleSelectors: [{ matchLabels: { 'rbac.authorization.k8s.io/aggregate-to-admin': 'true' } }],
    });
    const { subjects, roleRef } = await bindings().get({ name: 'system:public-info-viewer' });
    assert.deepEqual(roleRef, {
      apiGroup: 'rbac.authorization.k8s.io',
      kind: 'ClusterRole',
      name: 'system:public-info-viewer',
    });
    assert.deepEqual(
      subjects!.map(({ kind, name }) => `${kind} ${name}`),
      ['Group system:authenticated', 'Group system:unauthenticated'],
    );
    assert.equal('subjects' in (await bindings().get({ name: 'system:node' })), false);
    const { client } = cluster;
    assert.deepEqual(
      (await client.resource(Role).list()).items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`),
      [
        'kube-public/system:controller:bootstrap-signer',
        'kube-system/extension-apiserver-authentication-reader',
        'kube-system/system::leader-locking-kube-controller-manager',
        'kube-system/system::leader-locking-kube-scheduler',
        'kube-system/system:controller:bootstrap-signer',
        'kube-system/system:controller:cloud-provider',
        'kube-system/system:controller:token-cleaner',
      ],
    );
    assert.equal((await client.resource(RoleBinding).list()).items.length, 7);
  });

  it('are owned as a create by kube-apiserver would own them', async () => {
    const { client } = cluster;
    for (const name of ['view', 'system:aggregate-to-view', 'system:basic-user']) {
      const { metadata, ...rest } = await roles().get({ name });
      const { labels, annotations } = metadata;
      const copy = { ...rest, metadata: { name: `${name}-copy`, labels, annotations } };
      const made = await roles().create(copy as never, { fieldManager: 'kube-apiserver' });
      const [seeded] = metadata.managedFields!;
      const [written] = made.metadata.managedFields!;
      assert.deepEqual({ ...seeded, time: '' }, { ...written, time: '' }, name);
      await roles().delete({ name: `${name}-copy` });
    }
    const binding = await bindings().get({ name: 'system:basic-user' });
    const {
      name: _,
      uid: __,
      managedFields,
      resourceVersion: ___,
      creationTimestamp: ____,
      ...metadata
    } = binding.metadata;
    const made = await client
      .resource(ClusterRoleBinding)
      .create({ ...binding, metadata: { ...metadata, name: 'copy' } }, { fieldManager: 'kube-apiserver' });
    assert.deepEqual({ ...managedFields![0], time: '' }, { ...made.metadata.managedFields![0], time: '' });
    await bindings().delete({ name: 'copy' });
  });

  it('leave the next start nothing to do', async () => {
    const before = await cluster.store.revision();
    await restart();
    assert.equal(await cluster.store.revision(), before);
  });

  it('get back what was taken away, and keep what was added', async () => {
    const role = await roles().get({ name: 'system:basic-user' });
    const extra = { apiGroups: ['example.com'], resources: ['things'], verbs: ['get'] };
    await roles().update({
      ...role,
      rules: [role.rules![0]!, extra],
      metadata: { ...role.metadata, labels: { mine: 'yes' } },
    });
    const binding = await bindings().get({ name: 'system:discovery' });
    const mine = { kind: 'User', name: 'ann', apiGroup: 'rbac.authorization.k8s.io' };
    await bindings().update({ ...binding, subjects: [mine] });
    await roles().delete({ name: 'system:heapster' });
    await restart();
    const { rules, metadata } = await roles().get({ name: 'system:basic-user' });
    assert.deepEqual(rules, [
      role.rules![0],
      extra,
      { apiGroups: ['authentication.k8s.io'], resources: ['selfsubjectreviews'], verbs: ['create'] },
    ]);
    assert.deepEqual(metadata.labels, { mine: 'yes', 'kubernetes.io/bootstrapping': 'rbac-defaults' });
    assert.deepEqual(
      (await bindings().get({ name: 'system:discovery' })).subjects!.map(({ name }) => name),
      ['ann', 'system:authenticated'],
    );
    await roles().get({ name: 'system:heapster' });
  });

  it('are left alone where their annotation says so', async () => {
    const role = await roles().get({ name: 'system:kube-dns' });
    await roles().update({
      ...role,
      rules: [],
      metadata: { ...role.metadata, annotations: { [autoUpdate]: 'false' } },
    });
    await restart();
    assert.deepEqual((await roles().get({ name: 'system:kube-dns' })).rules, null);
  });

  it('are bound again to the right role', async () => {
    const binding = await bindings().get({ name: 'system:monitoring' });
    await bindings().delete({ name: 'system:monitoring' });
    const { name, labels, annotations } = binding.metadata;
    const roleRef = { ...binding.roleRef, name: 'cluster-admin' };
    await bindings().create({ ...binding, metadata: { name, labels, annotations }, roleRef } as never);
    await restart();
    assert.equal((await bindings().get({ name: 'system:monitoring' })).roleRef.name, 'system:monitoring');
  });

  it('are there for every controller', async () => {
    for (const controller of controllerNames) {
      const { name } = controllerUser(controller);
      if (name === 'system:kube-controller-manager') continue;
      const role = `system:controller:${name.slice('system:serviceaccount:kube-system:'.length)}`;
      // It cleans up in one namespace, and has its role there.
      const key = name.endsWith(':token-cleaner') ? { namespace: 'kube-system', name: role } : { name: role };
      const isLocal = 'namespace' in key;
      await cluster.client.resource<Role | ClusterRole>(isLocal ? Role : ClusterRole).get(key);
      const found = cluster.client.resource<RoleBinding | ClusterRoleBinding>(
        isLocal ? RoleBinding : ClusterRoleBinding,
      );
      const { subjects } = await found.get(key);
      assert.deepEqual(subjects, [
        { kind: 'ServiceAccount', name: role.slice('system:controller:'.length), namespace: 'kube-system' },
      ]);
    }
  });

  it('give a controller what it needs, and no more', async () => {
    const apiVersion = 'authorization.k8s.io/v1';
    const kind = 'SubjectAccessReview';
    const reviews = await cluster.client.dynamic({ apiVersion, kind });
    const may = async (controller: string, verb: string, resource: string, group = ''): Promise<boolean> => {
      const { name, groups } = controllerUser(controller);
      const spec = { user: name, groups, resourceAttributes: { verb, resource, group, namespace: 'default' } };
      const { status } = await reviews.create({ apiVersion, kind, metadata: {}, spec } as never);
      return (status as { allowed: boolean }).allowed;
    };
    assert.ok(await may('deployment-controller', 'create', 'replicasets', 'apps'));
    assert.ok(!(await may('deployment-controller', 'create', 'pods')));
    assert.ok(await may('replicaset-controller', 'create', 'pods'));
    assert.ok(!(await may('replicaset-controller', 'create', 'replicasets', 'apps')));
    assert.ok(await may('clusterrole-aggregation-controller', 'escalate', 'clusterroles', 'rbac.authorization.k8s.io'));
    for (const controller of controllerNames) {
      const manages = ['garbage-collector-controller', 'namespace-controller', 'serviceaccount-token-controller'];
      assert.equal(await may(controller, 'get', 'secrets'), manages.includes(controller), controller);
      assert.ok(!(await may(controller, 'create', 'clusterrolebindings', 'rbac.authorization.k8s.io')), controller);
    }
  });
});
