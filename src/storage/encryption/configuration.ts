/**
 * `EncryptionConfiguration` (apiserver.config.k8s.io/v1): which resources are encrypted, by what.
 * Source: Kubernetes "Encrypting Confidential Data at Rest"; `k8s.io/apiserver/pkg/server/options/encryptionconfig`.
 */
import { type FieldError, FieldPath, invalid, notSupported, required } from '../../machinery/field.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../machinery/json.ts';
import { envelope } from './envelope.ts';
import { aesCbc, aesGcm, type EncryptionKey } from './providers.ts';
import { type EncryptionProvider, firstOf, identityProvider, type ValueTransformer } from './transformer.ts';

export const encryptionApiVersion = 'apiserver.config.k8s.io/v1';

/** Resources as the file names them (`secrets`, `deployments.apps`, `*.apps`, `*.`, `*.*`), and how they are kept. */
export interface EncryptionRule {
  readonly resources: readonly string[];
  readonly transformer: ValueTransformer;
}

/** The rule for a resource: the first that names it. */
export function transformerFor(
  rules: readonly EncryptionRule[],
  group: string,
  plural: string,
): ValueTransformer | undefined {
  const names = new Set([group === '' ? plural : `${plural}.${group}`, `*.${group}`, '*.*']);
  return rules.find(({ resources }) => resources.some((name) => names.has(name)))?.transformer;
}

/** Errors are in Kubernetes' words where it has the rule; paths are those of the file. */
export function readEncryptionConfiguration(document: JsonValue): {
  readonly rules: readonly EncryptionRule[];
  readonly errors: readonly FieldError[];
} {
  const errors: FieldError[] = [];
  const rules: EncryptionRule[] = [];
  if (!isJsonObject(document)) {
    return { rules, errors: [invalid('', document, 'must be an EncryptionConfiguration')] };
  }
  if (document.apiVersion !== encryptionApiVersion) {
    errors.push(notSupported('apiVersion', document.apiVersion ?? '', [encryptionApiVersion]));
  }
  if (document.kind !== 'EncryptionConfiguration') {
    errors.push(notSupported('kind', document.kind ?? '', ['EncryptionConfiguration']));
  }
  const root = FieldPath.of('resources');
  const entries = Array.isArray(document.resources) ? document.resources : [];
  if (entries.length === 0) errors.push(required(root, 'at least one resource must be specified'));
  for (const [index, entry] of entries.entries()) {
    const at = root.index(index);
    const given = isJsonObject(entry) ? entry : {};
    const resources = Array.isArray(given.resources) ? given.resources.map(String) : [];
    if (resources.length === 0) errors.push(required(at.child('resources'), 'at least one resource must be specified'));
    const list = Array.isArray(given.providers) ? given.providers : [];
    if (list.length === 0) errors.push(required(at.child('providers'), 'at least one provider must be specified'));
    const providers = list.flatMap((provider, i) => readProvider(provider, at.child('providers').index(i), errors));
    rules.push({ resources, transformer: firstOf(providers) });
  }
  return { rules, errors };
}

const withKeyLists: Readonly<Record<string, (keys: readonly EncryptionKey[]) => EncryptionProvider>> = {
  aescbc: aesCbc,
  aesgcm: aesGcm,
  envelope,
};

function readProvider(provider: JsonValue, at: FieldPath, errors: FieldError[]): EncryptionProvider[] {
  const names = isJsonObject(provider) ? Object.keys(provider) : [];
  if (names.length !== 1) {
    const why =
      names.length === 0
        ? 'provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity'
        : 'more than one provider specified in a single element, should split into different list elements';
    errors.push(invalid(at, names.join(','), why));
    return [];
  }
  const name = names[0]!;
  if (name === 'identity') return [identityProvider];
  const make = withKeyLists[name];
  if (make === undefined) {
    errors.push(notSupported(at, name, [...Object.keys(withKeyLists), 'identity']));
    return [];
  }
  const settings = (provider as JsonObject)[name];
  const keys = readKeys(isJsonObject(settings) ? settings.keys : undefined, name, at.child(name).child('keys'), errors);
  return keys.length === 0 ? [] : [make(keys)];
}

function readKeys(list: JsonValue | undefined, provider: string, at: FieldPath, errors: FieldError[]): EncryptionKey[] {
  if (!Array.isArray(list) || list.length === 0) {
    errors.push(required(at, `at least one key must be specified for the provider ${provider}`));
    return [];
  }
  const sizes = provider === 'aesgcm' || provider === 'aescbc' ? [16, 24, 32] : [32];
  const names = new Set<string>();
  return list.flatMap((entry, index) => {
    const path = at.index(index);
    const { name, secret } = isJsonObject(entry) ? entry : ({} as JsonObject);
    if (typeof name !== 'string' || name === '') {
      errors.push(required(path.child('name'), 'secret name is required'));
      return [];
    }
    if (names.has(name)) errors.push(invalid(path.child('name'), name, 'key names must be unique within a provider'));
    names.add(name);
    if (typeof secret !== 'string' || secret === '') {
      errors.push(required(path.child('secret'), 'secret is required'));
      return [];
    }
    const bytes = Buffer.from(secret, 'base64');
    // What is wrong with a secret is said without it.
    if (bytes.toString('base64').replace(/=+$/, '') !== secret.replace(/=+$/, '')) {
      errors.push(invalid(path.child('secret'), 'REDACTED', 'secret must be base64 encoded'));
      return [];
    }
    if (!sizes.includes(bytes.length)) {
      const why = `secret is not of the expected length, got ${bytes.length}, expected one of [${sizes.join(' ')}]`;
      errors.push(invalid(path.child('secret'), 'REDACTED', why));
      return [];
    }
    return [{ name, secret: bytes }];
  });
}
