/** What a pod's status is made of. */
import type { Pod, PodStatus } from '../../apis/types.ts';
import type { PodState } from './pod-state.ts';

export type PodPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed';

export interface Waiting {
  readonly reason: string;
  readonly message: string;
}

/** What probes say of running containers, by container id. */
export interface Readiness {
  started(containerId: string): boolean;
  ready(containerId: string): boolean;
}

export interface StatusInput {
  readonly pod: Pod;
  readonly state: PodState;
  /** What was reported last; before the first report, what the API has. */
  readonly old: PodStatus;
  /** Why containers that should run do not: `CrashLoopBackOff`, `CreateContainerConfigError`, … by container name. */
  readonly waiting: ReadonlyMap<string, Waiting>;
  readonly readiness: Readiness;
  /** Nothing of the pod will be started any more. */
  readonly terminal: boolean;
  /** Why the node ended the pod: `DeadlineExceeded`. */
  readonly failure?: Waiting | undefined;
  /** What a container left as its last words, by container id. */
  readonly messages: ReadonlyMap<string, string>;
  readonly hostIP: string;
  /** `process`, as in `process://<id>`. */
  readonly runtimeName: string;
  readonly now: number;
}
