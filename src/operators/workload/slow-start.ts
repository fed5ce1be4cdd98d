/**
 * Many calls that probably all fail when one does: in batches of 1, 2, 4, …, stopping after the batch in which one failed.
 * Source: `slowStartBatch` in `k8s.io/kubernetes/pkg/controller/replicaset`.
 */
export interface SlowStartResult {
  readonly successes: number;
  /** The first failure. */
  readonly error: unknown;
}

export async function slowStart(count: number, call: (index: number) => Promise<void>): Promise<SlowStartResult> {
  let successes = 0;
  for (let size = Math.min(1, count), start = 0; size > 0; ) {
    const answers = await Promise.allSettled(Array.from({ length: size }, (_, index) => call(start + index)));
    const failures = answers.filter((answer) => answer.status === 'rejected');
    successes += size - failures.length;
    if (failures.length > 0) return { successes, error: failures[0]!.reason };
    start += size;
    size = Math.min(2 * size, count - start);
  }
  return { successes, error: undefined };
}
