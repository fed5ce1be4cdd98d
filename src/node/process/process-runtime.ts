/**
 * The process runtime: containers are processes of the host.
 *
 * What it gives: process groups, working directories, environments, logs, exit codes, signals, exec, and on Linux an
 * address of 127.0.0.0/8 for every pod. What it does not give, because the host is the image and shares its file tree and
 * kernel with every pod: isolation. In particular
 * - every image name is "present", and the command must exist on the host;
 * - on Linux with the privilege to mount (root), volumes lie at their own paths, in a mount namespace of the container;
 *   empty mount points that had to be made stay on the host. Elsewhere volumes are links below the container's own
 *   directory, where the process starts: a mount at `/etc/config` is `etc/config` relative to it (and
 *   `$HOME/etc/config`), the absolute path does not show it, and read-only is not enforced. The links are always there;
 * - limits, users and capabilities are not enforced: everything runs as the agent does;
 * - a process that leaves its group on purpose outlives its container.
 *
 * Processes survive the agent. A new agent on the same directory adopts those that still run (same process id and start
 * time); it is not their parent, so that their exit code is not known to it: they end as kubelet reports containers that
 * it lost sight of, with exit code 137 and reason `ContainerStatusUnknown`.
 */
import { createHash } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Duplex } from 'node:stream';
import { type Clock, systemClock } from '../../clock/clock.ts';
import { dialPort } from '../../streaming/dial-port.ts';
import type { CommandStreams } from '../../streaming/remote-command.ts';
import { ContainerLog, type ContainerLogOptions } from '../container-log.ts';
import {
  type ContainerConfig,
  type ContainerRuntime,
  type ContainerStats,
  type ContainerStatus,
  type ExecResult,
  type NodeStats,
  RuntimeError,
  type RuntimeInfo,
  type SandboxConfig,
  type SandboxStatus,
} from '../container-runtime.ts';
import { newRuntimeId } from '../runtime-id.ts';
import { captureCommand, runCommand } from './command.ts';
import { ContainerProcess, cannotRun, type Exit, isBelow, workingDirectory } from './container-process.ts';
import { groupUsage, hostUsage } from './host-process.ts';
import { type Launch, MountNamespaces } from './mount-namespace.ts';
import { PodAddresses } from './pod-addresses.ts';
import {
  type ContainerRecord,
  containerDirectory,
  readRecords,
  type SandboxRecord,
  sandboxDirectory,
  writeContainer,
  writeSandbox,
} from './state-files.ts';
import { signalTerminal } from './terminal.ts';

export interface ProcessRuntimeOptions {
  /** Where state and working directories live; made when missing. One runtime at a time may use it. */
  readonly directory: string;
  readonly clock?: Clock;
  /** The first two numbers of the pods' addresses, `127.44`; default: drawn from the directory's name. */
  readonly subnet?: string;
  readonly log?: ContainerLogOptions;
  /** `links`: no mount namespaces, also where the host has them. Default: where it can. */
  readonly mounts?: 'auto' | 'links';
}

export async function createProcessRuntime(options: ProcessRuntimeOptions): Promise<ContainerRuntime> {
  const directory = resolve(options.directory);
  await mkdir(directory, { recursive: true });
  const runtime = new ProcessRuntime(
    directory,
    options.clock ?? systemClock,
    await PodAddresses.open(options.subnet, directory),
    options.log ?? {},
    options.mounts === 'links' ? undefined : await MountNamespaces.detect(directory),
  );
  await runtime.restore();
  return runtime;
}

class ProcessRuntime implements ContainerRuntime {
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #logOptions: ContainerLogOptions;
  readonly #namespaces: MountNamespaces | undefined;
  readonly #sandboxes = new Map<string, SandboxRecord>();
  readonly #containers = new Map<string, ContainerRecord>();
  readonly #bySandbox = new Map<string, Set<string>>();
  readonly #processes = new Map<string, ContainerProcess>();
  /** Process groups of commands that are run in containers, by container. */
  readonly #beside = new Map<string, Set<number>>();
  /** Ends of processes that are being recorded. */
  readonly #endings = new Map<string, Promise<void>>();
  readonly #listeners = new Set<(sandboxId: string) => void>();
  readonly #addresses: PodAddresses;
  #closed = false;

  constructor(
    directory: string,
    clock: Clock,
    addresses: PodAddresses,
    logOptions: ContainerLogOptions,
    namespaces: MountNamespaces | undefined,
  ) {
    this.#directory = directory;
    this.#clock = clock;
    this.#addresses = addresses;
    this.#logOptions = logOptions;
    this.#namespaces = namespaces;
  }

  /** Finds again what a former agent left. */
  async restore(): Promise<void> {
    const records = await readRecords(this.#directory);
    for (const sandbox of records.sandboxes) {
      this.#sandboxes.set(sandbox.id, sandbox);
      this.#bySandbox.set(sandbox.id, new Set());
      this.#addresses.keep(sandbox.ip);
    }
    await Promise.all(records.containers.map((record) => this.#restoreContainer(record)));
  }

  async #restoreContainer(record: ContainerRecord): Promise<void> {
    const siblings = this.#bySandbox.get(record.sandboxId);
    if (siblings === undefined) {
      // Its sandbox was being removed.
      await rm(containerDirectory(this.#directory, record.id), { recursive: true, force: true });
      return;
    }
    siblings.add(record.id);
    this.#containers.set(record.id, record);
    if (record.state !== 'running') return;
    const log = new ContainerLog(record.logPath, this.#clock, this.#logOptions);
    const path = containerDirectory(this.#directory, record.id);
    const process = await ContainerProcess.adopt(path, record.config, record.pid, record.identity, log, this.#clock);
    if (process === undefined) await this.#recordEnd(record.id, { exitCode: 137, signal: 0, unseen: true });
    else this.#watch(record.id, process);
  }

  async info(): Promise<RuntimeInfo> {
    return { name: 'process', version: '0.1.0', os: process.platform };
  }

  async runSandbox(config: SandboxConfig): Promise<string> {
    const id = newRuntimeId(this.#clock);
    const record: SandboxRecord = {
      id,
      config,
      state: 'ready',
      ip: this.#addresses.take(),
      createdAt: this.#clock.now(),
    };
    await mkdir(sandboxDirectory(this.#directory, id), { recursive: true });
    await writeSandbox(this.#directory, record);
    this.#sandboxes.set(id, record);
    this.#bySandbox.set(id, new Set());
    return id;
  }

  async stopSandbox(id: string): Promise<void> {
    const sandbox = this.#sandboxes.get(id);
    if (sandbox === undefined) return;
    await Promise.all([...this.#containersOf(id)].map((container) => this.stopContainer(container, 0)));
    if (sandbox.state === 'not-ready') return;
    const stopped: SandboxRecord = { ...sandbox, state: 'not-ready' };
    this.#sandboxes.set(id, stopped);
    await writeSandbox(this.#directory, stopped);
    this.#notify(id);
  }

  async removeSandbox(id: string): Promise<void> {
    const sandbox = this.#sandboxes.get(id);
    if (sandbox === undefined) return;
    await this.stopSandbox(id);
    await Promise.all([...this.#containersOf(id)].map((container) => this.removeContainer(container)));
    await rm(sandboxDirectory(this.#directory, id), { recursive: true, force: true });
    this.#sandboxes.delete(id);
    this.#bySandbox.delete(id);
    this.#addresses.giveBack(sandbox.ip);
  }

  async listSandboxes(): Promise<readonly SandboxStatus[]> {
    return [...this.#sandboxes.values()];
  }

  async pullImage(image: string): Promise<string> {
    return pseudoDigest(image);
  }

  async imageId(image: string): Promise<string> {
    return pseudoDigest(image);
  }

  async createContainer(sandboxId: string, config: ContainerConfig): Promise<string> {
    const siblings = this.#bySandbox.get(sandboxId);
    if (siblings === undefined || this.#sandboxes.get(sandboxId)?.state !== 'ready') {
      throw new RuntimeError('CreateContainerError', `sandbox ${JSON.stringify(sandboxId)} is not running`);
    }
    if (config.command.length + config.args.length === 0) {
      throw new RuntimeError('CreateContainerError', 'no command specified');
    }
    const id = newRuntimeId(this.#clock);
    const path = containerDirectory(this.#directory, id);
    await Promise.all([ContainerProcess.prepare(path, config), mkdir(dirname(config.logPath), { recursive: true })]);
    const record: ContainerRecord = {
      id,
      sandboxId,
      name: config.name,
      attempt: config.attempt,
      image: config.image,
      imageId: pseudoDigest(config.image),
      state: 'created',
      createdAt: this.#clock.now(),
      startedAt: 0,
      finishedAt: 0,
      exitCode: 0,
      signal: 0,
      reason: '',
      message: '',
      logPath: config.logPath,
      config,
      pid: 0,
      identity: '',
    };
    await writeContainer(this.#directory, record);
    this.#containers.set(id, record);
    siblings.add(id);
    return id;
  }

  async startContainer(id: string): Promise<void> {
    const record = this.#existing(id);
    if (record.state !== 'created') {
      throw new RuntimeError('RunContainerError', `container is in state ${record.state}, not created`);
    }
    const log = new ContainerLog(record.logPath, this.#clock, this.#logOptions);
    const path = containerDirectory(this.#directory, id);
    let process: ContainerProcess;
    try {
      const launch = await this.#launch(record, [...record.config.command, ...record.config.args]);
      process = await ContainerProcess.start(path, record.config, launch, log, this.#clock);
    } catch (error) {
      await this.#recordStartFailure(record, error as Error);
      throw error;
    }
    if (!this.#containers.has(id)) {
      process.stop(0);
      throw new RuntimeError('RunContainerError', `container ${id} was removed while it was being started`);
    }
    await this.#update({
      ...record,
      state: 'running',
      startedAt: this.#clock.now(),
      pid: process.pid,
      identity: process.identity,
    });
    this.#watch(id, process);
    this.#notify(record.sandboxId);
  }

  async stopContainer(id: string, timeoutSeconds: number): Promise<void> {
    const process = this.#processes.get(id);
    if (process !== undefined) {
      process.stop(timeoutSeconds);
      await process.ended;
    }
    await this.#endings.get(id);
  }

  async removeContainer(id: string): Promise<void> {
    const record = this.#containers.get(id);
    if (record === undefined) return;
    await this.stopContainer(id, 0);
    await rm(containerDirectory(this.#directory, id), { recursive: true, force: true });
    this.#containers.delete(id);
    this.#bySandbox.get(record.sandboxId)?.delete(id);
  }

  async listContainers(sandboxId?: string): Promise<readonly ContainerStatus[]> {
    if (sandboxId === undefined) return [...this.#containers.values()];
    return [...this.#containersOf(sandboxId)].map((id) => this.#containers.get(id)!);
  }

  async execSync(id: string, command: readonly string[], timeoutSeconds: number): Promise<ExecResult> {
    const record = this.#existing(id);
    if (record.state !== 'running') {
      throw new RuntimeError('ExecError', `container ${id} is not running`);
    }
    const launch = await this.#launch(record, command);
    return await captureCommand({
      launch,
      command,
      timeoutSeconds,
      clock: this.#clock,
      onStart: (pid) => this.#runsBeside(id, pid),
    });
  }

  async exec(id: string, command: readonly string[], streams: CommandStreams): Promise<number> {
    const record = this.#existing(id);
    if (record.state !== 'running') throw new RuntimeError('ExecError', `container ${id} is not running`);
    const launch = await this.#launch(record, command);
    return await runCommand({ launch, streams, clock: this.#clock, onStart: (pid) => this.#runsBeside(id, pid) });
  }

  async attach(id: string, streams: CommandStreams): Promise<void> {
    this.#existing(id);
    const process = this.#processes.get(id);
    if (process === undefined) throw new RuntimeError('AttachError', `container ${id} is not running`);
    await process.attach(streams);
  }

  async portForward(sandboxId: string, port: number): Promise<Duplex> {
    const sandbox = this.#sandboxes.get(sandboxId);
    if (sandbox?.state !== 'ready')
      throw new RuntimeError('NotFound', `sandbox ${JSON.stringify(sandboxId)} is not running`);
    return await dialPort(sandbox.ip, port);
  }

  async stats(): Promise<readonly ContainerStats[]> {
    const groups = Array.from(this.#processes, ([id, process]) => [id, process.groups] as const);
    const usage = await groupUsage(new Set(groups.flatMap(([, own]) => own)));
    const stats: ContainerStats[] = [];
    for (const [containerId, own] of groups) {
      const used = own.flatMap((group) => usage.get(group) ?? []);
      if (used.length === 0) continue;
      stats.push({
        containerId,
        cpuNanoseconds: used.reduce((sum, { cpuNanoseconds }) => sum + cpuNanoseconds, 0),
        memoryBytes: used.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0),
      });
    }
    return stats;
  }

  async nodeStats(): Promise<NodeStats> {
    return hostUsage();
  }

  onChange(listener: (sandboxId: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#listeners.clear();
    for (const process of this.#processes.values()) process.release();
    await Promise.all(this.#endings.values());
  }

  #containersOf(sandboxId: string): ReadonlySet<string> {
    return this.#bySandbox.get(sandboxId) ?? new Set();
  }

  #existing(id: string): ContainerRecord {
    const record = this.#containers.get(id);
    if (record === undefined) throw new RuntimeError('NotFound', `container ${JSON.stringify(id)} not found`);
    return record;
  }

  /** How a command is run in a container, as its first process or beside it. */
  async #launch(record: ContainerRecord, [file = '', ...args]: readonly string[]): Promise<Launch> {
    const root = join(containerDirectory(this.#directory, record.id), 'root');
    const { mounts, workingDir } = record.config;
    const env = this.#environment(record, root);
    if (this.#namespaces === undefined) return { file, args, cwd: await workingDirectory(root, workingDir), env };
    const mounted = mounts.some(({ containerPath }) => isBelow(workingDir, containerPath));
    const cwd = mounted ? workingDir : await workingDirectory(root, workingDir);
    const command = { file, args, cwd, env };
    try {
      if (record.state === 'created') return await this.#namespaces.launch(command, mounts);
      return await this.#namespaces.launchBeside(record.pid, command, mounts);
    } catch (error) {
      throw error instanceof RuntimeError ? error : cannotRun(file, error as NodeJS.ErrnoException);
    }
  }

  /** The container's own variables, and what an image and a container runtime would set: PATH, HOME and HOSTNAME. */
  #environment(record: ContainerRecord, root: string): Record<string, string> {
    const hostname = this.#sandboxes.get(record.sandboxId)?.config.hostname ?? '';
    const PATH = process.env.PATH ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
    return { PATH, HOME: root, HOSTNAME: hostname, ...record.config.env };
  }

  #watch(id: string, process: ContainerProcess): void {
    this.#processes.set(id, process);
    void process.ended.then((exit) => {
      this.#processes.delete(id);
      for (const pid of this.#beside.get(id) ?? []) signalTerminal(pid, 'SIGKILL');
      this.#beside.delete(id);
      if (this.#closed) return;
      this.#endings.set(
        id,
        this.#recordEnd(id, exit).finally(() => this.#endings.delete(id)),
      );
    });
  }

  async #recordEnd(id: string, exit: Exit): Promise<void> {
    const record = this.#containers.get(id);
    if (record === undefined) return;
    await this.#update({
      ...record,
      state: 'exited',
      finishedAt: this.#clock.now(),
      exitCode: exit.exitCode,
      signal: exit.signal,
      reason: exit.unseen ? 'ContainerStatusUnknown' : exit.exitCode === 0 ? 'Completed' : 'Error',
      message: exit.unseen ? 'The container ended while no agent was its parent; its exit code is not known' : '',
    });
    this.#notify(record.sandboxId);
  }

  /** Exit codes as a shell and Docker give them: 127 not found, 126 not executable. */
  async #recordStartFailure(record: ContainerRecord, error: Error): Promise<void> {
    const now = this.#clock.now();
    await this.#update({
      ...record,
      state: 'exited',
      startedAt: now,
      finishedAt: now,
      exitCode: /permission denied|exec format error/.test(error.message) ? 126 : 127,
      reason: 'ContainerCannotRun',
      message: error.message,
    });
    this.#notify(record.sandboxId);
  }

  async #update(record: ContainerRecord): Promise<void> {
    this.#containers.set(record.id, record);
    await writeContainer(this.#directory, record);
  }

  /** Whatever runs in a container ends with it. Answers what to call when it has ended before. */
  #runsBeside(id: string, pid: number): () => void {
    const beside = this.#beside.get(id) ?? new Set<number>();
    this.#beside.set(id, beside.add(pid));
    return () => beside.delete(pid);
  }

  #notify(sandboxId: string): void {
    for (const listener of this.#listeners) listener(sandboxId);
  }
}

/** No image is fetched, so the digest is one of the name: stable, and different for different names. */
function pseudoDigest(image: string): string {
  return `sha256:${createHash('sha256').update(image).digest('hex')}`;
}
