/**
 * Events as `events.k8s.io/v1` spells them. They are stored as core events, and each group sees what was written through
 * the other.
 * Source: Kubernetes `pkg/apis/events/v1/conversion.go`, `pkg/registry/core/event/strategy.go`.
 */
import type { JsonObject } from '../../machinery/json.ts';
import type { ApiObject } from '../../machinery/object.ts';
import { builtinType } from '../builtin.ts';
import { eventColumns, eventTtlSeconds } from '../core/event.ts';
import { validateNewEvent, validateNewEventUpdate } from '../core/event-validation.ts';
import type { Column, SelectableField } from '../resource-type.ts';
import type { Event, NewEvent } from '../types.ts';

/** What core calls the fields that have another name here. The rest is called the same. */
const coreNames = {
  note: 'message',
  regarding: 'involvedObject',
  reportingController: 'reportingComponent',
  deprecatedSource: 'source',
  deprecatedFirstTimestamp: 'firstTimestamp',
  deprecatedLastTimestamp: 'lastTimestamp',
  deprecatedCount: 'count',
} as const;

const newNames: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(coreNames).map(([name, core]) => [core, name]),
);

/** The stored form. The event itself when it has it already. */
export function toCoreEvent(event: ApiObject): Event {
  return (event.apiVersion === 'v1' ? event : renamed(event, 'v1', coreNames)) as Event;
}

export function toNewEvent(event: ApiObject): NewEvent {
  return (event.apiVersion === 'v1' ? renamed(event, 'events.k8s.io/v1', newNames) : event) as NewEvent;
}

function renamed(event: ApiObject, apiVersion: string, names: Readonly<Record<string, string>>): ApiObject {
  const result: JsonObject = { apiVersion };
  for (const [field, value] of Object.entries(event as JsonObject)) {
    if (field !== 'apiVersion') result[names[field] ?? field] = value;
  }
  return result as unknown as ApiObject;
}

/** With the prototype, not a copy: descriptions are read when they are asked for. */
const columns: readonly Column[] = eventColumns.map((column) =>
  Object.create(column, {
    cell: { value: (object: ApiObject, now: number) => column.cell(toCoreEvent(object), now) },
  }),
);

const references = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'] as const;

const field = (name: string, value: (event: Event) => string | undefined): SelectableField => ({
  name,
  value: (object) => value(toCoreEvent(object)) ?? '',
});

export const newEventType = builtinType<NewEvent>({
  group: 'events.k8s.io',
  kind: 'Event',
  plural: 'events',
  shortNames: ['ev'],
  columns,
  selectableFields: [
    ...references.map((name) => field(`regarding.${name}`, ({ involvedObject }) => involvedObject?.[name])),
    field('reason', ({ reason }) => reason),
    field('reportingController', ({ reportingComponent }) => reportingComponent),
    field('type', ({ type }) => type),
  ],
  storedAs: { group: '', toStored: toCoreEvent },
  convert: (events) => Promise.resolve(events.map(toNewEvent)),
  strategy: {
    allowCreateOnUpdate: true,
    ttlSeconds: () => eventTtlSeconds,
    validate: (event) => validateNewEvent(toCoreEvent(event)),
    validateUpdate: (event, old) => validateNewEventUpdate(toCoreEvent(event), toCoreEvent(old)),
  },
});
