/**
 * Counts each pod's end exactly once (KEP-2307): first its uid stands in the status, then its finalizer goes, then the
 * counter takes the uid's place.
 */
import type * as k8s from '@kubernetes/client-node';
import type { Wire } from '../../apis/types.ts';
import type { Job, Pod } from '../../client/kinds.ts';
import { verdictOn } from './failure-policy.ts';
import { countsPerIndex, failsIndex } from './index-failures.ts';
import { formatIndexes, indexOf, parseIndexes } from './indexes.ts';
import type { Outcome } from './outcome.ts';
import { isFailed, isIndexed, isSucceeded, isTracked } from './pods.ts';

export type JobStatus = Wire<k8s.V1JobStatus>;

export interface Tally {
  readonly succeeded: number;
  readonly failed: number;
  /** Of Indexed jobs. */
  readonly completedIndexes: ReadonlySet<number>;
  /** Of Indexed jobs that count failures per index: those that are not tried again. */
  readonly failedIndexes: ReadonlySet<number>;
  readonly uncounted: { readonly succeeded: readonly string[]; readonly failed: readonly string[] };
  /** Pods that stand in `uncounted` and still have their finalizer. */
  readonly toUntrack: readonly Pod[];
}

/**
 * What is known now, from the status so far and the pods there are. Nobody waits for the pods of a job whose end is
 * decided: they count as failed where the job has, and not at all where it has succeeded.
 */
export function tally(job: Job, pods: readonly Pod[], decided?: Outcome['type']): Tally {
  const { status = {} } = job;
  const tracked = new Map(pods.filter(isTracked).map((pod) => [pod.metadata.uid ?? '', pod]));
  const before = {
    succeeded: status.uncountedTerminatedPods?.succeeded ?? [],
    failed: status.uncountedTerminatedPods?.failed ?? [],
  };
  const isWaiting = (uid: string): boolean => tracked.has(uid);
  const uncounted = { succeeded: before.succeeded.filter(isWaiting), failed: before.failed.filter(isWaiting) };
  const completedIndexes = parseIndexes(status.completedIndexes);
  const failedIndexes = parseIndexes(status.failedIndexes);
  const toUntrack: Pod[] = [];
  const known = new Set([...uncounted.succeeded, ...uncounted.failed]);
  for (const [uid, pod] of tracked) {
    const index = indexOf(pod);
    if (known.has(uid)) {
      toUntrack.push(pod);
    } else if (isSucceeded(pod)) {
      if (isIndexed(job)) {
        // An index counts once, however many pods have completed it.
        if (index !== undefined && index < (job.spec?.completions ?? 0)) completedIndexes.add(index);
      } else uncounted.succeeded.push(uid);
      toUntrack.push(pod);
    } else if (isFailed(pod, job) || decided === 'FailureTarget') {
      if (verdictOn(pod, job).counts) uncounted.failed.push(uid);
      if (countsPerIndex(job) && index !== undefined && index < (job.spec?.completions ?? 0) && failsIndex(pod, job))
        failedIndexes.add(index);
      toUntrack.push(pod);
    } else if (decided !== undefined) {
      toUntrack.push(pod);
    }
  }
  return {
    succeeded: isIndexed(job)
      ? completedIndexes.size
      : (status.succeeded ?? 0) + before.succeeded.length - before.succeeded.filter(isWaiting).length,
    failed: (status.failed ?? 0) + before.failed.length - before.failed.filter(isWaiting).length,
    completedIndexes,
    failedIndexes,
    uncounted,
    toUntrack,
  };
}

/** The part of the status that holds the tally. */
export function tallyStatus(
  job: Job,
  { succeeded, failed, completedIndexes, failedIndexes, uncounted }: Tally,
): Partial<JobStatus> {
  const indexes = formatIndexes(completedIndexes);
  return {
    ...(succeeded === 0 ? {} : { succeeded }),
    ...(failed === 0 ? {} : { failed }),
    ...(isIndexed(job) && indexes !== '' ? { completedIndexes: indexes } : {}),
    ...(countsPerIndex(job) ? { failedIndexes: formatIndexes(failedIndexes) } : {}),
    uncountedTerminatedPods: {
      ...(uncounted.succeeded.length === 0 ? {} : { succeeded: [...uncounted.succeeded] }),
      ...(uncounted.failed.length === 0 ? {} : { failed: [...uncounted.failed] }),
    },
  };
}
