/**
 * Where audit events go: a bounded buffer before a file or the standard output. Requests never wait for it; what does not fit
 * is lost, and counted.
 * Source: kube-apiserver's `--audit-log-*` and `--audit-log-mode=batch`; files are rotated as lumberjack does.
 */
import { type FileHandle, mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import type { Clock, Timer } from '../../clock/clock.ts';

export interface AuditLogOptions {
  /** `-`: the standard output. */
  readonly path: string;
  /** In megabytes; a file that would grow larger is put away first. Default: 100. */
  readonly maxSize?: number;
  /** How many files that were put away are kept. Default: 0, all. */
  readonly maxBackup?: number;
  /** For how many days they are kept. Default: 0, for ever. */
  readonly maxAge?: number;
  readonly clock: Clock;
  /** Told when nothing can be written, once until it can again. */
  readonly failed?: (error: Error) => void;
  /** In place of the default {@link bufferBytes}. */
  readonly bufferBytes?: number;
}

/** How much waits at most, in characters, and for how long, in milliseconds. */
const bufferBytes = 32 * 1024 * 1024;
const batchDelay = 50;
/** What is put together and written at once. */
const pieceBytes = 256 * 1024;
const day = 24 * 60 * 60 * 1000;

/** Put into words when it is written: by the hundred, that takes a third of the time that it takes between requests. */
export interface AuditEvent {
  /** About how many characters it keeps in memory. */
  readonly size: number;
  /** JSON, without a line feed. */
  text(): string;
}

export class AuditLog {
  /** Lines that were taken, and those that are lost. */
  taken = 0;
  lost = 0;
  readonly #sink: Sink;
  readonly #limit: number;
  readonly #clock: Clock;
  readonly #failed: (error: Error) => void;
  #waiting: AuditEvent[] = [];
  #size = 0;
  #timer: Timer | undefined;
  #writing: Promise<void> | undefined;
  #broken = false;
  #closed = false;

  private constructor(sink: Sink, options: AuditLogOptions) {
    this.#sink = sink;
    this.#clock = options.clock;
    this.#limit = options.bufferBytes ?? bufferBytes;
    this.#failed = options.failed ?? (() => undefined);
  }

  /** Rejects with the system's error when the file cannot be written to. */
  static async open(options: AuditLogOptions): Promise<AuditLog> {
    return new AuditLog(options.path === '-' ? standardOutput : await RotatingFile.open(options), options);
  }

  write(event: AuditEvent): void {
    if (this.#closed || this.#size + event.size > this.#limit) {
      this.lost += 1;
      return;
    }
    this.taken += 1;
    this.#size += event.size;
    this.#waiting.push(event);
    if (this.#writing === undefined) this.#timer ??= this.#clock.setTimeout(() => this.#flush(), batchDelay);
  }

  /** Resolves when all that was taken is written. Nothing is taken any more. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#flush();
    await this.#writing;
    await this.#sink.close();
  }

  #flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#writing ??= this.#drain().finally(() => {
      this.#writing = undefined;
    });
  }

  async #drain(): Promise<void> {
    const piece = Buffer.allocUnsafeSlow(pieceBytes);
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      for (let from = 0; from < batch.length; ) {
        const { bytes, to } = linesOf(batch, from, piece);
        try {
          await this.#sink.write(bytes);
          this.#broken = false;
        } catch (error) {
          this.lost += to - from;
          if (!this.#broken) this.#failed(error instanceof Error ? error : new Error(String(error)));
          this.#broken = true;
        }
        // What is on its way to the disk takes memory as well.
        for (; from < to; from++) this.#size -= batch[from]!.size;
      }
    }
  }
}

/** The events from `from` to `to`, a line each: in `piece`, as many as fit, or one that does not. */
function linesOf(batch: readonly AuditEvent[], from: number, piece: Buffer): { bytes: Buffer; to: number } {
  let used = 0;
  for (let at = from; at < batch.length; at++) {
    const text = batch[at]!.text();
    // No character of a string takes more than three bytes.
    if (used + text.length * 3 + 1 > piece.length) {
      if (at === from) return { bytes: Buffer.from(`${text}\n`), to: at + 1 };
      return { bytes: piece.subarray(0, used), to: at };
    }
    used += piece.write(text, used);
    piece[used++] = lineFeed;
  }
  return { bytes: piece.subarray(0, used), to: batch.length };
}

const lineFeed = 0x0a;

interface Sink {
  write(bytes: Buffer): Promise<void>;
  close(): Promise<void>;
}

const standardOutput: Sink = {
  write: (bytes) =>
    new Promise((resolve, reject) => {
      process.stdout.write(bytes, (error) => (error ? reject(error) : resolve()));
    }),
  close: () => Promise.resolve(),
};

/** Files that were put away have their time in their name: `audit-2026-01-31T09-30-00.000.log`. */
class RotatingFile implements Sink {
  readonly #options: AuditLogOptions;
  readonly #maxBytes: number;
  #file: FileHandle;
  #size: number;

  private constructor(options: AuditLogOptions, file: FileHandle, size: number) {
    this.#options = options;
    this.#maxBytes = (options.maxSize || 100) * 1024 * 1024;
    this.#file = file;
    this.#size = size;
  }

  static async open(options: AuditLogOptions): Promise<RotatingFile> {
    await mkdir(dirname(options.path), { recursive: true, mode: 0o700 });
    const file = await open(options.path, 'a', 0o600);
    return new RotatingFile(options, file, (await file.stat()).size);
  }

  async write(bytes: Buffer): Promise<void> {
    if (this.#size > 0 && this.#size + bytes.length > this.#maxBytes) await this.#rotate();
    await this.#file.appendFile(bytes);
    this.#size += bytes.length;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #rotate(): Promise<void> {
    const { path, clock } = this.#options;
    let at = clock.now();
    while (await exists(this.#backup(at))) at += 1;
    await rename(path, this.#backup(at));
    const next = await open(path, 'a', 0o600);
    await this.#file.close();
    this.#file = next;
    this.#size = 0;
    await this.#prune();
  }

  #backup(at: number): string {
    const { path } = this.#options;
    const extension = extname(path);
    const time = new Date(at).toISOString().slice(0, -1).replaceAll(':', '-');
    return join(dirname(path), `${basename(path, extension)}-${time}${extension}`);
  }

  async #prune(): Promise<void> {
    const { path, maxBackup = 0, maxAge = 0, clock } = this.#options;
    if (maxBackup === 0 && maxAge === 0) return;
    const extension = extname(path);
    const prefix = `${basename(path, extension)}-`;
    const times = (await readdir(dirname(path)))
      .filter((name) => name.startsWith(prefix) && name.endsWith(extension))
      .map((name) => ({ name, at: timeOf(name.slice(prefix.length, name.length - extension.length)) }))
      .filter(({ at }) => !Number.isNaN(at))
      .sort((a, b) => b.at - a.at);
    const old = times.filter(
      ({ at }, index) => (maxBackup > 0 && index >= maxBackup) || (maxAge > 0 && at < clock.now() - maxAge * day),
    );
    await Promise.all(old.map(({ name }) => unlink(join(dirname(path), name))));
  }
}

const timeOf = (text: string): number => Date.parse(`${text.replace(/T(\d\d)-(\d\d)-/, 'T$1:$2:')}Z`);

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
