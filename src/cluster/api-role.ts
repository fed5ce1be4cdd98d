/**
 * The API server's role: a store, certificates, the server itself, and HTTPS in front of it.
 */
import { admissionPlugins } from '../admission/index.ts';
import { builtinTypes } from '../apis/index.ts';
import type { NodeConnector } from '../apis/resource-type.ts';
import { type ApiServer, createServer } from '../apiserver/server.ts';
import type { ServerLog } from '../apiserver/server-log.ts';
import { certificateAuthenticator } from '../auth/authenticate.ts';
import { systemComponentAuthorizer } from '../auth/authorize.ts';
import type { Clock } from '../clock/clock.ts';
import { crdResourceType } from '../crd/custom-resource-definition.ts';
import type { Store } from '../storage/index.ts';

export interface ApiRoleOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: ServerLog;
  readonly nodes: NodeConnector;
}

/** A server with all that a cluster serves; not started yet. */
export function clusterServer({ store, clock, log, nodes }: ApiRoleOptions): ApiServer {
  return createServer({
    store,
    clock,
    log,
    nodes,
    types: [...builtinTypes(), crdResourceType],
    admission: admissionPlugins,
    authenticators: [certificateAuthenticator],
    authorizers: [systemComponentAuthorizer],
  });
}
