import type { Clock } from '../clock/clock.ts';
import { certificateApproval, certificateSigning, certificateSubjectRestriction } from './certificates.ts';
import type { AdmissionPlugin } from './chain.ts';
import { defaultIngressClass } from './default-ingress-class.ts';
import { defaultTolerationSeconds } from './default-toleration-seconds.ts';
import { dynamicAdmission } from './dynamic.ts';
import type { AdmissionHost } from './host.ts';
import { limitRanger } from './limit-ranger.ts';
import { namespaceLifecycle } from './namespace-lifecycle.ts';
import { nodeRestriction } from './node-restriction.ts';
import { podSecurity } from './pod-security.ts';
import { priority } from './priority.ts';
import { resourceQuota } from './resource-quota.ts';
import { runtimeClass } from './runtime-class.ts';
import { serviceAccountPlugin } from './service-account.ts';
import { defaultStorageClass, persistentVolumeClaimResize } from './storage-class.ts';
import { storageObjectInUseProtection } from './storage-object-in-use-protection.ts';
import { taintNodesByCondition } from './taint-nodes-by-condition.ts';

export * from './chain.ts';
export { webhookEndpoint } from './webhook/endpoint.ts';
export { type WebhookHandler, WebhookHandlers, type WebhookTarget } from './webhook/handlers.ts';
export type { ReviewAnswer, ReviewRequest } from './webhook/review.ts';
export type { AdmissionHost };
export { dynamicAdmission, namespaceLifecycle };

const first = [namespaceLifecycle, limitRanger];
const later = [
  podSecurity,
  priority,
  defaultTolerationSeconds,
  defaultStorageClass,
  storageObjectInUseProtection,
  persistentVolumeClaimResize,
  runtimeClass,
  certificateApproval,
  certificateSigning,
  certificateSubjectRestriction,
  defaultIngressClass,
];

/**
 * What Kubernetes runs by default, in its order, but for ServiceAccount and TaintNodesByCondition, which need controllers that
 * complete what they begin, and ResourceQuota, which comes after policies and webhooks.
 */
export const admissionPlugins: readonly AdmissionPlugin[] = [...first, nodeRestriction, ...later];

/** All that a cluster runs, in Kubernetes' order. `controllers`: whether it has those that service accounts and nodes need. */
export function clusterAdmission(
  clock: Clock,
  controllers: boolean,
): readonly (AdmissionPlugin | ((host: AdmissionHost) => AdmissionPlugin))[] {
  return [
    ...first,
    ...(controllers ? [serviceAccountPlugin(clock)] : []),
    nodeRestriction,
    ...(controllers ? [taintNodesByCondition] : []),
    ...later,
    ...dynamicAdmission,
    resourceQuota,
  ];
}
