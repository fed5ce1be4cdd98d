/**
 * Pods that fit nowhere, with who has refused them. An event wakes those that it may help, and a pod that has been refused
 * often waits a little longer before it is looked at again.
 */
import type { Clock } from '../clock/clock.ts';
import type { ClusterState } from './cluster-state.ts';
import type { ClusterEvent } from './events.ts';
import type { FilterPlugin } from './framework.ts';
import type { PodInfo } from './pod-info.ts';

export interface Woken {
  readonly pod: PodInfo;
  /** Milliseconds until it may be looked at. */
  readonly delay: number;
}

interface Waiting {
  readonly pod: PodInfo;
  readonly plugins: ReadonlySet<FilterPlugin>;
  readonly attempts: number;
  readonly since: number;
  /** An event has helped it already: it is on its way. */
  woken: boolean;
}

/** Milliseconds. Source: `podInitialBackoffSeconds`, `podMaxBackoffSeconds`. */
const firstBackoff = 1000;
const longestBackoff = 10_000;

export class WaitingPods {
  readonly #pods = new Map<string, Waiting>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  refused(pod: PodInfo, plugins: ReadonlySet<FilterPlugin>): void {
    const attempts = (this.#pods.get(pod.key)?.attempts ?? 0) + 1;
    this.#pods.set(pod.key, { pod, plugins, attempts, since: this.#clock.now(), woken: false });
  }

  forget(key: string): void {
    this.#pods.delete(key);
  }

  /** Those that the event may help, the most important first. */
  wake(event: ClusterEvent, cluster: ClusterState): Woken[] {
    const woken: Woken[] = [];
    for (const waiting of this.#pods.values()) {
      if (waiting.woken || !anyHelped(waiting, event, cluster)) continue;
      waiting.woken = true;
      const backoff = Math.min(longestBackoff, firstBackoff * 2 ** (waiting.attempts - 1));
      woken.push({ pod: waiting.pod, delay: Math.max(0, waiting.since + backoff - this.#clock.now()) });
    }
    return woken.sort((a, b) => b.pod.priority - a.pod.priority);
  }
}

function anyHelped({ pod, plugins }: Waiting, event: ClusterEvent, cluster: ClusterState): boolean {
  for (const plugin of plugins) if (plugin.helps(pod, event, cluster)) return true;
  return false;
}
