/** Small rules that the validation of many fields is made of. Source: Kubernetes `pkg/apis/core/validation/validation.go`. */
import { type FieldError, type FieldPath, invalid, notSupported, required } from '../../machinery/field.ts';
import { validateIp } from '../../machinery/ip.ts';
import { deepEqual, type JsonValue } from '../../machinery/json.ts';
import { isDns1123Label, isPortName, isPortNumber } from '../../machinery/names.ts';

export const negative = 'must be greater than or equal to 0';
export const notPositive = 'must be greater than zero';

export function checkAll(problems: readonly string[], path: FieldPath, value: unknown, errors: FieldError[]): void {
  for (const problem of problems) errors.push(invalid(path, value, problem));
}

export function checkNonNegative(value: number | undefined, path: FieldPath, errors: FieldError[]): void {
  if (value !== undefined && value < 0) errors.push(invalid(path, value, negative));
}

/** A field that keeps its value for good; absent and null are the same. */
export function checkImmutable(value: unknown, old: unknown, path: FieldPath, errors: FieldError[]): void {
  if (!deepEqual((value ?? null) as JsonValue, (old ?? null) as JsonValue)) {
    errors.push(invalid(path, value, 'field is immutable'));
  }
}

export function checkDns1123Label(value: string, path: FieldPath, errors: FieldError[]): void {
  checkAll(isDns1123Label(value), path, value, errors);
}

/** A field that must be one of a few values; absent or empty is its own error. */
export function checkOneOf(
  value: string | undefined,
  supported: readonly string[],
  path: FieldPath,
  errors: FieldError[],
): void {
  if (value === undefined || value === '') errors.push(required(path));
  else if (!supported.includes(value)) errors.push(notSupported(path, value, supported));
}

/** A number between 1 and 65535, or the name of a port. */
export function checkPortNumberOrName(port: number | string, path: FieldPath, errors: FieldError[]): void {
  checkAll(typeof port === 'number' ? isPortNumber(port) : isPortName(port), path, port, errors);
}

export function checkIP(address: string, path: FieldPath, errors: FieldError[]): void {
  errors.push(...validateIp(path, address));
}

/** A relative path that does not climb out. */
export function checkDescendingPath(text: string, path: FieldPath, errors: FieldError[]): void {
  if (text.startsWith('/')) errors.push(invalid(path, text, 'must be a relative path'));
  checkNoBacksteps(text, path, errors);
}

export function checkNoBacksteps(text: string, path: FieldPath, errors: FieldError[]): void {
  if (text.split('/').includes('..')) errors.push(invalid(path, text, "must not contain '..'"));
}

/** A relative path whose first part is not kept for the atomic writer (`..data`). */
export function checkFilePath(text: string, path: FieldPath, errors: FieldError[]): void {
  checkDescendingPath(text, path, errors);
  // A back step at the beginning is said already.
  if (text.startsWith('..') && !text.split('/').includes('..')) {
    errors.push(invalid(path, text, "must not start with '..'"));
  }
}

const fileMode = 'must be a number between 0 and 0777 (octal), both inclusive';

export function checkFileMode(mode: number | undefined, path: FieldPath, errors: FieldError[]): void {
  if (mode !== undefined && (mode > 0o777 || mode < 0)) errors.push(invalid(path, mode, fileMode));
}
