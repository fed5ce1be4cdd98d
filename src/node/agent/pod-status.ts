/**
 * A pod's status as kubelet reports it: pure functions of the specification, what the runtime has, and what was reported
 * before. Source: kubelet's `generateAPIPodStatus`, `convertToAPIContainerStatuses` and `getPhase`.
 */
import { qosClass } from '../../apis/core/pod-qos.ts';
import type { Container, ContainerStatus, PodSpec, PodStatus } from '../../apis/types.ts';
import { formatTime } from '../../clock/clock.ts';
import type { ContainerStatus as RuntimeContainer } from '../container-runtime.ts';
import { podConditions } from './pod-conditions.ts';
import { currentOf, initRestartsAfter, isSidecar, isTerminal, restartsAfter, specOf } from './pod-state.ts';
import type { PodPhase, StatusInput, Waiting } from './pod-status-input.ts';

export function podStatus(input: StatusInput): PodStatus {
  const { pod, state, old } = input;
  const spec = specOf(pod);
  const containerStatuses = containerStatusList(input, spec.containers, old.containerStatuses ?? [], false);
  const initStatuses = containerStatusList(input, spec.initContainers ?? [], old.initContainerStatuses ?? [], true);
  const phase = decidePhase(input, initStatuses, containerStatuses);
  const [reason, message] =
    input.failure !== undefined && phase === 'Failed'
      ? [input.failure.reason, input.failure.message]
      : phase === old.phase
        ? [old.reason, old.message]
        : [undefined, undefined];
  const ip = spec.hostNetwork === true ? input.hostIP : state.sandbox?.ip || old.podIP || '';
  const generation = pod.metadata.generation;
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    phase,
    conditions: podConditions(input, phase, initStatuses, containerStatuses),
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
    hostIP: input.hostIP,
    hostIPs: [{ ip: input.hostIP }],
    ...(ip === '' ? {} : { podIP: ip, podIPs: [{ ip }] }),
    startTime: old.startTime ?? formatTime(input.now),
    ...(initStatuses.length === 0 ? {} : { initContainerStatuses: initStatuses }),
    containerStatuses,
    qosClass: pod.status?.qosClass ?? qosClass(spec),
  };
}

/** A terminal phase is for ever; and it is not said while anything still runs. */
function decidePhase(input: StatusInput, init: ContainerStatus[], regular: ContainerStatus[]): PodPhase {
  const { pod, old, failure } = input;
  for (const before of [pod.status?.phase, old.phase]) if (isTerminal(before)) return before as PodPhase;
  const phase = failure !== undefined ? 'Failed' : phaseOf(specOf(pod), init, regular, input.terminal);
  const running = [...init, ...regular].some((status) => status.state?.running !== undefined);
  if (running) return isTerminal(phase) ? ((old.phase ?? 'Pending') as PodPhase) : phase;
  // A pod that was ended before it could finish has failed.
  return input.terminal && !isTerminal(phase) ? 'Failed' : phase;
}

function phaseOf(spec: PodSpec, init: ContainerStatus[], regular: ContainerStatus[], terminal: boolean): PodPhase {
  let initializing = 0;
  let running = 0;
  let waiting = 0;
  let stopped = 0;
  let stoppedForGood = 0;
  let succeeded = 0;
  const initialized = regular.some((status) => status.state?.running !== undefined || endOf(status) !== undefined);

  for (const container of spec.initContainers ?? []) {
    const status = init.find(({ name }) => name === container.name);
    if (isSidecar(container)) {
      if (status?.state?.running !== undefined) {
        running++;
        if (status.started !== true) initializing += initialized ? 0 : 1;
      } else if (status === undefined || endOf(status) === undefined) {
        waiting++;
      }
      continue;
    }
    const end = status === undefined ? undefined : endOf(status);
    if (status === undefined || status.state?.running !== undefined || end === undefined) {
      initializing++;
    } else if (end.exitCode !== 0 && !initRestartsAfter(container, spec, end.exitCode)) {
      return 'Failed';
    }
  }
  for (const container of spec.containers) {
    const status = regular.find(({ name }) => name === container.name);
    const end = status === undefined ? undefined : endOf(status);
    if (status?.state?.running !== undefined) running++;
    else if (end === undefined) waiting++;
    else {
      stopped++;
      if (!restartsAfter(container, spec, end.exitCode)) stoppedForGood++;
      if (status?.state?.terminated !== undefined && end.exitCode === 0) succeeded++;
    }
  }
  if (initializing > 0 || waiting > 0) return 'Pending';
  if (running > 0) return 'Running';
  if (stopped === 0) return 'Pending';
  if (!terminal && stopped !== stoppedForGood) return 'Running';
  return stopped === succeeded ? 'Succeeded' : 'Failed';
}

/** How a container ended that does not run: now, or before it began to wait again. */
function endOf(status: ContainerStatus): { exitCode: number } | undefined {
  return status.state?.terminated ?? (status.state?.waiting === undefined ? undefined : status.lastState?.terminated);
}

function containerStatusList(
  input: StatusInput,
  containers: readonly Container[],
  old: readonly ContainerStatus[],
  init: boolean,
): ContainerStatus[] {
  const hasInit = (specOf(input.pod).initContainers ?? []).length > 0;
  const idle = { reason: hasInit ? 'PodInitializing' : 'ContainerCreating' };
  const statuses = containers.map((container) => {
    const before = old.find(({ name }) => name === container.name);
    const status = containerStatus(input, container, before, idle);
    const runs = status.state?.running !== undefined;
    const id = currentOf(input.state, container.name)?.id ?? '';
    if (init && !isSidecar(container)) {
      status.ready = status.state?.terminated?.exitCode === 0;
      status.started = false;
    } else {
      status.started = runs && input.readiness.started(id);
      status.ready = status.started && input.readiness.ready(id);
    }
    return status;
  });
  return init ? statuses : statuses.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function containerStatus(
  input: StatusInput,
  container: Container,
  old: ContainerStatus | undefined,
  idle: { reason: string },
): ContainerStatus {
  const [current, previous] = input.state.containers.get(container.name) ?? [];
  const fixed = {
    ...(container.resources?.requests === undefined ? {} : { allocatedResources: container.resources.requests }),
    resources: container.resources ?? {},
    ...(container.volumeMounts === undefined || container.volumeMounts.length === 0
      ? {}
      : { volumeMounts: container.volumeMounts.map(mountStatus) }),
  };
  if (current === undefined) return unseenStatus(input, container, old, idle, fixed);

  const status: ContainerStatus = {
    name: container.name,
    state: stateOf(input, current),
    lastState: previous === undefined ? (old?.lastState ?? {}) : stateOf(input, previous),
    ready: false,
    started: false,
    restartCount: current.attempt,
    image: current.image,
    imageID: current.imageId,
    containerID: `${input.runtimeName}://${current.id}`,
    ...fixed,
  };
  if (previous === undefined && old?.containerID !== status.containerID && old?.state?.terminated !== undefined) {
    status.lastState = { terminated: old.state.terminated };
  }
  const reason = input.waiting.get(container.name);
  if (reason !== undefined && current.state !== 'running' && !input.terminal) {
    if (status.state?.terminated !== undefined) status.lastState = status.state;
    status.state = { waiting: waitingState(reason) };
  }
  return status;
}

/** A container that the runtime does not have: not yet, or no more. */
function unseenStatus(
  input: StatusInput,
  container: Container,
  old: ContainerStatus | undefined,
  idle: { reason: string },
  fixed: Partial<ContainerStatus>,
): ContainerStatus {
  const reason = input.waiting.get(container.name);
  const base = {
    ...fixed,
    name: container.name,
    ready: false,
    started: false,
    image: container.image ?? '',
    imageID: '',
  };
  const restartCount = old?.restartCount ?? 0;
  if (old?.state?.terminated !== undefined && reason === undefined) return { ...old, ...fixed, ready: false };
  if (input.terminal && idle.reason === 'ContainerCreating') {
    const message = 'The container could not be located when the pod was terminated';
    const terminated = { exitCode: 137, reason: 'ContainerStatusUnknown', message };
    return { ...base, state: { terminated }, lastState: old?.lastState ?? {}, restartCount };
  }
  const state = { waiting: reason === undefined || input.terminal ? idle : waitingState(reason) };
  if (old?.state?.running !== undefined) {
    const lost = {
      exitCode: 137,
      reason: 'ContainerStatusUnknown',
      message: 'The container could not be located when the pod was deleted.  The container used to be Running',
    };
    const restarted = input.pod.metadata.deletionTimestamp === undefined ? 1 : 0;
    return { ...base, state, lastState: { terminated: lost }, restartCount: restartCount + restarted };
  }
  return { ...base, state, lastState: old?.lastState ?? {}, restartCount };
}

function waitingState({ reason, message }: Waiting): { reason: string; message?: string } {
  return message === '' ? { reason } : { reason, message };
}

function stateOf(input: StatusInput, container: RuntimeContainer): NonNullable<ContainerStatus['state']> {
  switch (container.state) {
    case 'running':
      return { running: { startedAt: formatTime(container.startedAt) } };
    case 'exited': {
      const message = [container.message, input.messages.get(container.id) ?? ''].filter((text) => text !== '');
      return {
        terminated: {
          exitCode: container.exitCode,
          ...(container.reason === '' ? {} : { reason: container.reason }),
          ...(message.length === 0 ? {} : { message: message.join(': ') }),
          startedAt: formatTime(container.startedAt),
          finishedAt: formatTime(container.finishedAt),
          containerID: `${input.runtimeName}://${container.id}`,
        },
      };
    }
    default:
      return { waiting: { reason: 'ContainerCreating' } };
  }
}

function mountStatus(mount: NonNullable<Container['volumeMounts']>[number]) {
  return {
    name: mount.name,
    mountPath: mount.mountPath,
    ...(mount.readOnly === true ? { readOnly: true, recursiveReadOnly: 'Disabled' } : {}),
  };
}
