/** When an Indexed job has succeeded before all of its indexes have. Source: KEP-3998; Kubernetes' success_policy.go. */
import type { Job } from '../../client/kinds.ts';
import { parseIndexes } from './indexes.ts';

/** Which rule is met, in words. */
export function successOf({ spec }: Job, succeeded: ReadonlySet<number>): string | undefined {
  if (succeeded.size === 0) return undefined;
  for (const [at, { succeededIndexes, succeededCount }] of (spec?.successPolicy?.rules ?? []).entries()) {
    let wanted = succeededCount ?? Number.POSITIVE_INFINITY;
    let found = succeeded.size;
    if (succeededIndexes !== undefined) {
      const indexes = [...parseIndexes(succeededIndexes)].filter((index) => index < (spec?.completions ?? 0));
      if (indexes.length === 0) continue;
      found = indexes.filter((index) => succeeded.has(index)).length;
      wanted = Math.min(wanted, indexes.length);
    }
    if (found >= wanted) return `Matched rules at index ${at}`;
  }
  return undefined;
}
