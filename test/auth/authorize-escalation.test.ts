/** Nobody grants what they do not have. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { compact, type Rule, ruleText, uncovered } from '../../src/apis/rbac/rule-cover.ts';
import { type Client, createClient } from '../../src/client/client.ts';
import { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from '../../src/client/kinds.ts';
import { isReason, type StatusError } from '../../src/machinery/status.ts';
import { startTestCluster, type TestCluster } from '../../src/testing/test-cluster.ts';

const rbacGroup = 'rbac.authorization.k8s.io';
const namespace = 'default';
const pods = (...verbs: string[]): Rule & { verbs: string[] } => ({ apiGroups: [''], resources: ['pods'], verbs });

describe('privilege escalation', () => {
  let cluster: TestCluster;
  let bob: Client;

  before(async () => {
    cluster = await startTestCluster();
    const { client } = cluster;
    const rules = [
      pods('get', 'list'),
      { apiGroups: [rbacGroup], resources: ['*'], verbs: ['create', 'update', 'patch', 'get'] },
    ];
    await client.resource(ClusterRole).create({ metadata: { name: 'bobs' }, rules } as never);
    await client.resource(ClusterRoleBinding).create({
      metadata: { name: 'bobs' },
      roleRef: { apiGroup: rbacGroup, kind: 'ClusterRole', name: 'bobs' },
      subjects: [{ kind: 'User', name: 'bob', apiGroup: rbacGroup }],
    });
    bob = createClient(cluster.transportAs('bob'));
  });
  after(() => cluster.stop());

  const refused = async (write: Promise<unknown>, message: string, code = 403): Promise<void> => {
    await assert.rejects(write, (error: StatusError) => {
      assert.deepEqual([error.code, error.message], [code, message]);
      return true;
    });
  };
  const lacks =
    'user "bob" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n';

  describe('by a role', () => {
    it('is refused, and what is missing is named', async () => {
      await refused(
        bob.resource(Role).create({
          metadata: { namespace, name: 'more' },
          rules: [
            pods('get', 'delete', 'list', 'create'),
            { ...pods('get'), resources: ['secrets'], resourceNames: ['a'] },
          ],
        } as never),
        `roles.${rbacGroup} "more" is forbidden: ${lacks}{APIGroups:[""], Resources:["pods"], Verbs:["delete" "create"]}\n{APIGroups:[""], Resources:["secrets"], ResourceNames:["a"], Verbs:["get"]}`,
      );
      await refused(
        bob.resource(ClusterRole).create({
          metadata: { name: 'paths' },
          rules: [{ nonResourceURLs: ['/metrics', '/api'], verbs: ['get'] }],
        }),
        `clusterroles.${rbacGroup} "paths" is forbidden: ${lacks}{NonResourceURLs:["/metrics"], Verbs:["get"]}`,
      );
    });

    it('is not what a role of one’s own rules is', async () => {
      const made = await bob
        .resource(Role)
        .create({ metadata: { namespace, name: 'same' }, rules: [pods('list')] } as never);
      await bob.resource(Role).update({ ...made, rules: [pods('get')] } as never);
      await refused(
        bob.resource(Role).update({ ...made, rules: [pods('watch')], metadata: { namespace, name: 'same' } } as never),
        `roles.${rbacGroup} "same" is forbidden: ${lacks}{APIGroups:[""], Resources:["pods"], Verbs:["watch"]}`,
      );
      await refused(
        bob.resource(Role).patch({ namespace, name: 'same' }, { rules: [pods('*')] } as never),
        `roles.${rbacGroup} "same" is forbidden: ${lacks}{APIGroups:[""], Resources:["pods"], Verbs:["*"]}`,
      );
    });

    it('comes before validation', async () => {
      await refused(
        bob.resource(Role).create({
          metadata: { namespace, name: 'x' },
          rules: [{ ...pods('delete'), nonResourceURLs: ['/x'] }],
        } as never),
        `roles.${rbacGroup} "x" is forbidden: ${lacks}{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}\n{NonResourceURLs:["/x"], Verbs:["delete"]}`,
      );
    });

    it('leaves owners and finalizers to those who may write', async () => {
      await cluster.client
        .resource(Role)
        .create({ metadata: { namespace, name: 'strong' }, rules: [pods('*')] } as never);
      const changed = await bob
        .resource(Role)
        .patch({ namespace, name: 'strong' }, { metadata: { finalizers: ['example.com/hold'] } });
      assert.deepEqual(changed.metadata.finalizers, ['example.com/hold']);
      await assert.rejects(
        bob.resource(Role).patch({ namespace, name: 'strong' }, { metadata: { labels: { a: 'b' } } }),
        (error) => isReason(error, 'Forbidden'),
      );
    });

    it('is open to those who hold everything when it aggregates', async () => {
      const aggregationRule = { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] };
      await refused(
        bob.resource(ClusterRole).create({ metadata: { name: 'sum' }, aggregationRule, rules: [] }),
        `clusterroles.${rbacGroup} "sum" is forbidden: must have cluster-admin privileges to use the aggregationRule`,
      );
    });

    it('is open to those who may escalate', async () => {
      await grant('carl', { apiGroups: [rbacGroup], resources: ['roles'], verbs: ['create', 'escalate'] });
      const carl = createClient(cluster.transportAs('carl'));
      await carl.resource(Role).create({ metadata: { namespace, name: 'escalated' }, rules: [pods('*')] } as never);
    });
  });

  describe('by a binding', () => {
    const toBob = { subjects: [{ kind: 'User', name: 'bob', apiGroup: rbacGroup }] };
    const ref = (kind: string, name: string) => ({ roleRef: { apiGroup: rbacGroup, kind, name } });

    it('is refused, and what is missing is named', async () => {
      await refused(
        bob
          .resource(ClusterRoleBinding)
          .create({ metadata: { name: 'b' }, ...ref('ClusterRole', 'cluster-admin'), ...toBob }),
        `clusterrolebindings.${rbacGroup} "b" is forbidden: ${lacks}{APIGroups:["*"], Resources:["*"], Verbs:["*"]}\n{NonResourceURLs:["*"], Verbs:["*"]}`,
      );
      await refused(
        bob
          .resource(RoleBinding)
          .create({ metadata: { namespace, name: 'b' }, ...ref('ClusterRole', 'system:kube-dns'), ...toBob }),
        `rolebindings.${rbacGroup} "b" is forbidden: ${lacks}{APIGroups:[""], Resources:["endpoints"], Verbs:["list" "watch"]}\n{APIGroups:[""], Resources:["services"], Verbs:["list" "watch"]}`,
      );
    });

    it('finds no role that is not there', () =>
      refused(
        bob.resource(RoleBinding).create({ metadata: { namespace, name: 'b' }, ...ref('Role', 'nosuch'), ...toBob }),
        `roles.${rbacGroup} "nosuch" not found`,
        404,
      ));

    it('is not what a binding of what one has is', async () => {
      await bob
        .resource(RoleBinding)
        .create({ metadata: { namespace, name: 'own' }, ...ref('ClusterRole', 'bobs'), ...toBob });
    });

    it('is open to those who may bind the role', async () => {
      await grant(
        'dora',
        { apiGroups: [rbacGroup], resources: ['rolebindings'], verbs: ['create'] },
        { apiGroups: [rbacGroup], resources: ['clusterroles'], resourceNames: ['view'], verbs: ['bind'] },
      );
      const dora = createClient(cluster.transportAs('dora'));
      await dora
        .resource(RoleBinding)
        .create({ metadata: { namespace, name: 'd' }, ...ref('ClusterRole', 'view'), ...toBob });
      await assert.rejects(
        dora
          .resource(RoleBinding)
          .create({ metadata: { namespace, name: 'e' }, ...ref('ClusterRole', 'cluster-admin'), ...toBob }),
        (error) => isReason(error, 'Forbidden'),
      );
    });

    it('keeps its role', async () => {
      const made = await bob.resource(RoleBinding).get({ namespace, name: 'own' });
      await refused(
        cluster.client.resource(RoleBinding).update({ ...made, ...ref('ClusterRole', 'view') }),
        `RoleBinding.${rbacGroup} "own" is invalid: roleRef: Invalid value: rbac.RoleRef{APIGroup:"rbac.authorization.k8s.io", Kind:"ClusterRole", Name:"view"}: cannot change roleRef`,
        422,
      );
    });
  });

  async function grant(name: string, ...rules: Rule[]): Promise<void> {
    const { client } = cluster;
    await client.resource(ClusterRole).create({ metadata: { name }, rules } as never);
    await client.resource(ClusterRoleBinding).create({
      metadata: { name },
      roleRef: { apiGroup: rbacGroup, kind: 'ClusterRole', name },
      subjects: [{ kind: 'User', name, apiGroup: rbacGroup }],
    });
  }
});

describe('rules that cover rules', () => {
  const list = (...values: string[]) => fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 3 });
  const rule: fc.Arbitrary<Rule> = fc.oneof(
    fc.record(
      {
        verbs: list('get', 'list', '*'),
        apiGroups: list('', 'apps', '*'),
        resources: list('pods', 'pods/scale', '*/scale', '*'),
        resourceNames: list('a', 'b'),
      },
      { requiredKeys: ['verbs', 'apiGroups', 'resources'] },
    ),
    fc.record({ verbs: list('get', '*'), nonResourceURLs: list('/a', '/a/*', '*') }),
  );
  const rules = fc.array(rule, { maxLength: 4 });

  it('cover themselves', () => fc.assert(fc.property(rules, (own) => assert.deepEqual(uncovered(own, own), []))));

  it('cover everything once what is missing is added', () =>
    fc.assert(
      fc.property(rules, rules, (own, wanted) =>
        assert.deepEqual(uncovered([...own, ...uncovered(own, wanted)], wanted), []),
      ),
    ));

  it('miss the same, compact or not', () =>
    fc.assert(
      fc.property(rules, rules, (own, wanted) => {
        const missing = uncovered(own, wanted);
        const small = compact(missing);
        assert.ok(small.length <= missing.length);
        assert.deepEqual(uncovered(small, missing), []);
        assert.deepEqual(uncovered(missing, small), []);
      }),
    ));

  it('are written as Kubernetes writes them', () =>
    assert.equal(
      ruleText({ verbs: ['get', 'list'], apiGroups: ['', 'apps'], resources: ['pods'], resourceNames: ['a'] }),
      '{APIGroups:["" "apps"], Resources:["pods"], ResourceNames:["a"], Verbs:["get" "list"]}',
    ));
});
