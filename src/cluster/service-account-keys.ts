/**
 * The keys of service account tokens in `pki/`, under kubeadm's names: `sa.key` signs, `sa.pub` is its public half, and
 * any further `sa-*.pub` verifies too. To change keys: keep the old `sa.pub` as `sa-old.pub`, then put a new `sa.key` in place.
 */
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  createSigningKey,
  publicKeyPem,
  type ServiceAccountKeys,
  serviceAccountKeys,
} from '../auth/service-account/keys.ts';
import type { DataDirectory } from './data-directory.ts';
import type { Reloading, ReloadingFiles } from './reloading.ts';

export class ServiceAccountKeyError extends Error {
  override readonly name = 'ServiceAccountKeyError';
}

export interface KeyFiles {
  /** Default: `sa.key` in the data directory, made when it is missing. */
  readonly signing?: string | undefined;
  /** Default: `sa.pub` and `sa-*.pub` in the data directory. */
  readonly verifying?: readonly string[] | undefined;
}

/** Keys that end with the process. */
export function ephemeralKeys(): () => ServiceAccountKeys {
  let keys: ServiceAccountKeys | undefined;
  return () => {
    keys ??= serviceAccountKeys(createSigningKey());
    return keys;
  };
}

export async function clusterKeys(
  { signing: given, verifying }: KeyFiles,
  directory: DataDirectory,
  files: ReloadingFiles,
): Promise<Reloading<ServiceAccountKeys>> {
  const signing = given ?? (await ownKey(directory));
  const folder = directory.pki;
  return await files.open({
    what: 'the keys of service accounts',
    directories: [signing, ...(verifying ?? [join(folder, '_')])].map(dirname),
    read: async () => {
      const others = verifying ?? (await publicKeyFiles(folder));
      return await Promise.all([signing, ...others].map((path) => readFile(path, 'utf8')));
    },
    make: ([first = '', ...others]) => usable(first, others),
  });
}

/** @throws ServiceAccountKeyError */
function usable(signing: string, others: readonly string[]): ServiceAccountKeys {
  try {
    return serviceAccountKeys(signing, others);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ServiceAccountKeyError(`the keys of service accounts cannot be used: ${why}`);
  }
}

async function ownKey(directory: DataDirectory): Promise<string> {
  if ((await directory.readPki('sa.key')) === undefined) {
    const key = createSigningKey();
    await directory.writePki('sa.key', key);
    await directory.writePki('sa.pub', publicKeyPem(serviceAccountKeys(key).signing));
  }
  return join(directory.pki, 'sa.key');
}

async function publicKeyFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  return names
    .filter((name) => /^sa(-.+)?\.pub$/.test(name))
    .sort()
    .map((name) => join(folder, name));
}
