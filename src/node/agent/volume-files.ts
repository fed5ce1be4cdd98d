/**
 * Directories whose files change together: every version in a directory of its own, `..data` pointing at the current
 * one, and a link per file. A reader that follows `..data` once sees one version. Source: kubelet's `AtomicWriter`.
 */
import { chmod, mkdir, readdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface VolumeFile {
  /** Relative, without `..`. */
  readonly path: string;
  readonly content: Buffer;
  /** Permission bits. */
  readonly mode: number;
}

/** Brings `directory` to hold exactly `files`; does nothing when it does. `stamp` names the new version. */
export async function writeVolume(directory: string, files: readonly VolumeFile[], stamp: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  const data = join(directory, '..data');
  const current = await readlink(data).catch(() => undefined);
  if (current !== undefined && (await holds(join(directory, current), files))) return;

  const version = `..${stamp}`;
  for (const file of files) {
    const path = join(directory, version, file.path);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, file.content);
    // Not the mode of `writeFile`, which the process's umask cuts.
    await chmod(path, file.mode);
  }
  await mkdir(join(directory, version), { recursive: true });
  // A former agent may have died between these two steps.
  await rm(`${data}_tmp`, { force: true });
  await symlink(version, `${data}_tmp`);
  await rename(`${data}_tmp`, data);

  const wanted = new Set(files.map(({ path }) => path.split('/')[0]!));
  for (const name of await readdir(directory)) {
    if (name === '..data' || name === version) continue;
    if (name.startsWith('..') || !wanted.has(name)) await rm(join(directory, name), { recursive: true, force: true });
    else wanted.delete(name);
  }
  for (const name of wanted) await symlink(join('..data', name), join(directory, name));
}

async function holds(directory: string, files: readonly VolumeFile[]): Promise<boolean> {
  try {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true });
    if (entries.filter((entry) => entry.isFile()).length !== files.length) return false;
    for (const file of files) {
      if (!(await readFile(join(directory, file.path))).equals(file.content)) return false;
    }
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
