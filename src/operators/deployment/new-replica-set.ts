/** The ReplicaSet of the Deployment's template: found and kept up to date, or made. Source: Kubernetes' sync.go. */
import type { LabelSelector } from '../../apis/types.ts';
import type { Draft } from '../../client/client.ts';
import { Deployment, ReplicaSet } from '../../client/kinds.ts';
import { podTemplateHash } from '../../machinery/hash.ts';
import { deepEqual } from '../../machinery/json.ts';
import { dns1123SubdomainMaxLength } from '../../machinery/names.ts';
import { controllerReference, isControlledBy } from '../../machinery/owner-reference.ts';
import { isReason } from '../../machinery/status.ts';
import { isNamespaceTerminating, messageOf } from '../workload/pod-control.ts';
import { maxRevision, newReplicaSetAnnotations, revisionAnnotation, sizeAnnotations } from './annotations.ts';
import { getCondition, setCondition } from './conditions.ts';
import { hasProgressDeadline } from './progress.ts';
import { hashLabel, sameTemplate } from './replica-sets.ts';
import type { Rollout } from './rollout.ts';
import { nextNewReplicas } from './sizes.ts';

/** Sees to the revision, the annotations and `minReadySeconds` of the new ReplicaSet, when there is one. */
export async function updateNewReplicaSet(rollout: Rollout): Promise<void> {
  const { deployment, newReplicaSet, oldReplicaSets, context } = rollout;
  if (newReplicaSet === undefined) return;
  const { metadata, spec } = newReplicaSet;
  const revision = maxRevision(oldReplicaSets) + 1;
  const annotations = newReplicaSetAnnotations(deployment, metadata.annotations ?? {}, revision);
  const minReadySeconds = deployment.spec?.minReadySeconds ?? 0;
  if (!deepEqual(annotations, metadata.annotations ?? {}) || (spec?.minReadySeconds ?? 0) !== minReadySeconds) {
    rollout.newReplicaSet = await context.client
      .resource(ReplicaSet)
      .update({ ...newReplicaSet, metadata: { ...metadata, annotations }, spec: { ...spec!, minReadySeconds } });
  }
  rollout.revision = annotations[revisionAnnotation];
  if (hasProgressDeadline(deployment) && getCondition(rollout, 'Progressing') === undefined) {
    setCondition(rollout, 'Progressing', 'True', 'FoundNewReplicaSet', `Found new replica set "${metadata.name}"`);
  }
}

/**
 * Makes the new ReplicaSet, unless there is one. Answers false when its name is taken by another one: then
 * `collisionCount` has grown, and the next reconcile tries another name.
 */
export async function createNewReplicaSet(rollout: Rollout): Promise<boolean> {
  if (rollout.newReplicaSet !== undefined) return true;
  const { deployment, oldReplicaSets, context } = rollout;
  const revision = maxRevision(oldReplicaSets) + 1;
  const replicas = nextNewReplicas(deployment, oldReplicaSets, 0);
  const draft = draftOf(rollout, revision, replicas);
  const { name = '' } = draft.metadata;
  try {
    rollout.newReplicaSet = await context.client.resource(ReplicaSet).create(draft);
  } catch (error) {
    if (isReason(error, 'AlreadyExists')) return adoptExisting(rollout, draft);
    if (!isNamespaceTerminating(error)) {
      const message = `Failed to create new replica set "${name}": ${messageOf(error)}`;
      if (hasProgressDeadline(deployment)) {
        setCondition(rollout, 'Progressing', 'False', 'ReplicaSetCreateError', message);
      }
      context.eventFor(deployment, 'Warning', 'ReplicaSetCreateError', message);
    }
    throw error;
  }
  if (replicas > 0) {
    const message = `Scaled up replica set ${name} from 0 to ${replicas}`;
    context.eventFor(deployment, 'Normal', 'ScalingReplicaSet', message);
  }
  rollout.revision = String(revision);
  if (hasProgressDeadline(deployment)) {
    setCondition(rollout, 'Progressing', 'True', 'NewReplicaSetCreated', `Created new replica set "${name}"`);
  }
  return true;
}

async function adoptExisting(rollout: Rollout, draft: Draft<ReplicaSet>): Promise<boolean> {
  const { deployment, context } = rollout;
  const { namespace, name = '' } = draft.metadata;
  const existing = await context.client.resource(ReplicaSet).get({ namespace, name });
  if (isControlledBy(existing, deployment) && sameTemplate(existing.spec?.template, deployment.spec?.template)) {
    rollout.newReplicaSet = existing;
    await updateNewReplicaSet(rollout);
    return true;
  }
  rollout.collisionCount = (rollout.collisionCount ?? 0) + 1;
  return false;
}

function draftOf({ deployment, collisionCount }: Rollout, revision: number, replicas: number): Draft<ReplicaSet> {
  const { name = '', namespace = '' } = deployment.metadata;
  const { template, selector, minReadySeconds } = deployment.spec!;
  const hash = podTemplateHash(template, collisionCount);
  const labels = { ...template.metadata?.labels, [hashLabel]: hash };
  return {
    metadata: {
      namespace,
      name: replicaSetName(name, hash),
      labels,
      annotations: { ...newReplicaSetAnnotations(deployment, {}, revision), ...sizeAnnotations(deployment) },
      ownerReferences: [controllerReference(deployment, Deployment)],
    },
    spec: {
      replicas,
      ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
      selector: withLabel(selector, hash),
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
}

function withLabel(selector: LabelSelector, hash: string): LabelSelector {
  return { ...selector, matchLabels: { ...selector.matchLabels, [hashLabel]: hash } };
}

function replicaSetName(deployment: string, hash: string): string {
  return `${deployment.slice(0, dns1123SubdomainMaxLength - hash.length - 1)}-${hash}`;
}
