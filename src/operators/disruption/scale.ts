/** How many pods the controllers of some pods want, all together. */

import type { ResourceDefinition, TypedObject } from '../../client/definition.ts';
import { Deployment, type Pod, ReplicaSet, ReplicationController, StatefulSet } from '../../client/kinds.ts';
import { type OwnerReference, parseGroupVersion, qualified } from '../../machinery/object.ts';
import { getControllerOf } from '../../machinery/owner-reference.ts';
import { isReason } from '../../machinery/status.ts';
import type { KeyContext } from '../../runtime/index.ts';

export interface ExpectedScale {
  readonly scale: number;
  /** Whether there are pods that nobody controls: they count for nothing. */
  readonly unmanaged: boolean;
}

/** @throws when a controller is gone, or has no scale */
export async function expectedScale(pods: readonly Pod[], context: KeyContext): Promise<ExpectedScale> {
  const asked = new Set<string>();
  const scales = new Map<string, number>();
  let unmanaged = false;
  for (const pod of pods) {
    const controller = getControllerOf(pod);
    if (controller === undefined) unmanaged = true;
    else if (!asked.has(controller.uid)) {
      asked.add(controller.uid);
      const { uid, replicas } = await scaleOf(controller, pod, context);
      scales.set(uid, replicas);
    }
  }
  return { scale: [...scales.values()].reduce((sum, replicas) => sum + replicas, 0), unmanaged };
}

interface Scaled {
  readonly uid: string;
  readonly replicas: number;
}

async function scaleOf(controller: OwnerReference, pod: Pod, context: KeyContext): Promise<Scaled> {
  const { namespace = '', name } = pod.metadata;
  const found = knownScale(controller, namespace, context) ?? (await servedScale(controller, namespace, context));
  if (found === undefined) throw new Error(`found no controllers for pod ${JSON.stringify(name)}`);
  return found;
}

/** Of Kubernetes' own workloads: a Deployment's where it has made the ReplicaSet. */
function knownScale(controller: OwnerReference, namespace: string, context: KeyContext): Scaled | undefined {
  const { group } = parseGroupVersion(controller.apiVersion);
  switch (`${controller.kind}.${group}`) {
    case 'ReplicationController.':
      return scaledBy(ReplicationController, controller, namespace, context);
    case 'StatefulSet.apps':
      return scaledBy(StatefulSet, controller, namespace, context);
    case 'ReplicaSet.apps': {
      const replicaSet = context.cache(ReplicaSet).get({ namespace, name: controller.name });
      const owner = replicaSet?.metadata.uid === controller.uid ? getControllerOf(replicaSet) : undefined;
      if (owner?.kind === 'Deployment') return scaledBy(Deployment, owner, namespace, context);
      return scaledBy(ReplicaSet, controller, namespace, context);
    }
    default:
      return undefined;
  }
}

function scaledBy<T extends TypedObject & { spec?: { replicas?: number } }>(
  definition: ResourceDefinition<T>,
  { name, uid }: OwnerReference,
  namespace: string,
  context: KeyContext,
): Scaled | undefined {
  const object = context.cache(definition).get({ namespace, name });
  return object?.metadata.uid === uid ? { uid, replicas: object.spec?.replicas ?? 1 } : undefined;
}

/** Of any kind with the subresource. */
async function servedScale(
  { apiVersion, kind, name, uid }: OwnerReference,
  namespace: string,
  { client }: KeyContext,
): Promise<Scaled | undefined> {
  const resource = await client.dynamic({ apiVersion, kind });
  try {
    const { metadata, spec } = await resource.getScale({ namespace, name });
    return metadata.uid === uid ? { uid, replicas: spec.replicas ?? 0 } : undefined;
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
    const { group, plural } = resource.definition;
    const { resources } = await client.transport.document(group === '' ? '/api/v1' : `/apis/${apiVersion}`);
    const served = (resources ?? []) as unknown as readonly { name: string }[];
    if (served.some((one) => one.name === `${plural}/scale`)) return undefined;
    throw new Error(`${qualified(plural, group)} does not implement the scale subresource`);
  }
}
