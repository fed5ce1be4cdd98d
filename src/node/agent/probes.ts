/**
 * Startup, liveness and readiness of running containers: each probe asks in its period, counts successes and failures
 * against its thresholds, and tells when what it says has changed. Source: kubelet's `pkg/kubelet/prober`.
 */
import type { Container, Probe } from '../../apis/types.ts';
import type { Clock, Timer } from '../../clock/clock.ts';
import type { ProbeResult, ProbeTarget } from './probe-handlers.ts';

export type ProbeKind = 'Startup' | 'Liveness' | 'Readiness';

export interface ProbesOptions {
  readonly clock: Clock;
  readonly probe: (probe: Probe, target: ProbeTarget) => Promise<ProbeResult>;
  /** What a probe says has changed. */
  readonly changed: () => void;
  /** A probe has failed once; `message` is that of the `Unhealthy` event. */
  readonly unhealthy: (container: Container, message: string) => void;
}

interface Watched {
  readonly target: ProbeTarget;
  readonly startedAt: number;
  readonly loops: Map<ProbeKind, Loop>;
}

interface Loop {
  readonly kind: ProbeKind;
  readonly probe: Probe;
  /** What holds until a threshold is reached. */
  verdict: boolean | undefined;
  last: boolean | undefined;
  run: number;
  timer: Timer | undefined;
  stopped: boolean;
}

/** The probes of one pod's containers. */
export class Probes {
  readonly #options: ProbesOptions;
  readonly #watched = new Map<string, Watched>();
  /** No container is restarted any more: only readiness is of interest. */
  #terminating = false;

  constructor(options: ProbesOptions) {
    this.#options = options;
  }

  /** Begins to watch a running container; a second call for it does nothing. */
  watch(target: ProbeTarget, startedAt: number): void {
    if (this.#watched.has(target.containerId)) return;
    const watched: Watched = { target, startedAt, loops: new Map() };
    this.#watched.set(target.containerId, watched);
    const { startupProbe, livenessProbe, readinessProbe } = target.container;
    this.#add(watched, 'Startup', startupProbe, undefined);
    this.#add(watched, 'Liveness', livenessProbe, true);
    this.#add(watched, 'Readiness', readinessProbe, false);
    for (const loop of watched.loops.values()) {
      if (loop.kind === 'Startup' || startupProbe === undefined) this.#begin(watched, loop);
    }
  }

  /** Forgets every container that is not named. */
  keep(containerIds: ReadonlySet<string>): void {
    for (const [id, watched] of this.#watched) {
      if (containerIds.has(id)) continue;
      for (const loop of watched.loops.values()) this.#halt(loop);
      this.#watched.delete(id);
    }
  }

  terminating(): void {
    this.#terminating = true;
    for (const { loops } of this.#watched.values()) {
      for (const loop of loops.values()) if (loop.kind !== 'Readiness') this.#halt(loop);
    }
  }

  stop(): void {
    this.keep(new Set());
  }

  started(containerId: string): boolean {
    const startup = this.#watched.get(containerId)?.loops.get('Startup');
    return startup === undefined ? this.#watched.has(containerId) : startup.verdict === true;
  }

  ready(containerId: string): boolean {
    const watched = this.#watched.get(containerId);
    if (watched === undefined) return false;
    return watched.loops.get('Readiness')?.verdict ?? true;
  }

  failed(containerId: string): 'liveness' | 'startup' | undefined {
    if (this.#terminating) return undefined;
    const loops = this.#watched.get(containerId)?.loops;
    if (loops?.get('Startup')?.verdict === false) return 'startup';
    return loops?.get('Liveness')?.verdict === false ? 'liveness' : undefined;
  }

  #add(watched: Watched, kind: ProbeKind, probe: Probe | undefined, verdict: boolean | undefined): void {
    if (probe === undefined) return;
    watched.loops.set(kind, { kind, probe, verdict, last: undefined, run: 0, timer: undefined, stopped: false });
  }

  #begin(watched: Watched, loop: Loop): void {
    const delay = watched.startedAt + (loop.probe.initialDelaySeconds ?? 0) * 1000 - this.#options.clock.now();
    this.#schedule(watched, loop, Math.max(0, delay));
  }

  #schedule(watched: Watched, loop: Loop, delay: number): void {
    if (loop.stopped) return;
    loop.timer = this.#options.clock.setTimeout(() => void this.#look(watched, loop), delay);
  }

  #halt(loop: Loop): void {
    loop.stopped = true;
    loop.timer?.cancel();
  }

  async #look(watched: Watched, loop: Loop): Promise<void> {
    const started = this.#options.clock.now();
    const { healthy, output, errored } = await this.#options.probe(loop.probe, watched.target);
    if (loop.stopped) return;
    if (!healthy) {
      const what = errored === true ? 'errored and resulted in unknown state' : 'failed';
      this.#options.unhealthy(watched.target.container, `${loop.kind} probe ${what}: ${output}`);
    }
    this.#count(watched, loop, healthy);
    const period = (loop.probe.periodSeconds ?? 10) * 1000;
    const elapsed = this.#options.clock.now() - started;
    this.#schedule(watched, loop, Math.max(0, period - elapsed));
  }

  #count(watched: Watched, loop: Loop, healthy: boolean): void {
    loop.run = loop.last === healthy ? loop.run + 1 : 1;
    loop.last = healthy;
    const threshold = healthy ? (loop.probe.successThreshold ?? 1) : (loop.probe.failureThreshold ?? 3);
    if (loop.run < threshold || loop.verdict === healthy) return;
    loop.verdict = healthy;
    if (loop.kind === 'Startup' && healthy) {
      // The container has started: now the others begin, and this one has done its work.
      this.#halt(loop);
      for (const other of watched.loops.values()) {
        if (other !== loop && !other.stopped) this.#begin(watched, other);
      }
    }
    // A container that is to be restarted is not asked again.
    if (loop.kind !== 'Readiness' && !healthy) this.#halt(loop);
    this.#options.changed();
  }
}
