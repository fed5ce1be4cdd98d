/** A job's status and conditions. Source: Kubernetes' pkg/controller/job/job_controller.go. */
import type * as k8s from '@kubernetes/client-node';
import type { Wire } from '../../apis/types.ts';
import type { Job, Pod } from '../../client/kinds.ts';
import { findCondition, setCondition } from '../../machinery/conditions.ts';
import { isPodReady } from '../workload/pods.ts';
import { type JobStatus, type Tally, tallyStatus } from './count.ts';
import type { Outcome } from './outcome.ts';
import { isActive, isTerminating } from './pods.ts';

type Condition = Wire<k8s.V1JobCondition>;

export interface StatusInput {
  readonly job: Job;
  readonly pods: readonly Pod[];
  readonly tally: Tally;
  readonly outcome: Outcome | undefined;
  /** No pod is left to wait for, and all ends are counted. */
  readonly settled: boolean;
  readonly time: string;
}

export function jobStatus({ job, pods, tally, outcome, settled, time }: StatusInput): JobStatus {
  const before = job.status ?? {};
  const suspended = job.spec?.suspend === true;
  const active = pods.filter(isActive);
  let conditions: Condition[] = before.conditions ?? [];
  const say = (type: string, status: string, reason: string, message: string): void => {
    conditions = setCondition<Condition>(conditions, { type, status, reason, message, lastProbeTime: time }, time);
  };
  if (outcome === undefined) {
    const isSaid = findCondition(conditions, 'Suspended')?.status === 'True';
    if (suspended && !isSaid) say('Suspended', 'True', 'JobSuspended', 'Job suspended');
    if (!suspended && isSaid) say('Suspended', 'False', 'JobResumed', 'Job resumed');
  } else {
    const { type, reason, message } = outcome;
    if (findCondition(conditions, type)?.status !== 'True') say(type, 'True', reason, message);
    if (settled) say(type === 'SuccessCriteriaMet' ? 'Complete' : 'Failed', 'True', reason, message);
  }
  const startTime = suspended && outcome === undefined ? undefined : (before.startTime ?? time);
  return {
    ...(startTime === undefined ? {} : { startTime }),
    ...(settled && outcome?.type === 'SuccessCriteriaMet' ? { completionTime: time } : {}),
    ...(active.length === 0 ? {} : { active: active.length }),
    ready: active.filter(isPodReady).length,
    terminating: pods.filter(isTerminating).length,
    ...tallyStatus(job, tally),
    ...(conditions.length === 0 ? {} : { conditions }),
  };
}
