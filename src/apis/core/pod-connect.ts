/**
 * Exec, attach and port-forward of pods: what the query asks for, and which node answers. Source: Kubernetes
 * `pkg/registry/core/pod/rest/subresources.go` and `pkg/registry/core/pod/strategy.go` (streamLocation).
 */
import { badRequest, notFound } from '../../machinery/status.ts';
import { type CommandWants, wantsNothing } from '../../streaming/remote-command.ts';
import { UpgradeRefused } from '../../streaming/upgrade.ts';
import type { AttachRequest, ConnectRequest, ConnectSubresource } from '../resource-type.ts';
import type { Pod } from '../types.ts';
import { containerOf } from './pod-subresources.ts';
import { podProxy } from './proxy-connect.ts';

const streaming = { verbs: ['create', 'get'], needsCreate: true } as const;

type Parameters = ConnectSubresource['parameters'];

const streamParameters: Parameters = [
  { name: 'container', type: 'string', description: 'The container; default: the only one of the pod.' },
  { name: 'stderr', type: 'boolean', description: 'Whether the client wants the standard error. Default: true.' },
  { name: 'stdin', type: 'boolean', description: 'Whether the client has a standard input. Default: false.' },
  { name: 'stdout', type: 'boolean', description: 'Whether the client wants the standard output. Default: true.' },
  { name: 'tty', type: 'boolean', description: 'Whether the streams are those of a terminal. Default: false.' },
];

const exec: ConnectSubresource = {
  ...streaming,
  kind: 'PodExecOptions',
  parameters: [
    { name: 'command', type: 'string', description: 'A word of the command; the first one is the program. No shell.' },
    ...streamParameters,
  ],
  options: (query) => ({ ...commandOptions(query), command: query.getAll('command') }),
  async connect(request) {
    const command = request.query.getAll('command');
    const [nodeName, target] = await containerTarget(request);
    const open = () => request.nodes.exec(nodeName, { ...target, command });
    return { kind: 'command', wants: target, command, doing: 'executing command in container', open };
  },
};

const attach: ConnectSubresource = {
  ...streaming,
  kind: 'PodAttachOptions',
  parameters: streamParameters,
  options: commandOptions,
  async connect(request) {
    const [nodeName, target] = await containerTarget(request);
    const open = () => request.nodes.attach(nodeName, target);
    return { kind: 'command', wants: target, command: [], doing: 'attaching to container', open };
  },
};

const portForward: ConnectSubresource = {
  ...streaming,
  kind: 'PodPortForwardOptions',
  parameters: [{ name: 'ports', type: 'integer', description: 'A port; needed over WebSocket without a tunnel.' }],
  options(query) {
    const ports = portsOf(query);
    return ports.length === 0 ? {} : { ports };
  },
  async connect({ namespace = '', name, query, access, nodes }) {
    const ports = portsOf(query);
    const nodeName = hostOf(await podOf(access, namespace, name));
    const open = (signal: AbortSignal) => nodes.portForward(nodeName, { namespace, pod: name, signal });
    return { kind: 'port-forward', ports, open };
  },
};

export const podConnections: Readonly<Record<string, ConnectSubresource>> = {
  exec,
  attach,
  portforward: portForward,
  proxy: podProxy,
};

async function containerTarget({
  namespace = '',
  name,
  query,
  access,
}: ConnectRequest): Promise<[nodeName: string, target: AttachRequest]> {
  const pod = await podOf(access, namespace, name);
  const container = containerOf(pod, query.get('container') ?? '');
  const nodeName = hostOf(pod);
  const wants = wantsOf(query);
  // What a kubelet answers.
  if (wantsNothing(wants)) throw new UpgradeRefused(400, 'you must specify at least 1 of stdin, stdout, stderr');
  return [nodeName, { ...wants, namespace, pod: name, container }];
}

async function podOf(access: ConnectRequest['access'], namespace: string, name: string): Promise<Pod> {
  const pod = (await access.get({ group: '', plural: 'pods' }, namespace, name)) as unknown as Pod | undefined;
  if (pod === undefined) throw notFound({ group: '', name: 'pods' }, name);
  return pod;
}

function hostOf({ metadata, spec }: Pod): string {
  const nodeName = spec?.nodeName ?? '';
  if (nodeName === '') throw badRequest(`pod ${metadata.name} does not have a host assigned`);
  return nodeName;
}

function wantsOf(query: URLSearchParams): CommandWants {
  const tty = flag(query, 'tty', false);
  return {
    stdin: flag(query, 'stdin', false),
    stdout: flag(query, 'stdout', true),
    // A terminal has one output.
    stderr: flag(query, 'stderr', true) && !tty,
    tty,
  };
}

function commandOptions(query: URLSearchParams) {
  const container = query.get('container') ?? '';
  return {
    ...(flag(query, 'stdin', false) ? { stdin: true } : {}),
    stdout: flag(query, 'stdout', true),
    stderr: flag(query, 'stderr', true),
    ...(flag(query, 'tty', false) ? { tty: true } : {}),
    ...(container === '' ? {} : { container }),
  };
}

/** As Kubernetes reads booleans of queries: whatever does not say no. */
function flag(query: URLSearchParams, name: string, absent: boolean): boolean {
  const text = query.get(name);
  return text === null ? absent : text !== '0' && text.toLowerCase() !== 'false';
}

function portsOf(query: URLSearchParams): number[] {
  const texts = query.getAll('ports').flatMap((text) => text.split(','));
  return texts.map((text) => {
    if (/^\d{1,5}$/.test(text) && Number(text) <= 0xffff) return Number(text);
    const why = /^\d+$/.test(text) ? 'value out of range' : 'invalid syntax';
    throw badRequest(`cannot convert to []int32: strconv.ParseUint: parsing ${JSON.stringify(text)}: ${why}`);
  });
}
