/**
 * `setpoint/server`: the API server as a library. `createServer({ store, types }).handler` is a node request handler: it
 * runs under node:https and mounts in Express alike.
 */
export {
  type AdmissionHost,
  type AdmissionPlugin,
  type AdmissionRequest,
  admissionForbidden,
  admissionPlugins,
  dynamicAdmission,
  type ReviewAnswer,
  type ReviewRequest,
  type WebhookHandler,
  type WebhookHandlers,
  type WebhookTarget,
  webhookEndpoint,
} from './admission/index.ts';
export type { TokenAuthenticator, TokenIdentity } from './apis/authenticator.ts';
export {
  type Attributes,
  type Authorizer,
  allow,
  alwaysAllow,
  type Decision,
  noOpinion,
} from './apis/authorizer.ts';
export { builtinTypes } from './apis/index.ts';
export type * from './apis/resource-type.ts';
export type { HttpHandler, UpgradeHandler } from './apiserver/http-handler.ts';
export { ApiServer, createServer, type ServerOptions } from './apiserver/server.ts';
export { type AnonymousPolicy, anonymousEverywhere, anonymousHealth, anonymousNowhere } from './auth/anonymous.ts';
export {
  type Authenticator,
  anonymousUser,
  certificateAuthenticator,
  tokenAuthenticator,
} from './auth/authenticate.ts';
export type { ServiceAccountSettings } from './auth/authentication.ts';
export { NodeAuthorizer } from './auth/node-authorizer.ts';
export { RbacAuthorizer } from './auth/rbac/authorizer.ts';
export { createSigningKey, type ServiceAccountKeys, serviceAccountKeys } from './auth/service-account/keys.ts';
export { forAudiences } from './auth/tokens.ts';
export { inProcessTransport } from './client/in-process.ts';
export { type Cluster, type ClusterOptions, startCluster } from './cluster/cluster.ts';
export { crdResourceType } from './crd/custom-resource-definition.ts';
export { openLmdbStore, openMemoryStore, type Store } from './storage/index.ts';
