/**
 * Exec, attach and port-forward on a node: which container or sandbox is meant, and that it runs. Source: kubelet's
 * `GetExec`, `GetAttach` and `GetPortForward`.
 */
import type { AttachRequest, ExecRequest, PortForwardRequest } from '../../apis/resource-type.ts';
import { dialPort } from '../../streaming/dial-port.ts';
import type { PortDialer } from '../../streaming/port-forward-server.ts';
import type { CommandSession } from '../../streaming/remote-command.ts';
import { UpgradeRefused } from '../../streaming/upgrade.ts';
import type { ContainerRuntime } from '../container-runtime.ts';
import { specOf } from './pod-state.ts';
import type { PodWorker } from './pod-worker.ts';

/** What runs here. */
export interface StreamingNode {
  readonly runtime: ContainerRuntime;
  readonly hostIP: string;
  worker(namespace: string, pod: string): PodWorker | undefined;
}

export async function openExec(node: StreamingNode, request: ExecRequest): Promise<CommandSession> {
  const id = await runningContainer(node, request);
  return (streams) => node.runtime.exec(id, request.command, streams);
}

export async function openAttach(node: StreamingNode, request: AttachRequest): Promise<CommandSession> {
  const id = await runningContainer(node, request);
  return async (streams) => {
    await node.runtime.attach(id, streams);
    return 0;
  };
}

export async function openPortForward(node: StreamingNode, request: PortForwardRequest): Promise<PortDialer> {
  const { runtime, hostIP } = node;
  const { namespace, pod, signal } = request;
  const worker = node.worker(namespace, pod);
  if (worker === undefined) throw new UpgradeRefused(404, 'pod does not exist');
  const ids = new Set(worker.sandboxIds);
  const sandbox = (await runtime.listSandboxes()).find(({ id, state }) => ids.has(id) && state === 'ready');
  if (sandbox === undefined) throw new UpgradeRefused(500, `pod not found (${JSON.stringify(`${pod}_${namespace}`)})`);
  const onHost = specOf(worker.pod).hostNetwork === true;
  return async (port) => {
    try {
      const connection = await (onHost ? dialPort(hostIP, port) : runtime.portForward(sandbox.id, port));
      const end = (): void => void connection.destroy();
      signal.addEventListener('abort', end, { once: true });
      connection.once('close', () => signal.removeEventListener('abort', end));
      if (signal.aborted) end();
      return connection;
    } catch (error) {
      throw new Error(`error forwarding port ${port} to pod ${sandbox.id}, uid : ${(error as Error).message}`);
    }
  };
}

async function runningContainer(
  { runtime, worker: find }: StreamingNode,
  { namespace, pod, container }: AttachRequest,
): Promise<string> {
  const worker = find(namespace, pod);
  if (worker === undefined) throw new UpgradeRefused(404, 'pod does not exist');
  for (const sandbox of worker.sandboxIds) {
    const containers = await runtime.listContainers(sandbox);
    const found = containers.find(({ name, state }) => name === container && state === 'running');
    if (found !== undefined) return found.id;
  }
  throw new UpgradeRefused(500, `container not found (${JSON.stringify(container)})`);
}
