/** All filters of a profile about one pod: whether a node will do, and who says no. */
import type { ClusterState } from './cluster-state.ts';
import type { FilterPlugin, NodeFilter, Objection } from './framework.ts';
import type { NodeInfo } from './node-info.ts';
import type { PodInfo } from './pod-info.ts';

export interface Refusal {
  readonly plugin: FilterPlugin;
  readonly objection: Objection;
}

export class Judge {
  readonly pod: PodInfo;
  readonly #cluster: ClusterState;
  readonly #filters: readonly { readonly plugin: FilterPlugin; readonly filter: NodeFilter }[];

  constructor(pod: PodInfo, plugins: readonly FilterPlugin[], cluster: ClusterState) {
    this.pod = pod;
    this.#cluster = cluster;
    this.#filters = plugins.flatMap((plugin) => {
      const filter = plugin.prepareFilter(pod, cluster);
      return filter === undefined ? [] : [{ plugin, filter }];
    });
  }

  /**
   * Who objects to the node first. The pod must fit whether or not the pods come that are nominated for the node and no
   * less important: others may count on it that they are there (affinity), or that they are not yet.
   */
  refusal(node: NodeInfo): Refusal | undefined {
    const guests = this.#guests(node);
    if (guests.length > 0) {
      const crowded = node.copy();
      for (const guest of guests) this.add(guest, crowded);
      const refusal = this.#refusal(crowded);
      for (const guest of guests) this.remove(guest, crowded);
      if (refusal !== undefined) return refusal;
    }
    return this.#refusal(node);
  }

  /** Takes the pod to be on the node; `node` is a copy. */
  add(pod: PodInfo, node: NodeInfo): void {
    node.add(pod);
    for (const { filter } of this.#filters) filter.change?.(pod, node, 1);
  }

  /** Takes the pod not to be on the node; `node` is a copy. */
  remove(pod: PodInfo, node: NodeInfo): void {
    node.remove(pod.key);
    for (const { filter } of this.#filters) filter.change?.(pod, node, -1);
  }

  #refusal(node: NodeInfo): Refusal | undefined {
    for (const { plugin, filter } of this.#filters) {
      const objection = filter.objection(node);
      if (objection !== undefined) return { plugin, objection };
    }
    return undefined;
  }

  #guests({ name }: NodeInfo): readonly PodInfo[] {
    const { nominations } = this.#cluster;
    if (nominations.size === 0) return [];
    return [...nominations.on(name)].filter(
      ({ key, priority }) => key !== this.pod.key && priority >= this.pod.priority,
    );
  }
}
