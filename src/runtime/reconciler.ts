/** What an author writes, and what it is given: reconcilers, their contexts and their answers. */
import type { Client } from '../client/client.ts';
import type { ObjectKey, ResourceDefinition, TypedObject } from '../client/definition.ts';
import type { Clock } from '../clock/clock.ts';
import type { Cache } from './cache.ts';
import type { Logger } from './logger.ts';

/** Brings the world to what `object` says. `object` is shared and frozen. Throwing means: again, with back-off. */
export type Reconciler<T extends TypedObject> = (object: T, context: ReconcileContext<T>) => Promise<Result> | Result;

/** The same by key: also called when there is no such object (any more). */
export type KeyReconciler = (key: ObjectKey, context: KeyContext) => Promise<Result> | Result;

/** Nothing: done until something changes. */
// biome-ignore lint/suspicious/noConfusingVoidType: reconcilers that return nothing are the common case
export type Result = RequeueAfter | void;

export interface RequeueAfter {
  /** Milliseconds. */
  readonly requeueAfter: number;
}

/** What every reconciler may use. */
export interface KeyContext {
  readonly key: ObjectKey;
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborted when the manager gives up waiting for running reconciles. */
  readonly signal: AbortSignal;
  /** The shared cache of a kind that this controller is for, owns, watches or reads. Throws for any other kind. */
  cache<U extends TypedObject>(definition: ResourceDefinition<U>): Cache<U>;
  /** Records an event about `about`; repeats are counted, not multiplied. Never fails and is not waited for. */
  eventFor(about: TypedObject, type: EventType, reason: string, message: string): void;
}

export type EventType = 'Normal' | 'Warning';

export interface ReconcileContext<T extends TypedObject> extends KeyContext {
  /** The object being reconciled, as it was when this reconcile began. */
  readonly object: T;
  /**
   * Server-side apply of objects that belong to this one: the controller's field manager, forced; an owner reference and
   * the owner's namespace are filled in. Answers them as the server has them now.
   */
  apply<const U extends readonly TypedObject[]>(...objects: U): Promise<U>;
  /** Fields of status to set when this reconcile ends, by one write, and only if something changes. */
  status(fields: T extends { status?: infer S } ? Partial<NonNullable<S>> : Record<string, unknown>): void;
  /** A `metav1.Condition` to set when this reconcile ends; `lastTransitionTime` changes with the status only. */
  condition(type: string, status: boolean | 'True' | 'False' | 'Unknown', reason: string, message?: string): void;
  /** Records an event about the object. */
  event(type: EventType, reason: string, message: string): void;
}

/** Come back after `delay`: milliseconds, or a Go duration such as `30s`, `1h30m`, `250ms`. */
export function requeueAfter(delay: number | string): RequeueAfter {
  return { requeueAfter: typeof delay === 'number' ? delay : parseDuration(delay) };
}

const units: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** A Go duration in milliseconds. */
export function parseDuration(text: string): number {
  const match = /^[-+]?((\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))+$/.exec(text);
  if (match === null)
    throw new TypeError(`invalid duration ${JSON.stringify(text)}: want a number with a unit, as in "30s"`);
  let milliseconds = 0;
  for (const [, number = '', unit = ''] of text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/g)) {
    milliseconds += Number(number) * units[unit]!;
  }
  return text.startsWith('-') ? -milliseconds : milliseconds;
}
