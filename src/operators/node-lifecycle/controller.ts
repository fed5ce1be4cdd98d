/**
 * Notices nodes that have fallen silent, and marks nodes by their conditions: with taints, so that pods keep away.
 * Source: `k8s.io/kubernetes/pkg/controller/nodelifecycle`.
 */
import { keyOf } from '../../client/definition.ts';
import { Lease, Node, Pod } from '../../client/kinds.ts';
import { formatTime } from '../../clock/clock.ts';
import { deepEqual } from '../../machinery/json.ts';
import { isReason } from '../../machinery/status.ts';
import type { KeyContext, KeyReconciler } from '../../runtime/index.ts';
import type { ControllerModule } from '../controller-module.ts';
import { healthyUntil, type Sighting, sight, silentConditions } from './health.ts';
import { taintsOf } from './taints.ts';

const leaseNamespace = 'kube-node-lease';
const podsOnNode = 'node';
/** `--node-monitor-period`. */
const monitorPeriod = 5_000;

export const nodeLifecycleController: ControllerModule = {
  name: 'node-lifecycle-controller',
  add(manager) {
    manager.cache(Pod).index(podsOnNode, ({ spec }) => spec?.nodeName || undefined);
    manager
      .controller('node-lifecycle-controller', { for: Node, concurrency: 8 })
      .reads(Lease)
      .reads(Pod)
      .reconcileKey(lifecycle());
  },
};

function lifecycle(): KeyReconciler {
  const sightings = new Map<string, Sighting>();
  return async ({ name }, context) => {
    const node = context.cache(Node).get({ name });
    if (node === undefined) {
      sightings.delete(name);
      return;
    }
    const now = context.clock.now();
    const lease = context.cache(Lease).get({ namespace: leaseNamespace, name });
    const sighting = sight(node, lease, sightings.get(name), now);
    sightings.set(name, sighting);
    const until = healthyUntil(node, sighting);
    const silent = until <= now;
    const current = silent ? await markSilent(node, context) : node;
    await updateTaints(current, context);
    if (silent) await markPods(current, context);
    // A renewed lease causes no reconcile: it is looked for.
    return { requeueAfter: silent ? monitorPeriod : Math.min(until - now, monitorPeriod) };
  };
}

async function markSilent(node: Node, context: KeyContext): Promise<Node> {
  const conditions = silentConditions(node, formatTime(context.clock.now()));
  if (deepEqual(conditions, node.status?.conditions ?? [])) return node;
  const marked = await context.client.resource(Node).updateStatus({ ...node, status: { ...node.status, conditions } });
  const message = `Node ${node.metadata.name} status is now: NodeNotReady`;
  context.eventFor(node, 'Normal', 'NodeNotReady', message);
  return marked;
}

async function updateTaints(node: Node, context: KeyContext): Promise<void> {
  const taints = taintsOf(node, formatTime(context.clock.now()));
  if (deepEqual(taints, node.spec?.taints ?? [])) return;
  const { resourceVersion = '' } = node.metadata;
  await context.client.resource(Node).patch(keyOf(node), {
    metadata: { resourceVersion },
    spec: { taints: taints.length === 0 ? null : taints.map((taint) => ({ ...taint })) },
  });
}

/** Nobody knows whether the pods of a silent node still serve: they count as not ready. */
async function markPods(node: Node, context: KeyContext): Promise<void> {
  const pods = context.client.resource(Pod);
  const time = formatTime(context.clock.now());
  for (const pod of context.cache(Pod).byIndex(podsOnNode, node.metadata.name ?? '')) {
    const { conditions = [] } = pod.status ?? {};
    const at = conditions.findIndex(({ type, status }) => type === 'Ready' && status === 'True');
    if (at < 0) continue;
    const changed = conditions.with(at, { ...conditions[at]!, status: 'False', lastTransitionTime: time });
    try {
      await pods.updateStatus({ ...pod, status: { ...pod.status, conditions: changed } });
      context.eventFor(pod, 'Warning', 'NodeNotReady', 'Node is not ready');
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
    }
  }
}
