/** The field numbers of `io.k8s.api.rbac.v1`, in the notation of {@link MessageTable}. */
import type { MessageTable } from './table.ts';

export const rbacV1: MessageTable = {
  AggregationRule: 'clusterRoleSelectors',
  ClusterRole: 'metadata rules aggregationRule',
  ClusterRoleBinding: 'metadata subjects roleRef',
  ClusterRoleBindingList: 'metadata items',
  ClusterRoleList: 'metadata items',
  PolicyRule: 'verbs apiGroups resources resourceNames nonResourceURLs',
  Role: 'metadata rules',
  RoleBinding: 'metadata subjects roleRef',
  RoleBindingList: 'metadata items',
  RoleList: 'metadata items',
  RoleRef: 'apiGroup kind name',
  Subject: 'kind apiGroup name namespace',
};
