/**
 * A request as the verbs see it, whether it came over HTTP or from this process, and what they answer.
 */
import type { AdmissionChain } from '../admission/chain.ts';
import type { TokenAuthenticator } from '../apis/authenticator.ts';
import type { Authorizer } from '../apis/authorizer.ts';
import type { NodeConnector, ResourceAccess, ResourceVersion, UserInfo, Verb } from '../apis/resource-type.ts';
import type { ServiceAccountTokens } from '../apis/service-account-tokens.ts';
import type { AuditTrail } from '../auth/audit/trail.ts';
import type { JsonObject } from '../machinery/json.ts';
import type { ApiObject } from '../machinery/object.ts';
import type { CacheEntry } from './cache-entry.ts';
import type { RequestBody } from './decode.ts';
import type { ObjectList } from './list.ts';
import type { ListOptions } from './options.ts';
import type { ServedVersion } from './registry.ts';
import type { Selection } from './selection.ts';

export interface ApiRequest {
  readonly verb: Verb;
  readonly served: ServedVersion;
  readonly namespace: string | undefined;
  /** Empty for collections. */
  readonly name: string;
  readonly subresource: string;
  readonly rest: string;
  readonly query: URLSearchParams;
  readonly user: UserInfo;
  readonly userAgent: string;
  readonly body: RequestBody | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Sentences for `Warning` headers. */
  readonly warn: (message: string) => void;
  readonly signal: AbortSignal;
  /** What is written of it in the audit log; `undefined`: nothing. */
  readonly audit: AuditTrail | undefined;
  readonly services: RequestServices;
}

/** What the server lends to requests. */
export interface RequestServices {
  readonly admission: AdmissionChain;
  readonly access: ResourceAccess;
  readonly nodes: NodeConnector;
  readonly authorizer: Authorizer;
  readonly authenticator: TokenAuthenticator;
  readonly serviceAccountTokens: ServiceAccountTokens | undefined;
}

export type ApiResponse =
  /** An object of the resource, as the cache has it. */
  | { readonly kind: 'entry'; readonly code: number; readonly entry: CacheEntry }
  | { readonly kind: 'list'; readonly list: ObjectList }
  /** Something else: a Status, a Scale, what a subresource answers. */
  | {
      readonly kind: 'object';
      readonly code: number;
      readonly object: ApiObject | JsonObject;
      /** What it is a version of, where it has other shapes: a Status has none. */
      readonly version?: ResourceVersion;
    }
  | { readonly kind: 'watch'; readonly selection: Selection; readonly options: ListOptions }
  | {
      readonly kind: 'stream';
      readonly code: number;
      readonly contentType: string;
      readonly body: AsyncIterable<Uint8Array>;
    };
