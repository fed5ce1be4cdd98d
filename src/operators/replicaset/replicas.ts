/** Makes the number of pods what the ReplicaSet says. Source: `manageReplicas` in Kubernetes' replica_set.go. */
import { Pod, ReplicaSet } from '../../client/kinds.ts';
import { getControllerOf } from '../../machinery/owner-reference.ts';
import type { KeyContext } from '../../runtime/index.ts';
import { controlledBy } from '../workload/ownership.ts';
import { failuresOf } from '../workload/parallel.ts';
import { createPod, deletePod, isNamespaceTerminating, messageOf, podFromTemplate } from '../workload/pod-control.ts';
import { isPodActive } from '../workload/pods.ts';
import { slowStart } from '../workload/slow-start.ts';
import { podsToDelete } from './ranking.ts';
import type { ReplicaFailure } from './status.ts';

/** At most so many pods are made or deleted in one go. */
const burst = 500;

export interface ReplicaError extends ReplicaFailure {
  readonly error: unknown;
}

/** `pods` are the active ones that the ReplicaSet has claimed. Answers what went wrong, or that all is as it should be. */
export async function manageReplicas(
  replicaSet: ReplicaSet,
  pods: readonly Pod[],
  context: KeyContext,
): Promise<ReplicaError | undefined> {
  const missing = (replicaSet.spec?.replicas ?? 1) - pods.length;
  if (missing > 0) return create(replicaSet, Math.min(missing, burst), context);
  if (missing < 0) return remove(replicaSet, pods, Math.min(-missing, burst), context);
  return undefined;
}

async function create(replicaSet: ReplicaSet, count: number, context: KeyContext): Promise<ReplicaError | undefined> {
  const { template } = replicaSet.spec ?? {};
  const pod = podFromTemplate(template ?? {}, replicaSet, ReplicaSet);
  const { error } = await slowStart(count, async () => {
    await createPod(context, replicaSet, pod);
  });
  if (error === undefined || isNamespaceTerminating(error)) return undefined;
  return { reason: 'FailedCreate', message: messageOf(error), error };
}

async function remove(
  replicaSet: ReplicaSet,
  pods: readonly Pod[],
  count: number,
  context: KeyContext,
): Promise<ReplicaError | undefined> {
  const victims = podsToDelete(pods, relatedPods(replicaSet, context), count, context.clock.now());
  const [error] = await failuresOf(victims, (pod) => deletePod(context, replicaSet, pod));
  return error === undefined ? undefined : { reason: 'FailedDelete', message: messageOf(error), error };
}

/** The active pods of all ReplicaSets of the same Deployment: the old and the new do the same work. */
function relatedPods(replicaSet: ReplicaSet, context: KeyContext): Pod[] {
  const controller = getControllerOf(replicaSet);
  const family =
    controller === undefined
      ? [replicaSet]
      : controlledBy(context.cache(ReplicaSet), { metadata: { uid: controller.uid } });
  const pods = context.cache(Pod);
  return family.flatMap((member) => controlledBy(pods, member).filter(isPodActive));
}
