/**
 * Reading containers' logs: which file, which lines, in which form. Source: kubelet's `validateContainerLogStatus` and
 * `k8s.io/cri-client/pkg/logs`.
 */
import { type FSWatcher, watch } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ContainerLogsRequest } from '../../apis/resource-type.ts';
import type { PodStatus } from '../../apis/types.ts';
import { badRequest } from '../../machinery/status.ts';
import { parseLogLine, rotatedLogs } from '../container-log.ts';

/** Which attempt's log is asked for, and whether more may come. */
export interface LogSelection {
  readonly attempt: number;
  readonly running: boolean;
}

/** @throws StatusError 400 with kubelet's words when there is no such log. */
export function selectLog(pod: string, status: PodStatus, container: string, previous: boolean): LogSelection {
  const found = [
    ...(status.containerStatuses ?? []),
    ...(status.initContainerStatuses ?? []),
    ...(status.ephemeralContainerStatuses ?? []),
  ].find(({ name }) => name === container);
  const named = `container ${JSON.stringify(container)} in pod ${JSON.stringify(pod)}`;
  if (found === undefined) throw badRequest(`${named} is not available`);
  const { state, lastState, restartCount } = found;
  const last = lastState?.terminated;
  if (previous) {
    if (last?.containerID === undefined) throw badRequest(`previous terminated ${named} not found`);
    // While the container waits, its last run is the newest one.
    return { attempt: state?.waiting === undefined ? restartCount - 1 : restartCount, running: false };
  }
  if (state?.running !== undefined) return { attempt: restartCount, running: true };
  if (state?.terminated !== undefined) {
    if (state.terminated.containerID !== undefined) return { attempt: restartCount, running: false };
    if (last?.containerID === undefined) throw badRequest(`${named} is terminated`);
    return { attempt: restartCount - 1, running: false };
  }
  if (last !== undefined) {
    if (last.containerID === undefined) throw badRequest(`${named} is terminated`);
    return { attempt: restartCount, running: false };
  }
  const reason = state?.waiting?.reason ?? '';
  if (reason === '') throw badRequest(`${named} is waiting to start - no logs yet`);
  const why =
    reason === 'ErrImagePull'
      ? "image can't be pulled"
      : reason === 'ImagePullBackOff'
        ? 'trying and failing to pull image'
        : reason;
  throw badRequest(`${named} is waiting to start: ${why}`);
}

export interface LogReaderOptions {
  readonly path: string;
  readonly now: number;
  readonly request: Omit<ContainerLogsRequest, 'namespace' | 'pod' | 'container' | 'previous'>;
  /** Resolves when the container writes no more. */
  readonly ended: Promise<void>;
}

/** The log as a client sees it, chunk by chunk; with `follow`, until the container ends or the client goes. */
export async function* readLog(options: LogReaderOptions): AsyncGenerator<Uint8Array> {
  const { path, request } = options;
  const format = new LogFormat(request, options.now);
  const files = [...(await rotatedLogs(path).catch(() => [])), path];
  const [index, offset] = await whereToStart(files, request.tailLines);
  for (let at = index; at < files.length - 1; at++) {
    const file = new LogFile(files[at]!, at === index ? offset : 0);
    try {
      for await (const lines of file.lines()) {
        const chunk = format.take(lines);
        if (chunk.length > 0) yield chunk;
        if (format.full) return;
      }
    } finally {
      await file.close();
    }
  }
  const start = index === files.length - 1 ? offset : 0;
  if (request.follow) yield* follow(path, start, format, options);
  else yield* once(path, start, format, request.signal);
}

async function* once(path: string, offset: number, format: LogFormat, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const file = new LogFile(path, offset);
  try {
    for await (const lines of file.lines()) {
      const chunk = format.take(lines);
      if (chunk.length > 0) yield chunk;
      if (format.full || signal.aborted) return;
    }
  } finally {
    await file.close();
  }
}

async function* follow(
  path: string,
  offset: number,
  format: LogFormat,
  { request: { signal }, ended }: LogReaderOptions,
): AsyncGenerator<Uint8Array> {
  let file = new LogFile(path, offset);
  let wake: () => void = () => undefined;
  let changed = true;
  let over = false;
  const signalled = (): void => {
    changed = true;
    wake();
  };
  const onEnd = (): void => {
    over = true;
    signalled();
  };
  void ended.then(onEnd, onEnd);
  signal.addEventListener('abort', signalled);
  // The directory, because rotation puts a new file in the place of this one.
  const watcher: FSWatcher = watch(dirname(path), signalled);
  watcher.on('error', onEnd);
  try {
    while (!signal.aborted) {
      changed = false;
      const last = over;
      for await (const lines of file.lines()) {
        const chunk = format.take(lines);
        if (chunk.length > 0) yield chunk;
        if (format.full || signal.aborted) return;
      }
      if (await file.replaced()) {
        await file.close();
        file = new LogFile(path, 0);
        continue;
      }
      if (last) return;
      if (!changed && !signal.aborted) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    watcher.close();
    signal.removeEventListener('abort', signalled);
    await file.close();
  }
}

/** Turns entries of the file into what the client asked for. */
class LogFormat {
  readonly #timestamps: boolean;
  readonly #since: number | undefined;
  #bytesLeft: number;
  /** Whether the next piece begins a line (and so carries a time). */
  #lineStart = true;

  constructor(request: LogReaderOptions['request'], now: number) {
    this.#timestamps = request.timestamps;
    this.#since =
      request.sinceSeconds !== undefined
        ? now - request.sinceSeconds * 1000
        : request.sinceTime !== undefined
          ? Date.parse(request.sinceTime)
          : undefined;
    this.#bytesLeft = request.limitBytes ?? Number.POSITIVE_INFINITY;
  }

  get full(): boolean {
    return this.#bytesLeft <= 0;
  }

  take(lines: readonly Buffer[]): Buffer {
    const parts: Buffer[] = [];
    for (const line of lines) {
      const entry = parseLogLine(line);
      if (entry === undefined) continue;
      if (this.#since !== undefined && Date.parse(entry.time) < this.#since) continue;
      if (this.#timestamps && this.#lineStart) parts.push(Buffer.from(`${entry.time} `));
      parts.push(entry.text);
      if (!entry.partial) parts.push(newline);
      this.#lineStart = !entry.partial;
    }
    const chunk = Buffer.concat(parts);
    const kept = chunk.length > this.#bytesLeft ? chunk.subarray(0, this.#bytesLeft) : chunk;
    this.#bytesLeft -= kept.length;
    return kept;
  }
}

const newline = Buffer.from('\n');
const chunkBytes = 64 * 1024;

/** A log file, read from an offset on, by whole lines, as far as it has come. */
class LogFile {
  readonly #path: string;
  #offset: number;
  #handle: FileHandle | undefined;
  #rest: Buffer = Buffer.alloc(0);

  constructor(path: string, offset: number) {
    this.#path = path;
    this.#offset = offset;
  }

  async *lines(): AsyncGenerator<Buffer[]> {
    this.#handle ??= await openIfThere(this.#path);
    if (this.#handle === undefined) return;
    for (;;) {
      const { bytesRead, buffer } = await this.#handle.read(Buffer.alloc(chunkBytes), 0, chunkBytes, this.#offset);
      if (bytesRead === 0) return;
      this.#offset += bytesRead;
      let rest = Buffer.concat([this.#rest, buffer.subarray(0, bytesRead)]);
      const lines: Buffer[] = [];
      for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
        lines.push(rest.subarray(0, end));
        rest = rest.subarray(end + 1);
      }
      this.#rest = rest;
      if (lines.length > 0) yield lines;
    }
  }

  /** Whether another file has taken this one's name. */
  async replaced(): Promise<boolean> {
    if (this.#handle === undefined) return false;
    const now = await stat(this.#path).catch(() => undefined);
    return now !== undefined && now.ino !== (await this.#handle.stat()).ino;
  }

  async close(): Promise<void> {
    await this.#handle?.close();
    this.#handle = undefined;
  }
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The file and the offset in it at which the last `tail` lines begin. Partial entries count with their line. */
async function whereToStart(files: readonly string[], tail: number | undefined): Promise<[number, number]> {
  if (tail === undefined || tail < 0) return [0, 0];
  let wanted = tail;
  for (let index = files.length - 1; index >= 0; index--) {
    const handle = await openIfThere(files[index]!);
    if (handle === undefined) continue;
    try {
      const [offset, found] = await tailOffset(handle, wanted);
      if (offset !== undefined) return [index, offset];
      wanted -= found;
    } finally {
      await handle.close();
    }
  }
  return [0, 0];
}

/** Where the last `tail` lines of one file begin; without one, how many lines the file has. */
async function tailOffset(handle: FileHandle, tail: number): Promise<[number | undefined, number]> {
  const { size } = await handle.stat();
  if (tail === 0) return [size, 0];
  let lines = 0;
  let end = size;
  let text = Buffer.alloc(0);
  /** What is before `end` has not been read; `text` is what follows it and is not yet counted. */
  while (end > 0) {
    const start = Math.max(0, end - chunkBytes);
    const block = Buffer.alloc(end - start);
    await handle.read(block, 0, block.length, start);
    text = Buffer.concat([block, text]);
    end = start;
    for (;;) {
      const lineEnd = text.length - 1;
      const before = lineEnd <= 0 ? -1 : text.lastIndexOf(10, lineEnd - 1);
      if (before < 0 && end > 0) break;
      const entry = text.length === 0 ? undefined : parseLogLine(text.subarray(before + 1, lineEnd));
      if (text.length === 0) break;
      // A whole line ends here, or the file ends in the middle of one.
      if (entry !== undefined && (!entry.partial || end + text.length === size)) {
        if (lines === tail) return [end + text.length, lines];
        lines++;
      }
      text = text.subarray(0, before + 1);
    }
  }
  return lines === tail ? [0, lines] : [undefined, lines];
}
