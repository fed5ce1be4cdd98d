/**
 * The client's side of exec, attach and port-forward, over SPDY: how an API server speaks to a node agent. Any kubelet
 * understands it. Source: `k8s.io/client-go/tools/remotecommand` and `tools/portforward`.
 */
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { type PortDialer, portForwardProtocol } from './port-forward-server.ts';
import type { CommandSession, CommandStatus, CommandStreams } from './remote-command.ts';
import { exitCodeOf } from './remote-command.ts';
import { SpdyConnection } from './spdy/connection.ts';
import type { SpdyStream } from './spdy/stream.ts';
import { spdyRequestHeaders, UpgradeRefused } from './upgrade.ts';

const commandProtocol = 'v4.channel.k8s.io';

/** @throws UpgradeRefused with the server's code and words, or what the connection failed with */
export async function dialCommand(target: RequestOptions): Promise<CommandSession> {
  const connection = await dial(target, commandProtocol);
  return (streams) => runCommand(connection, streams);
}

/** Each connection to a port is two streams of one connection to the node, which ends with `signal`. */
export async function dialPortForward(target: RequestOptions, signal: AbortSignal): Promise<PortDialer> {
  const connection = await dial(target, portForwardProtocol);
  const end = (): void => connection.close();
  if (signal.aborted) end();
  else signal.addEventListener('abort', end, { once: true });
  let requests = 0;
  return async (port) => {
    const headers = { port: String(port), requestid: String(requests++) };
    const error = await openStream(connection, 'error', headers);
    const data = await openStream(connection, 'data', headers);
    error.end();
    let failure = '';
    error.on('data', (chunk: Buffer) => {
      failure += chunk;
    });
    // It ends before the data does, so that a failure is not taken for an end.
    error.once('end', () => {
      if (failure !== '') data.destroy(new Error(failure));
    });
    return data;
  };
}

function dial(target: RequestOptions, protocol: string): Promise<SpdyConnection> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest({
      ...target,
      method: 'POST',
      headers: { ...target.headers, ...spdyRequestHeaders(protocol) },
    });
    request.once('upgrade', (_response: IncomingMessage, socket: Duplex, head: Buffer) => {
      if (head.length > 0) socket.unshift(head);
      resolve(new SpdyConnection(socket, { role: 'client' }));
    });
    request.once('response', (response: IncomingMessage) => {
      text(response).then((body) => reject(new UpgradeRefused(response.statusCode ?? 500, body.trim())), reject);
    });
    request.once('error', reject);
    request.end();
  });
}

async function runCommand(connection: SpdyConnection, streams: CommandStreams): Promise<number> {
  const cut = (): void => connection.destroy();
  if (streams.gone.aborted) cut();
  else streams.gone.addEventListener('abort', cut, { once: true });
  try {
    const error = await openStream(connection, 'error');
    error.end();
    const outcome = text(error);
    const copies: Promise<unknown>[] = [];
    if (streams.stdin !== undefined) {
      // The command may end before its input does.
      pipeline(streams.stdin, await openStream(connection, 'stdin')).catch(() => undefined);
    }
    for (const name of ['stdout', 'stderr'] as const) {
      const output = streams[name];
      if (output === undefined) continue;
      const stream = await openStream(connection, name);
      stream.end();
      copies.push(pipeline(stream, output));
    }
    if (streams.tty) {
      const resize = await openStream(connection, 'resize');
      resize.resume();
      streams.onResize(({ width, height }) => {
        if (resize.writable) resize.write(JSON.stringify({ Width: width, Height: height }));
      });
    }
    await Promise.all(copies);
    const status = JSON.parse(await outcome) as CommandStatus;
    const code = exitCodeOf(status);
    if (code === undefined) throw new Error(status.message);
    return code;
  } finally {
    streams.gone.removeEventListener('abort', cut);
    connection.close();
  }
}

async function openStream(
  connection: SpdyConnection,
  type: string,
  more: Readonly<Record<string, string>> = {},
): Promise<SpdyStream> {
  const stream = await connection.open(new Map([['streamtype', type], ...Object.entries(more)]));
  stream.on('error', () => undefined);
  return stream;
}
