/**
 * How the API server finds node agents: those in this process by name, others by the address and port that their Node
 * objects give.
 */
import type { Duplex } from 'node:stream';
import type {
  AttachRequest,
  ContainerLogsRequest,
  ExecRequest,
  NodeConnector,
  PortForwardRequest,
} from '../apis/resource-type.ts';
import { StatusError } from '../machinery/status.ts';
import type { ResourceUsage } from '../node/index.ts';
import type { PortDialer } from '../streaming/port-forward-server.ts';
import type { CommandSession } from '../streaming/remote-command.ts';
import type { NodeMeter } from './resource-metrics.ts';

/** What the API server asks of an agent in the same process. */
export interface LocalNode {
  containerLogs(request: ContainerLogsRequest): Promise<AsyncIterable<Uint8Array>>;
  exec(request: ExecRequest): Promise<CommandSession>;
  attach(request: AttachRequest): Promise<CommandSession>;
  portForward(request: PortForwardRequest): Promise<PortDialer>;
  /** A connection to the agent's endpoint. */
  dial(): Duplex;
  resourceUsage(): Promise<ResourceUsage>;
}

export class NodeDirectory implements NodeConnector, NodeMeter {
  readonly #local = new Map<string, LocalNode>();
  readonly #remote: (NodeConnector & NodeMeter) | undefined;

  /** `remote` is asked for nodes that are not in this process. */
  constructor(remote?: NodeConnector & NodeMeter) {
    this.#remote = remote;
  }

  add(name: string, node: LocalNode): void {
    this.#local.set(name, node);
  }

  delete(name: string): void {
    this.#local.delete(name);
  }

  async containerLogs(nodeName: string, request: ContainerLogsRequest): Promise<AsyncIterable<Uint8Array>> {
    const node = this.#local.get(nodeName);
    return await (node === undefined
      ? this.#others(nodeName).containerLogs(nodeName, request)
      : node.containerLogs(request));
  }

  async exec(nodeName: string, request: ExecRequest): Promise<CommandSession> {
    const node = this.#local.get(nodeName);
    return await (node === undefined ? this.#others(nodeName).exec(nodeName, request) : node.exec(request));
  }

  async attach(nodeName: string, request: AttachRequest): Promise<CommandSession> {
    const node = this.#local.get(nodeName);
    return await (node === undefined ? this.#others(nodeName).attach(nodeName, request) : node.attach(request));
  }

  async portForward(nodeName: string, request: PortForwardRequest): Promise<PortDialer> {
    const node = this.#local.get(nodeName);
    return await (node === undefined
      ? this.#others(nodeName).portForward(nodeName, request)
      : node.portForward(request));
  }

  async dialAgent(nodeName: string): Promise<Duplex> {
    const node = this.#local.get(nodeName);
    return node === undefined ? await this.#others(nodeName).dialAgent(nodeName) : node.dial();
  }

  async resourceUsage(nodeName: string, signal: AbortSignal): Promise<ResourceUsage> {
    const node = this.#local.get(nodeName);
    return await (node === undefined ? this.#others(nodeName).resourceUsage(nodeName, signal) : node.resourceUsage());
  }

  #others(nodeName: string): NodeConnector & NodeMeter {
    if (this.#remote !== undefined) return this.#remote;
    throw new StatusError(404, 'NotFound', `nodes "${nodeName}" not found`, { name: nodeName, kind: 'nodes' });
  }
}
