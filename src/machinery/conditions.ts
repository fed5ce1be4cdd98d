/** Lists of `metav1.Condition`. Source: `k8s.io/apimachinery/pkg/api/meta/conditions.go`. */

export interface Condition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  reason: string;
  message: string;
  lastTransitionTime: string;
  observedGeneration?: number;
}

type Named = { readonly type: string; readonly status: string };

export function findCondition<T extends Named>(conditions: readonly T[] | undefined, type: string): T | undefined {
  return conditions?.find((condition) => condition.type === type);
}

export function isConditionTrue(conditions: readonly Named[] | undefined, type: string): boolean {
  return findCondition(conditions, type)?.status === 'True';
}

export function isConditionFalse(conditions: readonly Named[] | undefined, type: string): boolean {
  return findCondition(conditions, type)?.status === 'False';
}

/**
 * The list with this condition in it. `lastTransitionTime` becomes `now` only when the status changes, or when there was
 * none of this type; a time that `condition` brings is used instead. The same list is answered when nothing changes.
 */
export function setCondition<T extends Named & { lastTransitionTime?: string }>(
  conditions: readonly T[] | undefined,
  condition: Omit<T, 'lastTransitionTime'> & { lastTransitionTime?: string },
  now: string,
): T[] {
  const list = (conditions ?? []) as T[];
  const at = list.findIndex(({ type }) => type === condition.type);
  const before = list[at];
  const unchanged = before !== undefined && before.status === condition.status;
  const lastTransitionTime = (unchanged ? before.lastTransitionTime : condition.lastTransitionTime) ?? now;
  const after = { ...before, ...condition, lastTransitionTime } as unknown as T;
  if (before === undefined) return [...list, after];
  return sameFields(before, after) ? list : list.with(at, after);
}

/** The list without the conditions of a type; the same list when it has none. */
export function removeCondition<T extends Named>(conditions: readonly T[] | undefined, type: string): T[] {
  const list = (conditions ?? []) as T[];
  return list.some((condition) => condition.type === type) ? list.filter((condition) => condition.type !== type) : list;
}

function sameFields(a: object, b: object): boolean {
  const left = Object.entries(a);
  return (
    left.length === Object.keys(b).length && left.every(([key, value]) => (b as Record<string, unknown>)[key] === value)
  );
}
