/**
 * One kind of resource: what every floor above knows about a resource, and all that it knows.
 *
 * Built-in and custom resources are the same record. REST, watch, patch, apply, OpenAPI, tables, admission, authorization
 * and discovery read it and nothing else; a built-in is a custom resource whose schema is written in TypeScript and which
 * may add code hooks ({@link Strategy}, {@link NamedSubresource}).
 */
import type { Duplex } from 'node:stream';
import type { FieldError } from '../machinery/field.ts';
import type { JsonObject, JsonValue } from '../machinery/json.ts';
import type { ApiObject } from '../machinery/object.ts';
import type { Schema } from '../machinery/schema.ts';
import type { PortDialer } from '../streaming/port-forward-server.ts';
import type { CommandSession, CommandWants } from '../streaming/remote-command.ts';
import type { TokenAuthenticator } from './authenticator.ts';
import type { Authorizer } from './authorizer.ts';
import type { ResourceRef } from './object-source.ts';
import type { ServiceAccountTokens } from './service-account-tokens.ts';
import type { UserInfo } from './user-info.ts';

export type { ResourceRef, UserInfo };

export type Verb = 'create' | 'get' | 'list' | 'watch' | 'update' | 'patch' | 'delete' | 'deletecollection';

export const allVerbs: readonly Verb[] = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'update',
  'watch',
];

export interface ResourceNames {
  /** Lower-case plural, the resource in URLs. */
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly listKind: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
}

export interface ResourceType {
  /** Empty for the core group. */
  readonly group: string;
  readonly names: ResourceNames;
  readonly scope: 'Namespaced' | 'Cluster';
  /** In order of preference (Kubernetes' version priority): the first served one is the preferred one. */
  readonly versions: readonly ResourceVersion[];
  /** The version in which objects are stored. */
  readonly storageVersion: string;
  /** What the REST endpoint answers to; everything else is 405. */
  readonly verbs: readonly Verb[];
  readonly strategy: Strategy;
  /** Subresources with code of their own, by name: `log`, `binding`, `eviction`, … */
  readonly subresources: Readonly<Record<string, NamedSubresource>>;
  /** Subresources that are connected to, not read or written: `exec`, `attach`, `portforward`, `proxy`. */
  readonly connections?: Readonly<Record<string, ConnectSubresource>>;
  /** Subresources besides `status` that are the object itself, by name: `approval`, `finalize`, `resize`, … */
  readonly objectSubresources?: Readonly<Record<string, ObjectSubresource>>;
  /**
   * The objects are another group's: they stand where that group keeps its resource of the same plural name, in the form
   * that `toStored` makes. {@link storageVersion} is then a version of that group, and {@link convert} reads that form.
   */
  readonly storedAs?: { readonly group: string; readonly toStored: (object: ApiObject) => ApiObject };
  /**
   * Turns objects of any served version into `version`. Absent: only `apiVersion` differs between versions
   * (the `None` strategy of custom resources). The input must not be changed.
   */
  readonly convert?: (objects: readonly ApiObject[], version: string) => Promise<readonly ApiObject[]>;
  /**
   * Makes an object as it is stored fit the present schema of its version, in place: what was stored under an older
   * schema is pruned and defaulted as it is read. Absent: what is stored is what is shown.
   */
  readonly fromStorage?: (draft: ApiObject) => void;
  /** Its definition is being deleted: no object is created any more, and discovery names only what is left to do. */
  readonly terminating?: boolean;
  /** The kind is not stored: its objects are answers that are made when they are asked for. {@link verbs} says which. */
  readonly virtual?: VirtualResource;
}

export interface ResourceVersion {
  readonly name: string;
  readonly served: boolean;
  readonly deprecated?: boolean;
  /** Default: Kubernetes' own sentence. */
  readonly deprecationWarning?: string;
  /** The whole object, `apiVersion`, `kind` and `metadata` included. */
  readonly schema: Schema;
  /**
   * When a value has the wrong JSON type: `decoding` refuses the request with 400 in the words of Go's decoder, as
   * kube-apiserver does for built-ins; `validation` answers 422 with field errors, as it does for custom resources.
   */
  readonly typeErrors: 'decoding' | 'validation';
  /** Whether `status` is a subresource: then writes to the main resource leave it alone, and the other way round. */
  readonly status: boolean;
  readonly scale?: ScalePaths;
  readonly columns: readonly Column[];
  /** Paths such as `.spec.nodeName` (without the dot: `spec.nodeName`) that field selectors may name, besides metadata's. */
  readonly selectableFields: readonly SelectableField[];
}

/** Where `autoscaling/v1` Scale reads and writes (simple dotted paths: `.spec.replicas`). */
export interface ScalePaths {
  readonly specReplicasPath: string;
  readonly statusReplicasPath: string;
  /** Where the selector stands: a string in the form of label selectors, or a `metav1.LabelSelector`. */
  readonly labelSelectorPath?: string;
}

export type Cell = string | number | boolean | null;

export interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  readonly format?: string;
  readonly description?: string;
  /** 0 is always shown, anything higher only in wide output. */
  readonly priority: number;
  /** `now` is in milliseconds since the epoch, for columns that show ages. */
  readonly cell: (object: ApiObject, now: number) => Cell;
}

export interface SelectableField {
  /** As selectors name it: `spec.nodeName`. */
  readonly name: string;
  /** Kubernetes compares strings; a missing value is the empty string. */
  readonly value: (object: ApiObject) => string;
}

/** What a hook may know about the request it serves. */
export interface RequestContext {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly user: UserInfo;
  readonly dryRun: boolean;
  /** What the server asks who may do what: for checks beyond the one that let the request in. */
  readonly authorizer: Authorizer;
  /** Notes something in the audit event of the request; what shows its object, only where the event shows that too. */
  readonly annotate?: (key: string, value: string, level?: 'Metadata' | 'Request') => void;
}

/**
 * What a schema cannot say. All hooks are optional; those that take a draft change it in place, and it is theirs alone.
 * The order is Kubernetes': default → (admission) → prepareFor* → validate* → (admission) → store.
 * Every object that a hook sees is in the version of the request; conversion to the storage version comes last.
 */
export interface Strategy {
  /** Whether `metadata.generation` counts changes outside metadata and status. */
  readonly generation: boolean;
  /** Whether PUT to a name that does not exist creates it. Kubernetes: Leases, Endpoints, Events and few others. */
  readonly allowCreateOnUpdate: boolean;
  /** Whether an update may come without a resourceVersion. Custom resources: no. */
  readonly allowUnconditionalUpdate: boolean;
  /** What is wrong with a name, in Kubernetes' words; default: DNS-1123 subdomain. `prefix`: it is a generateName. */
  readonly validateName?: (name: string, prefix: boolean) => string[];
  /** Defaults that depend on other fields, after the schema's own. */
  readonly default?: (draft: ApiObject) => void;
  readonly prepareForCreate?: (draft: ApiObject, context: RequestContext) => void;
  readonly prepareForUpdate?: (draft: ApiObject, old: ApiObject, context: RequestContext) => void;
  /**
   * A write to `status` keeps everything of the old object but `status` and metadata. Kinds without this hook keep the
   * old metadata too, as custom resources do.
   */
  readonly prepareForStatusUpdate?: (draft: ApiObject, old: ApiObject, context: RequestContext) => void;
  /** What each endpoint leaves alone whatever a write says. Absent: `status` and `spec`, where status is a subresource. */
  readonly resetFields?: ResetFields;
  /**
   * Refuses, by throwing a 403, a write that this user may not make although the request as such was let in: RBAC's objects
   * grant no more than their writer holds. Before validation; `old` is absent on create.
   */
  readonly authorize?: (
    draft: ApiObject,
    old: ApiObject | undefined,
    access: ResourceAccess,
    context: RequestContext,
  ) => Promise<void>;
  readonly validate?: (object: ApiObject, context: RequestContext) => FieldError[];
  readonly validateUpdate?: (object: ApiObject, old: ApiObject, context: RequestContext) => FieldError[];
  readonly validateStatusUpdate?: (object: ApiObject, old: ApiObject, context: RequestContext) => FieldError[];
  /** Sentences for `Warning` headers on create (no `old`) and update. */
  readonly warnings?: (object: ApiObject, old: ApiObject | undefined, context: RequestContext) => string[];
  /**
   * How many seconds a delete leaves the object alive, when the kind deletes gracefully. 0: remove at once.
   * `requested` is what DeleteOptions say. Absent: the kind has no graceful deletion.
   */
  readonly gracePeriodSeconds?: (object: ApiObject, requested: number | undefined) => number;
  /** Changes the draft of an object whose deletion begins while something holds it back (Namespace: phase Terminating). */
  readonly prepareForDelete?: (draft: ApiObject) => void;
  /** Whether something besides `metadata.finalizers` holds a deletion back (Namespace: `spec.finalizers`). */
  readonly pendingFinalizers?: (object: ApiObject) => boolean;
  /** Whether a delete answers with the object that was removed, not with a Status. Kubernetes: Pods, Services, … */
  readonly returnsDeletedObject?: boolean;
  /** After how many seconds an object expires in the store (Events: 3600). */
  readonly ttlSeconds?: (object: ApiObject) => number | undefined;
  /** What happens to dependents when DeleteOptions do not say; default `background`. */
  readonly defaultPropagation?: 'background' | 'orphan';
  /**
   * Takes what the object needs from outside before it is stored (addresses, ports), writing it into the draft, and
   * answers how to give it back if the write fails. Also runs on update.
   */
  readonly allocate?: (
    draft: ApiObject,
    old: ApiObject | undefined,
    access: ResourceAccess,
    context: RequestContext,
  ) => Promise<(() => void) | undefined>;
  /**
   * The store holds `object` now where it held `old`, or nothing any more: what {@link Strategy.allocate} took for `old` and
   * is not needed now may be given back. Neither object may be changed.
   */
  readonly afterWrite?: (old: ApiObject, object: ApiObject | undefined, access: ResourceAccess) => void;
}

/**
 * Fields that nobody comes to own by a write to an endpoint, since the endpoint leaves them as they are: paths such as
 * `status` and `metadata.labels`. Source: `GetResetFields` of the strategies in Kubernetes' `pkg/registry`.
 */
export interface ResetFields {
  readonly object: readonly string[];
  readonly status: readonly string[];
}

/**
 * How a hook reaches objects, its own kind's or another's, as the server itself: `update` passes neither admission nor the
 * kind's strategy, so that a subresource may do what clients may not.
 */
export interface ResourceAccess {
  get(resource: ResourceRef, namespace: string | undefined, name: string): Promise<ApiObject | undefined>;
  /** As the server's cache has it, which may be a moment behind the store: for what every request asks. */
  cached(resource: ResourceRef, namespace: string | undefined, name: string): Promise<ApiObject | undefined>;
  /** What the server's cache holds this moment, if it has been filled: for those who cannot wait. */
  peek(resource: ResourceRef, namespace: string | undefined, name: string): ApiObject | undefined;
  peekAll(resource: ResourceRef, namespace: string | undefined): readonly ApiObject[];
  list(resource: ResourceRef, namespace: string | undefined): Promise<readonly ApiObject[]>;
  /**
   * Reads, changes and writes one object, again on conflict. `change` gets a draft of its own and changes it in place;
   * what it throws ends the update.
   */
  update(
    resource: ResourceRef,
    namespace: string | undefined,
    name: string,
    change: (draft: ApiObject) => void,
    context: RequestContext,
  ): Promise<ApiObject>;
  /** Deletes one object as a client would, gracefully where its kind does so. */
  delete(
    resource: ResourceRef,
    namespace: string | undefined,
    name: string,
    options: ResourceDeleteOptions,
    context: RequestContext,
  ): Promise<void>;
}

/** What of `metav1.DeleteOptions` a hook may say. */
export interface ResourceDeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

/**
 * How the objects of a kind without storage come about: reviews answer a create, computed kinds are read. What they answer
 * is in the version of the request, complete with `apiVersion` and `kind`.
 */
export interface VirtualResource {
  /** Answers what was created. The draft has been admitted, defaulted and validated; it is the hook's to change. */
  readonly create?: (draft: ApiObject, request: VirtualRequest) => ApiObject | Promise<ApiObject>;
  /** `undefined`: there is no such object. */
  readonly get?: (name: string, request: VirtualRequest) => ApiObject | undefined | Promise<ApiObject | undefined>;
  /** All objects of the namespace (undefined: of all); selectors are applied to what it answers. */
  readonly list?: (request: VirtualRequest) => readonly ApiObject[] | Promise<readonly ApiObject[]>;
}

export interface VirtualRequest {
  readonly namespace: string | undefined;
  readonly context: RequestContext;
  readonly authenticator: TokenAuthenticator;
  readonly access: ResourceAccess;
  readonly nodes: NodeConnector;
  /** Aborted when the client goes away or the server stops. */
  readonly signal: AbortSignal;
}

/**
 * A subresource that is the object itself, read and written like it (PUT, patches and apply, with admission and managed
 * fields), of which a write changes one part only.
 */
export interface ObjectSubresource {
  readonly verbs: readonly ('get' | 'update' | 'patch')[];
  /** Puts back what the subresource does not change. */
  readonly prepareForUpdate: (draft: ApiObject, old: ApiObject, context: RequestContext) => void;
  readonly validateUpdate?: (object: ApiObject, old: ApiObject, context: RequestContext) => FieldError[];
  /** As {@link ResetFields}. */
  readonly resetFields: readonly string[];
}

/** A subresource with code of its own. */
export interface NamedSubresource {
  readonly verbs: readonly Verb[];
  /** What discovery says; `group`/`version` when they differ from the parent's (e.g. `policy/v1` Eviction). */
  readonly kind: string;
  readonly group?: string;
  readonly version?: string;
  /** The schema of request bodies, when there are any. */
  readonly schema?: Schema;
  readonly handle: (request: SubresourceRequest) => Promise<SubresourceResponse>;
}

export interface SubresourceRequest {
  readonly verb: Verb;
  readonly namespace: string | undefined;
  readonly name: string;
  /** What follows the subresource in the path, without a leading slash; usually empty. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Decoded and checked against `schema`. */
  readonly body: JsonObject | undefined;
  readonly context: RequestContext;
  readonly access: ResourceAccess;
  readonly nodes: NodeConnector;
  /** `undefined`: the server makes no tokens. */
  readonly serviceAccountTokens: ServiceAccountTokens | undefined;
  /** Sentences for `Warning` headers. */
  readonly warn: (message: string) => void;
  /** Aborted when the client goes away or the server stops. */
  readonly signal: AbortSignal;
}

export type SubresourceResponse =
  | { readonly kind: 'object'; readonly code: number; readonly object: ApiObject | JsonObject }
  | {
      readonly kind: 'stream';
      readonly code: number;
      readonly contentType: string;
      readonly body: AsyncIterable<Uint8Array>;
    };

/** A subresource that joins the client to something that runs. Source: `rest.Connecter` of k8s.io/apiserver. */
export interface ConnectSubresource {
  readonly verbs: readonly Verb[];
  /** Of the options: `PodExecOptions`. */
  readonly kind: string;
  /** Whoever connects needs the permission to create as well, by whatever method. Source: KEP-4006. */
  readonly needsCreate?: boolean;
  /** Whether a path follows it that is passed on. */
  readonly passesPath?: boolean;
  /** What the query may say, for OpenAPI. */
  readonly parameters: readonly {
    readonly name: string;
    readonly type: 'string' | 'boolean' | 'integer';
    readonly description: string;
  }[];
  /** The query as admission sees it, without kind and version. `path` follows the subresource. */
  readonly options: (query: URLSearchParams, path: string) => JsonObject;
  readonly connect: (request: ConnectRequest) => Promise<Connection>;
}

export interface ConnectRequest {
  readonly namespace: string | undefined;
  readonly name: string;
  readonly query: URLSearchParams;
  readonly access: ResourceAccess;
  readonly nodes: NodeConnector;
}

/** What a client is joined to, in terms of no protocol. */
export type Connection =
  | {
      readonly kind: 'command';
      readonly wants: CommandWants;
      /** Empty for an attached container. */
      readonly command: readonly string[];
      /** For messages: `executing command in container`. */
      readonly doing: string;
      readonly open: () => Promise<CommandSession>;
    }
  | {
      readonly kind: 'port-forward';
      readonly ports: readonly number[];
      /** `signal` ends everything that was dialled. */
      readonly open: (signal: AbortSignal) => Promise<PortDialer>;
    }
  /** An HTTP server: requests and upgrades are passed on. */
  | {
      readonly kind: 'proxy';
      readonly secure: boolean;
      /** As the `Host` header names it. */
      readonly host: string;
      readonly dial: (signal: AbortSignal) => Promise<Duplex>;
    };

/** How the API server reaches node agents. Fails with a StatusError when the node is unknown or does not answer. */
export interface NodeConnector {
  containerLogs(nodeName: string, request: ContainerLogsRequest): Promise<AsyncIterable<Uint8Array>>;
  /** Fails with UpgradeRefused when the agent has no such container running. */
  exec(nodeName: string, request: ExecRequest): Promise<CommandSession>;
  /** As {@link NodeConnector.exec}. */
  attach(nodeName: string, request: AttachRequest): Promise<CommandSession>;
  /** Fails with UpgradeRefused when the agent has no such pod running. */
  portForward(nodeName: string, request: PortForwardRequest): Promise<PortDialer>;
  /** A connection to the agent's own HTTP endpoint, authenticated as the API server. */
  dialAgent(nodeName: string): Promise<Duplex>;
}

export interface AttachRequest extends CommandWants {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

export interface ExecRequest extends AttachRequest {
  readonly command: readonly string[];
}

export interface PortForwardRequest {
  readonly namespace: string;
  readonly pod: string;
  /** Ends what was dialled. */
  readonly signal: AbortSignal;
}

/** `v1.PodLogOptions` with the pod it speaks of. Times are RFC 3339. */
export interface ContainerLogsRequest {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  readonly sinceSeconds?: number;
  readonly sinceTime?: string;
  readonly tailLines?: number;
  readonly limitBytes?: number;
  readonly signal: AbortSignal;
}

export type { JsonValue };
