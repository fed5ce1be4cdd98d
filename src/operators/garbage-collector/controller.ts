/**
 * Deletes what has lost its owners, and carries out foreground and orphaning deletion.
 * Source: `k8s.io/kubernetes/pkg/controller/garbagecollector`.
 *
 * One queue holds three kinds of keys: `delete/<uid>` and `orphan/<uid>` for objects, and names of CRDs (and of nothing in
 * particular), which all mean that the served resources may have changed.
 */
import { CustomResourceDefinition } from '../../client/kinds.ts';
import type { KeyContext, Result } from '../../runtime/index.ts';
import type { ManagerScope } from '../../runtime/manager.ts';
import type { ControllerModule } from '../controller-module.ts';
import { AbsentOwners } from './absent-owners.ts';
import { attemptToDelete, type Collector, orphanDependents } from './deletion.ts';
import { type Node, OwnerGraph, type Work } from './graph.ts';
import { identityOf, identityText } from './identity.ts';
import { WatchedResources } from './resources.ts';

const name = 'garbage-collector-controller';
/** Not a CRD's name: those have dots. */
const everything = 'resources';
/** Resources also come and go without a CRD. */
const syncPeriod = 30_000;

export const garbageCollectorController: ControllerModule = {
  name,
  add(manager) {
    const collector = new GarbageCollector(manager, (key) => controller.queue.add(key));
    const controller = manager
      .controller(name, { for: CustomResourceDefinition, concurrency: 20 })
      .reconcileKey(({ namespace, name: id }, context) => collector.reconcile(namespace, id, context));
    controller.queue.add(everything);
  },
};

class GarbageCollector implements Work {
  readonly #manager: ManagerScope;
  readonly #enqueue: (key: string) => void;
  readonly #absent = new AbsentOwners();
  readonly #graph = new OwnerGraph(this, this.#absent);
  readonly #resources: WatchedResources;
  readonly #unserved = new Set<string>();
  /** What is found while the first lists come in waits until all are in: owners may come after dependents. */
  #waiting: Set<string> | undefined = new Set();

  constructor(manager: ManagerScope, enqueue: (key: string) => void) {
    this.#manager = manager;
    this.#enqueue = enqueue;
    this.#resources = new WatchedResources(manager, this.#graph);
  }

  attemptToDelete({ identity }: Node): void {
    this.#add(`delete/${identity.uid}`);
  }

  attemptToOrphan({ identity }: Node): void {
    this.#add(`orphan/${identity.uid}`);
  }

  invalidNamespace({ identity }: Node, owner: Parameters<Work['invalidNamespace']>[1]): void {
    const { apiVersion, kind, namespace, name: dependent, uid } = identity;
    this.#manager.events.record(
      { apiVersion, kind, metadata: { name: dependent, uid, ...(namespace === '' ? {} : { namespace }) } },
      'Warning',
      'OwnerRefInvalidNamespace',
      `ownerRef ${identityText(identityOf(owner, namespace))} does not exist in namespace "${namespace}"`,
      name,
    );
  }

  async reconcile(action: string | undefined, id: string, context: KeyContext): Promise<Result> {
    if (action === undefined) return this.#sync(id, context);
    const node = this.#graph.get(id);
    if (node === undefined) return undefined;
    const collector: Collector = { client: context.client, graph: this.#graph, absent: this.#absent, work: this };
    if (action === 'orphan') {
      await orphanDependents(node, collector);
      return undefined;
    }
    const outcome = await attemptToDelete(node, collector);
    if (outcome === 'unserved') this.#unserved.add(`delete/${id}`);
    return outcome === 'unseen' ? { requeueAfter: backoff(node) } : undefined;
  }

  async #sync(id: string, context: KeyContext): Promise<Result> {
    const changed = await this.#resources.sync(context);
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const key of waiting) this.#enqueue(key);
    if (changed) {
      const again = [...this.#unserved];
      this.#unserved.clear();
      for (const key of again) this.#enqueue(key);
    }
    return id === everything ? { requeueAfter: syncPeriod } : undefined;
  }

  #add(key: string): void {
    if (this.#waiting === undefined) this.#enqueue(key);
    else this.#waiting.add(key);
  }
}

/** As a failing key waits. */
function backoff(node: Node): number {
  node.unseen += 1;
  return Math.min(5 * 2 ** (node.unseen - 1), 1_000_000);
}
