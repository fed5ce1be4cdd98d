/** Real kubectl: the newest that the set-up installs, and the oldest. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type KubectlName = 'kubectl' | 'kubectl-oldest';

const programs = new URL('../../.tools/bin/', import.meta.url).pathname;

export const hasKubectl = (name: KubectlName): boolean => existsSync(join(programs, name));

export interface KubectlResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class Kubectl {
  readonly #program: string;
  readonly #kubeconfig: string;
  readonly #home: string;
  readonly #started: ChildProcess[] = [];

  /** `home` holds the discovery cache: each instance learns the API anew. */
  constructor(kubeconfig: string, name: KubectlName = 'kubectl') {
    this.#program = join(programs, name);
    this.#kubeconfig = kubeconfig;
    this.#home = mkdtempSync(join(tmpdir(), 'setpoint-kubectl-'));
  }

  /** Runs to the end, whatever it answers. */
  async run(
    args: readonly string[],
    input?: string,
    { cwd, env }: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
  ): Promise<KubectlResult> {
    const child = spawn(this.#program, args, {
      cwd,
      env: {
        ...process.env,
        KUBECONFIG: this.#kubeconfig,
        HOME: this.#home,
        KUBE_EDITOR: process.env.KUBE_EDITOR ?? 'true',
        ...env,
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    // It may end before it has read everything.
    child.stdin.on('error', () => undefined).end(input ?? '');
    const code = await new Promise<number>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (exit) => resolve(exit ?? -1));
    });
    return { code, stdout, stderr };
  }

  /** A command that goes on until it is stopped, with its streams. */
  start(args: readonly string[]): ChildProcess {
    const child = spawn(this.program, args, { env: this.env, stdio: ['pipe', 'pipe', 'pipe'] });
    this.#started.push(child);
    return child;
  }

  get program(): string {
    return this.#program;
  }

  get env(): NodeJS.ProcessEnv {
    return { ...process.env, KUBECONFIG: this.#kubeconfig, HOME: this.#home };
  }

  /** Standard output of a command line that must succeed. Words are split at spaces: use `run` where that will not do. */
  async ok(line: string, input?: string): Promise<string> {
    const { code, stdout, stderr } = await this.run(line.split(' '), input);
    if (code !== 0) throw new Error(`kubectl ${line}: exit ${code}\n${stderr}${stdout}`);
    return stdout;
  }

  /** Standard error of a command line that must fail. */
  async fails(line: string, input?: string): Promise<string> {
    const { code, stdout, stderr } = await this.run(line.split(' '), input);
    if (code === 0) throw new Error(`kubectl ${line} succeeded:\n${stdout}`);
    return stderr;
  }

  /** A command that goes on until it is stopped (`get -w`): its output, line by line. */
  async *follow(line: string): AsyncGenerator<string> {
    const child = spawn(this.#program, line.split(' '), {
      env: { ...process.env, KUBECONFIG: this.#kubeconfig, HOME: this.#home },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let rest = '';
    try {
      for await (const chunk of child.stdout.setEncoding('utf8')) {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop() ?? '';
        yield* lines;
      }
    } finally {
      child.kill();
    }
  }

  /** What was started and still runs ends with it. */
  dispose(): void {
    for (const child of this.#started) child.kill();
    rmSync(this.#home, { recursive: true, force: true });
  }
}
