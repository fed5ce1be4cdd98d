/** What a pod's failure means to its job. Source: KEP-3329 (podFailurePolicy), Kubernetes' pkg/controller/job/pod_failure_policy.go. */
import type { Job, Pod } from '../../client/kinds.ts';
import { isFailed } from './pods.ts';

export interface FailureVerdict {
  /** Towards `backoffLimit` and `backoffLimitPerIndex`. */
  readonly counts: boolean;
  readonly failsIndex: boolean;
  /** Why the job fails with it, if it does. */
  readonly jobFailure: string | undefined;
}

const counted: FailureVerdict = { counts: true, failsIndex: false, jobFailure: undefined };

/** By the first rule that matches; a rule with an action that is unknown here is none. */
export function verdictOn(pod: Pod, { spec }: Job): FailureVerdict {
  for (const [at, rule] of (spec?.podFailurePolicy?.rules ?? []).entries()) {
    const cause = causeOf(pod, rule);
    if (cause === undefined) continue;
    switch (rule.action) {
      case 'Ignore':
        return { ...counted, counts: false };
      case 'Count':
        return counted;
      case 'FailIndex':
        return { ...counted, failsIndex: true };
      case 'FailJob':
        return { ...counted, jobFailure: `${cause} matching FailJob rule at index ${at}` };
    }
  }
  return counted;
}

/** Why the job fails by its policy, if one of its pods makes it. */
export function jobFailureOf(job: Job, pods: readonly Pod[]): string | undefined {
  if (job.spec?.podFailurePolicy === undefined) return undefined;
  for (const pod of pods) {
    const failure = isFailed(pod, job) ? verdictOn(pod, job).jobFailure : undefined;
    if (failure !== undefined) return failure;
  }
  return undefined;
}

type Rule = NonNullable<NonNullable<Job['spec']>['podFailurePolicy']>['rules'][number];

/** What of the pod a rule matches, in words. */
function causeOf({ metadata, status }: Pod, { onExitCodes, onPodConditions }: Rule): string | undefined {
  const { namespace, name } = metadata;
  if (onExitCodes === undefined) {
    const condition = status?.conditions?.find((one) =>
      onPodConditions?.some((pattern) => pattern.type === one.type && (pattern.status ?? 'True') === one.status),
    );
    return condition === undefined ? undefined : `Pod ${namespace}/${name} has condition ${condition.type}`;
  }
  const { containerName, operator, values } = onExitCodes;
  for (const container of [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])]) {
    const exitCode = container.state?.terminated?.exitCode ?? 0;
    if (exitCode === 0 || (containerName !== undefined && containerName !== container.name)) continue;
    if (values.includes(exitCode) === (operator === 'In'))
      return `Container ${container.name} for pod ${namespace}/${name} failed with exit code ${exitCode}`;
  }
  return undefined;
}
