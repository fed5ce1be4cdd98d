/** A Deployment's conditions. Source: Kubernetes' deployment_util.go (SetDeploymentCondition) and progress.go. */
import { formatTime } from '../../clock/clock.ts';
import { findCondition, removeCondition } from '../../machinery/conditions.ts';
import type { DeploymentCondition, Rollout } from './rollout.ts';

export type ConditionType = 'Available' | 'Progressing' | 'ReplicaFailure';

export function getCondition({ conditions }: Rollout, type: ConditionType): DeploymentCondition | undefined {
  return findCondition(conditions, type);
}

/** Says nothing new when status and reason are what they were. The last one said comes last. */
export function setCondition(
  rollout: Rollout,
  type: ConditionType,
  status: 'True' | 'False' | 'Unknown',
  reason: string,
  message: string,
): void {
  const before = getCondition(rollout, type);
  if (before?.status === status && before.reason === reason) return;
  renewCondition(rollout, type, status, reason, message);
}

/** Says it again, which moves `lastUpdateTime` on. */
export function renewCondition(
  rollout: Rollout,
  type: ConditionType,
  status: 'True' | 'False' | 'Unknown',
  reason: string,
  message: string,
): void {
  const now = formatTime(rollout.context.clock.now());
  const before = getCondition(rollout, type);
  putCondition(rollout, {
    type,
    status,
    lastUpdateTime: now,
    lastTransitionTime: (before?.status === status ? before.lastTransitionTime : undefined) ?? now,
    reason,
    message,
  });
}

export function putCondition(rollout: Rollout, condition: DeploymentCondition): void {
  rollout.conditions = [...removeCondition(rollout.conditions, condition.type), condition];
}

export function dropCondition(rollout: Rollout, type: ConditionType): void {
  rollout.conditions = removeCondition(rollout.conditions, type);
}
