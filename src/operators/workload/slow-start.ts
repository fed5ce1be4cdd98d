/**
 * Many calls that probably all fail when one does: in batches of 1, 2, 4, …, stopping after the batch in which one failed.
 * Source: `slowStartBatch` in `k8s.io/kubernetes/pkg/controller/replicaset`.
 */
import { failuresOf } from './parallel.ts';

export interface SlowStartResult {
  readonly successes: number;
  /** The first failure. */
  readonly error: unknown;
}

export async function slowStart(count: number, call: (index: number) => Promise<void>): Promise<SlowStartResult> {
  let successes = 0;
  for (let size = Math.min(1, count), start = 0; size > 0; ) {
    const failures = await failuresOf(
      Array.from({ length: size }, (_, index) => start + index),
      call,
    );
    successes += size - failures.length;
    if (failures.length > 0) return { successes, error: failures[0] };
    start += size;
    size = Math.min(2 * size, count - start);
  }
  return { successes, error: undefined };
}
