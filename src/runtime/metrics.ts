/**
 * What the runtime counts, and its Prometheus form under controller-runtime's names, so that dashboards for controllers fit.
 */
import type { Registry } from 'prom-client';
import type { WorkQueueMetrics } from './work-queue.ts';

export type ReconcileOutcome = 'success' | 'error' | 'requeue' | 'requeue_after';

export interface ControllerMetrics {
  readonly queue: WorkQueueMetrics;
  /** A reconcile has ended after `milliseconds`. */
  reconciled(outcome: ReconcileOutcome, milliseconds: number): void;
  /** How many reconciles run. */
  active(count: number): void;
}

export interface ManagerMetrics {
  controller(name: string): ControllerMetrics;
}

/** controller-runtime's buckets of `controller_runtime_reconcile_time_seconds`. */
const reconcileBuckets = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.5, 1.75, 2,
  2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60,
];
/** controller-runtime's buckets of the work queue's durations: 10 ns × 10ⁿ. */
const queueBuckets = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100, 1000];

/** Metrics in `registry`, or in prom-client's default one. prom-client is loaded only by calling this. */
export async function prometheusMetrics(registry?: Registry): Promise<ManagerMetrics> {
  const { Counter, Gauge, Histogram, register } = await import('prom-client');
  const registers = [registry ?? register];

  const counter = <L extends string>(name: string, help: string, ...labelNames: L[]) =>
    new Counter({ name, help, labelNames, registers });
  const gauge = <L extends string>(name: string, help: string, ...labelNames: L[]) =>
    new Gauge({ name, help, labelNames, registers });
  const histogram = <L extends string>(name: string, help: string, buckets: number[], ...labelNames: L[]) =>
    new Histogram({ name, help, buckets, labelNames, registers });

  const reconciles = counter(
    'controller_runtime_reconcile_total',
    'Total number of reconciliations per controller',
    'controller',
    'result',
  );
  const errors = counter(
    'controller_runtime_reconcile_errors_total',
    'Total number of reconciliation errors per controller',
    'controller',
  );
  const times = histogram(
    'controller_runtime_reconcile_time_seconds',
    'Length of time per reconciliation per controller',
    reconcileBuckets,
    'controller',
  );
  const workers = gauge(
    'controller_runtime_active_workers',
    'Number of currently used workers per controller',
    'controller',
  );
  const queue = ['name', 'controller'] as const;
  const depth = gauge('workqueue_depth', 'Current depth of workqueue', ...queue);
  const adds = counter('workqueue_adds_total', 'Total number of adds handled by workqueue', ...queue);
  const waits = histogram(
    'workqueue_queue_duration_seconds',
    'How long in seconds an item stays in workqueue before being requested',
    queueBuckets,
    ...queue,
  );
  const work = histogram(
    'workqueue_work_duration_seconds',
    'How long in seconds processing an item from workqueue takes',
    queueBuckets,
    ...queue,
  );
  const retries = counter('workqueue_retries_total', 'Total number of retries handled by workqueue', ...queue);

  return {
    controller(name) {
      const labels = { name, controller: name };
      const result = (result: ReconcileOutcome) => reconciles.labels({ controller: name, result });
      const results = {
        success: result('success'),
        error: result('error'),
        requeue: result('requeue'),
        requeue_after: result('requeue_after'),
      };
      const failed = errors.labels({ controller: name });
      const time = times.labels({ controller: name });
      const active = workers.labels({ controller: name });
      const deep = depth.labels(labels);
      const added = adds.labels(labels);
      const waited = waits.labels(labels);
      const worked = work.labels(labels);
      const retried = retries.labels(labels);
      return {
        queue: {
          added(length) {
            added.inc();
            deep.set(length);
          },
          taken(length, milliseconds) {
            deep.set(length);
            waited.observe(milliseconds / 1000);
          },
          done: (milliseconds) => worked.observe(milliseconds / 1000),
          retried: () => retried.inc(),
        },
        reconciled(outcome, milliseconds) {
          results[outcome].inc();
          if (outcome === 'error') failed.inc();
          time.observe(milliseconds / 1000);
        },
        active: (count) => active.set(count),
      };
    },
  };
}
