/**
 * From a container's specification to a running container: image, configuration, creation, start, post-start hook.
 * Source: kubelet's `startContainer` and image manager.
 */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Container, Pod } from '../../apis/types.ts';
import { formatDuration } from '../../machinery/duration.ts';
import { Quantity } from '../../machinery/quantity.ts';
import type { ContainerConfig } from '../container-runtime.ts';
import type { AgentContext } from './agent-context.ts';
import { environment, expand } from './environment.ts';
import { containerLogPath, terminationMessageFile } from './paths.ts';
import { allContainers, podName, specOf } from './pod-state.ts';
import { runHook } from './probe-handlers.ts';
import type { PodPlace } from './sources.ts';
import { containerMounts } from './volumes.ts';

export interface ContainerStart {
  readonly pod: Pod;
  readonly container: Container;
  readonly sandboxId: string;
  readonly attempt: number;
  readonly place: PodPlace;
  readonly volumes: ReadonlyMap<string, string>;
  /** Aborted when the pod is to end. */
  readonly signal: AbortSignal;
}

/** A container could not be started; reason and message are those of its waiting state. */
export class StartError extends Error {
  override readonly name = 'StartError';
  readonly reason: string;
  /** When to try again, in milliseconds from now; absent: the caller decides. */
  readonly retryAfter: number | undefined;
  /** The container runs, but must not: its post-start hook has failed. */
  readonly runningId: string | undefined;

  constructor(reason: string, message: string, more: { retryAfter?: number; runningId?: string } = {}) {
    super(message);
    this.reason = reason;
    this.retryAfter = more.retryAfter;
    this.runningId = more.runningId;
  }
}

/** @throws StartError */
export async function startContainer(context: AgentContext, start: ContainerStart): Promise<void> {
  const { runtime, event } = context;
  const { pod, container } = start;
  const failed = (reason: string, error: unknown): StartError => {
    const { message } = error as Error;
    event(pod, container, 'Warning', 'Failed', `Error: ${message}`);
    return new StartError(reason, message);
  };

  await ensureImage(context, start);
  let config: ContainerConfig;
  try {
    config = await containerConfig(context, start);
  } catch (error) {
    throw failed('CreateContainerConfigError', error);
  }
  let id: string;
  try {
    id = await runtime.createContainer(start.sandboxId, config);
  } catch (error) {
    throw failed('CreateContainerError', error);
  }
  event(pod, container, 'Normal', 'Created', 'Container created');
  try {
    await runtime.startContainer(id);
  } catch (error) {
    throw failed('RunContainerError', error);
  }
  event(pod, container, 'Normal', 'Started', 'Container started');

  const hook = container.lifecycle?.postStart;
  if (hook === undefined) return;
  const target = { runtime, clock: context.clock, containerId: id, container, podIP: start.place.podIP };
  // A pod that is to end does not wait for its hooks.
  const wrong = await Promise.race([runHook(hook, target, start.signal), aborted(start.signal)]);
  if (wrong === undefined || start.signal.aborted) return;
  event(pod, container, 'Warning', 'FailedPostStartHook', 'PostStartHook failed');
  throw new StartError('PostStartHookError', wrong, { runningId: id });
}

function aborted(signal: AbortSignal): Promise<undefined> {
  if (signal.aborted) return Promise.resolve(undefined);
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined), { once: true }));
}

async function ensureImage(context: AgentContext, { pod, container }: ContainerStart): Promise<void> {
  const { runtime, event, imageBackoff, pullFailures, clock } = context;
  const image = container.image ?? '';
  const quoted = JSON.stringify(image);
  const policy = container.imagePullPolicy ?? (/(^[^:@]*|:latest)$/.test(image) ? 'Always' : 'IfNotPresent');
  const present = (await runtime.imageId(image)) !== undefined;
  if (policy === 'Never' && !present) {
    const message = `Container image ${quoted} is not present with pull policy of Never`;
    event(pod, container, 'Warning', 'ErrImageNeverPull', message);
    event(pod, container, 'Warning', 'Failed', 'Error: ErrImageNeverPull');
    throw new StartError('ErrImageNeverPull', message);
  }
  if (policy !== 'Always' && present) {
    const message = `Container image ${quoted} already present on machine and can be accessed by the pod`;
    event(pod, container, 'Normal', 'Pulled', message);
    return;
  }
  const key = imageKey(pod, image);
  const failure = pullFailures.get(key);
  if (failure !== undefined) {
    const remaining = imageBackoff.remaining(key, failure.at);
    if (remaining > 0) {
      event(pod, container, 'Normal', 'BackOff', `Back-off pulling image ${quoted}`);
      event(pod, container, 'Warning', 'Failed', 'Error: ImagePullBackOff');
      const message = `Back-off pulling image ${quoted}: ErrImagePull: ${failure.message}`;
      throw new StartError('ImagePullBackOff', message, { retryAfter: remaining });
    }
  }
  event(pod, container, 'Normal', 'Pulling', `Pulling image ${quoted}`);
  const started = clock.now();
  try {
    await runtime.pullImage(image);
  } catch (error) {
    const { message } = error as Error;
    const at = clock.now();
    imageBackoff.next(key, at);
    pullFailures.set(key, { at, message });
    event(pod, container, 'Warning', 'Failed', `Failed to pull image ${quoted}: ${message}`);
    event(pod, container, 'Warning', 'Failed', 'Error: ErrImagePull');
    throw new StartError('ErrImagePull', message, { retryAfter: 1000 });
  }
  pullFailures.delete(key);
  const took = formatMilliseconds(clock.now() - started);
  event(
    pod,
    container,
    'Normal',
    'Pulled',
    `Successfully pulled image ${quoted} in ${took} (${took} including waiting)`,
  );
}

async function containerConfig(context: AgentContext, start: ContainerStart): Promise<ContainerConfig> {
  const { pod, container, place, attempt } = start;
  const { directory } = context;
  const uid = pod.metadata.uid ?? '';
  const services = context.services();
  const env = await environment({ pod, container, place, objects: context.source, services });
  const mounts = await containerMounts(container, start.volumes, env);
  const messageFile = terminationMessageFile(directory, uid, container.name, attempt);
  await mkdir(dirname(messageFile), { recursive: true });
  await writeFile(messageFile, '');
  await chmod(messageFile, 0o666);
  mounts.push({
    containerPath: container.terminationMessagePath ?? '/dev/termination-log',
    hostPath: messageFile,
    readOnly: false,
  });
  const limits = container.resources?.limits ?? {};
  const expanded = (text: string): string => expand(text, (name) => env[name]);
  return {
    name: container.name,
    image: container.image ?? '',
    command: (container.command ?? []).map(expanded),
    args: (container.args ?? []).map(expanded),
    workingDir: container.workingDir ?? '',
    env,
    mounts,
    attempt,
    logPath: containerLogPath(directory, pod, container.name, attempt),
    stdin: container.stdin === true,
    stdinOnce: container.stdinOnce === true,
    tty: container.tty === true,
    ...(limits.cpu === undefined ? {} : { cpuLimit: Quantity.parse(limits.cpu).toNumber() }),
    ...(limits.memory === undefined ? {} : { memoryLimit: Quantity.parse(limits.memory).toNumber() }),
  };
}

/** Whether an exited container still has to wait before it is started again. @throws StartError `CrashLoopBackOff` */
export function checkRestartBackoff(context: AgentContext, pod: Pod, container: Container, finishedAt: number): void {
  const { restartBackoff, event } = context;
  const key = containerKey(pod, container);
  const remaining = restartBackoff.remaining(key, finishedAt);
  if (remaining === 0) {
    restartBackoff.next(key, finishedAt);
    return;
  }
  event(
    pod,
    container,
    'Warning',
    'BackOff',
    `Back-off restarting failed container ${container.name} in pod ${podName(pod)}`,
  );
  const wait = formatMilliseconds(restartBackoff.wait(key));
  const message = `back-off ${wait} restarting failed container=${container.name} pod=${podName(pod)}`;
  throw new StartError('CrashLoopBackOff', message, { retryAfter: remaining });
}

/** The pod is no more: its failures are nobody's any longer. */
export function forgetFailures({ restartBackoff, imageBackoff, pullFailures }: AgentContext, pod: Pod): void {
  for (const container of allContainers(specOf(pod))) {
    restartBackoff.forget(containerKey(pod, container));
    const image = imageKey(pod, container.image ?? '');
    imageBackoff.forget(image);
    pullFailures.delete(image);
  }
}

/** As Go prints durations: `1m20s`. */
function formatMilliseconds(milliseconds: number): string {
  return formatDuration(BigInt(milliseconds) * 1_000_000n);
}

function containerKey(pod: Pod, container: Container): string {
  return `${podName(pod)}/${container.name}`;
}

function imageKey(pod: Pod, image: string): string {
  return `${podName(pod)}/${image}`;
}
