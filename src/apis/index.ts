/** Kubernetes' own kinds: one {@link ResourceType} each, made from a file a kind. */

import { controllerRevisionType } from './apps/controller-revision.ts';
import { daemonSetType } from './apps/daemon-set.ts';
import { deploymentType } from './apps/deployment.ts';
import { replicaSetType } from './apps/replica-set.ts';
import { statefulSetType } from './apps/stateful-set.ts';
import { cronJobType } from './batch/cron-job.ts';
import { jobType } from './batch/job.ts';
import { leaseType } from './coordination/lease.ts';
import { configMapType } from './core/config-map.ts';
import { endpointsType } from './core/endpoints.ts';
import { eventType } from './core/event.ts';
import { namespaceType } from './core/namespace.ts';
import { nodeType } from './core/node.ts';
import { persistentVolumeType } from './core/persistent-volume.ts';
import { persistentVolumeClaimType } from './core/persistent-volume-claim.ts';
import { podType } from './core/pod.ts';
import { secretType } from './core/secret.ts';
import { serviceType } from './core/service.ts';
import { serviceAccountType } from './core/service-account.ts';
import { endpointSliceType } from './discovery/endpoint-slice.ts';
import { ingressType } from './networking/ingress.ts';
import { ingressClassType } from './networking/ingress-class.ts';
import { networkPolicyType } from './networking/network-policy.ts';
import { podDisruptionBudgetType } from './policy/pod-disruption-budget.ts';
import { clusterRoleType } from './rbac/cluster-role.ts';
import { clusterRoleBindingType } from './rbac/cluster-role-binding.ts';
import { roleType } from './rbac/role.ts';
import { roleBindingType } from './rbac/role-binding.ts';
import type { ResourceType } from './resource-type.ts';
import { priorityClassType } from './scheduling/priority-class.ts';
import { storageClassType } from './storage/storage-class.ts';

export {
  clusterRoleBindingType,
  clusterRoleType,
  configMapType,
  controllerRevisionType,
  cronJobType,
  daemonSetType,
  deploymentType,
  endpointSliceType,
  endpointsType,
  eventType,
  ingressClassType,
  ingressType,
  jobType,
  leaseType,
  namespaceType,
  networkPolicyType,
  nodeType,
  persistentVolumeClaimType,
  persistentVolumeType,
  podDisruptionBudgetType,
  podType,
  priorityClassType,
  replicaSetType,
  roleBindingType,
  roleType,
  secretType,
  serviceAccountType,
  serviceType,
  statefulSetType,
  storageClassType,
};

const types: readonly ResourceType[] = [
  configMapType,
  eventType,
  namespaceType,
  nodeType,
  podType,
  secretType,
  serviceAccountType,
  serviceType,
  deploymentType,
  replicaSetType,
  leaseType,
  clusterRoleType,
  clusterRoleBindingType,
  roleType,
  roleBindingType,
  statefulSetType,
  daemonSetType,
  controllerRevisionType,
  jobType,
  cronJobType,
  persistentVolumeClaimType,
  persistentVolumeType,
  endpointsType,
  endpointSliceType,
  ingressType,
  ingressClassType,
  networkPolicyType,
  podDisruptionBudgetType,
  storageClassType,
  priorityClassType,
];

/** Every built-in kind, in the order in which discovery lists them: by group priority, then by name. */
export function builtinTypes(): readonly ResourceType[] {
  return types;
}
