/**
 * Decides what becomes of an object whose owners go or are gone. Source: `attemptToDeleteItem` in Kubernetes'
 * pkg/controller/garbagecollector/garbagecollector.go. Whatever is decided rests on live reads, never on the graph alone.
 */
import type { Client, ResourceClient } from '../../client/client.ts';
import type { DiscoveredResource } from '../../client/discovery.ts';
import type { ApiObject, ObjectMeta, OwnerReference } from '../../machinery/object.ts';
import { isReason, type StatusError } from '../../machinery/status.ts';
import { finalizeObject } from '../../runtime/finalizer.ts';
import { forAll } from '../workload/parallel.ts';
import type { AbsentOwners } from './absent-owners.ts';
import { foregroundFinalizer, type Node, type OwnerGraph, orphanFinalizer, type Work } from './graph.ts';
import { type Identity, identityOf } from './identity.ts';

export interface Collector {
  readonly client: Client;
  readonly graph: OwnerGraph;
  readonly absent: AbsentOwners;
  readonly work: Work;
}

/** What remains to be done about a node. */
export type Outcome =
  | 'done'
  /** A live read has found what no cache has told yet. */
  | 'unseen'
  /** It names a kind that nobody serves (yet). */
  | 'unserved';

export async function attemptToDelete(node: Node, collector: Collector): Promise<Outcome> {
  // On its way: its dependents' turn comes when it is gone.
  if (node.deleting && !node.deletingDependents) return 'done';
  const { client, graph } = collector;
  const resource = node.resource ?? (await serving(client, node.identity));
  if (resource === undefined) return 'unserved';
  // A virtual node was taken to be where its dependent is.
  if (!resource.namespaced && node.identity.namespace !== '') node.identity = { ...node.identity, namespace: '' };
  const objects = client.resource(resource);
  const latest = await read(objects, resource, node.identity);
  if (latest === undefined) {
    graph.forgetAbsent(node.identity);
    return 'done';
  }
  const outcome = node.resource === undefined ? 'unseen' : 'done';
  if (node.deletingDependents) {
    await finishForeground(node, objects, collector);
    return outcome;
  }
  const owners = latest.metadata.ownerReferences ?? [];
  if (owners.length === 0) return outcome;
  const judged = await judge(owners, node, collector);
  if (judged === 'unserved') return 'unserved';
  // A cluster-scoped object cannot be owned by one in a namespace: it is left alone.
  if (judged === 'misowned') return 'done';
  const { solid, dangling, waiting } = judged;
  if (solid.length > 0) {
    const gone = new Set([...dangling, ...waiting].map(({ uid }) => uid));
    if (gone.size > 0)
      await setOwners(
        objects,
        latest,
        owners.filter(({ uid }) => !gone.has(uid)),
      );
  } else if (waiting.length > 0 && node.dependents.size > 0) {
    await deleteInForeground(node, objects, latest);
  } else {
    await remove(objects, latest, policyOf(latest.metadata));
  }
  return outcome;
}

/** Takes the owner off its dependents, then lets it go. */
export async function orphanDependents(node: Node, { client }: Collector): Promise<void> {
  const { uid } = node.identity;
  await forAll([...node.dependents], (dependent) => disown(dependent, uid, client));
  if (node.resource !== undefined) await finalizeObject(client.resource(node.resource), node.identity, orphanFinalizer);
}

async function disown({ identity, resource }: Node, owner: string, client: Client): Promise<void> {
  if (resource === undefined) return;
  const objects = client.resource(resource);
  const latest = await read(objects, resource, identity);
  const owners = latest?.metadata.ownerReferences ?? [];
  const others = owners.filter(({ uid }) => uid !== owner);
  if (latest !== undefined && others.length < owners.length) await setOwners(objects, latest, others);
}

interface Judgement {
  readonly solid: OwnerReference[];
  readonly dangling: OwnerReference[];
  /** These owners wait for their dependents to go. */
  readonly waiting: OwnerReference[];
}

async function judge(
  owners: readonly OwnerReference[],
  node: Node,
  collector: Collector,
): Promise<Judgement | 'unserved' | 'misowned'> {
  const judgement: Judgement = { solid: [], dangling: [], waiting: [] };
  for (const reference of owners) {
    const owner = await ownerOf(reference, node.identity.namespace, collector);
    if (typeof owner === 'string') return owner;
    if (owner === undefined) judgement.dangling.push(reference);
    else if (waitsForDependents(owner.metadata)) judgement.waiting.push(reference);
    else judgement.solid.push(reference);
  }
  return judgement;
}

/** The owner as it is now, in the dependent's namespace; undefined when there is none of this uid. */
async function ownerOf(
  reference: OwnerReference,
  namespace: string,
  { client, absent }: Collector,
): Promise<ApiObject | undefined | 'unserved' | 'misowned'> {
  if (absent.has(identityOf(reference, '')) || absent.has(identityOf(reference, namespace))) return undefined;
  const resource = await serving(client, reference);
  if (resource === undefined) return 'unserved';
  if (resource.namespaced && namespace === '') return 'misowned';
  const identity = identityOf(reference, resource.namespaced ? namespace : '');
  const owner = await read(client.resource(resource), resource, identity);
  if (owner === undefined) absent.add(identity);
  return owner;
}

const waitsForDependents = ({ deletionTimestamp, finalizers }: ObjectMeta): boolean =>
  deletionTimestamp !== undefined && (finalizers?.includes(foregroundFinalizer) ?? false);

/** Lets the node go when no dependent blocks it any more; sees to those that do. */
async function finishForeground(node: Node, objects: ResourceClient<ApiObject>, { work }: Collector): Promise<void> {
  const { uid } = node.identity;
  const blocking = [...node.dependents].filter(({ owners }) =>
    owners.some((owner) => owner.uid === uid && owner.blockOwnerDeletion === true),
  );
  if (blocking.length === 0) {
    await finalizeObject(objects, keyOf(node.identity), foregroundFinalizer);
    return;
  }
  for (const dependent of blocking) if (!dependent.deletingDependents) work.attemptToDelete(dependent);
}

/** An owner waits for the object, which itself has dependents: those go first. */
async function deleteInForeground(node: Node, objects: ResourceClient<ApiObject>, latest: ApiObject): Promise<void> {
  let object = latest;
  if ([...node.dependents].some(({ deletingDependents }) => deletingDependents)) {
    // Owners that wait for each other would wait for ever.
    const owners = latest.metadata.ownerReferences ?? [];
    object = await setOwners(
      objects,
      latest,
      owners.map((owner) => ({ ...owner, blockOwnerDeletion: false })),
    );
  }
  await remove(objects, object, 'Foreground');
}

function policyOf({ finalizers = [] }: ObjectMeta): 'Orphan' | 'Foreground' | 'Background' {
  if (finalizers.includes(orphanFinalizer)) return 'Orphan';
  return finalizers.includes(foregroundFinalizer) ? 'Foreground' : 'Background';
}

/** Only this object, as it was judged: a new owner reference makes it another case. */
async function remove(
  objects: ResourceClient<ApiObject>,
  { metadata }: ApiObject,
  propagationPolicy: 'Orphan' | 'Foreground' | 'Background',
): Promise<void> {
  const { uid = '', resourceVersion = '' } = metadata;
  try {
    await objects.delete(keyOf(metadata), { propagationPolicy, preconditions: { uid, resourceVersion } });
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
  }
}

/** The version makes it a compare-and-swap: a list in a merge patch replaces the whole list. */
async function setOwners(
  objects: ResourceClient<ApiObject>,
  object: ApiObject,
  owners: readonly OwnerReference[],
): Promise<ApiObject> {
  const { resourceVersion = '', uid = '' } = object.metadata;
  const ownerReferences = owners.length === 0 ? null : owners.map((owner) => ({ ...owner }));
  try {
    return await objects.patch(keyOf(object.metadata), { metadata: { uid, resourceVersion, ownerReferences } });
  } catch (error) {
    if (isReason(error, 'NotFound')) return object;
    throw error;
  }
}

async function serving(
  client: Client,
  { apiVersion, kind }: { readonly apiVersion: string; readonly kind: string },
): Promise<DiscoveredResource | undefined> {
  try {
    return await client.mapper.resourceFor({ apiVersion, kind });
  } catch (error) {
    if (isReason(error, 'NotFound')) return undefined;
    throw error;
  }
}

/** What `identity` names, if it is there; another object of the same name is not. */
async function read(
  objects: ResourceClient<ApiObject>,
  { namespaced }: DiscoveredResource,
  identity: Identity,
): Promise<ApiObject | undefined> {
  try {
    const found = await objects.get(namespaced ? keyOf(identity) : { name: identity.name });
    return found.metadata.uid === identity.uid ? found : undefined;
  } catch (error) {
    // A bare 404 says that the kind is not served, and nothing about the object.
    if (isReason(error, 'NotFound') && (error as StatusError).status.details?.name !== undefined) return undefined;
    throw error;
  }
}

function keyOf({ namespace, name = '' }: { namespace?: string; name?: string }): { namespace?: string; name: string } {
  return namespace === undefined || namespace === '' ? { name } : { namespace, name };
}
