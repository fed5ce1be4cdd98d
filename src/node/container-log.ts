/**
 * A container's log file in the CRI log format: one line of the file is `<RFC 3339 nano> stdout|stderr F|P <text>`, where
 * `P` marks a piece of a line that goes on in the next entry. Runtimes append with {@link ContainerLog}; the agent reads
 * with {@link parseLogLine}.
 * Source: k8s.io/cri-api, "CRI: Logging Support for Container Runtime"; the limits are containerd's and kubelet's.
 */
import { open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Clock } from '../clock/clock.ts';

export type LogStream = 'stdout' | 'stderr';

export interface LogLine {
  /** RFC 3339 with nanoseconds, as written. */
  readonly time: string;
  readonly stream: LogStream;
  /** More of this line follows in the next entry of the stream. */
  readonly partial: boolean;
  readonly text: Buffer;
}

export interface ContainerLogOptions {
  /** A file that has reached this many bytes is moved aside; kubelet's `containerLogMaxSize`, 10 MiB. */
  readonly maxBytes?: number;
  /** How many files there may be, the current one included; kubelet's `containerLogMaxFiles`, 5. */
  readonly maxFiles?: number;
}

/** Longer lines are split into partial entries, as containerd does. */
const maxLineBytes = 16 * 1024;
const newline = 10;

/** The one writer of a log file. Writes are ordered and grouped; what was appended is in the file once `flushed` resolves. */
export class ContainerLog {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #maxBytes: number;
  readonly #maxFiles: number;
  /** The start of a line whose end has not come yet, per stream. */
  readonly #unfinished: Record<LogStream, Buffer> = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #size: number | undefined;
  #writing: Promise<void> | undefined;
  #failure: Error | undefined;
  #stampedAt = -1;
  #stamp = '';

  constructor(path: string, clock: Clock, options: ContainerLogOptions = {}) {
    this.#path = path;
    this.#clock = clock;
    this.#maxBytes = options.maxBytes ?? 10 * 1024 * 1024;
    this.#maxFiles = options.maxFiles ?? 5;
  }

  /** Bytes that wait to be written; readers of a busy container pause above a limit of theirs. */
  get backlog(): number {
    return this.#pendingBytes;
  }

  append(stream: LogStream, chunk: Buffer): void {
    const before = this.#unfinished[stream];
    let rest = before.length === 0 ? chunk : Buffer.concat([before, chunk]);
    for (let end = rest.indexOf(newline); end >= 0 || rest.length >= maxLineBytes; end = rest.indexOf(newline)) {
      if (end < 0 || end > maxLineBytes) {
        this.#entry(stream, 'P', rest.subarray(0, maxLineBytes));
        rest = rest.subarray(maxLineBytes);
      } else {
        this.#entry(stream, 'F', rest.subarray(0, end));
        rest = rest.subarray(end + 1);
      }
    }
    // A slice would keep the whole chunk alive for a few bytes.
    this.#unfinished[stream] = Buffer.from(rest);
    this.#wake();
  }

  /** The stream has ended: text without a final newline is written as a partial entry, as containerd does. */
  end(stream: LogStream): void {
    const rest = this.#unfinished[stream];
    if (rest.length === 0) return;
    this.#unfinished[stream] = Buffer.alloc(0);
    this.#entry(stream, 'P', rest);
    this.#wake();
  }

  /** Resolves when everything appended so far is in the file; rejects with what the file system said. */
  async flushed(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
    if (this.#failure !== undefined) throw this.#failure;
  }

  #entry(stream: LogStream, tag: 'F' | 'P', text: Buffer): void {
    const now = this.#clock.now();
    if (now !== this.#stampedAt) {
      this.#stampedAt = now;
      this.#stamp = `${new Date(now).toISOString().slice(0, 23)}000000Z`;
    }
    const entry = Buffer.concat([Buffer.from(`${this.#stamp} ${stream} ${tag} `), text, Buffer.from('\n')]);
    this.#pending.push(entry);
    this.#pendingBytes += entry.length;
  }

  #wake(): void {
    if (this.#pending.length > 0) this.#writing ??= this.#write();
  }

  async #write(): Promise<void> {
    try {
      while (this.#pending.length > 0) {
        const batch = Buffer.concat(this.#pending);
        this.#pending = [];
        this.#pendingBytes = 0;
        const file = await open(this.#path, 'a');
        try {
          this.#size ??= (await file.stat()).size;
          await file.appendFile(batch);
          this.#size += batch.length;
        } finally {
          await file.close();
        }
        if (this.#size >= this.#maxBytes) await this.#rotate();
      }
    } catch (error) {
      // A full disk must not stop the container; the next flush says so and the lines are lost, as with kubelet.
      this.#failure = error as Error;
      this.#pending = [];
      this.#pendingBytes = 0;
    } finally {
      this.#writing = undefined;
    }
  }

  async #rotate(): Promise<void> {
    const directory = dirname(this.#path);
    const stamp = new Date(this.#clock.now()).toISOString().replace(/[-:T]/g, '').slice(0, 14);
    const rotated = await rotatedLogs(this.#path);
    const name = `${this.#path}.${stamp.slice(0, 8)}-${stamp.slice(8)}.${String(rotationNumber(rotated) + 1).padStart(6, '0')}`;
    await rename(this.#path, name);
    this.#size = undefined;
    const surplus = rotated.length + 1 - (this.#maxFiles - 1);
    for (const old of rotated.slice(0, Math.max(0, surplus))) await rm(join(directory, basename(old)), { force: true });
  }
}

/** The files that were moved aside for this log, oldest first. */
export async function rotatedLogs(path: string): Promise<string[]> {
  const directory = dirname(path);
  const prefix = `${basename(path)}.`;
  const names = (await readdir(directory)).filter((name) => name.startsWith(prefix));
  return names.sort((a, b) => numberOf(a) - numberOf(b)).map((name) => join(directory, name));
}

function rotationNumber(rotated: readonly string[]): number {
  const last = rotated.at(-1);
  return last === undefined ? 0 : numberOf(last);
}

function numberOf(name: string): number {
  return Number(name.slice(name.lastIndexOf('.') + 1));
}

/** One entry of a log file, without its newline; `undefined` when it is not in the CRI format. */
export function parseLogLine(line: Buffer): LogLine | undefined {
  const first = line.indexOf(32);
  const second = first < 0 ? -1 : line.indexOf(32, first + 1);
  if (second < 0) return undefined;
  const stream = line.toString('latin1', first + 1, second);
  if (stream !== 'stdout' && stream !== 'stderr') return undefined;
  // Tags may grow, separated by colons; the first says whether the line is whole.
  const third = line.indexOf(32, second + 1);
  const tags = line.toString('latin1', second + 1, third < 0 ? line.length : third);
  const tag = tags.split(':')[0];
  if (tag !== 'F' && tag !== 'P') return undefined;
  return {
    time: line.toString('latin1', 0, first),
    stream,
    partial: tag === 'P',
    text: third < 0 ? Buffer.alloc(0) : line.subarray(third + 1),
  };
}
