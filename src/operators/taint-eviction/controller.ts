/**
 * Deletes pods from nodes whose NoExecute taints they do not tolerate, or no longer.
 * Source: `k8s.io/kubernetes/pkg/controller/tainteviction`.
 */

import { tolerates } from '../../apis/core/tolerations.ts';
import type { Taint, Toleration } from '../../apis/types.ts';
import { keyOf, type ObjectKey } from '../../client/definition.ts';
import { Node, Pod } from '../../client/kinds.ts';
import { formatTime } from '../../clock/clock.ts';
import { setCondition } from '../../machinery/conditions.ts';
import { deepEqual } from '../../machinery/json.ts';
import { isReason } from '../../machinery/status.ts';
import type { KeyContext, KeyReconciler } from '../../runtime/index.ts';
import { keyText } from '../../runtime/key.ts';
import type { ControllerModule } from '../controller-module.ts';
import { preconditionsOf } from '../workload/pod-control.ts';

const name = 'taint-eviction-controller';
const podsOnNode = 'node';

export const taintEvictionController: ControllerModule = {
  name,
  add(manager) {
    const pods = manager.cache(Pod);
    pods.index(podsOnNode, ({ spec }) => spec?.nodeName || undefined);
    const onNode = (node: Node): ObjectKey[] => pods.byIndex(podsOnNode, node.metadata.name ?? '').map(keyOf);
    manager
      .controller(name, { for: Pod, concurrency: 8 })
      .when({ updated: (pod, old) => hasMoved(pod, old) || !deepEqual(pod.spec?.tolerations, old.spec?.tolerations) })
      .watches(Node, onNode, {
        predicate: { updated: (node, old) => !deepEqual(evictingTaints(node), evictingTaints(old)) },
      })
      .reconcileKey(evictions());
  },
};

const hasMoved = (pod: Pod, old: Pod): boolean => pod.spec?.nodeName !== old.spec?.nodeName;

const evictingTaints = (node: Node | undefined): Taint[] =>
  (node?.spec?.taints ?? []).filter(({ effect }) => effect === 'NoExecute');

/** When a pod is to go: what is planned stays planned, whatever else happens, until the pod may stay for good. */
interface Plan {
  readonly uid: string;
  /** Milliseconds. */
  readonly at: number;
}

function evictions(): KeyReconciler {
  const plans = new Map<string, Plan>();
  return async (key, context) => {
    const id = keyText(key);
    const pod = context.cache(Pod).get(key);
    const { uid = '', deletionTimestamp } = pod?.metadata ?? {};
    if (plans.get(id)?.uid !== uid) plans.delete(id);
    const nodeName = pod?.spec?.nodeName ?? '';
    if (pod === undefined || nodeName === '' || deletionTimestamp !== undefined) {
      plans.delete(id);
      return undefined;
    }
    const now = context.clock.now();
    const stay = staysFor(pod, evictingTaints(context.cache(Node).get({ name: nodeName })));
    const planned = plans.get(id);
    if (stay === 0 || stay === Number.POSITIVE_INFINITY) {
      if (planned !== undefined && planned.at > now) tell(pod, 'Cancelling deletion of', context);
      if (stay === 0) await evict(pod, context);
      plans.delete(id);
      return undefined;
    }
    const plan = planned ?? { uid, at: now + stay };
    plans.set(id, plan);
    if (plan.at > now) return { requeueAfter: plan.at - now };
    await evict(pod, context);
    plans.delete(id);
    return undefined;
  };
}

/** In milliseconds: as long as the least patient of the tolerations that are needed. */
function staysFor({ spec }: Pod, taints: readonly Taint[]): number {
  const used: Toleration[] = [];
  for (const taint of taints) {
    const toleration = spec?.tolerations?.find((one) => tolerates(one, taint));
    if (toleration === undefined) return 0;
    used.push(toleration);
  }
  const seconds = used.flatMap(({ tolerationSeconds }) => (tolerationSeconds === undefined ? [] : [tolerationSeconds]));
  return Math.max(0, Math.min(...seconds) * 1000);
}

/** The pod says why it goes, so that its owner need not count it as a failure. */
async function evict(pod: Pod, context: KeyContext): Promise<void> {
  tell(pod, 'Marking for deletion', context);
  const pods = context.client.resource(Pod);
  const conditions = setCondition(
    pod.status?.conditions,
    {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'DeletionByTaintManager',
      message: 'Taint manager: deleting due to NoExecute taint',
    },
    formatTime(context.clock.now()),
  );
  try {
    const patch = {
      metadata: { uid: pod.metadata.uid ?? '' },
      status: { conditions: conditions.map((one) => ({ ...one })) },
    };
    await pods.patchStatus(keyOf(pod), patch);
    await pods.delete(keyOf(pod), preconditionsOf(pod));
  } catch (error) {
    if (!isReason(error, 'NotFound', 'Conflict')) throw error;
  }
}

function tell(pod: Pod, what: string, context: KeyContext): void {
  const { namespace, name: podName } = pod.metadata;
  context.eventFor(pod, 'Normal', 'TaintManagerEviction', `${what} Pod ${namespace}/${podName}`);
}
