/**
 * Removes pods that nobody else will: those of nodes that are gone, those that end before they had a node, and the oldest
 * finished ones when there are very many. Source: `k8s.io/kubernetes/pkg/controller/podgc`.
 */
import { keyOf } from '../../client/definition.ts';
import { Node, Pod } from '../../client/kinds.ts';
import { formatTime } from '../../clock/clock.ts';
import { setCondition } from '../../machinery/conditions.ts';
import { isReason } from '../../machinery/status.ts';
import type { KeyContext } from '../../runtime/index.ts';
import type { ControllerModule } from '../controller-module.ts';
import { preconditionsOf } from '../workload/pod-control.ts';

const period = 20_000;
/** How long a node may be missing before its pods are. */
const quarantine = 40_000;
/** `--terminated-pod-gc-threshold`. */
const mostTerminated = 12_500;

const name = 'pod-garbage-collector-controller';

export const podGarbageCollectorController: ControllerModule = {
  name,
  add(manager) {
    const missingSince = new Map<string, number>();
    const never = { added: () => false, updated: () => false, deleted: () => false };
    const controller = manager
      .controller(name, { for: Node })
      .when(never)
      .reads(Pod)
      .reconcileKey(async (_, context) => {
        await sweep(missingSince, context);
        return { requeueAfter: period };
      });
    controller.queue.add('pods');
  },
};

async function sweep(missingSince: Map<string, number>, context: KeyContext): Promise<void> {
  const pods = context.cache(Pod).list();
  const gone = await goneNodes(pods, missingSince, context);
  for (const pod of pods) {
    const node = pod.spec?.nodeName ?? '';
    if (gone.has(node)) await remove(pod, context, 'PodGC: node no longer exists');
    else if (node === '' && pod.metadata.deletionTimestamp !== undefined) await remove(pod, context, undefined);
  }
  const terminated = pods.filter(isTerminated);
  if (terminated.length <= mostTerminated) return;
  terminated.sort((a, b) => compare(a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? ''));
  for (const pod of terminated.slice(0, terminated.length - mostTerminated)) await remove(pod, context, undefined);
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const isTerminated = ({ status }: Pod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed';

/** Nodes that pods name and that have been missing for long enough: a live read has the last word. */
async function goneNodes(
  pods: readonly Pod[],
  missingSince: Map<string, number>,
  context: KeyContext,
): Promise<Set<string>> {
  const now = context.clock.now();
  const nodes = context.cache(Node);
  const named = new Set(pods.map(({ spec }) => spec?.nodeName ?? ''));
  named.delete('');
  for (const name of missingSince.keys()) if (!named.has(name) || nodes.get({ name })) missingSince.delete(name);
  const gone = new Set<string>();
  for (const name of named) {
    if (nodes.get({ name }) !== undefined) continue;
    const since = missingSince.get(name);
    if (since === undefined) missingSince.set(name, now);
    else if (now - since >= quarantine && !(await exists(name, context))) gone.add(name);
  }
  return gone;
}

async function exists(name: string, { client }: KeyContext): Promise<boolean> {
  try {
    await client.resource(Node).get({ name });
    return true;
  } catch (error) {
    if (isReason(error, 'NotFound')) return false;
    throw error;
  }
}

/** At once: nobody is there to end it gracefully. With `why`, the pod ends as failed, so that its owner counts it. */
async function remove(pod: Pod, context: KeyContext, why: string | undefined): Promise<void> {
  const pods = context.client.resource(Pod);
  try {
    if (why !== undefined && !isTerminated(pod)) {
      const disrupted = { type: 'DisruptionTarget', status: 'True', reason: 'DeletionByPodGC', message: why };
      const time = formatTime(context.clock.now());
      const conditions = setCondition(pod.status?.conditions, disrupted, time);
      await pods.patchStatus(keyOf(pod), {
        metadata: { uid: pod.metadata.uid ?? '' },
        status: { phase: 'Failed', conditions: conditions.map((condition) => ({ ...condition })) },
      });
    }
    await pods.delete(keyOf(pod), { gracePeriodSeconds: 0, ...preconditionsOf(pod) });
  } catch (error) {
    if (!isReason(error, 'NotFound', 'Conflict')) throw error;
  }
}
