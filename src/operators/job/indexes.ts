/** The indexes of Indexed jobs. Source: `k8s.io/kubernetes/pkg/controller/job/indexed_job_utils.go`. */
import type { Pod } from '../../client/kinds.ts';

export const indexAnnotation = 'batch.kubernetes.io/job-completion-index';

export function indexOf({ metadata }: Pod): number | undefined {
  const text = metadata.annotations?.[indexAnnotation];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** `1,3-5,7` as numbers. */
export function parseIndexes(text: string | undefined): Set<number> {
  const indexes = new Set<number>();
  for (const range of text === undefined || text === '' ? [] : text.split(',')) {
    const [first = 0, last = first] = range.split('-').map(Number);
    for (let index = first; index <= last; index++) indexes.add(index);
  }
  return indexes;
}

/** Numbers as `1,3-5,7`. */
export function formatIndexes(indexes: Iterable<number>): string {
  const sorted = [...indexes].sort((a, b) => a - b);
  const ranges: string[] = [];
  for (let i = 0; i < sorted.length; ) {
    let end = i;
    while (sorted[end + 1] === sorted[end]! + 1) end++;
    if (end === i) ranges.push(String(sorted[i]));
    else ranges.push(`${sorted[i]}${end === i + 1 ? ',' : '-'}${sorted[end]}`);
    i = end + 1;
  }
  return ranges.join(',');
}
