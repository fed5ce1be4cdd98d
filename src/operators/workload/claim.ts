/**
 * Which objects a workload has: those that it controls and selects. What it selects and nobody controls it adopts; what it
 * controls and selects no more it releases. Source: `k8s.io/kubernetes/pkg/controller/controller_ref_manager.go`.
 */
import type { Client, ResourceClient } from '../../client/client.ts';
import { keyOf, type ResourceDefinition, type TypedObject } from '../../client/definition.ts';
import type { LabelSelector } from '../../machinery/label-selector.ts';
import { controllerReference, getControllerOf } from '../../machinery/owner-reference.ts';
import { isReason } from '../../machinery/status.ts';
import type { Cache } from '../../runtime/index.ts';
import { controlledBy, orphansIn } from './ownership.ts';
import { failuresOf } from './parallel.ts';

export interface ClaimRequest<O extends TypedObject, T extends TypedObject> {
  readonly client: Client;
  readonly owner: O;
  readonly ownerDefinition: ResourceDefinition<O>;
  readonly selector: LabelSelector;
  /** Where the claimed kind is; indexed by controller. */
  readonly cache: Cache<T>;
  /** Others are neither adopted nor released, and not answered. Default: all. */
  readonly filter?: (object: T) => boolean;
}

const strategic = { type: 'application/strategic-merge-patch+json' } as const;

/** The objects of the owner, after adoption and release. @throws when one of those fails, after trying all */
export async function claim<O extends TypedObject, T extends TypedObject>(request: ClaimRequest<O, T>): Promise<T[]> {
  const { client, owner, selector, cache, filter = () => true } = request;
  const objects = client.resource(cache.definition);
  const deleting = owner.metadata.deletionTimestamp !== undefined;
  const claimed: T[] = [];
  const released: T[] = [];
  for (const object of controlledBy(cache, owner)) {
    if (!filter(object)) continue;
    if (selector.matches(object.metadata.labels)) claimed.push(object);
    else if (!deleting) released.push(object);
  }
  const adopted = deleting
    ? []
    : orphansIn(cache, owner.metadata.namespace).filter(
        (object) =>
          filter(object) && object.metadata.deletionTimestamp === undefined && selector.matches(object.metadata.labels),
      );
  if (adopted.length === 0 && released.length === 0) return claimed;
  if (adopted.length > 0) await requireAlive(request);
  const failures = await failuresOf(adopted, async (object) => {
    const own = await adopt(objects, object, request);
    if (own !== undefined) claimed.push(own);
  });
  failures.push(...(await failuresOf(released, (object) => release(objects, object, owner))));
  if (failures.length > 0) throw failures[0];
  return claimed;
}

/** A cache may be behind: an owner that is being deleted must not adopt what its deletion has just orphaned. */
async function requireAlive<O extends TypedObject>({
  client,
  owner,
  ownerDefinition,
}: Pick<ClaimRequest<O, TypedObject>, 'client' | 'owner' | 'ownerDefinition'>): Promise<void> {
  const { namespace, name, uid } = owner.metadata;
  const { kind } = ownerDefinition;
  const fresh = await client.resource(ownerDefinition).get(keyOf(owner));
  if (fresh.metadata.uid !== uid) {
    throw new Error(`original ${kind} ${namespace}/${name} is gone: got uid ${fresh.metadata.uid}, wanted ${uid}`);
  }
  if (fresh.metadata.deletionTimestamp !== undefined) {
    throw new Error(`${kind} ${namespace}/${name} has just been deleted at ${fresh.metadata.deletionTimestamp}`);
  }
}

/** The uid in the patch makes it fail when another object has taken the name. */
async function adopt<O extends TypedObject, T extends TypedObject>(
  objects: ResourceClient<T>,
  object: T,
  { owner, ownerDefinition }: ClaimRequest<O, T>,
): Promise<T | undefined> {
  const reference = { ...controllerReference(owner, ownerDefinition) };
  const patch = { metadata: { ownerReferences: [reference], uid: object.metadata.uid ?? '' } };
  try {
    return await objects.patch(keyOf(object), patch, strategic);
  } catch (error) {
    if (isReason(error, 'NotFound')) return undefined;
    throw error;
  }
}

async function release<T extends TypedObject>(
  objects: ResourceClient<T>,
  object: T,
  owner: TypedObject,
): Promise<void> {
  const { uid = '' } = object.metadata;
  const patch = { metadata: { ownerReferences: [{ $patch: 'delete', uid: owner.metadata.uid ?? '' }], uid } };
  try {
    await objects.patch(keyOf(object), patch, strategic);
  } catch (error) {
    // Gone; or (Invalid) no longer ours, or another object of the same name.
    if (!isReason(error, 'NotFound', 'Invalid')) throw error;
  }
}

/** Whose claim to an orphan has to be looked at: `owners` in its namespace that select it. */
export function* claimants<O extends TypedObject>(
  object: TypedObject,
  owners: readonly O[],
  selectorOf: (owner: O) => LabelSelector,
): Iterable<{ namespace?: string | undefined; name: string }> {
  if (getControllerOf(object) !== undefined) return;
  for (const owner of owners) {
    const selector = selectorOf(owner);
    if (!selector.empty && selector.matches(object.metadata.labels)) yield keyOf(owner);
  }
}
