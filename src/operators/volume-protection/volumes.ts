/**
 * Keeps a volume that is being deleted as long as it is bound. Source: `k8s.io/kubernetes/pkg/controller/volume/pvprotection`.
 */
import { PersistentVolume } from '../../client/kinds.ts';
import type { ControllerModule } from '../controller-module.ts';
import { addFinalizer, removeFinalizer } from './finalizer.ts';

const name = 'persistentvolume-protection-controller';
const finalizer = 'kubernetes.io/pv-protection';

export const volumeProtectionController: ControllerModule = {
  name,
  add(manager) {
    manager.controller(name, { for: PersistentVolume }).reconcileKey(async (key, context) => {
      const volume = context.cache(PersistentVolume).get(key);
      if (volume === undefined) return;
      const volumes = context.client.resource(PersistentVolume);
      const { deletionTimestamp, finalizers = [] } = volume.metadata;
      if (deletionTimestamp === undefined) await addFinalizer(volumes, volume, finalizer);
      else if (finalizers.includes(finalizer) && volume.status?.phase !== 'Bound')
        await removeFinalizer(volumes, volume, finalizer);
    });
  },
};
