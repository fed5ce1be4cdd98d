/**
 * What nodes and pods use now, in the form in which `kubectl top` and autoscalers ask for it. Nothing of it is stored: a
 * cluster that measures hands in a {@link MetricsProvider}; without one the group is not served, as without metrics-server.
 * Source: `k8s.io/metrics/pkg/apis/metrics/v1beta1`; the forms of quantities and columns are metrics-server's.
 */
import { formatTime } from '../../clock/clock.ts';
import { formatDuration } from '../../machinery/duration.ts';
import type { ApiObject } from '../../machinery/object.ts';
import { builtinType } from '../builtin.ts';
import { column, nameColumn } from '../columns.ts';
import type { Column, ResourceType } from '../resource-type.ts';

/** What something used on average over its window. */
export interface Usage {
  /** Billionths of a core. */
  readonly cpuNanocores: number;
  /** The working set. */
  readonly memoryBytes: number;
}

/** When a measurement ended and how long it took. */
export interface Measurement {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly windowMilliseconds: number;
}

export interface NodeUsage extends Measurement, Usage {}

export interface PodUsage extends Measurement {
  readonly namespace: string;
  readonly containers: readonly ({ readonly name: string } & Usage)[];
}

/** Who measures. What has not been measured yet is left out. */
export interface MetricsProvider {
  nodes(): Promise<readonly NodeUsage[]>;
  /** `undefined`: those of all namespaces. */
  pods(namespace: string | undefined): Promise<readonly PodUsage[]>;
}

interface Metrics extends ApiObject {
  readonly timestamp: string;
  readonly window: string;
}

interface ResourceList {
  readonly cpu: string;
  readonly memory: string;
}

interface NodeMetrics extends Metrics {
  readonly usage: ResourceList;
}

interface PodMetrics extends Metrics {
  readonly containers: readonly { readonly name: string; readonly usage: ResourceList }[];
}

const group = 'metrics.k8s.io';
const apiVersion = `${group}/v1beta1`;

/** `nodes` and `pods` of metrics.k8s.io. */
export function createMetricsTypes(provider: MetricsProvider): readonly ResourceType[] {
  const common = { group, name: 'v1beta1', singular: '', verbs: ['get', 'list'] } as const;
  const nodes = builtinType<NodeMetrics>({
    ...common,
    kind: 'NodeMetrics',
    plural: 'nodes',
    scope: 'Cluster',
    columns: columns<NodeMetrics>(({ usage }) => [usage]),
    virtual: {
      async get(name) {
        const found = (await provider.nodes()).find((node) => node.name === name);
        return found === undefined ? undefined : nodeMetrics(found);
      },
      list: async () => (await provider.nodes()).map(nodeMetrics),
    },
  });
  const pods = builtinType<PodMetrics>({
    ...common,
    kind: 'PodMetrics',
    plural: 'pods',
    columns: columns<PodMetrics>(({ containers }) => containers.map(({ usage }) => usage)),
    virtual: {
      async get(name, { namespace }) {
        const found = (await provider.pods(namespace)).find((pod) => pod.name === name);
        return found === undefined ? undefined : podMetrics(found);
      },
      list: async ({ namespace }) => (await provider.pods(namespace)).map(podMetrics),
    },
  });
  return [nodes, pods];
}

function columns<T extends Metrics>(usages: (object: T) => readonly ResourceList[]): readonly Column[] {
  const sum = (object: T, resource: keyof ResourceList): number =>
    usages(object).reduce((total, usage) => total + Number.parseInt(usage[resource], 10), 0);
  return [
    nameColumn,
    column<T>('cpu', 'string', (object) => `${sum(object, 'cpu')}n`),
    column<T>('memory', 'string', (object) => `${sum(object, 'memory')}Ki`),
    column<T>('window', 'string', ({ window }) => window),
  ];
}

function nodeMetrics(usage: NodeUsage): NodeMetrics {
  return { ...metricsOf('NodeMetrics', usage, {}), usage: resourceList(usage) };
}

function podMetrics(usage: PodUsage): PodMetrics {
  const { namespace, containers } = usage;
  return {
    ...metricsOf('PodMetrics', usage, { namespace }),
    containers: containers.map((container) => ({ name: container.name, usage: resourceList(container) })),
  };
}

function metricsOf(
  kind: string,
  { name, labels, time, windowMilliseconds }: Measurement,
  metadata: { readonly namespace?: string },
): Metrics {
  return {
    kind,
    apiVersion,
    metadata: {
      name,
      ...metadata,
      creationTimestamp: formatTime(time),
      ...(labels === undefined ? {} : { labels: { ...labels } }),
    },
    timestamp: formatTime(time),
    window: formatDuration(BigInt(Math.round(windowMilliseconds)) * 1_000_000n),
  };
}

const resourceList = ({ cpuNanocores, memoryBytes }: Usage): ResourceList => ({
  cpu: `${Math.round(cpuNanocores)}n`,
  memory: `${Math.round(memoryBytes / 1024)}Ki`,
});
