/**
 * Keeps a claim that is being deleted until no pod uses it. Source: `k8s.io/kubernetes/pkg/controller/volume/pvcprotection`.
 */
import type { ObjectKey } from '../../client/definition.ts';
import { PersistentVolumeClaim, Pod } from '../../client/kinds.ts';
import type { KeyContext } from '../../runtime/index.ts';
import type { ControllerModule } from '../controller-module.ts';
import { addFinalizer, removeFinalizer } from './finalizer.ts';

const name = 'persistentvolumeclaim-protection-controller';
const finalizer = 'kubernetes.io/pvc-protection';
const podsOfClaim = 'claim';

export const claimProtectionController: ControllerModule = {
  name,
  add(manager) {
    manager
      .cache(Pod)
      .index(podsOfClaim, (pod) => claimNames(pod).map((claim) => `${pod.metadata.namespace}/${claim}`));
    const claims = (pod: Pod): ObjectKey[] =>
      claimNames(pod).map((claim) => ({ namespace: pod.metadata.namespace ?? '', name: claim }));
    manager
      .controller(name, { for: PersistentVolumeClaim, concurrency: 4 })
      .watches(Pod, claims, { predicate: { added: () => false, updated: (pod) => isShutDown(pod) } })
      .reconcileKey(protect);
  },
};

async function protect(key: ObjectKey, context: KeyContext): Promise<undefined> {
  const claim = context.cache(PersistentVolumeClaim).get(key);
  if (claim === undefined) return;
  const claims = context.client.resource(PersistentVolumeClaim);
  const { deletionTimestamp, finalizers = [] } = claim.metadata;
  if (deletionTimestamp === undefined) await addFinalizer(claims, claim, finalizer);
  else if (finalizers.includes(finalizer) && !(await isUsed(claim, context)))
    await removeFinalizer(claims, claim, finalizer);
}

/** That the cache knows of no pod is not enough to lose data by: a live list has the last word. */
async function isUsed(claim: PersistentVolumeClaim, context: KeyContext): Promise<boolean> {
  const { namespace = '', name: claimName } = claim.metadata;
  if (
    context
      .cache(Pod)
      .byIndex(podsOfClaim, `${namespace}/${claimName}`)
      .some((pod) => uses(pod, claim))
  )
    return true;
  const { items } = await context.client.resource(Pod).list({ namespace });
  return items.some((pod) => uses(pod, claim));
}

/** Only once it has a node: no agent starts a pod with a claim that is being deleted. */
function uses(pod: Pod, { metadata }: PersistentVolumeClaim): boolean {
  if ((pod.spec?.nodeName ?? '') === '') return false;
  return (pod.spec?.volumes ?? []).some((volume) => {
    if (volume.persistentVolumeClaim?.claimName === metadata.name) return true;
    return (
      volume.ephemeral !== undefined &&
      !isShutDown(pod) &&
      ephemeralClaim(pod, volume.name) === metadata.name &&
      (metadata.ownerReferences ?? []).some(({ controller, uid }) => controller === true && uid === pod.metadata.uid)
    );
  });
}

function claimNames(pod: Pod): string[] {
  return (pod.spec?.volumes ?? []).flatMap(({ name: volume, persistentVolumeClaim, ephemeral }) => {
    if (persistentVolumeClaim !== undefined) return [persistentVolumeClaim.claimName];
    return ephemeral === undefined ? [] : [ephemeralClaim(pod, volume)];
  });
}

const ephemeralClaim = (pod: Pod, volume: string): string => `${pod.metadata.name}-${volume}`;

/** Nothing of it runs any more; it only waits for its finalizers, which may wait for the claim in turn. */
const isShutDown = ({ metadata }: Pod): boolean =>
  metadata.deletionTimestamp !== undefined && metadata.deletionGracePeriodSeconds === 0;
