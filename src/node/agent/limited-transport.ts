/**
 * A transport with so many requests under way at once, and no more: hundreds of pods change together, the server is one.
 * When the server has too many all the same (429), the request is sent again after the time that it asks for, as client-go
 * does.
 */

import type { Transport, TransportRequest } from '../../client/transport.ts';
import { type Clock, sleep } from '../../clock/clock.ts';
import { StatusError } from '../../machinery/status.ts';

const mostRetries = 10;

export function limitTransport(transport: Transport, atOnce: number, clock: Clock): Transport {
  let free = atOnce;
  const waiting: (() => void)[] = [];

  const enter = async (signal: AbortSignal | undefined): Promise<void> => {
    if (free > 0) {
      free--;
      return;
    }
    // Whoever leaves hands its place on.
    await new Promise<void>((resolve) => waiting.push(resolve));
    if (signal?.aborted) {
      leave();
      signal.throwIfAborted();
    }
  };
  const leave = (): void => {
    const next = waiting.shift();
    if (next === undefined) free++;
    else next();
  };

  return {
    async request(request: TransportRequest) {
      for (let retry = 0; ; retry++) {
        let wait: number;
        await enter(request.signal);
        try {
          return await transport.request(request);
        } catch (error) {
          if (!(error instanceof StatusError) || error.code !== 429 || retry === mostRetries) throw error;
          // Those that were refused together do not come back together.
          wait = (error.status.details?.retryAfterSeconds ?? 1) * 1000 + clock.random() * 200;
        } finally {
          leave();
        }
        await sleep(clock, wait, request.signal);
      }
    },
    stream: (target, query, signal) => transport.stream(target, query, signal),
    document: (path, signal) => transport.document(path, signal),
    watch: (request, handlers) => transport.watch(request, handlers),
    close: () => transport.close(),
  };
}
