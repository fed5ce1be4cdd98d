/**
 * How a cluster's store is encrypted: as the EncryptionConfiguration says that it is given, or else its own, which is made at
 * the first start, lies beside the certificates and encrypts Secrets.
 */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { errorText } from '../machinery/field.ts';
import type { JsonObject, JsonValue } from '../machinery/json.ts';
import { formatYaml, parseYaml, YamlError } from '../machinery/yaml.ts';
import { EncryptedStore, encryptionApiVersion, readEncryptionConfiguration, type Store } from '../storage/index.ts';
import type { DataDirectory } from './data-directory.ts';

/** In the directory of keys and certificates. */
const ownFile = 'encryption.yaml';

interface Key extends JsonObject {
  name: string;
  secret: string;
}

/** The configuration is wrong, or is not there. The message names the file. */
export class EncryptionConfigurationError extends Error {
  override readonly name = 'EncryptionConfigurationError';
}

/** @throws EncryptionConfigurationError */
export async function encryptedStore(
  store: Store,
  directory: DataDirectory,
  providerConfig: string | undefined,
): Promise<Store> {
  const path = providerConfig ?? directory.pkiPath(ownFile);
  const text = providerConfig === undefined ? await ownConfiguration(directory) : await readGiven(path);
  const { rules, errors } = readEncryptionConfiguration(parsed(text, path));
  if (errors.length > 0) throw new EncryptionConfigurationError(`${path}: ${errors.map(errorText).join('; ')}`);
  return new EncryptedStore(store, rules);
}

/** Puts a new key before those that the cluster's own configuration has. Answers its name. */
export async function addEncryptionKey(directory: DataDirectory): Promise<string> {
  const document = parsed(await ownConfiguration(directory), ownFile) as JsonObject;
  const keys = ownKeys(document);
  if (keys === undefined) {
    const path = directory.pkiPath(ownFile);
    throw new EncryptionConfigurationError(
      `${path} has been changed by hand: put the new key first among those of its first provider`,
    );
  }
  const numbers = keys.map(({ name }) => Number(/^key(\d+)$/.exec(name)?.[1] ?? 0));
  const key = newKey(Math.max(0, ...numbers) + 1);
  keys.unshift(key);
  await directory.writePki(ownFile, formatYaml(document));
  return key.name;
}

async function readGiven(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new EncryptionConfigurationError(`${path}: ${(error as Error).message}`);
  }
}

async function ownConfiguration(directory: DataDirectory): Promise<string> {
  const present = await directory.readPki(ownFile);
  if (present !== undefined) return present;
  const text = formatYaml({
    apiVersion: encryptionApiVersion,
    kind: 'EncryptionConfiguration',
    resources: [{ resources: ['secrets'], providers: [{ envelope: { keys: [newKey(1)] } }, { identity: {} }] }],
  });
  await directory.writePki(ownFile, text);
  return text;
}

const newKey = (number: number): Key => ({ name: `key${number}`, secret: randomBytes(32).toString('base64') });

/** The list of keys in the document itself. */
function ownKeys(document: JsonObject): Key[] | undefined {
  const [rule] = (document.resources ?? []) as { readonly providers?: readonly JsonObject[] }[];
  const provider = rule?.providers?.[0]?.envelope as { readonly keys?: Key[] } | undefined;
  return provider?.keys;
}

function parsed(text: string, path: string): JsonValue {
  try {
    return parseYaml(text).value;
  } catch (error) {
    if (error instanceof YamlError) throw new EncryptionConfigurationError(`${path}: ${error.message}`);
    throw error;
  }
}
