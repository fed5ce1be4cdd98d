/**
 * Errors as values of the API: every failure is a `Status` with Kubernetes' own code, reason and words
 * (`k8s.io/apimachinery/pkg/api/errors`). Source: API conventions, "Response Status Kind".
 */
import { errorBody, errorField, errorReason, errorText, type FieldError } from './field.ts';
import { goQuote } from './go-text.ts';
import { qualified } from './object.ts';

export interface StatusCause {
  reason?: string;
  message?: string;
  field?: string;
}

export interface StatusDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: StatusCause[];
  retryAfterSeconds?: number;
}

export interface Status {
  kind: 'Status';
  apiVersion: 'v1';
  metadata: { continue?: string };
  status: 'Success' | 'Failure';
  message?: string;
  reason?: string;
  details?: StatusDetails;
  code: number;
}

/** Thrown wherever a request cannot be served; what the client sees is {@link StatusError.status}, unchanged. */
export class StatusError extends Error {
  override readonly name = 'StatusError';
  readonly status: Status;

  constructor(code: number, reason: string, message: string, details?: StatusDetails) {
    super(message);
    this.status = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      ...(reason === '' ? {} : { reason }),
      ...(details === undefined ? {} : { details }),
      code,
    };
  }

  static from(status: Status): StatusError {
    return new StatusError(status.code, status.reason ?? '', status.message ?? '', status.details);
  }

  get code(): number {
    return this.status.code;
  }

  get reason(): string {
    return this.status.reason ?? '';
  }
}

/** A resource or a kind with its group, as messages and `details` name it. `kind` holds the plural for resources. */
export interface Named {
  group: string;
  name: string;
}

function toCause(error: FieldError): StatusCause {
  return { reason: errorReason(error), message: errorBody(error), field: errorField(error) };
}

const show = (named: Named): string => qualified(named.name, named.group);

function details(named: Named, name: string, extra?: Partial<StatusDetails>): StatusDetails {
  return {
    ...(name === '' ? {} : { name }),
    ...(named.group === '' ? {} : { group: named.group }),
    ...(named.name === '' ? {} : { kind: named.name }),
    ...extra,
  };
}

export const notFound = (resource: Named, name: string): StatusError =>
  new StatusError(404, 'NotFound', `${show(resource)} ${goQuote(name)} not found`, details(resource, name));

export const alreadyExists = (resource: Named, name: string): StatusError =>
  new StatusError(409, 'AlreadyExists', `${show(resource)} ${goQuote(name)} already exists`, details(resource, name));

export const conflict = (resource: Named, name: string, why: string, causes?: StatusCause[]): StatusError =>
  new StatusError(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${show(resource)} ${goQuote(name)}: ${why}`,
    details(resource, name, causes === undefined ? undefined : { causes }),
  );

/** The conflict of optimistic locking: the object was written since it was read. */
export const modified = (resource: Named, name: string): StatusError =>
  conflict(
    resource,
    name,
    'the object has been modified; please apply your changes to the latest version and try again',
  );

export const invalidObject = (kind: Named, name: string, errors: readonly FieldError[]): StatusError => {
  const texts = [...new Set(errors.map(errorText))];
  const text = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
  const message = `${show(kind)} ${goQuote(name)} is invalid${texts.length === 0 ? '' : `: ${text}`}`;
  return new StatusError(422, 'Invalid', message, details(kind, name, { causes: errors.map(toCause) }));
};

export const badRequest = (message: string): StatusError => new StatusError(400, 'BadRequest', message);

export const unauthorized = (message = 'Unauthorized'): StatusError => new StatusError(401, 'Unauthorized', message);

export const forbiddenError = (resource: Named, name: string, why: string): StatusError => {
  let message = `${show(resource)} ${goQuote(name)} is forbidden: ${why}`;
  if (resource.name === '') message = `forbidden: ${why}`;
  else if (name === '') message = `${show(resource)} is forbidden: ${why}`;
  return new StatusError(403, 'Forbidden', message, details(resource, name));
};

export const methodNotSupported = (resource: Named, action: string): StatusError =>
  new StatusError(
    405,
    'MethodNotAllowed',
    `${action} is not supported on resources of kind "${show(resource)}"`,
    details(resource, ''),
  );

export const methodNotAllowed = (): StatusError =>
  new StatusError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});

/** The answer for a path under a known group and version that names no resource. */
export const resourceNotServed = (): StatusError =>
  new StatusError(404, 'NotFound', 'the server could not find the requested resource', {});

export const expired = (message: string): StatusError => new StatusError(410, 'Expired', message);

export const gone = (message: string): StatusError => new StatusError(410, 'Gone', message);

export const notAcceptable = (accepted: readonly string[]): StatusError =>
  new StatusError(406, 'NotAcceptable', `only the following media types are accepted: ${accepted.join(', ')}`);

export const unsupportedMediaType = (accepted: readonly string[]): StatusError =>
  new StatusError(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  );

export const requestEntityTooLarge = (why: string): StatusError =>
  new StatusError(413, 'RequestEntityTooLarge', `Request entity too large: ${why}`);

export const tooManyRequests = (message: string, retryAfterSeconds: number): StatusError =>
  new StatusError(429, 'TooManyRequests', message, { retryAfterSeconds });

export const serverTimeout = (resource: Named, operation: string, retryAfterSeconds: number): StatusError =>
  new StatusError(
    500,
    'ServerTimeout',
    `The ${operation} operation against ${show(resource)} could not be completed at this time, please try again.`,
    details(resource, operation, { retryAfterSeconds }),
  );

export const timeoutError = (message: string, retryAfterSeconds: number): StatusError =>
  new StatusError(504, 'Timeout', `Timeout: ${message}`, { retryAfterSeconds });

export const serviceUnavailable = (message: string): StatusError => new StatusError(503, 'ServiceUnavailable', message);

export const internalError = (message: string): StatusError =>
  new StatusError(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] });

/** Whether `error` is a {@link StatusError} with one of these reasons. */
export function isReason(error: unknown, ...reasons: string[]): error is StatusError {
  return error instanceof StatusError && reasons.includes(error.reason);
}
