/**
 * One pod on this node, from its first sight to its end. Everything that happens to it (a change in the API, in the
 * runtime, a probe's verdict, a timer) wakes the worker; it looks at what is, does what is next, and reports. One look at
 * a time; what happens meanwhile makes it look again. Source: kubelet's `SyncPod`, `SyncTerminatingPod`, `SyncTerminatedPod`.
 */
import type { Container, Pod, PodStatus } from '../../apis/types.ts';
import { sleep, type Timer } from '../../clock/clock.ts';
import type { SandboxStatus } from '../container-runtime.ts';
import type { AgentContext } from './agent-context.ts';
import { checkRestartBackoff, forgetFailures, StartError, startContainer } from './container-start.ts';
import { graceSeconds, hurryContainers, stopContainer, stopContainers } from './container-stop.ts';
import { removeOldAttempts } from './old-attempts.ts';
import { podActions } from './pod-actions.ts';
import { finishDeletion, removeTraces } from './pod-removal.ts';
import {
  allContainers,
  currentOf,
  isTerminal,
  type PodState,
  podState,
  runningContainers,
  specOf,
} from './pod-state.ts';
import { podStatus } from './pod-status.ts';
import type { Waiting } from './pod-status-input.ts';
import { PodVolumes } from './pod-volumes.ts';
import { probeOnce } from './probe-handlers.ts';
import { Probes } from './probes.ts';
import type { PodPlace } from './sources.ts';
import { StatusWriter } from './status-writer.ts';
import { TerminationMessages } from './termination-messages.ts';
import { MountError } from './volumes.ts';

/** Why nothing more is started. Later reasons replace earlier ones: a completed pod can still be deleted. */
type Ending =
  | { readonly kind: 'completed' }
  | { readonly kind: 'failed'; readonly why: Waiting }
  | { readonly kind: 'deleted' }
  | { readonly kind: 'gone' };

const firstRetry = 1000;
const longestRetry = 10_000;
const longestStop = 2000;

export class PodWorker {
  /** Resolves when nothing of the pod is left on this node. */
  readonly removed: Promise<void>;
  readonly #context: AgentContext;
  readonly #uid: string;
  readonly #probes: Probes;
  readonly #writer: StatusWriter;
  readonly #messages: TerminationMessages;
  readonly #volumes: PodVolumes;
  readonly #waiting = new Map<string, Waiting>();
  /** Ends start hooks when the pod is to end. */
  readonly #ended = new AbortController();
  /** Ends pre-stop hooks when the grace period is shortened. */
  #hurry = new AbortController();
  #pod: Pod;
  #state: PodState = podState([], []);
  #sandboxes: readonly SandboxStatus[];
  #ending: Ending | undefined;
  /** How far the end has come. */
  #stage: 'running' | 'stopping' | 'stopped' | 'removed' = 'running';
  #grace = Number.POSITIVE_INFINITY;
  #looking = false;
  /** The looks that are under way. */
  #run: Promise<void> = Promise.resolve();
  #again = false;
  #detached = false;
  #timer: { due: number; timer: Timer } | undefined;
  #retry = firstRetry;
  /** Whether the pod had ended before this worker first saw it. */
  readonly #over: boolean;
  #resolveRemoved: () => void = () => undefined;
  #watchers: (() => void)[] = [];

  constructor(context: AgentContext, pod: Pod, sandboxes: readonly SandboxStatus[]) {
    this.#context = context;
    this.#pod = pod;
    this.#uid = pod.metadata.uid ?? '';
    this.#sandboxes = sandboxes;
    this.#over = isTerminal(pod.status?.phase);
    this.#writer = new StatusWriter(context, pod);
    this.#messages = new TerminationMessages(context.directory, this.#uid);
    this.#volumes = new PodVolumes(context);
    this.#probes = new Probes({
      clock: context.clock,
      probe: probeOnce,
      changed: () => this.wake(),
      unhealthy: (container, message) => context.event(this.#pod, container, 'Warning', 'Unhealthy', message),
    });
    this.removed = new Promise((resolve) => {
      this.#resolveRemoved = resolve;
    });
  }

  get pod(): Pod {
    return this.#pod;
  }

  /** What this node says of the pod; it may not have reached the API yet. */
  get status(): PodStatus {
    return this.#writer.current;
  }

  get sandboxIds(): string[] {
    return this.#sandboxes.map(({ id }) => id);
  }

  /** The API's object has changed. */
  update(pod: Pod): void {
    const before = this.#pod;
    this.#pod = pod;
    if (pod.metadata.deletionTimestamp !== undefined) {
      this.#ended.abort();
      const grace = graceSeconds(pod);
      if (this.#stage === 'stopping' && grace < this.#grace) {
        this.#hurry.abort();
        void hurryContainers(this.#context, pod, runningContainers(this.#state));
      }
    }
    if (concerns(before, pod)) this.wake();
  }

  /** The API has no such pod any more. */
  gone(): void {
    if (this.#ending?.kind !== 'gone') this.#ending = { kind: 'gone' };
    this.#ended.abort();
    this.wake();
  }

  /** Something may have changed: look. */
  wake(): void {
    if (this.#detached) return;
    this.#again = true;
    if (!this.#looking) this.#run = this.#lookAgain();
  }

  /** Lets go of the pod without ending it: the agent stops, the pod runs on. */
  async detach(): Promise<void> {
    this.#detached = true;
    this.#ended.abort();
    this.#timer?.timer.cancel();
    this.#probes.stop();
    this.#writer.stop();
    for (const watcher of this.#watchers) watcher();
    await this.#writer.flushed();
  }

  /** Resolves when a worker that was detached does nothing more, or has been doing it for too long to wait for. */
  async idle(): Promise<void> {
    const done = new AbortController();
    await Promise.race([this.#run, sleep(this.#context.clock, longestStop, done.signal).catch(() => undefined)]);
    done.abort();
  }

  /** Resolves when the container of this id no longer runs. */
  containerEnded(containerId: string): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        const runs = runningContainers(this.#state).some(({ id }) => id === containerId);
        if (runs && !this.#detached && this.#stage !== 'removed') return;
        this.#watchers = this.#watchers.filter((watcher) => watcher !== check);
        resolve();
      };
      this.#watchers.push(check);
      check();
    });
  }

  /** The id of a container's newest run; empty when it has none. */
  containerId(container: string): string {
    return currentOf(this.#state, container)?.id ?? '';
  }

  async #lookAgain(): Promise<void> {
    this.#looking = true;
    while (this.#again && !this.#detached) {
      this.#again = false;
      try {
        await this.#look();
      } catch (error) {
        this.#context.log.error({ pod: this.#pod.metadata.name, error }, 'a pod cannot be synchronized');
        this.#wakeAfterFailure();
      }
    }
    this.#looking = false;
  }

  async #look(): Promise<void> {
    if (this.#stage === 'removed') return;
    await this.#observe();
    this.#ending = this.#decideEnding();
    if (this.#ending !== undefined) {
      await this.#end(this.#ending);
      return;
    }
    // The first word: the pod has been seen, and what it waits for.
    if (!this.#volumes.ready) this.#report();
    if (!(await this.#mount())) return;
    const actions = podActions(this.#pod, this.#state, this.#probes);
    if (actions.ended) {
      this.#ending = { kind: 'completed' };
      this.#again = true;
      return;
    }
    this.#report();
    if (actions.createSandbox && !(await this.#createSandbox())) return;
    for (const { container, spec, message, because } of actions.kill) {
      const probe = because === 'startup' ? spec.startupProbe : because === 'liveness' ? spec.livenessProbe : undefined;
      const grace = probe?.terminationGracePeriodSeconds ?? graceSeconds(this.#pod);
      const stop = { pod: this.#pod, container, spec, graceSeconds: grace, podIP: this.#podIP(), message };
      await stopContainer(this.#context, { ...stop, hurry: this.#ended.signal });
    }
    for (const container of actions.start) {
      if (this.#ended.signal.aborted) break;
      await this.#start(container);
      await this.#observe();
      this.#report();
    }
  }

  /** What the runtime has now. */
  async #observe(): Promise<void> {
    const { runtime } = this.#context;
    const running = runningContainers(this.#state).length > 0;
    // A sandbox is not lost while containers run in it: the long list is read only when none does.
    if (!running && this.#sandboxes.length > 0) {
      const ids = this.sandboxIds;
      this.#sandboxes = (await runtime.listSandboxes()).filter(({ id }) => ids.includes(id));
    }
    const containers = await Promise.all(this.#sandboxes.map(({ id }) => runtime.listContainers(id)));
    this.#state = podState(this.#sandboxes, containers.flat());
    await this.#messages.read(this.#pod, this.#state);
    const ids = new Set<string>();
    for (const container of runningContainers(this.#state)) {
      const spec = allContainers(specOf(this.#pod)).find(({ name }) => name === container.name);
      if (spec === undefined) continue;
      ids.add(container.id);
      const target = { runtime, clock: this.#context.clock, containerId: container.id, container: spec };
      this.#probes.watch({ ...target, podIP: this.#podIP() }, container.startedAt);
    }
    this.#probes.keep(ids);
    for (const watcher of this.#watchers) watcher();
  }

  #report(): void {
    if (this.#ending?.kind === 'gone') return;
    this.#writer.set(
      podStatus({
        pod: this.#pod,
        state: this.#state,
        old: this.#writer.current,
        waiting: this.#waiting,
        readiness: this.#probes,
        terminal: this.#ending !== undefined && this.#stage !== 'running',
        failure: this.#ending?.kind === 'failed' ? this.#ending.why : undefined,
        messages: this.#messages.byContainer,
        hostIP: this.#context.hostIP,
        runtimeName: this.#context.runtimeName,
        now: this.#context.clock.now(),
      }),
    );
  }

  #decideEnding(): Ending | undefined {
    if (this.#ending?.kind === 'gone') return this.#ending;
    if (this.#pod.metadata.deletionTimestamp !== undefined) return { kind: 'deleted' };
    if (this.#ending !== undefined) return this.#ending;
    if (isTerminal(this.#pod.status?.phase) || isTerminal(this.status.phase)) return { kind: 'completed' };
    const { activeDeadlineSeconds } = specOf(this.#pod);
    const { startTime } = this.status;
    if (activeDeadlineSeconds === undefined || startTime === undefined) return undefined;
    const due = Date.parse(startTime) + activeDeadlineSeconds * 1000;
    if (this.#context.clock.now() < due) {
      this.#wakeAt(due);
      return undefined;
    }
    const message = 'Pod was active on the node longer than the specified deadline';
    this.#context.event(this.#pod, undefined, 'Normal', 'DeadlineExceeded', message);
    return { kind: 'failed', why: { reason: 'DeadlineExceeded', message } };
  }

  /** Stops what runs, says how it ended, and clears away what is no longer needed. */
  async #end(ending: Ending): Promise<void> {
    const { runtime } = this.#context;
    if (this.#stage === 'running') {
      this.#ended.abort();
      this.#probes.terminating();
      if (!this.#over) this.#report();
      this.#stage = 'stopping';
    }
    if (this.#stage === 'stopping') {
      this.#grace = graceSeconds(this.#pod);
      this.#hurry = new AbortController();
      const running = runningContainers(this.#state);
      await stopContainers(this.#context, this.#pod, running, this.#podIP(), this.#hurry.signal);
      await this.#observe();
      this.#probes.stop();
      for (const id of this.sandboxIds) await runtime.stopSandbox(id);
      this.#sandboxes = this.#sandboxes.map((sandbox) => ({ ...sandbox, state: 'not-ready' as const }));
      await this.#observe();
      this.#stage = 'stopped';
    }
    // What the API already calls ended is not rewritten.
    if (!this.#over) this.#report();
    if (ending.kind === 'completed' || ending.kind === 'failed') return;
    await this.#writer.flushed();
    if (ending.kind === 'deleted') await finishDeletion(this.#context, this.#pod);
    await removeTraces(this.#context, this.#pod, this.sandboxIds);
    forgetFailures(this.#context, this.#pod);
    this.#stage = 'removed';
    await this.detach();
    this.#resolveRemoved();
  }

  /** False: the volumes are not there yet, and no container can start. */
  async #mount(): Promise<boolean> {
    try {
      await this.#volumes.update(this.#pod, this.#place());
    } catch (error) {
      if (!(error instanceof MountError)) throw error;
      this.#context.event(this.#pod, undefined, 'Warning', 'FailedMount', error.message);
      if (!this.#volumes.ready) {
        this.#wakeAfterFailure();
        return false;
      }
    }
    if (this.#volumes.refreshAt !== Number.POSITIVE_INFINITY) this.#wakeAt(this.#volumes.refreshAt);
    return true;
  }

  async #createSandbox(): Promise<boolean> {
    const { runtime } = this.#context;
    const { namespace = '', name = '', labels = {}, annotations = {} } = this.#pod.metadata;
    const hostname = (specOf(this.#pod).hostname || name).slice(0, 63);
    try {
      const id = await runtime.runSandbox({ uid: this.#uid, namespace, name, hostname, labels, annotations });
      this.#context.sandboxCreated(id, this.#uid);
      const created = (await runtime.listSandboxes()).find((sandbox) => sandbox.id === id);
      if (created !== undefined) this.#sandboxes = [...this.#sandboxes, created];
    } catch (error) {
      const message = `Failed to create pod sandbox: ${(error as Error).message}`;
      this.#context.event(this.#pod, undefined, 'Warning', 'FailedCreatePodSandBox', message);
      this.#wakeAfterFailure();
      return false;
    }
    await this.#observe();
    this.#report();
    return true;
  }

  async #start(container: Container): Promise<void> {
    const { runtime } = this.#context;
    const sandboxId = this.#state.sandbox?.id ?? '';
    const current = currentOf(this.#state, container.name);
    try {
      if (current?.state === 'exited') checkRestartBackoff(this.#context, this.#pod, container, current.finishedAt);
      // A former agent died between creating it and starting it.
      if (current?.state === 'created') await runtime.removeContainer(current.id);
      const attempt = this.#attempt(container.name);
      const volumes = this.#volumes.paths;
      const place = this.#place();
      const signal = this.#ended.signal;
      await startContainer(this.#context, { pod: this.#pod, container, sandboxId, attempt, place, volumes, signal });
      this.#waiting.delete(container.name);
      this.#retry = firstRetry;
      await removeOldAttempts(this.#context, this.#pod, this.#state, container.name);
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      this.#waiting.set(container.name, { reason: error.reason, message: error.message });
      if (error.runningId !== undefined) await this.#killAfterHook(container, error.runningId);
      else if (error.retryAfter !== undefined) this.#wakeAt(this.#context.clock.now() + error.retryAfter);
      // What ran, however shortly, is told by the runtime and goes through the back-off.
      else if (error.reason !== 'RunContainerError') this.#wakeAfterFailure();
    }
  }

  async #killAfterHook(spec: Container, id: string): Promise<void> {
    await this.#observe();
    const container = currentOf(this.#state, spec.name);
    if (container?.id !== id) return;
    await stopContainer(this.#context, {
      pod: this.#pod,
      container,
      spec,
      graceSeconds: graceSeconds(this.#pod),
      podIP: this.#podIP(),
      message: 'FailedPostStartHook',
      hurry: this.#ended.signal,
    });
  }

  /** How often the container was started before: by the runtime or, when it has forgotten, by what was reported. */
  #attempt(name: string): number {
    const current = currentOf(this.#state, name);
    if (current !== undefined) return current.state === 'created' ? current.attempt : current.attempt + 1;
    const { containerStatuses = [], initContainerStatuses = [] } = this.status;
    const reported = [...containerStatuses, ...initContainerStatuses].find((status) => status.name === name);
    const ran = reported?.state?.running !== undefined || reported?.state?.terminated !== undefined;
    return (reported?.restartCount ?? 0) + (ran ? 1 : 0);
  }

  #podIP(): string {
    return specOf(this.#pod).hostNetwork === true ? this.#context.hostIP : (this.#state.sandbox?.ip ?? '');
  }

  #place(): PodPlace {
    const { hostIP, allocatable } = this.#context;
    return { podIP: this.#podIP(), hostIP, allocatable };
  }

  #wakeAfterFailure(): void {
    this.#wakeAt(this.#context.clock.now() + this.#retry);
    this.#retry = Math.min(this.#retry * 2, longestRetry);
  }

  /** One timer, for the earliest of what is waited for: each look asks again for what is still to come. */
  #wakeAt(due: number): void {
    const { clock } = this.#context;
    if (this.#detached || (this.#timer !== undefined && this.#timer.due <= due)) return;
    this.#timer?.timer.cancel();
    const timer = clock.setTimeout(
      () => {
        this.#timer = undefined;
        this.wake();
      },
      Math.max(0, due - clock.now()),
    );
    this.#timer = { due, timer };
  }
}

/** Whether a change of the object is one to act upon: most are this node's own reports coming back. */
function concerns(before: Pod, after: Pod): boolean {
  if (before.metadata.generation !== after.metadata.generation || after.metadata.generation === undefined) return true;
  if (before.metadata.deletionTimestamp !== after.metadata.deletionTimestamp) return true;
  // Whoever answers for a gate says so in the status.
  return (specOf(after).readinessGates ?? []).length > 0;
}
