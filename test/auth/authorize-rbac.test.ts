/** Role-based access control: what rules match, whose rules they are, why; and the same from an evaluator without indexes. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Attributes, ResourceAttributes } from '../../src/apis/authorizer.ts';
import type { UserInfo } from '../../src/apis/user-info.ts';
import { RbacAuthorizer } from '../../src/auth/rbac/authorizer.ts';
import type { AnyRole, Binding, PolicyRule, Subject } from '../../src/auth/rbac/types.ts';

const group = 'rbac.authorization.k8s.io';
const apiVersion = `${group}/v1`;

function role(namespace: string, name: string, ...rules: PolicyRule[]): AnyRole {
  const metadata = namespace === '' ? { name } : { namespace, name };
  return { apiVersion, kind: namespace === '' ? 'ClusterRole' : 'Role', metadata, rules } as AnyRole;
}

function binding(namespace: string, name: string, ref: string, ...subjects: Subject[]): Binding {
  const [kind, roleName] = ref.split('/') as [string, string];
  return {
    apiVersion,
    kind: namespace === '' ? 'ClusterRoleBinding' : 'RoleBinding',
    metadata: namespace === '' ? { name } : { namespace, name },
    roleRef: { apiGroup: group, kind, name: roleName },
    subjects,
  } as Binding;
}

const user = (name: string): Subject => ({ kind: 'User', name, apiGroup: group });
const members = (name: string): Subject => ({ kind: 'Group', name, apiGroup: group });
const account = (namespace: string | undefined, name: string): Subject =>
  namespace === undefined ? { kind: 'ServiceAccount', name } : { kind: 'ServiceAccount', name, namespace };

function ask(verb: string, resource: string, more: Partial<ResourceAttributes> = {}): ResourceAttributes {
  const [plural, subresource = ''] = resource.split('/') as [string, string?];
  return {
    user: { name: 'alice', groups: ['devs'] },
    verb,
    group: '',
    version: 'v1',
    resource: plural,
    subresource,
    namespace: 'shop',
    name: '',
    ...more,
  };
}

function authorizerOf(roles: readonly AnyRole[], bindings: readonly Binding[]): RbacAuthorizer {
  const rbac = new RbacAuthorizer();
  for (const one of roles) rbac.policy.setRole(one);
  for (const one of bindings) rbac.policy.setBinding(one);
  return rbac;
}

const allowed = (rbac: RbacAuthorizer, attributes: Attributes): boolean =>
  rbac.authorize(attributes).verdict === 'allow';

describe('RBAC', () => {
  describe('rules', () => {
    const cases: readonly [string, PolicyRule, Attributes, boolean][] = [
      ['a verb', { verbs: ['get'], apiGroups: [''], resources: ['pods'] }, ask('get', 'pods'), true],
      ['another verb', { verbs: ['get'], apiGroups: [''], resources: ['pods'] }, ask('list', 'pods'), false],
      ['every verb', { verbs: ['*'], apiGroups: [''], resources: ['pods'] }, ask('impersonate', 'pods'), true],
      ['another group', { verbs: ['*'], apiGroups: ['apps'], resources: ['*'] }, ask('get', 'pods'), false],
      ['every group', { verbs: ['get'], apiGroups: ['*'], resources: ['pods'] }, ask('get', 'pods'), true],
      ['no subresource', { verbs: ['*'], apiGroups: [''], resources: ['pods'] }, ask('get', 'pods/log'), false],
      ['a subresource', { verbs: ['*'], apiGroups: [''], resources: ['pods/log'] }, ask('get', 'pods/log'), true],
      ['not its parent', { verbs: ['*'], apiGroups: [''], resources: ['pods/log'] }, ask('get', 'pods'), false],
      ['any scale', { verbs: ['*'], apiGroups: ['*'], resources: ['*/scale'] }, ask('get', 'things/scale'), true],
      ['not any status', { verbs: ['*'], apiGroups: ['*'], resources: ['*/scale'] }, ask('get', 'pods/status'), false],
      ['every subresource', { verbs: ['*'], apiGroups: [''], resources: ['*'] }, ask('get', 'pods/log'), true],
      ['not pods/*', { verbs: ['*'], apiGroups: [''], resources: ['pods/*'] }, ask('get', 'pods/log'), false],
      [
        'a name',
        { verbs: ['get'], apiGroups: [''], resources: ['pods'], resourceNames: ['a'] },
        ask('get', 'pods', { name: 'a' }),
        true,
      ],
      [
        'another name',
        { verbs: ['get'], apiGroups: [''], resources: ['pods'], resourceNames: ['a'] },
        ask('get', 'pods', { name: 'b' }),
        false,
      ],
      [
        'no name where one is wanted',
        { verbs: ['*'], apiGroups: [''], resources: ['pods'], resourceNames: ['a'] },
        ask('create', 'pods'),
        false,
      ],
    ];
    for (const [what, rule, attributes, expected] of cases) {
      it(`${expected ? 'allow' : 'do not allow'} ${what}`, () => {
        const rbac = authorizerOf([role('', 'r', rule)], [binding('', 'b', 'ClusterRole/r', user('alice'))]);
        assert.equal(allowed(rbac, attributes), expected);
      });
    }

    const paths: readonly [string, string, boolean][] = [
      ['/healthz', '/healthz', true],
      ['/healthz', '/healthz/ping', false],
      ['/healthz/*', '/healthz/ping', true],
      ['/healthz*', '/healthzz', true],
      ['/healthz/*', '/healthz', false],
      ['*', '/metrics', true],
      ['/*', '/metrics', true],
    ];
    for (const [pattern, path, expected] of paths) {
      it(`${expected ? 'allow' : 'do not allow'} ${path} by ${pattern}`, () => {
        const rule: PolicyRule = { verbs: ['get'], nonResourceURLs: [pattern] };
        const rbac = authorizerOf([role('', 'r', rule)], [binding('', 'b', 'ClusterRole/r', members('devs'))]);
        const attributes = { user: { name: 'alice', groups: ['devs'] }, verb: 'get', path };
        assert.equal(allowed(rbac, attributes), expected);
        assert.equal(allowed(rbac, { ...attributes, verb: 'post' }), false);
      });
    }
  });

  describe('reasons', () => {
    const read: PolicyRule = { verbs: ['get'], apiGroups: [''], resources: ['pods'] };
    const robot: UserInfo = { name: 'system:serviceaccount:shop:robot', groups: ['system:serviceaccounts'] };
    it('name the binding, the role and the subject', () => {
      const rbac = authorizerOf(
        [role('', 'viewer', read), role('shop', 'local', read)],
        [
          binding('', 'by-group', 'ClusterRole/viewer', user('bob'), members('devs')),
          binding('shop', 'by-account', 'Role/local', account(undefined, 'robot')),
          binding('other', 'elsewhere', 'ClusterRole/viewer', account('shop', 'robot')),
        ],
      );
      assert.deepEqual(rbac.authorize(ask('get', 'pods')), {
        verdict: 'allow',
        reason: 'RBAC: allowed by ClusterRoleBinding "by-group" of ClusterRole "viewer" to Group "devs"',
      });
      assert.equal(
        rbac.authorize(ask('get', 'pods', { user: robot })).reason,
        'RBAC: allowed by RoleBinding "by-account/shop" of Role "local" to ServiceAccount "robot/shop"',
      );
      assert.equal(
        rbac.authorize(ask('get', 'pods', { user: robot, namespace: 'other' })).reason,
        'RBAC: allowed by RoleBinding "elsewhere/other" of ClusterRole "viewer" to ServiceAccount "robot/shop"',
      );
      assert.deepEqual(rbac.authorize(ask('get', 'pods', { user: robot, namespace: undefined })), {
        verdict: 'no opinion',
        reason: '',
      });
    });

    it('name the roles that are not there, once each', () => {
      const rbac = authorizerOf(
        [],
        [
          binding('', 'a', 'ClusterRole/ghost', user('alice')),
          binding('shop', 'b', 'ClusterRole/ghost', user('alice')),
          binding('shop', 'c', 'Role/spectre', user('alice')),
        ],
      );
      assert.equal(
        rbac.authorize(ask('get', 'pods')).reason,
        `RBAC: [clusterrole.${group} "ghost" not found, role.${group} "spectre" not found]`,
      );
      assert.equal(
        rbac.authorize(ask('get', 'pods', { namespace: 'x' })).reason,
        `RBAC: clusterrole.${group} "ghost" not found`,
      );
    });
  });

  it('follows its objects: bindings, roles and subjects that come, change and go', () => {
    const read: PolicyRule = { verbs: ['get'], apiGroups: [''], resources: ['pods'] };
    const rbac = authorizerOf([], []);
    const may = (): boolean => allowed(rbac, ask('get', 'pods'));
    assert.equal(may(), false);
    rbac.policy.setBinding(binding('shop', 'b', 'ClusterRole/r', user('alice')));
    assert.equal(may(), false);
    rbac.policy.setRole(role('', 'r', read));
    assert.equal(may(), true);
    rbac.policy.setRole(role('', 'r'));
    assert.equal(may(), false);
    rbac.policy.setRole(role('', 'r', read));
    rbac.policy.setBinding(binding('shop', 'b', 'ClusterRole/r', user('bob')));
    assert.equal(may(), false);
    rbac.policy.setBinding(binding('shop', 'b', 'ClusterRole/r', user('bob'), user('alice')));
    assert.equal(may(), true);
    rbac.policy.deleteRole('', 'r');
    assert.equal(may(), false);
    rbac.policy.setRole(role('', 'r', read));
    rbac.policy.deleteBinding('shop', 'b');
    assert.equal(may(), false);
  });

  it('decides as an evaluator does that looks at everything', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), fc.array(question, { maxLength: 40 }), (changes, questions) => {
        const rbac = new RbacAuthorizer();
        const naive = new NaiveRbac();
        for (const [i, one] of changes.entries()) {
          one(rbac, naive);
          // Questions in between, so that what is kept has to be given up.
          const asked = questions[i % Math.max(questions.length, 1)];
          if (asked !== undefined) assert.deepEqual(rbac.authorize(asked), naive.authorize(asked));
        }
        for (const asked of questions) assert.deepEqual(rbac.authorize(asked), naive.authorize(asked));
      }),
      { numRuns: 500 },
    );
  });
});

// ------------------------------------------------------------------------------------------------ the naive evaluator

/** Kubernetes' definition, written down: every binding, every subject, every rule. */
class NaiveRbac {
  readonly roles = new Map<string, AnyRole>();
  readonly bindings = new Map<string, Binding>();

  authorize(attributes: Attributes): ReturnType<RbacAuthorizer['authorize']> {
    const { user } = attributes;
    const namespace = 'path' in attributes ? '' : (attributes.namespace ?? '');
    const errors: string[] = [];
    for (const scope of namespace === '' ? [''] : ['', namespace]) {
      const bindings = [...this.bindings.values()]
        .filter(({ metadata }) => (metadata.namespace ?? '') === scope)
        .sort((a, b) => (a.metadata.name! < b.metadata.name! ? -1 : 1));
      for (const { metadata, roleRef, subjects = [] } of bindings) {
        const subject = subjects.find((one) => is(user, one, scope));
        if (subject === undefined) continue;
        const found = this.roles.get(`${roleRef.kind === 'Role' ? scope : ''}/${roleRef.name}`);
        if (found === undefined) {
          errors.push(`${roleRef.kind.toLowerCase()}.${group} "${roleRef.name}" not found`);
          continue;
        }
        if (!(found.rules ?? []).some((rule) => matches(rule, attributes))) continue;
        const who = subject.kind === 'ServiceAccount' ? `${subject.name}/${subject.namespace ?? scope}` : subject.name;
        const what = scope === '' ? `ClusterRoleBinding "${metadata.name}"` : `RoleBinding "${metadata.name}/${scope}"`;
        return {
          verdict: 'allow',
          reason: `RBAC: allowed by ${what} of ${roleRef.kind} "${roleRef.name}" to ${subject.kind} "${who}"`,
        };
      }
    }
    const distinct = [...new Set(errors)];
    const text = distinct.length > 1 ? `[${distinct.join(', ')}]` : distinct[0];
    return { verdict: 'no opinion', reason: text === undefined ? '' : `RBAC: ${text}` };
  }
}

function is(user: UserInfo, { kind, name, namespace }: Subject, scope: string): boolean {
  if (kind === 'User') return user.name === name;
  if (kind === 'Group') return user.groups.includes(name);
  const home = namespace ?? scope;
  return home !== '' && user.name === `system:serviceaccount:${home}:${name}`;
}

function matches(rule: PolicyRule, attributes: Attributes): boolean {
  const has = (values: readonly string[] | undefined, value: string): boolean =>
    (values ?? []).includes('*') || (values ?? []).includes(value);
  if (!has(rule.verbs, attributes.verb)) return false;
  if ('path' in attributes) {
    return (rule.nonResourceURLs ?? []).some(
      (url) =>
        url === attributes.path || (url.endsWith('*') && attributes.path.startsWith(url.slice(0, url.indexOf('*')))),
    );
  }
  const { subresource, resource, name } = attributes;
  const combined = subresource === '' ? resource : `${resource}/${subresource}`;
  const named = (rule.resources ?? []).some(
    (one) => one === '*' || one === combined || (subresource !== '' && one === `*/${subresource}`),
  );
  const names = rule.resourceNames ?? [];
  return has(rule.apiGroups, attributes.group) && named && (names.length === 0 || names.includes(name));
}

// --------------------------------------------------------------------------------------------------------- what comes

const some = <T>(...values: T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
const few = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.uniqueArray(arbitrary, { maxLength: 3 });

const scopes = some('', 'shop', 'bank');
const roleNames = some('r1', 'r2', 'r3', 'r4');
const verb = some('get', 'list', 'create');
const ruleOf: fc.Arbitrary<PolicyRule> = fc.oneof(
  fc.record({
    verbs: few(some('get', 'list', 'create', '*')),
    apiGroups: few(some('', 'apps', '*')),
    resources: few(some('pods', 'pods/log', 'deployments', 'deployments/scale', '*', '*/scale')),
    resourceNames: few(some('a', 'b')),
  }),
  fc.record({ verbs: few(some('get', '*')), nonResourceURLs: few(some('/healthz', '/api/*', '*')) }),
);
const subject: fc.Arbitrary<Subject> = fc.oneof(
  some('alice', 'bob').map(user),
  some('devs', 'ops').map(members),
  fc.tuple(some(undefined, 'shop', 'bank'), some('robot')).map(([namespace, name]) => account(namespace, name)),
);

type Change = (rbac: RbacAuthorizer, naive: NaiveRbac) => void;

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(scopes, roleNames, few(ruleOf)).map(
    ([scope, name, rules]): Change =>
      (rbac, naive) => {
        const made = role(scope, name, ...rules);
        rbac.policy.setRole(made);
        naive.roles.set(`${scope}/${name}`, made);
      },
  ),
  fc.tuple(scopes, roleNames).map(
    ([scope, name]): Change =>
      (rbac, naive) => {
        rbac.policy.deleteRole(scope, name);
        naive.roles.delete(`${scope}/${name}`);
      },
  ),
  fc.tuple(scopes, some('b1', 'b2', 'b3'), some('Role', 'ClusterRole'), roleNames, few(subject)).map(
    ([scope, name, kind, ref, subjects]): Change =>
      (rbac, naive) => {
        const made = binding(scope, name, `${scope === '' ? 'ClusterRole' : kind}/${ref}`, ...subjects);
        rbac.policy.setBinding(made);
        naive.bindings.set(`${scope}/${name}`, made);
      },
  ),
  fc.tuple(scopes, some('b1', 'b2', 'b3')).map(
    ([scope, name]): Change =>
      (rbac, naive) => {
        rbac.policy.deleteBinding(scope, name);
        naive.bindings.delete(`${scope}/${name}`);
      },
  ),
);

const who = fc.record({
  name: some('alice', 'bob', 'system:serviceaccount:shop:robot', 'system:serviceaccount:bank:robot'),
  groups: few(some('devs', 'ops')),
});
const question: fc.Arbitrary<Attributes> = fc.oneof(
  fc
    .tuple(
      who,
      verb,
      some('', 'apps'),
      some('pods', 'pods/log', 'deployments', 'deployments/scale'),
      scopes,
      some('', 'a', 'c'),
    )
    .map(([user, verb, group, resource, namespace, name]) => ask(verb, resource, { user, group, namespace, name })),
  fc.record({ user: who, verb: some('get', 'post'), path: some('/healthz', '/api', '/api/v1', '/metrics') }),
);
