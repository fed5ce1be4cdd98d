/** A node with what its pods take of it, kept up to date as pods come and go. */
import type { Node } from '../client/kinds.ts';
import type { PodInfo } from './pod-info.ts';
import { addTo, parseResources, type Resources, takeFrom } from './resources.ts';

export class NodeInfo {
  readonly name: string;
  readonly pods = new Map<string, PodInfo>();
  readonly requested: Resources = new Map();
  /** `requested`, with what is assumed of pods that ask for nothing. */
  readonly weight: Resources = new Map();
  #node: Node;
  #allocatable: Resources;
  #ready: boolean;

  constructor(node: Node) {
    this.name = node.metadata.name!;
    this.#node = node;
    this.#allocatable = allocatableOf(node);
    this.#ready = isReady(node);
  }

  get node(): Node {
    return this.#node;
  }

  set node(node: Node) {
    if (node.status?.allocatable !== this.#node.status?.allocatable) this.#allocatable = allocatableOf(node);
    this.#ready = isReady(node);
    this.#node = node;
  }

  get ready(): boolean {
    return this.#ready;
  }

  get labels(): Readonly<Record<string, string>> {
    return this.#node.metadata.labels ?? noLabels;
  }

  get allocatable(): ReadonlyMap<string, number> {
    return this.#allocatable;
  }

  add(pod: PodInfo): void {
    this.remove(pod.key);
    this.pods.set(pod.key, pod);
    addTo(this.requested, pod.requests);
    addTo(this.weight, pod.weight);
  }

  remove(key: string): void {
    const pod = this.pods.get(key);
    if (pod === undefined) return;
    this.pods.delete(key);
    takeFrom(this.requested, pod.requests);
    takeFrom(this.weight, pod.weight);
  }

  /** For trying what would be. */
  copy(): NodeInfo {
    const copy = new NodeInfo(this.#node);
    for (const pod of this.pods.values()) copy.add(pod);
    return copy;
  }
}

const noLabels: Readonly<Record<string, string>> = Object.freeze({});

export function isReady(node: Node): boolean {
  return node.status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
}

function allocatableOf(node: Node): Resources {
  const { allocatable, capacity } = node.status ?? {};
  return parseResources((allocatable ?? capacity) as { [name: string]: string } | undefined);
}
