/** What a node says of itself: its labels, its resources, its conditions. Source: kubelet's `pkg/kubelet/nodestatus`. */
import { createHash } from 'node:crypto';
import { readFile, statfs } from 'node:fs/promises';
import { arch, availableParallelism, freemem, hostname, platform, release, totalmem, type } from 'node:os';
import type { Node } from '../../apis/types.ts';
import { formatTime } from '../../clock/clock.ts';
import { Quantity } from '../../machinery/quantity.ts';
import type { RuntimeInfo } from '../container-runtime.ts';

export type NodeStatus = NonNullable<Node['status']>;
export type NodeCondition = NonNullable<NodeStatus['conditions']>[number];

export interface NodeIdentity {
  readonly name: string;
  readonly hostIP: string;
  /** Of the agent's HTTPS endpoint; 0: it has none. */
  readonly port: number;
  readonly directory: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Replaces what the machine has: `{ cpu: '4', memory: '8Gi', pods: '110' }`. */
  readonly capacity: Readonly<Record<string, string>>;
  readonly runtime: RuntimeInfo;
  /** As `status.nodeInfo.kubeletVersion` shows it. */
  readonly version: string;
}

/** Under pressure below this much, kubelet's default for memory. Disks are judged alike: containers bring no images here. */
const pressureBytes = 100 * 1024 * 1024;

/** The Node object without its status. */
export function nodeObject({ name, labels, runtime }: NodeIdentity): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        'beta.kubernetes.io/arch': goArchitecture(),
        'beta.kubernetes.io/os': operatingSystem(runtime),
        'kubernetes.io/arch': goArchitecture(),
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': operatingSystem(runtime),
        ...labels,
      },
      annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' },
    },
    spec: {},
  };
}

export async function nodeStatus(identity: NodeIdentity, old: NodeStatus, now: number): Promise<NodeStatus> {
  const disk = await diskOf(identity.directory);
  const capacity = {
    cpu: String(availableParallelism()),
    'ephemeral-storage': `${Math.floor(disk.total / 1024)}Ki`,
    memory: `${Math.floor(totalmem() / 1024)}Ki`,
    pods: '110',
    ...identity.capacity,
  };
  const allocatable: Record<string, string> = { ...capacity };
  if (identity.capacity.memory === undefined) {
    allocatable.memory = `${Math.floor((totalmem() - pressureBytes) / 1024)}Ki`;
  }
  for (const [resource, quantity] of Object.entries(allocatable)) {
    // As the API writes quantities: the same value is the same text, and unchanged status is not written again.
    allocatable[resource] = Quantity.parse(quantity).toString();
  }
  return {
    addresses: [
      { type: 'InternalIP', address: identity.hostIP },
      { type: 'Hostname', address: identity.name },
    ],
    allocatable,
    capacity,
    conditions: conditions(
      old.conditions ?? [],
      (await availableMemory()) < pressureBytes,
      disk.free < pressureBytes,
      now,
    ),
    ...(identity.port === 0 ? {} : { daemonEndpoints: { kubeletEndpoint: { Port: identity.port } } }),
    nodeInfo: await nodeInfo(identity),
  };
}

function conditions(
  old: readonly NodeCondition[],
  memoryPressure: boolean,
  diskPressure: boolean,
  now: number,
): NodeCondition[] {
  const time = formatTime(now);
  const condition = (type: string, status: boolean, reason: string, message: string): NodeCondition => {
    const before = old.find((other) => other.type === type);
    const text = status ? 'True' : 'False';
    const changed = before?.status !== text;
    const lastTransitionTime = changed ? time : (before?.lastTransitionTime ?? time);
    return { type, status: text, lastHeartbeatTime: time, lastTransitionTime, reason, message };
  };
  return [
    memoryPressure
      ? condition('MemoryPressure', true, 'KubeletHasInsufficientMemory', 'kubelet has insufficient memory available')
      : condition('MemoryPressure', false, 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'),
    diskPressure
      ? condition('DiskPressure', true, 'KubeletHasDiskPressure', 'kubelet has disk pressure')
      : condition('DiskPressure', false, 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
    condition('PIDPressure', false, 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
    condition('Ready', true, 'KubeletReady', 'kubelet is posting ready status'),
  ];
}

async function nodeInfo({ name, runtime, version }: NodeIdentity): Promise<NonNullable<NodeStatus['nodeInfo']>> {
  const machine = (await readText('/etc/machine-id')) ?? stableId(hostname());
  return {
    architecture: goArchitecture(),
    bootID: (await readText('/proc/sys/kernel/random/boot_id')) ?? stableId(`boot/${hostname()}`),
    containerRuntimeVersion: `${runtime.name}://${runtime.version}`,
    kernelVersion: release(),
    kubeProxyVersion: '',
    kubeletVersion: version,
    machineID: machine,
    operatingSystem: operatingSystem(runtime),
    osImage: (await osImage()) ?? `${type()} ${release()}`,
    systemUUID: stableId(`${machine}/${name}`),
  };
}

async function osImage(): Promise<string | undefined> {
  return /^PRETTY_NAME="?(.*?)"?$/m.exec((await readText('/etc/os-release')) ?? '')?.[1];
}

async function availableMemory(): Promise<number> {
  const found = /^MemAvailable:\s+(\d+) kB/m.exec((await readText('/proc/meminfo')) ?? '');
  return found === null ? Math.max(freemem(), pressureBytes) : Number(found[1]) * 1024;
}

async function diskOf(directory: string): Promise<{ total: number; free: number }> {
  const { bsize, blocks, bavail } = await statfs(directory);
  return { total: bsize * blocks, free: bsize * bavail };
}

/** What containers run on; elsewhere than on Linux the process runtime's are of the host's own system. */
function operatingSystem(runtime: RuntimeInfo): string {
  return runtime.os === 'win32' ? 'windows' : runtime.os || platform();
}

function goArchitecture(): string {
  const names: Record<string, string> = { x64: 'amd64', ia32: '386' };
  return names[arch()] ?? arch();
}

/** An id of a machine that has none of its own, in the form of a UUID. */
function stableId(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
