/**
 * The simulated runtime: thousands of pods in memory, on the clock it is given. Containers do what their
 * {@link Behaviour} says; nothing runs. Logs are real files, since that is where the agent reads them.
 */

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Clock, sleep, type Timer } from '../../clock/clock.ts';
import { duplexPair } from '../../streaming/duplex-pair.ts';
import type { CommandStreams } from '../../streaming/remote-command.ts';
import { ContainerLog } from '../container-log.ts';
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
import { annotatedBehaviour, annotationPrefix, type Behaviour, type BehaviourOf } from './behaviour.ts';

export interface SimulatedRuntimeOptions {
  readonly clock: Clock;
  /** What containers do, unless their pods' annotations say otherwise. */
  readonly behaviour?: BehaviourOf;
  /** Images that are not here: pulling them fails with this message. */
  readonly missingImages?: Readonly<Record<string, string>>;
  /** The first two numbers of the pods' addresses; default `10.88`. */
  readonly subnet?: string;
}

export interface SimulatedRuntime extends ContainerRuntime {
  /** Ends a running container as if it had exited by itself. */
  exit(containerId: string, exitCode: number, reason?: string): void;
  /** Lets a container write to its log. */
  write(containerId: string, text: string, stream?: 'stdout' | 'stderr'): Promise<void>;
}

interface Sandbox {
  config: SandboxConfig;
  status: SandboxStatus;
  containers: Map<string, Container>;
}

interface Container {
  readonly config: ContainerConfig;
  readonly sandbox: Sandbox;
  readonly behaviour: Behaviour;
  readonly log: ContainerLog;
  status: ContainerStatus;
  exitTimer: Timer | undefined;
  /** Set from the first stop call on. */
  stop: { deadline: number; answersAt: number; timer: Timer | undefined } | undefined;
  whenEnded: Promise<void>;
  readonly attached: Set<CommandStreams>;
  ended: () => void;
}

export function createSimulatedRuntime(options: SimulatedRuntimeOptions): SimulatedRuntime {
  const { clock, behaviour: behaviourOf = () => ({}), missingImages = {}, subnet = '10.88' } = options;
  const sandboxes = new Map<string, Sandbox>();
  const containers = new Map<string, Container>();
  const listeners = new Set<(sandboxId: string) => void>();
  const pulled = new Set<string>();
  let addresses = 0;
  let cpuOfTheEnded = 0;

  const notify = (container: Container): void => {
    for (const listener of listeners) listener(container.status.sandboxId);
  };

  function existing(id: string): Container {
    const container = containers.get(id);
    if (container === undefined) throw new RuntimeError('NotFound', `container ${JSON.stringify(id)} not found`);
    return container;
  }

  function running(id: string): Container {
    const container = existing(id);
    if (container.status.state !== 'running') throw new RuntimeError('ExecError', `container ${id} is not running`);
    return container;
  }

  function end(container: Container, exitCode: number, signal: number, reason?: string): void {
    if (container.status.state !== 'running') return;
    container.exitTimer?.cancel();
    container.stop?.timer?.cancel();
    cpuOfTheEnded += cpuUsed(container.status, container.behaviour);
    container.status = {
      ...container.status,
      state: 'exited',
      finishedAt: clock.now(),
      exitCode,
      signal,
      reason: reason ?? (exitCode === 0 ? 'Completed' : 'Error'),
    };
    container.ended();
    notify(container);
  }

  function stats(): ContainerStats[] {
    const stats: ContainerStats[] = [];
    for (const { status, behaviour } of containers.values()) {
      if (status.state !== 'running') continue;
      const { memoryBytes = 16 * 1024 * 1024 } = behaviour;
      stats.push({ containerId: status.id, cpuNanoseconds: cpuUsed(status, behaviour), memoryBytes });
    }
    return stats;
  }

  function cpuUsed({ startedAt }: ContainerStatus, { cpuMillicores = 10 }: Behaviour): number {
    return (clock.now() - startedAt) * cpuMillicores * 1000;
  }

  async function leaveMessage(container: Container): Promise<void> {
    const message = container.behaviour.terminationMessage;
    const mount = container.config.mounts.find(({ containerPath }) => containerPath === '/dev/termination-log');
    if (message !== undefined && mount !== undefined) await writeFile(mount.hostPath, message);
  }

  async function stopContainer(id: string, timeoutSeconds: number): Promise<void> {
    const container = containers.get(id);
    if (container === undefined || container.status.state !== 'running') return;
    const { stopAfter = 0, stopCode = 0 } = container.behaviour;
    const deadline = clock.now() + timeoutSeconds * 1000;
    const answersAt = container.stop?.answersAt ?? (timeoutSeconds > 0 ? clock.now() + stopAfter : Infinity);
    if (container.stop === undefined || deadline < container.stop.deadline) {
      container.stop?.timer?.cancel();
      const answers = answersAt <= deadline;
      const finish = (): void => end(container, answers ? stopCode : 137, answers ? 0 : 9);
      const delay = Math.min(answersAt, deadline) - clock.now();
      container.stop = { deadline, answersAt, timer: delay > 0 ? clock.setTimeout(finish, delay) : undefined };
      if (delay <= 0) finish();
    }
    await container.whenEnded;
  }

  async function removeContainer(id: string): Promise<void> {
    const container = containers.get(id);
    if (container === undefined) return;
    await stopContainer(id, 0);
    container.sandbox.containers.delete(id);
    containers.delete(id);
  }

  async function stopSandbox(id: string): Promise<void> {
    const sandbox = sandboxes.get(id);
    if (sandbox === undefined) return;
    await Promise.all([...sandbox.containers.keys()].map((container) => stopContainer(container, 0)));
    if (sandbox.status.state === 'not-ready') return;
    sandbox.status = { ...sandbox.status, state: 'not-ready' };
    for (const listener of listeners) listener(id);
  }

  return {
    info: async (): Promise<RuntimeInfo> => ({ name: 'simulated', version: '0.1.0', os: 'linux' }),

    async runSandbox(config) {
      const id = newRuntimeId(clock);
      addresses++;
      const ip = `${subnet}.${(addresses >> 8) & 255}.${addresses & 255}`;
      const { uid, namespace, name } = config;
      sandboxes.set(id, {
        config,
        status: { id, config: { uid, namespace, name }, state: 'ready', ip, createdAt: clock.now() },
        containers: new Map(),
      });
      return id;
    },
    stopSandbox,
    async removeSandbox(id) {
      const sandbox = sandboxes.get(id);
      if (sandbox === undefined) return;
      await stopSandbox(id);
      await Promise.all([...sandbox.containers.keys()].map(removeContainer));
      sandboxes.delete(id);
    },
    listSandboxes: async () => Array.from(sandboxes.values(), ({ status }) => status),

    async pullImage(image) {
      const missing = missingImages[image];
      if (missing !== undefined) throw new RuntimeError('ErrImagePull', missing);
      pulled.add(image);
      return digest(image);
    },
    imageId: async (image) => (pulled.has(image) ? digest(image) : undefined),

    async createContainer(sandboxId, config) {
      const sandbox = sandboxes.get(sandboxId);
      if (sandbox === undefined || sandbox.status.state !== 'ready') {
        throw new RuntimeError('CreateContainerError', `sandbox ${JSON.stringify(sandboxId)} is not running`);
      }
      const behaviour = behaviourFor(config, sandbox.config, behaviourOf);
      const id = newRuntimeId(clock);
      let ended: () => void = () => undefined;
      const whenEnded = new Promise<void>((resolve) => {
        ended = resolve;
      });
      const container: Container = {
        config,
        sandbox,
        behaviour,
        log: new ContainerLog(config.logPath, clock),
        exitTimer: undefined,
        stop: undefined,
        whenEnded,
        ended,
        attached: new Set(),
        status: {
          id,
          sandboxId,
          name: config.name,
          attempt: config.attempt,
          image: config.image,
          imageId: digest(config.image),
          state: 'created',
          createdAt: clock.now(),
          startedAt: 0,
          finishedAt: 0,
          exitCode: 0,
          signal: 0,
          reason: '',
          message: '',
          logPath: config.logPath,
        },
      };
      containers.set(id, container);
      sandbox.containers.set(id, container);
      return id;
    },

    async startContainer(id) {
      const container = existing(id);
      const { behaviour } = container;
      if (container.status.state !== 'created') {
        throw new RuntimeError('RunContainerError', `container is in state ${container.status.state}, not created`);
      }
      if (behaviour.startError !== undefined) {
        const now = clock.now();
        container.status = {
          ...container.status,
          state: 'exited',
          startedAt: now,
          finishedAt: now,
          exitCode: 127,
          reason: 'ContainerCannotRun',
          message: behaviour.startError,
        };
        notify(container);
        throw new RuntimeError('RunContainerError', behaviour.startError);
      }
      if (behaviour.startDelay !== undefined && behaviour.startDelay > 0) await sleep(clock, behaviour.startDelay);
      container.status = { ...container.status, state: 'running', startedAt: clock.now() };
      if (behaviour.exitAfter !== undefined) {
        container.exitTimer = clock.setTimeout(() => end(container, behaviour.exitCode ?? 0, 0), behaviour.exitAfter);
      }
      if (behaviour.terminationMessage !== undefined) await leaveMessage(container);
      if (behaviour.log !== undefined) await write(container, behaviour.log.map((line) => `${line}\n`).join(''));
      notify(container);
    },

    stopContainer,
    removeContainer,
    async listContainers(sandboxId) {
      const listed = sandboxId === undefined ? containers : sandboxes.get(sandboxId)?.containers;
      return Array.from(listed?.values() ?? [], ({ status }) => status);
    },

    async execSync(id, command, timeoutSeconds): Promise<ExecResult> {
      const container = running(id);
      const answer = Promise.resolve(container.behaviour.exec?.(command) ?? {});
      const finished = new AbortController();
      const late =
        timeoutSeconds > 0
          ? sleep(clock, timeoutSeconds * 1000, finished.signal).then(
              () => 'late' as const,
              () => 'late' as const,
            )
          : new Promise<never>(() => undefined);
      const first = await Promise.race([answer, late]);
      finished.abort();
      if (first === 'late') {
        throw new RuntimeError(
          'DeadlineExceeded',
          `command timed out: ${JSON.stringify(command.join(' '))} timed out after ${timeoutSeconds}s`,
        );
      }
      return {
        exitCode: first.exitCode ?? 0,
        stdout: Buffer.from(first.stdout ?? ''),
        stderr: Buffer.from(first.stderr ?? ''),
      };
    },

    async exec(id, command, streams) {
      const container = running(id);
      const { exitCode = 0, stdout = '', stderr = '' } = (await container.behaviour.exec?.(command, streams)) ?? {};
      streams.stdout?.write(stdout);
      (streams.tty ? streams.stdout : streams.stderr)?.write(stderr);
      return exitCode;
    },

    async attach(id, streams) {
      const container = running(id);
      container.attached.add(streams);
      const gone = streams.gone.aborted ? undefined : once(streams.gone, 'abort');
      await Promise.race([gone, container.whenEnded]);
      container.attached.delete(streams);
    },

    async portForward(sandboxId, port) {
      const sandbox = sandboxes.get(sandboxId);
      for (const { behaviour, status } of sandbox?.containers.values() ?? []) {
        const answer = status.state === 'running' ? behaviour.ports?.[port] : undefined;
        if (answer === undefined) continue;
        const [client, served] = duplexPair();
        answer(served);
        return client;
      }
      const address = `${sandbox?.status.ip ?? ''}:${port}`;
      throw new Error(`failed to dial ${port}: dial tcp4 ${address}: connect: connection refused`);
    },

    stats: async () => stats(),
    async nodeStats(): Promise<NodeStats> {
      const node = { cpuNanoseconds: cpuOfTheEnded, memoryBytes: 0 };
      for (const { cpuNanoseconds, memoryBytes } of stats()) {
        node.cpuNanoseconds += cpuNanoseconds;
        node.memoryBytes += memoryBytes;
      }
      return node;
    },

    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      listeners.clear();
      for (const container of containers.values()) {
        container.exitTimer?.cancel();
        container.stop?.timer?.cancel();
      }
    },

    exit: (id, exitCode, reason) => end(existing(id), exitCode, 0, reason),
    write: (id, text, stream) => write(existing(id), text, stream),
  };

  async function write(container: Container, text: string, stream: 'stdout' | 'stderr' = 'stdout'): Promise<void> {
    await mkdir(dirname(container.config.logPath), { recursive: true });
    container.log.append(stream, Buffer.from(text));
    for (const streams of container.attached) streams[stream]?.write(text);
    container.log.end(stream);
    await container.log.flushed();
  }
}

function behaviourFor(config: ContainerConfig, sandbox: SandboxConfig, behaviourOf: BehaviourOf): Behaviour {
  const behaviour = behaviourOf(config, sandbox);
  // Most pods have no such annotations: nothing is looked up for them.
  for (const name in sandbox.annotations) {
    if (!name.startsWith(annotationPrefix)) continue;
    try {
      return { ...behaviour, ...annotatedBehaviour(sandbox.annotations, config.name) };
    } catch (error) {
      throw new RuntimeError('CreateContainerError', (error as Error).message);
    }
  }
  return behaviour;
}

function digest(image: string): string {
  return `sha256:${createHash('sha256').update(image).digest('hex')}`;
}
