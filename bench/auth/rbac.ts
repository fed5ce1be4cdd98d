/**
 * What authorization costs a request, with 500 roles and as many bindings: the decision alone, and together with finding
 * out who asks. `node --import tsx bench/auth/rbac.ts`
 */
import type { PeerCertificate } from 'node:tls';
import type { ResourceAttributes } from '../../src/apis/authorizer.ts';
import { authenticateWith, certificateAuthenticator } from '../../src/auth/authenticate.ts';
import { gateOf, superuserAuthorizer, unionAuthorizer } from '../../src/auth/authorize.ts';
import { LoginFailures } from '../../src/auth/login-failures.ts';
import { NodeAuthorizer } from '../../src/auth/node-authorizer.ts';
import { RbacAuthorizer } from '../../src/auth/rbac/authorizer.ts';
import { bootstrapPolicy } from '../../src/auth/rbac/bootstrap/index.ts';
import type { AnyRole, Binding } from '../../src/auth/rbac/types.ts';
import { systemClock } from '../../src/clock/clock.ts';

const group = 'rbac.authorization.k8s.io';
const rbac = new RbacAuthorizer();
const { clusterRoles, clusterRoleBindings, roles, roleBindings } = bootstrapPolicy();
for (const role of [...clusterRoles, ...roles]) rbac.policy.setRole(role);
for (const binding of [...clusterRoleBindings, ...roleBindings]) rbac.policy.setBinding(binding);

const count = 500;
const resources = ['pods', 'services', 'secrets', 'configmaps', 'deployments', 'jobs'];
for (let i = 0; i < count; i++) {
  const namespace = `team-${i % 25}`;
  const rules = resources.map((resource) => ({
    apiGroups: ['', 'apps', 'batch'],
    resources: [resource, `${resource}/status`],
    verbs: ['get', 'list', 'watch'],
  }));
  rbac.policy.setRole({ metadata: { namespace, name: `role-${i}` }, rules } as unknown as AnyRole);
  rbac.policy.setBinding({
    metadata: { namespace, name: `binding-${i}` },
    roleRef: { apiGroup: group, kind: 'Role', name: `role-${i}` },
    subjects: [
      { kind: 'User', name: `user-${i % 100}`, apiGroup: group },
      { kind: 'Group', name: 'everybody', apiGroup: group },
    ],
  } as unknown as Binding);
}

const authorizer = unionAuthorizer([superuserAuthorizer, new NodeAuthorizer(), rbac]);
const gate = gateOf(authorizer);
const users = Array.from({ length: 100 }, (_, i) => ({
  name: `user-${i}`,
  groups: ['everybody', 'system:authenticated'],
}));
const asked: readonly ResourceAttributes[] = Array.from({ length: 1000 }, (_, i) => ({
  user: users[i % users.length]!,
  verb: i % 3 === 0 ? 'list' : 'get',
  group: '',
  version: 'v1',
  resource: resources[i % 4]!,
  subresource: '',
  namespace: `team-${i % 25}`,
  name: i % 3 === 0 ? '' : 'web',
}));
const refused = asked.map((attributes) => ({ ...attributes, verb: 'delete' }));

const certificates = users.map(
  ({ name }) => ({ subject: { CN: name, O: ['everybody'] } }) as unknown as PeerCertificate,
);
const authenticate = authenticateWith([certificateAuthenticator], new LoginFailures(systemClock));

const rounds = 200;

/** Microseconds each. */
async function time(what: string, run: () => void | Promise<void>): Promise<void> {
  for (let i = 0; i < 20; i++) await run();
  const start = process.hrtime.bigint();
  for (let i = 0; i < rounds; i++) await run();
  const each = Number(process.hrtime.bigint() - start) / 1000 / (rounds * asked.length);
  console.log(`${what.padEnd(58)} ${each.toFixed(2)} µs`);
}

console.log(`RBAC with ${count} roles and bindings beside the default ones, ${users.length} users`);
await time('allowed by a role binding', () => {
  for (const attributes of asked) void gate(attributes);
});
await time('refused', () => {
  for (const attributes of refused) void authorizer.authorize(attributes);
});
await time('certificate → user → allowed (goal: 8 µs)', async () => {
  for (let i = 0; i < asked.length; i++) {
    const user = await authenticate({ certificate: certificates[i % certificates.length]!, authorization: undefined });
    void gate({ ...asked[i]!, user });
  }
});
let turn = 0;
await time('allowed, after a change of the namespace’s bindings', () => {
  for (let i = 0; i < asked.length; i++) {
    if (i % 100 === 0) {
      const namespace = `team-${turn++ % 25}`;
      rbac.policy.setBinding({
        metadata: { namespace, name: 'changed' },
        roleRef: { apiGroup: group, kind: 'Role', name: 'role-1' },
        subjects: [],
      } as unknown as Binding);
    }
    void gate(asked[i]!);
  }
});
