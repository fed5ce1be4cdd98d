/**
 * How many requests run at once. Reads and writes are counted apart; watches and the system's own requests are not
 * counted. Source: kube-apiserver's --max-requests-inflight and --max-mutating-requests-inflight.
 */
import type { UserInfo, Verb } from '../apis/resource-type.ts';
import { StatusError, tooManyRequests } from '../machinery/status.ts';

export interface InFlightLimits {
  readonly reads: number;
  readonly writes: number;
}

const defaultLimits: InFlightLimits = { reads: 400, writes: 200 };
const reads: ReadonlySet<Verb> = new Set(['get', 'list']);

export class InFlight {
  readonly #limits: InFlightLimits;
  #reads = 0;
  #writes = 0;
  #stopping = false;
  #idle: (() => void) | undefined;

  constructor(limits: Partial<InFlightLimits> = {}) {
    this.#limits = { ...defaultLimits, ...limits };
  }

  /** Throws 429 when there are too many, 503 when the server is stopping. Answers how to leave; leaving twice is once. */
  enter(verb: Verb, user: UserInfo): () => void {
    if (this.#stopping) throw new StatusError(503, 'ServiceUnavailable', 'apiserver is shutting down');
    if (verb === 'watch') return () => undefined;
    const read = reads.has(verb);
    const exempt = isSystem(user);
    if (!exempt && (read ? this.#reads >= this.#limits.reads : this.#writes >= this.#limits.writes)) {
      throw tooManyRequests('Too many requests, please try again later.', 1);
    }
    if (read) this.#reads += 1;
    else this.#writes += 1;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      if (read) this.#reads -= 1;
      else this.#writes -= 1;
      if (this.#reads + this.#writes === 0) this.#idle?.();
    };
  }

  /** Whether {@link InFlight.drain} has been called. */
  get stopping(): boolean {
    return this.#stopping;
  }

  get reads(): number {
    return this.#reads;
  }

  get writes(): number {
    return this.#writes;
  }

  /** Refuses new requests; resolves when those under way have ended. */
  drain(): Promise<void> {
    this.#stopping = true;
    if (this.#reads + this.#writes === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle = resolve;
    });
  }
}

/** Administrators and the cluster's own components: what holds the cluster together must not queue behind its users. */
function isSystem({ name, groups }: UserInfo): boolean {
  if (groups.includes('system:masters') || groups.includes('system:nodes')) return true;
  return name.startsWith('system:kube-') || name.startsWith('system:serviceaccount:kube-system:');
}
