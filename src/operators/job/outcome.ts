/** Whether a job is done, has failed, or goes on. Source: Kubernetes' pkg/controller/job/job_controller.go. */
import type { Job, Pod } from '../../client/kinds.ts';
import { findCondition } from '../../machinery/conditions.ts';
import { jobFailureOf } from './failure-policy.ts';
import { isActive } from './pods.ts';
import { successOf } from './success-policy.ts';

export interface Outcome {
  readonly type: 'SuccessCriteriaMet' | 'FailureTarget';
  readonly reason: string;
  readonly message: string;
}

export interface Progress {
  readonly job: Job;
  readonly pods: readonly Pod[];
  /** Those that are in the status still to be counted are included. */
  readonly succeeded: number;
  readonly failed: number;
  readonly completedIndexes: ReadonlySet<number>;
  readonly failedIndexes: ReadonlySet<number>;
  readonly now: number;
}

export function isJobFinished({ status }: Job): boolean {
  return ['Complete', 'Failed'].some((type) => findCondition(status?.conditions, type)?.status === 'True');
}

/** What was decided earlier stands. */
export function outcomeOf(progress: Progress): Outcome | undefined {
  const { job, pods, succeeded, failed } = progress;
  for (const type of ['FailureTarget', 'SuccessCriteriaMet'] as const) {
    const decided = findCondition(job.status?.conditions, type);
    if (decided?.status === 'True') return { type, reason: decided.reason ?? '', message: decided.message ?? '' };
  }
  const policyFailure = jobFailureOf(job, pods);
  if (policyFailure !== undefined) return failure('PodFailurePolicy', policyFailure);
  const { backoffLimit = 6, completions } = job.spec ?? {};
  if (failed > backoffLimit || restartsExceed(job, pods)) {
    return failure('BackoffLimitExceeded', 'Job has reached the specified backoff limit');
  }
  const left = untilDeadline(progress);
  if (left !== undefined && left <= 0) {
    return failure('DeadlineExceeded', 'Job was active longer than specified deadline');
  }
  const indexFailure = failureOfIndexes(progress);
  if (indexFailure !== undefined) return indexFailure;
  const success = successOf(job, progress.completedIndexes);
  if (success !== undefined) return { type: 'SuccessCriteriaMet', reason: 'SuccessPolicy', message: success };
  const complete = completions === undefined ? succeeded > 0 && !pods.some(isActive) : succeeded >= completions;
  if (!complete || job.spec?.suspend === true) return undefined;
  const message = 'Reached expected number of succeeded pods';
  return { type: 'SuccessCriteriaMet', reason: 'CompletionsReached', message };
}

const failure = (reason: string, message: string): Outcome => ({ type: 'FailureTarget', reason, message });

/** With `backoffLimitPerIndex`, indexes fail alone; the job does with too many of them, or when none is left to try. */
function failureOfIndexes({ job, completedIndexes, failedIndexes }: Progress): Outcome | undefined {
  const { maxFailedIndexes, completions = 0 } = job.spec ?? {};
  if (failedIndexes.size > (maxFailedIndexes ?? Number.POSITIVE_INFINITY)) {
    return failure('MaxFailedIndexesExceeded', 'Job has exceeded the specified maximal number of failed indexes');
  }
  const isOver = failedIndexes.size > 0 && failedIndexes.size + completedIndexes.size >= completions;
  return isOver ? failure('FailedIndexes', 'Job has failed indexes') : undefined;
}

/** Milliseconds until `activeDeadlineSeconds` are over; undefined without a deadline. */
export function untilDeadline({ job, now }: Progress): number | undefined {
  const { activeDeadlineSeconds, suspend } = job.spec ?? {};
  const { startTime } = job.status ?? {};
  if (activeDeadlineSeconds === undefined || startTime === undefined || suspend === true) return undefined;
  return Date.parse(startTime) + activeDeadlineSeconds * 1000 - now;
}

/** With `restartPolicy: OnFailure` containers fail inside their pods: restarts count. */
function restartsExceed({ spec }: Job, pods: readonly Pod[]): boolean {
  if (spec?.template.spec?.restartPolicy !== 'OnFailure') return false;
  let restarts = 0;
  for (const { status } of pods) {
    if (status?.phase !== 'Running' && status?.phase !== 'Pending') continue;
    for (const { restartCount } of [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]) {
      restarts += restartCount;
    }
  }
  const { backoffLimit = 6 } = spec;
  return backoffLimit === 0 ? restarts > 0 : restarts >= backoffLimit;
}
