/** EndpointSlices of Services that select pods. Source: `k8s.io/kubernetes/pkg/controller/endpointslice`. */
import { keyOf, type ObjectKey } from '../../client/definition.ts';
import { EndpointSlice, Node, Pod, Service } from '../../client/kinds.ts';
import { isReason } from '../../machinery/status.ts';
import type { KeyReconciler } from '../../runtime/index.ts';
import { keyText } from '../../runtime/key.ts';
import type { ControllerModule } from '../controller-module.ts';
import { backendChanged, backendsOf, selectsPods, servicesOf } from '../service/backends.ts';
import { isNamespaceTerminating, preconditionsOf } from '../workload/pod-control.ts';
import { manager as managedBy, managedByLabel, serviceLabel, sliceChanges } from './slices.ts';

const byService = 'service';

export const endpointSliceController: ControllerModule = {
  name: 'endpointslice-controller',
  add(manager) {
    const services = manager.cache(Service);
    manager.cache(EndpointSlice).index(byService, (slice) => serviceOf(slice).map(keyText));
    manager
      .controller('endpointslice-controller', { for: Service, concurrency: 5 })
      .watches(Pod, (pod) => servicesOf(pod, services), { predicate: backendChanged })
      .watches(EndpointSlice, serviceOf)
      .reads(Node)
      .reconcileKey(reconcile);
  },
};

/** Slices that others manage are theirs. */
function serviceOf({ metadata }: EndpointSlice): ObjectKey[] {
  const { labels = {}, namespace } = metadata;
  const name = labels[serviceLabel];
  return name === undefined || labels[managedByLabel] !== managedBy ? [] : [{ namespace, name }];
}

const reconcile: KeyReconciler = async (key, context) => {
  const service = context.cache(Service).get(key);
  // What a Service has left behind goes with its owner reference.
  if (service === undefined || !selectsPods(service) || service.metadata.deletionTimestamp !== undefined) return;
  const existing = context.cache(EndpointSlice).byIndex(byService, keyText(key));
  const pods = backendsOf(service, context.cache(Pod));
  const { create, update, remove } = sliceChanges(service, pods, existing, context.cache(Node));
  const slices = context.client.resource(EndpointSlice);
  try {
    for (const slice of create) await slices.create(slice);
    for (const slice of update) await slices.update(slice);
    for (const slice of remove) await slices.delete(keyOf(slice), preconditionsOf(slice));
  } catch (error) {
    if (!isNamespaceTerminating(error) && !isReason(error, 'NotFound')) throw error;
  }
};
