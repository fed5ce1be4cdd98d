/**
 * Kubelet's `/metrics/resource`, written and read: what metrics-server asks of nodes, in Prometheus' text format.
 * Source: KEP-727; kubelet's `pkg/kubelet/metrics/collectors/resource_metrics.go`.
 */
import { type ContainerSample, type ResourceUsage, samplesByPod, type UsageSample } from './resource-usage.ts';

type Labels = Readonly<Record<string, string>>;

interface Sample {
  readonly labels: Labels;
  readonly value: number;
  readonly time: number;
}

const help: Readonly<Record<string, readonly [kind: 'counter' | 'gauge', help: string]>> = {
  container_cpu_usage_seconds_total: ['counter', 'Cumulative cpu time consumed by the container in core-seconds'],
  container_memory_working_set_bytes: ['gauge', 'Current working set of the container in bytes'],
  container_start_time_seconds: ['gauge', 'Start time of the container since unix epoch in seconds'],
  node_cpu_usage_seconds_total: ['counter', 'Cumulative cpu time consumed by the node in core-seconds'],
  node_memory_working_set_bytes: ['gauge', 'Current working set of the node in bytes'],
  pod_cpu_usage_seconds_total: ['counter', 'Cumulative cpu time consumed by the pod in core-seconds'],
  pod_memory_working_set_bytes: ['gauge', 'Current working set of the pod in bytes'],
  resource_scrape_error: ['gauge', '1 if there was an error while getting container metrics, 0 otherwise'],
};

export function formatResourceMetrics({ node, containers }: ResourceUsage): string {
  const samples = new Map<string, string[]>(Object.keys(help).map((name) => [name, []]));
  const add = (name: string, labels: Labels, value: number, time?: number): void => {
    const said = Object.entries(labels).map(([label, text]) => `${label}=${JSON.stringify(text)}`);
    const series = said.length === 0 ? name : `${name}{${said.join(',')}}`;
    samples.get(name)!.push(time === undefined ? `${series} ${value}` : `${series} ${value} ${time}`);
  };
  const addUsage = (prefix: string, labels: Labels, { time, cpuNanoseconds, memoryBytes }: UsageSample): void => {
    add(`${prefix}_cpu_usage_seconds_total`, labels, cpuNanoseconds / 1e9, time);
    add(`${prefix}_memory_working_set_bytes`, labels, memoryBytes, time);
  };
  addUsage('node', {}, node);
  for (const sample of containers) {
    const { container, namespace, pod } = sample;
    addUsage('container', { container, namespace, pod }, sample);
    add('container_start_time_seconds', { container, namespace, pod }, sample.startedAt / 1000);
  }
  for (const own of samplesByPod(containers).values()) {
    const { namespace, pod, time } = own[0]!;
    addUsage(
      'pod',
      { namespace, pod },
      { time, cpuNanoseconds: total(own, 'cpuNanoseconds'), memoryBytes: total(own, 'memoryBytes') },
    );
  }
  add('resource_scrape_error', {}, 0);
  let text = '';
  for (const [name, lines] of samples) {
    const [kind, said] = help[name]!;
    if (lines.length > 0) text += `# HELP ${name} [STABLE] ${said}\n# TYPE ${name} ${kind}\n${lines.join('\n')}\n`;
  }
  return text;
}

/** What is not known here is left out, as metrics-server does. @throws TypeError when the node itself is not in it */
export function parseResourceMetrics(text: string): ResourceUsage {
  const samples = new Map<string, Sample[]>();
  for (const [, name = '', labels = '', value, time] of text.matchAll(
    /^(\w+)(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})? (\S+)(?: (-?\d+))?$/gm,
  )) {
    const sample = { labels: parseLabels(labels), value: Number(value), time: Number(time) };
    const known = samples.get(name);
    if (known === undefined) samples.set(name, [sample]);
    else known.push(sample);
  }
  const of = (name: string): readonly Sample[] => samples.get(name) ?? [];
  const containerKey = ({ labels }: Sample): string => `${labels.namespace}/${labels.pod}/${labels.container}`;
  const byContainer = (name: string) => new Map(of(name).map((sample) => [containerKey(sample), sample]));
  const workingSets = byContainer('container_memory_working_set_bytes');
  const starts = byContainer('container_start_time_seconds');
  const [cpu] = of('node_cpu_usage_seconds_total');
  const [memory] = of('node_memory_working_set_bytes');
  if (cpu === undefined || memory === undefined) throw new TypeError('no metrics of the node');
  return {
    node: sampleOf(cpu, memory),
    containers: of('container_cpu_usage_seconds_total').flatMap((used): ContainerSample[] => {
      const key = containerKey(used);
      const [workingSet, start] = [workingSets.get(key), starts.get(key)];
      if (workingSet === undefined || start === undefined) return [];
      const { namespace = '', pod = '', container = '' } = used.labels;
      return [{ namespace, pod, container, startedAt: start.value * 1000, ...sampleOf(used, workingSet) }];
    }),
  };
}

const sampleOf = (cpu: Sample, memory: Sample): UsageSample => ({
  time: cpu.time,
  cpuNanoseconds: Math.round(cpu.value * 1e9),
  memoryBytes: memory.value,
});

function parseLabels(text: string): Labels {
  const labels: Record<string, string> = {};
  for (const [, name = '', value = '""'] of text.matchAll(/(\w+)=("(?:[^"\\]|\\.)*")/g)) {
    labels[name] = JSON.parse(value) as string;
  }
  return labels;
}

const total = (samples: readonly ContainerSample[], field: 'cpuNanoseconds' | 'memoryBytes'): number =>
  samples.reduce((sum, sample) => sum + sample[field], 0);
