/**
 * What becomes of claims when their pod or their set goes: who is to take a claim along owns it, and the garbage collector
 * does the rest. Source: KEP-1847; Kubernetes' stateful_set_utils.go.
 */
import { keyOf, type ObjectKey, type TypedObject } from '../../client/definition.ts';
import { PersistentVolumeClaim, Pod, StatefulSet } from '../../client/kinds.ts';
import { deepEqual } from '../../machinery/json.ts';
import type { OwnerReference } from '../../machinery/object.ts';
import { controllerReference } from '../../machinery/owner-reference.ts';
import { isReason } from '../../machinery/status.ts';
import type { KeyContext } from '../../runtime/index.ts';
import { claimsOf, ordinalOf, startOf } from './identity.ts';

/** Gives the claims of a pod the owner that the set's policy wants: the set, the pod that is one too many, or none. */
export async function ownClaims(set: StatefulSet, pod: TypedObject, context: KeyContext): Promise<void> {
  const cache = context.cache(PersistentVolumeClaim);
  for (const { metadata } of claimsOf(set, pod.metadata.name ?? '')) {
    const claim = cache.get(keyOf({ metadata }));
    const ownerReferences = claim === undefined ? undefined : ownersOf(claim, set, pod);
    if (claim === undefined || ownerReferences === undefined) continue;
    try {
      await context.client
        .resource(PersistentVolumeClaim)
        .update({ ...claim, metadata: { ...claim.metadata, ownerReferences } });
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
    }
  }
}

/** Whether a claim still belongs to an earlier pod of this name, and goes with it: the next pod is to get one of its own. */
export function hasStaleClaim(set: StatefulSet, podName: string, uid: string, context: KeyContext): boolean {
  if (policyOf(set).whenScaled !== 'Delete') return false;
  const cache = context.cache(PersistentVolumeClaim);
  return claimsOf(set, podName).some(({ metadata }) =>
    cache
      .get(keyOf({ metadata }))
      ?.metadata.ownerReferences?.some((owner) => owner.kind === 'Pod' && owner.name === podName && owner.uid !== uid),
  );
}

/** The sets that may wait for a claim to be gone. */
export function setsOfClaim({ metadata }: PersistentVolumeClaim, sets: readonly StatefulSet[]): ObjectKey[] {
  const { name = '' } = metadata;
  const uses = (set: StatefulSet): boolean =>
    (set.spec?.volumeClaimTemplates ?? []).some((claim) =>
      name.startsWith(`${claim.metadata?.name}-${set.metadata.name}-`),
    );
  return sets.filter(uses).map(keyOf);
}

interface RetentionPolicy {
  readonly whenDeleted: string;
  readonly whenScaled: string;
}

function policyOf({ spec }: StatefulSet): RetentionPolicy {
  const { whenDeleted = 'Retain', whenScaled = 'Retain' } = spec?.persistentVolumeClaimRetentionPolicy ?? {};
  return { whenDeleted, whenScaled };
}

/** The owners as they are to be; undefined when they are so already, or when somebody else controls the claim. */
function ownersOf(claim: PersistentVolumeClaim, set: StatefulSet, pod: TypedObject): OwnerReference[] | undefined {
  const before = claim.metadata.ownerReferences ?? [];
  const isOf = (owner: OwnerReference, kind: string, { metadata }: TypedObject): boolean =>
    owner.kind === kind && owner.name === metadata.name;
  const others = before.filter((owner) => !isOf(owner, 'StatefulSet', set) && !isOf(owner, 'Pod', pod));
  const owner = ownerOf(set, pod);
  if (owner !== undefined && others.some(({ controller }) => controller === true)) return undefined;
  const after = owner === undefined ? others : [...others, owner];
  return deepEqual(before, after) ? undefined : after;
}

function ownerOf(set: StatefulSet, pod: TypedObject): OwnerReference | undefined {
  const { whenDeleted, whenScaled } = policyOf(set);
  const ordinal = ordinalOf(pod, set);
  const start = startOf(set);
  const isCondemned = ordinal < start || ordinal >= start + (set.spec?.replicas ?? 1);
  if (isCondemned && whenScaled === 'Delete') return controllerReference(pod, Pod);
  return whenDeleted === 'Delete' ? controllerReference(set, StatefulSet) : undefined;
}
