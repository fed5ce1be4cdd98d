/**
 * `pods/eviction`: deletes a pod if its disruption budget allows it. Source: Kubernetes `pkg/registry/core/pod/storage`,
 * eviction.go; KEP-3017 (unhealthy pods), KEP-3329 (the condition DisruptionTarget).
 */
import { formatTime } from '../../clock/clock.ts';
import { findCondition, isConditionTrue, setCondition } from '../../machinery/conditions.ts';
import { LabelSelector, type LabelSelectorSpec } from '../../machinery/label-selector.ts';
import type { ApiObject } from '../../machinery/object.ts';
import { badRequest, conflict, forbiddenError, isReason, notFound, StatusError } from '../../machinery/status.ts';
import { disruptionAllowed, syncFailed, withDisruptionAllowed } from '../policy/disruption-allowed.ts';
import type {
  RequestContext,
  ResourceAccess,
  ResourceDeleteOptions,
  ResourceRef,
  SubresourceRequest,
  SubresourceResponse,
} from '../resource-type.ts';
import type { Pod, PodDisruptionBudget } from '../types.ts';
import { successStatus } from './binding.ts';

interface Eviction {
  readonly metadata?: { readonly name?: string };
  readonly deleteOptions?: ResourceDeleteOptions & { readonly dryRun?: readonly string[] };
}

/** One eviction under way. */
interface Call {
  readonly namespace: string | undefined;
  readonly name: string;
  readonly options: ResourceDeleteOptions;
  readonly access: ResourceAccess;
  readonly context: RequestContext;
}

const pods: ResourceRef = { group: '', plural: 'pods' };
const budgets: ResourceRef = { group: 'policy', plural: 'poddisruptionbudgets' };
const podName = { group: '', name: 'pods' };

/** How many evictions may wait for the disruption controller to notice them. */
const mostDisrupted = 2000;
/** How often a pod that changes all the time is looked at anew. */
const attempts = 20;

const refusal = "Cannot evict pod as it would violate the pod's disruption budget.";

export async function evict({
  namespace,
  name,
  body,
  context,
  access,
}: SubresourceRequest): Promise<SubresourceResponse> {
  const { metadata, deleteOptions: { dryRun = [], ...options } = {} } = (body ?? {}) as Eviction;
  const named = metadata?.name;
  if (named !== undefined && named !== '' && named !== name)
    throw badRequest('name in URL does not match name in Eviction object');
  const isDry = context.dryRun || dryRun.length > 0;
  const call: Call = { namespace, name, options, access, context: isDry ? { ...context, dryRun: true } : context };
  const guarded = await evictUnguarded(call);
  if (guarded !== undefined) await evictWithinBudget(guarded, call);
  return { kind: 'object', code: 201, object: successStatus };
}

/** A pod that has ended, or never began, serves nobody: no budget counts it. Answers the pod when it does serve. */
async function evictUnguarded(call: Call): Promise<Pod | undefined> {
  for (let attempt = 1; ; attempt++) {
    const pod = (await call.access.get(pods, call.namespace, call.name)) as unknown as Pod | undefined;
    if (pod === undefined) throw notFound(podName, call.name);
    const phase = pod.status?.phase;
    const isOver = phase === 'Succeeded' || phase === 'Failed' || pod.metadata.deletionTimestamp !== undefined;
    if (!isOver && phase !== 'Pending') return pod;
    try {
      // What is pending may become ready meanwhile, and would be guarded then.
      await remove(isOver ? call : asSeen(pod, call));
      return undefined;
    } catch (error) {
      const mayRetry = !isPinned(call) && attempt < attempts;
      if (!mayRetry || !isReason(error, 'Conflict')) throw error;
    }
  }
}

async function evictWithinBudget(pod: Pod, call: Call): Promise<void> {
  const [budget, another] = await budgetsOf(pod, call);
  if (another !== undefined) {
    const why = 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.';
    throw new StatusError(500, '', why);
  }
  if (budget === undefined) return await remove(call);
  if (isUncounted(pod, budget)) {
    try {
      // Uncounted as it was seen: not when it has become ready since.
      await remove(asSeen(pod, call));
    } catch (error) {
      if (isReason(error, 'Conflict') && !isPinned(call)) throw stillProcessed(budget);
      throw error;
    }
    return;
  }
  const { name = '' } = budget.metadata;
  const take = (draft: ApiObject): void => takeDisruption(draft as PodDisruptionBudget, call);
  await call.access.update(budgets, call.namespace, name, take, call.context);
  await remove(call);
}

async function budgetsOf(pod: Pod, { access, namespace }: Call): Promise<PodDisruptionBudget[]> {
  const all = (await access.list(budgets, namespace)) as unknown as readonly PodDisruptionBudget[];
  return all.filter(({ spec }) =>
    LabelSelector.fromSpec(spec?.selector as LabelSelectorSpec | undefined).matches(pod.metadata.labels),
  );
}

/** Not ready, and so not among those whom the budget keeps. */
function isUncounted({ status }: Pod, { spec, status: counts }: PodDisruptionBudget): boolean {
  if (isConditionTrue(status?.conditions, 'Ready')) return false;
  if (spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  const { currentHealthy = 0, desiredHealthy = 0 } = counts ?? {};
  return desiredHealthy > 0 && currentHealthy >= desiredHealthy;
}

/** Notes the pod in the budget, so that it no longer counts before it is gone. @throws StatusError when none is left */
function takeDisruption(budget: PodDisruptionBudget, { name, context }: Call): void {
  const { status, metadata } = budget;
  const refuse = (why: string): never => {
    throw forbiddenError({ group: 'policy', name: 'poddisruptionbudget' }, metadata.name ?? '', why);
  };
  if (status === undefined || (status.observedGeneration ?? 0) < (metadata.generation ?? 0)) {
    throw stillProcessed(budget);
  }
  if (status.disruptionsAllowed < 0) refuse('pdb disruptions allowed is negative');
  if (Object.keys(status.disruptedPods ?? {}).length > mostDisrupted)
    refuse('DisruptedPods map too big - too many evictions not confirmed by PDB controller');
  if (status.disruptionsAllowed === 0) throw refused(whyNone(budget), 0);
  const now = formatTime(context.now);
  status.disruptionsAllowed -= 1;
  if (status.disruptionsAllowed === 0) status.conditions = withDisruptionAllowed(status, now);
  status.disruptedPods = { ...status.disruptedPods, [name]: now };
}

function whyNone({ metadata: { name }, status }: PodDisruptionBudget): string {
  const { conditions, currentHealthy = 0, desiredHealthy = 0 } = status ?? {};
  const condition = findCondition(conditions, disruptionAllowed);
  const said = condition?.status === 'False' && condition.message !== '' ? condition : undefined;
  const refusing = `The disruption budget ${name} does not allow evicting pods currently`;
  // Counts of a sync that failed are not to be trusted.
  if (said?.reason === syncFailed) return `${refusing} because it failed sync: ${said.message}`;
  if (currentHealthy <= desiredHealthy)
    return `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`;
  return said === undefined ? refusing : `${refusing} (${said.reason}): ${said.message}`;
}

const stillProcessed = ({ metadata }: PodDisruptionBudget): StatusError =>
  refused(`The disruption budget ${metadata.name} is still being processed by the server.`, 10);

const refused = (why: string, retryAfterSeconds: number): StatusError =>
  new StatusError(429, 'TooManyRequests', refusal, {
    ...(retryAfterSeconds === 0 ? {} : { retryAfterSeconds }),
    causes: [{ reason: 'DisruptionBudget', message: why }],
  });

/** Whether the client has said of which version it speaks. */
const isPinned = ({ options }: Call): boolean => options.preconditions?.resourceVersion !== undefined;

function asSeen({ metadata }: Pod, call: Call): Call {
  if (isPinned(call)) return call;
  const { resourceVersion = '' } = metadata;
  return { ...call, options: { ...call.options, preconditions: { ...call.options.preconditions, resourceVersion } } };
}

/** Deletes the pod, which says first why it goes. */
async function remove(call: Call): Promise<void> {
  const { namespace, name, access, context } = call;
  let { options } = call;
  if (!context.dryRun) {
    const marked = await access.update(pods, namespace, name, (draft) => mark(draft as Pod, call), context);
    if (isPinned(call)) {
      // The mark has made it another version.
      const { resourceVersion = '' } = marked.metadata;
      options = { ...options, preconditions: { ...options.preconditions, resourceVersion } };
    }
  }
  await access.delete(pods, namespace, name, options, context);
}

function mark(pod: Pod, { name, options: { preconditions = {} }, context }: Call): void {
  const { uid, resourceVersion } = pod.metadata;
  const check = (what: string, wanted: string | undefined, found: string | undefined, perhaps: string): void => {
    if (wanted === undefined || wanted === '' || wanted === found) return;
    const why = `the ${what} in the precondition (${wanted}) does not match the ${what} in record (${found}). The object might have been ${perhaps}`;
    throw conflict(podName, name, why);
  };
  check('UID', preconditions.uid, uid, 'deleted and then recreated');
  check('ResourceVersion', preconditions.resourceVersion, resourceVersion, 'modified');
  pod.status ??= {};
  pod.status.conditions = setCondition(
    pod.status.conditions,
    { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI', message: 'Eviction API: evicting' },
    formatTime(context.now),
  );
}
