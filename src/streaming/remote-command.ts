/**
 * A command in a container, or a container's own process, joined to the streams of a client: what `kubectl exec` and
 * `kubectl attach` ask for, without how it travels. Source: `k8s.io/kubelet/pkg/cri/streaming/remotecommand`.
 */
import type { Readable, Writable } from 'node:stream';
import { internalError, type Status, type StatusError } from '../machinery/status.ts';

export interface TerminalSize {
  /** In characters. */
  readonly width: number;
  readonly height: number;
}

/** Which streams a client wants. */
export interface CommandWants {
  readonly stdin: boolean;
  readonly stdout: boolean;
  /** Never with `tty`: a terminal has one output. */
  readonly stderr: boolean;
  readonly tty: boolean;
}

export function wantsNothing({ stdin, stdout, stderr }: CommandWants): boolean {
  return !stdin && !stdout && !stderr;
}

/** The client's ends. Whoever runs the command writes until it ends; the streams are ended for it. */
export interface CommandStreams {
  readonly stdin: Readable | undefined;
  readonly stdout: Writable | undefined;
  readonly stderr: Writable | undefined;
  readonly tty: boolean;
  /** Calls `listener` with the last size that the client has told, and with every later one. */
  onResize(listener: (size: TerminalSize) => void): void;
  /** Aborted when the client has gone. */
  readonly gone: AbortSignal;
}

/**
 * A command that is ready to run: resolves to its exit code. For an attached container the code is 0 whatever its own is.
 * Rejects when it could not be run.
 */
export type CommandSession = (streams: CommandStreams) => Promise<number>;

/** What the error stream says in the end: a Status without kind and version. */
export type CommandStatus = Pick<Status, 'metadata' | 'status' | 'message' | 'reason' | 'details'> & { code?: number };

const nonZeroExit = 'NonZeroExitCode';
const exitCodeCause = 'ExitCode';

/** @param command for the message; empty for an attached container */
export function exitStatus(code: number, command: readonly string[]): CommandStatus {
  if (code === 0) return { metadata: {}, status: 'Success' };
  return {
    metadata: {},
    status: 'Failure',
    message:
      'command terminated with non-zero exit code: ' +
      `error executing command [${command.join(' ')}], exit code ${code}`,
    reason: nonZeroExit,
    details: { causes: [{ reason: exitCodeCause, message: String(code) }] },
  };
}

/** What a command that could not be run is told as; `doing`: `executing command in container`. */
export function failureStatus(doing: string, error: unknown): CommandStatus {
  return bare(internalError(`error ${doing}: ${(error as Error).message}`));
}

export function bare({ status }: StatusError): CommandStatus {
  const { kind: _kind, apiVersion: _version, ...rest } = status;
  return rest;
}

/** The exit code that a status tells of; `undefined`: the command was not run to its end. */
export function exitCodeOf(status: CommandStatus): number | undefined {
  if (status.status === 'Success') return 0;
  if (status.reason !== nonZeroExit) return undefined;
  const code = Number(status.details?.causes?.find(({ reason }) => reason === exitCodeCause)?.message);
  return Number.isInteger(code) ? code : undefined;
}

/** Sizes of the client's terminal, which come before anybody listens. */
export class TerminalSizes {
  #last: TerminalSize | undefined;
  #listener: ((size: TerminalSize) => void) | undefined;

  readonly onResize = (listener: (size: TerminalSize) => void): void => {
    this.#listener = listener;
    if (this.#last !== undefined) listener(this.#last);
  };

  /** A line of `{"Width":80,"Height":24}`; anything else is passed over. */
  take(text: string): void {
    let size: { Width?: unknown; Height?: unknown };
    try {
      size = JSON.parse(text);
    } catch {
      return;
    }
    const { Width: width, Height: height } = size ?? {};
    if (!isSize(width) || !isSize(height)) return;
    this.#last = { width, height };
    this.#listener?.(this.#last);
  }
}

/** The kernel counts rows and columns in 16 bits. */
function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 0x10000;
}
