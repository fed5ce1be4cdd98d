/**
 * Empties namespaces that are being deleted, then lets them go. Source: `k8s.io/kubernetes/pkg/controller/namespace`.
 */
import { Namespace, Pod } from '../../client/kinds.ts';
import { formatTime } from '../../clock/clock.ts';
import { deepEqual } from '../../machinery/json.ts';
import { isReason } from '../../machinery/status.ts';
import type { KeyContext, KeyReconciler } from '../../runtime/index.ts';
import type { ControllerModule } from '../controller-module.ts';
import { type Findings, namespaceConditions } from './conditions.ts';
import { deleteContent } from './content.ts';

const finalizer = 'kubernetes';

/** Writes that were admitted before the namespace was marked may still be on their way, in milliseconds. */
const headStart = 100;

export const namespaceController: ControllerModule = {
  name: 'namespace-controller',
  add(manager) {
    const isDeleting = ({ metadata }: Namespace): boolean => metadata.deletionTimestamp !== undefined;
    const namespaces = manager.cache(Namespace);
    const controller = manager
      .controller('namespace-controller', { for: Namespace, concurrency: 10 })
      .when({ added: () => false, updated: () => false, deleted: () => false })
      // The next pass need not wait for the estimate when the pods go earlier.
      .watches(
        Pod,
        ({ metadata: { namespace: name = '' } }) => {
          const namespace = namespaces.get({ name });
          return namespace !== undefined && isDeleting(namespace) ? [{ name }] : [];
        },
        { predicate: { added: () => false, updated: () => false } },
      )
      .reconcileKey(reconcile);
    const begin = ({ metadata }: Namespace): void => controller.queue.addAfter(metadata.name ?? '', headStart);
    namespaces.onChange({
      added: (namespace) => isDeleting(namespace) && begin(namespace),
      updated: (namespace, old) => isDeleting(namespace) && !isDeleting(old) && begin(namespace),
    });
  },
};

const reconcile: KeyReconciler = async ({ name }, context) => {
  const namespace = context.cache(Namespace).get({ name });
  if (namespace?.metadata.deletionTimestamp === undefined) return;
  const finalizers = namespace.spec?.finalizers ?? [];
  if (!finalizers.includes(finalizer)) return;
  const left = await deleteContent(context.client, namespace, context.clock.now());
  const failed = left.failures.length > 0 || left.undiscovered.size > 0;
  const empty = !failed && left.remaining.size === 0;
  const others = finalizers.filter((other) => other !== finalizer);
  const goes = empty && others.length === 0 && (namespace.metadata.finalizers ?? []).length === 0;
  if (!goes) await writeConditions(name, left, context);
  if (empty) return finalize(name, others, context);
  if (failed)
    throw new Error(
      `deletion of namespace ${name} failed: ${[...left.failures, ...left.undiscovered.values()].join(', ')}`,
    );
  return { requeueAfter: (Math.floor(left.estimate / 2) + 1) * 1000 };
};

async function writeConditions(name: string, findings: Findings, context: KeyContext): Promise<void> {
  const namespace = context.cache(Namespace).get({ name });
  if (namespace === undefined) return;
  const before = namespace.status?.conditions;
  const conditions = namespaceConditions(before, findings, formatTime(context.clock.now()));
  if (deepEqual(before, conditions)) return;
  await context.client.resource(Namespace).updateStatus({ ...namespace, status: { ...namespace.status, conditions } });
}

async function finalize(name: string, finalizers: readonly string[], context: KeyContext): Promise<void> {
  const namespace = context.cache(Namespace).get({ name });
  if (namespace === undefined) return;
  try {
    await context.client
      .resource(Namespace)
      .subresource('finalize')
      .update({ name }, { ...namespace, spec: { ...namespace.spec, finalizers: [...finalizers] } });
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
  }
}
