/** What every part of the agent shares. */
import type { Container, Pod, Service } from '../../apis/types.ts';
import type { Client } from '../../client/client.ts';
import type { Clock } from '../../clock/clock.ts';
import type { Logger } from '../../runtime/logger.ts';
import type { ContainerRuntime } from '../container-runtime.ts';
import type { RestartBackoff } from './restart-backoff.ts';
import type { VolumeSource } from './volumes.ts';

export interface AgentContext {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly runtime: ContainerRuntime;
  /** As in `process://<id>`. */
  readonly runtimeName: string;
  readonly nodeName: string;
  readonly hostIP: string;
  readonly directory: string;
  readonly allocatable: Readonly<Record<string, string>>;
  readonly source: VolumeSource;
  readonly services: () => readonly Service[];
  readonly restartBackoff: RestartBackoff;
  readonly imageBackoff: RestartBackoff;
  /** The last failure to pull an image for a pod, while it lasts. */
  readonly pullFailures: Map<string, { readonly at: number; readonly message: string }>;
  /** Changes in this sandbox wake the worker of that pod. */
  readonly sandboxCreated: (sandboxId: string, podUid: string) => void;
  /** Records an event about a pod or, when one is named, about its container. */
  readonly event: (
    pod: Pod,
    container: Container | undefined,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
  ) => void;
}
