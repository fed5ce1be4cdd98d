/**
 * What nodes and pods use now, in the form in which `kubectl top` and autoscalers ask for it. Nothing of it is stored: a
 * cluster that measures hands in a {@link MetricsProvider}; without one the group is not served, as without metrics-server.
 * Source: `k8s.io/metrics/pkg/apis/metrics/v1beta1`; the forms of quantities and columns are metrics-server's.
 */
import { formatTime } from '../../clock/clock.ts';
import { formatDuration } from '../../machinery/duration.ts';
import type { ApiObject, ObjectMeta } from '../../machinery/object.ts';
import { notFound } from '../../machinery/status.ts';
import { builtinType } from '../builtin.ts';
import { column, nameColumn } from '../columns.ts';
import type { Column, ResourceType, VirtualResource } from '../resource-type.ts';

/** What something used on average over its window. */
export interface Usage {
  /** Billionths of a core. */
  readonly cpuNanocores: number;
  /** The working set. */
  readonly memoryBytes: number;
}

/** When a measurement ended and how long it took. */
export interface Measurement {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly windowMilliseconds: number;
}

export interface NodeUsage extends Measurement, Usage {}

export interface PodUsage extends Measurement {
  readonly containers: readonly ({ readonly name: string } & Usage)[];
}

/** Who measures. `undefined`: it has not been measured yet. */
export interface MetricsProvider {
  node(name: string): NodeUsage | undefined;
  pod(namespace: string, name: string): PodUsage | undefined;
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

/** `nodes` and `pods` of metrics.k8s.io: those that the API has and that have been measured. */
export function createMetricsTypes(provider: MetricsProvider): readonly ResourceType[] {
  const common = { group, name: 'v1beta1', singular: '', verbs: ['get', 'list'] } as const;
  const nodes = builtinType<NodeMetrics>({
    ...common,
    kind: 'NodeMetrics',
    plural: 'nodes',
    scope: 'Cluster',
    columns: columns<NodeMetrics>(({ usage }) => [usage]),
    virtual: measured('nodes', 'nodemetrics', ({ metadata }) => {
      const usage = provider.node(metadata.name ?? '');
      return usage && { ...metricsOf('NodeMetrics', usage, metadata), usage: resourceList(usage) };
    }),
  });
  const pods = builtinType<PodMetrics>({
    ...common,
    kind: 'PodMetrics',
    plural: 'pods',
    columns: columns<PodMetrics>(({ containers }) => containers.map(({ usage }) => usage)),
    virtual: measured('pods', 'podmetrics', ({ metadata }) => {
      const usage = provider.pod(metadata.namespace ?? '', metadata.name ?? '');
      return (
        usage && { ...metricsOf('PodMetrics', usage, metadata), containers: usage.containers.map(containerMetrics) }
      );
    }),
  });
  return [nodes, pods];
}

/** `metrics` is metrics-server's name for what it does not have yet. */
function measured(
  plural: 'nodes' | 'pods',
  metrics: string,
  metricsFor: (object: ApiObject) => Metrics | undefined,
): VirtualResource {
  return {
    async get(name, { namespace, access }) {
      const object = await access.cached({ group: '', plural }, namespace, name);
      if (object === undefined) throw notFound({ group: '', name: plural }, name);
      const found = metricsFor(object);
      if (found !== undefined) return found;
      throw notFound({ group, name: metrics }, namespace === undefined ? name : `${namespace}/${name}`);
    },
    async list({ namespace, access }) {
      const objects = await access.list({ group: '', plural }, namespace);
      return objects.flatMap((object) => metricsFor(object) ?? []);
    },
  };
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

function metricsOf(
  kind: string,
  { time, windowMilliseconds }: Measurement,
  { name = '', namespace, labels }: ObjectMeta,
): Metrics {
  return {
    kind,
    apiVersion,
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      creationTimestamp: formatTime(time),
      ...(labels === undefined ? {} : { labels: { ...labels } }),
    },
    timestamp: formatTime(time),
    window: formatDuration(BigInt(Math.round(windowMilliseconds)) * 1_000_000n),
  };
}

const containerMetrics = (usage: PodUsage['containers'][number]): PodMetrics['containers'][number] => ({
  name: usage.name,
  usage: resourceList(usage),
});

const resourceList = ({ cpuNanocores, memoryBytes }: Usage): ResourceList => ({
  cpu: `${Math.round(cpuNanocores)}n`,
  memory: `${Math.round(memoryBytes / 1024)}Ki`,
});
