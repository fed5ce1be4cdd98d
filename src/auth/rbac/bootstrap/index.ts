/** The roles and bindings of a new cluster, as Kubernetes has them: complete objects. */
import { rbacGroup } from '../../../apis/rbac/rules.ts';
import type { Binding, ClusterRole, PolicyRule, Role, Subject } from '../types.ts';
import { clusterRoles, type DefaultClusterRole } from './cluster-roles.ts';
import { controllerRoles } from './controller-roles.ts';
import { namespaceRoles } from './namespace-roles.ts';

export { nodeRules } from './node-rules.ts';

export interface BootstrapPolicy {
  readonly clusterRoles: readonly ClusterRole[];
  readonly clusterRoleBindings: readonly Binding[];
  readonly roles: readonly Role[];
  readonly roleBindings: readonly Binding[];
}

export const autoUpdate = 'rbac.authorization.kubernetes.io/autoupdate';

const apiVersion = `${rbacGroup}/v1`;
const annotations = { [autoUpdate]: 'true' };
const labels = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };

const user = (name: string): Subject => ({ kind: 'User', apiGroup: rbacGroup, name });
const group = (name: string): Subject => ({ kind: 'Group', apiGroup: rbacGroup, name });
const account = (name: string): Subject => ({ kind: 'ServiceAccount', name, namespace: 'kube-system' });

/** By the role's name, which is the binding's as well. `system:node` is for the node authorizer to give. */
const clusterSubjects: readonly (readonly [role: string, subjects: readonly Subject[], binding?: string])[] = [
  ['cluster-admin', [group('system:masters')]],
  ['system:monitoring', [group('system:monitoring')]],
  ['system:discovery', [group('system:authenticated')]],
  ['system:basic-user', [group('system:authenticated')]],
  ['system:public-info-viewer', [group('system:authenticated'), group('system:unauthenticated')]],
  ['system:node-proxier', [user('system:kube-proxy')]],
  ['system:kube-controller-manager', [user('system:kube-controller-manager')]],
  ['system:kube-dns', [account('kube-dns')]],
  ['system:kube-scheduler', [user('system:kube-scheduler')]],
  ['system:volume-scheduler', [user('system:kube-scheduler')]],
  ['system:node', []],
  ['system:service-account-issuer-discovery', [group('system:serviceaccounts')]],
];

const componentSubjects: readonly (readonly [role: string, subjects: readonly Subject[], binding: string])[] = [
  [
    'extension-apiserver-authentication-reader',
    [user('system:kube-controller-manager'), user('system:kube-scheduler')],
    'system::extension-apiserver-authentication-reader',
  ],
  [
    'system::leader-locking-kube-controller-manager',
    [user('system:kube-controller-manager'), account('kube-controller-manager'), account('leader-election-controller')],
    'system::leader-locking-kube-controller-manager',
  ],
  [
    'system::leader-locking-kube-scheduler',
    [user('system:kube-scheduler'), account('kube-scheduler')],
    'system::leader-locking-kube-scheduler',
  ],
];

const controllerPrefix = 'system:controller:';

export function bootstrapPolicy(): BootstrapPolicy {
  const controllers = Object.entries(controllerRoles);
  return {
    clusterRoles: [
      ...clusterRoles.map(clusterRole),
      ...controllers.map(([name, rules]) => clusterRole({ name: `${controllerPrefix}${name}`, rules })),
    ],
    clusterRoleBindings: [
      ...clusterSubjects.map(([role, subjects]) => binding(undefined, role, 'ClusterRole', role, subjects)),
      ...controllers.map(([name]) => {
        const role = `${controllerPrefix}${name}`;
        return binding(undefined, role, 'ClusterRole', role, [account(name)]);
      }),
    ],
    roles: namespaceRoles.map(
      ({ namespace, name, rules }) =>
        ({ apiVersion, kind: 'Role', metadata: metadata(name, namespace), rules: copies(rules) }) as Role,
    ),
    roleBindings: namespaceRoles.map(({ namespace, name }) => {
      const component = componentSubjects.find(([role]) => role === name);
      if (component !== undefined) return binding(namespace, component[2], 'Role', name, component[1]);
      return binding(namespace, name, 'Role', name, [account(name.slice(controllerPrefix.length))]);
    }),
  };
}

function clusterRole({ name, rules, aggregates, aggregateTo }: DefaultClusterRole): ClusterRole {
  const role = { apiVersion, kind: 'ClusterRole', metadata: metadata(name) } as ClusterRole;
  if (aggregateTo !== undefined) role.metadata.labels![aggregationLabel(aggregateTo)] = 'true';
  if (aggregates !== undefined) {
    role.aggregationRule = { clusterRoleSelectors: [{ matchLabels: { [aggregationLabel(aggregates)]: 'true' } }] };
  }
  // What an aggregated role allows is written by the aggregation controller.
  role.rules = rules === undefined ? null! : copies(rules);
  return role;
}

const aggregationLabel = (to: string): string => `${rbacGroup}/aggregate-to-${to}`;

function binding(
  namespace: string | undefined,
  name: string,
  kind: string,
  role: string,
  subjects: readonly Subject[],
): Binding {
  return {
    apiVersion,
    kind: namespace === undefined ? 'ClusterRoleBinding' : 'RoleBinding',
    metadata: metadata(name, namespace),
    roleRef: { apiGroup: rbacGroup, kind, name: role },
    ...(subjects.length === 0 ? {} : { subjects: subjects.map((subject) => ({ ...subject })) }),
  } as Binding;
}

function metadata(name: string, namespace?: string): Role['metadata'] {
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    labels: { ...labels },
    annotations: { ...annotations },
  };
}

const copies = (rules: readonly PolicyRule[]): PolicyRule[] => rules.map((rule) => ({ ...rule }));
