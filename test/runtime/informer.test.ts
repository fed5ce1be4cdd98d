import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ConfigMap, Node, Pod } from '../../src/client/index.ts';
import { createVirtualClock, type VirtualClock } from '../../src/clock/virtual.ts';
import { StatusError } from '../../src/machinery/status.ts';
import { type Cache, type CacheScope, Manager } from '../../src/runtime/index.ts';
import { FakeServer } from '../client/fake-server.ts';

interface World {
  readonly server: FakeServer;
  readonly clock: VirtualClock;
  readonly manager: Manager;
  readonly cache: Cache<ConfigMap>;
  readonly seen: string[];
}

function open(scope?: CacheScope, prepare: (server: FakeServer) => void = () => undefined): World {
  const server = new FakeServer(ConfigMap, Pod, Node);
  prepare(server);
  const clock = createVirtualClock();
  const manager = new Manager({ transport: server.transport, clock });
  const cache = manager.cache(ConfigMap, scope);
  const seen: string[] = [];
  cache.onChange({
    added: ({ metadata }, initial) => seen.push(`${initial ? 'initial' : 'added'} ${metadata.name}`),
    updated: ({ metadata }) => seen.push(`updated ${metadata.name}`),
    deleted: ({ metadata }) => seen.push(`deleted ${metadata.name}`),
  });
  return { server, clock, manager, cache, seen };
}

const configMap = (name: string, value = '', labels: Record<string, string> = {}) => ({
  metadata: { namespace: 'a', name, labels },
  data: { value },
});

const names = (cache: Cache<ConfigMap>): string[] =>
  cache
    .list()
    .map(({ metadata }) => metadata.name ?? '')
    .sort();

async function started(world: World): Promise<World> {
  const start = world.manager.start();
  await world.clock.settle();
  await start;
  return world;
}

describe('informer', () => {
  it('lists by stream, then follows', async () => {
    const { server, clock, cache, seen, manager } = await started(
      open(undefined, (server) => {
        server.put(ConfigMap, configMap('one'));
        server.put(ConfigMap, configMap('two'));
      }),
    );
    assert.deepEqual(names(cache), ['one', 'two']);
    server.put(ConfigMap, configMap('two', 'changed'));
    server.put(ConfigMap, configMap('three'));
    server.remove(ConfigMap, 'a', 'one');
    await clock.settle();
    assert.deepEqual(names(cache), ['three', 'two']);
    assert.deepEqual(seen, ['initial one', 'initial two', 'updated two', 'added three', 'deleted one']);
    assert.equal(cache.get({ namespace: 'a', name: 'two' })?.data?.value, 'changed');
    assert.equal(server.requests.length, 0);
    await manager.stop();
    assert.equal(server.openWatches, 0);
  });

  it('lists by pages where streamed lists are unknown, and asks for them only once', async () => {
    const { server, clock, cache } = await started(
      open(undefined, (server) => {
        server.streamedLists = false;
        for (let i = 0; i < 1200; i++) server.put(ConfigMap, configMap(`m${i}`));
      }),
    );
    assert.equal(cache.list().length, 1200);
    assert.equal(server.requests.length, 3);
    server.put(ConfigMap, configMap('late'));
    await clock.settle();
    assert.equal(cache.list().length, 1201);
    server.compact();
    server.dropWatches();
    await clock.advance(60_000);
    assert.equal(server.watchRequests.filter(({ options }) => options?.sendInitialEvents === true).length, 1);
    assert.equal(cache.list().length, 1201);
  });

  it('takes everything at once when the pages expire under it', async () => {
    const { server, cache } = await started(
      open(undefined, (server) => {
        server.streamedLists = false;
        for (let i = 0; i < 1200; i++) server.put(ConfigMap, configMap(`m${i}`));
        server.before = ({ options }) => {
          if (options?.continue !== undefined)
            throw new StatusError(410, 'Expired', 'the provided continue parameter is too old');
        };
      }),
    );
    assert.equal(cache.list().length, 1200);
    assert.deepEqual(
      server.requests.map(({ options }) => options?.limit),
      [500, 500, undefined],
    );
  });

  it('goes on where it stood when the server closes the watch', async () => {
    const { server, clock, cache, seen } = await started(open());
    server.put(ConfigMap, configMap('one'));
    await clock.settle();
    const before = String(server.revision);
    server.dropWatches();
    server.put(ConfigMap, configMap('two'));
    await clock.advance(2_000);
    assert.equal(server.watchRequests.at(-1)?.options?.resourceVersion, before);
    assert.deepEqual(names(cache), ['one', 'two']);
    assert.deepEqual(seen, ['added one', 'added two']);
  });

  it('lists anew after 410 and tells the difference', async () => {
    const { server, clock, cache, seen } = await started(
      open(undefined, (server) => {
        for (const name of ['stays', 'changes', 'goes']) server.put(ConfigMap, configMap(name));
      }),
    );
    seen.length = 0;
    server.held = true;
    server.put(ConfigMap, configMap('changes', 'new'));
    server.remove(ConfigMap, 'a', 'goes');
    server.put(ConfigMap, configMap('comes'));
    server.compact();
    server.dropWatches(new Error('connection reset'));
    server.held = false;
    await clock.advance(60_000);
    assert.deepEqual(names(cache), ['changes', 'comes', 'stays']);
    assert.deepEqual(seen.sort(), ['added comes', 'deleted goes', 'updated changes']);
  });

  it('notices a watch that is half open', async () => {
    const { server, clock, cache } = await started(open());
    server.hangWatches();
    server.put(ConfigMap, configMap('unheard'));
    await clock.advance(170_000);
    assert.deepEqual(names(cache), []);
    await clock.advance(20_000);
    assert.deepEqual(names(cache), ['unheard']);
  });

  it('keeps a silent watch alive by bookmarks, and resumes from them', async () => {
    const { server, clock } = await started(open());
    for (let minute = 0; minute < 10; minute++) {
      await clock.advance(60_000);
      server.bookmark();
    }
    assert.equal(server.watchRequests.length, 1);
    server.put(Pod, { metadata: { namespace: 'a', name: 'other-kind' } });
    server.bookmark();
    server.dropWatches();
    await clock.advance(5_000);
    assert.equal(server.watchRequests.at(-1)?.options?.resourceVersion, String(server.revision));
  });

  it('gives up a streamed list that stays silent, and takes pages', async () => {
    const world = open(undefined, (server) => {
      server.put(ConfigMap, configMap('one'));
    });
    const watch = world.server.transport.watch;
    world.server.transport.watch = (request, handlers) =>
      request.options?.sendInitialEvents === true ? { close: () => undefined } : watch(request, handlers);
    const start = world.manager.start();
    await world.clock.advance(15_000);
    await start;
    assert.deepEqual(names(world.cache), ['one']);
    assert.equal(world.server.requests.length, 1);
  });

  it('waits longer after each failure, and as long as the server asks', async () => {
    const world = open(undefined, (server) => {
      server.watchFault = () => new StatusError(429, 'TooManyRequests', 'slow down', { retryAfterSeconds: 20 });
    });
    const start = world.manager.start();
    await world.clock.advance(19_000);
    assert.equal(world.server.watchRequests.length, 1);
    world.server.watchFault = () => new Error('connection refused');
    const times: number[] = [];
    let count = 1;
    for (let second = 0; second < 60; second++) {
      await world.clock.advance(1_000);
      if (world.server.watchRequests.length > count) times.push(second);
      count = world.server.watchRequests.length;
    }
    assert.ok(count > 3 && count < 10, `${count} attempts`);
    world.server.watchFault = undefined;
    await world.clock.advance(61_000);
    await start;
    assert.equal(world.cache.synced, true);
  });

  it('says which caches do not come in', async () => {
    const server = new FakeServer(ConfigMap);
    const clock = createVirtualClock();
    const manager = new Manager({ transport: server.transport, clock, syncTimeout: 5_000 });
    manager.cache(ConfigMap);
    manager.cache(Pod);
    const failed = assert.rejects(manager.start(), /the caches of Pod are not in after 5000 ms/);
    await clock.advance(5_000);
    await failed;
    await manager.stop();
  });

  it('holds only the namespaces that it is given, from one watch each', async () => {
    const { server, clock, cache } = await started(
      open({ namespaces: ['a', 'b'] }, (server) => {
        server.put(ConfigMap, configMap('here'));
        server.put(ConfigMap, { metadata: { namespace: 'c', name: 'elsewhere' } });
      }),
    );
    server.put(ConfigMap, { metadata: { namespace: 'b', name: 'there' } });
    await clock.settle();
    assert.deepEqual(names(cache), ['here', 'there']);
    assert.equal(server.openWatches, 2);
    server.compact();
    server.dropWatches(new StatusError(410, 'Expired', 'too old resource version'));
    await clock.advance(5_000);
    assert.deepEqual(names(cache), ['here', 'there']);
  });

  it('starts a cache that is asked for later, and drops it', async () => {
    const { server, clock, manager } = await started(open());
    server.put(Pod, { metadata: { namespace: 'a', name: 'p' } });
    const pods = manager.cache(Pod);
    assert.equal(pods.synced, false);
    await clock.settle();
    await pods.whenSynced();
    assert.equal(pods.list().length, 1);
    assert.equal(server.openWatches, 2);
    manager.dropCache(Pod);
    assert.equal(server.openWatches, 1);
  });

  it('outlives a change handler that throws', async () => {
    const { server, clock, cache, seen } = await started(open());
    cache.onChange({
      added: () => {
        throw new Error('broken');
      },
    });
    server.put(ConfigMap, configMap('one'));
    await clock.settle();
    assert.deepEqual(names(cache), ['one']);
    assert.deepEqual(seen, ['added one']);
  });

  it('is the server, after any faults', async () => {
    const step = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({ do: fc.constant('put' as const), name: fc.constantFrom('x', 'y', 'z', 'w') }),
      },
      {
        weight: 3,
        arbitrary: fc.record({ do: fc.constant('remove' as const), name: fc.constantFrom('x', 'y', 'z', 'w') }),
      },
      {
        weight: 2,
        arbitrary: fc.record({
          do: fc.constantFrom('drop', 'reset', 'hang', 'hold', 'release', 'compact', 'bookmark', 'wait'),
        }),
      },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.boolean(), async (steps, streamed) => {
        const world = await started(
          open(undefined, (server) => {
            server.streamedLists = streamed;
          }),
        );
        const { server, clock, cache } = world;
        const told = new Map<string, string | undefined>();
        cache.onChange({
          added: ({ metadata }) => {
            assert.ok(!told.has(metadata.name!), 'added twice');
            told.set(metadata.name!, metadata.resourceVersion);
          },
          updated: ({ metadata }, old) => {
            assert.equal(told.get(metadata.name!), old.metadata.resourceVersion);
            told.set(metadata.name!, metadata.resourceVersion);
          },
          deleted: ({ metadata }) => assert.ok(told.delete(metadata.name!), 'deleted twice'),
        });
        let n = 0;
        for (const action of steps) {
          if (action.do === 'put') server.put(ConfigMap, configMap((action as { name: string }).name, String(n++)));
          else if (action.do === 'remove') server.remove(ConfigMap, 'a', (action as { name: string }).name);
          else if (action.do === 'drop') server.dropWatches();
          else if (action.do === 'reset') server.dropWatches(new Error('connection reset'));
          else if (action.do === 'hang') server.hangWatches();
          else if (action.do === 'hold') server.held = true;
          else if (action.do === 'release') server.release();
          else if (action.do === 'compact') server.compact();
          else if (action.do === 'bookmark') server.bookmark();
          else await clock.advance(1_000);
        }
        server.release();
        await clock.advance(400_000);
        const state = (objects: readonly { metadata: { name?: string; resourceVersion?: string } }[]) =>
          objects.map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`).sort();
        assert.deepEqual(state(cache.list()), state(server.all(ConfigMap)));
        assert.deepEqual([...told].map(([name, version]) => `${name}@${version}`).sort(), state(cache.list()));
        await world.manager.stop();
      }),
      { numRuns: 40 },
    );
  });
});
