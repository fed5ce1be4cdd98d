/**
 * The API server's role: a store, certificates, the server itself, and HTTPS in front of it.
 */
import { clusterAdmission } from '../admission/index.ts';
import { builtinTypes, type ComponentProbe, type MetricsProvider } from '../apis/index.ts';
import type { NodeConnector } from '../apis/resource-type.ts';
import { type ApiServer, createServer, type ServerOptions } from '../apiserver/server.ts';
import type { ServerLog } from '../apiserver/server-log.ts';
import { anonymousHealth } from '../auth/anonymous.ts';
import { certificateAuthenticator } from '../auth/authenticate.ts';
import type { AuthenticationOptions } from '../auth/authentication.ts';
import { NodeAuthorizer } from '../auth/node-authorizer.ts';
import { RbacAuthorizer } from '../auth/rbac/authorizer.ts';
import type { ServiceAccountKeys } from '../auth/service-account/keys.ts';
import type { Clock } from '../clock/clock.ts';
import { crdResourceType } from '../crd/custom-resource-definition.ts';
import type { Store } from '../storage/index.ts';
import { defaultIssuer } from './authentication.ts';
import { ephemeralKeys } from './service-account-keys.ts';

export interface ApiRoleOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: ServerLog;
  readonly nodes: NodeConnector;
  /** Serves metrics.k8s.io; default: it is not served. */
  readonly metrics?: MetricsProvider;
  /** Default: what dies with the process. Client certificates are always taken. */
  readonly authentication?: Omit<AuthenticationOptions, 'authenticators'>;
  /**
   * Whether pods need a service account and are given its token, and new nodes wait to be seen ready. Off where no controller
   * makes the accounts and looks at the nodes, or every pod would be refused. Default: on.
   */
  readonly serviceAccountAdmission?: boolean;
  /** What the surface does besides; default: none of it. */
  readonly surface?: Pick<ServerOptions, 'auditor' | 'strictTransportSecurity' | 'inFlight'>;
}

/** A server with all that a cluster serves; not started yet. */
export function clusterServer(options: ApiRoleOptions): ApiServer {
  const {
    store,
    clock,
    log,
    nodes,
    authentication = ephemeralAuthentication(),
    serviceAccountAdmission = true,
    surface = {},
    metrics,
  } = options;
  return createServer({
    store,
    clock,
    log,
    nodes,
    types: [...builtinTypes({ components: [storeProbe(store)], ...(metrics && { metrics }) }), crdResourceType],
    admission: clusterAdmission(clock, serviceAccountAdmission),
    ...authentication,
    ...surface,
    authenticators: [certificateAuthenticator],
    authorizers: [new NodeAuthorizer(), new RbacAuthorizer()],
  });
}

/** Tokens of service accounts that end with the process, bootstrap tokens, and nobody else. */
export function ephemeralAuthentication(keys: () => ServiceAccountKeys = ephemeralKeys()): AuthenticationOptions {
  return {
    serviceAccounts: { issuers: [defaultIssuer], keys },
    bootstrapTokens: true,
    anonymous: anonymousHealth,
  };
}

/** What `componentstatuses` say of the store, under the name that it has in Kubernetes. */
const storeProbe = (store: Store): ComponentProbe => ({
  name: 'etcd-0',
  async check() {
    await store.revision();
    return 'ok';
  },
});
