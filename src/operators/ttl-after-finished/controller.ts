/** Deletes jobs `ttlSecondsAfterFinished` after their end (KEP-592). */
import { keyOf } from '../../client/definition.ts';
import { Job } from '../../client/kinds.ts';
import { isReason } from '../../machinery/status.ts';
import type { ControllerModule } from '../controller-module.ts';

export const ttlAfterFinishedController: ControllerModule = {
  name: 'ttl-after-finished-controller',
  add(manager) {
    manager
      .controller('ttl-after-finished-controller', { for: Job, concurrency: 5 })
      .reconcile(async (job, context) => {
        const expiry = expiryOf(job);
        if (expiry === undefined) return;
        const now = context.clock.now();
        if (expiry > now) return { requeueAfter: expiry - now };
        const jobs = context.client.resource(Job);
        try {
          // A longer time may have been given meanwhile: the version that was judged is the one that goes.
          const fresh = await jobs.get(keyOf(job));
          const latest = expiryOf(fresh);
          if (fresh.metadata.uid !== job.metadata.uid || latest === undefined || latest > now) return;
          const { uid = '', resourceVersion = '' } = fresh.metadata;
          await jobs.delete(keyOf(job), { propagationPolicy: 'Foreground', preconditions: { uid, resourceVersion } });
        } catch (error) {
          if (!isReason(error, 'NotFound')) throw error;
        }
      });
  },
};

/** In milliseconds; undefined while the job runs, or when it stays for ever. */
function expiryOf({ metadata, spec, status }: Job): number | undefined {
  const ttl = spec?.ttlSecondsAfterFinished;
  if (ttl === undefined || metadata.deletionTimestamp !== undefined) return undefined;
  const end = status?.conditions?.find(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  );
  return end?.lastTransitionTime === undefined ? undefined : Date.parse(end.lastTransitionTime) + ttl * 1000;
}
