/** Source: Kubernetes `pkg/apis/core/validation/validation.go`, ValidateConfigMap and ValidateConfigMapUpdate. */
import { type FieldError, FieldPath, forbidden, invalid, tooLong } from '../../machinery/field.ts';
import { deepEqual, type JsonValue } from '../../machinery/json.ts';
import { byteLength, isConfigMapKey } from '../../machinery/names.ts';
import type { ConfigMap } from '../types.ts';

/** Of all the values of a ConfigMap or Secret together. */
export const maxSecretSize = 1024 * 1024;

export function validateConfigMap(object: ConfigMap): FieldError[] {
  const errors: FieldError[] = [];
  let total = 0;
  for (const [key, value] of Object.entries(object.data ?? {})) {
    checkKey('data', key, errors);
    if (object.binaryData !== undefined && Object.hasOwn(object.binaryData, key)) {
      errors.push(invalid(FieldPath.of('data').key(key), key, 'duplicate of key present in binaryData'));
    }
    total += byteLength(value);
  }
  for (const [key, value] of Object.entries(object.binaryData ?? {})) {
    checkKey('binaryData', key, errors);
    total += base64Length(value);
  }
  // So Go prints a path whose only name is empty.
  if (total > maxSecretSize) errors.push(tooLong('[]', '', maxSecretSize));
  return errors;
}

export function validateConfigMapUpdate(object: ConfigMap, old: ConfigMap): FieldError[] {
  return [...validateImmutable(object, old, ['data', 'binaryData']), ...validateConfigMap(object)];
}

/** Once `immutable` is true, neither it nor the data may change. */
export function validateImmutable<T extends { immutable?: boolean }>(
  object: T,
  old: T,
  fields: readonly (keyof T & string)[],
): FieldError[] {
  if (old.immutable !== true) return [];
  const errors: FieldError[] = [];
  const refuse = (field: string): void => {
    errors.push(forbidden(FieldPath.of(field), 'field is immutable when `immutable` is set'));
  };
  if (object.immutable !== true) refuse('immutable');
  for (const field of fields) {
    if (!deepEqual((object[field] ?? {}) as JsonValue, (old[field] ?? {}) as JsonValue)) refuse(field);
  }
  return errors;
}

function checkKey(field: string, key: string, errors: FieldError[]): void {
  for (const message of isConfigMapKey(key)) errors.push(invalid(FieldPath.of(field).key(key), key, message));
}

/** How many bytes a base64 text stands for. */
export function base64Length(text: string): number {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  return Math.floor((text.length * 3) / 4) - padding;
}
