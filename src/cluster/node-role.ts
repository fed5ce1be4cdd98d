/** The role of a node: an agent with a container runtime. */
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Transport } from '../client/transport.ts';
import type { Clock } from '../clock/clock.ts';
import {
  type AgentServerOptions,
  type ContainerRuntime,
  createProcessRuntime,
  createSimulatedRuntime,
  NodeAgent,
} from '../node/index.ts';
import type { Logger } from '../runtime/logger.ts';
import type { LocalNode } from './node-directory.ts';

export type RuntimeChoice = 'auto' | 'process' | 'simulated' | 'none';
export const runtimeChoices: readonly RuntimeChoice[] = ['auto', 'process', 'simulated', 'none'];

export interface NodeRoleOptions {
  readonly name: string;
  readonly runtime: RuntimeChoice;
  /** For volumes, logs and the runtime's state. */
  readonly directory: string;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly log: Logger;
  /** An HTTPS endpoint, where the API server is another process. */
  readonly server?: AgentServerOptions;
}

export interface NodeRole extends LocalNode {
  /** Pods end with their node's agent when it stops in good order; one that is killed leaves them to its successor. */
  stop(): Promise<void>;
}

export async function startNode(options: NodeRoleOptions): Promise<NodeRole> {
  const { name, directory, transport, clock, log, server } = options;
  // Secrets that pods mount lie below as files.
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  const runtime = await openRuntime(options.runtime, join(directory, 'runtime'), clock);
  const agent = new NodeAgent({
    transport,
    clock,
    log,
    runtime,
    nodeName: name,
    directory: join(directory, 'agent'),
    ...(server === undefined ? {} : { server }),
  });
  await agent.start();
  return {
    containerLogs: (request) => agent.containerLogs(request),
    exec: (request) => agent.exec(request),
    attach: (request) => agent.attach(request),
    portForward: (request) => agent.portForward(request),
    dial: () => agent.dial(),
    resourceUsage: () => agent.resourceUsage(),
    async stop() {
      await agent.stop({ pods: 'stop' });
      await runtime.close();
      await transport.close();
    },
  };
}

async function openRuntime(choice: RuntimeChoice, directory: string, clock: Clock): Promise<ContainerRuntime> {
  switch (choice) {
    case 'simulated':
      return createSimulatedRuntime({ clock });
    case 'none':
      throw new TypeError('a node needs a container runtime');
    default:
      return await createProcessRuntime({ directory, clock });
  }
}
