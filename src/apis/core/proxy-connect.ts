/**
 * The proxy to pods, services and nodes: where it leads. It leads nowhere else: to a pod through the agent of its node and to
 * the pod's own address, whatever the pod's status says of it; to a service through a pod behind it; to a node's agent.
 * Source: Kubernetes `pkg/registry/core/{pod,service,node}` (ResourceLocation).
 */
import { isIPv4 } from 'node:net';
import { badRequest, notFound, serviceUnavailable } from '../../machinery/status.ts';
import { dialPort } from '../../streaming/dial-port.ts';
import type { Connection, ConnectRequest, ConnectSubresource } from '../resource-type.ts';
import type { Endpoints, Node, Pod, Service } from '../types.ts';

const proxying = {
  verbs: ['create', 'delete', 'get', 'patch', 'update'],
  passesPath: true,
  parameters: [{ name: 'path', type: 'string', description: 'Has no effect: the path is that of the request.' }],
  options: (_query: URLSearchParams, path: string) => ({ path: `/${path}` }),
} as const;

export const podProxy: ConnectSubresource = {
  ...proxying,
  kind: 'PodProxyOptions',
  async connect({ namespace = '', name: id, access, nodes }) {
    const { secure, name, port: wanted } = splitTarget(id, 'pod');
    const pod = await podOf(access, namespace, name);
    if (pod === undefined) throw notFound({ group: '', name: 'pods' }, name);
    const first = pod.spec?.containers.find(({ ports = [] }) => ports.length > 0)?.ports?.[0]?.containerPort;
    const port = wanted === '' ? String(first ?? '') : wanted;
    return podConnection(nodes, pod, secure, port);
  },
};

export const serviceProxy: ConnectSubresource = {
  ...proxying,
  kind: 'ServiceProxyOptions',
  async connect({ namespace = '', name: id, access, nodes }) {
    const { secure, name, port } = splitTarget(id, 'service');
    const portName = /^\d+$/.test(port) ? await namedPort(access, namespace, name, Number(port)) : port;
    const endpoints = (await access.get({ group: '', plural: 'endpoints' }, namespace, name)) as unknown as
      | Endpoints
      | undefined;
    if (endpoints === undefined) throw notFound({ group: '', name: 'endpoints' }, name);
    for (const { addresses = [], ports = [] } of endpoints.subsets ?? []) {
      const target = ports.find((found) => (found.name ?? '') === portName);
      if (target === undefined) continue;
      for (const { ip, targetRef } of shuffled(addresses)) {
        if (targetRef?.name === undefined || targetRef.namespace !== namespace) continue;
        const pod = await podOf(access, namespace, targetRef.name);
        // Whoever may write Endpoints must not lead the proxy elsewhere.
        if (pod?.status?.podIPs?.some((own) => own.ip === ip)) {
          return podConnection(nodes, pod, secure, String(target.port));
        }
      }
    }
    throw serviceUnavailable(`no endpoints available for service ${JSON.stringify(id)}`);
  },
};

export const nodeProxy: ConnectSubresource = {
  ...proxying,
  kind: 'NodeProxyOptions',
  async connect({ name: id, access, nodes }) {
    const { secure, name, port } = splitTarget(id, 'node');
    const node = (await access.get({ group: '', plural: 'nodes' }, undefined, name)) as unknown as Node | undefined;
    if (node === undefined) throw notFound({ group: '', name: 'nodes' }, name);
    const agentPort = node.status?.daemonEndpoints?.kubeletEndpoint?.Port ?? 0;
    if (port === '' || Number(port) === agentPort) {
      // What is dialled is authenticated and encrypted already.
      return { kind: 'proxy', secure: false, host: `${name}:${agentPort}`, dial: () => nodes.dialAgent(name) };
    }
    const address = node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? '';
    if (!isProxyable(address)) throw badRequest('address not allowed');
    return { kind: 'proxy', secure, host: `${address}:${port}`, dial: () => dialPort(address, portNumber(port)) };
  },
};

function podConnection(nodes: ConnectRequest['nodes'], pod: Pod, secure: boolean, port: string): Connection {
  const { namespace = '', name = '' } = pod.metadata;
  const ip = pod.status?.podIP ?? '';
  const nodeName = pod.spec?.nodeName ?? '';
  if (ip === '' || nodeName === '') throw badRequest('address not allowed');
  return {
    kind: 'proxy',
    secure,
    host: port === '' ? ip : `${ip}:${port}`,
    async dial(signal) {
      const dial = await nodes.portForward(nodeName, { namespace, pod: name, signal });
      return await dial(port === '' ? (secure ? 443 : 80) : portNumber(port));
    },
  };
}

function portNumber(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port <= 0xffff) return port;
  throw new Error(
    /^\d+$/.test(text) ? `dial tcp: address ${text}: invalid port` : `dial tcp: lookup tcp/${text}: unknown port`,
  );
}

interface Target {
  readonly secure: boolean;
  readonly name: string;
  /** May be empty. */
  readonly port: string;
}

/** `name`, `name:port` or `scheme:name:port`. Source: `k8s.io/apimachinery/pkg/util/net` (SplitSchemeNamePort). */
function splitTarget(id: string, kind: string): Target {
  const parts = id.split(':');
  const [scheme = '', name = '', port = ''] = parts.length > 2 ? parts : ['', ...parts];
  if (parts.length > 3 || name === '' || !['', 'http', 'https'].includes(scheme)) {
    throw badRequest(`invalid ${kind} request ${JSON.stringify(id)}`);
  }
  return { secure: scheme === 'https', name, port };
}

async function podOf(access: ConnectRequest['access'], namespace: string, name: string): Promise<Pod | undefined> {
  return (await access.get({ group: '', plural: 'pods' }, namespace, name)) as unknown as Pod | undefined;
}

async function namedPort(
  access: ConnectRequest['access'],
  namespace: string,
  name: string,
  port: number,
): Promise<string> {
  const service = (await access.get({ group: '', plural: 'services' }, namespace, name)) as unknown as
    | Service
    | undefined;
  if (service === undefined) throw notFound({ group: '', name: 'services' }, name);
  const found = service.spec?.ports?.find((candidate) => candidate.port === port);
  if (found !== undefined) return found.name ?? '';
  throw serviceUnavailable(`no service port ${port} found for service ${JSON.stringify(name)}`);
}

let turn = 0;

/** Each call begins with another one: requests spread over the endpoints. */
function shuffled<T>(items: readonly T[]): T[] {
  if (items.length === 0) return [];
  turn = (turn + 1) % 0x7fffffff;
  const from = turn % items.length;
  return [...items.slice(from), ...items.slice(0, from)];
}

/** Neither this machine, nor its neighbours on the link, nor many at once. Source: `apimachinery/pkg/util/proxy`. */
function isProxyable(address: string): boolean {
  if (isIPv4(address)) return !/^(0|127|22[4-9]|23\d|255)\./.test(address) && !address.startsWith('169.254.');
  return /^[0-9a-f:]+$/i.test(address) && !/^(::1?$|fe[89ab]|ff)/i.test(address);
}
