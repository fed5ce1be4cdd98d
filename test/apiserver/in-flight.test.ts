import assert from 'node:assert/strict';
import type { UserInfo } from '../../src/apis/user-info.ts';
import { InFlight } from '../../src/apiserver/in-flight.ts';
import { StatusError } from '../../src/machinery/status.ts';

const someone: UserInfo = { name: 'someone', groups: [] };
const administrator: UserInfo = { name: 'admin', groups: ['system:masters'] };

const refused = (code: number, message: string) => (error: unknown) => {
  assert.ok(error instanceof StatusError);
  assert.deepEqual([error.code, error.message], [code, message]);
  return true;
};

describe('requests in flight', () => {
  it('are so many, of reads and of writes', () => {
    const inFlight = new InFlight({ reads: 2, writes: 1 });
    const tooMany = refused(429, 'Too many requests, please try again later.');
    const leave = inFlight.enter('get', someone);
    inFlight.enter('list', someone);
    assert.throws(() => inFlight.enter('get', someone), tooMany);
    inFlight.enter('create', someone);
    assert.throws(() => inFlight.enter('patch', someone), tooMany);
    leave();
    leave();
    inFlight.enter('get', someone);
    assert.throws(() => inFlight.enter('get', someone), tooMany);
    assert.deepEqual([inFlight.reads, inFlight.writes], [2, 1]);
  });

  it('do not count watches, nor hold up administrators', () => {
    const inFlight = new InFlight({ reads: 1, writes: 0 });
    inFlight.enter('get', someone);
    inFlight.enter('watch', someone);
    inFlight.enter('get', administrator);
    inFlight.enter('delete', administrator);
    assert.throws(() => inFlight.enter('delete', someone));
  });

  it('are waited for when the server stops, and come in no more', async () => {
    const inFlight = new InFlight();
    const leave = inFlight.enter('update', someone);
    let drained = false;
    const drain = inFlight.drain().then(() => {
      drained = true;
    });
    assert.throws(() => inFlight.enter('get', administrator), refused(503, 'apiserver is shutting down'));
    await Promise.resolve();
    assert.equal(drained, false);
    leave();
    await drain;
  });
});
