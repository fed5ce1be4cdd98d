import type { KeyPair } from '../auth/certificates.ts';
import type { ServiceAccountKeys } from '../auth/service-account/keys.ts';
import type { ManagerScope } from '../runtime/manager.ts';

/** A built-in controller: what a manager needs to host it. */
export interface ControllerModule {
  /** kube-controller-manager's name for it: `deployment-controller`. */
  readonly name: string;
  /** Works as the controller manager itself, not under an account of its own: it makes what accounts need. */
  readonly privileged?: boolean;
  /** Declares its controllers, caches and indexes on a manager that has not started. */
  add(manager: ManagerScope, settings?: ControllerSettings): void;
}

/** What some controllers have to be told. */
export interface ControllerSettings {
  /** The certificates that the API server's own is checked against, in PEM: what every namespace is given to read. */
  readonly rootCertificates?: string;
  /** The CA that signs requests for certificates; absent where they are signed elsewhere. */
  readonly certificateAuthority?: KeyPair;
  /** What signs the tokens of service accounts; absent where they are signed elsewhere. */
  readonly serviceAccountKeys?: () => ServiceAccountKeys;
}
