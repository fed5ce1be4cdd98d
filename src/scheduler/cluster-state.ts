/**
 * What runs where: the nodes and the pods that are bound to them, or that the scheduler has just decided to bind. A
 * decision counts from the moment it is made, so that the next one knows of it before the API has told.
 */
import type { Node, Pod } from '../client/kinds.ts';
import { deepEqual } from '../machinery/json.ts';
import type { Labels } from '../machinery/label-selector.ts';
import { type ClusterEvent, changedFacts, hasEnded } from './events.ts';
import { ImageCounts } from './image-counts.ts';
import { NodeInfo } from './node-info.ts';
import { Nominations } from './nominations.ts';
import { PodCounts } from './pod-counts.ts';
import { type PodInfo, podInfo, podKey } from './pod-info.ts';
import { Topologies } from './topologies.ts';

export class ClusterState {
  readonly counts = new PodCounts(() => this.nodes);
  readonly topologies = new Topologies(() => this.nodes);
  readonly images = new ImageCounts();
  readonly nominations = new Nominations();
  readonly #nodes = new Map<string, NodeInfo>();
  /** Where each pod counts. */
  readonly #places = new Map<string, { readonly node: string; readonly pod: PodInfo }>();
  /** Pods on nodes that are not known (yet). */
  readonly #homeless = new Map<string, Map<string, PodInfo>>();
  readonly #assumed = new Set<string>();
  readonly #namespaces = new Map<string, Labels>();
  #list: NodeInfo[] | undefined;

  readonly labelsOf = (namespace: string): Labels | undefined => this.#namespaces.get(namespace);

  get nodes(): readonly NodeInfo[] {
    this.#list ??= [...this.#nodes.values()];
    return this.#list;
  }

  node(name: string): NodeInfo | undefined {
    return this.#nodes.get(name);
  }

  setNamespace(name: string, labels: Labels | undefined): ClusterEvent | undefined {
    const known = this.#namespaces.get(name);
    if (labels === undefined) this.#namespaces.delete(name);
    else this.#namespaces.set(name, labels);
    if (deepEqual(known, labels)) return undefined;
    this.counts.namespacesChanged();
    return { type: 'NamespaceRelabelled' };
  }

  setNode(node: Node): ClusterEvent | undefined {
    const name = node.metadata.name!;
    const known = this.#nodes.get(name);
    this.images.change(known?.node, node);
    if (known !== undefined) {
      const changed = changedFacts(node, known.node);
      known.node = node;
      if (changed.has('labels')) this.topologies.nodesChanged();
      return changed.size === 0 ? undefined : { type: 'NodeChanged', node: known, changed };
    }
    const info = new NodeInfo(node);
    this.#nodes.set(name, info);
    this.#nodesChanged();
    for (const pod of this.#homeless.get(name)?.values() ?? []) this.#enter(pod, info);
    this.#homeless.delete(name);
    return { type: 'NodeAdded', node: info };
  }

  removeNode(name: string): ClusterEvent | undefined {
    const info = this.#nodes.get(name);
    if (info === undefined) return undefined;
    const pods = new Map(info.pods);
    for (const pod of pods.values()) this.#leave(pod, info);
    this.images.change(info.node, undefined);
    this.#nodes.delete(name);
    this.#nodesChanged();
    if (pods.size > 0) this.#homeless.set(name, pods);
    return { type: 'NodeRemoved' };
  }

  /** Takes a pod as the API shows it. */
  setPod(pod: Pod): ClusterEvent | undefined {
    const key = podKey(pod);
    if (hasEnded(pod)) return this.removePod(key);
    const node = pod.spec?.nodeName ?? '';
    if (node === '') {
      // Not bound: a decision for it stands until it is taken back.
      const nominated = pod.status?.nominatedNodeName ?? '';
      if (nominated === '' || this.#assumed.has(key)) this.nominations.remove(key);
      else this.nominations.set(podInfo(pod), nominated);
      return undefined;
    }
    const old = this.#places.get(key);
    const assumed = this.#assumed.delete(key);
    const info = old !== undefined && countsTheSame(pod, old.pod.pod) ? { ...old.pod, pod } : podInfo(pod);
    this.nominations.remove(key);
    this.#place(info, node);
    if (old === undefined || assumed) return { type: 'PodPlaced', pod: info };
    if (info.requests === old.pod.requests) return undefined;
    const needsLess = [...old.pod.requests].some(([name, amount]) => amount > (info.requests.get(name) ?? 0));
    return needsLess ? { type: 'PodLeft', pod: old.pod } : { type: 'PodChanged', pod: info, old: old.pod };
  }

  /** Counts a decision before it is carried out. */
  assume(pod: PodInfo, node: string): ClusterEvent | undefined {
    const promised = this.nominations.nodeOf(pod.key) ?? node;
    this.#assumed.add(pod.key);
    this.nominations.remove(pod.key);
    this.#place(pod, node);
    return promised === node ? undefined : { type: 'PodLeft', pod };
  }

  /** The pod needs the room no longer that it was promised. */
  withdrawNomination(key: string): ClusterEvent | undefined {
    const pod = this.nominations.remove(key);
    return pod === undefined ? undefined : { type: 'PodLeft', pod };
  }

  isAssumed(key: string): boolean {
    return this.#assumed.has(key);
  }

  /** The pod is gone, has ended, or could not be bound. */
  removePod(key: string): ClusterEvent | undefined {
    this.#assumed.delete(key);
    const withdrawn = this.withdrawNomination(key);
    const place = this.#places.get(key);
    if (place === undefined) return withdrawn;
    this.#unplace(place);
    this.#places.delete(key);
    return { type: 'PodLeft', pod: place.pod };
  }

  #nodesChanged(): void {
    this.#list = undefined;
    this.topologies.nodesChanged();
  }

  #place(pod: PodInfo, node: string): void {
    const old = this.#places.get(pod.key);
    const info = this.#nodes.get(node);
    const pods = info?.pods ?? this.#homeless.get(node);
    this.#places.set(pod.key, { node, pod });
    if (old !== undefined && old.node === node && countsTheSame(pod.pod, old.pod.pod)) {
      pods?.set(pod.key, pod);
      return;
    }
    if (old !== undefined) this.#unplace(old);
    if (info !== undefined) {
      this.#enter(pod, info);
      return;
    }
    let waiting = this.#homeless.get(node);
    if (waiting === undefined) {
      waiting = new Map();
      this.#homeless.set(node, waiting);
    }
    waiting.set(pod.key, pod);
  }

  #unplace({ node, pod }: { readonly node: string; readonly pod: PodInfo }): void {
    const info = this.#nodes.get(node);
    if (info !== undefined) this.#leave(pod, info);
    else this.#homeless.get(node)?.delete(pod.key);
  }

  #enter(pod: PodInfo, node: NodeInfo): void {
    node.add(pod);
    this.counts.change(pod, node, 1);
  }

  #leave(pod: PodInfo, node: NodeInfo): void {
    node.remove(pod.key);
    this.counts.change(pod, node, -1);
  }
}

/** Its status may differ: what the scheduler counts of it does not. */
function countsTheSame({ metadata }: Pod, { metadata: old }: Pod): boolean {
  return (
    metadata.uid === old.uid &&
    metadata.generation === old.generation &&
    metadata.deletionTimestamp === old.deletionTimestamp &&
    deepEqual(metadata.labels, old.labels)
  );
}
