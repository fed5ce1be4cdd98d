/**
 * Node agents in other processes: HTTPS to the address and port of the Node object, with the API server's client
 * certificate. As in kube-apiserver without --kubelet-certificate-authority, the agent's certificate is not verified; the
 * agent verifies ours.
 */
import { Agent, request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect } from 'node:tls';
import type { AttachRequest, ContainerLogsRequest, NodeConnector } from '../apis/resource-type.ts';
import type { KeyPair } from '../auth/certificates.ts';
import type { Client } from '../client/client.ts';
import { Node } from '../client/kinds.ts';
import { StatusError, serviceUnavailable } from '../machinery/status.ts';
import { parseResourceMetrics } from '../node/agent/resource-metrics.ts';
import { dialCommand, dialPortForward } from '../streaming/spdy-client.ts';
import type { NodeMeter } from './resource-metrics.ts';

interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** `client` finds the Node objects. It is asked for late: the server that it speaks to needs this connector to start. */
export function remoteNodes(client: () => Client, credentials: KeyPair): NodeConnector & NodeMeter {
  const tls = { cert: credentials.certificate, key: credentials.key, rejectUnauthorized: false };
  const agent = new Agent({ ...tls, keepAlive: true });
  return {
    async containerLogs(nodeName, request) {
      const endpoint = await endpointOf(client(), nodeName);
      return await get(agent, endpoint, logsPath(request), request.signal);
    },
    async exec(nodeName, request) {
      const { command, ...wants } = request;
      return await dialCommand({
        ...tls,
        ...(await endpointOf(client(), nodeName)),
        path: commandPath('exec', wants, command),
      });
    },
    async attach(nodeName, request) {
      return await dialCommand({
        ...tls,
        ...(await endpointOf(client(), nodeName)),
        path: commandPath('attach', request),
      });
    },
    async portForward(nodeName, { namespace, pod, signal }) {
      const path = `/portForward/${[namespace, pod].map(encodeURIComponent).join('/')}`;
      return await dialPortForward({ ...tls, ...(await endpointOf(client(), nodeName)), path }, signal);
    },
    async resourceUsage(nodeName, signal) {
      const body = await get(agent, await endpointOf(client(), nodeName), '/metrics/resource', signal);
      const chunks: Uint8Array[] = [];
      for await (const chunk of body) chunks.push(chunk);
      return parseResourceMetrics(Buffer.concat(chunks).toString());
    },
    async dialAgent(nodeName) {
      return await connectTls({ ...tls, ...(await endpointOf(client(), nodeName)) });
    },
  };
}

async function endpointOf(client: Client, nodeName: string): Promise<Endpoint> {
  const node = await client.resource(Node).get({ name: nodeName });
  const port = node.status?.daemonEndpoints?.kubeletEndpoint?.Port ?? 0;
  const addresses = node.status?.addresses ?? [];
  const address =
    addresses.find(({ type }) => type === 'InternalIP') ?? addresses.find(({ type }) => type === 'Hostname');
  if (port === 0 || address === undefined) throw serviceUnavailable(`node ${nodeName} has no kubelet endpoint`);
  return { host: address.address, port };
}

/** With kubelet's names for the streams. */
function commandPath(kind: 'exec' | 'attach', request: AttachRequest, command: readonly string[] = []): string {
  const { namespace, pod, container, stdin, stdout, stderr, tty } = request;
  const query = new URLSearchParams();
  for (const word of command) query.append('command', word);
  if (stdin) query.set('input', '1');
  if (stdout) query.set('output', '1');
  if (stderr) query.set('error', '1');
  if (tty) query.set('tty', '1');
  return `/${kind}/${[namespace, pod, container].map(encodeURIComponent).join('/')}?${query}`;
}

function connectTls(options: ConnectionOptions): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connect(options, () => {
      socket.off('error', reject);
      resolve(socket);
    });
    socket.once('error', reject);
  });
}

function logsPath(request: ContainerLogsRequest): string {
  const { namespace, pod, container, follow, previous, timestamps, sinceSeconds, sinceTime, tailLines, limitBytes } =
    request;
  const query = new URLSearchParams();
  if (follow) query.set('follow', 'true');
  if (previous) query.set('previous', 'true');
  if (timestamps) query.set('timestamps', 'true');
  if (sinceSeconds !== undefined) query.set('sinceSeconds', String(sinceSeconds));
  if (sinceTime !== undefined) query.set('sinceTime', sinceTime);
  if (tailLines !== undefined) query.set('tailLines', String(tailLines));
  if (limitBytes !== undefined) query.set('limitBytes', String(limitBytes));
  const parts = [namespace, pod, container].map(encodeURIComponent).join('/');
  return `/containerLogs/${parts}?${query}`;
}

/** The body of a 200; anything else is the agent's refusal. */
function get(
  agent: Agent,
  { host, port }: Endpoint,
  path: string,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest({ agent, host, port, path, method: 'GET', signal }, (response) => {
      if (response.statusCode === 200) {
        resolve(response);
        return;
      }
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString().trim();
        const code = response.statusCode ?? 500;
        reject(new StatusError(code, code === 404 ? 'NotFound' : code === 400 ? 'BadRequest' : 'InternalError', text));
      });
      response.on('error', reject);
    });
    request.on('error', (error) => {
      reject(serviceUnavailable(`Get "https://${host}:${port}${path}": ${error.message}`));
    });
    request.end();
  });
}
