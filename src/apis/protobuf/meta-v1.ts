/** The field numbers of `io.k8s.apimachinery.pkg.apis.meta.v1`, in the notation of {@link MessageTable}. */
import type { MessageTable } from './table.ts';

export const metaV1: MessageTable = {
  Condition: 'type status observedGeneration lastTransitionTime reason message',
  DeleteOptions: `
    gracePeriodSeconds preconditions orphanDependents propagationPolicy dryRun
    ignoreStoreReadErrorWithClusterBreakingPotential`,
  FieldSelectorRequirement: 'key operator values',
  GroupResource: 'group resource',
  LabelSelector: 'matchLabels matchExpressions',
  LabelSelectorRequirement: 'key operator values',
  ListMeta: 'selfLink resourceVersion continue remainingItemCount shardInfo',
  ManagedFieldsEntry: 'manager operation apiVersion time fieldsType=6 fieldsV1 subresource',
  ObjectMeta: `
    name generateName namespace selfLink uid resourceVersion generation creationTimestamp deletionTimestamp
    deletionGracePeriodSeconds labels annotations ownerReferences finalizers managedFields=17`,
  OwnerReference: 'kind name=3 uid apiVersion controller blockOwnerDeletion',
  Preconditions: 'uid resourceVersion',
  ShardInfo: 'selector',
  Status: 'metadata status message reason details code',
  StatusCause: 'reason message field',
  StatusDetails: 'name group kind causes retryAfterSeconds uid',
};
