/**
 * The server's side of port-forward: connections of a client become connections to ports of a pod.
 *
 * SPDY (plain, or tunnelled through a WebSocket): each connection is two streams with one `requestid`, an error stream that
 * says why a connection failed and a data stream. WebSocket: two channels for each port that the request names, data and
 * error, both of which begin with the port as two bytes, low byte first.
 * Source: `k8s.io/kubelet/pkg/cri/streaming/portforward` (httpstream.go, websocket.go); KEP-4006.
 */
import type { Duplex } from 'node:stream';
import { finished } from 'node:stream';
import type { Clock, Timer } from '../clock/clock.ts';
import { SpdyConnection } from './spdy/connection.ts';
import type { SpdyStream } from './spdy/stream.ts';
import { asksForSpdy, negotiateSpdy, switchToSpdy, UpgradeRefused, type UpgradeRequest } from './upgrade.ts';
import { ChannelSocket, negotiateWebSocket, openWebSocket, webSocketStream } from './websocket.ts';

/** Connects to a port of the pod. What it rejects with, or a connection fails with, is told to the client word for word. */
export type PortDialer = (port: number) => Promise<Duplex>;

/** A client that is connected; resolves when it has gone. */
export interface PortForwardConnection {
  readonly closed: Promise<void>;
  /** Cuts it. */
  destroy(): void;
}

export const portForwardProtocol = 'portforward.k8s.io';
const tunnelProtocol = `SPDY/3.1+${portForwardProtocol}`;
const webSocketProtocols = [tunnelProtocol, 'v4.channel.k8s.io', 'v4.base64.channel.k8s.io', ''];

/** How long the second stream of a connection may stay away: kubelet's, in milliseconds. */
const pairTimeout = 30_000;

/** @param ports those that the request names, for WebSockets without a tunnel. @throws UpgradeRefused */
export async function acceptPortForward(
  upgrade: UpgradeRequest,
  ports: readonly number[],
  dial: PortDialer,
  clock: Clock,
): Promise<PortForwardConnection> {
  if (asksForSpdy(upgrade.request)) {
    const protocol = negotiateSpdy(upgrade.request, [portForwardProtocol]);
    return switchToSpdy(upgrade, protocol, streamPairs(dial, clock));
  }
  const protocol = negotiateWebSocket(upgrade, webSocketProtocols);
  if (protocol !== tunnelProtocol && ports.length === 0) {
    throw new UpgradeRefused(400, 'query parameter "port" is required');
  }
  const webSocket = await openWebSocket(upgrade.request, upgrade, protocol);
  if (protocol === tunnelProtocol) {
    const tunnel = await webSocketStream(webSocket);
    return new SpdyConnection(tunnel, { role: 'server', onStream: streamPairs(dial, clock) });
  }
  const socket = new ChannelSocket(webSocket, { base64: protocol.includes('base64.'), closeSignals: false });
  const closed = new Promise<void>((resolve) => socket.onClose(resolve));
  void Promise.all(ports.map((port, index) => forwardChannels(socket, index, port, dial))).then(() => socket.close());
  return { closed, destroy: () => webSocket.terminate() };
}

/** The ports of a request's query. @throws UpgradeRefused for what is no port, in kubelet's words */
export function portsOf(texts: readonly string[]): number[] {
  return texts.map((text) => {
    if (!/^\d{1,5}$/.test(text) || Number(text) > 0xffff) {
      const why = /^\d+$/.test(text) ? 'value out of range' : 'invalid syntax';
      const quoted = JSON.stringify(text);
      throw new UpgradeRefused(
        400,
        `unable to parse ${quoted} as a port: strconv.ParseUint: parsing ${quoted}: ${why}`,
      );
    }
    if (Number(text) < 1) throw new UpgradeRefused(400, `port ${JSON.stringify(text)} must be > 0`);
    return Number(text);
  });
}

// ---------------------------------------------------------------------------------------------------------------- SPDY

interface Pair {
  data: SpdyStream | undefined;
  error: SpdyStream | undefined;
  readonly timer: Timer;
}

function streamPairs(dial: PortDialer, clock: Clock): (stream: SpdyStream) => void {
  const pairs = new Map<string, Pair>();
  return (stream) => {
    stream.on('error', () => undefined);
    const type = stream.headers.get('streamtype');
    const port = Number(stream.headers.get('port'));
    if ((type !== 'data' && type !== 'error') || !Number.isInteger(port) || port < 1 || port > 0xffff) {
      stream.destroy();
      return;
    }
    // Clients older than Kubernetes 1.2 number nothing: their data stream follows the error stream.
    const request = stream.headers.get('requestid') ?? `stream ${type === 'error' ? stream.id : stream.id - 2}`;
    const pair = pairs.get(request) ?? {
      data: undefined,
      error: undefined,
      timer: clock.setTimeout(() => {
        pairs.delete(request);
        pair.data?.destroy();
        pair.error?.destroy();
      }, pairTimeout),
    };
    if (pair[type] !== undefined) {
      stream.destroy();
      return;
    }
    pairs.set(request, pair);
    pair[type] = stream;
    if (pair.data === undefined || pair.error === undefined) return;
    pairs.delete(request);
    pair.timer.cancel();
    const { data, error } = pair;
    // What the client might say on the error stream is nothing.
    error.resume();
    void forward(data, port, dial).then((failure) => {
      error.end(failure);
      if (failure === undefined) return;
      // Ended, not cut: the client is to read the reason first.
      data.resume().end();
    });
  };
}

// ------------------------------------------------------------------------------------------------------------ channels

async function forwardChannels(socket: ChannelSocket, index: number, port: number, dial: PortDialer): Promise<void> {
  const [dataChannel, errorChannel] = [index * 2, index * 2 + 1];
  const error = socket.writable(errorChannel);
  const output = socket.writable(dataChannel);
  const input = socket.readable(dataChannel);
  for (const stream of [error, output, input]) stream.on('error', () => undefined);
  const bytes = Buffer.of(port & 0xff, port >> 8);
  output.write(bytes);
  error.write(bytes);
  try {
    const target = await dial(port);
    await new Promise<void>((resolve, reject) => {
      // The client cannot say that it has ended a direction: when the pod has, or the client has gone, all is over.
      target.once('error', reject);
      target.once('end', resolve).once('close', resolve);
      input.once('close', () => target.destroy());
      input.pipe(target);
      target.pipe(output);
    });
  } catch (failure) {
    if (error.writable && !isHangUp(failure as Error)) error.write((failure as Error).message);
  }
  await Promise.all(
    [output, error].map(
      (stream) =>
        new Promise((resolve) => {
          finished(stream, resolve);
          if (stream.destroyed) resolve(undefined);
          else stream.end();
        }),
    ),
  );
  input.destroy();
}

// ---------------------------------------------------------------------------------------------------------------- both

/** The pod's process has closed a connection that was still written to: no failure, or clients would give up all others. */
function isHangUp({ code }: NodeJS.ErrnoException): boolean {
  return code === 'EPIPE' || code === 'ECONNRESET';
}

/** Both directions, each until it ends; resolves to what went wrong with the pod's side, if anything. */
async function forward(client: Duplex, port: number, dial: PortDialer): Promise<string | undefined> {
  let target: Duplex;
  try {
    target = await dial(port);
  } catch (failure) {
    return (failure as Error).message;
  }
  return await new Promise((resolve) => {
    let open = 2;
    const over = (): void => {
      open -= 1;
      if (open === 0) resolve(undefined);
    };
    target.once('error', (error: NodeJS.ErrnoException) => resolve(isHangUp(error) ? undefined : error.message));
    client.once('close', () => {
      target.destroy();
      resolve(undefined);
    });
    target.once('close', () => {
      // What the client still says is read and dropped: unread, it would hold up its other connections.
      client.unpipe(target);
      client.resume();
      if (client.writable) client.end();
      resolve(undefined);
    });
    client.once('end', over);
    target.once('end', over);
    if (client.destroyed) target.destroy();
    client.pipe(target);
    target.pipe(client);
  });
}
