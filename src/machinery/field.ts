/**
 * Field paths and field errors, with the words of Kubernetes' `k8s.io/apimachinery/pkg/util/validation/field`.
 */
import { goJson, goNumber, goQuote } from './go-text.ts';
import { type JsonValue, stringifyJson } from './json.ts';

export { goQuote };

/** An immutable path to a field, rendered as `spec.containers[0].env[NAME]`. Built only when something is wrong or walked. */
export class FieldPath {
  readonly #parent: FieldPath | undefined;
  readonly #part: string | number;
  readonly #isField: boolean;

  /** Text is made of it only when something is wrong. */
  private constructor(parent: FieldPath | undefined, part: string | number, isField: boolean) {
    this.#parent = parent;
    this.#part = part;
    this.#isField = isField;
  }

  /** `FieldPath.of('metadata', 'name')` is `metadata.name`; with no names, the empty path (the object itself). */
  static of(...names: string[]): FieldPath {
    return names.reduce((path, name) => path.child(name), new FieldPath(undefined, '', true));
  }

  child(name: string): FieldPath {
    return new FieldPath(this, name, true);
  }

  index(index: number): FieldPath {
    return new FieldPath(this, index, false);
  }

  /** An entry of a map: `labels[app]`. */
  key(key: string): FieldPath {
    return new FieldPath(this, key, false);
  }

  toString(): string {
    let text = '';
    for (let path: FieldPath = this; path.#parent !== undefined; path = path.#parent) {
      text = (path.#isField ? `.${path.#part}` : `[${path.#part}]`) + text;
    }
    return text.startsWith('.') ? text.slice(1) : text;
  }
}

const reasons = {
  NotFound: ['FieldValueNotFound', 'Not found'],
  Required: ['FieldValueRequired', 'Required value'],
  Duplicate: ['FieldValueDuplicate', 'Duplicate value'],
  Invalid: ['FieldValueInvalid', 'Invalid value'],
  NotSupported: ['FieldValueNotSupported', 'Unsupported value'],
  Forbidden: ['FieldValueForbidden', 'Forbidden'],
  TooLong: ['FieldValueTooLong', 'Too long'],
  TooMany: ['FieldValueTooMany', 'Too many'],
  Internal: ['InternalError', 'Internal error'],
  TypeInvalid: ['FieldValueTypeInvalid', 'Invalid value'],
} as const;

export type FieldErrorType = keyof typeof reasons;

/** One thing wrong with one field. `field` is the rendered path; `badValue` is shown where the type of error shows one. */
export interface FieldError {
  readonly type: FieldErrorType;
  readonly field: string;
  readonly badValue: unknown;
  readonly detail: string;
}

/** A `badValue` that is not shown: `spec: Invalid value: must be …`. */
export const omitValue: unique symbol = Symbol('omitted');

/** A `badValue` that is printed already. */
export class Verbatim {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Path = FieldPath | string;

function fieldError(type: FieldErrorType, path: Path, badValue: unknown, detail: string): FieldError {
  return { type, field: path.toString(), badValue, detail };
}

export const notFoundField = (path: Path, value: unknown): FieldError => fieldError('NotFound', path, value, '');
export const required = (path: Path, detail = ''): FieldError => fieldError('Required', path, '', detail);
export const duplicate = (path: Path, value: unknown): FieldError => fieldError('Duplicate', path, value, '');
export const invalid = (path: Path, value: unknown, detail: string): FieldError =>
  fieldError('Invalid', path, value, detail);
export const typeInvalid = (path: Path, value: unknown, detail: string): FieldError =>
  fieldError('TypeInvalid', path, value, detail);
export const forbidden = (path: Path, detail: string): FieldError => fieldError('Forbidden', path, '', detail);
export const internalField = (path: Path, detail: string): FieldError => fieldError('Internal', path, null, detail);

/** `supported` is listed in the order given (Kubernetes sorts or declares it; the caller decides). */
export const notSupported = (path: Path, value: unknown, supported: readonly string[]): FieldError =>
  fieldError(
    'NotSupported',
    path,
    value,
    supported.length === 0 ? '' : `supported values: ${supported.map((v) => goQuote(v)).join(', ')}`,
  );

export const tooLong = (path: Path, _value: unknown, maxBytes: number): FieldError =>
  fieldError(
    'TooLong',
    path,
    '',
    maxBytes < 0 ? 'value is too long' : `may not be more than ${count(maxBytes, 'byte')}`,
  );

export const tooMany = (path: Path, actual: number, max: number): FieldError =>
  fieldError('TooMany', path, actual, max < 0 ? 'has too many items' : `must have at most ${count(max, 'item')}`);

const count = (amount: number, unit: string): string => `${amount} ${unit}${amount === 1 ? '' : 's'}`;

/** The error without its field: `Invalid value: "x": must be …`. */
export function errorBody(error: FieldError): string {
  const label = reasons[error.type][1];
  let body: string;
  switch (error.type) {
    case 'Required':
    case 'Forbidden':
    case 'TooLong':
    case 'Internal':
      body = label;
      break;
    default:
      body = error.badValue === omitValue ? label : `${label}: ${renderValue(error.badValue)}`;
  }
  return error.detail === '' ? body : `${body}: ${error.detail}`;
}

/** The whole error: `spec.replicas: Invalid value: -1: must be greater than or equal to 0`. */
export function errorText(error: FieldError): string {
  return `${errorField(error)}: ${errorBody(error)}`;
}

/** The path as the API shows it: the object itself has none, which Go prints as `<nil>`. */
export function errorField({ field }: FieldError): string {
  return field === '' ? '<nil>' : field;
}

/** The machine-readable reason: `FieldValueInvalid`, `FieldValueRequired`, … */
export function errorReason(error: FieldError): string {
  return reasons[error.type][0];
}

function renderValue(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return goQuote(value);
    case 'number':
    case 'bigint':
      return goNumber(value);
    case 'boolean':
      return String(value);
    case 'undefined':
      return 'null';
    default:
      if (value instanceof Verbatim) return value.text;
      return goJson(stringifyJson(value as JsonValue));
  }
}
