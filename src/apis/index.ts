/** Kubernetes' own kinds: one {@link ResourceType} each, made from a file a kind. */

import { mutatingAdmissionPolicyType } from './admissionregistration/mutating-admission-policy.ts';
import { mutatingAdmissionPolicyBindingType } from './admissionregistration/mutating-admission-policy-binding.ts';
import { mutatingWebhookConfigurationType } from './admissionregistration/mutating-webhook-configuration.ts';
import { validatingAdmissionPolicyType } from './admissionregistration/validating-admission-policy.ts';
import { validatingAdmissionPolicyBindingType } from './admissionregistration/validating-admission-policy-binding.ts';
import { validatingWebhookConfigurationType } from './admissionregistration/validating-webhook-configuration.ts';
import { apiServiceType } from './apiregistration/api-service.ts';
import { controllerRevisionType } from './apps/controller-revision.ts';
import { daemonSetType } from './apps/daemon-set.ts';
import { deploymentType } from './apps/deployment.ts';
import { replicaSetType } from './apps/replica-set.ts';
import { statefulSetType } from './apps/stateful-set.ts';
import { selfSubjectReviewType } from './authentication/self-subject-review.ts';
import { tokenReviewType } from './authentication/token-review.ts';
import { selfSubjectAccessReviewType } from './authorization/self-subject-access-review.ts';
import { selfSubjectRulesReviewType } from './authorization/self-subject-rules-review.ts';
import { localSubjectAccessReviewType, subjectAccessReviewType } from './authorization/subject-access-review.ts';
import { horizontalPodAutoscalerType } from './autoscaling/horizontal-pod-autoscaler.ts';
import { cronJobType } from './batch/cron-job.ts';
import { jobType } from './batch/job.ts';
import { certificateSigningRequestType } from './certificates/certificate-signing-request.ts';
import { leaseType } from './coordination/lease.ts';
import { bindingType } from './core/binding.ts';
import { type ComponentProbe, createComponentStatusType } from './core/component-status.ts';
import { configMapType } from './core/config-map.ts';
import { endpointsType } from './core/endpoints.ts';
import { eventType } from './core/event.ts';
import { limitRangeType } from './core/limit-range.ts';
import { namespaceType } from './core/namespace.ts';
import { nodeType } from './core/node.ts';
import { persistentVolumeType } from './core/persistent-volume.ts';
import { persistentVolumeClaimType } from './core/persistent-volume-claim.ts';
import { podType } from './core/pod.ts';
import { podTemplateType } from './core/pod-template.ts';
import { replicationControllerType } from './core/replication-controller.ts';
import { resourceQuotaType } from './core/resource-quota.ts';
import { secretType } from './core/secret.ts';
import { createServiceType, serviceType } from './core/service.ts';
import { serviceAccountType } from './core/service-account.ts';
import type { ServiceNetwork } from './core/service-allocation.ts';
import { endpointSliceType } from './discovery/endpoint-slice.ts';
import { newEventType } from './events/event.ts';
import { flowSchemaType } from './flowcontrol/flow-schema.ts';
import { priorityLevelConfigurationType } from './flowcontrol/priority-level-configuration.ts';
import { createMetricsTypes, type MetricsProvider } from './metrics/metrics.ts';
import { ingressType } from './networking/ingress.ts';
import { ingressClassType } from './networking/ingress-class.ts';
import { ipAddressType } from './networking/ip-address.ts';
import { networkPolicyType } from './networking/network-policy.ts';
import { serviceCIDRType } from './networking/service-cidr.ts';
import { runtimeClassType } from './node/runtime-class.ts';
import { podDisruptionBudgetType } from './policy/pod-disruption-budget.ts';
import { clusterRoleType } from './rbac/cluster-role.ts';
import { clusterRoleBindingType } from './rbac/cluster-role-binding.ts';
import { roleType } from './rbac/role.ts';
import { roleBindingType } from './rbac/role-binding.ts';
import type { ResourceType } from './resource-type.ts';
import { priorityClassType } from './scheduling/priority-class.ts';
import { csiDriverType } from './storage/csi-driver.ts';
import { csiNodeType } from './storage/csi-node.ts';
import { csiStorageCapacityType } from './storage/csi-storage-capacity.ts';
import { storageClassType } from './storage/storage-class.ts';
import { volumeAttachmentType } from './storage/volume-attachment.ts';
import { volumeAttributesClassType } from './storage/volume-attributes-class.ts';

export type { ComponentProbe } from './core/component-status.ts';
export type { ServiceNetwork } from './core/service-allocation.ts';
export type { MetricsProvider, NodeUsage, PodUsage, Usage } from './metrics/metrics.ts';
export {
  apiServiceType,
  bindingType,
  certificateSigningRequestType,
  clusterRoleBindingType,
  clusterRoleType,
  configMapType,
  controllerRevisionType,
  cronJobType,
  csiDriverType,
  csiNodeType,
  csiStorageCapacityType,
  daemonSetType,
  deploymentType,
  endpointSliceType,
  endpointsType,
  eventType,
  flowSchemaType,
  horizontalPodAutoscalerType,
  ingressClassType,
  ingressType,
  ipAddressType,
  jobType,
  leaseType,
  limitRangeType,
  mutatingAdmissionPolicyBindingType,
  mutatingAdmissionPolicyType,
  mutatingWebhookConfigurationType,
  namespaceType,
  networkPolicyType,
  newEventType,
  nodeType,
  persistentVolumeClaimType,
  persistentVolumeType,
  podDisruptionBudgetType,
  podTemplateType,
  podType,
  priorityClassType,
  priorityLevelConfigurationType,
  replicaSetType,
  replicationControllerType,
  resourceQuotaType,
  roleBindingType,
  roleType,
  runtimeClassType,
  secretType,
  selfSubjectReviewType,
  serviceAccountType,
  serviceCIDRType,
  serviceType,
  statefulSetType,
  storageClassType,
  tokenReviewType,
  validatingAdmissionPolicyBindingType,
  validatingAdmissionPolicyType,
  validatingWebhookConfigurationType,
  volumeAttachmentType,
  volumeAttributesClassType,
};

const types: readonly ResourceType[] = [
  bindingType,
  configMapType,
  endpointsType,
  eventType,
  limitRangeType,
  namespaceType,
  nodeType,
  persistentVolumeType,
  persistentVolumeClaimType,
  podType,
  podTemplateType,
  replicationControllerType,
  resourceQuotaType,
  secretType,
  serviceAccountType,
  serviceType,
  mutatingAdmissionPolicyType,
  mutatingAdmissionPolicyBindingType,
  mutatingWebhookConfigurationType,
  validatingAdmissionPolicyType,
  validatingAdmissionPolicyBindingType,
  validatingWebhookConfigurationType,
  apiServiceType,
  controllerRevisionType,
  daemonSetType,
  deploymentType,
  replicaSetType,
  statefulSetType,
  selfSubjectReviewType,
  tokenReviewType,
  localSubjectAccessReviewType,
  selfSubjectAccessReviewType,
  selfSubjectRulesReviewType,
  subjectAccessReviewType,
  horizontalPodAutoscalerType,
  cronJobType,
  jobType,
  certificateSigningRequestType,
  leaseType,
  endpointSliceType,
  newEventType,
  flowSchemaType,
  priorityLevelConfigurationType,
  ingressClassType,
  ingressType,
  ipAddressType,
  networkPolicyType,
  serviceCIDRType,
  runtimeClassType,
  podDisruptionBudgetType,
  clusterRoleType,
  clusterRoleBindingType,
  roleType,
  roleBindingType,
  priorityClassType,
  csiDriverType,
  csiNodeType,
  csiStorageCapacityType,
  storageClassType,
  volumeAttachmentType,
  volumeAttributesClassType,
];

export interface BuiltinOptions {
  /** Where Services get their addresses and node ports. */
  readonly serviceNetwork?: ServiceNetwork;
  /** Who is asked when somebody looks at `componentstatuses`. Default: nobody. */
  readonly components?: readonly ComponentProbe[];
  /** Who measures nodes and pods. Default: nobody, and metrics.k8s.io is not served. */
  readonly metrics?: MetricsProvider;
}

/** Every built-in kind. Cheap: what a kind needs is read when it is first used. */
export function builtinTypes({
  serviceNetwork,
  components = [],
  metrics,
}: BuiltinOptions = {}): readonly ResourceType[] {
  const services = serviceNetwork === undefined ? serviceType : createServiceType(serviceNetwork);
  return [
    ...types.map((type) => (type === serviceType ? services : type)),
    createComponentStatusType(components),
    ...(metrics === undefined ? [] : createMetricsTypes(metrics)),
  ];
}
