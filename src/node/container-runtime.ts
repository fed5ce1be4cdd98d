/**
 * The ContainerRuntime contract, in the shape of Kubernetes' Container Runtime Interface: what the node agent asks of
 * Docker, of host processes, or of a simulation. A pod is a sandbox; containers live in it. The agent decides (restarts,
 * back-off, probes, grace); a runtime only does what it is told and reports what is.
 * Source: k8s.io/cri-api `runtime/v1`.
 */
import type { Duplex } from 'node:stream';
import type { CommandStreams } from '../streaming/remote-command.ts';

/** The pod that a sandbox holds, as the CRI names it. */
export interface SandboxConfig {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly hostname: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface SandboxStatus {
  readonly id: string;
  readonly config: Pick<SandboxConfig, 'uid' | 'namespace' | 'name'>;
  readonly state: 'ready' | 'not-ready';
  /** The pod's address; empty when it has none. */
  readonly ip: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

export interface ContainerConfig {
  readonly name: string;
  readonly image: string;
  /** Replaces the image's entry point; empty: the image's own. */
  readonly command: readonly string[];
  readonly args: readonly string[];
  /** Empty: the image's own. */
  readonly workingDir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
  /** How often this container of this pod was started before. */
  readonly attempt: number;
  /** Absolute path; the runtime appends lines in the CRI log format: `<RFC 3339 nano> stdout|stderr F|P <line>`. */
  readonly logPath: string;
  readonly stdin: boolean;
  /** Whether standard input ends with the first client that was attached to it. Default: it stays open. */
  readonly stdinOnce?: boolean;
  readonly tty: boolean;
  /** CPU in cores and memory in bytes; absent: unlimited. Runtimes that cannot limit ignore them. */
  readonly cpuLimit?: number;
  readonly memoryLimit?: number;
}

export interface Mount {
  readonly containerPath: string;
  readonly hostPath: string;
  readonly readOnly: boolean;
}

export interface ContainerStatus {
  readonly id: string;
  readonly sandboxId: string;
  readonly name: string;
  readonly attempt: number;
  readonly image: string;
  readonly imageId: string;
  readonly state: 'created' | 'running' | 'exited' | 'unknown';
  /** Milliseconds since the epoch; 0 when it has not happened. */
  readonly createdAt: number;
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly exitCode: number;
  /** The signal that ended it, 0 when none did. */
  readonly signal: number;
  /** `Completed`, `Error`, `OOMKilled`, `ContainerCannotRun`, … */
  readonly reason: string;
  readonly message: string;
  readonly logPath: string;
}

export interface ContainerStats {
  readonly containerId: string;
  /** Cumulative CPU time in nanoseconds. */
  readonly cpuNanoseconds: number;
  readonly memoryBytes: number;
}

/** What the containers' machine uses, by whomever. */
export interface NodeStats {
  /** Cumulative CPU time in nanoseconds, of all processors. */
  readonly cpuNanoseconds: number;
  readonly memoryBytes: number;
}

export interface ExecResult {
  readonly exitCode: number;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

export interface RuntimeInfo {
  /** As `status.nodeInfo.containerRuntimeVersion` shows it: `process://0.1.0`. */
  readonly name: string;
  readonly version: string;
  /** What containers run on; `linux`. */
  readonly os: string;
}

export interface ContainerRuntime {
  info(): Promise<RuntimeInfo>;
  runSandbox(config: SandboxConfig): Promise<string>;
  /** Stops every container in it by force; stopping a stopped or unknown sandbox is no error. */
  stopSandbox(id: string): Promise<void>;
  removeSandbox(id: string): Promise<void>;
  listSandboxes(): Promise<readonly SandboxStatus[]>;

  /** Fails with {@link RuntimeError} when the image cannot be had; resolves to the image's id. */
  pullImage(image: string): Promise<string>;
  /** The id of a local image, `undefined` when it is not here. */
  imageId(image: string): Promise<string | undefined>;

  createContainer(sandboxId: string, config: ContainerConfig): Promise<string>;
  startContainer(id: string): Promise<void>;
  /**
   * SIGTERM, then SIGKILL after `timeoutSeconds`; resolves when it has ended. A second call while the first waits may only
   * shorten the wait. Stopping a container that does not run, or is unknown, is no error.
   */
  stopContainer(id: string, timeoutSeconds: number): Promise<void>;
  removeContainer(id: string): Promise<void>;
  /** Every container, or those of one sandbox. */
  listContainers(sandboxId?: string): Promise<readonly ContainerStatus[]>;
  /** Fails with `DeadlineExceeded` when it takes longer; 0 means no limit. The command is gone then, too. */
  execSync(id: string, command: readonly string[], timeoutSeconds: number): Promise<ExecResult>;
  /**
   * Runs a command beside a running container's process, joined to a client's streams; on a terminal of its own with `tty`.
   * Resolves to the exit code when the output is with the client. Fails when it cannot be run.
   */
  exec(id: string, command: readonly string[], streams: CommandStreams): Promise<number>;
  /** Joins a client to a running container's own streams; resolves when the container has ended or the client has gone. */
  attach(id: string, streams: CommandStreams): Promise<void>;
  /** Connects to a port of the sandbox's own address. */
  portForward(sandboxId: string, port: number): Promise<Duplex>;
  /** Of the containers that run, where the runtime can tell. */
  stats(): Promise<readonly ContainerStats[]>;
  nodeStats(): Promise<NodeStats>;

  /** Calls `listener` with the sandbox's id whenever a container in it has changed state. Returns how to stop. */
  onChange(listener: (sandboxId: string) => void): () => void;
  /** Lets go of everything without stopping what runs, where the runtime can. */
  close(): Promise<void>;
}

/** A runtime refused; `reason` is what the container's waiting state shows (`ErrImagePull`, `RunContainerError`, …). */
export class RuntimeError extends Error {
  override readonly name = 'RuntimeError';
  readonly reason: string;
  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}
