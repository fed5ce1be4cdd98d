/**
 * How a definition converts between its versions.
 * Source: apiextensions-apiserver `pkg/apis/apiextensions/validation`; apiserver `pkg/util/webhook/validation.go`.
 */
import { X509Certificate } from 'node:crypto';
import { type FieldError, FieldPath, forbidden, invalid, notSupported, required } from '../machinery/field.ts';
import { isDns1035Label, isDns1123Subdomain, isPortNumber } from '../machinery/names.ts';
import type { CustomResourceConversion } from './types.ts';

export interface ConversionOptions {
  /** At least one review version must be one that the server speaks. */
  readonly requireRecognizedVersion: boolean;
  /** The bundle is not looked at: it was wrong before, or the definition is not established yet. */
  readonly allowInvalidCaBundle: boolean;
}

const reviewVersions = ['v1', 'v1beta1'];

export function validateConversion(
  conversion: CustomResourceConversion | undefined,
  path: FieldPath,
  options: ConversionOptions,
): FieldError[] {
  if (conversion === undefined) return [];
  const errors: FieldError[] = [];
  const strategy: string = conversion.strategy ?? '';
  if (strategy === '') errors.push(required(path.child('strategy')));
  else if (strategy !== 'None' && strategy !== 'Webhook') {
    errors.push(notSupported(path.child('strategy'), strategy, ['None', 'Webhook']));
  }
  const { clientConfig } = conversion.webhook ?? {};
  const conversionReviewVersions = conversion.webhook?.conversionReviewVersions ?? [];
  const clientPath = path.child('webhookClientConfig');
  const versionsPath = path.child('conversionReviewVersions');
  if (strategy !== 'Webhook') {
    const why = 'should not be set when strategy is not set to Webhook';
    if (clientConfig !== undefined) errors.push(forbidden(clientPath, why));
    if (conversionReviewVersions.length > 0) errors.push(forbidden(versionsPath, why));
    return errors;
  }
  if (clientConfig === undefined) errors.push(required(clientPath, 'required when strategy is set to Webhook'));
  else {
    const { url, service, caBundle = '' } = clientConfig;
    if ((url === undefined) === (service === undefined)) {
      errors.push(required(clientPath, 'exactly one of url or service is required'));
    } else if (url !== undefined) errors.push(...validateWebhookUrl(url, clientPath.child('url')));
    else if (service !== undefined) errors.push(...validateWebhookService(service, clientPath.child('service')));
    if (caBundle !== '' && !options.allowInvalidCaBundle) {
      errors.push(...validateCaBundle(caBundle, clientPath.child('caBundle')));
    }
  }
  errors.push(...validateReviewVersions(conversionReviewVersions, versionsPath, options));
  return errors;
}

function validateReviewVersions(
  versions: readonly string[],
  path: FieldPath,
  { requireRecognizedVersion }: ConversionOptions,
): FieldError[] {
  if (versions.length === 0) return [required(path)];
  const errors: FieldError[] = [];
  for (const [i, version] of versions.entries()) {
    if (versions.indexOf(version) < i) errors.push(invalid(path.index(i), version, 'duplicate version'));
    else errors.push(...isDns1035Label(version).map((why) => invalid(path.index(i), version, why)));
  }
  if (requireRecognizedVersion && !recognizesAny(versions)) {
    errors.push(invalid(path, versions, `must include at least one of ${reviewVersions.join(', ')}`));
  }
  return errors;
}

export function recognizesAny(versions: readonly string[]): boolean {
  return versions.some((version) => reviewVersions.includes(version));
}

function validateWebhookUrl(text: string, path: FieldPath): FieldError[] {
  const form = '; desired format: https://host[/path]';
  const errors: FieldError[] = [];
  const parts = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):)?(?:\/\/([^/?#]*))?[^?#]*(?:\?([^#]*))?(?:#(.*))?$/s.exec(text);
  const [, scheme = '', authority = '', query = '', fragment = ''] = parts ?? [];
  const at = authority.lastIndexOf('@');
  const host = authority.slice(at + 1);
  if (scheme.toLowerCase() !== 'https') {
    errors.push(invalid(path, scheme.toLowerCase(), `'https' is the only allowed URL scheme${form}`));
  }
  if (host === '') errors.push(invalid(path, host, `host must be specified${form}`));
  if (at >= 0) errors.push(invalid(path, authority.slice(0, at), 'user information is not permitted in the URL'));
  if (fragment !== '') errors.push(invalid(path, fragment, 'fragments are not permitted in the URL'));
  if (query !== '') errors.push(invalid(path, query, 'query parameters are not permitted in the URL'));
  return errors;
}

function validateWebhookService(
  service: { namespace?: string; name?: string; path?: string; port?: number },
  path: FieldPath,
): FieldError[] {
  const { name = '', namespace = '', port = 443, path: url = '' } = service;
  const errors: FieldError[] = [];
  if (name === '') errors.push(required(path.child('name'), 'service name is required'));
  if (namespace === '') errors.push(required(path.child('namespace'), 'service namespace is required'));
  const portErrors = isPortNumber(port);
  if (portErrors.length > 0) {
    errors.push(invalid(path.child('port'), port, `port is not valid: ${portErrors.join(',')}`));
  }
  const urlPath = path.child('path');
  if (url === '' || url === '/') return errors;
  if (url === '//') return [...errors, invalid(urlPath, url, 'segment[0] may not be empty')];
  if (!url.startsWith('/')) errors.push(invalid(urlPath, url, "must start with a '/'"));
  for (const [i, segment] of url.slice(1).replace(/\/$/, '').split('/').entries()) {
    const problems = segment === '' ? [] : isDns1123Subdomain(segment);
    if (segment === '') errors.push(invalid(urlPath, url, `segment[${i}] may not be empty`));
    errors.push(...problems.map((why) => invalid(urlPath, url, `segment[${i}]: ${why}`)));
  }
  return errors;
}

/** `bundle` is base64 of PEM, as it stands in the object. */
export function validateCaBundle(bundle: string, path: FieldPath = FieldPath.of('caBundle')): FieldError[] {
  const why = caBundleError(Buffer.from(bundle, 'base64').toString());
  return why === undefined ? [] : [invalid(path, bundle, `unable to load root certificates: ${why}`)];
}

function caBundleError(pem: string): string | undefined {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) return 'data does not contain any valid RSA or ECDSA certificates';
  for (const block of blocks) {
    try {
      new X509Certificate(block);
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }
  return undefined;
}
