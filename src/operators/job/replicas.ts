/** How many pods of a job run at a time. Source: `manageJob` in Kubernetes' job_controller.go. */
import type { Job, Pod } from '../../client/kinds.ts';
import type { KeyContext } from '../../runtime/index.ts';
import { forAll } from '../workload/parallel.ts';
import { createPod, deletePod, isNamespaceTerminating } from '../workload/pod-control.ts';
import { slowStart } from '../workload/slow-start.ts';
import type { Tally } from './count.ts';
import { countsPerIndex, failureAnnotations, failuresUpTo, unreplaced } from './index-failures.ts';
import { indexOf } from './indexes.ts';
import {
  finishedAt,
  isActive,
  isFailed,
  isIndexed,
  isSucceeded,
  isTerminating,
  podOf,
  untrack,
  waitsForEnds,
} from './pods.ts';

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
  { completedIndexes, failedIndexes }: Tally,
  context: KeyContext,
): Promise<number | undefined> {
  const active = pods.filter(isActive);
  const { parallelism = 1, completions } = job.spec ?? {};
  const idle = completions === undefined && succeeded > 0;
  let wanted = completions === undefined ? parallelism : Math.min(parallelism, completions - succeeded);
  if (idle) wanted = Math.min(active.length, parallelism);
  wanted = Math.max(0, wanted);
  if (active.length > wanted) {
    await dismissPods(job, surplus(active, active.length - wanted), context);
    return undefined;
  }
  const leaving = waitsForEnds(job) ? pods.filter(isTerminating).length : 0;
  const missing = Math.min(wanted - active.length - leaving, burst);
  if (missing <= 0) return undefined;
  const now = context.clock.now();
  const isOver = (index: number): boolean => completedIndexes.has(index) || failedIndexes.has(index);
  const before = unreplaced(job, pods, isOver);
  let indexes = isIndexed(job) ? freeIndexes(job, pods, isOver, missing) : undefined;
  let wait: number | undefined;
  if (indexes !== undefined && countsPerIndex(job)) {
    const waits = indexes.map((index) => untilIndexRetry(before.get(index), now));
    indexes = indexes.filter((_, at) => waits[at]! <= 0);
    const later = waits.filter((one) => one > 0);
    if (later.length > 0) wait = Math.min(...later);
  } else {
    const left = untilRetry(job, pods, now);
    if (left > 0) return left;
  }
  const { error } = await slowStart(indexes?.length ?? missing, async (at) => {
    const index = indexes?.[at];
    const replaced = index === undefined ? undefined : before.get(index);
    await createPod(context, job, podOf(job, index, failureAnnotations(job, replaced)));
  });
  if (error !== undefined && !isNamespaceTerminating(error)) throw error;
  return wait;
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

/** The lowest that are neither over nor being worked on. */
function freeIndexes(job: Job, pods: readonly Pod[], isOver: (index: number) => boolean, count: number): number[] {
  const isTaken = (pod: Pod): boolean => isActive(pod) || (isTerminating(pod) && waitsForEnds(job));
  const taken = new Set(pods.filter(isTaken).map(indexOf));
  const free: number[] = [];
  for (let index = 0; index < (job.spec?.completions ?? 0) && free.length < count; index++) {
    if (!isOver(index) && !taken.has(index)) free.push(index);
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
  return Math.max(...failures) + backoffAfter(failures.length) - now;
}

function untilIndexRetry(failed: Pod | undefined, now: number): number {
  return failed === undefined ? 0 : finishedAt(failed) + backoffAfter(failuresUpTo(failed)) - now;
}

const backoffAfter = (failures: number): number => Math.min(firstBackoff * 2 ** (failures - 1), longestBackoff);
