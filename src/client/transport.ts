/**
 * The Transport contract: how a client's requests reach an API server. `http` speaks to any Kubernetes; `in-process`
 * calls a server in this process with the same identity, authorization and admission, and neither socket nor serialisation.
 * Both pass one contract suite.
 *
 * Objects that come back are shared and deeply frozen: whoever wants to change one copies it first.
 * Failures are {@link StatusError}s on both.
 */
import type { JsonObject, JsonValue } from '../machinery/json.ts';
import type { ApiObject, WatchEvent } from '../machinery/object.ts';

export type RequestVerb = 'create' | 'get' | 'list' | 'update' | 'patch' | 'delete' | 'deletecollection';

export type PatchType =
  | 'application/json-patch+json'
  | 'application/merge-patch+json'
  | 'application/strategic-merge-patch+json'
  | 'application/apply-patch+yaml';

/** What a request is about. */
export interface ResourceTarget {
  readonly group: string;
  readonly version: string;
  /** Lower-case plural. */
  readonly resource: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
}

/** The query parameters of the API concepts page, by their names there. */
export interface RequestOptions {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan';
  readonly limit?: number;
  readonly continue?: string;
  readonly timeoutSeconds?: number;
  readonly sendInitialEvents?: boolean;
  readonly allowWatchBookmarks?: boolean;
  readonly dryRun?: 'All';
  readonly fieldManager?: string;
  readonly fieldValidation?: 'Strict' | 'Warn' | 'Ignore';
  readonly force?: boolean;
}

export interface TransportRequest {
  readonly verb: RequestVerb;
  readonly target: ResourceTarget;
  readonly options?: RequestOptions;
  /** The object (create, update), DeleteOptions (delete, deletecollection) or the patch. Not kept, not changed. */
  readonly body?: ApiObject | JsonObject | JsonValue;
  /** With verb `patch`. */
  readonly patchType?: PatchType;
  readonly signal?: AbortSignal;
}

export interface TransportWatchRequest {
  readonly target: ResourceTarget;
  readonly options?: RequestOptions;
}

/**
 * A running watch. Events arrive in batches, synchronously and in order; `ended` comes once, with the error that ended the
 * watch (a StatusError such as 410 Expired, or a broken connection) or nothing when the server closed it in order.
 */
export interface WatchHandlers {
  /** `ADDED`, `MODIFIED`, `DELETED` and `BOOKMARK`; `ERROR` comes as `ended`. */
  events(events: readonly WatchEvent[]): void;
  ended(error: Error | undefined): void;
}

export interface Transport {
  /** Answers with the object, list, or Status of the API's answer. */
  request(request: TransportRequest): Promise<ApiObject>;
  /** The raw bytes of a subresource such as `pods/log`; `query` holds its own parameters. */
  stream(
    target: ResourceTarget,
    query: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array>>;
  /** The JSON document at a path outside the resources: `/version`, `/apis`, `/apis/apps/v1`, `/openapi/v3`. */
  document(path: string, signal?: AbortSignal): Promise<JsonObject>;
  /** Never calls the handlers before it has returned. */
  watch(request: TransportWatchRequest, handlers: WatchHandlers): { close(): void };
  /** Ends what is open. */
  close(): Promise<void>;
}
