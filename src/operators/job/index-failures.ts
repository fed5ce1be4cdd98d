/** Failures that count for each index of its own (`backoffLimitPerIndex`). Source: KEP-3850; Kubernetes' backoff_utils.go. */
import type { Job, Pod } from '../../client/kinds.ts';
import { verdictOn } from './failure-policy.ts';
import { indexOf } from './indexes.ts';
import { finishedAt, isActive, isFailed, isTracked } from './pods.ts';

/** How often the index had failed before this pod, with and without those failures that are ignored. */
const failureCount = 'batch.kubernetes.io/job-index-failure-count';
const ignoredCount = 'batch.kubernetes.io/job-index-ignored-failure-count';

export const countsPerIndex = ({ spec }: Job): boolean => spec?.backoffLimitPerIndex !== undefined;

/** Whether the index has failed for good with this pod, which has failed. */
export function failsIndex(pod: Pod, job: Job): boolean {
  const verdict = verdictOn(pod, job);
  if (verdict.failsIndex) return true;
  return verdict.counts && countOf(pod, failureCount) >= (job.spec?.backoffLimitPerIndex ?? 0);
}

/** The annotations of a pod that takes the place of another. */
export function failureAnnotations(job: Job, replaced: Pod | undefined): Record<string, string> {
  if (!countsPerIndex(job)) return {};
  if (replaced === undefined) return { [failureCount]: '0' };
  const { counts } = verdictOn(replaced, job);
  const ignored = countOf(replaced, ignoredCount) + (counts ? 0 : 1);
  return {
    [failureCount]: String(countOf(replaced, failureCount) + (counts ? 1 : 0)),
    ...(ignored === 0 ? {} : { [ignoredCount]: String(ignored) }),
  };
}

/** How many failures of the index are behind, this pod's included. */
export const failuresUpTo = (pod: Pod): number => failuresBefore(pod) + 1;

/** Failed pods, by index, that nothing has replaced yet: they alone know how often the index has failed, and stay till then. */
export function unreplaced(job: Job, pods: readonly Pod[], over: (index: number) => boolean): Map<number, Pod> {
  const last = new Map<number, Pod>();
  if (!countsPerIndex(job)) return last;
  const active = new Set(pods.filter(isActive).map(indexOf));
  for (const pod of pods) {
    const index = indexOf(pod);
    if (index === undefined || over(index) || active.has(index) || !isTracked(pod) || !isFailed(pod, job)) continue;
    const other = last.get(index);
    if (other === undefined || isLater(pod, other)) last.set(index, pod);
  }
  return last;
}

function isLater(pod: Pod, other: Pod): boolean {
  const more = failuresBefore(pod) - failuresBefore(other);
  return more > 0 || (more === 0 && finishedAt(pod) >= finishedAt(other));
}

const failuresBefore = (pod: Pod): number => countOf(pod, failureCount) + countOf(pod, ignoredCount);

function countOf({ metadata }: Pod, annotation: string): number {
  const text = metadata.annotations?.[annotation] ?? '';
  return /^\d+$/.test(text) ? Number(text) : 0;
}
