/**
 * What a simulated container does. Said by code for an image, or by annotations of the pod:
 *
 *     simulated.setpoint.dev/exit-after: 5s             every container of the pod
 *     simulated.setpoint.dev/migrate.exit-code: "3"     the container "migrate"; goes before the general one
 *
 * Durations are Go's (`1m30s`, `250ms`).
 */
import type { Duplex } from 'node:stream';
import { parseDurationMilliseconds } from '../../machinery/duration.ts';
import type { CommandStreams } from '../../streaming/remote-command.ts';
import type { ContainerConfig, ExecResult, SandboxConfig } from '../container-runtime.ts';

export interface Behaviour {
  /** Milliseconds from the start call until it runs; default 0. Annotation `start-delay`. */
  readonly startDelay?: number;
  /** Why it cannot start: the start call fails with this message. Annotation `start-error`. */
  readonly startError?: string;
  /** Milliseconds of running until it exits by itself; default: it runs until it is stopped. Annotation `exit-after`. */
  readonly exitAfter?: number;
  /** With which it exits by itself; default 0. Annotation `exit-code`. */
  readonly exitCode?: number;
  /** Milliseconds from SIGTERM to its end; `Infinity`: it ignores SIGTERM. Annotation `stop-after` (`never`). Default 0. */
  readonly stopAfter?: number;
  /** With which it answers SIGTERM; default 0. Annotation `stop-code`. */
  readonly stopCode?: number;
  /** Lines that it writes when it starts. Annotation `log`, split at newlines. */
  readonly log?: readonly string[];
  /** What it leaves in its termination message file. Annotation `termination-message`. */
  readonly terminationMessage?: string;
  /** Answers to exec; a promise takes time. `client`: the streams of `kubectl exec`. Annotation `exec-code` for the exit code of every command. */
  readonly exec?: (command: readonly string[], client?: CommandStreams) => ExecAnswer | Promise<ExecAnswer>;
  /** What answers on its ports, by number: gets each connection. Others are refused. */
  readonly ports?: Readonly<Record<number, (connection: Duplex) => void>>;
  /** What statistics report: thousandths of a core that it uses all the time. Annotation `cpu-millicores`. Default 10. */
  readonly cpuMillicores?: number;
  /** What statistics report, in bytes. Annotation `memory-bytes`. Default 16 MiB. */
  readonly memoryBytes?: number;
}

export interface ExecAnswer extends Partial<Omit<ExecResult, 'stdout' | 'stderr'>> {
  readonly stdout?: string;
  readonly stderr?: string;
}

/** Behaviour from code; what annotations say goes before it. */
export type BehaviourOf = (container: ContainerConfig, sandbox: SandboxConfig) => Behaviour;

export const annotationPrefix = 'simulated.setpoint.dev/';

/** What the annotations of a pod say about one of its containers. @throws an error that says what they cannot mean */
export function annotatedBehaviour(annotations: Readonly<Record<string, string>>, container: string): Behaviour {
  const said = (name: string): string | undefined =>
    annotations[`${annotationPrefix}${container}.${name}`] ?? annotations[annotationPrefix + name];
  const behaviour: { -readonly [K in keyof Behaviour]: Behaviour[K] } = {};
  const set = <K extends keyof Behaviour>(field: K, name: string, parse: (text: string) => Behaviour[K]): void => {
    const text = said(name);
    if (text !== undefined) behaviour[field] = parse(text);
  };
  set('startDelay', 'start-delay', parseDurationMilliseconds);
  set('startError', 'start-error', (text) => text);
  set('exitAfter', 'exit-after', parseDurationMilliseconds);
  set('exitCode', 'exit-code', integer);
  set('stopAfter', 'stop-after', (text) =>
    text === 'never' ? Number.POSITIVE_INFINITY : parseDurationMilliseconds(text),
  );
  set('stopCode', 'stop-code', integer);
  set('log', 'log', (text) => text.split('\n'));
  set('terminationMessage', 'termination-message', (text) => text);
  set('cpuMillicores', 'cpu-millicores', integer);
  set('memoryBytes', 'memory-bytes', integer);
  set('exec', 'exec-code', (text) => {
    const exitCode = integer(text);
    return () => ({ exitCode });
  });
  return behaviour;
}

function integer(text: string): number {
  if (!/^\d+$/.test(text)) throw new TypeError(`invalid number ${JSON.stringify(text)}: want a whole number`);
  return Number(text);
}
