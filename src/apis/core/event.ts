/**
 * Events. `v1` and `events.k8s.io/v1` are two spellings of the same stored objects.
 * Source: Kubernetes `pkg/registry/core/event`, `pkg/printers/internalversion/printers.go`.
 */
import { builtinType } from '../builtin.ts';
import { age, column } from '../columns.ts';
import type { Column, SelectableField } from '../resource-type.ts';
import type { Event } from '../types.ts';
import { validateEvent } from './event-validation.ts';

const definition = 'io.k8s.api.core.v1.Event';

/** How long events are kept: one hour. */
export const eventTtlSeconds = 3600;

export const eventColumns: readonly Column[] = [
  column<Event>('Last Seen', 'string', lastSeen, { describedBy: [definition, 'lastTimestamp'] }),
  column<Event>('Type', 'string', ({ type }) => type ?? '', { describedBy: [definition, 'type'] }),
  column<Event>('Reason', 'string', ({ reason }) => reason ?? '', { describedBy: [definition, 'reason'] }),
  column<Event>('Object', 'string', target, { describedBy: [definition, 'involvedObject'] }),
  column<Event>('Subobject', 'string', ({ involvedObject }) => involvedObject?.fieldPath ?? '', {
    wide: true,
    describedBy: ['io.k8s.api.core.v1.ObjectReference', 'fieldPath'],
  }),
  column<Event>('Source', 'string', source, { wide: true, describedBy: [definition, 'source'] }),
  column<Event>('Message', 'string', ({ message }) => (message ?? '').trim(), { describedBy: [definition, 'message'] }),
  column<Event>('First Seen', 'string', firstSeen, { wide: true, describedBy: [definition, 'firstTimestamp'] }),
  column<Event>('Count', 'string', count, { wide: true, describedBy: [definition, 'count'] }),
  column<Event>('Name', 'string', ({ metadata }) => metadata.name ?? '', {
    wide: true,
    format: 'name',
    describedBy: ['io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta', 'name'],
  }),
];

const field = (name: string, value: (event: Event) => string | undefined): SelectableField => ({
  name,
  value: (object) => value(object as unknown as Event) ?? '',
});

export const eventType = builtinType<Event>({
  group: '',
  kind: 'Event',
  plural: 'events',
  shortNames: ['ev'],
  columns: eventColumns,
  selectableFields: [
    field('involvedObject.kind', (event) => event.involvedObject.kind),
    field('involvedObject.namespace', (event) => event.involvedObject.namespace),
    field('involvedObject.name', (event) => event.involvedObject.name),
    field('involvedObject.uid', (event) => event.involvedObject.uid),
    field('involvedObject.apiVersion', (event) => event.involvedObject.apiVersion),
    field('involvedObject.resourceVersion', (event) => event.involvedObject.resourceVersion),
    field('involvedObject.fieldPath', (event) => event.involvedObject.fieldPath),
    field('reason', (event) => event.reason),
    field('reportingComponent', (event) => event.reportingComponent),
    field('source', (event) => event.source?.component || event.reportingComponent),
    field('type', (event) => event.type),
  ],
  strategy: {
    allowCreateOnUpdate: true,
    ttlSeconds: () => eventTtlSeconds,
    validateName: () => [],
    validate: validateEvent,
    validateUpdate: validateEvent,
  },
});

function lastSeen(event: Event, now: number): string {
  const { series, lastTimestamp, eventTime } = event;
  return age(series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? event.firstTimestamp, now);
}

function firstSeen(event: Event, now: number): string {
  return age(event.firstTimestamp ?? event.eventTime, now);
}

function target({ involvedObject }: Event): string {
  const kind = (involvedObject.kind ?? '').toLowerCase();
  return involvedObject.name === undefined ? kind : `${kind}/${involvedObject.name}`;
}

function source(event: Event): string {
  const component = event.source?.component || event.reportingComponent || '';
  const host = event.source?.host || event.reportingInstance || '';
  return host === '' ? component : `${component}, ${host}`;
}

function count({ count: times, series }: Event): number {
  return series?.count ?? ((times ?? 0) === 0 ? 1 : times!);
}
