/**
 * The API server as a library: resources over a store, answered over HTTP and to callers in this process.
 *
 * `createServer({ store, types }).handler` mounts anywhere a node request handler does; `listen` serves it on HTTPS.
 */
import { type AdmissionPlugin, admissionChain } from '../admission/chain.ts';
import type { AdmissionHost } from '../admission/host.ts';
import { WebhookHandlers } from '../admission/webhook/handlers.ts';
import type { TokenAuthenticator } from '../apis/authenticator.ts';
import type { Authorizer } from '../apis/authorizer.ts';
import type { ObjectSource } from '../apis/object-source.ts';
import type { NodeConnector, ResourceType, UserInfo, Verb } from '../apis/resource-type.ts';
import type { AnonymousPolicy } from '../auth/anonymous.ts';
import type { Auditor } from '../auth/audit/auditor.ts';
import type { Authenticator } from '../auth/authenticate.ts';
import { authentication, type ServiceAccountSettings } from '../auth/authentication.ts';
import {
  discoveryAuthorizer,
  type Gate,
  gateOf,
  publicInfoAuthorizer,
  superuserAuthorizer,
  unionAuthorizer,
} from '../auth/authorize.ts';
import { type Clock, systemClock } from '../clock/clock.ts';
import { isAllowedTarget } from '../crd/service-targets.ts';
import { crdGroup } from '../crd/types.ts';
import type { ApiObject } from '../machinery/object.ts';
import { resourceNotServed, StatusError } from '../machinery/status.ts';
import type { Store } from '../storage/store.ts';
import { admissionHost } from './admission-host.ts';
import type { ApiRequest, ApiResponse } from './api-request.ts';
import { noteFailure, noteLocalAnswer } from './audited.ts';
import { auditedLocalRequest } from './audited-request.ts';
import { CustomResources } from './custom-resources.ts';
import type { RequestBody } from './decode.ts';
import { discoveryPaths } from './discovery.ts';
import { type HealthCheck, healthPaths } from './health.ts';
import { type HttpHandler, httpHandler, type UpgradeHandler } from './http-handler.ts';
import { InFlight, type InFlightLimits } from './in-flight.ts';
import { indexPath } from './index-path.ts';
import { issuerDiscoveryPaths } from './issuer-discovery.ts';
import { ServerMetrics } from './metrics.ts';
import { objectSource } from './object-source.ts';
import { openApiPaths } from './openapi/index.ts';
import type { PathHandler, PathResponse } from './paths.ts';
import { followPolicyStatus, type PolicyStatusOptions } from './policy-status.ts';
import { ResourceRegistry, type ServedVersion } from './registry.ts';
import { attributesOf } from './request-attributes.ts';
import { resourceAccess } from './resource-access.ts';
import { ResourceStore } from './resource-store.ts';
import { seedObjects } from './seed.ts';
import { type ServerLog, silentLog } from './server-log.ts';
import { serve } from './verbs.ts';
import { versionPath } from './version.ts';
import { WatchClosed } from './watch-cache.ts';

export interface ServerOptions {
  readonly store: Store;
  /** Built-in resources. Custom ones are served when CustomResourceDefinition is among them. */
  readonly types: readonly ResourceType[];
  readonly clock?: Clock;
  /** In order; default: none. */
  readonly admission?: readonly (AdmissionPlugin | ((host: AdmissionHost) => AdmissionPlugin))[];
  /** Whether an IP address may be called as a webhook; default: {@link isAllowedTarget}, which keeps to what clusters need. */
  readonly webhookTarget?: (address: string) => boolean;
  /** In order; requests that none of them knows are anonymous. */
  readonly authenticators?: readonly Authenticator[];
  /** Who knows bearer tokens, in order, besides service accounts and bootstrap tokens: of requests and of TokenReviews. */
  readonly tokens?: readonly TokenAuthenticator[];
  /** Makes and checks the tokens of service accounts; default: there are none. */
  readonly serviceAccounts?: ServiceAccountSettings;
  /** Whether Secrets of type `bootstrap.kubernetes.io/token` let in whoever has their token; default: no. */
  readonly bootstrapTokens?: boolean;
  /** Where requests may come without credentials; default: everywhere, as `system:anonymous`. */
  readonly anonymous?: AnonymousPolicy;
  /**
   * In order; members of `system:masters` may everything before any is asked. Default: health is open to all, discovery to
   * those who have signed in, nothing else.
   */
  readonly authorizers?: readonly Authorizer[];
  /** How `pods/log` and its like reach node agents; default: they answer that there are none. */
  readonly nodes?: NodeConnector;
  /** How many requests run at once, besides those of the system's own components; more are answered 429. */
  readonly inFlight?: Partial<InFlightLimits>;
  /** Keeps the audit log; default: there is none. */
  readonly auditor?: Auditor;
  /** `Strict-Transport-Security` of every answer; default: none. */
  readonly strictTransportSecurity?: string;
  readonly log?: ServerLog;
  readonly healthChecks?: readonly HealthCheck[];
}

/** A request from inside this process. */
export interface LocalRequest {
  readonly verb: Verb;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly subresource: string;
  readonly query: URLSearchParams;
  readonly user: UserInfo;
  readonly userAgent: string;
  /** The server's to change. Patches carry their media type as the query parameter `patchType`. */
  readonly body: RequestBody | undefined;
  readonly signal: AbortSignal;
  readonly warn?: (message: string) => void;
}

export class ApiServer {
  readonly handler: HttpHandler;
  /** Watches over WebSocket: to be joined to the `upgrade` event of the server that `handler` is mounted in. */
  readonly upgrade: UpgradeHandler;
  readonly registry = new ResourceRegistry();
  readonly clock: Clock;
  /** Objects as they are now, told as they change. */
  readonly objects: ObjectSource;
  /** Admission webhooks that are functions of this process. */
  readonly webhooks = new WebhookHandlers();
  readonly #store: Store;
  readonly #auditor: Auditor | undefined;
  readonly #inFlight: InFlight;
  readonly #metrics = new ServerMetrics();
  readonly #custom: CustomResources | undefined;
  readonly #policyStatus: PolicyStatusOptions;
  readonly #authorize: Gate;
  readonly #services: ApiRequest['services'];
  readonly #paths: readonly PathHandler[];
  /** Connections to what runs in the cluster are cut when it is aborted. */
  readonly #stopping = new AbortController();
  #state: 'new' | 'ready' | 'stopped' = 'new';

  constructor(options: ServerOptions) {
    const { store, clock = systemClock, log = silentLog, webhookTarget = isAllowedTarget } = options;
    this.clock = clock;
    this.#inFlight = new InFlight(options.inFlight);
    this.#auditor = options.auditor;
    this.#store = store;
    this.objects = objectSource(this.registry, clock, log);
    const access = resourceAccess(this.registry);
    const host = admissionHost({ registry: this.registry, access, clock, handlers: this.webhooks, webhookTarget });
    const plugins = (options.admission ?? []).map((plugin) => (typeof plugin === 'function' ? plugin(host) : plugin));
    const admission = admissionChain(plugins);
    const storeOptions = { store, clock, admission, access };
    for (const type of options.types) this.registry.set({ type, store: new ResourceStore({ ...storeOptions, type }) });
    const identities = authentication(options, access, clock);
    const authorizer = unionAuthorizer([
      superuserAuthorizer,
      ...(options.authorizers ?? [publicInfoAuthorizer, discoveryAuthorizer]),
    ]);
    this.#authorize = gateOf(authorizer);
    this.#services = {
      access,
      admission: storeOptions.admission,
      nodes: options.nodes ?? noNodes,
      authorizer,
      authenticator: identities.tokens,
      serviceAccountTokens: identities.issuer,
    };
    if (this.registry.get(crdGroup, 'customresourcedefinitions') !== undefined) {
      this.#custom = new CustomResources({
        registry: this.registry,
        clock,
        log,
        authorizer,
        storeOptions,
        webhookTarget,
      });
    }
    this.#policyStatus = {
      objects: this.objects,
      access,
      resources: host.resources,
      log,
      context: () => ({ now: clock.now(), user: itself, dryRun: false, authorizer }),
    };
    const checks: HealthCheck[] = [
      { name: 'ping', endpoints: ['livez', 'readyz'], check: () => undefined },
      { name: 'log', endpoints: ['livez', 'readyz'], check: () => undefined },
      { name: 'etcd', endpoints: ['livez', 'readyz'], check: async () => void (await store.revision()) },
      { name: 'informer-sync', endpoints: ['readyz'], check: () => this.#requireReady() },
      {
        name: 'poststarthook/start-apiextensions-controllers',
        endpoints: ['livez', 'readyz'],
        check: () => this.#requireReady(),
      },
      { name: 'shutdown', endpoints: ['readyz'], check: () => this.#requireRunning() },
      ...(options.healthChecks ?? []),
    ];
    this.#paths = [
      healthPaths(checks, (name, error) => log.error({ check: name, error: String(error) }, 'health check failed')),
      versionPath,
      discoveryPaths(this.registry),
      openApiPaths(this.registry),
      ...(options.serviceAccounts === undefined ? [] : [issuerDiscoveryPaths(options.serviceAccounts)]),
      this.#metrics.path(this.#inFlight, options.auditor),
      indexPath(this.registry, checks),
    ];
    const surface = httpHandler({
      registry: this.registry,
      clock,
      authentication: identities,
      authorize: this.#authorize,
      paths: this.#paths,
      services: this.#services,
      inFlight: this.#inFlight,
      stopping: this.#stopping.signal,
      log,
      auditor: options.auditor,
      strictTransportSecurity: options.strictTransportSecurity,
      onRequest: (verb, resource, code, seconds) => this.#metrics.observe(verb, resource, code, seconds),
    });
    this.handler = surface.handler;
    this.upgrade = surface.upgrade;
  }

  /** Resolves when every resource, custom ones included, is served. */
  async start(): Promise<void> {
    await Promise.all([this.#custom?.start(), this.#services.authorizer.start?.(this.objects)]);
    await followPolicyStatus(this.#policyStatus);
    this.#state = 'ready';
  }

  /** Writes those of the server's own objects that are not there: neither admitted nor validated. */
  async seed(objects: readonly ApiObject[]): Promise<void> {
    await seedObjects(this.registry, this.#store, this.clock, objects);
  }

  /** Refuses new requests, ends watches, and resolves when the requests under way are answered. The store stays open. */
  async stop(): Promise<void> {
    if (this.#state === 'stopped') return;
    this.#state = 'stopped';
    this.#stopping.abort();
    await this.#custom?.stop();
    const drained = this.#inFlight.drain();
    for (const { store } of this.registry.all()) store.cache.close(new WatchClosed());
    await drained;
  }

  /** The resource that a request is about; throws as the HTTP surface answers. */
  find(group: string, version: string, resource: string): ServedVersion {
    const served = this.registry.find(group, version, resource);
    if (served === undefined) throw resourceNotServed();
    return served;
  }

  /** The same as over HTTP: authorization, admission, everything but the socket. Whoever watches says when it has `ended`. */
  async request(
    request: LocalRequest,
  ): Promise<{ served: ServedVersion; response: ApiResponse; ended: (() => void) | undefined }> {
    const { verb, user, userAgent, query } = request;
    const attributes = attributesOf(user, verb, request, query);
    const now = this.clock.now();
    const audit = this.#auditor?.begin(auditedLocalRequest(attributes, query, userAgent, now));
    try {
      const pending = this.#authorize(attributes, audit);
      if (pending !== undefined) await pending;
      const served = this.find(request.group, request.version, request.resource);
      const release = this.#inFlight.enter(verb, user);
      try {
        const response = await serve({
          verb,
          served,
          namespace: request.namespace,
          name: request.name,
          subresource: request.subresource,
          rest: '',
          query,
          user,
          userAgent,
          body: request.body,
          now,
          warn: request.warn ?? ignoreWarning,
          signal: request.signal,
          audit,
          services: this.#services,
        });
        return { served, response, ended: audit && (await noteLocalAnswer(audit, response, served, now)) };
      } finally {
        release();
      }
    } catch (error) {
      if (audit !== undefined) noteFailure(audit, error);
      throw error;
    }
  }

  /** What a path outside the resources answers: discovery, OpenAPI, version, health. */
  async document(path: string, user: UserInfo): Promise<PathResponse> {
    const attributes = { user, verb: 'get', path };
    const query = new URLSearchParams();
    const audit = this.#auditor?.begin(auditedLocalRequest(attributes, query, '', this.clock.now()));
    try {
      await this.#authorize(attributes, audit);
      for (const handler of this.#paths) {
        const pending = handler({
          method: 'GET',
          path,
          query,
          accept: 'application/json',
          ifNoneMatch: undefined,
          user,
        });
        if (pending === undefined) continue;
        const answer = await pending;
        audit?.complete(answer.code);
        return answer;
      }
      throw resourceNotServed();
    } catch (error) {
      if (audit !== undefined) noteFailure(audit, error);
      throw error;
    }
  }

  #requireReady(): void {
    if (this.#state === 'new') throw new Error('custom resources are not served yet');
  }

  #requireRunning(): void {
    if (this.#state === 'stopped') throw new Error('process is shutting down');
  }
}

export function createServer(options: ServerOptions): ApiServer {
  return new ApiServer(options);
}

/** Who the server is where it writes on its own. */
const itself: UserInfo = { name: 'system:apiserver', groups: ['system:masters'] };

const ignoreWarning = (): void => undefined;

const noNodes: NodeConnector = {
  containerLogs: (nodeName) => Promise.reject(noNode(nodeName)),
  exec: (nodeName) => Promise.reject(noNode(nodeName)),
  attach: (nodeName) => Promise.reject(noNode(nodeName)),
  portForward: (nodeName) => Promise.reject(noNode(nodeName)),
  dialAgent: (nodeName) => Promise.reject(noNode(nodeName)),
};

function noNode(nodeName: string): StatusError {
  return new StatusError(404, 'NotFound', `nodes "${nodeName}" not found`, { name: nodeName, kind: 'nodes' });
}
