/** Source: Kubernetes `pkg/apis/core/validation/events.go`. */
import { type FieldError, FieldPath, invalid, required } from '../../machinery/field.ts';
import { deepEqual } from '../../machinery/json.ts';
import { byteLength, isDns1123Subdomain, isQualifiedName } from '../../machinery/names.ts';
import type { Event } from '../types.ts';
import { checkImmutable } from './field-rules.ts';

const shortLimit = 128;
const messageLimit = 1024;

/** What every event keeps, and all that is asked of those that are written as `v1`. Updates keep the same rules. */
export function validateEvent(event: Event): FieldError[] {
  return validate(event, 'reportingComponent');
}

/** `events.k8s.io/v1` asks for more. Its errors name the fields as core does. */
export function validateNewEvent(event: Event): FieldError[] {
  const errors = validate(event, 'reportingController');
  validateSeries(event, errors);
  if (!isSet(event.eventTime)) errors.push(required('eventTime'));
  const { type = '' } = event;
  if (type !== 'Normal' && type !== 'Warning') errors.push(invalid('type', '', `has invalid value: ${type}`));
  const unset = (field: string, isUnset: boolean): void => {
    if (!isUnset) errors.push(invalid(field, '', 'needs to be unset'));
  };
  unset('firstTimestamp', !isSet(event.firstTimestamp));
  unset('lastTimestamp', !isSet(event.lastTimestamp));
  unset('count', (event.count ?? 0) === 0);
  unset('source', (event.source?.component ?? '') === '' && (event.source?.host ?? '') === '');
  return errors;
}

const immutable = [
  'involvedObject',
  'reason',
  'message',
  'source',
  'firstTimestamp',
  'lastTimestamp',
  'count',
  'type',
  'eventTime',
  'action',
  'related',
  'reportingComponent',
  'reportingInstance',
] as const;

export function validateNewEventUpdate(event: Event, old: Event): FieldError[] {
  const errors = validate(event, 'reportingController');
  if (!deepEqual(event.series ?? null, old.series ?? null)) validateSeries(event, errors);
  for (const field of immutable) {
    const shown = field === 'reportingComponent' ? 'reportingController' : field;
    checkImmutable(event[field], old[field], FieldPath.of(shown), errors);
  }
  return errors;
}

function validateSeries({ series }: Event, errors: FieldError[]): void {
  if (series === undefined || series === null) return;
  if ((series.count ?? 0) < 2) errors.push(invalid('series.count', '', 'should be at least 2'));
  if (!isSet(series.lastObservedTime)) errors.push(required('series.lastObservedTime'));
}

const isSet = (time: string | null | undefined): boolean => (time ?? null) !== null;

function validate(event: Event, controllerField: string): FieldError[] {
  const errors: FieldError[] = [];
  const namespace = event.metadata.namespace ?? '';
  const involved = event.involvedObject?.namespace ?? '';
  const mismatch = (): void => {
    errors.push(invalid('involvedObject.namespace', involved, 'does not match event.namespace'));
  };
  if (!isSet(event.eventTime)) {
    // Without eventTime it is an event of the old form.
    if (involved === '' ? namespace !== '' && namespace !== 'default' : namespace !== involved) mismatch();
  } else {
    if (involved === '' && namespace !== 'default' && namespace !== 'kube-system') mismatch();
    const controller = event.reportingComponent ?? '';
    if (controller === '') errors.push(required(controllerField));
    for (const problem of isQualifiedName(controller)) errors.push(invalid(controllerField, controller, problem));
    checkText(errors, 'reportingInstance', event.reportingInstance);
    checkText(errors, 'action', event.action);
    checkText(errors, 'reason', event.reason);
    if (byteLength(event.message ?? '') > messageLimit) errors.push(tooManyCharacters('message', messageLimit));
  }
  for (const problem of isDns1123Subdomain(namespace)) errors.push(invalid('namespace', namespace, problem));
  return errors;
}

function checkText(errors: FieldError[], field: string, text = ''): void {
  if (text === '') errors.push(required(FieldPath.of(field)));
  if (byteLength(text) > shortLimit) errors.push(tooManyCharacters(field, shortLimit));
}

const tooManyCharacters = (field: string, limit: number): FieldError =>
  invalid(field, '', `can have at most ${limit} characters`);
