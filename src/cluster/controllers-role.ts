/** The role of Kubernetes' controller manager: every selected controller on one manager, with shared caches. */
import type { UserInfo } from '../apis/user-info.ts';
import type { KeyPair } from '../auth/certificates.ts';
import type { ServiceAccountKeys } from '../auth/service-account/keys.ts';
import type { Transport } from '../client/transport.ts';
import type { Clock } from '../clock/clock.ts';
import { type ControllerSettings, controllers } from '../operators/index.ts';
import type { LeaderElectionOptions } from '../runtime/leader-election.ts';
import type { Logger } from '../runtime/logger.ts';
import { Manager } from '../runtime/manager.ts';
import { controllerUser } from './controller-accounts.ts';
import { selectControllers } from './controller-selection.ts';

export interface ControllersRoleOptions {
  /** For the caches, and for the controllers where `transportAs` is absent. */
  readonly transport: Transport;
  /** A transport of each controller's own identity. */
  readonly transportAs?: (user: UserInfo) => Transport;
  /** As `--controllers` takes them. */
  readonly selection: readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
  /** What clients check the API server's certificate against, PEM: published in every namespace. */
  readonly rootCertificates?: string;
  /** The CA that signs what CertificateSigningRequests ask for; absent: nobody signs them here. */
  readonly certificateAuthority?: KeyPair;
  /** What signs the tokens that Secrets hold; absent: nobody fills them. */
  readonly serviceAccountKeys?: () => ServiceAccountKeys;
  /** Set where several processes may take the role: only one at a time works. */
  readonly leaderElection?: LeaderElectionOptions;
}

export interface ControllersRole {
  readonly names: readonly string[];
  stop(): Promise<void>;
}

/** What `--controllers` may name. */
export const controllerNames: readonly string[] = controllers.map(({ name }) => name);

/** Resolves when the controllers' caches are in and they run. */
export async function startControllers(options: ControllersRoleOptions): Promise<ControllersRole> {
  const { transport, clock, log } = options;
  const selected = selectControllers(options.selection, controllerNames);
  const manager = new Manager({
    transport,
    clock,
    logger: log,
    name: 'kube-controller-manager',
    ...(options.leaderElection === undefined ? {} : { leaderElection: options.leaderElection }),
  });
  const chosen = controllers.filter(({ name }) => selected.has(name));
  const { rootCertificates, certificateAuthority, serviceAccountKeys } = options;
  const settings: ControllerSettings = {
    ...(rootCertificates === undefined ? {} : { rootCertificates }),
    ...(certificateAuthority === undefined ? {} : { certificateAuthority }),
    ...(serviceAccountKeys === undefined ? {} : { serviceAccountKeys }),
  };
  const transports: Transport[] = [transport];
  for (const controller of chosen) {
    const own = controller.privileged ? undefined : options.transportAs?.(controllerUser(controller.name));
    if (own !== undefined) transports.push(own);
    controller.add(own === undefined ? manager : manager.as(own), settings);
  }
  if (chosen.length > 0) await manager.start();
  return {
    names: chosen.map(({ name }) => name),
    async stop() {
      await manager.stop();
      await Promise.all(transports.map((each) => each.close()));
    },
  };
}
