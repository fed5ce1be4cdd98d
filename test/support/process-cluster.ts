/** A cluster as a user has it: the built command line in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const cli = new URL('../../dist/bin/setpoint.js', import.meta.url).pathname;

export interface ProcessOutcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A `setpoint` command that goes on running. */
export class SetpointProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<ProcessOutcome>;
  stdout = '';
  stderr = '';
  #onOutput: () => void = () => undefined;

  constructor(args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
    this.child = spawn(process.execPath, [cli, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.#onOutput();
    });
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.#onOutput();
    });
    this.ended = once(this.child, 'close').then(([code, signal]) => {
      this.#onOutput();
      return { code, signal, stdout: this.stdout, stderr: this.stderr };
    });
  }

  /** Resolves with the first match of `pattern` on standard output; rejects when the process ends before. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.stdout);
      if (found !== null) return found;
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        throw new Error(`ended with ${this.child.exitCode ?? this.child.signalCode}: ${this.stderr}`);
      }
      await new Promise<void>((resolve) => {
        this.#onOutput = resolve;
      });
    }
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<ProcessOutcome> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    return await this.ended;
  }
}

export interface ProcessCluster extends AsyncDisposable {
  readonly process: SetpointProcess;
  readonly directory: string;
  readonly kubeconfig: string;
  stop(): Promise<ProcessOutcome>;
}

/** `setpoint up` on a free port with a data directory of its own; resolves when it says that it is ready. */
export async function upCluster(...flags: string[]): Promise<ProcessCluster> {
  const directory = await mkdtemp(join(tmpdir(), 'setpoint-up-'));
  const kubeconfig = join(directory, 'kubeconfig');
  const setpoint = new SetpointProcess([
    'up',
    '--port',
    '0',
    '--data-dir',
    directory,
    '--kubeconfig',
    kubeconfig,
    ...flags,
  ]);
  await setpoint.until(/^ready in \d+ ms$/m);
  const stop = async (): Promise<ProcessOutcome> => {
    const outcome = await setpoint.stop();
    await rm(directory, { recursive: true, force: true });
    return outcome;
  };
  return {
    process: setpoint,
    directory,
    kubeconfig,
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop();
    },
  };
}
