/**
 * The query parameters of requests, checked as kube-apiserver checks them
 * (`k8s.io/apimachinery/pkg/apis/meta/v1/validation` and `internalversion/validation`).
 */

import { type FieldError, forbidden, goQuote, invalid, notSupported } from '../machinery/field.ts';
import { FieldSelector } from '../machinery/field-selector.ts';
import { LabelSelector, SelectorError } from '../machinery/label-selector.ts';
import { badRequest, invalidObject } from '../machinery/status.ts';

export interface ListOptions {
  readonly labelSelector: LabelSelector;
  readonly fieldSelector: FieldSelector;
  /** `''` when it was not given. */
  readonly resourceVersion: string;
  readonly resourceVersionMatch: '' | 'Exact' | 'NotOlderThan';
  /** 0: no limit. */
  readonly limit: number;
  readonly continue: string;
  readonly watch: boolean;
  readonly allowWatchBookmarks: boolean;
  readonly sendInitialEvents: boolean | undefined;
  readonly timeoutSeconds: number | undefined;
}

export function parseListOptions(query: URLSearchParams): ListOptions {
  const resourceVersionMatch = query.get('resourceVersionMatch') ?? '';
  const options: ListOptions = {
    labelSelector: selector(query.get('labelSelector'), (text) => LabelSelector.parse(text), LabelSelector.everything),
    fieldSelector: selector(query.get('fieldSelector'), (text) => FieldSelector.parse(text), FieldSelector.everything),
    resourceVersion: query.get('resourceVersion') ?? '',
    resourceVersionMatch: resourceVersionMatch as ListOptions['resourceVersionMatch'],
    limit: integer(query, 'limit') ?? 0,
    continue: query.get('continue') ?? '',
    watch: flag(query, 'watch') ?? false,
    allowWatchBookmarks: flag(query, 'allowWatchBookmarks') ?? false,
    sendInitialEvents: flag(query, 'sendInitialEvents'),
    timeoutSeconds: integer(query, 'timeoutSeconds'),
  };
  const errors = checkListOptions(options, resourceVersionMatch);
  if (errors.length > 0) throw invalidObject({ group: 'meta.k8s.io', name: 'ListOptions' }, '', errors);
  if (options.continue === '' && !/^\d*$/.test(options.resourceVersion)) {
    // kube-apiserver answers 500 in these words; the mistake is the client's (kubernetes/kubernetes#139485).
    const text = goQuote(options.resourceVersion);
    throw badRequest(`resourceVersion: Invalid value: ${text}: strconv.ParseUint: parsing ${text}: invalid syntax`);
  }
  return options;
}

function checkListOptions(options: ListOptions, match: string): FieldError[] {
  const errors: FieldError[] = [];
  if (options.watch) {
    const streams = options.sendInitialEvents !== undefined;
    if (streams && match !== 'NotOlderThan') {
      errors.push(
        forbidden('resourceVersionMatch', 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'),
      );
    }
    if (!streams && match !== '') {
      errors.push(
        forbidden(
          'resourceVersionMatch',
          'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
        ),
      );
    }
    if (match !== '' && match !== 'NotOlderThan') {
      errors.push(notSupported('resourceVersionMatch', match, ['NotOlderThan']));
    }
    if (match !== '' && options.continue !== '') {
      errors.push(forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided'));
    }
    return errors;
  }
  if (match !== '') {
    if (options.resourceVersion === '') {
      errors.push(
        forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden unless resourceVersion is provided'),
      );
    }
    if (options.continue !== '') {
      errors.push(forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided'));
    }
    if (match !== 'Exact' && match !== 'NotOlderThan') {
      errors.push(notSupported('resourceVersionMatch', match, ['Exact', 'NotOlderThan', '']));
    }
    if (match === 'Exact' && options.resourceVersion === '0') {
      errors.push(
        forbidden('resourceVersionMatch', 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'),
      );
    }
  }
  if (options.sendInitialEvents !== undefined) {
    errors.push(forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  }
  if (options.continue !== '' && options.resourceVersion !== '' && options.resourceVersion !== '0') {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
  return errors;
}

export type WriteKind = 'CreateOptions' | 'UpdateOptions' | 'PatchOptions' | 'DeleteOptions';

export interface WriteOptions {
  readonly dryRun: boolean;
  /** Empty when it was not given. */
  readonly fieldManager: string;
  readonly fieldValidation: 'Strict' | 'Warn' | 'Ignore';
  readonly force: boolean | undefined;
}

/** Those of a request that says nothing. */
export const unsaidWriteOptions: WriteOptions = {
  dryRun: false,
  fieldManager: '',
  fieldValidation: 'Warn',
  force: undefined,
};

/** `kind` is what messages call the options; `apply`: a server-side apply, which must name its manager. */
export function parseWriteOptions(
  query: URLSearchParams,
  kind: Exclude<WriteKind, 'DeleteOptions'>,
  apply = false,
): WriteOptions {
  const errors: FieldError[] = [];
  const dryRun = query.getAll('dryRun');
  errors.push(...checkDryRun(dryRun));
  const fieldManager = query.get('fieldManager') ?? '';
  const force = flag(query, 'force');
  if (kind === 'PatchOptions') {
    if (apply && fieldManager === '') {
      errors.push({ type: 'Required', field: 'fieldManager', badValue: '', detail: 'is required for apply patch' });
    }
    if (!apply && force !== undefined) errors.push(forbidden('force', 'may not be specified for non-apply patch'));
  }
  errors.push(...checkFieldManager(fieldManager));
  const validation = query.get('fieldValidation') ?? '';
  if (!['', 'Strict', 'Warn', 'Ignore'].includes(validation)) {
    errors.push(notSupported('fieldValidation', validation, ['', 'Ignore', 'Strict', 'Warn']));
  }
  if (errors.length > 0) throw invalidObject({ group: 'meta.k8s.io', name: kind }, '', errors);
  return {
    dryRun: dryRun.length > 0,
    fieldManager,
    fieldValidation: validation === '' ? 'Warn' : (validation as 'Strict' | 'Warn' | 'Ignore'),
    force,
  };
}

/** Source: `ValidateDryRun` of `k8s.io/apimachinery/pkg/apis/meta/v1/validation`. */
export function checkDryRun(dryRun: readonly string[]): FieldError[] {
  return dryRun.every((value) => value === 'All') ? [] : [notSupported('dryRun', dryRun, ['All'])];
}

const maxFieldManagerLength = 128;

function checkFieldManager(name: string): FieldError[] {
  const errors: FieldError[] = [];
  if (name.length > maxFieldManagerLength) {
    errors.push({ type: 'TooLong', field: 'fieldManager', badValue: name, detail: 'may not be more than 128 bytes' });
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be in it
  if (/[\x00-\x1f\x7f-\x9f]/.test(name)) {
    errors.push(invalid('fieldManager', name, 'should only contain printable characters'));
  }
  return errors;
}

/** Who owns the fields of a write that does not say: the client program, as its User-Agent names it. */
export function managerName(options: WriteOptions, userAgent: string): string {
  if (options.fieldManager !== '') return options.fieldManager;
  const name = userAgent.split('/', 1)[0]!.slice(0, maxFieldManagerLength);
  return name === '' ? 'unknown' : name;
}

function selector<T>(text: string | null, parse: (text: string) => T, everything: T): T {
  if (text === null || text === '') return everything;
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof SelectorError) throw badRequest(error.message);
    throw error;
  }
}

/** Go's reading of booleans in queries: `?watch`, `?watch=1`, `?watch=true` are true; `0` and `false` false. */
export function flag(query: URLSearchParams, name: string): boolean | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  return text !== '0' && text.toLowerCase() !== 'false';
}

/** Go's reading of integers in queries. What is beyond 2⁵³ is as good as 2⁵³ to whoever asks. */
export function integer(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  if (!/^[+-]?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${goQuote(text)}: invalid syntax`);
  if (BigInt.asIntN(64, BigInt(text)) !== BigInt(text)) {
    throw badRequest(`strconv.ParseInt: parsing ${goQuote(text)}: value out of range`);
  }
  return Number(text);
}
