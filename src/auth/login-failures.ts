/**
 * How often one address may fail to log in: a token bucket for each, with room for a client that goes wrong and none for
 * one that guesses. Addresses that have not failed lately take no memory.
 */
import { isIPv6 } from 'node:net';
import type { Clock } from '../clock/clock.ts';
import { tooManyRequests } from '../machinery/status.ts';
import { LruMap } from './lru.ts';

/** Failures that an address may have at once, and how many come back in a second. */
const burst = 100;
const perSecond = 10;
const knownAddresses = 10_000;

interface Bucket {
  left: number;
  at: number;
}

export class LoginFailures {
  readonly #clock: Clock;
  readonly #buckets = new LruMap<string, Bucket>(knownAddresses);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Throws 429 when the address has failed too often: its credentials are not looked at then. */
  check(address: string | undefined): void {
    const bucket = address === undefined ? undefined : this.#buckets.get(network(address));
    if (bucket === undefined) return;
    this.#refill(bucket);
    if (bucket.left < 1) throw tooManyRequests('too many failed attempts to log in, please try again later', 1);
  }

  count(address: string | undefined): void {
    if (address === undefined) return;
    const key = network(address);
    const bucket = this.#buckets.get(key) ?? { left: burst, at: this.#clock.now() };
    this.#refill(bucket);
    bucket.left = Math.max(0, bucket.left - 1);
    this.#buckets.set(key, bucket);
  }

  #refill(bucket: Bucket): void {
    const now = this.#clock.now();
    bucket.left = Math.min(burst, bucket.left + (Math.max(0, now - bucket.at) / 1000) * perSecond);
    bucket.at = now;
  }
}

/** Who has an IPv6 address has 2^64 of them. */
function network(address: string): string {
  if (!isIPv6(address)) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) while (groups.length < 4) groups.push('0');
  return groups.slice(0, 4).join(':');
}
