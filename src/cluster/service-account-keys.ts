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
import type { Clock } from '../clock/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { DataDirectory } from './data-directory.ts';
import { type Reloading, reloading } from './reloading.ts';

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
  files: KeyFiles,
  directory: DataDirectory,
  clock: Clock,
  log: Logger,
): Promise<Reloading<ServiceAccountKeys>> {
  const { signing = await ownKey(directory), verifying } = files;
  const folder = directory.pki;
  return await reloading({
    what: 'the keys of service accounts',
    directories: [signing, ...(verifying ?? [join(folder, '_')])].map(dirname),
    read: async () => {
      const others = verifying ?? (await publicKeyFiles(folder));
      return await Promise.all([signing, ...others].map((path) => readFile(path, 'utf8')));
    },
    make: ([first = '', ...others]) => serviceAccountKeys(first, others),
    clock,
    log,
  });
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
