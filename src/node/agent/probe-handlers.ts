/**
 * One look at a container: a command, an HTTP request, a connection, for probes and for lifecycle hooks.
 * Source: kubelet's `pkg/probe`; messages are those of Go's `net`.
 */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import type { Container, LifecycleHandler, Probe } from '../../apis/types.ts';
import { type Clock, sleep } from '../../clock/clock.ts';
import { type ContainerRuntime, RuntimeError } from '../container-runtime.ts';
import { grpcHealth } from './grpc-health.ts';

export interface ProbeResult {
  readonly healthy: boolean;
  /** Why not, as the event says it. */
  readonly output: string;
  /** The probe itself could not be done. */
  readonly errored?: boolean;
}

export interface ProbeTarget {
  readonly runtime: ContainerRuntime;
  readonly clock: Clock;
  readonly containerId: string;
  readonly container: Container;
  readonly podIP: string;
}

const healthy: ProbeResult = { healthy: true, output: '' };
/** kubelet's `maxRespBodyLength`. */
const longestBody = 10 * 1024;

export async function probeOnce(probe: Probe, target: ProbeTarget): Promise<ProbeResult> {
  const timeoutSeconds = probe.timeoutSeconds ?? 1;
  try {
    if (probe.exec !== undefined) return await execOnce(probe.exec.command ?? [], timeoutSeconds, target);
    if (probe.httpGet !== undefined) return await httpOnce(probe.httpGet, timeoutSeconds, target);
    if (probe.tcpSocket !== undefined) return await tcpOnce(probe.tcpSocket, timeoutSeconds, target);
    if (probe.grpc !== undefined) {
      const { port, service = '' } = probe.grpc;
      return await grpcHealth(target.podIP, port, service, timeoutSeconds, target.clock);
    }
    return { healthy: false, errored: true, output: 'probes of this type are not supported by this node' };
  } catch (error) {
    return { healthy: false, errored: true, output: (error as Error).message };
  }
}

/** Runs a hook; resolves to what went wrong, `undefined` when nothing did. */
export async function runHook(
  handler: LifecycleHandler,
  target: ProbeTarget,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (handler.sleep !== undefined) {
    await sleep(target.clock, handler.sleep.seconds * 1000, signal).catch(() => undefined);
    return undefined;
  }
  if (handler.exec !== undefined) {
    const command = handler.exec.command ?? [];
    try {
      const { exitCode, stdout, stderr } = await target.runtime.execSync(target.containerId, command, 0);
      if (exitCode === 0) return undefined;
      const output = `${Buffer.from(stdout)}${Buffer.from(stderr)}`;
      return `command '${command.join(' ')}' exited with ${exitCode}: ${output}`;
    } catch (error) {
      return (error as Error).message;
    }
  }
  if (handler.httpGet !== undefined) {
    try {
      const result = await httpOnce(handler.httpGet, 30, target);
      return result.healthy ? undefined : result.output;
    } catch (error) {
      return (error as Error).message;
    }
  }
  return 'hooks of this type are not supported by this node';
}

async function execOnce(command: readonly string[], timeoutSeconds: number, target: ProbeTarget): Promise<ProbeResult> {
  try {
    const result = await target.runtime.execSync(target.containerId, command, timeoutSeconds);
    if (result.exitCode === 0) return healthy;
    return { healthy: false, output: `${Buffer.from(result.stdout)}${Buffer.from(result.stderr)}` };
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error;
    return { healthy: false, errored: true, output: error.message };
  }
}

type HttpGet = NonNullable<Probe['httpGet']>;

function httpOnce(get: HttpGet, timeoutSeconds: number, target: ProbeTarget): Promise<ProbeResult> {
  const scheme = (get.scheme ?? 'HTTP').toLowerCase();
  const host = get.host === undefined || get.host === '' ? target.podIP : get.host;
  const port = portNumber(get.port, target.container);
  const path = get.path === undefined || get.path === '' ? '/' : get.path.startsWith('/') ? get.path : `/${get.path}`;
  const url = `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}${path}`;
  const headers: Record<string, string> = { 'User-Agent': 'kube-probe/1.36', Accept: '*/*', Connection: 'close' };
  for (const { name, value } of get.httpHeaders ?? []) {
    for (const known of Object.keys(headers)) if (known.toLowerCase() === name.toLowerCase()) delete headers[known];
    if (value !== '') headers[name] = value;
  }
  return new Promise((resolve) => {
    const failed = (why: string): void => resolve({ healthy: false, output: `Get ${JSON.stringify(url)}: ${why}` });
    const send = scheme === 'https' ? httpsRequest : httpRequest;
    // As kubelet, no certificate is checked: the probe asks whether, not who.
    const request = send(url, { headers, agent: false, ...(scheme === 'https' ? { rejectUnauthorized: false } : {}) });
    const timer = target.clock.setTimeout(() => {
      failed('context deadline exceeded (Client.Timeout exceeded while awaiting headers)');
      request.destroy();
    }, timeoutSeconds * 1000);
    request.once('error', (error: NodeJS.ErrnoException) => {
      timer.cancel();
      failed(dialError(error, host, port));
    });
    request.once('response', (response) => {
      timer.cancel();
      const status = response.statusCode ?? 0;
      if (status >= 200 && status < 400) resolve(healthy);
      else resolve({ healthy: false, output: `HTTP probe failed with statuscode: ${status}` });
      let length = 0;
      response.on('data', (chunk: Buffer) => {
        length += chunk.length;
        if (length > longestBody) request.destroy();
      });
      response.once('error', () => undefined);
    });
    request.end();
  });
}

function tcpOnce(
  tcp: NonNullable<Probe['tcpSocket']>,
  timeoutSeconds: number,
  target: ProbeTarget,
): Promise<ProbeResult> {
  const host = tcp.host === undefined || tcp.host === '' ? target.podIP : tcp.host;
  const port = portNumber(tcp.port, target.container);
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const finish = (result: ProbeResult): void => {
      timer.cancel();
      socket.destroy();
      resolve(result);
    };
    const timer = target.clock.setTimeout(
      () => finish({ healthy: false, output: `dial tcp ${host}:${port}: i/o timeout` }),
      timeoutSeconds * 1000,
    );
    socket.once('connect', () => finish(healthy));
    socket.once('error', (error: NodeJS.ErrnoException) =>
      finish({ healthy: false, output: dialError(error, host, port) }),
    );
  });
}

function dialError(error: NodeJS.ErrnoException, host: string, port: number): string {
  switch (error.code) {
    case 'ECONNREFUSED':
      return `dial tcp ${host}:${port}: connect: connection refused`;
    case 'EHOSTUNREACH':
      return `dial tcp ${host}:${port}: connect: no route to host`;
    case 'ECONNRESET':
      return 'EOF';
    case 'ENOTFOUND':
      return `dial tcp: lookup ${host}: no such host`;
    default:
      return error.message;
  }
}

/** A number, or the name of one of the container's ports. */
function portNumber(port: string | number, container: Container): number {
  if (typeof port === 'number') return port;
  const named = (container.ports ?? []).find(({ name }) => name === port);
  if (named !== undefined) return named.containerPort;
  if (/^\d+$/.test(port)) return Number(port);
  throw new Error(`strconv.Atoi: parsing ${JSON.stringify(port)}: invalid syntax`);
}
