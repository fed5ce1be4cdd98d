/** Addresses of pods on the host: each its own of 127.0.0.0/8, where the host answers on all of them. */
import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { RuntimeError } from '../container-runtime.ts';

const places = 65_000;

export class PodAddresses {
  /** The first two numbers; empty where pods share 127.0.0.1. */
  readonly #subnet: string;
  readonly #taken = new Set<string>();
  #last = 0;

  private constructor(subnet: string) {
    this.#subnet = subnet;
  }

  /** In `subnet` (`127.44`), or one drawn from the name of a directory: agents on one host then seldom share one. */
  static async open(subnet: string | undefined, directory: string): Promise<PodAddresses> {
    const wanted = subnet ?? `127.${1 + (createHash('sha256').update(directory).digest()[0]! % 254)}`;
    return new PodAddresses((await answersOn(`${wanted}.0.1`)) ? wanted : '');
  }

  take(): string {
    if (this.#subnet === '') return '127.0.0.1';
    for (let tries = 0; tries < places; tries++) {
      this.#last = (this.#last % places) + 1;
      const address = `${this.#subnet}.${this.#last >> 8}.${this.#last & 255}`;
      if (this.#taken.has(address)) continue;
      this.#taken.add(address);
      return address;
    }
    throw new RuntimeError('CreatePodSandboxError', `no address is left in ${this.#subnet}.0.0/16`);
  }

  /** A former agent has given it away. */
  keep(address: string): void {
    this.#taken.add(address);
  }

  giveBack(address: string): void {
    this.#taken.delete(address);
  }
}

/** Linux answers on all of 127.0.0.0/8, other systems only on 127.0.0.1. */
function answersOn(address: string): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', () => done(false));
    server.listen(0, address, () => server.close(() => done(true)));
  });
}
