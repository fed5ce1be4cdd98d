import assert from 'node:assert/strict';
import type { Transport } from '../../src/client/transport.ts';
import { createVirtualClock } from '../../src/clock/virtual.ts';
import { tooManyRequests } from '../../src/machinery/status.ts';
import { limitTransport } from '../../src/node/agent/limited-transport.ts';

describe('a transport with a limit', () => {
  it('has no more requests under way, serves them in order, and goes on after failures and departures', async () => {
    let underWay = 0;
    let most = 0;
    const served: string[] = [];
    const transport = {
      async request({ target: { name = '' } }) {
        underWay++;
        most = Math.max(most, underWay);
        await new Promise((resolve) => setImmediate(resolve));
        underWay--;
        served.push(name);
        if (name === '3') throw new Error('refused');
        return { apiVersion: 'v1', kind: 'Pod', metadata: { name } };
      },
    } as Transport;
    const limited = limitTransport(transport, 3, createVirtualClock());
    const gone = new AbortController();
    const request = (name: string, signal?: AbortSignal) =>
      limited.request({
        verb: 'get',
        target: { group: '', version: 'v1', resource: 'pods', name },
        ...(signal === undefined ? {} : { signal }),
      });
    const answers = Array.from({ length: 20 }, (_, index) =>
      request(String(index), index === 9 ? gone.signal : undefined),
    );
    gone.abort();
    const results = await Promise.allSettled(answers);
    assert.equal(most, 3);
    assert.deepEqual(
      served,
      Array.from({ length: 20 }, (_, index) => String(index)).filter((name) => name !== '9'),
    );
    const failed = results.flatMap(({ status }, index) => (status === 'rejected' ? [index] : []));
    assert.deepEqual(failed, [3, 9]);
    assert.equal((await request('last')).metadata.name, 'last');
  });

  it('sends again what the server had no room for, when it says, and gives up in the end', async () => {
    const clock = createVirtualClock(0);
    const times: number[] = [];
    const refusing = (refusals: number): Transport =>
      limitTransport(
        {
          async request() {
            times.push(clock.now());
            if (times.length <= refusals) throw tooManyRequests('Too many requests, please try again later.', 2);
            return { apiVersion: 'v1', kind: 'Pod', metadata: {} };
          },
        } as unknown as Transport,
        3,
        clock,
      );
    const request = { verb: 'get', target: { group: '', version: 'v1', resource: 'pods' } } as const;
    const answered = refusing(2).request(request);
    await clock.advance(10_000);
    assert.equal((await answered).kind, 'Pod');
    assert.equal(times.length, 3);
    assert.ok(times[1]! - times[0]! >= 2000 && times[1]! - times[0]! <= 2200);
    times.length = 0;
    const refused = assert.rejects(refusing(1000).request(request), { code: 429 });
    await clock.advance(60_000);
    await refused;
    assert.equal(times.length, 11);
  });
});
