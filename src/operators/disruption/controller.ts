/**
 * Disruption budgets: counts the healthy pods of each, and says how many of them may be evicted.
 * Source: `k8s.io/kubernetes/pkg/controller/disruption`.
 */
import {
  type BudgetStatus,
  disruptionAllowed,
  syncFailed,
  withDisruptionAllowed,
} from '../../apis/policy/disruption-allowed.ts';
import { keyOf, type ObjectKey } from '../../client/definition.ts';
import {
  Deployment,
  Pod,
  PodDisruptionBudget,
  ReplicaSet,
  ReplicationController,
  StatefulSet,
} from '../../client/kinds.ts';
import { formatTime } from '../../clock/clock.ts';
import { setCondition } from '../../machinery/conditions.ts';
import { scaledValueFromIntOrPercent } from '../../machinery/int-or-percent.ts';
import { deepEqual } from '../../machinery/json.ts';
import { isReason } from '../../machinery/status.ts';
import type { KeyContext, Result } from '../../runtime/index.ts';
import type { ControllerModule } from '../controller-module.ts';
import { messageOf } from '../workload/pod-control.ts';
import { isPodReady } from '../workload/pods.ts';
import { selectorOf } from '../workload/selectors.ts';
import { expectedScale } from './scale.ts';
import { addStaleConditionCleaner } from './stale-conditions.ts';

const name = 'disruption-controller';
/** How long an eviction that was let through may take to become a deletion. */
const deletionTimeout = 2 * 60_000;

export const disruptionController: ControllerModule = {
  name,
  add(manager) {
    const budgets = ({ metadata }: Pod): ObjectKey[] =>
      manager
        .cache(PodDisruptionBudget)
        .list(metadata.namespace)
        .filter(({ spec }) => selectorOf(spec?.selector).matches(metadata.labels))
        .map(keyOf);
    manager
      .controller(name, { for: PodDisruptionBudget, concurrency: 4 })
      .watches(Pod, budgets)
      .reads(ReplicationController)
      .reads(ReplicaSet)
      .reads(Deployment)
      .reads(StatefulSet)
      .reconcileKey(sync);
    addStaleConditionCleaner(manager, name);
  },
};

async function sync(key: ObjectKey, context: KeyContext): Promise<Result> {
  const budget = context.cache(PodDisruptionBudget).get(key);
  if (budget === undefined) return undefined;
  try {
    return await count(budget, context);
  } catch (error) {
    if (isReason(error, 'Conflict')) throw error;
    await allowNothing(budget, messageOf(error), context);
    return undefined;
  }
}

async function count(budget: PodDisruptionBudget, context: KeyContext): Promise<Result> {
  const { namespace, generation } = budget.metadata;
  const selector = selectorOf(budget.spec?.selector);
  const pods = context
    .cache(Pod)
    .list(namespace)
    .filter(({ metadata }) => selector.matches(metadata.labels));
  if (pods.length === 0) context.eventFor(budget, 'Normal', 'NoPods', 'No matching pods found');
  const { expected, desired } = await expectedPods(budget, pods, context);
  const now = context.clock.now();
  const disrupted = stillExpectedToGo(budget, pods, now, context);
  const healthy = pods.filter(
    (pod) =>
      pod.metadata.deletionTimestamp === undefined &&
      disrupted[pod.metadata.name ?? ''] === undefined &&
      isPodReady(pod),
  ).length;
  const status: BudgetStatus = {
    currentHealthy: healthy,
    desiredHealthy: desired,
    expectedPods: expected,
    // A budget without pods is safe against those that come before it is counted anew.
    disruptionsAllowed: expected <= 0 ? 0 : Math.max(0, healthy - desired),
    ...(Object.keys(disrupted).length === 0 ? {} : { disruptedPods: disrupted }),
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    ...(budget.status?.conditions === undefined ? {} : { conditions: budget.status.conditions }),
  };
  await write(budget, { ...status, conditions: withDisruptionAllowed(status, formatTime(now)) }, context);
  const times = Object.values(disrupted).map((time) => Date.parse(time) + deletionTimeout - now);
  // One past the time, which itself is still in time.
  return times.length === 0 ? undefined : { requeueAfter: Math.min(...times) + 1 };
}

interface Expectation {
  readonly expected: number;
  /** How many are to be healthy. */
  readonly desired: number;
}

/** @throws when the controller of a pod does not say how many pods it wants; an event tells of it */
async function expectedPods(
  budget: PodDisruptionBudget,
  pods: readonly Pod[],
  context: KeyContext,
): Promise<Expectation> {
  const { maxUnavailable, minAvailable } = budget.spec ?? {};
  if (maxUnavailable === undefined && minAvailable === undefined) return { expected: 0, desired: 0 };
  if (maxUnavailable === undefined && typeof minAvailable === 'number')
    return { expected: pods.length, desired: minAvailable };
  try {
    const { scale, unmanaged } = await expectedScale(pods, context);
    if (unmanaged) context.eventFor(budget, 'Warning', 'UnmanagedPods', unmanagedText(budget));
    if (maxUnavailable === undefined)
      return { expected: scale, desired: scaledValueFromIntOrPercent(minAvailable!, scale, true) };
    const unavailable = scaledValueFromIntOrPercent(maxUnavailable, scale, true);
    return { expected: scale, desired: Math.max(0, scale - unavailable) };
  } catch (error) {
    const message = `Failed to calculate the number of expected pods: ${messageOf(error)}`;
    context.eventFor(budget, 'Warning', 'CalculateExpectedPodCountFailed', message);
    throw error;
  }
}

/** Evicted pods that are not being deleted yet, and when they were evicted: those that waited too long count again. */
function stillExpectedToGo(
  budget: PodDisruptionBudget,
  pods: readonly Pod[],
  now: number,
  context: KeyContext,
): Record<string, string> {
  const waiting: Record<string, string> = {};
  const { disruptedPods = {} } = budget.status ?? {};
  for (const pod of pods) {
    const { name: podName = '', deletionTimestamp } = pod.metadata;
    const time = disruptedPods[podName];
    if (deletionTimestamp !== undefined || time === undefined) continue;
    if (Date.parse(time) + deletionTimeout >= now) {
      waiting[podName] = time;
    } else {
      // Kubernetes, too, names the namespace twice.
      const { namespace } = budget.metadata;
      const message = `Pod was expected by PDB ${namespace}/${namespace} to be deleted but it wasn't`;
      context.eventFor(pod, 'Warning', 'NotDeleted', message);
    }
  }
  return waiting;
}

/** Where the pods cannot be counted, none is evicted. */
async function allowNothing(budget: PodDisruptionBudget, message: string, context: KeyContext): Promise<void> {
  const { status } = budget;
  const generation = status?.observedGeneration;
  const conditions = setCondition(
    status?.conditions,
    {
      type: disruptionAllowed,
      status: 'False',
      reason: syncFailed,
      message,
      ...(generation === undefined ? {} : { observedGeneration: generation }),
    },
    formatTime(context.clock.now()),
  );
  const counts = { currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 };
  await write(budget, { ...counts, ...status, disruptionsAllowed: 0, conditions }, context);
}

async function write(budget: PodDisruptionBudget, status: BudgetStatus, { client }: KeyContext): Promise<void> {
  if (!deepEqual(budget.status ?? {}, status))
    await client.resource(PodDisruptionBudget).updateStatus({ ...budget, status });
}

function unmanagedText({ spec }: PodDisruptionBudget): string {
  return (
    `Pods selected by this PodDisruptionBudget (selector: ${selectorText(spec?.selector)}) were found to be unmanaged. ` +
    'As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. ' +
    'To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.'
  );
}

type SelectorSpec = NonNullable<PodDisruptionBudget['spec']>['selector'];

/** As Go prints the type. */
function selectorText(selector: SelectorSpec): string {
  const { matchLabels = {}, matchExpressions = [] } = selector ?? {};
  const labels = Object.keys(matchLabels)
    .sort()
    .map((key) => `${key}: ${matchLabels[key]},`);
  const expressions = matchExpressions.map(
    ({ key, operator, values = [] }) =>
      `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(' ')}],},`,
  );
  return `&LabelSelector{MatchLabels:map[string]string{${labels.join('')}},MatchExpressions:[]LabelSelectorRequirement{${expressions.join('')}},}`;
}
