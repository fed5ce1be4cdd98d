/**
 * Terminals for processes: `script` (util-linux, or BSD's) runs a command on a terminal of its own and copies between it and
 * pipes. It is a process apart, so that a container on a terminal outlives the agent as every other does.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readlink } from 'node:fs/promises';
import { promisify } from 'node:util';
import { type Clock, sleep } from '../../clock/clock.ts';
import type { TerminalSize } from '../../streaming/remote-command.ts';
import { signalGroup, signalProcess } from './host-process.ts';
import type { Launch } from './mount-namespace.ts';

const run = promisify(execFile);

/** The same command on a terminal, of this size from the beginning where it is known. */
export function onTerminal({ file, args, cwd, env }: Launch, size?: TerminalSize): Launch {
  const TERM = env.TERM ?? 'xterm';
  if (process.platform !== 'linux') {
    return { file: 'script', args: ['-q', '/dev/null', file, ...args], cwd, env: { ...env, TERM } };
  }
  // `script` runs a shell's command with the shell that SHELL names; the container's own SHELL is put back behind it.
  const shell = env.SHELL === undefined ? ['-u', 'SHELL'] : [`SHELL=${env.SHELL}`];
  const sized = size === undefined ? '' : `stty rows ${size.height} cols ${size.width} 2>/dev/null; `;
  const command = sized + ['exec', 'env', ...shell, file, ...args].map(quoted).join(' ');
  return { file: 'script', args: ['-qefc', command, '/dev/null'], cwd, env: { ...env, TERM, SHELL: '/bin/sh' } };
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** Signals what runs on the terminal of the `script` process `pid`; SIGKILL ends `script` as well. */
export function signalTerminal(pid: number, signal: NodeJS.Signals): void {
  const children = childrenOf(pid);
  if (signal === 'SIGKILL' || children.length === 0) signalGroup(pid, signal);
  // A child that has just been forked leads no group yet.
  for (const child of children) if (!signalGroup(child, signal)) signalProcess(child, signal);
}

/** `script` starts its command a moment after it has been started itself. */
const attempts = 50;
const patience = 20;

/** Sizes the terminal of the `script` process `pid`; what runs on it gets SIGWINCH. Linux only. */
export async function resizeTerminal(pid: number, { width, height }: TerminalSize, clock: Clock): Promise<void> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const [child] = childrenOf(pid);
    const terminal = child === undefined ? '' : await readlink(`/proc/${child}/fd/0`).catch(() => '');
    if (terminal.startsWith('/dev/pts/')) {
      // The command may have ended meanwhile, and its terminal with it.
      await run('stty', ['-F', terminal, 'rows', String(height), 'cols', String(width)]).catch(() => undefined);
      return;
    }
    await sleep(clock, patience);
  }
}

/** What `script` runs: one process, which leads a group of its own. */
export function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim();
    return text === '' ? [] : text.split(' ').map(Number);
  } catch {
    // It is gone, or the system has no such file.
    return [];
  }
}
