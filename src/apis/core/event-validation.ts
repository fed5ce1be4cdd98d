/** Source: Kubernetes `pkg/apis/core/validation/events.go`. */
import { type FieldError, FieldPath, invalid, required } from '../../machinery/field.ts';
import { byteLength, isDns1123Subdomain, isQualifiedName } from '../../machinery/names.ts';
import type { Event } from '../types.ts';

const shortLimit = 128;
const messageLimit = 1024;

/** The rules for `v1`, which every event keeps. */
export function validateEvent(event: Event): FieldError[] {
  const errors: FieldError[] = [];
  const namespace = event.metadata.namespace ?? '';
  const involved = event.involvedObject.namespace ?? '';
  const mismatch = (): void => {
    errors.push(invalid('involvedObject.namespace', involved, 'does not match event.namespace'));
  };
  if ((event.eventTime ?? null) === null) {
    // Without eventTime it is an event of the old form.
    if (involved === '' ? namespace !== '' && namespace !== 'default' : namespace !== involved) mismatch();
  } else {
    if (involved === '' && namespace !== 'default' && namespace !== 'kube-system') mismatch();
    const controller = event.reportingComponent ?? '';
    if (controller === '') errors.push(required('reportingComponent'));
    for (const problem of isQualifiedName(controller)) errors.push(invalid('reportingComponent', controller, problem));
    checkText(errors, 'reportingInstance', event.reportingInstance);
    checkText(errors, 'action', event.action);
    checkText(errors, 'reason', event.reason);
    if (byteLength(event.message ?? '') > messageLimit) errors.push(tooManyCharacters('message', messageLimit));
  }
  for (const problem of isDns1123Subdomain(namespace)) errors.push(invalid('namespace', namespace, problem));
  return errors;
}

/** An update through `v1` keeps the same rules, and nothing more, for compatibility. */
export const validateEventUpdate = validateEvent;

function checkText(errors: FieldError[], field: string, text = ''): void {
  if (text === '') errors.push(required(FieldPath.of(field)));
  if (byteLength(text) > shortLimit) errors.push(tooManyCharacters(field, shortLimit));
}

const tooManyCharacters = (field: string, limit: number): FieldError =>
  invalid(field, '', `can have at most ${limit} characters`);
