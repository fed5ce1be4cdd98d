/**
 * How the API server finds node agents: those in this process by name, others by the address and port that their Node
 * objects give.
 */
import type { ContainerLogsRequest, NodeConnector } from '../apis/resource-type.ts';
import { StatusError } from '../machinery/status.ts';

/** What the API server asks of an agent in the same process. */
export interface LocalNode {
  containerLogs(request: ContainerLogsRequest): Promise<AsyncIterable<Uint8Array>>;
}

export class NodeDirectory implements NodeConnector {
  readonly #local = new Map<string, LocalNode>();
  readonly #remote: NodeConnector | undefined;

  /** `remote` is asked for nodes that are not in this process. */
  constructor(remote?: NodeConnector) {
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
    if (node !== undefined) return await node.containerLogs(request);
    if (this.#remote !== undefined) return await this.#remote.containerLogs(nodeName, request);
    throw new StatusError(404, 'NotFound', `nodes "${nodeName}" not found`, { name: nodeName, kind: 'nodes' });
  }
}
