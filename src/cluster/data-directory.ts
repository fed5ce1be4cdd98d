/**
 * What a cluster keeps on disk: keys and certificates in `pki/` (kubeadm's names), the store in `store/`, the nodes' working
 * directories in `nodes/`, the administrator's kubeconfig beside them. Whatever holds a secret is 0600.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

export class DataDirectory {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async open(path: string): Promise<DataDirectory> {
    const absolute = resolve(path);
    await mkdir(absolute, { recursive: true, mode: 0o700 });
    return new DataDirectory(absolute);
  }

  get store(): string {
    return join(this.path, 'store');
  }

  get kubeconfig(): string {
    return join(this.path, 'kubeconfig');
  }

  /** Keys and certificates. */
  get pki(): string {
    return join(this.path, 'pki');
  }

  node(name: string): string {
    return join(this.path, 'nodes', name);
  }

  /** `undefined` when there is no such file. */
  async readPki(name: string): Promise<string | undefined> {
    try {
      return await readFile(join(this.pki, name), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  pkiPath(name: string): string {
    return join(this.pki, name);
  }

  async writePki(name: string, text: string): Promise<void> {
    await mkdir(this.pki, { recursive: true, mode: 0o700 });
    await writeSecret(join(this.pki, name), text);
  }
}

/** Whole or not at all, and readable by the owner only. */
export async function writeSecret(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, text, { mode: 0o600 });
  await rename(temporary, path);
}
