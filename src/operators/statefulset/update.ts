/**
 * One step towards the pods that a StatefulSet wants: made in the order of their ordinals, deleted in the reverse order,
 * one after the other unless `podManagementPolicy` is `Parallel`. Source: Kubernetes' stateful_set_control.go.
 */
import type { ControllerRevision, Pod, StatefulSet } from '../../client/kinds.ts';
import { scaledValueFromIntOrPercent } from '../../machinery/int-or-percent.ts';
import type { KeyContext } from '../../runtime/index.ts';
import { forAll } from '../workload/parallel.ts';
import { isPodAvailable, isPodReady } from '../workload/pods.ts';
import { templateOf } from '../workload/revisions.ts';
import { ordinalOf, revisionOf, startOf } from './identity.ts';
import { createMissingClaims, createStatefulPod, deleteStatefulPod, restoreIdentity } from './pods.ts';
import { hasStaleClaim, ownClaims } from './retention.ts';

export interface Revisions {
  /** What pods had before the update that is under way; the same as `update` when there is none. */
  readonly current: ControllerRevision;
  readonly update: ControllerRevision;
}

const isTerminating = ({ metadata }: Pod): boolean => metadata.deletionTimestamp !== undefined;
export const isRunningAndReady = (pod: Pod): boolean => pod.status?.phase === 'Running' && isPodReady(pod);
const isHealthy = (pod: Pod): boolean => isRunningAndReady(pod) && !isTerminating(pod);

export async function stepTowards(
  set: StatefulSet,
  pods: readonly Pod[],
  revisions: Revisions,
  context: KeyContext,
): Promise<void> {
  const start = startOf(set);
  const end = start + (set.spec?.replicas ?? 1);
  const byOrdinal = new Map(pods.map((pod) => [ordinalOf(pod, set), pod]));
  const condemned = [...byOrdinal].filter(([ordinal]) => ordinal >= 0 && (ordinal < start || ordinal >= end));
  condemned.sort(([a], [b]) => b - a);
  const ordinals = Array.from({ length: end - start }, (_, index) => start + index);
  const monotonic = set.spec?.podManagementPolicy !== 'Parallel';
  const step = { set, revisions, context, monotonic };

  if (monotonic) {
    for (const ordinal of ordinals) if (!(await processReplica(step, ordinal, byOrdinal.get(ordinal)))) return;
  } else {
    await forAll(ordinals, (ordinal) => processReplica(step, ordinal, byOrdinal.get(ordinal)));
  }
  const replicas = ordinals.map((ordinal) => byOrdinal.get(ordinal));
  if (
    await removeCondemned(
      step,
      condemned.map(([, pod]) => pod),
      replicas,
    )
  )
    return;
  if (set.spec?.updateStrategy?.type !== 'OnDelete') await replaceOutdated(step, replicas);
}

interface Step {
  readonly set: StatefulSet;
  readonly revisions: Revisions;
  readonly context: KeyContext;
  readonly monotonic: boolean;
}

/** Answers whether the next ordinal may follow. */
async function processReplica(step: Step, ordinal: number, pod: Pod | undefined): Promise<boolean> {
  const { set, revisions, context, monotonic } = step;
  const name = `${set.metadata.name}-${ordinal}`;
  if (hasStaleClaim(set, name, pod?.metadata.uid ?? '', context)) return false;
  if (pod === undefined) {
    const revision = isCurrentNeeded(set, ordinal) ? revisions.current : revisions.update;
    await createStatefulPod(set, ordinal, templateOf(revision), revision.metadata.name ?? '', context);
    return !monotonic;
  }
  if (pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded') {
    if (!isTerminating(pod)) await deleteStatefulPod(set, pod, context);
    return false;
  }
  if (pod.status?.phase === 'Pending') await createMissingClaims(set, pod.metadata.name ?? '', context);
  const available = isAvailable(step, pod);
  if (monotonic && (isTerminating(pod) || !available)) return false;
  await restoreIdentity(set, pod, context);
  await ownClaims(set, pod, context);
  return true;
}

const isAvailable = ({ set, context }: Step, pod: Pod): boolean =>
  isRunningAndReady(pod) && isPodAvailable(pod, set.spec?.minReadySeconds ?? 0, context.clock.now());

/** Whether a pod that is made now still gets the old template: those below the partition, and those not yet updated. */
function isCurrentNeeded(set: StatefulSet, ordinal: number): boolean {
  const { updateStrategy } = set.spec ?? {};
  if (updateStrategy?.type !== 'RollingUpdate') return false;
  const kept =
    updateStrategy.rollingUpdate === undefined
      ? (set.status?.currentReplicas ?? 0)
      : (updateStrategy.rollingUpdate.partition ?? 0);
  return ordinal < startOf(set) + kept;
}

/** Deletes pods beyond the wanted number, the highest ordinal first. Answers whether to wait. */
async function removeCondemned(
  step: Step,
  condemned: readonly Pod[],
  replicas: readonly (Pod | undefined)[],
): Promise<boolean> {
  const { set, context, monotonic } = step;
  for (const pod of condemned) await ownClaims(set, pod, context);
  const unhealthy = [...replicas, ...[...condemned].reverse()].find((pod) => pod !== undefined && !isHealthy(pod));
  if (!monotonic) {
    const living = condemned.filter((pod) => !isTerminating(pod));
    await forAll(living, (pod) => deleteStatefulPod(set, pod, context));
    return false;
  }
  const [highest] = condemned;
  if (highest === undefined) return false;
  if (isTerminating(highest)) return true;
  if (!isAvailable(step, highest) && highest !== unhealthy) return true;
  await deleteStatefulPod(set, highest, context);
  return true;
}

/**
 * Deletes the outdated pod with the highest ordinal, when all above it are up to date and healthy; with `maxUnavailable`,
 * as many of them as may be missing.
 */
async function replaceOutdated(step: Step, replicas: readonly (Pod | undefined)[]): Promise<void> {
  const { set, revisions, context } = step;
  const { partition = 0, maxUnavailable = 1 } = set.spec?.updateStrategy?.rollingUpdate ?? {};
  const most = Math.max(1, scaledValueFromIntOrPercent(maxUnavailable, replicas.length, false));
  if (most > 1) {
    const missing = replicas.filter((pod) => pod === undefined || isTerminating(pod) || !isAvailable(step, pod)).length;
    const outdated = replicas
      .slice(partition)
      .filter((pod) => pod !== undefined && revisionOf(pod) !== revisions.update.metadata.name && !isTerminating(pod));
    const chosen = outdated.reverse().slice(0, Math.max(0, most - missing)) as Pod[];
    for (const pod of chosen) await deleteStatefulPod(set, pod, context);
    return;
  }
  for (let index = replicas.length - 1; index >= partition; index--) {
    const pod = replicas[index];
    if (pod === undefined) return;
    if (revisionOf(pod) !== revisions.update.metadata.name && !isTerminating(pod)) {
      await deleteStatefulPod(set, pod, context);
      return;
    }
    if (!isHealthy(pod)) return;
  }
}
