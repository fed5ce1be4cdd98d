/** kubectl's view of a pod. Source: Kubernetes `pkg/printers/internalversion/printers.go`, printPod. */
import { age, ageColumn, column, nameColumn } from '../columns.ts';
import type { Column } from '../resource-type.ts';
import type { Container, ContainerStatus, Pod } from '../types.ts';

const spec = 'io.k8s.api.core.v1.PodSpec';
const status = 'io.k8s.api.core.v1.PodStatus';
const orNone = (text: string | undefined): string => ((text ?? '') === '' ? '<none>' : text!);

export const podColumns: readonly Column[] = [
  nameColumn,
  column<Pod>('Ready', 'string', (pod) => summaryOf(pod).ready, {
    description: 'The aggregate readiness state of this pod for accepting traffic.',
  }),
  column<Pod>('Status', 'string', (pod) => summaryOf(pod).reason, {
    description: 'The aggregate status of the containers in this pod.',
  }),
  column<Pod>('Restarts', 'string', restartsText, {
    description:
      'The number of times the containers in this pod have been restarted and when the last container in this pod has restarted.',
  }),
  ageColumn,
  column<Pod>('IP', 'string', (pod) => orNone(pod.status?.podIPs?.[0]?.ip), {
    wide: true,
    describedBy: [status, 'podIP'],
  }),
  column<Pod>('Node', 'string', (pod) => orNone(pod.spec?.nodeName), { wide: true, describedBy: [spec, 'nodeName'] }),
  column<Pod>('Nominated Node', 'string', (pod) => orNone(pod.status?.nominatedNodeName), {
    wide: true,
    describedBy: [status, 'nominatedNodeName'],
  }),
  column<Pod>('Readiness Gates', 'string', readinessGates, { wide: true, describedBy: [spec, 'readinessGates'] }),
];

interface Summary {
  readonly ready: string;
  readonly reason: string;
  readonly restarts: number;
  readonly lastRestart: string | undefined;
}

const summaries = new WeakMap<Pod, Summary>();

/** Three columns come from one walk over the containers; objects do not change once they are shown. */
function summaryOf(pod: Pod): Summary {
  let summary = summaries.get(pod);
  if (summary === undefined) {
    summary = summarize(pod);
    summaries.set(pod, summary);
  }
  return summary;
}

function summarize(pod: Pod): Summary {
  const initContainers = new Map((pod.spec?.initContainers ?? []).map((container) => [container.name, container]));
  const sidecars = [...initContainers.values()].filter(isSidecar).length;
  const containers = new Restarts();
  const all = new Restarts();
  let ready = 0;
  let reason = phaseReason(pod);
  let initializing = false;

  for (const [i, container] of (pod.status?.initContainerStatuses ?? []).entries()) {
    const sidecar = isSidecar(initContainers.get(container.name));
    all.add(container);
    if (sidecar) containers.add(container);
    const { terminated, waiting } = container.state ?? {};
    if (terminated?.exitCode === 0) continue;
    if (sidecar && container.started === true) {
      if (container.ready) ready++;
      continue;
    }
    if (terminated !== undefined) reason = `Init:${exitReason(terminated)}`;
    else if ((waiting?.reason ?? '') !== '' && waiting!.reason !== 'PodInitializing')
      reason = `Init:${waiting!.reason}`;
    else reason = `Init:${i}/${initContainers.size}`;
    initializing = true;
    break;
  }

  const initialized =
    pod.status?.conditions?.some(({ type, status: s }) => type === 'Initialized' && s === 'True') === true;
  const settled = !initializing || initialized;
  if (settled) {
    let running = false;
    for (const container of [...(pod.status?.containerStatuses ?? [])].reverse()) {
      containers.add(container);
      const { terminated, waiting } = container.state ?? {};
      if ((waiting?.reason ?? '') !== '') reason = waiting!.reason!;
      else if (terminated !== undefined) reason = exitReason(terminated);
      else if (container.ready && container.state?.running !== undefined) {
        running = true;
        ready++;
      }
    }
    // One container has completed while another still runs.
    if (reason === 'Completed' && running) reason = isReady(pod) ? 'Running' : 'NotReady';
  }

  if (pod.metadata.deletionTimestamp !== undefined) {
    if (pod.status?.reason === 'NodeLost') reason = 'Unknown';
    else if (pod.status?.phase !== 'Failed' && pod.status?.phase !== 'Succeeded') reason = 'Terminating';
  }
  const counted = settled ? containers : all;
  return {
    ready: `${ready}/${(pod.spec?.containers?.length ?? 0) + sidecars}`,
    reason,
    restarts: counted.count,
    lastRestart: counted.last,
  };
}

class Restarts {
  count = 0;
  last: string | undefined;

  add({ restartCount, lastState }: ContainerStatus): void {
    this.count += restartCount;
    const finished = lastState?.terminated?.finishedAt;
    if (finished && (this.last === undefined || Date.parse(finished) > Date.parse(this.last))) this.last = finished;
  }
}

const isSidecar = (container: Container | undefined): boolean => container?.restartPolicy === 'Always';

function phaseReason({ status: { phase, reason, conditions } = {} }: Pod): string {
  const gated = conditions?.some(
    (condition) => condition.type === 'PodScheduled' && condition.reason === 'SchedulingGated',
  );
  if (gated === true) return 'SchedulingGated';
  return (reason ?? '') === '' ? (phase ?? '') : reason!;
}

function exitReason({ reason, signal, exitCode }: { reason?: string; signal?: number; exitCode: number }): string {
  if ((reason ?? '') !== '') return reason!;
  return (signal ?? 0) === 0 ? `ExitCode:${exitCode}` : `Signal:${signal}`;
}

function isReady(pod: Pod): boolean {
  return pod.status?.conditions?.some(({ type, status: s }) => type === 'Ready' && s === 'True') === true;
}

function restartsText(pod: Pod, now: number): string {
  const { restarts, lastRestart } = summaryOf(pod);
  return restarts === 0 || lastRestart === undefined ? String(restarts) : `${restarts} (${age(lastRestart, now)} ago)`;
}

function readinessGates({ spec: podSpec, status: podStatus }: Pod): string {
  const gates = podSpec?.readinessGates ?? [];
  if (gates.length === 0) return '<none>';
  const met = gates.filter(({ conditionType }) =>
    podStatus?.conditions?.some(({ type, status: s }) => type === conditionType && s === 'True'),
  );
  return `${met.length}/${gates.length}`;
}
