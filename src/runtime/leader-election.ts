/**
 * Leader election by a Lease (`coordination.k8s.io/v1`), as client-go does it: the holder renews; a candidate takes over
 * when it has seen no renewal for the lease's duration, by its own clock (so that clocks need not agree).
 */
import type { Client } from '../client/client.ts';
import type { ResourceDefinition } from '../client/definition.ts';
import { type Clock, formatMicroTime, type Timer } from '../clock/clock.ts';
import type { ObjectMeta } from '../machinery/object.ts';
import { isReason } from '../machinery/status.ts';
import type { Logger } from './logger.ts';

export interface LeaderElectionOptions {
  /** The Lease's place. */
  readonly namespace: string;
  readonly name: string;
  /** Who stands; unique among the candidates. */
  readonly identity: string;
  /** Milliseconds. Defaults, as client-go's: 15,000, 10,000 and 2,000. */
  readonly leaseDuration?: number;
  readonly renewDeadline?: number;
  readonly retryPeriod?: number;
}

export interface LeaderElectorOptions extends LeaderElectionOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onElected: () => void;
  /** The lease could not be renewed in time: somebody else may lead now. Comes at most once. */
  readonly onLost: () => void;
}

/** As much of the Lease as is used here. */
interface Lease {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
  spec?: {
    holderIdentity?: string;
    leaseDurationSeconds?: number;
    acquireTime?: string;
    renewTime?: string;
    leaseTransitions?: number;
  };
}

const leases: ResourceDefinition<Lease> = {
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
};

export class LeaderElector {
  readonly #options: LeaderElectorOptions;
  readonly #leaseDuration: number;
  readonly #renewDeadline: number;
  readonly #retryPeriod: number;
  #timer: Timer | undefined;
  #trying: Promise<void> = Promise.resolve();
  #state: 'new' | 'candidate' | 'leader' | 'stopped' = 'new';
  /** The lease as last seen, and when (by this clock) it was first seen like that. */
  #seen: { resourceVersion: string; at: number } | undefined;
  #renewedAt = 0;

  constructor(options: LeaderElectorOptions) {
    this.#options = options;
    this.#leaseDuration = options.leaseDuration ?? 15_000;
    this.#renewDeadline = options.renewDeadline ?? 10_000;
    this.#retryPeriod = options.retryPeriod ?? 2_000;
    if (this.#leaseDuration <= this.#renewDeadline || this.#renewDeadline <= this.#retryPeriod) {
      throw new RangeError('leader election: want leaseDuration > renewDeadline > retryPeriod');
    }
  }

  get leading(): boolean {
    return this.#state === 'leader';
  }

  start(): void {
    if (this.#state !== 'new') return;
    this.#state = 'candidate';
    this.#try();
  }

  /** Gives the lease back, so that the next candidate need not wait. */
  async stop(): Promise<void> {
    const led = this.#state === 'leader';
    this.#state = 'stopped';
    this.#timer?.cancel();
    await this.#trying;
    if (led) await this.#release();
  }

  #try(): void {
    this.#trying = this.#attempt().then((held) => this.#after(held));
  }

  #after(held: boolean): void {
    const { clock, onElected, onLost, log, identity } = this.#options;
    if (this.#state === 'stopped') return;
    const now = clock.now();
    if (held) {
      this.#renewedAt = now;
      if (this.#state === 'candidate') {
        this.#state = 'leader';
        log.info({ identity }, 'elected');
        onElected();
      }
    } else if (this.#state === 'leader' && now - this.#renewedAt >= this.#renewDeadline) {
      this.#state = 'stopped';
      onLost();
      return;
    }
    const spread = this.#state === 'leader' ? 1 : 1 + 0.2 * clock.random();
    this.#timer = clock.setTimeout(() => this.#try(), this.#retryPeriod * spread);
  }

  /** Whether the lease is held now. Never rejects. */
  async #attempt(): Promise<boolean> {
    const { client, clock, namespace, name, identity, log } = this.#options;
    const resource = client.resource(leases);
    const now = clock.now();
    const time = formatMicroTime(now);
    const mine = { holderIdentity: identity, leaseDurationSeconds: this.#leaseDuration / 1000, renewTime: time };
    try {
      let lease: Lease;
      try {
        lease = await resource.get({ namespace, name });
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error;
        await resource.create({
          metadata: { namespace, name },
          spec: { ...mine, acquireTime: time, leaseTransitions: 0 },
        });
        return true;
      }
      const spec = lease.spec ?? {};
      const { resourceVersion = '' } = lease.metadata;
      if (this.#seen?.resourceVersion !== resourceVersion) this.#seen = { resourceVersion, at: now };
      const holder = spec.holderIdentity ?? '';
      if (holder === identity) {
        await resource.update({ ...lease, spec: { ...spec, ...mine } });
        return true;
      }
      if (holder !== '' && this.#seen.at + (spec.leaseDurationSeconds ?? 0) * 1000 > now) return false;
      const transitions = (spec.leaseTransitions ?? 0) + 1;
      await resource.update({ ...lease, spec: { ...spec, ...mine, acquireTime: time, leaseTransitions: transitions } });
      return true;
    } catch (error) {
      log.debug({ error, namespace, name }, 'the lease could not be taken');
      return false;
    }
  }

  async #release(): Promise<void> {
    const { client, clock, namespace, name, identity, log } = this.#options;
    const resource = client.resource(leases);
    try {
      const lease = await resource.get({ namespace, name });
      if (lease.spec?.holderIdentity !== identity) return;
      const time = formatMicroTime(clock.now());
      await resource.update({
        ...lease,
        spec: { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: time, acquireTime: time },
      });
    } catch (error) {
      log.warn({ error, namespace, name }, 'the lease could not be given back');
    }
  }
}
