/** Commands run beside a container's process: joined to a client's streams, or listened to until they end. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Clock } from '../../clock/clock.ts';
import type { CommandStreams, TerminalSize } from '../../streaming/remote-command.ts';
import { type ExecResult, RuntimeError } from '../container-runtime.ts';
import { started } from './container-process.ts';
import { signalGroup, signalNumber } from './host-process.ts';
import type { Launch } from './mount-namespace.ts';
import { onTerminal, resizeTerminal, signalTerminal } from './terminal.ts';

export interface CommandOptions {
  readonly launch: Launch;
  readonly streams: CommandStreams;
  readonly clock: Clock;
  /** Called with the process id once it runs; what it answers is called when it has ended. */
  readonly onStart: (pid: number) => () => void;
}

/**
 * Resolves to the exit code, as a shell counts signals, when the command has ended and its output is with the client. A
 * client that goes leaves a command without a terminal alone: its input ends, and its output finds no reader. On a terminal
 * it is hung up.
 */
export async function runCommand({ launch, streams, clock, onStart }: CommandOptions): Promise<number> {
  const { file, args, cwd, env } = streams.tty ? onTerminal(launch, firstSize(streams)) : launch;
  // A terminal without a keyboard is silent; an input at its end would be typed as ^D.
  const input = streams.stdin !== undefined || streams.tty ? 'pipe' : 'ignore';
  const child = spawn(file, [...args], { cwd, env: { ...env }, detached: true, stdio: [input, 'pipe', 'pipe'] });
  const pid = await started(child, file);
  const over = onStart(pid);
  const hangUp = (): void => {
    if (streams.tty) signalTerminal(pid, 'SIGHUP');
  };
  streams.gone.addEventListener('abort', hangUp, { once: true });
  if (streams.tty) streams.onResize(latestOnly((size) => resizeTerminal(pid, size, clock)));
  const exited = exitOf(child);
  feed(streams.stdin, child.stdin);
  try {
    await Promise.all([drain(child.stdout!, streams.stdout), drain(child.stderr!, streams.stderr)]);
    return await exited;
  } finally {
    streams.gone.removeEventListener('abort', hangUp);
    over();
  }
}

/** The size that the client has told by now. */
function firstSize(streams: CommandStreams): TerminalSize | undefined {
  let first: TerminalSize | undefined;
  streams.onResize((size) => {
    first = size;
  });
  return first;
}

export interface CaptureOptions extends Pick<CommandOptions, 'launch' | 'clock' | 'onStart'> {
  /** For messages. */
  readonly command: readonly string[];
  /** 0: no limit. */
  readonly timeoutSeconds: number;
}

/** Resolves to all that the command has written. @throws RuntimeError `DeadlineExceeded`; the command is gone then */
export async function captureCommand(options: CaptureOptions): Promise<ExecResult> {
  const { launch, command, timeoutSeconds, clock, onStart } = options;
  const { file, args, cwd, env } = launch;
  const child = spawn(file, [...args], { cwd, env: { ...env }, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  const closed = new Promise<number>((done) => {
    child.once('close', (code, signal) => done(signal === null ? (code ?? 0) : 137));
  });
  const pid = await started(child, file);
  const over = onStart(pid);
  let timedOut = false;
  const timer =
    timeoutSeconds > 0
      ? clock.setTimeout(() => {
          timedOut = true;
          signalGroup(pid, 'SIGKILL');
        }, timeoutSeconds * 1000)
      : undefined;
  const exitCode = await closed;
  timer?.cancel();
  over();
  if (timedOut) {
    throw new RuntimeError(
      'DeadlineExceeded',
      `command timed out: ${JSON.stringify(command.join(' '))} timed out after ${timeoutSeconds}s`,
    );
  }
  return { exitCode, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr) };
}

function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve(signal === null ? (code ?? 0) : 128 + signalNumber(signal)));
  });
}

function feed(from: Readable | undefined, to: Writable | null): void {
  if (from === undefined || to === null) return;
  // A command may end before it has read everything.
  pipeline(from, to).catch(() => undefined);
}

/** Until the output ends, or nobody takes it any more. */
async function drain(from: Readable, to: Writable | undefined): Promise<void> {
  if (to === undefined) {
    from.resume();
    return;
  }
  // The client has gone: the end of the pipe tells the command.
  await pipeline(from, to).catch(() => undefined);
}

/** Does one after the other; of those that come meanwhile, the last. */
function latestOnly(apply: (size: TerminalSize) => Promise<void>): (size: TerminalSize) => void {
  let next: TerminalSize | undefined;
  let busy = false;
  const work = async (): Promise<void> => {
    busy = true;
    while (next !== undefined) {
      const size = next;
      next = undefined;
      await apply(size);
    }
    busy = false;
  };
  return (size) => {
    next = size;
    if (!busy) void work();
  };
}
