import assert from 'node:assert/strict';
import { ConfigMap, Lease } from '../../src/client/index.ts';
import { createVirtualClock, type VirtualClock } from '../../src/clock/virtual.ts';
import { Manager } from '../../src/runtime/index.ts';
import { FakeServer } from '../client/fake-server.ts';

interface Candidate {
  readonly manager: Manager;
  reconciles: number;
}

async function candidate(server: FakeServer, clock: VirtualClock, identity: string): Promise<Candidate> {
  const manager = new Manager({
    transport: server.transport,
    clock,
    leaderElection: { namespace: 'kube-system', name: 'test', identity },
  });
  const candidate = { manager, reconciles: 0 };
  manager.controller(ConfigMap).reconcile(() => {
    candidate.reconciles++;
  });
  const start = manager.start();
  await clock.settle();
  await start;
  await clock.settle();
  return candidate;
}

function lease(server: FakeServer): Lease {
  return server.read(Lease, 'kube-system', 'test') as unknown as Lease;
}

describe('leader election', () => {
  let server: FakeServer;
  let clock: VirtualClock;
  beforeEach(() => {
    server = new FakeServer(ConfigMap, Lease);
    server.put(ConfigMap, { metadata: { namespace: 'a', name: 'one' } });
    clock = createVirtualClock();
  });

  it('runs controllers only while the lease is held, and hands it over at once', async () => {
    const first = await candidate(server, clock, 'first');
    const second = await candidate(server, clock, 'second');
    assert.deepEqual([first.reconciles, second.reconciles], [1, 0]);
    assert.equal(lease(server).spec?.holderIdentity, 'first');
    assert.equal(lease(server).spec?.leaseDurationSeconds, 15);
    await clock.advance(120_000);
    assert.equal(lease(server).spec?.holderIdentity, 'first');
    assert.equal(second.reconciles, 0);
    await first.manager.stop();
    assert.equal(lease(server).spec?.holderIdentity, '');
    await clock.advance(3_000);
    assert.equal(second.reconciles, 1);
    assert.equal(lease(server).spec?.holderIdentity, 'second');
    assert.equal(lease(server).spec?.leaseTransitions, 1);
    await second.manager.stop();
  });

  it('takes over from a holder that is silent, after the lease’s time and not before', async () => {
    server.put(Lease, {
      metadata: { namespace: 'kube-system', name: 'test' },
      // By its own clock, the lease looks fresh or long gone: only what is seen to happen counts.
      spec: { holderIdentity: 'dead', leaseDurationSeconds: 15, renewTime: '2000-01-01T00:00:00.000000Z' },
    } as never);
    const next = await candidate(server, clock, 'next');
    await clock.advance(14_000);
    assert.equal(lease(server).spec?.holderIdentity, 'dead');
    await clock.advance(4_000);
    assert.equal(lease(server).spec?.holderIdentity, 'next');
    assert.equal(next.reconciles, 1);
    await next.manager.stop();
  });

  it('stops when the lease cannot be renewed in time, before another may take it', async () => {
    const first = await candidate(server, clock, 'first');
    server.before = ({ target }) => {
      if (target.resource === 'leases') throw new Error('no route to host');
    };
    await clock.advance(8_000);
    server.put(ConfigMap, { metadata: { namespace: 'a', name: 'two' } });
    await clock.settle();
    assert.equal(first.reconciles, 2);
    await clock.advance(4_000);
    server.put(ConfigMap, { metadata: { namespace: 'a', name: 'three' } });
    await clock.advance(1_000);
    assert.equal(first.reconciles, 2);
    assert.equal(server.openWatches, 0);
  });

  it('lets one of two win when both try at once', async () => {
    const [first, second] = await Promise.all([candidate(server, clock, 'first'), candidate(server, clock, 'second')]);
    await clock.advance(5_000);
    assert.equal(first.reconciles + second.reconciles, 1);
    await Promise.all([first.manager.stop(), second.manager.stop()]);
  });

  it('stops also when the lease’s server does not answer at all', async () => {
    const first = await candidate(server, clock, 'first');
    server.before = ({ target }) => (target.resource === 'leases' ? new Promise(() => undefined) : undefined);
    await clock.advance(9_000);
    assert.equal(server.openWatches, 1);
    await clock.advance(3_000);
    server.put(ConfigMap, { metadata: { namespace: 'a', name: 'three' } });
    await clock.advance(1_000);
    assert.equal(first.reconciles, 1);
  });

  it('wants times that make sense', () => {
    const leaderElection = { namespace: 'a', name: 'b', identity: 'c', leaseDuration: 1_000 };
    assert.throws(
      () => new Manager({ transport: server.transport, clock, leaderElection }),
      /want leaseDuration > renewDeadline > retryPeriod/,
    );
  });
});
