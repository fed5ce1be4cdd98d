/** Writes as the store takes and answers them. */
import type { OperationOptions } from '../admission/chain.ts';
import type { RequestContext, ResourceVersion } from '../apis/resource-type.ts';
import type { ApiObject } from '../machinery/object.ts';
import type { CacheEntry } from './cache-entry.ts';

/** One write, as the store needs to know it. */
export interface WriteRequest {
  readonly version: ResourceVersion;
  readonly namespace: string | undefined;
  /** Empty: the object's own name, or one made from generateName. */
  readonly name: string;
  readonly subresource: string;
  readonly context: RequestContext;
  readonly warn: (message: string) => void;
  /** Runs before admission, whose changes nobody owns: writes `metadata.managedFields` of the draft. */
  readonly trackFields: (draft: ApiObject, live: ApiObject | undefined) => void | Promise<void>;
  /** What admission is told of the options of the request. */
  readonly options?: OperationOptions;
  /** How admission sees objects at an endpoint that shows them in another form; absent: as they are. */
  readonly form?: AdmittedForm;
  /** The server's own doing, which passes no admission. */
  readonly internal?: boolean;
}

/** The form of objects at an endpoint: of `scale` they are Scales. */
export interface AdmittedForm {
  readonly kind: string;
  readonly apiVersion: string;
  /** A copy of its own. */
  readonly of: (object: ApiObject) => ApiObject;
  /** Writes what admission has made of it back into the draft. */
  readonly into: (draft: ApiObject, form: ApiObject) => void;
}

/** Makes the new object from the current one, which is not to be changed. Runs again when another write came first. */
export type Change = (current: ApiObject) => ApiObject | Promise<ApiObject>;

export interface UpdateResult {
  readonly entry: CacheEntry;
  readonly created: boolean;
  /** Nothing was written, as nothing has changed: the warnings of the strategy all the same. */
  readonly unchanged?: { readonly warnings: readonly string[] };
}

/** A write that changes nothing: the warnings that it gives before admission, and those of the strategy. */
export interface IdleWrite {
  readonly decoding: readonly string[];
  readonly strategy: readonly string[];
}

export type DeleteResult =
  /** The object is gone; `entry` is what it was last. */
  | { readonly removed: true; readonly entry: CacheEntry }
  /** The object waits for its grace period or finalizers; `pending`: it did so before, and nothing has changed. */
  | { readonly removed: false; readonly entry: CacheEntry; readonly pending?: boolean };
