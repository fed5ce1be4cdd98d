import type { Manager } from '../runtime/manager.ts';

/** A built-in controller: what a manager needs to host it. */
export interface ControllerModule {
  /** kube-controller-manager's name for it: `deployment-controller`. */
  readonly name: string;
  /** Declares its controllers, caches and indexes on a manager that has not started. */
  add(manager: Manager): void;
}
