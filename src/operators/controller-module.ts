import type { ManagerScope } from '../runtime/manager.ts';

/** A built-in controller: what a manager needs to host it. */
export interface ControllerModule {
  /** kube-controller-manager's name for it: `deployment-controller`. */
  readonly name: string;
  /** Declares its controllers, caches and indexes on a manager that has not started. */
  add(manager: ManagerScope, settings?: ControllerSettings): void;
}

/** What some controllers have to be told. */
export interface ControllerSettings {
  /** The certificates that the API server's own is checked against, in PEM: what every namespace is given to read. */
  readonly rootCertificates?: string;
}
