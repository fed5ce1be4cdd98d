/** How many pods of a job run at a time. Source: `manageJob` in Kubernetes' job_controller.go. */
import type { Job, Pod } from '../../client/kinds.ts';
import type { KeyContext } from '../../runtime/index.ts';
import { forAll } from '../workload/parallel.ts';
import { createPod, deletePod, isNamespaceTerminating } from '../workload/pod-control.ts';
import { slowStart } from '../workload/slow-start.ts';
import type { Tally } from './count.ts';
import { indexOf } from './indexes.ts';
import { finishedAt, isActive, isFailed, isIndexed, isSucceeded, isTerminating, podOf, untrack } from './pods.ts';

/** At most so many pods are made in one go. */
const burst = 500;
/** After a failure, the next pod waits 10 s, 20 s, 40 s, … */
const firstBackoff = 10_000;
const longestBackoff = 600_000;

/** Makes or deletes pods. Answers how long a new pod has to wait after failures, in milliseconds, if it has to. */
export async function manageJob(
  job: Job,
  pods: readonly Pod[],
  succeeded: number,
  { completedIndexes }: Tally,
  context: KeyContext,
): Promise<number | undefined> {
  const active = pods.filter(isActive);
  const { parallelism = 1, completions, podReplacementPolicy } = job.spec ?? {};
  const idle = completions === undefined && succeeded > 0;
  let wanted = completions === undefined ? parallelism : Math.min(parallelism, completions - succeeded);
  if (idle) wanted = Math.min(active.length, parallelism);
  wanted = Math.max(0, wanted);
  if (active.length > wanted) {
    await dismissPods(job, surplus(active, active.length - wanted), context);
    return undefined;
  }
  const leaving = podReplacementPolicy === 'Failed' ? pods.filter(isTerminating).length : 0;
  const missing = Math.min(wanted - active.length - leaving, burst);
  if (missing <= 0) return undefined;
  const wait = untilRetry(job, pods, context.clock.now());
  if (wait > 0) return wait;
  const indexes = isIndexed(job) ? freeIndexes(job, pods, completedIndexes, missing) : undefined;
  const { error } = await slowStart(indexes?.length ?? missing, async (at) => {
    await createPod(context, job, podOf(job, indexes?.[at]));
  });
  if (error !== undefined && !isNamespaceTerminating(error)) throw error;
  return undefined;
}

/** Deletes pods that are not wanted now, which is no failure of theirs: their end is not counted. */
export async function dismissPods(job: Job, pods: readonly Pod[], context: KeyContext): Promise<void> {
  await forAll(pods, (pod) => untrack(pod, context));
  await deletePods(job, pods, context);
}

export async function deletePods(job: Job, pods: readonly Pod[], context: KeyContext): Promise<void> {
  await forAll(pods, (pod) => deletePod(context, job, pod));
}

/** Those that have got least far: unassigned, pending, the youngest. */
function surplus(active: readonly Pod[], count: number): Pod[] {
  const rank = ({ spec, status }: Pod): number =>
    (spec?.nodeName === undefined || spec.nodeName === '' ? 0 : 2) + (status?.phase === 'Running' ? 1 : 0);
  const created = ({ metadata }: Pod): number => Date.parse(metadata.creationTimestamp ?? '');
  return [...active].sort((a, b) => rank(a) - rank(b) || created(b) - created(a)).slice(0, count);
}

/** The lowest that are neither completed nor being worked on. */
function freeIndexes(job: Job, pods: readonly Pod[], completed: ReadonlySet<number>, count: number): number[] {
  const isTaken = (pod: Pod): boolean =>
    isActive(pod) || (isTerminating(pod) && job.spec?.podReplacementPolicy === 'Failed');
  const taken = new Set(pods.filter(isTaken).map(indexOf));
  const free: number[] = [];
  for (let index = 0; index < (job.spec?.completions ?? 0) && free.length < count; index++) {
    if (!completed.has(index) && !taken.has(index)) free.push(index);
  }
  return free;
}

function untilRetry(job: Job, pods: readonly Pod[], now: number): number {
  const lastSuccess = Math.max(0, ...pods.filter(isSucceeded).map(finishedAt));
  const failures = pods
    .filter((pod) => pod.status?.phase === 'Failed' && isFailed(pod, job))
    .map(finishedAt)
    .filter((at) => at >= lastSuccess);
  if (failures.length === 0) return 0;
  const backoff = Math.min(firstBackoff * 2 ** (failures.length - 1), longestBackoff);
  return Math.max(...failures) + backoff - now;
}
