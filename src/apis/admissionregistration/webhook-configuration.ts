/** What the two kinds of webhook configuration share. Source: Kubernetes `pkg/apis/admissionregistration`. */
import type * as k8s from '@kubernetes/client-node';
import { duplicate, type FieldError, FieldPath, invalid, notSupported, required } from '../../machinery/field.ts';
import { isDns1123Subdomain, isFullyQualifiedName, nameIsDns1035Label } from '../../machinery/names.ts';
import { checkLabelSelector } from '../core/scheduling-validation.ts';
import type { Wire } from '../types.ts';
import { validateMatchConditions } from './policy-spec.ts';
import { validateRule } from './rule.ts';

export type Webhook = Wire<k8s.V1ValidatingWebhook> & { reinvocationPolicy?: string };
type ClientConfig = Webhook['clientConfig'];

/** Source: `pkg/apis/admissionregistration/v1/defaults.go`. */
export function defaultWebhook(webhook: Webhook, mutating: boolean): void {
  webhook.failurePolicy ??= 'Fail';
  webhook.matchPolicy ??= 'Equivalent';
  webhook.namespaceSelector ??= {};
  webhook.objectSelector ??= {};
  webhook.timeoutSeconds ??= 10;
  if (mutating) webhook.reinvocationPolicy ??= 'Never';
  for (const rule of webhook.rules ?? []) rule.scope ??= '*';
  const { service } = webhook.clientConfig;
  if (service !== undefined) service.port ??= 443;
}

/** Versions of AdmissionReview that an API server of Kubernetes speaks. */
const reviewVersions = ['v1', 'v1beta1'];

export function validateWebhooks(webhooks: readonly Webhook[] | undefined, mutating: boolean): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  for (const [i, webhook] of (webhooks ?? []).entries()) {
    const path = FieldPath.of('webhooks').index(i);
    validateWebhook(webhook, mutating, path, errors);
    validateReviewVersions(webhook.admissionReviewVersions, path.child('admissionReviewVersions'), errors);
    if (webhook.name !== '') {
      if (names.has(webhook.name)) errors.push(duplicate(path.child('name'), webhook.name));
      names.add(webhook.name);
    }
  }
  return errors;
}

function validateReviewVersions(versions: readonly string[] | null, path: FieldPath, errors: FieldError[]): void {
  if (versions === null || versions.length === 0) {
    errors.push(required(path, `must specify one of ${reviewVersions.join(', ')}`));
    return;
  }
  const seen = new Set<string>();
  for (const [i, version] of versions.entries()) {
    if (seen.has(version)) errors.push(invalid(path.index(i), version, 'duplicate version'));
    seen.add(version);
    for (const problem of nameIsDns1035Label(version)) errors.push(invalid(path.index(i), version, problem));
  }
  if (!versions.some((version) => reviewVersions.includes(version))) {
    errors.push(invalid(path, versions, `must include at least one of ${reviewVersions.join(', ')}`));
  }
}

function validateWebhook(webhook: Webhook, mutating: boolean, path: FieldPath, errors: FieldError[]): void {
  errors.push(...isFullyQualifiedName(path.child('name'), webhook.name));
  for (const [i, rule] of (webhook.rules ?? []).entries()) validateRule(rule, path.child('rules').index(i), errors);
  const { failurePolicy, matchPolicy, sideEffects, timeoutSeconds, reinvocationPolicy } = webhook;
  const check = (field: string, value: string | undefined, supported: readonly string[]): void => {
    if (value !== undefined && !supported.includes(value))
      errors.push(notSupported(path.child(field), value, supported));
  };
  check('failurePolicy', failurePolicy, ['Fail', 'Ignore']);
  check('matchPolicy', matchPolicy, ['Equivalent', 'Exact']);
  if (sideEffects === undefined || sideEffects === null) {
    errors.push(required(path.child('sideEffects'), 'must specify one of None, NoneOnDryRun'));
  } else check('sideEffects', sideEffects, ['None', 'NoneOnDryRun']);
  if (timeoutSeconds !== undefined && (timeoutSeconds > 30 || timeoutSeconds < 1)) {
    errors.push(
      invalid(path.child('timeoutSeconds'), timeoutSeconds, 'the timeout value must be between 1 and 30 seconds'),
    );
  }
  checkLabelSelector(webhook.namespaceSelector, path.child('namespaceSelector'), errors);
  checkLabelSelector(webhook.objectSelector, path.child('objectSelector'), errors);
  validateClientConfig(webhook.clientConfig, path.child('clientConfig'), errors);
  if (mutating) check('reinvocationPolicy', reinvocationPolicy, ['IfNeeded', 'Never']);
  validateMatchConditions(webhook.matchConditions ?? [], {}, path.child('matchConditions'), errors);
}

function validateClientConfig({ url, service }: ClientConfig, path: FieldPath, errors: FieldError[]): void {
  if ((url === undefined) === (service === undefined)) {
    errors.push(required(path, 'exactly one of url or service is required'));
    return;
  }
  if (url !== undefined) validateUrl(url, path.child('url'), errors);
  if (service === undefined) return;
  const at = path.child('service');
  if (service.name === '') errors.push(required(at.child('name'), 'service name is required'));
  if (service.namespace === '') errors.push(required(at.child('namespace'), 'service namespace is required'));
  const { port = 443, path: text } = service;
  if (port < 1 || port > 65535)
    errors.push(invalid(at.child('port'), port, 'port is not valid: must be between 1 and 65535, inclusive'));
  if (text !== undefined) validateServicePath(text, at.child('path'), errors);
}

/** Scheme, authority, path, query and fragment, as Go splits them: nearly every text has some. */
const urlParts = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/;
const urlForm = 'desired format: https://host[/path]';

export function validateUrl(text: string, path: FieldPath, errors: FieldError[]): void {
  const [, scheme = '', authority = '', , query = '', fragment = ''] = urlParts.exec(text) ?? [];
  const at = authority.lastIndexOf('@');
  const host = authority.slice(at + 1);
  if (scheme !== 'https') errors.push(invalid(path, scheme, `'https' is the only allowed URL scheme; ${urlForm}`));
  if (host === '') errors.push(invalid(path, host, `host must be specified; ${urlForm}`));
  if (at >= 0) errors.push(invalid(path, authority.slice(0, at), 'user information is not permitted in the URL'));
  if (fragment !== '') errors.push(invalid(path, fragment, 'fragments are not permitted in the URL'));
  if (query !== '') errors.push(invalid(path, query, 'query parameters are not permitted in the URL'));
}

function validateServicePath(text: string, path: FieldPath, errors: FieldError[]): void {
  if (text === '' || text === '/') return;
  if (text === '//') {
    errors.push(invalid(path, text, 'segment[0] may not be empty'));
    return;
  }
  if (!text.startsWith('/')) errors.push(invalid(path, text, "must start with a '/'"));
  const segments = (text.endsWith('/') ? text.slice(1, -1) : text.slice(1)).split('/');
  for (const [i, segment] of segments.entries()) {
    if (segment === '') {
      errors.push(invalid(path, text, `segment[${i}] may not be empty`));
      continue;
    }
    for (const problem of isDns1123Subdomain(segment)) errors.push(invalid(path, text, `segment[${i}]: ${problem}`));
  }
}
