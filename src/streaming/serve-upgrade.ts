/**
 * An upgraded request from beginning to end: the handshake, the session, the outcome. The same for an API server's clients
 * and for the API server as client of a node agent.
 */
import { setMaxListeners } from 'node:events';
import type { Clock } from '../clock/clock.ts';
import { internalError } from '../machinery/status.ts';
import { acceptCommand, closeSignalProtocol } from './command-server.ts';
import { acceptPortForward, type PortDialer } from './port-forward-server.ts';
import {
  bare,
  type CommandSession,
  type CommandStatus,
  type CommandWants,
  exitStatus,
  failureStatus,
} from './remote-command.ts';
import { asksForSpdy, UpgradeRefused, type UpgradeRequest } from './upgrade.ts';

export interface CommandOffer {
  readonly wants: CommandWants;
  readonly command: readonly string[];
  /** For messages: `executing command in container`. */
  readonly doing: string;
  readonly open: () => Promise<CommandSession>;
}

/**
 * Resolves when the command has ended and the client has been told. Rejects, without a word to the client, as long as the
 * connection still speaks HTTP. `signal` cuts it.
 */
export async function serveCommand(
  upgrade: UpgradeRequest,
  { wants, command, doing, open }: CommandOffer,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  setMaxListeners(0, signal);
  // As in kube-apiserver, which translates version 5 itself: there the client is told on the error stream.
  const early = asksForSpdy(upgrade.request) || !upgrade.protocols.includes(closeSignalProtocol);
  let session = early ? await open() : undefined;
  const connection = await acceptCommand(upgrade, wants, clock);
  const cut = (): void => connection.destroy();
  signal.addEventListener('abort', cut, { once: true });
  if (signal.aborted) cut();
  try {
    session ??= await open();
    await connection.finish(await outcome(session));
  } catch (error) {
    const refused =
      error instanceof UpgradeRefused ? `unable to upgrade connection: ${error.message}` : messageOf(error);
    await connection.finish(bare(internalError(refused)));
  } finally {
    signal.removeEventListener('abort', cut);
  }

  async function outcome(run: CommandSession): Promise<CommandStatus> {
    try {
      return exitStatus(await run(connection.streams), command);
    } catch (error) {
      return failureStatus(doing, error);
    }
  }
}

export interface PortForwardOffer {
  readonly ports: readonly number[];
  readonly open: (signal: AbortSignal) => Promise<PortDialer>;
}

/** Resolves when the client has gone. Rejects as {@link serveCommand}. */
export async function servePortForward(
  upgrade: UpgradeRequest,
  { ports, open }: PortForwardOffer,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const over = new AbortController();
  // One of each connection.
  setMaxListeners(0, signal, over.signal);
  try {
    const dial = await open(over.signal);
    const connection = await acceptPortForward(upgrade, ports, dial, clock);
    const cut = (): void => connection.destroy();
    signal.addEventListener('abort', cut, { once: true });
    if (signal.aborted) cut();
    await connection.closed;
    signal.removeEventListener('abort', cut);
  } finally {
    over.abort();
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
