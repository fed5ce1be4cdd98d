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
  /** Runs while this candidate leads: when it fires, somebody else may lead soon. */
  #deadline: Timer | undefined;
  readonly #abort = new AbortController();
  /** The lease as last seen, and when (by this clock) it was first seen like that. */
  #seen: { resourceVersion: string; at: number } | undefined;

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
    this.#deadline?.cancel();
    this.#abort.abort(new Error('no longer a candidate'));
    await this.#trying;
    if (led) await this.#release();
  }

  #try(): void {
    const began = this.#options.clock.now();
    this.#trying = this.#attempt().then((held) => this.#after(held, began));
  }

  #after(held: boolean, began: number): void {
    const { clock, onElected, log, identity } = this.#options;
    if (this.#state === 'stopped') return;
    if (held) {
      this.#deadline?.cancel();
      this.#deadline = clock.setTimeout(() => this.#lose(), began + this.#renewDeadline - clock.now());
      if (this.#state === 'candidate') {
        this.#state = 'leader';
        log.info({ identity }, 'elected');
        onElected();
      }
    }
    const spread = this.#state === 'leader' ? 1 : 1 + 0.2 * clock.random();
    this.#timer = clock.setTimeout(() => this.#try(), this.#retryPeriod * spread);
  }

  #lose(): void {
    this.#state = 'stopped';
    this.#timer?.cancel();
    this.#abort.abort(new Error('the lease is lost'));
    this.#options.onLost();
  }

  /** Whether the lease is held now. Never rejects. */
  async #attempt(): Promise<boolean> {
    const { client, clock, namespace, name, identity, log } = this.#options;
    const resource = client.resource(leases);
    const { signal } = this.#abort;
    const now = clock.now();
    const time = formatMicroTime(now);
    const mine = { holderIdentity: identity, leaseDurationSeconds: this.#leaseDuration / 1000, renewTime: time };
    try {
      let lease: Lease;
      try {
        lease = await resource.get({ namespace, name }, { signal });
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error;
        const spec = { ...mine, acquireTime: time, leaseTransitions: 0 };
        await resource.create({ metadata: { namespace, name }, spec }, { signal });
        return true;
      }
      const spec = lease.spec ?? {};
      const { resourceVersion = '' } = lease.metadata;
      if (this.#seen?.resourceVersion !== resourceVersion) this.#seen = { resourceVersion, at: now };
      const holder = spec.holderIdentity ?? '';
      if (holder === identity) {
        await resource.update({ ...lease, spec: { ...spec, ...mine } }, { signal });
        return true;
      }
      if (holder !== '' && this.#seen.at + (spec.leaseDurationSeconds ?? 0) * 1000 > now) return false;
      const transitions = (spec.leaseTransitions ?? 0) + 1;
      const taken = { ...spec, ...mine, acquireTime: time, leaseTransitions: transitions };
      await resource.update({ ...lease, spec: taken }, { signal });
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
