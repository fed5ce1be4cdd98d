/** CronJobs: a Job whenever the schedule says so. Source: `k8s.io/kubernetes/pkg/controller/cronjob`. */
import type * as k8s from '@kubernetes/client-node';
import type { Wire } from '../../apis/types.ts';
import { CronJob, Job } from '../../client/kinds.ts';
import { formatTime } from '../../clock/clock.ts';
import { deepEqual } from '../../machinery/json.ts';
import type { KeyContext, KeyReconciler, RequeueAfter } from '../../runtime/index.ts';
import type { ControllerModule } from '../controller-module.ts';
import { controlledBy, indexByController } from '../workload/ownership.ts';
import { messageOf } from '../workload/pod-control.ts';
import { endingWithNamespace } from '../workload/terminating.ts';
import { cleanUp, createJob, deleteJob, endOf, referenceTo } from './jobs.ts';
import { dueRun } from './missed.ts';
import { parseSchedule, type Schedule } from './schedule.ts';

type Status = Wire<k8s.V1CronJobStatus>;

export const cronJobController: ControllerModule = {
  name: 'cronjob-controller',
  add(manager) {
    indexByController(manager, Job);
    manager
      .controller('cronjob-controller', { for: CronJob, concurrency: 5 })
      .owns(Job)
      .reconcileKey(endingWithNamespace(reconcile));
  },
};

const reconcile: KeyReconciler = async (key, context) => {
  const owner = context.cache(CronJob).get(key);
  if (owner === undefined) return;
  const jobs = controlledBy(context.cache(Job), owner);
  const status = followJobs(owner, jobs, context);
  let result: RequeueAfter | undefined;
  try {
    if (owner.metadata.deletionTimestamp === undefined && owner.spec?.suspend !== true) {
      result = await runDue(owner, jobs, status, context);
    }
  } finally {
    await writeStatus(owner, status, context);
  }
  await cleanUp(owner, jobs, context);
  return result;
};

/** What the jobs' fates say about the status. */
function followJobs(owner: CronJob, jobs: readonly Job[], context: KeyContext): Status {
  const status: Status = { ...owner.status };
  const active = owner.status?.active ?? [];
  for (const job of jobs) {
    const { name, uid } = job.metadata;
    const end = endOf(job);
    const isKnown = active.some((reference) => reference.uid === uid);
    if (end === undefined) {
      if (isKnown || job.metadata.deletionTimestamp !== undefined) continue;
      const message = `Saw a job that the controller did not create or forgot: ${name}`;
      context.eventFor(owner, 'Warning', 'UnexpectedJob', message);
      continue;
    }
    if (isKnown) context.eventFor(owner, 'Normal', 'SawCompletedJob', `Saw completed job: ${name}, condition: ${end}`);
    const { completionTime } = job.status ?? {};
    if (end !== 'Complete' || completionTime === undefined) continue;
    if (status.lastSuccessfulTime === undefined || status.lastSuccessfulTime < completionTime) {
      status.lastSuccessfulTime = completionTime;
    }
  }
  status.active = active.filter(({ uid, name }) => {
    const job = jobs.find(({ metadata }) => metadata.uid === uid);
    if (job === undefined) context.eventFor(owner, 'Normal', 'MissingJob', `Active job went missing: ${name}`);
    return job !== undefined && endOf(job) === undefined;
  });
  return status;
}

/** Starts the run that is due, if there is one, and asks to come back for the next. */
async function runDue(
  owner: CronJob,
  jobs: readonly Job[],
  status: Status,
  context: KeyContext,
): Promise<RequeueAfter | undefined> {
  const schedule = scheduleOf(owner, context);
  if (schedule === undefined) return undefined;
  const now = context.clock.now();
  const following = schedule.next(now);
  const later = following === undefined ? undefined : { requeueAfter: following - now };
  const { at, tooManyMissed } = dueRun(owner, schedule, now);
  if (tooManyMissed) {
    const message = 'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew';
    context.eventFor(owner, 'Warning', 'TooManyMissedTimes', message);
  }
  if (at === undefined) return later;
  const { startingDeadlineSeconds, concurrencyPolicy } = owner.spec ?? {};
  if (startingDeadlineSeconds !== undefined && at + startingDeadlineSeconds * 1000 < now) {
    const message = `Missed scheduled time to start a job: ${new Date(at).toUTCString().replace('GMT', '+0000')}`;
    context.eventFor(owner, 'Warning', 'MissSchedule', message);
    return later;
  }
  if ((status.active?.length ?? 0) > 0 && concurrencyPolicy === 'Forbid') {
    const message = 'Not starting job because prior execution is running and concurrency policy is Forbid';
    context.eventFor(owner, 'Normal', 'JobAlreadyActive', message);
    return later;
  }
  if (concurrencyPolicy === 'Replace') {
    for (const { uid } of status.active ?? []) {
      const running = jobs.find(({ metadata }) => metadata.uid === uid);
      if (running !== undefined) await deleteJob(owner, running, context);
    }
    status.active = [];
  }
  const job = await createJob(owner, at, context);
  if (job === undefined) return later;
  status.active = [...(status.active ?? []), referenceTo(job)];
  status.lastScheduleTime = formatTime(at);
  return later;
}

function scheduleOf(owner: CronJob, context: KeyContext): Schedule | undefined {
  const { schedule = '', timeZone } = owner.spec ?? {};
  try {
    return parseSchedule(schedule, timeZone);
  } catch (error) {
    // Nothing to try again before the object changes.
    context.eventFor(
      owner,
      'Warning',
      'UnparseableSchedule',
      `unparseable schedule: "${schedule}" : ${messageOf(error)}`,
    );
    return undefined;
  }
}

async function writeStatus(owner: CronJob, status: Status, context: KeyContext): Promise<void> {
  const { active = [], ...rest } = status;
  const wanted: Status = active.length === 0 ? rest : { ...rest, active };
  const latest = context.cache(CronJob).get(context.key);
  if (latest === undefined || latest.metadata.uid !== owner.metadata.uid) return;
  if (!deepEqual(latest.status ?? {}, wanted)) {
    await context.client.resource(CronJob).updateStatus({ ...latest, status: wanted });
  }
}
