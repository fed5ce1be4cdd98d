/** What the columns of kubectl's tables are made of. Source: Kubernetes `pkg/printers/internalversion/printers.go`. */

import { humanDuration } from '../machinery/duration.ts';
import { type LabelSelectorSpec, LabelSelector as Selector, SelectorError } from '../machinery/label-selector.ts';
import type { ApiObject } from '../machinery/object.ts';
import type { Cell, Column } from './resource-type.ts';
import { descriptionOf } from './schemas.ts';
import type { Container, LabelSelector } from './types.ts';

type CellOf<T> = (object: T, now: number) => Cell;

/** A column whose cell is typed by the kind. */
export function column<T>(
  name: string,
  type: Column['type'],
  cell: CellOf<T>,
  options: {
    wide?: boolean;
    format?: string;
    describedBy?: readonly [definition: string, field: string];
    description?: string;
  } = {},
): Column {
  const { describedBy } = options;
  return {
    name,
    type,
    ...(options.format === undefined ? {} : { format: options.format }),
    get description() {
      return options.description ?? (describedBy && descriptionOf(describedBy[0])?.fields[describedBy[1]]) ?? '';
    },
    priority: options.wide === true ? 1 : 0,
    cell: cell as (object: unknown, now: number) => Cell as Column['cell'],
  };
}

const objectMeta = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

export const nameColumn = column<ApiObject>('Name', 'string', ({ metadata }) => metadata.name ?? '', {
  format: 'name',
  describedBy: [objectMeta, 'name'],
});

export const ageColumn = column<ApiObject>(
  'Age',
  'string',
  ({ metadata }, now) => age(metadata.creationTimestamp, now),
  {
    describedBy: [objectMeta, 'creationTimestamp'],
  },
);

/** How long ago a time was, as kubectl says it: `5m`, `3d4h`, `<unknown>`. */
export function age(time: string | null | undefined, now: number): string {
  return time === undefined || time === null ? '<unknown>' : humanDuration(now - Date.parse(time));
}

export function containerNames(containers: readonly Container[] | undefined): string {
  return (containers ?? []).map(({ name }) => name).join(',');
}

export function containerImages(containers: readonly Container[] | undefined): string {
  return (containers ?? []).map(({ image }) => image ?? '').join(',');
}

/** `metav1.FormatLabelSelector`. */
export function selectorText(selector: LabelSelector | undefined): string {
  if (selector === undefined) return '<none>';
  try {
    const text = Selector.fromSpec(selector as LabelSelectorSpec).toString();
    return text === '' ? '<none>' : text;
  } catch (error) {
    if (error instanceof SelectorError) return '<error>';
    throw error;
  }
}

/** A map of labels as `key=value` pairs, or `<none>`. */
export function labelsText(labels: Readonly<Record<string, string>> | undefined): string {
  const entries = Object.entries(labels ?? {});
  return entries.length === 0
    ? '<none>'
    : entries
        .sort()
        .map(([key, value]) => `${key}=${value}`)
        .join(',');
}
