/**
 * Who owns whom, as the caches tell it. Source: Kubernetes' pkg/controller/garbagecollector/graph_builder.go.
 *
 * An owner that is named and has not been seen is a virtual node: a live read finds out whether it exists. All changes are
 * synchronous; what has to be looked at is handed to {@link Work}.
 */
import type { DiscoveredResource } from '../../client/discovery.ts';
import type { ApiObject, OwnerReference } from '../../machinery/object.ts';
import type { AbsentOwners } from './absent-owners.ts';
import { type Identity, identityOf, sameCoordinates, sameIdentity } from './identity.ts';

export const foregroundFinalizer = 'foregroundDeletion';
export const orphanFinalizer = 'orphan';

export interface Node {
  identity: Identity;
  /** Where it is served; undefined while it is virtual. */
  resource: DiscoveredResource | undefined;
  owners: readonly OwnerReference[];
  readonly dependents: Set<Node>;
  deleting: boolean;
  /** It waits for its dependents (`foregroundDeletion`). */
  deletingDependents: boolean;
  /** How often a live read has found what no cache has told yet. */
  unseen: number;
}

export interface Work {
  attemptToDelete(node: Node): void;
  attemptToOrphan(node: Node): void;
  /** An owner in another namespace does not count. */
  invalidNamespace(dependent: Node, owner: OwnerReference): void;
}

const none: readonly OwnerReference[] = [];

export class OwnerGraph {
  readonly #nodes = new Map<string, Node>();
  readonly #work: Work;
  readonly #absent: AbsentOwners;

  constructor(work: Work, absent: AbsentOwners) {
    this.#work = work;
    this.#absent = absent;
  }

  get(uid: string): Node | undefined {
    return this.#nodes.get(uid);
  }

  observe(resource: DiscoveredResource, object: ApiObject, old: ApiObject | undefined): void {
    const { metadata } = object;
    const owners = metadata.ownerReferences ?? none;
    let node = this.#nodes.get(metadata.uid ?? '');
    if (node === undefined) {
      node = newNode(identityOfObject(object), resource, owners);
      node.deleting = metadata.deletionTimestamp !== undefined;
      this.#nodes.set(node.identity.uid, node);
      this.#addToOwners(node, owners);
    } else {
      if (node.resource === undefined) this.#realize(node, resource, identityOfObject(object));
      if (node.owners.length > 0 || owners.length > 0) this.#changeOwners(node, owners);
      node.deleting = metadata.deletionTimestamp !== undefined;
    }
    if (node.deleting) this.#beginDeletion(node, object, old);
  }

  forget(object: ApiObject): void {
    const node = this.#nodes.get(object.metadata.uid ?? '');
    if (node !== undefined) this.#remove(node);
  }

  /** A live read has not found what `identity` names. */
  forgetAbsent(identity: Identity): void {
    const node = this.#nodes.get(identity.uid);
    if (node === undefined) return;
    if (node.resource !== undefined) {
      if (sameIdentity(node.identity, identity)) this.#remove(node);
      else this.#dismiss(identity, dependentsNaming(node, identity));
      return;
    }
    const naming = dependentsNaming(node, identity);
    if (naming.size === node.dependents.size) {
      this.#remove(node);
      return;
    }
    // Dependents disagree on where the owner is: those that named the absent one are judged, the rest gets its own read.
    this.#dismiss(identity, naming);
    if (!sameIdentity(node.identity, identity)) return;
    for (const dependent of node.dependents) {
      const reference = dependent.owners.find(({ uid }) => uid === identity.uid);
      if (naming.has(dependent) || reference === undefined) continue;
      node.identity = identityOf(reference, dependent.identity.namespace);
      this.#work.attemptToDelete(node);
      return;
    }
  }

  /** The kind is not served any more, which says nothing about its objects: owners among them become virtual. */
  forgetResource(resource: DiscoveredResource): void {
    for (const node of this.#nodes.values()) {
      if (node.resource === undefined || !isSameResource(node.resource, resource)) continue;
      if (node.dependents.size === 0) this.#remove(node);
      else node.resource = undefined;
    }
  }

  #remove(node: Node): void {
    this.#nodes.delete(node.identity.uid);
    this.#removeFromOwners(node, node.owners);
    if (node.dependents.size > 0) this.#dismiss(node.identity, node.dependents);
    for (const { uid } of node.owners) {
      const owner = this.#nodes.get(uid);
      if (owner?.deletingDependents === true) this.#work.attemptToDelete(owner);
    }
  }

  #dismiss(absent: Identity, dependents: Iterable<Node>): void {
    let any = false;
    for (const dependent of dependents) {
      any = true;
      this.#work.attemptToDelete(dependent);
    }
    if (any) this.#absent.add(absent);
  }

  /** What was only named has been seen. */
  #realize(node: Node, resource: DiscoveredResource, identity: Identity): void {
    if (!sameIdentity(node.identity, identity)) {
      for (const dependent of node.dependents) {
        const reference = dependent.owners.find(({ uid }) => uid === identity.uid);
        if (reference === undefined) continue;
        const outside = identity.namespace !== '' && identity.namespace !== dependent.identity.namespace;
        if (outside) this.#work.invalidNamespace(dependent, reference);
        if (outside || !sameCoordinates(reference, identity)) this.#work.attemptToDelete(dependent);
      }
    }
    node.identity = identity;
    node.resource = resource;
  }

  #changeOwners(node: Node, owners: readonly OwnerReference[]): void {
    const before = node.owners;
    if (before === owners) return;
    const removed = before.filter(({ uid }) => !owners.some((owner) => owner.uid === uid));
    const added = owners.filter(({ uid }) => !before.some((owner) => owner.uid === uid));
    node.owners = owners;
    for (const { uid, blockOwnerDeletion } of before) {
      if (blockOwnerDeletion !== true) continue;
      const now = owners.find((owner) => owner.uid === uid);
      if (now?.blockOwnerDeletion === true) continue;
      const owner = this.#nodes.get(uid);
      if (owner !== undefined) this.#work.attemptToDelete(owner);
    }
    this.#removeFromOwners(node, removed);
    this.#addToOwners(node, added);
  }

  #addToOwners(node: Node, owners: readonly OwnerReference[]): void {
    let suspicious = false;
    for (const reference of owners) {
      let owner = this.#nodes.get(reference.uid);
      if (owner === undefined) {
        owner = newNode(identityOf(reference, node.identity.namespace), undefined, none);
        owner.dependents.add(node);
        this.#nodes.set(reference.uid, owner);
        this.#work.attemptToDelete(owner);
        continue;
      }
      owner.dependents.add(node);
      const { namespace } = owner.identity;
      if (namespace !== '' && namespace !== node.identity.namespace) {
        if (owner.resource !== undefined) this.#work.invalidNamespace(node, reference);
        suspicious = true;
      } else if (!sameCoordinates(reference, owner.identity)) {
        suspicious = true;
      }
    }
    if (suspicious) this.#work.attemptToDelete(node);
  }

  /** A virtual owner that nobody names any more is of no interest. */
  #removeFromOwners(node: Node, owners: readonly OwnerReference[]): void {
    for (const { uid } of owners) {
      const owner = this.#nodes.get(uid);
      owner?.dependents.delete(node);
      if (owner?.resource === undefined && owner?.dependents.size === 0) this.#nodes.delete(uid);
    }
  }

  #beginDeletion(node: Node, object: ApiObject, old: ApiObject | undefined): void {
    if (begins(orphanFinalizer, object, old)) {
      this.#work.attemptToOrphan(node);
    } else if (begins(foregroundFinalizer, object, old)) {
      node.deletingDependents = true;
      for (const dependent of node.dependents) this.#work.attemptToDelete(dependent);
      this.#work.attemptToDelete(node);
    }
  }
}

/** Whether the object is being deleted with this finalizer, and was not before. */
function begins(finalizer: string, object: ApiObject, old: ApiObject | undefined): boolean {
  const waits = (candidate: ApiObject | undefined): boolean =>
    candidate?.metadata.deletionTimestamp !== undefined &&
    (candidate.metadata.finalizers?.includes(finalizer) ?? false);
  return waits(object) && !waits(old);
}

function newNode(
  identity: Identity,
  resource: DiscoveredResource | undefined,
  owners: readonly OwnerReference[],
): Node {
  return { identity, resource, owners, dependents: new Set(), deleting: false, deletingDependents: false, unseen: 0 };
}

function identityOfObject({ apiVersion, kind, metadata }: ApiObject): Identity {
  const { namespace = '', name = '', uid = '' } = metadata;
  return { apiVersion, kind, namespace, name, uid };
}

/** The dependents whose reference is to `identity`, and not to another object of this uid. */
function dependentsNaming(node: Node, identity: Identity): Set<Node> {
  const naming = new Set<Node>();
  for (const dependent of node.dependents) {
    if (identity.namespace !== '' && identity.namespace !== dependent.identity.namespace) continue;
    if (dependent.owners.some((owner) => sameCoordinates(owner, identity))) naming.add(dependent);
  }
  return naming;
}

export function isSameResource(a: DiscoveredResource, b: DiscoveredResource): boolean {
  return a.group === b.group && a.version === b.version && a.plural === b.plural;
}
