/**
 * One container as a process of the host: started here, or found again after the agent was restarted.
 *
 * Standard output and error are named pipes that the process itself holds open for reading and writing. While no agent
 * reads them the process runs on (and waits once a pipe's 64 KiB are full) instead of dying of SIGPIPE.
 */
import { type ChildProcess, execFile, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { close, constants, open } from 'node:fs';
import { access, mkdir, stat, symlink } from 'node:fs/promises';
import { Socket } from 'node:net';
import { dirname, join, normalize } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { type Clock, sleep } from '../../clock/clock.ts';
import type { CommandStreams } from '../../streaming/remote-command.ts';
import type { ContainerLog, LogStream } from '../container-log.ts';
import { type ContainerConfig, type Mount, RuntimeError } from '../container-runtime.ts';
import { ContainerOutput } from './container-output.ts';
import { processIdentity, signalGroup, signalNumber } from './host-process.ts';
import type { Launch } from './mount-namespace.ts';
import { childrenOf, onTerminal, resizeTerminal, signalTerminal } from './terminal.ts';

const openFile = promisify(open);
const closeFile = promisify(close);
const runFile = promisify(execFile);

export interface Exit {
  readonly exitCode: number;
  /** 0 when no signal ended it. */
  readonly signal: number;
  /** Nobody saw the exit code: the process was not this agent's child. */
  readonly unseen: boolean;
}

/** How often an adopted process is looked at; its end is usually seen at once, when its pipes close. */
const adoptedPollMilliseconds = 500;
/** How long output may still come after the process has ended (from processes that left its group). */
const drainMilliseconds = 1000;

export class ContainerProcess {
  readonly pid: number;
  readonly identity: string;
  /** Resolves when the process has ended and all its output is in the log. */
  readonly ended: Promise<Exit>;
  readonly #clock: Clock;
  readonly #child: ChildProcess | undefined;
  readonly #directory: string;
  readonly #config: ContainerConfig;
  readonly #outputs: ContainerOutput[];
  /** Keeps the standard input open that ends with the first client's. */
  #inputKeeper: number | undefined;
  #released = false;
  #stop: { deadline: number; cancel(): void } | undefined;
  #lastSignal: NodeJS.Signals | undefined;

  private constructor(
    directory: string,
    config: ContainerConfig,
    clock: Clock,
    pid: number,
    identity: string,
    child: ChildProcess | undefined,
    outputs: ContainerOutput[],
    log: ContainerLog,
  ) {
    this.#directory = directory;
    this.#config = config;
    this.#clock = clock;
    this.pid = pid;
    this.identity = identity;
    this.#child = child;
    this.#outputs = outputs;
    this.ended = (child === undefined ? this.#adoptedEnd() : childEnd(child)).then((exit) => this.#finish(exit, log));
  }

  /** Makes the named pipes and the working directory of a container, with its mounts as links. */
  static async prepare(directory: string, config: ContainerConfig): Promise<void> {
    await mkdir(join(directory, 'root'), { recursive: true });
    const names = hasInput(config) ? ['stdout', 'stderr', 'stdin'] : ['stdout', 'stderr'];
    await Promise.all([
      runFile(
        'mkfifo',
        names.map((name) => join(directory, name)),
      ),
      linkMounts(join(directory, 'root'), config.mounts),
    ]);
  }

  static async start(
    directory: string,
    config: ContainerConfig,
    launch: Launch,
    log: ContainerLog,
    clock: Clock,
  ): Promise<ContainerProcess> {
    const stdout = await openFile(join(directory, 'stdout'), constants.O_RDWR);
    const stderr = await openFile(join(directory, 'stderr'), constants.O_RDWR);
    const { file, args, cwd, env } = config.tty ? onTerminal(launch) : launch;
    // As long as somebody may write, reading waits: the process itself may, or this agent until the first client's end.
    const keeper = hasInput(config) ? await openFile(join(directory, 'stdin'), constants.O_RDWR) : undefined;
    const once = keeper !== undefined && config.stdinOnce === true;
    const stdin = once ? await openFile(join(directory, 'stdin'), constants.O_RDONLY) : keeper;
    let kept = false;
    const outputs = await openOutputs(directory, log);
    try {
      const stdio: StdioOptions = [stdin ?? 'ignore', stdout, stderr];
      const child = spawn(file, [...args], { cwd, env: { ...env }, detached: true, stdio });
      const pid = await started(child, file);
      // A process that is already gone is seen by its exit event; until then its id cannot be another's.
      const identity = (await processIdentity(pid)) ?? '';
      const process = new ContainerProcess(directory, config, clock, pid, identity, child, outputs, log);
      if (once) process.#inputKeeper = keeper;
      kept = once;
      return process;
    } catch (error) {
      for (const output of outputs) output.close();
      throw error;
    } finally {
      const open = new Set([stdout, stderr, stdin, kept ? undefined : keeper]);
      await Promise.all([...open].map((fd) => (fd === undefined ? undefined : closeFile(fd))));
    }
  }

  /** Takes over a process that a former agent started; `undefined` when it is no more. */
  static async adopt(
    directory: string,
    config: ContainerConfig,
    pid: number,
    identity: string,
    log: ContainerLog,
    clock: Clock,
  ): Promise<ContainerProcess | undefined> {
    if (identity === '' || (await processIdentity(pid)) !== identity) return undefined;
    const outputs = await openOutputs(directory, log);
    return new ContainerProcess(directory, config, clock, pid, identity, undefined, outputs, log);
  }

  /** SIGTERM now, SIGKILL after the timeout; a second call may shorten the wait. */
  stop(timeoutSeconds: number): void {
    const deadline = this.#clock.now() + timeoutSeconds * 1000;
    if (this.#stop !== undefined && this.#stop.deadline <= deadline) return;
    if (this.#stop === undefined && timeoutSeconds > 0) this.signal('SIGTERM');
    this.#stop?.cancel();
    this.#stop = { deadline, cancel: () => undefined };
    if (timeoutSeconds <= 0) {
      this.signal('SIGKILL');
      return;
    }
    const timer = this.#clock.setTimeout(() => this.signal('SIGKILL'), timeoutSeconds * 1000);
    this.#stop.cancel = () => timer.cancel();
  }

  /** The process groups that it is made of. */
  get groups(): number[] {
    return this.#config.tty ? [this.pid, ...childrenOf(this.pid)] : [this.pid];
  }

  signal(signal: NodeJS.Signals): void {
    this.#lastSignal = signal;
    this.#signal(signal);
  }

  /** Joins a client to the process's own streams, until it goes or the process ends. */
  async attach(streams: CommandStreams): Promise<void> {
    const { stdin, stdout, stderr, gone } = streams;
    const over = new AbortController();
    const letGo = this.#outputs.map((output) => {
      const client = output.stream === 'stdout' ? stdout : stderr;
      return client === undefined ? () => undefined : output.attach(client);
    });
    if (this.#config.tty) streams.onResize((size) => void resizeTerminal(this.pid, size, this.#clock));
    if (stdin !== undefined && hasInput(this.#config)) void this.#type(stdin, over.signal);
    try {
      const left = gone.aborted ? undefined : once(gone, 'abort', { signal: over.signal }).catch(() => undefined);
      await Promise.race([left, this.ended]);
    } finally {
      over.abort();
      for (const detach of letGo) detach();
    }
  }

  /** What a client types. With `stdinOnce`, the first client's end is the end of the input. */
  async #type(stdin: Readable, over: AbortSignal): Promise<void> {
    const path = join(this.#directory, 'stdin');
    const fd = await openFile(path, constants.O_WRONLY | constants.O_NONBLOCK).catch(() => undefined);
    // Nobody reads: the input has ended before.
    if (fd === undefined) return;
    const pipe = new Socket({ fd, readable: false, writable: true });
    await pipeline(stdin, pipe, { signal: over }).catch(() => undefined);
    pipe.destroy();
    await this.#endInput();
  }

  async #endInput(): Promise<void> {
    const keeper = this.#inputKeeper;
    this.#inputKeeper = undefined;
    if (keeper !== undefined) await closeFile(keeper);
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#config.tty) signalTerminal(this.pid, signal);
    else signalGroup(this.pid, signal);
  }

  /** Lets the process run on without this agent. */
  release(): void {
    this.#released = true;
    this.#stop?.cancel();
    for (const output of this.#outputs) output.close();
    this.#child?.unref();
  }

  async #finish(exit: Exit, log: ContainerLog): Promise<Exit> {
    this.#stop?.cancel();
    // As the end of a container's first process ends the container, nothing of its group outlives it.
    this.#signal('SIGKILL');
    await this.#endInput();
    const drained = new AbortController();
    const deadline = sleep(this.#clock, drainMilliseconds, drained.signal).catch(() => undefined);
    await Promise.race([Promise.all(this.#outputs.map((output) => output.ended)), deadline]);
    drained.abort();
    for (const output of this.#outputs) output.close();
    await log.flushed().catch(() => undefined);
    return exit;
  }

  /** Polls, because only a parent is told: through the pipes' end at once, through the clock in any case. */
  async #adoptedEnd(): Promise<Exit> {
    const pipesEnded = Promise.all(this.#outputs.map((output) => output.ended));
    let first = true;
    while (!this.#released && (await processIdentity(this.pid)) === this.identity) {
      const poll = sleep(this.#clock, adoptedPollMilliseconds);
      await (first ? Promise.race([poll, pipesEnded]) : poll);
      first = false;
    }
    const signal = this.#lastSignal === undefined ? 0 : signalNumber(this.#lastSignal);
    return signal === 0
      ? { exitCode: 137, signal: 0, unseen: true }
      : { exitCode: 128 + signal, signal, unseen: false };
  }
}

/** A terminal waits for what is typed even where nobody may type. */
function hasInput({ stdin, tty }: ContainerConfig): boolean {
  return stdin || tty;
}

/** The mounts as symbolic links below the container's root: the host has one file tree, and no pod may change it. */
async function linkMounts(root: string, mounts: readonly Mount[]): Promise<void> {
  const outermostFirst = [...mounts].sort((a, b) => a.containerPath.length - b.containerPath.length);
  for (const mount of outermostFirst) {
    const link = pathInside(root, mount.containerPath);
    if (link === root) {
      throw new RuntimeError(
        'CreateContainerError',
        `the process runtime cannot mount a volume at ${mount.containerPath}`,
      );
    }
    await mkdir(dirname(link), { recursive: true });
    try {
      await symlink(mount.hostPath, link);
    } catch (error) {
      // Below another volume, where another container of the pod has mounted it already.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** An absolute path as the container names it, below its root whatever dots it has. */
export function pathInside(root: string, path: string): string {
  return join(root, normalize(`/${path}`)).replace(/\/+$/, '');
}

/** Whether a path is a directory or something in it. */
export function isBelow(path: string, directory: string): boolean {
  return path !== '' && `${normalize(`/${path}`)}/`.startsWith(`${normalize(directory).replace(/\/+$/, '')}/`);
}

/** Where the process starts: below the container's root when the path is there, else on the host, else it is made. */
export async function workingDirectory(root: string, path: string): Promise<string> {
  if (path === '') return root;
  const inside = pathInside(root, path);
  if (await isDirectory(inside)) return inside;
  if (await isDirectory(path)) return path;
  await mkdir(inside, { recursive: true });
  return inside;
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

/** Resolves to the process id, or says in runc's words why there is none. */
export function started(child: ChildProcess, file: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('spawn', () => resolve(child.pid!));
    child.once('error', (error: NodeJS.ErrnoException) => reject(cannotRun(file, error)));
  });
}

/** The words of runc for what `spawn` says. */
export function cannotRun(file: string, error: NodeJS.ErrnoException): RuntimeError {
  const notThere = error.code === 'ENOENT' || error.code === 'EACCES';
  // A search of $PATH passes over what it may not execute, as Go's LookPath does.
  if (notThere && !file.includes('/')) {
    return new RuntimeError('RunContainerError', `exec: ${JSON.stringify(file)}: executable file not found in $PATH`);
  }
  const words: Record<string, string> = {
    ENOENT: 'no such file or directory',
    EACCES: 'permission denied',
    ENOEXEC: 'exec format error',
  };
  const why = words[error.code ?? ''] ?? error.message;
  return new RuntimeError('RunContainerError', `exec: ${JSON.stringify(file)}: ${why}`);
}

function childEnd(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    const ended = (code: number | null, signal: NodeJS.Signals | null): void =>
      resolve(
        signal === null
          ? { exitCode: code ?? 0, signal: 0, unseen: false }
          : { exitCode: 128 + signalNumber(signal), signal: signalNumber(signal), unseen: false },
      );
    if (child.exitCode !== null || child.signalCode !== null) ended(child.exitCode, child.signalCode);
    else child.once('exit', ended);
  });
}

function openOutputs(directory: string, log: ContainerLog): Promise<ContainerOutput[]> {
  const streams: LogStream[] = ['stdout', 'stderr'];
  return Promise.all(streams.map((stream) => ContainerOutput.open(join(directory, stream), stream, log)));
}
