/** A `setpoint` process under measurement. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Endpoint } from './connection.ts';

const cli = new URL('../../dist/cli/main.js', import.meta.url).pathname;
/** USER_HZ of Linux: the unit of processor time in /proc. */
const microsecondsPerTick = 10_000;

export class Setpoint {
  readonly directory: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  private constructor(child: ChildProcess, directory: string) {
    this.#child = child;
    this.directory = directory;
    this.#ended = once(child, 'close');
  }

  /** Resolves when it is ready. `directory` is kept when it is given. */
  static async start(
    args: readonly string[],
    directory = mkdtempSync(join(tmpdir(), 'setpoint-bench-')),
  ): Promise<Setpoint> {
    const child = spawn(process.execPath, [cli, ...args, '--port', '0', '--data-dir', directory], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_ENV: 'production' },
    });
    const setpoint = new Setpoint(child, directory);
    let output = '';
    let errors = '';
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(-10_000);
    });
    for await (const chunk of child.stdout!.setEncoding('utf8')) {
      output += chunk;
      if (/^ready in/m.test(output)) return setpoint;
    }
    throw new Error(`setpoint ${args.join(' ')} ended before it was ready: ${errors}`);
  }

  get kubeconfig(): string {
    return join(this.directory, 'kubeconfig');
  }

  get endpoint(): Endpoint {
    const config = parse(readFileSync(this.kubeconfig, 'utf8')) as {
      clusters: { cluster: { server: string; 'certificate-authority-data': string } }[];
      users: { user: { 'client-certificate-data': string; 'client-key-data': string } }[];
    };
    const { cluster } = config.clusters[0]!;
    const { user } = config.users[0]!;
    const decode = (text: string): string => Buffer.from(text, 'base64').toString();
    return {
      port: Number(new URL(cluster.server).port),
      ca: decode(cluster['certificate-authority-data']),
      cert: decode(user['client-certificate-data']),
      key: decode(user['client-key-data']),
    };
  }

  /** Processor time that the process has used, in microseconds; 0 where the system does not tell. */
  cpu(): number {
    const path = `/proc/${this.#child.pid}/stat`;
    if (!existsSync(path)) return 0;
    const fields = readFileSync(path, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) * microsecondsPerTick;
  }

  /** Resident memory in MB; 0 where the system does not tell. */
  rss(): number {
    const path = `/proc/${this.#child.pid}/status`;
    if (!existsSync(path)) return 0;
    return (Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(path, 'utf8'))?.[1]) * 1024) / 1e6;
  }

  async stop({ keep = false } = {}): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#ended;
    if (!keep) rmSync(this.directory, { recursive: true, force: true });
  }
}
