/** Jobs: pods that run to their end. Source: `k8s.io/kubernetes/pkg/controller/job`. */
import { Job, Pod } from '../../client/kinds.ts';
import { formatTime } from '../../clock/clock.ts';
import { deepEqual } from '../../machinery/json.ts';
import { getControllerOf } from '../../machinery/owner-reference.ts';
import type { KeyContext, KeyReconciler, Result } from '../../runtime/index.ts';
import { keyText } from '../../runtime/key.ts';
import type { ControllerModule } from '../controller-module.ts';
import { claim, claimants } from '../workload/claim.ts';
import { controlledBy, indexByController } from '../workload/ownership.ts';
import { forAll } from '../workload/parallel.ts';
import { selectorOf } from '../workload/selectors.ts';
import { endingWithNamespace } from '../workload/terminating.ts';
import { type JobStatus, tally } from './count.ts';
import { unreplaced } from './index-failures.ts';
import { isJobFinished, type Outcome, outcomeOf, type Progress, untilDeadline } from './outcome.ts';
import { isActive, isTerminating, isTracked, untrack } from './pods.ts';
import { deletePods, dismissPods, manageJob } from './replicas.ts';
import { jobStatus } from './status.ts';

/** Pods that are tracked, by their job's name. */
const trackedBy = 'tracked-by-job';

export const jobController: ControllerModule = {
  name: 'job-controller',
  add(manager) {
    indexByController(manager, Pod);
    manager.cache(Pod).index(trackedBy, (pod) => {
      const owner = getControllerOf(pod);
      if (owner?.kind !== 'Job' || !isTracked(pod)) return undefined;
      return keyText({ namespace: pod.metadata.namespace, name: owner.name });
    });
    const jobs = manager.cache(Job);
    manager
      .controller('job-controller', { for: Job, concurrency: 5 })
      .owns(Pod)
      .watches(Pod, (pod) =>
        claimants(pod, jobs.list(pod.metadata.namespace), ({ spec }) => selectorOf(spec?.selector)),
      )
      .reconcileKey(endingWithNamespace(reconcile));
  },
};

const reconcile: KeyReconciler = async (key, context) => {
  const job = context.cache(Job).get(key);
  await releaseStrangers(job, context);
  const { managedBy = 'kubernetes.io/job-controller' } = job?.spec ?? {};
  if (job === undefined || isJobFinished(job) || managedBy !== 'kubernetes.io/job-controller') return;
  const selector = selectorOf(job.spec?.selector);
  await claim({ client: context.client, owner: job, ownerDefinition: Job, selector, cache: context.cache(Pod) });
  return new Sync(job, context).run();
};

/** Pods of a job that is gone or finished are counted by nobody: nothing must hold them. */
async function releaseStrangers(job: Job | undefined, context: KeyContext): Promise<void> {
  const tracked = context.cache(Pod).byIndex(trackedBy, keyText(context.key));
  const isStranger = (pod: Pod): boolean =>
    job === undefined || isJobFinished(job) || getControllerOf(pod)?.uid !== job.metadata.uid;
  await forAll(tracked.filter(isStranger), (pod) => untrack(pod, context));
}

/** One reconcile of a job that is not finished. */
class Sync {
  readonly #context: KeyContext;
  #job: Job;

  constructor(job: Job, context: KeyContext) {
    this.#job = job;
    this.#context = context;
  }

  async run(): Promise<Result> {
    const wasSuspended = this.#job.status?.conditions?.some(
      ({ type, status }) => type === 'Suspended' && status === 'True',
    );
    let wait: number | undefined;
    let outcome = outcomeOf(this.#progress());
    const { suspend } = this.#job.spec ?? {};
    if (outcome !== undefined) {
      await deletePods(this.#job, this.#pods().filter(isActive), this.#context);
    } else if (suspend === true) {
      await dismissPods(this.#job, this.#pods().filter(isActive), this.#context);
    } else if (this.#job.metadata.deletionTimestamp === undefined) {
      const { succeeded } = this.#progress();
      wait = await manageJob(this.#job, this.#pods(), succeeded, tally(this.#job, this.#pods()), this.#context);
    }
    // The uids of ended pods are written before their finalizers go, and counted after.
    await this.#write(outcome);
    const toUntrack = this.#toUntrack(outcome);
    if (toUntrack.length > 0) {
      await forAll(toUntrack, (pod) => untrack(pod, this.#context));
      outcome = outcomeOf(this.#progress());
      await this.#write(outcome);
    }
    if (suspend === true && wasSuspended !== true) this.#event('Normal', 'Suspended', 'Job suspended');
    if (suspend !== true && wasSuspended === true) this.#event('Normal', 'Resumed', 'Job resumed');
    const deadline = outcome === undefined ? untilDeadline(this.#progress()) : undefined;
    if (wait === undefined && deadline === undefined) return undefined;
    return {
      requeueAfter: Math.max(1, Math.min(wait ?? Number.POSITIVE_INFINITY, deadline ?? Number.POSITIVE_INFINITY)),
    };
  }

  #pods(): readonly Pod[] {
    const selector = selectorOf(this.#job.spec?.selector);
    return controlledBy(this.#context.cache(Pod), this.#job).filter(({ metadata }) =>
      selector.matches(metadata.labels),
    );
  }

  #progress(): Progress {
    const pods = this.#pods();
    const { succeeded, failed, completedIndexes, failedIndexes, uncounted } = tally(this.#job, pods);
    return {
      job: this.#job,
      pods,
      succeeded: succeeded + uncounted.succeeded.length,
      failed: failed + uncounted.failed.length,
      completedIndexes,
      failedIndexes,
      now: this.#context.clock.now(),
    };
  }

  /** Those that still have something to tell their successors are kept until these are there. */
  #toUntrack(outcome: Outcome | undefined): readonly Pod[] {
    const pods = this.#pods();
    const { toUntrack, completedIndexes, failedIndexes } = tally(this.#job, pods, outcome?.type);
    if (outcome !== undefined || this.#job.metadata.deletionTimestamp !== undefined) return toUntrack;
    const kept = new Set(
      unreplaced(this.#job, pods, (index) => completedIndexes.has(index) || failedIndexes.has(index)).values(),
    );
    return toUntrack.filter((pod) => !kept.has(pod));
  }

  async #write(outcome: Outcome | undefined): Promise<void> {
    const { client, clock } = this.#context;
    const job = this.#job;
    const pods = this.#pods();
    const counted = tally(job, pods, outcome?.type);
    const settled =
      outcome !== undefined &&
      counted.toUntrack.length === 0 &&
      counted.uncounted.succeeded.length + counted.uncounted.failed.length === 0 &&
      !pods.some((pod) => isActive(pod) || isTerminating(pod));
    const status = jobStatus({ job, pods, tally: counted, outcome, settled, time: formatTime(clock.now()) });
    if (deepEqual(job.status ?? {}, status)) return;
    this.#job = await client.resource(Job).updateStatus({ ...job, status });
    if (settled) this.#tell(outcome, this.#job.status);
  }

  #tell({ type, reason, message }: Outcome, status: JobStatus | undefined): void {
    if (type === 'FailureTarget') this.#event('Warning', reason, message);
    else if (status?.completionTime !== undefined) this.#event('Normal', 'Completed', 'Job completed');
  }

  #event(type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#context.eventFor(this.#job, type, reason, message);
  }
}
