/** Source: Kubernetes `pkg/apis/certificates/validation/validation.go`. */
import {
  duplicate,
  type FieldError,
  FieldPath,
  forbidden,
  invalid,
  notSupported,
  required,
  tooLong,
} from '../../machinery/field.ts';
import { deepEqual } from '../../machinery/json.ts';
import { isCIdentifier, isDns1123Subdomain } from '../../machinery/names.ts';
import { checkAll } from '../core/field-rules.ts';
import type { CertificateSigningRequest } from '../types.ts';

const path = FieldPath.of('spec');

const usagesKnown = [
  'any',
  'cert sign',
  'client auth',
  'code signing',
  'content commitment',
  'crl sign',
  'data encipherment',
  'decipher only',
  'digital signature',
  'email protection',
  'encipher only',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'key agreement',
  'key encipherment',
  'microsoft sgc',
  'netscape sgc',
  'ocsp signing',
  's/mime',
  'server auth',
  'signing',
  'timestamping',
];

export function validateRequest({ spec }: CertificateSigningRequest): FieldError[] {
  const errors: FieldError[] = [];
  const { request, signerName, usages = [], expirationSeconds } = spec;
  const problem = requestProblem(request);
  if (problem !== undefined) errors.push(invalid(path.child('request'), bytesText(request), problem));
  if (usages.length === 0) errors.push(required(path.child('usages')));
  for (const [i, usage] of usages.entries()) {
    const at = path.child('usages').index(i);
    if (!usagesKnown.includes(usage)) errors.push(notSupported(at, usage, usagesKnown));
    if (usages.indexOf(usage) < i) errors.push(duplicate(at, usage));
  }
  validateSignerName(signerName, path.child('signerName'), errors);
  if (signerName === 'kubernetes.io/legacy-unknown') {
    errors.push(
      invalid(path.child('signerName'), signerName, 'the legacy signerName is not allowed via this API version'),
    );
  }
  if (expirationSeconds !== undefined && expirationSeconds < 600) {
    errors.push(
      invalid(
        path.child('expirationSeconds'),
        expirationSeconds,
        'may not specify a duration less than 600 seconds (10 minutes)',
      ),
    );
  }
  return errors;
}

function requestProblem(base64: string): string | undefined {
  const text = Buffer.from(base64, 'base64').toString('latin1');
  const block = /-----BEGIN ([^-]+)-----\r?\n([\s\S]*?)-----END \1-----/.exec(text);
  if (block === null || block[1] !== 'CERTIFICATE REQUEST') return 'PEM block type must be CERTIFICATE REQUEST';
  // A request is a DER sequence; its details are the signer's to judge.
  return Buffer.from(block[2]!, 'base64')[0] === 0x30 ? undefined : 'asn1: structure error: tags do not match';
}

const bytesText = (base64: string): number[] => [...Buffer.from(base64, 'base64')];

function validateSignerName(name: string, at: FieldPath, errors: FieldError[]): void {
  if (name === '') {
    errors.push(required(at));
    return;
  }
  const segments = name.split('/');
  if (segments.length !== 2) {
    errors.push(invalid(at, name, 'must be a fully qualified domain and path of the form "example.com/signer-name"'));
    return;
  }
  const [domain, signer] = segments as [string, string];
  checkAll(isDns1123Subdomain(domain), at, domain, errors);
  if (domain.split('.').length < 2)
    errors.push(invalid(at, domain, 'should be a domain with at least two segments separated by dots'));
  for (const part of signer.split('.')) {
    for (const problem of isDns1123Subdomain(part.toLowerCase())) {
      errors.push(invalid(at, signer, `validating label ${JSON.stringify(part)}: ${problem}`));
    }
  }
  if (name.length > 571) errors.push(tooLong(at, '', 571));
}

/** `approving`: the request may decide; elsewhere decisions stand. */
export function validateConditions(
  object: CertificateSigningRequest,
  old: CertificateSigningRequest,
  approving = false,
): FieldError[] {
  const errors: FieldError[] = [];
  const at = FieldPath.of('status', 'conditions');
  const conditions = object.status?.conditions ?? [];
  const seen = new Set<string>();
  for (const [i, { type, status, reason }] of conditions.entries()) {
    const each = at.index(i);
    if (type === '') errors.push(required(each.child('type')));
    if (['Approved', 'Denied', 'Failed'].includes(type) && status !== 'True') {
      errors.push(notSupported(each.child('status'), status, ['True']));
    } else if (!['True', 'False', 'Unknown'].includes(status)) {
      if (status === '') errors.push(required(each.child('status')));
      else errors.push(notSupported(each.child('status'), status, ['False', 'True', 'Unknown']));
    }
    if ((reason ?? '') !== '' && type === '') checkAll(isCIdentifier(reason!), each.child('reason'), reason, errors);
    if (seen.has(type)) errors.push(duplicate(each.child('type'), type));
    seen.add(type);
  }
  const has = (type: string): boolean => conditions.some((condition) => condition.type === type);
  if (has('Approved') && has('Denied')) {
    errors.push(invalid(at, 'Denied', 'Approved and Denied conditions are mutually exclusive'));
  }
  for (const type of ['Approved', 'Denied', 'Failed']) {
    const before = old.status?.conditions?.filter((condition) => condition.type === type) ?? [];
    const now = conditions.filter((condition) => condition.type === type);
    if (before.length > now.length) errors.push(forbidden(at, `updates may not remove a condition of type "${type}"`));
    if (!approving && type !== 'Failed' && now.length > before.length) {
      errors.push(forbidden(at, `updates may not add a condition of type "${type}"`));
    }
  }
  const certificate = old.status?.certificate ?? '';
  if (certificate !== '' && !deepEqual(certificate, object.status?.certificate ?? '')) {
    errors.push(forbidden(FieldPath.of('status', 'certificate'), 'updates may not change certificate'));
  }
  return errors;
}
