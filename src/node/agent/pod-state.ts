/** What the runtime knows of one pod, and what a pod's specification says about its containers. */
import type { Container, Pod, PodSpec } from '../../apis/types.ts';
import type { ContainerStatus, SandboxStatus } from '../container-runtime.ts';

export interface PodState {
  /** The newest sandbox. */
  readonly sandbox: SandboxStatus | undefined;
  /** By container name, the newest attempt first. */
  readonly containers: ReadonlyMap<string, readonly ContainerStatus[]>;
}

export function podState(sandboxes: readonly SandboxStatus[], containers: readonly ContainerStatus[]): PodState {
  const byName = new Map<string, ContainerStatus[]>();
  for (const container of containers) {
    const attempts = byName.get(container.name);
    if (attempts === undefined) byName.set(container.name, [container]);
    else attempts.push(container);
  }
  for (const attempts of byName.values()) attempts.sort((a, b) => b.attempt - a.attempt || b.createdAt - a.createdAt);
  let newest: SandboxStatus | undefined;
  for (const sandbox of sandboxes) if (newest === undefined || sandbox.createdAt >= newest.createdAt) newest = sandbox;
  return { sandbox: newest, containers: byName };
}

export function currentOf(state: PodState, name: string): ContainerStatus | undefined {
  return state.containers.get(name)?.[0];
}

export function runningContainers(state: PodState): ContainerStatus[] {
  const running: ContainerStatus[] = [];
  for (const attempts of state.containers.values()) {
    for (const container of attempts) if (container.state === 'running') running.push(container);
  }
  return running;
}

export function specOf(pod: Pod): PodSpec {
  if (pod.spec === undefined) throw new TypeError(`pod ${podName(pod)} has no spec`);
  return pod.spec;
}

/** `web_default(6f9…)`, as kubelet's messages name a pod. */
export function podName(pod: Pod): string {
  const { name = '', namespace = '', uid = '' } = pod.metadata;
  return `${name}_${namespace}(${uid})`;
}

/** A sidecar: an init container that keeps running beside the others (KEP-753). */
export function isSidecar(container: Container): boolean {
  return container.restartPolicy === 'Always';
}

export function allContainers(spec: PodSpec): Container[] {
  return [...(spec.initContainers ?? []), ...spec.containers];
}

/** Whether a container that ended so is started again; its own policy and rules go before the pod's (KEP-5307). */
export function restartsAfter(container: Container, spec: PodSpec, exitCode: number): boolean {
  for (const rule of container.restartPolicyRules ?? []) {
    const codes = rule.exitCodes?.values ?? [];
    const matches = rule.exitCodes?.operator === 'NotIn' ? !codes.includes(exitCode) : codes.includes(exitCode);
    if (rule.exitCodes !== undefined && matches && rule.action === 'Restart') return true;
  }
  switch (container.restartPolicy ?? spec.restartPolicy ?? 'Always') {
    case 'Never':
      return false;
    case 'OnFailure':
      return exitCode !== 0;
    default:
      return true;
  }
}

/** Init containers that are no sidecars run to success once: the pod's `Always` means "on failure" for them. */
export function initRestartsAfter(container: Container, spec: PodSpec, exitCode: number): boolean {
  return exitCode !== 0 && restartsAfter(container, spec, exitCode);
}

export function isTerminal(phase: string | undefined): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}
