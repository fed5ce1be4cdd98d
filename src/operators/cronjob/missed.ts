/** Which run of a CronJob is due. Source: Kubernetes' pkg/controller/cronjob/utils.go. */
import type { CronJob } from '../../client/kinds.ts';
import type { Schedule } from './schedule.ts';

/** From so many on, something is wrong: clocks, or a controller that was away for long. */
const tooMany = 100;

export interface Due {
  /** The latest time that has come, in milliseconds; undefined when none has since the last run. */
  readonly at: number | undefined;
  readonly tooManyMissed: boolean;
}

export function dueRun(job: CronJob, schedule: Schedule, now: number): Due {
  const { lastScheduleTime } = job.status ?? {};
  const deadline = job.spec?.startingDeadlineSeconds;
  let from = Date.parse(lastScheduleTime ?? job.metadata.creationTimestamp ?? '');
  if (deadline !== undefined) from = Math.max(from, now - deadline * 1000);
  let missed = 0;
  let latest: number | undefined;
  for (let at = schedule.next(from); at !== undefined && at <= now; at = schedule.next(at)) {
    latest = at;
    missed += 1;
    if (missed > tooMany) {
      latest = jumpAhead(schedule, at, now);
      break;
    }
  }
  return { at: latest, tooManyMissed: missed > tooMany };
}

/** The latest time until `now`, found by ever smaller steps back. */
function jumpAhead(schedule: Schedule, known: number, now: number): number {
  let latest = known;
  for (let back = 60_000; ; back *= 2) {
    const start = Math.max(known, now - back);
    let at = schedule.next(start);
    if ((at === undefined || at > now) && start > known) continue;
    for (; at !== undefined && at <= now; at = schedule.next(at)) latest = at;
    return latest;
  }
}
