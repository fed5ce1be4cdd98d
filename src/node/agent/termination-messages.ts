/** What containers leave as their last words. Source: kubelet's `getTerminationMessage`. */
import { open } from 'node:fs/promises';
import type { Pod } from '../../apis/types.ts';
import type { ContainerStatus } from '../container-runtime.ts';
import { readLog } from './logs.ts';
import { terminationMessageFile } from './paths.ts';
import { allContainers, type PodState, specOf } from './pod-state.ts';

const longestMessage = 4096;
const longestLogMessage = 2048;
const logLines = 80;

export class TerminationMessages {
  /** By container id; containers that said nothing have an empty text. */
  readonly byContainer = new Map<string, string>();
  readonly #directory: string;
  readonly #uid: string;

  constructor(directory: string, uid: string) {
    this.#directory = directory;
    this.#uid = uid;
  }

  /** Reads what containers that have ended since the last time have left, and forgets those that are no more. */
  async read(pod: Pod, state: PodState): Promise<void> {
    const present = new Set([...state.containers.values()].flat().map(({ id }) => id));
    for (const id of this.byContainer.keys()) if (!present.has(id)) this.byContainer.delete(id);
    for (const attempts of state.containers.values()) {
      for (const container of attempts) {
        if (container.state !== 'exited' || this.byContainer.has(container.id)) continue;
        this.byContainer.set(container.id, await this.#message(pod, container));
      }
    }
  }

  async #message(pod: Pod, container: ContainerStatus): Promise<string> {
    const file = terminationMessageFile(this.#directory, this.#uid, container.name, container.attempt);
    const said = await readAtMost(file, longestMessage);
    if (said !== '' || container.exitCode === 0 || container.reason === 'ContainerCannotRun') return said;
    const spec = allContainers(specOf(pod)).find(({ name }) => name === container.name);
    if (spec?.terminationMessagePolicy !== 'FallbackToLogsOnError') return '';
    const { signal } = new AbortController();
    const request = { follow: false, timestamps: false, tailLines: logLines, signal };
    const chunks: Uint8Array[] = [];
    const ended = Promise.resolve();
    for await (const chunk of readLog({ path: container.logPath, now: 0, request, ended })) chunks.push(chunk);
    return Buffer.concat(chunks).subarray(-longestLogMessage).toString();
  }
}

async function readAtMost(path: string, bytes: number): Promise<string> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      const start = Math.max(0, size - bytes);
      const { bytesRead, buffer } = await file.read(Buffer.alloc(Math.min(size, bytes)), 0, undefined, start);
      return buffer.subarray(0, bytesRead).toString();
    } finally {
      await file.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    return `Error on reading termination log ${path}: ${(error as Error).message}`;
  }
}
