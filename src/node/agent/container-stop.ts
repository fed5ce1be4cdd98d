/**
 * Ending a pod's containers in grace: pre-stop hooks, SIGTERM, and SIGKILL when the time is up; sidecars last and in
 * reverse order. Source: kubelet's `killContainer` and `terminationOrdering`.
 */
import type { Container, Pod } from '../../apis/types.ts';
import { sleep } from '../../clock/clock.ts';
import type { ContainerStatus } from '../container-runtime.ts';
import type { AgentContext } from './agent-context.ts';
import { allContainers, isSidecar, specOf } from './pod-state.ts';
import { runHook } from './probe-handlers.ts';

/** Containers always have this long, even when a pod is deleted by force. */
const minimumGraceSeconds = 2;
const defaultGraceSeconds = 30;

/** How long a pod's containers have from now on, in seconds. */
export function graceSeconds(pod: Pod): number {
  return pod.metadata.deletionGracePeriodSeconds ?? specOf(pod).terminationGracePeriodSeconds ?? defaultGraceSeconds;
}

export interface ContainerStop {
  readonly pod: Pod;
  readonly container: ContainerStatus;
  readonly spec: Container;
  readonly graceSeconds: number;
  readonly podIP: string;
  /** Of the `Killing` event. */
  readonly message: string;
  /** Ends the pre-stop hook and the wait for others: the grace period has been shortened. */
  readonly hurry: AbortSignal;
  /** Resolves when it is this container's turn. */
  readonly turn?: Promise<void>;
}

export async function stopContainer(context: AgentContext, stop: ContainerStop): Promise<void> {
  const { runtime, clock, event } = context;
  const { pod, container, spec, hurry } = stop;
  event(pod, spec, 'Normal', 'Killing', stop.message);
  const deadline = clock.now() + stop.graceSeconds * 1000;
  const within = async (work: Promise<unknown>): Promise<void> => {
    const finished = new AbortController();
    const signal = AbortSignal.any([finished.signal, hurry]);
    const late = sleep(clock, Math.max(0, deadline - clock.now()), signal).catch(() => undefined);
    await Promise.race([work, late]);
    finished.abort();
  };
  const hook = spec.lifecycle?.preStop;
  if (hook !== undefined && stop.graceSeconds > 0) {
    const target = { runtime, clock, containerId: container.id, container: spec, podIP: stop.podIP };
    await within(
      runHook(hook, target, hurry).then((wrong) => {
        if (wrong !== undefined) event(pod, spec, 'Warning', 'FailedPreStopHook', 'PreStopHook failed');
      }),
    );
  }
  if (stop.turn !== undefined && stop.graceSeconds > 0) await within(stop.turn);
  const left = hurry.aborted ? 0 : Math.ceil((deadline - clock.now()) / 1000);
  await runtime.stopContainer(container.id, Math.max(left, minimumGraceSeconds));
}

/** Ends every running container of a pod; resolves when the last has ended. */
export async function stopContainers(
  context: AgentContext,
  pod: Pod,
  running: readonly ContainerStatus[],
  podIP: string,
  hurry: AbortSignal,
): Promise<void> {
  const specs = allContainers(specOf(pod));
  const sidecars = (specOf(pod).initContainers ?? []).filter(isSidecar).map(({ name }) => name);
  const ends = new Map<string, Promise<void>>();
  const regular = running.filter(({ name }) => !sidecars.includes(name));
  // The last sidecar first, so that each finds the ends that it waits for.
  const last = running
    .filter(({ name }) => sidecars.includes(name))
    .sort((a, b) => sidecars.indexOf(b.name) - sidecars.indexOf(a.name));
  for (const container of [...regular, ...last]) {
    const spec = specs.find(({ name }) => name === container.name) ?? { name: container.name };
    const before = [...ends.values()];
    const end = stopContainer(context, {
      pod,
      container,
      spec,
      graceSeconds: graceSeconds(pod),
      podIP,
      message: `Stopping container ${container.name}`,
      hurry,
      ...(sidecars.includes(container.name) ? { turn: Promise.all(before).then(() => undefined) } : {}),
    });
    ends.set(container.id, end);
  }
  await Promise.all(ends.values());
}

/** The grace period has been shortened while containers are being stopped. */
export async function hurryContainers(
  context: AgentContext,
  pod: Pod,
  running: readonly ContainerStatus[],
): Promise<void> {
  const grace = Math.max(graceSeconds(pod), minimumGraceSeconds);
  await Promise.all(running.map(({ id }) => context.runtime.stopContainer(id, grace)));
}
