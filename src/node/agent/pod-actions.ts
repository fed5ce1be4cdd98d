/**
 * What is to be done next for a pod: a pure function of what it should be and what the runtime has.
 * Source: kubelet's `computePodActions`.
 */
import type { Container, Pod } from '../../apis/types.ts';
import type { ContainerStatus } from '../container-runtime.ts';
import { currentOf, initRestartsAfter, isSidecar, type PodState, restartsAfter, specOf } from './pod-state.ts';

export interface ContainerKill {
  readonly container: ContainerStatus;
  readonly spec: Container;
  /** Of the `Killing` event. */
  readonly message: string;
  readonly because: 'liveness' | 'startup' | 'definition';
}

export interface PodActions {
  /** Nothing is left to run: what still does (sidecars) is stopped, and the pod has ended. */
  readonly ended: boolean;
  readonly createSandbox: boolean;
  /** In the order in which they are killed. */
  readonly kill: readonly ContainerKill[];
  /** In the order in which they are started. */
  readonly start: readonly Container[];
}

/** What probes say of a running container. */
export interface Health {
  /** Whether the startup probe has succeeded, or there is none. */
  started(containerId: string): boolean;
  failed(containerId: string): 'liveness' | 'startup' | undefined;
}

export function podActions(pod: Pod, state: PodState, health: Health): PodActions {
  const spec = specOf(pod);
  const start: Container[] = [];
  const kill: ContainerKill[] = [];
  const createSandbox = state.sandbox?.state !== 'ready';

  if (createSandbox && state.containers.size > 0 && spec.restartPolicy === 'Never') {
    return { ended: true, createSandbox: false, kill, start };
  }

  const init = initActions(pod, state, health);
  kill.push(...init.kill);
  start.push(...init.start);
  if (init.failed) return { ended: true, createSandbox: false, kill: [], start: [] };
  if (!init.initialized) return { ended: false, createSandbox, kill, start };

  let alive = 0;
  for (const container of spec.containers) {
    const current = currentOf(state, container.name);
    if (current === undefined || current.state === 'created' || current.state === 'unknown') {
      start.push(container);
    } else if (current.state === 'exited') {
      if (restartsAfter(container, spec, current.exitCode)) start.push(container);
    } else {
      const reason = killReason(container, current, health);
      if (reason === undefined) alive++;
      else {
        kill.push(reason);
        // Its end is seen like any other; whether it is started again is decided then.
        alive++;
      }
    }
  }
  const regularStarts = start.some((container) => spec.containers.includes(container));
  if (alive === 0 && !regularStarts) return { ended: true, createSandbox: false, kill: [], start: [] };
  return { ended: false, createSandbox, kill, start };
}

interface InitActions {
  readonly initialized: boolean;
  /** An init container has failed for good. */
  readonly failed: boolean;
  readonly kill: ContainerKill[];
  readonly start: Container[];
}

/**
 * Init containers, from the last to the first: the latest one that has been started says how far the pod has come, and
 * the sidecars before it are kept running.
 */
function initActions(pod: Pod, state: PodState, health: Health): InitActions {
  const spec = specOf(pod);
  const containers = spec.initContainers ?? [];
  const kill: ContainerKill[] = [];
  const start: Container[] = [];
  if (containers.length === 0) return { initialized: true, failed: false, kill, start };

  let initialized = spec.containers.some((container) => {
    const current = currentOf(state, container.name)?.state;
    return current === 'running' || current === 'created';
  });
  /** Whether something later has been started, so that this one has had its turn. */
  let passed = initialized;
  for (let index = containers.length - 1; index >= 0; index--) {
    const container = containers[index]!;
    const current = currentOf(state, container.name);
    if (current === undefined) {
      if (passed && isSidecar(container)) start.unshift(container);
      continue;
    }
    if (passed && !isSidecar(container)) continue;
    const next = containers[index + 1];
    const proceed = (): void => {
      if (passed) return;
      if (next === undefined) initialized = true;
      else start.push(next);
    };
    if (current.state === 'running') {
      if (isSidecar(container)) {
        const reason = killReason(container, current, health);
        if (reason !== undefined) kill.push(reason);
        else if (health.started(current.id)) proceed();
      }
    } else if (current.state !== 'exited') {
      start.unshift(container);
    } else if (isSidecar(container)) {
      start.unshift(container);
    } else if (current.exitCode === 0) {
      proceed();
    } else if (initRestartsAfter(container, spec, current.exitCode)) {
      start.unshift(container);
    } else {
      return { initialized: false, failed: true, kill: [], start: [] };
    }
    passed = true;
  }
  if (!passed) start.push(containers[0]!);
  return { initialized, failed: false, kill, start };
}

function killReason(spec: Container, container: ContainerStatus, health: Health): ContainerKill | undefined {
  if (container.image !== spec.image) {
    const message = `Container ${spec.name} definition changed, will be restarted`;
    return { container, spec, because: 'definition', message };
  }
  const because = health.failed(container.id);
  if (because === undefined) return undefined;
  return { container, spec, because, message: `Container ${spec.name} failed ${because} probe, will be restarted` };
}
