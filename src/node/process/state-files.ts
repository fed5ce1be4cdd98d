/**
 * What the process runtime remembers on disk, so that a restarted agent finds its pods again:
 *
 *     <directory>/sandboxes/<id>/sandbox.json
 *     <directory>/containers/<id>/container.json   the record below, replaced as a whole on every change
 *     <directory>/containers/<id>/root/            the container's working directory
 *     <directory>/containers/<id>/stdout, stderr   named pipes, so that output outlives the agent
 */
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContainerConfig, ContainerStatus, SandboxConfig, SandboxStatus } from '../container-runtime.ts';

export interface SandboxRecord extends Omit<SandboxStatus, 'config'> {
  readonly config: SandboxConfig;
}

export interface ContainerRecord extends ContainerStatus {
  readonly config: ContainerConfig;
  /** The leader of the container's process group; 0 before it was started. */
  readonly pid: number;
  /** See `processIdentity`. */
  readonly identity: string;
}

export interface Records {
  readonly sandboxes: SandboxRecord[];
  readonly containers: ContainerRecord[];
}

export function sandboxDirectory(directory: string, id: string): string {
  return join(directory, 'sandboxes', id);
}

export function containerDirectory(directory: string, id: string): string {
  return join(directory, 'containers', id);
}

export function writeSandbox(directory: string, record: SandboxRecord): Promise<void> {
  return replace(join(sandboxDirectory(directory, record.id), 'sandbox.json'), record);
}

export function writeContainer(directory: string, record: ContainerRecord): Promise<void> {
  return replace(join(containerDirectory(directory, record.id), 'container.json'), record);
}

/** Everything that was remembered. A directory without a record was being made when the agent died, and is skipped. */
export async function readRecords(directory: string): Promise<Records> {
  await mkdir(join(directory, 'sandboxes'), { recursive: true });
  await mkdir(join(directory, 'containers'), { recursive: true });
  return {
    sandboxes: await readAll<SandboxRecord>(join(directory, 'sandboxes'), 'sandbox.json'),
    containers: await readAll<ContainerRecord>(join(directory, 'containers'), 'container.json'),
  };
}

async function readAll<T>(parent: string, file: string): Promise<T[]> {
  const records = await Promise.all(
    (await readdir(parent)).map(async (id) => {
      try {
        return JSON.parse(await readFile(join(parent, id, file), 'utf8')) as T;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
    }),
  );
  return records.filter((record) => record !== undefined);
}

/** A reader sees the old record or the new one, never half of one. */
async function replace(path: string, record: unknown): Promise<void> {
  await writeFile(`${path}.new`, JSON.stringify(record));
  await rename(`${path}.new`, path);
}
