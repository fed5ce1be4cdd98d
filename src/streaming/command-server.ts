/**
 * The server's side of exec and attach: a client's SPDY connection or WebSocket becomes {@link CommandStreams}.
 *
 * SPDY: a stream for each of error, stdin, stdout, stderr and resize, named by the header `streamtype`. WebSocket: the
 * channels 0 stdin, 1 stdout, 2 stderr, 3 error, 4 resize. From protocol version 4 on the error stream tells the outcome as
 * a Status in JSON, before it told of failures in words; sizes of the terminal came with version 3.
 * Source: `k8s.io/kubelet/pkg/cri/streaming/remotecommand` (httpstream.go, websocket.go).
 */
import type { Readable, Writable } from 'node:stream';
import { finished } from 'node:stream';
import type { Clock } from '../clock/clock.ts';
import type { CommandStatus, CommandStreams, CommandWants } from './remote-command.ts';
import { TerminalSizes } from './remote-command.ts';
import type { SpdyStream } from './spdy/stream.ts';
import { asksForSpdy, negotiateSpdy, switchToSpdy, type UpgradeRequest } from './upgrade.ts';
import { ChannelSocket, negotiateWebSocket, openWebSocket } from './websocket.ts';

/** A client whose streams are open. */
export interface CommandConnection {
  readonly streams: CommandStreams;
  /** Ends the streams with the outcome, and the connection. */
  finish(status: CommandStatus): Promise<void>;
  /** Cuts it. */
  destroy(): void;
}

const spdyProtocols = ['v4.channel.k8s.io', 'v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io'];
export const closeSignalProtocol = 'v5.channel.k8s.io';
const webSocketProtocols = [
  closeSignalProtocol,
  'v4.channel.k8s.io',
  'v4.base64.channel.k8s.io',
  'channel.k8s.io',
  'base64.channel.k8s.io',
  '',
];

/** How long a client may take to open its streams: kubelet's default, in milliseconds. */
const streamTimeout = 30_000;

/** Goes on in the protocol that the client asks for. @throws UpgradeRefused when it is not spoken here */
export async function acceptCommand(
  upgrade: UpgradeRequest,
  wants: CommandWants,
  clock: Clock,
): Promise<CommandConnection> {
  return asksForSpdy(upgrade.request) ? await acceptSpdy(upgrade, wants, clock) : await acceptWebSocket(upgrade, wants);
}

// ----------------------------------------------------------------------------------------------------------- WebSocket

const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const;

async function acceptWebSocket(upgrade: UpgradeRequest, wants: CommandWants): Promise<CommandConnection> {
  const protocol = negotiateWebSocket(upgrade, webSocketProtocols);
  const webSocket = await openWebSocket(upgrade.request, upgrade, protocol);
  const socket = new ChannelSocket(webSocket, {
    base64: protocol.includes('base64.'),
    closeSignals: protocol === closeSignalProtocol,
  });
  const gone = new AbortController();
  socket.onClose(() => gone.abort());
  const connection = commandConnection({
    stdin: wants.stdin ? socket.readable(channels.stdin) : undefined,
    stdout: wants.stdout ? socket.writable(channels.stdout) : undefined,
    stderr: wants.stderr ? socket.writable(channels.stderr) : undefined,
    error: socket.writable(channels.error),
    resize: wants.tty ? socket.readable(channels.resize) : undefined,
    tty: wants.tty,
    statusInJson: /^v[45]\./.test(protocol),
    gone: gone.signal,
    close: () => socket.close(),
    destroy: () => webSocket.terminate(),
  });
  socket.greet(wants.stdout ? channels.stdout : wants.stderr ? channels.stderr : channels.error);
  return connection;
}

// ---------------------------------------------------------------------------------------------------------------- SPDY

async function acceptSpdy(upgrade: UpgradeRequest, wants: CommandWants, clock: Clock): Promise<CommandConnection> {
  const protocol = negotiateSpdy(upgrade.request, spdyProtocols);
  const resizes = wants.tty && /^v[345]\./.test(protocol);
  const expected = new Set(['error']);
  for (const name of ['stdin', 'stdout', 'stderr'] as const) if (wants[name]) expected.add(name);
  if (resizes) expected.add('resize');
  const opened = new Map<string, SpdyStream>();
  let complete: () => void = () => undefined;
  const allThere = new Promise<void>((resolve) => {
    complete = resolve;
  });
  const spdy = switchToSpdy(upgrade, protocol, (stream) => {
    stream.on('error', () => undefined);
    const type = stream.headers.get('streamtype') ?? '';
    if (!expected.has(type) || opened.has(type)) {
      stream.destroy();
      return;
    }
    opened.set(type, stream);
    if (opened.size === expected.size) complete();
  });
  const gone = new AbortController();
  void spdy.closed.then(() => gone.abort());
  const late = clock.setTimeout(() => spdy.destroy(), streamTimeout);
  await Promise.race([allThere, spdy.closed]);
  late.cancel();
  if (opened.size < expected.size) throw new Error('timed out waiting for client to create streams');
  return commandConnection({
    stdin: opened.get('stdin'),
    stdout: opened.get('stdout'),
    stderr: opened.get('stderr'),
    error: opened.get('error')!,
    resize: opened.get('resize'),
    tty: wants.tty,
    statusInJson: /^v[45]\./.test(protocol),
    gone: gone.signal,
    close: () => spdy.close(),
    destroy: () => spdy.destroy(),
  });
}

// ---------------------------------------------------------------------------------------------------------------- both

interface Parts {
  readonly stdin: Readable | undefined;
  readonly stdout: Writable | undefined;
  readonly stderr: Writable | undefined;
  readonly error: Writable;
  readonly resize: Readable | undefined;
  readonly tty: boolean;
  readonly statusInJson: boolean;
  readonly gone: AbortSignal;
  close(): void;
  destroy(): void;
}

function commandConnection(parts: Parts): CommandConnection {
  const { stdin, stdout, stderr, error, resize, tty, gone } = parts;
  // A stream that is cut is no news here: `gone` tells of it, or the next write.
  for (const stream of [stdin, stdout, stderr, error, resize]) stream?.on('error', () => undefined);
  const sizes = new TerminalSizes();
  if (resize !== undefined) readSizes(resize, sizes);
  return {
    streams: { stdin, stdout, stderr, tty, onResize: sizes.onResize, gone },
    async finish(status) {
      await Promise.all([stdout, stderr].map((stream) => (stream === undefined ? undefined : ended(stream))));
      const text = parts.statusInJson ? JSON.stringify(status) : status.status === 'Success' ? '' : status.message!;
      if (text !== '' && error.writable) error.write(text);
      await ended(error);
      parts.close();
    },
    destroy: parts.destroy,
  };
}

/** Everything has been written, or nobody takes it any more. */
function ended(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    finished(stream, { readable: false }, () => resolve());
    if (stream.destroyed) resolve();
    else stream.end();
  });
}

const maxSizeText = 1024;

/** Sizes come one after the other, each a JSON object, with or without a line end. */
function readSizes(resize: Readable, sizes: TerminalSizes): void {
  let text = '';
  resize.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    for (let end = text.indexOf('}'); end >= 0; end = text.indexOf('}')) {
      sizes.take(text.slice(0, end + 1));
      text = text.slice(end + 1);
    }
    if (text.length > maxSizeText) text = '';
  });
}
