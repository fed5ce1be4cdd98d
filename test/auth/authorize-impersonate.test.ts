/** Who may act as whom: every name, group, uid and extra is a question of its own. */
import assert from 'node:assert/strict';
import type { PathAttributes, ResourceAttributes } from '../../src/apis/authorizer.ts';
import { gateOf } from '../../src/auth/authorize.ts';
import { asksToImpersonate, impersonate } from '../../src/auth/impersonate.ts';
import { RbacAuthorizer } from '../../src/auth/rbac/authorizer.ts';
import type { AnyRole, Binding, PolicyRule } from '../../src/auth/rbac/types.ts';
import type { StatusError } from '../../src/machinery/status.ts';

const bob = { name: 'bob', groups: ['system:authenticated'] };

function gateFor(...rules: PolicyRule[]) {
  const rbac = new RbacAuthorizer();
  rbac.policy.setRole({ metadata: { name: 'r' }, rules } as unknown as AnyRole);
  rbac.policy.setBinding({
    metadata: { name: 'b' },
    roleRef: { kind: 'ClusterRole', name: 'r', apiGroup: 'rbac.authorization.k8s.io' },
    subjects: [{ kind: 'User', name: 'bob' }],
  } as unknown as Binding);
  return gateOf(rbac);
}

const may = (apiGroup: string, resource: string, ...resourceNames: string[]): PolicyRule => ({
  apiGroups: [apiGroup],
  resources: [resource],
  verbs: ['impersonate'],
  ...(resourceNames.length === 0 ? {} : { resourceNames }),
});
const authn = 'authentication.k8s.io';

describe('impersonation', () => {
  const act = (headers: Record<string, string[]>, ...rules: PolicyRule[]) =>
    impersonate(bob, headers, gateFor(...rules));
  const refused = (attempt: Promise<unknown>, message: string) =>
    assert.rejects(attempt, (error: StatusError) => {
      assert.deepEqual([error.code, error.message], [403, message]);
      return true;
    });

  it('takes the name, and signs it in', async () => {
    const alice = { 'impersonate-user': ['alice'] };
    assert.deepEqual(await act(alice, may('', 'users', 'alice')), { name: 'alice', groups: ['system:authenticated'] });
    await refused(
      act(alice, may('', 'users', 'carol')),
      'users "alice" is forbidden: User "bob" cannot impersonate resource "users" in API group "" at the cluster scope',
    );
  });

  it('asks for every group', async () => {
    const headers = { 'impersonate-user': ['alice'], 'impersonate-group': ['devs', 'ops, all'] };
    const rules = [may('', 'users'), may('', 'groups', 'devs', 'ops, all')];
    assert.deepEqual((await act(headers, ...rules)).groups, ['devs', 'ops, all', 'system:authenticated']);
    await refused(
      act(headers, may('', 'users'), may('', 'groups', 'devs')),
      'groups "ops, all" is forbidden: User "bob" cannot impersonate resource "groups" in API group "" at the cluster scope',
    );
    const nobody = { 'impersonate-user': ['alice'], 'impersonate-group': ['system:unauthenticated'] };
    assert.deepEqual((await act(nobody, may('', 'users'), may('', 'groups'))).groups, ['system:unauthenticated']);
    assert.deepEqual(await act({ 'impersonate-user': ['system:anonymous'] }, may('', 'users')), {
      name: 'system:anonymous',
      groups: ['system:unauthenticated'],
    });
  });

  it('asks for a service account where it lives', async () => {
    const headers = { 'impersonate-user': ['system:serviceaccount:shop:robot'] };
    assert.deepEqual(await act(headers, may('', 'serviceaccounts', 'robot')), {
      name: 'system:serviceaccount:shop:robot',
      groups: ['system:serviceaccounts', 'system:serviceaccounts:shop', 'system:authenticated'],
    });
    await refused(
      act(headers, may('', 'users')),
      'serviceaccounts "robot" is forbidden: User "bob" cannot impersonate resource "serviceaccounts" in API group "" in the namespace "shop"',
    );
    await act({ 'impersonate-user': ['system:serviceaccount:shop:not:an:account'] }, may('', 'users'));
  });

  it('asks for uids, and for extras by their key', async () => {
    const headers = {
      'impersonate-user': ['alice'],
      'impersonate-uid': ['u1'],
      'impersonate-extra-example.com%2fscopes': ['view', 'edit'],
    };
    const user = may('', 'users');
    const uid = may(authn, 'uids', 'u1');
    const extra = may(authn, 'userextras/example.com/scopes', 'view', 'edit');
    assert.deepEqual(await act(headers, user, uid, extra), {
      name: 'alice',
      uid: 'u1',
      groups: ['system:authenticated'],
      extra: { 'example.com/scopes': ['view', 'edit'] },
    });
    await refused(
      act(headers, user, extra),
      `uids.${authn} "u1" is forbidden: User "bob" cannot impersonate resource "uids" in API group "${authn}" at the cluster scope`,
    );
    await refused(
      act(headers, user, uid, may(authn, 'userextras/example.com/scopes', 'view')),
      `userextras.${authn} "edit" is forbidden: User "bob" cannot impersonate resource "userextras/example.com/scopes" in API group "${authn}" at the cluster scope`,
    );
  });

  it('is of somebody', async () => {
    const parts: readonly [Record<string, string[]>, string][] = [
      [{ 'impersonate-group': ['devs'] }, '{Group  devs    }'],
      [{ 'impersonate-uid': ['u'] }, `{UID  u  ${authn}/v1  }`],
      [{ 'impersonate-extra-scopes': ['view'] }, `{UserExtra  view  ${authn}/v1  scopes}`],
    ];
    for (const [headers, text] of parts) {
      assert.ok(asksToImpersonate(headers as never));
      await assert.rejects(act(headers, may('*', '*')), (error: StatusError) => {
        assert.equal(error.code, 500);
        assert.ok(error.message.endsWith(`requested [${text}] without impersonating a user`), error.message);
        return true;
      });
    }
    assert.ok(!asksToImpersonate({ host: 'x', accept: 'y' }));
  });

  it('waits for authorizers that do', async () => {
    const seen: (ResourceAttributes | PathAttributes)[] = [];
    const gate = gateOf({
      async authorize(attributes) {
        seen.push(attributes);
        return { verdict: 'allow', reason: '' };
      },
    });
    await impersonate(bob, { 'impersonate-user': ['alice'], 'impersonate-group': ['a', 'b'] }, gate);
    assert.equal(seen.length, 3);
    await assert.rejects(
      impersonate(
        bob,
        { 'impersonate-user': ['alice'] },
        gateOf({ authorize: async () => ({ verdict: 'deny', reason: 'no' }) }),
      ),
      /cannot impersonate resource "users" in API group "" at the cluster scope: no$/,
    );
  });
});
