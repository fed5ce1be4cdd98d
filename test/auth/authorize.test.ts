/** Several authorizers as one, the words of refusals, and what a request asks. */
import assert from 'node:assert/strict';
import { type Attributes, type Authorizer, allow, alwaysAllow, noOpinion } from '../../src/apis/authorizer.ts';
import { builtinTypes } from '../../src/apis/index.ts';
import { attributesOf } from '../../src/apiserver/request-attributes.ts';
import { createServer } from '../../src/apiserver/server.ts';
import { gateOf, superuserAuthorizer, unionAuthorizer } from '../../src/auth/authorize.ts';
import { RbacAuthorizer } from '../../src/auth/rbac/authorizer.ts';
import type { AnyRole, Binding } from '../../src/auth/rbac/types.ts';
import { createClient } from '../../src/client/client.ts';
import { inProcessTransport } from '../../src/client/in-process.ts';
import { ClusterRole, ClusterRoleBinding, ConfigMap } from '../../src/client/kinds.ts';
import { isReason, type StatusError } from '../../src/machinery/status.ts';
import { openMemoryStore } from '../../src/storage/index.ts';

const user = { name: 'ann', groups: ['devs'] };
const pods: Attributes = {
  user,
  verb: 'list',
  group: '',
  version: 'v1',
  resource: 'pods',
  subresource: '',
  namespace: 'shop',
  name: '',
};
const says = (verdict: 'allow' | 'deny' | 'no opinion', reason = '', error?: string): Authorizer => ({
  authorize: () => ({ verdict, reason, ...(error === undefined ? {} : { error }) }),
});
const later = (authorizer: Authorizer): Authorizer => ({
  authorize: async (asked) => await authorizer.authorize(asked),
});

describe('authorizers', () => {
  it('are asked in order until one decides', async () => {
    const asked: string[] = [];
    const spy = (name: string, authorizer: Authorizer): Authorizer => ({
      authorize(attributes) {
        asked.push(name);
        return authorizer.authorize(attributes);
      },
    });
    const union = (...all: Authorizer[]) => unionAuthorizer(all.map((one, i) => spy(String(i), one))).authorize(pods);
    assert.deepEqual(union(says('no opinion', 'a'), says('allow', 'b'), says('deny')), allow('b'));
    assert.deepEqual(asked.splice(0), ['0', '1']);
    assert.deepEqual(union(says('deny', 'never'), says('allow')), { verdict: 'deny', reason: 'never' });
    assert.deepEqual(asked.splice(0), ['0']);
    assert.deepEqual(union(says('no opinion'), { authorize: () => noOpinion }), noOpinion);
    assert.deepEqual(
      await union(later(says('no opinion')), says('no opinion', 'x'), later(says('allow', 'y'))),
      allow('y'),
    );
    assert.deepEqual(asked.splice(0), ['0', '1', '0', '1', '2']);
  });

  it('refuse together, with all their reasons', async () => {
    const union = unionAuthorizer([
      says('no opinion', 'one'),
      later(says('no opinion')),
      says('no opinion', 'two', 'broken'),
    ]);
    assert.deepEqual(await union.authorize(pods), { verdict: 'no opinion', reason: 'one\ntwo', error: 'broken' });
  });

  it('tell rules together', () => {
    const union = unionAuthorizer([
      superuserAuthorizer,
      alwaysAllow,
      {
        authorize: () => noOpinion,
        rulesFor: () => ({ resourceRules: [], nonResourceRules: [], incomplete: true, error: 'e' }),
      },
    ]);
    const rules = union.rulesFor!(user, 'shop');
    assert.deepEqual([rules.resourceRules.length, rules.incomplete, rules.error], [1, true, 'e']);
  });
});

describe('a refusal', () => {
  const refusal = async (authorizer: Authorizer, asked: Attributes): Promise<[number, string]> => {
    try {
      await gateOf(authorizer)(asked);
    } catch (error) {
      return [(error as StatusError).code, (error as StatusError).message];
    }
    return [200, ''];
  };

  it('says who wanted what where', async () => {
    const cases: readonly [Attributes, string][] = [
      [pods, 'pods is forbidden: User "ann" cannot list resource "pods" in API group "" in the namespace "shop"'],
      [
        { ...pods, verb: 'get', subresource: 'log', name: 'web' },
        'pods "web" is forbidden: User "ann" cannot get resource "pods/log" in API group "" in the namespace "shop"',
      ],
      [
        { ...pods, group: 'apps', resource: 'deployments', namespace: undefined },
        'deployments.apps is forbidden: User "ann" cannot list resource "deployments" in API group "apps" at the cluster scope',
      ],
      [{ user, verb: 'post', path: '/metrics' }, 'forbidden: User "ann" cannot post path "/metrics"'],
    ];
    for (const [asked, message] of cases) {
      assert.deepEqual(await refusal(says('no opinion'), asked), [403, message]);
      assert.deepEqual(await refusal(later(says('deny', 'because')), asked), [403, `${message}: because`]);
    }
  });

  it('names roles that are not there', async () => {
    const rbac = new RbacAuthorizer();
    rbac.policy.setBinding({
      metadata: { namespace: 'shop', name: 'b' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'gone' },
      subjects: [{ kind: 'Group', name: 'devs' }],
    } as unknown as Binding);
    assert.deepEqual(await refusal(rbac, pods), [
      403,
      'pods is forbidden: User "ann" cannot list resource "pods" in API group "" in the namespace "shop": RBAC: role.rbac.authorization.k8s.io "gone" not found',
    ]);
  });

  it('is an internal error when an authorizer could not decide, and nobody else allows', async () => {
    const broken = says('no opinion', '', 'the webhook is down');
    assert.deepEqual(await refusal(broken, pods), [500, 'Internal error occurred: the webhook is down']);
    assert.deepEqual(await refusal(unionAuthorizer([broken, alwaysAllow]), pods), [200, '']);
  });
});

describe('what a request asks', () => {
  const target = { group: '', version: 'v1', resource: 'pods', subresource: '', namespace: 'shop', name: '' };
  const asked = (verb: 'list' | 'watch' | 'get' | 'deletecollection', query: string, more: object = {}) =>
    attributesOf(user, verb, { ...target, ...more }, new URLSearchParams(query));

  it('is narrowed by its selectors', () => {
    const { fieldSelector, labelSelector, name } = asked(
      'list',
      'fieldSelector=spec.nodeName%3Dn1&labelSelector=a+in+(b)',
    );
    assert.deepEqual(fieldSelector, [{ field: 'spec.nodeName', operator: '=', value: 'n1' }]);
    assert.deepEqual(labelSelector, [{ key: 'a', operator: 'in', values: ['b'] }]);
    assert.equal(name, '');
  });

  it('is one object when a selector names it', () => {
    assert.equal(asked('watch', 'fieldSelector=metadata.name%3Dweb').name, 'web');
    assert.equal(asked('list', 'fieldSelector=metadata.name%3D..').name, '');
    assert.equal(asked('deletecollection', 'fieldSelector=metadata.name%3Dweb').name, '');
    const rbac = new RbacAuthorizer();
    const rules = [{ apiGroups: [''], resources: ['pods'], resourceNames: ['web'], verbs: ['list'] }];
    rbac.policy.setRole({ metadata: { name: 'r' }, rules } as unknown as AnyRole);
    rbac.policy.setBinding({
      metadata: { name: 'b' },
      roleRef: { kind: 'ClusterRole', name: 'r' },
      subjects: [{ kind: 'User', name: 'ann' }],
    } as unknown as Binding);
    assert.equal(rbac.authorize(asked('list', 'fieldSelector=metadata.name%3Dweb')).verdict, 'allow');
    assert.equal(rbac.authorize(asked('list', '')).verdict, 'no opinion');
  });

  it('is not narrowed by what cannot be read, nor where selectors mean nothing', () => {
    assert.deepEqual(Object.keys(asked('list', 'fieldSelector=a&labelSelector=b+in')), Object.keys(asked('list', '')));
    assert.equal(asked('get', 'fieldSelector=metadata.name%3Dweb').fieldSelector, undefined);
    assert.equal(asked('watch', 'labelSelector=a', { watch: true }).labelSelector, undefined);
  });
});

describe('a server of one’s own', () => {
  it('has RBAC when it is given it, over the objects that it has', async () => {
    const store = openMemoryStore();
    const server = createServer({ store, types: builtinTypes(), authorizers: [new RbacAuthorizer()] });
    await server.start();
    const clientOf = (name: string, ...groups: string[]) =>
      createClient(inProcessTransport(server, { user: { name, groups } }));
    const root = clientOf('root', 'system:masters');
    const ann = clientOf('ann');
    const isForbidden = (error: unknown) => isReason(error, 'Forbidden');
    await assert.rejects(ann.resource(ConfigMap).list(), isForbidden);
    const rules = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['list'] }];
    await root.resource(ClusterRole).create({ metadata: { name: 'readers' }, rules });
    const binding = await root.resource(ClusterRoleBinding).create({
      metadata: { name: 'readers' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'readers' },
      subjects: [{ kind: 'User', name: 'ann', apiGroup: 'rbac.authorization.k8s.io' }],
    });
    assert.deepEqual((await ann.resource(ConfigMap).list()).items, []);
    await root.resource(ClusterRoleBinding).delete({ name: binding.metadata.name! });
    await assert.rejects(ann.resource(ConfigMap).list(), isForbidden);
    await server.stop();
    await store.close();
  });
});
