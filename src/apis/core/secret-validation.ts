/** Source: Kubernetes `pkg/apis/core/validation/validation.go`, ValidateSecret and ValidateSecretUpdate. */
import { type FieldError, FieldPath, invalid, required, tooLong } from '../../machinery/field.ts';
import { isConfigMapKey } from '../../machinery/names.ts';
import type { Secret } from '../types.ts';
import { base64Length, maxSecretSize, validateImmutable } from './config-map-validation.ts';

const data = FieldPath.of('data');

export function validateSecret(object: Secret): FieldError[] {
  const errors: FieldError[] = [];
  let total = 0;
  for (const [key, value] of Object.entries(object.data ?? {})) {
    for (const message of isConfigMapKey(key)) errors.push(invalid(data.key(key), key, message));
    total += base64Length(value);
  }
  if (total > maxSecretSize) errors.push(tooLong(data, '', maxSecretSize));
  validateType(object, errors);
  return errors;
}

export function validateSecretUpdate(object: Secret, old: Secret): FieldError[] {
  const errors: FieldError[] = [];
  if (object.type !== old.type) errors.push(invalid('type', object.type, 'field is immutable'));
  errors.push(...validateImmutable(object, old, ['data']));
  return [...errors, ...validateSecret(object)];
}

function validateType(object: Secret, errors: FieldError[]): void {
  const has = (key: string): boolean => object.data !== undefined && Object.hasOwn(object.data, key);
  const need = (key: string): void => {
    if (!has(key)) errors.push(required(data.key(key)));
  };
  const needJson = (key: string): void => {
    const value = object.data?.[key];
    if (value === undefined) errors.push(required(data.key(key)));
    else {
      const problem = jsonProblem(value);
      if (problem !== undefined) errors.push(invalid(data.key(key), '<secret contents redacted>', problem));
    }
  };
  switch (object.type) {
    case 'kubernetes.io/service-account-token': {
      const account = 'kubernetes.io/service-account.name';
      if ((object.metadata.annotations?.[account] ?? '') === '') {
        errors.push(required(FieldPath.of('metadata', 'annotations').key(account)));
      }
      break;
    }
    case 'kubernetes.io/dockercfg':
      needJson('.dockercfg');
      break;
    case 'kubernetes.io/dockerconfigjson':
      needJson('.dockerconfigjson');
      break;
    case 'kubernetes.io/basic-auth':
      if (!has('username') && !has('password'))
        errors.push(required(data.key('username')), required(data.key('password')));
      break;
    case 'kubernetes.io/ssh-auth':
      if ((object.data?.['ssh-privatekey'] ?? '') === '') errors.push(required(data.key('ssh-privatekey')));
      break;
    case 'kubernetes.io/tls':
      need('tls.crt');
      need('tls.key');
      break;
  }
}

/** What Go's decoder says of a text that is no JSON object. */
function jsonProblem(base64: string): string | undefined {
  const text = Buffer.from(base64, 'base64').toString();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return goSyntaxError(text);
  }
  if (value === null || (typeof value === 'object' && !Array.isArray(value))) return undefined;
  const kind = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
  return `json: cannot unmarshal ${kind} into Go value of type map[string]interface {}`;
}

/** Only the beginning is told apart: it is where what is no JSON at all goes wrong. */
function goSyntaxError(text: string): string {
  const first = text.trimStart()[0];
  if (first === undefined || first === '{' || first === '[') return 'unexpected end of JSON input';
  return `invalid character '${first}' looking for beginning of value`;
}
