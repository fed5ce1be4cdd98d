/** The objects of RBAC, as far as decisions read them. */
import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from '../../apis/types.ts';

export type { ClusterRole, ClusterRoleBinding, Role, RoleBinding };
export type AnyRole = Role | ClusterRole;
export type Binding = RoleBinding | ClusterRoleBinding;
export type PolicyRule = NonNullable<Role['rules']>[number];
export type RoleRef = RoleBinding['roleRef'];
export type Subject = NonNullable<RoleBinding['subjects']>[number];
