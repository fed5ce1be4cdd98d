/** What the runtime counts. The names are controller-runtime's; see `prometheusMetrics`. */
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
