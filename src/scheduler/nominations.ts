/**
 * Pods that wait for room on a node of which they have had pods removed. Until they are there, pods that are not more
 * important must leave them the room.
 */
import type { PodInfo } from './pod-info.ts';

const nobody: readonly PodInfo[] = Object.freeze([]);

export class Nominations {
  readonly #nodes = new Map<string, string>();
  readonly #byNode = new Map<string, Map<string, PodInfo>>();

  get size(): number {
    return this.#nodes.size;
  }

  nodeOf(key: string): string | undefined {
    return this.#nodes.get(key);
  }

  on(node: string): Iterable<PodInfo> {
    return this.#byNode.get(node)?.values() ?? nobody;
  }

  set(pod: PodInfo, node: string): void {
    this.remove(pod.key);
    this.#nodes.set(pod.key, node);
    let pods = this.#byNode.get(node);
    if (pods === undefined) {
      pods = new Map();
      this.#byNode.set(node, pods);
    }
    pods.set(pod.key, pod);
  }

  /** Answers the pod, if it was nominated. */
  remove(key: string): PodInfo | undefined {
    const node = this.#nodes.get(key);
    if (node === undefined) return undefined;
    this.#nodes.delete(key);
    const pods = this.#byNode.get(node)!;
    const pod = pods.get(key);
    pods.delete(key);
    if (pods.size === 0) this.#byNode.delete(node);
    return pod;
  }
}
