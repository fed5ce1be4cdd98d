/**
 * Many calls to the API, a few at a time: a server takes only so many at once (`--max-mutating-requests-inflight`), and
 * other controllers have theirs.
 */
const atOnce = 16;

/** Calls for every item, whatever becomes of the others. @throws the first failure, after all have ended */
export async function forAll<T>(items: readonly T[], call: (item: T) => Promise<unknown>): Promise<void> {
  const failures = await failuresOf(items, call);
  if (failures.length > 0) throw failures[0];
}

/** The same, answering what failed. */
export async function failuresOf<T>(items: readonly T[], call: (item: T) => Promise<unknown>): Promise<unknown[]> {
  const failures: unknown[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < items.length) {
      const item = items[next++]!;
      try {
        await call(item);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, work));
  return failures;
}
