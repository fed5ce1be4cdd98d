/**
 * Events (`core/v1`) about what a controller does. The same words about the same object within ten minutes are one event
 * that counts; at most 25 a burst and one every five minutes are written about one object (client-go's correlator).
 */
import type { Client } from '../client/client.ts';
import type { ResourceDefinition, TypedObject } from '../client/definition.ts';
import { type Clock, formatTime } from '../clock/clock.ts';
import type { ObjectMeta } from '../machinery/object.ts';
import { isReason } from '../machinery/status.ts';
import type { Logger } from './logger.ts';
import type { EventType } from './reconciler.ts';

/** As much of `core/v1` Event as is written here. */
export interface RecordedEvent {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
  involvedObject: {
    apiVersion?: string;
    kind?: string;
    name?: string;
    namespace?: string;
    uid?: string;
    resourceVersion?: string;
    fieldPath?: string;
  };
  reason: string;
  message: string;
  type: string;
  source: { component: string; host?: string };
  firstTimestamp: string;
  lastTimestamp: string;
  count: number;
  reportingComponent: string;
  reportingInstance: string;
}

const events: ResourceDefinition<RecordedEvent> = {
  group: '',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  namespaced: true,
};

export interface EventRecorderOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  /** Default `source.component`. */
  readonly component: string;
  /** The node that reports, where one does. */
  readonly host?: string;
}

interface Series {
  readonly namespace: string;
  readonly name: string;
  count: number;
  lastSeen: number;
  /** The write in flight; the next waits for it, so that counts arrive in order. */
  writing: Promise<void>;
}

interface Said {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly source: string;
  readonly fieldPath: string;
  readonly count: number;
  readonly time: string;
}

const seriesLifetime = 600_000;
const longestSeries = 4096;
const burst = 25;
const refill = 1 / 300_000;

export class EventRecorder {
  readonly #options: EventRecorderOptions;
  /** By what is said about what, the longest silent first. */
  readonly #series = new Map<string, Series>();
  readonly #budgets = new Map<string, { tokens: number; at: number }>();
  readonly #pending = new Set<Promise<void>>();
  #stopped = false;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  /** `fieldPath` names the part of the object that is meant: `spec.containers{web}`. */
  record(
    about: TypedObject,
    type: EventType,
    reason: string,
    message: string,
    component?: string,
    fieldPath = '',
  ): void {
    if (this.#stopped) return;
    const { clock } = this.#options;
    const now = clock.now();
    const source = component ?? this.#options.component;
    const subject = `${source}/${about.metadata.uid ?? ''}/${about.metadata.namespace ?? ''}/${about.metadata.name ?? ''}`;
    if (!this.#spend(subject, now)) return;
    const id = JSON.stringify([subject, about.kind, fieldPath, type, reason, message]);
    let series = this.#series.get(id);
    this.#series.delete(id);
    if (series === undefined || now - series.lastSeen > seriesLifetime) {
      series = {
        namespace: about.metadata.namespace || 'default',
        // As client-go names them: the object, a dot, the time in nanoseconds as hexadecimal.
        name: `${about.metadata.name ?? ''}.${(BigInt(Math.floor(now)) * 1_000_000n + BigInt(Math.floor(clock.random() * 1e6))).toString(16)}`,
        count: 0,
        lastSeen: now,
        writing: Promise.resolve(),
      };
    }
    series.count += 1;
    series.lastSeen = now;
    this.#series.set(id, series);
    this.#evict(this.#series);
    this.#write(series, about, {
      type,
      reason,
      message,
      source,
      fieldPath,
      count: series.count,
      time: formatTime(now),
    });
  }

  /** Resolves when what was recorded is written. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#pending);
  }

  #spend(subject: string, now: number): boolean {
    const budget = this.#budgets.get(subject) ?? { tokens: burst, at: now };
    this.#budgets.delete(subject);
    budget.tokens = Math.min(burst, budget.tokens + (now - budget.at) * refill);
    budget.at = now;
    this.#budgets.set(subject, budget);
    this.#evict(this.#budgets);
    if (budget.tokens < 1) return false;
    budget.tokens -= 1;
    return true;
  }

  #evict(map: Map<string, unknown>): void {
    if (map.size <= longestSeries) return;
    const [oldest] = map.keys();
    if (oldest !== undefined) map.delete(oldest);
  }

  #write(series: Series, about: TypedObject, said: Said): void {
    const { log } = this.#options;
    const written = series.writing
      .then(() => this.#send(series, about, said))
      .catch((error: unknown) => log.warn({ error, reason: said.reason }, 'an event could not be written'))
      .finally(() => this.#pending.delete(written));
    series.writing = written;
    this.#pending.add(written);
  }

  async #send(
    { namespace, name }: Series,
    about: TypedObject,
    { type, reason, message, source, fieldPath, count, time }: Said,
  ): Promise<void> {
    const client = this.#options.client.resource(events);
    if (count > 1) {
      try {
        await client.patch({ namespace, name }, { count, lastTimestamp: time });
        return;
      } catch (error) {
        // It has expired: begin again.
        if (!isReason(error, 'NotFound')) throw error;
      }
    }
    const { metadata } = about;
    const { host } = this.#options;
    await client.create({
      metadata: { namespace, name },
      involvedObject: {
        ...(about.apiVersion === undefined ? {} : { apiVersion: about.apiVersion }),
        ...(about.kind === undefined ? {} : { kind: about.kind }),
        ...(metadata.name === undefined ? {} : { name: metadata.name }),
        ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
        ...(metadata.uid === undefined ? {} : { uid: metadata.uid }),
        ...(metadata.resourceVersion === undefined ? {} : { resourceVersion: metadata.resourceVersion }),
        ...(fieldPath === '' ? {} : { fieldPath }),
      },
      reason,
      message,
      type,
      source: { component: source, ...(host === undefined ? {} : { host }) },
      firstTimestamp: time,
      lastTimestamp: time,
      count,
      reportingComponent: source,
      reportingInstance: host ?? '',
    });
  }
}
