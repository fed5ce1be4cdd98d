/** The conditions that a node sets on its pods. Source: kubelet's `pkg/kubelet/status/generate.go`. */
import type { Container, ContainerStatus, Pod, PodStatus } from '../../apis/types.ts';
import { formatTime } from '../../clock/clock.ts';
import { isSidecar, specOf } from './pod-state.ts';
import type { PodPhase, StatusInput } from './pod-status-input.ts';

export type PodCondition = NonNullable<PodStatus['conditions']>[number];

/** What a condition says, before it has a time. */
interface Said {
  readonly status: 'True' | 'False';
  readonly reason?: string;
  readonly message?: string;
}

const owned = ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'];

export function podConditions(
  input: Pick<StatusInput, 'pod' | 'state' | 'old' | 'now'>,
  phase: PodPhase,
  init: readonly ContainerStatus[],
  regular: readonly ContainerStatus[],
): PodCondition[] {
  const { pod, state, old } = input;
  const others = (pod.status?.conditions ?? []).filter(({ type }) => !owned.includes(type));
  const containersReady = containersReadyCondition(pod, phase, [...init, ...regular]);
  const said: [string, Said][] = [
    ['PodReadyToStartContainers', { status: state.sandbox?.state === 'ready' ? 'True' : 'False' }],
    ['Initialized', initializedCondition(pod, phase, init, regular)],
    ['Ready', containersReady.status === 'True' ? readinessGates(pod, others) : containersReady],
    ['ContainersReady', containersReady],
    ['PodScheduled', { status: 'True' }],
  ];
  const before = new Map((old.conditions ?? []).map((condition) => [condition.type, condition]));
  const conditions = said.map(([type, { status, reason, message }]) => {
    const last = before.get(type);
    const kept = last?.status === status ? last.lastTransitionTime : undefined;
    return {
      type,
      ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
      status,
      lastTransitionTime: kept ?? formatTime(input.now),
      ...(reason === undefined ? {} : { reason }),
      ...(message === undefined ? {} : { message }),
    };
  });
  return [...others, ...conditions];
}

function containersReadyCondition(pod: Pod, phase: PodPhase, statuses: readonly ContainerStatus[]): Said {
  if (phase === 'Succeeded') return { status: 'False', reason: 'PodCompleted' };
  if (phase === 'Failed') return { status: 'False', reason: 'PodFailed' };
  const { initContainers = [], containers } = specOf(pod);
  const counted = [...initContainers.filter(isSidecar), ...containers];
  return judge(counted, statuses, (_, status) => status.ready, 'unready', 'ContainersNotReady');
}

function initializedCondition(
  pod: Pod,
  phase: PodPhase,
  init: readonly ContainerStatus[],
  regular: readonly ContainerStatus[],
): Said {
  if (phase === 'Succeeded') return { status: 'True', reason: 'PodCompleted' };
  const everStarted = regular.some(
    ({ state, lastState }) =>
      state?.running !== undefined || state?.terminated !== undefined || lastState?.terminated !== undefined,
  );
  if (everStarted) return { status: 'True' };
  const done = (container: Container, status: ContainerStatus): boolean =>
    isSidecar(container) ? status.started === true : status.ready;
  return judge(specOf(pod).initContainers ?? [], init, done, 'incomplete', 'ContainersNotInitialized');
}

function judge(
  containers: readonly Container[],
  statuses: readonly ContainerStatus[],
  good: (container: Container, status: ContainerStatus) => boolean,
  word: string,
  reason: string,
): Said {
  const unknown: string[] = [];
  const bad: string[] = [];
  for (const container of containers) {
    const status = statuses.find(({ name }) => name === container.name);
    if (status === undefined) unknown.push(container.name);
    else if (!good(container, status)) bad.push(container.name);
  }
  if (unknown.length === 0 && bad.length === 0) return { status: 'True' };
  const messages: string[] = [];
  if (unknown.length > 0) messages.push(`containers with unknown status: [${unknown.join(' ')}]`);
  if (bad.length > 0) messages.push(`containers with ${word} status: [${bad.join(' ')}]`);
  return { status: 'False', reason, message: messages.join(', ') };
}

function readinessGates(pod: Pod, conditions: readonly PodCondition[]): Said {
  const messages: string[] = [];
  for (const { conditionType } of specOf(pod).readinessGates ?? []) {
    const condition = conditions.find(({ type }) => type === conditionType);
    if (condition === undefined) {
      messages.push(`corresponding condition of pod readiness gate "${conditionType}" does not exist.`);
    } else if (condition.status !== 'True') {
      messages.push(`the status of pod readiness gate "${conditionType}" is not "True", but ${condition.status}`);
    }
  }
  if (messages.length === 0) return { status: 'True' };
  return { status: 'False', reason: 'ReadinessGatesNotReady', message: messages.join(', ') };
}
