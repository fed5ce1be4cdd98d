/**
 * What runs where: the nodes and the pods that are bound to them, or that the scheduler has just decided to bind. A
 * decision counts from the moment it is made, so that the next one knows of it before the API has told.
 */
import type { Node, Pod } from '../client/kinds.ts';
import { NodeInfo } from './node-info.ts';
import { type PodInfo, podInfo } from './pod-info.ts';

export class ClusterState {
  readonly #nodes = new Map<string, NodeInfo>();
  /** Where each pod counts. */
  readonly #places = new Map<string, string>();
  /** Pods on nodes that are not known (yet). */
  readonly #homeless = new Map<string, Map<string, PodInfo>>();
  readonly #assumed = new Set<string>();
  #list: NodeInfo[] | undefined;

  get nodes(): readonly NodeInfo[] {
    this.#list ??= [...this.#nodes.values()];
    return this.#list;
  }

  setNode(node: Node): void {
    const name = node.metadata.name!;
    const known = this.#nodes.get(name);
    if (known !== undefined) {
      known.node = node;
      return;
    }
    const info = new NodeInfo(node);
    this.#nodes.set(name, info);
    this.#list = undefined;
    for (const [key, pod] of this.#homeless.get(name) ?? []) info.add(key, pod);
    this.#homeless.delete(name);
  }

  removeNode(name: string): void {
    const info = this.#nodes.get(name);
    if (info === undefined) return;
    this.#nodes.delete(name);
    this.#list = undefined;
    if (info.pods.size > 0) this.#homeless.set(name, new Map(info.pods));
  }

  /** Takes a pod as the API shows it. */
  setPod(key: string, pod: Pod): void {
    const node = pod.spec?.nodeName ?? '';
    const { phase } = pod.status ?? {};
    if (phase === 'Succeeded' || phase === 'Failed') {
      this.removePod(key);
      return;
    }
    if (node === '') return; // not bound: a decision for it stands until it is taken back
    this.#assumed.delete(key);
    this.#place(key, podInfo(pod), node);
  }

  /** Counts a decision before it is carried out. */
  assume(key: string, pod: PodInfo, node: string): void {
    this.#assumed.add(key);
    this.#place(key, pod, node);
  }

  isAssumed(key: string): boolean {
    return this.#assumed.has(key);
  }

  /** The pod is gone, has ended, or could not be bound. */
  removePod(key: string): void {
    this.#assumed.delete(key);
    const node = this.#places.get(key);
    if (node === undefined) return;
    this.#places.delete(key);
    this.#nodes.get(node)?.remove(key);
    this.#homeless.get(node)?.delete(key);
  }

  #place(key: string, pod: PodInfo, node: string): void {
    if (this.#places.get(key) !== node) this.#leavePlace(key);
    this.#places.set(key, node);
    const info = this.#nodes.get(node);
    if (info !== undefined) {
      info.add(key, pod);
      return;
    }
    let waiting = this.#homeless.get(node);
    if (waiting === undefined) {
      waiting = new Map();
      this.#homeless.set(node, waiting);
    }
    waiting.set(key, pod);
  }

  #leavePlace(key: string): void {
    const node = this.#places.get(key);
    if (node === undefined) return;
    this.#nodes.get(node)?.remove(key);
    this.#homeless.get(node)?.delete(key);
  }
}
