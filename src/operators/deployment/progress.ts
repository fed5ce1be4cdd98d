/**
 * Whether a rollout gets on, is complete, or has taken too long. Source: Kubernetes'
 * pkg/controller/deployment/progress.go and deployment_util.go.
 */
import type { Deployment } from '../../client/kinds.ts';
import { dropCondition, getCondition, putCondition, renewCondition, setCondition } from './conditions.ts';
import { allReplicaSets, type DeploymentStatus, type Rollout } from './rollout.ts';
import { desiredReplicas } from './sizes.ts';

const noDeadline = 2 ** 31 - 1;

export function hasProgressDeadline({ spec }: Deployment): boolean {
  return spec?.progressDeadlineSeconds !== undefined && spec.progressDeadlineSeconds !== noDeadline;
}

/** A pause stops the clock of the deadline. */
export function notePause(rollout: Rollout): void {
  const { deployment } = rollout;
  if (!hasProgressDeadline(deployment)) return;
  const reason = getCondition(rollout, 'Progressing')?.reason;
  // What timed out stays so until it gets on again.
  if (reason === 'ProgressDeadlineExceeded') return;
  const noted = reason === 'DeploymentPaused';
  if (deployment.spec?.paused === true) {
    if (!noted) setCondition(rollout, 'Progressing', 'Unknown', 'DeploymentPaused', 'Deployment is paused');
  } else if (noted) {
    setCondition(rollout, 'Progressing', 'Unknown', 'DeploymentResumed', 'Deployment is resumed');
  }
}

export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const desired = desiredReplicas(deployment);
  return (
    (status.updatedReplicas ?? 0) === desired &&
    (status.replicas ?? 0) === desired &&
    (status.availableReplicas ?? 0) === desired &&
    (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  );
}

/** Says how the rollout gets on. `status` holds the counts as they are now. */
export function noteProgress(rollout: Rollout, status: DeploymentStatus): void {
  const { deployment, newReplicaSet } = rollout;
  const before = getCondition(rollout, 'Progressing');
  if (!hasProgressDeadline(deployment)) {
    dropCondition(rollout, 'Progressing');
  } else if ((status.replicas ?? 0) !== (status.updatedReplicas ?? 0) || before?.reason !== 'NewReplicaSetAvailable') {
    const subject =
      newReplicaSet === undefined
        ? `Deployment "${deployment.metadata.name}"`
        : `ReplicaSet "${newReplicaSet.metadata.name}"`;
    if (isComplete(deployment, status)) {
      setCondition(rollout, 'Progressing', 'True', 'NewReplicaSetAvailable', `${subject} has successfully progressed.`);
    } else if (isProgressing(deployment.status ?? {}, status)) {
      renewCondition(rollout, 'Progressing', 'True', 'ReplicaSetUpdated', `${subject} is progressing.`);
    } else if (isTimedOut(rollout)) {
      setCondition(
        rollout,
        'Progressing',
        'False',
        'ProgressDeadlineExceeded',
        `${subject} has timed out progressing.`,
      );
    }
  }
  noteReplicaFailure(rollout);
}

/** Whether there are more new pods, fewer old ones, or more that work than there were. */
function isProgressing(before: DeploymentStatus, after: DeploymentStatus): boolean {
  const old = (status: DeploymentStatus): number => (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (
    (after.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(after) < old(before) ||
    (after.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

function isTimedOut(rollout: Rollout): boolean {
  const condition = getCondition(rollout, 'Progressing');
  if (condition === undefined || condition.reason === 'NewReplicaSetAvailable') return false;
  if (condition.reason === 'ProgressDeadlineExceeded') return true;
  return deadlineOf(rollout, condition.lastUpdateTime) < rollout.context.clock.now();
}

/** In milliseconds from now, when to look whether the deadline has passed; undefined when there is nothing to wait for. */
export function untilDeadline(rollout: Rollout, status: DeploymentStatus): number | undefined {
  const { deployment, context } = rollout;
  const condition = getCondition(rollout, 'Progressing');
  if (condition === undefined || !hasProgressDeadline(deployment) || isComplete(deployment, status)) return undefined;
  if (condition.reason === 'ProgressDeadlineExceeded' || condition.reason === 'NewReplicaSetAvailable')
    return undefined;
  if (deployment.spec?.paused === true) return undefined;
  // The condition's time has whole seconds: one more, to be past the deadline.
  return Math.max(deadlineOf(rollout, condition.lastUpdateTime) - context.clock.now(), 0) + 1000;
}

function deadlineOf({ deployment, context }: Rollout, since: string | undefined): number {
  const from = since === undefined ? context.clock.now() : Date.parse(since);
  return from + (deployment.spec?.progressDeadlineSeconds ?? 0) * 1000;
}

/** What keeps ReplicaSets from making or deleting pods is the Deployment's trouble: of the new one before the old ones. */
function noteReplicaFailure(rollout: Rollout): void {
  const { newReplicaSet } = rollout;
  const candidates = [...(newReplicaSet === undefined ? [] : [newReplicaSet]), ...allReplicaSets(rollout)];
  for (const { status } of candidates) {
    const failure = status?.conditions?.find(({ type }) => type === 'ReplicaFailure');
    if (failure === undefined) continue;
    const before = getCondition(rollout, 'ReplicaFailure');
    if (before?.status === failure.status && before.reason === failure.reason) return;
    const time = failure.lastTransitionTime;
    putCondition(rollout, { ...failure, ...(time === undefined ? {} : { lastUpdateTime: time }) });
    return;
  }
  dropCondition(rollout, 'ReplicaFailure');
}
