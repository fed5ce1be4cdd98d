/**
 * Objects as the server itself holds them, told as they change: for what decides about every request and must not look
 * anything up for it (authorizers, admission policies).
 */
import type { ApiObject } from '../machinery/object.ts';

export interface ResourceRef {
  readonly group: string;
  readonly plural: string;
}

export interface ObjectSource {
  /**
   * Resolves when `handler` has been told of every object there is; from then on it is told of every change before the
   * write that made it is answered. A kind that is not served has no objects. Ends with the server.
   */
  follow(resource: ResourceRef, handler: ObjectHandler): Promise<void>;
}

export interface ObjectHandler {
  /** Every object is read: the source keeps them parsed. Default: they are parsed when they are asked for, each time. */
  readonly keep?: boolean;
  set(object: SourceObject): void;
  delete(object: SourceObject): void;
  /** What was told before is void: the source has lost its place, and tells of everything again. */
  reset(): void;
}

export interface SourceObject {
  /** `<namespace>/<name>`, or the name alone. */
  readonly key: string;
  /** Shared and frozen; parsed when it is asked for. */
  readonly object: ApiObject;
  /** A field that selectors may name, without a parse where it is known. */
  field(name: string): string;
}
