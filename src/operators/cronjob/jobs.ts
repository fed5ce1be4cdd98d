/** The Jobs of a CronJob. Source: Kubernetes' pkg/controller/cronjob. */
import type * as k8s from '@kubernetes/client-node';
import type { Wire } from '../../apis/types.ts';
import { keyOf } from '../../client/definition.ts';
import { CronJob, Job } from '../../client/kinds.ts';
import { formatTime } from '../../clock/clock.ts';
import { controllerReference, isControlledBy } from '../../machinery/owner-reference.ts';
import { isReason } from '../../machinery/status.ts';
import type { KeyContext } from '../../runtime/index.ts';
import { isNamespaceTerminating, messageOf, preconditionsOf } from '../workload/pod-control.ts';

type Reference = Wire<k8s.V1ObjectReference>;

/** The Job of the run that was due at `at`: it is named after the time, so that no run happens twice. */
export async function createJob(owner: CronJob, at: number, context: KeyContext): Promise<Job | undefined> {
  const { metadata, spec } = owner.spec!.jobTemplate;
  const { name: ownerName, namespace = '' } = owner.metadata;
  const name = `${ownerName}-${Math.floor(at / 60_000)}`;
  const jobs = context.client.resource(Job);
  try {
    const job = await jobs.create({
      metadata: {
        name,
        namespace,
        ...(metadata?.labels === undefined ? {} : { labels: metadata.labels }),
        annotations: { ...metadata?.annotations, 'batch.kubernetes.io/cronjob-scheduled-timestamp': formatTime(at) },
        ownerReferences: [controllerReference(owner, CronJob)],
      },
      ...(spec === undefined ? {} : { spec }),
    });
    context.eventFor(owner, 'Normal', 'SuccessfulCreate', `Created job ${name}`);
    return job;
  } catch (error) {
    if (isReason(error, 'AlreadyExists')) {
      const existing = await jobs.get({ namespace, name });
      if (isControlledBy(existing, owner)) return existing;
    }
    if (isNamespaceTerminating(error)) return undefined;
    context.eventFor(owner, 'Warning', 'FailedCreate', `Error creating job: ${messageOf(error)}`);
    throw error;
  }
}

export async function deleteJob(owner: CronJob, job: Job, context: KeyContext): Promise<void> {
  try {
    await context.client.resource(Job).delete(keyOf(job), { propagationPolicy: 'Background', ...preconditionsOf(job) });
    context.eventFor(owner, 'Normal', 'SuccessfulDelete', `Deleted job ${job.metadata.name}`);
  } catch (error) {
    if (isReason(error, 'NotFound')) return;
    context.eventFor(owner, 'Warning', 'FailedDelete', `Deleted job: ${messageOf(error)}`);
    throw error;
  }
}

/** `Complete` or `Failed` when the job has ended so. */
export function endOf({ status }: Job): 'Complete' | 'Failed' | undefined {
  const ended = status?.conditions?.find(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  );
  return ended?.type as 'Complete' | 'Failed' | undefined;
}

export function referenceTo({ metadata }: Job): Reference {
  const { namespace = '', name = '', uid = '', resourceVersion = '' } = metadata;
  return { kind: 'Job', namespace, name, uid, apiVersion: 'batch/v1', resourceVersion };
}

/** Deletes ended jobs beyond the limits, the oldest first. */
export async function cleanUp(owner: CronJob, jobs: readonly Job[], context: KeyContext): Promise<void> {
  const { successfulJobsHistoryLimit = 3, failedJobsHistoryLimit = 1 } = owner.spec ?? {};
  const started = ({ status, metadata }: Job): string => status?.startTime ?? metadata.creationTimestamp ?? '';
  for (const [end, limit] of [
    ['Complete', successfulJobsHistoryLimit],
    ['Failed', failedJobsHistoryLimit],
  ] as const) {
    const ended = jobs.filter((job) => endOf(job) === end && job.metadata.deletionTimestamp === undefined);
    ended.sort((a, b) => (started(a) < started(b) ? -1 : 1));
    for (const job of ended.slice(0, Math.max(0, ended.length - limit))) await deleteJob(owner, job, context);
  }
}
