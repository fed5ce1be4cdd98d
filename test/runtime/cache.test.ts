import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ConfigMap, Deployment, Namespace, Pod } from '../../src/client/index.ts';
import { createVirtualClock } from '../../src/clock/virtual.ts';
import { ObjectCache } from '../../src/runtime/cache.ts';
import { type CacheScope, compareResourceVersions, isComparable, Manager } from '../../src/runtime/index.ts';
import { FakeServer } from '../client/fake-server.ts';

async function world(scope?: CacheScope) {
  const server = new FakeServer(ConfigMap, Pod);
  const clock = createVirtualClock();
  const manager = new Manager({ transport: server.transport, clock });
  const cache = manager.cache(ConfigMap, scope);
  const start = manager.start();
  await clock.settle();
  await start;
  return { server, clock, manager, cache, client: manager.client.resource(ConfigMap) };
}

const key = (name: string) => ({ namespace: 'a', name });
const configMap = (name: string, data: Record<string, string> = {}, labels: Record<string, string> = {}) => ({
  metadata: { ...key(name), labels },
  data,
});

describe('cache: reading one’s own writes', () => {
  it('answers creates, updates, patches, applies and status before the watch has told them', async () => {
    const { server, cache, client } = await world();
    server.held = true;
    const created = await client.create(configMap('one', { step: 'create' }));
    assert.equal(cache.get(key('one')), created);
    const updated = await client.update({ ...created, data: { step: 'update' } });
    assert.equal(cache.get(key('one')), updated);
    await client.patch(key('one'), { data: { step: 'patch' } });
    assert.equal(cache.get(key('one'))?.data?.step, 'patch');
    await client.apply(configMap('one', { step: 'apply' }), { fieldManager: 'test' });
    assert.equal(cache.list()[0]?.data?.step, 'apply');
    await client.patchStatus(key('one'), { status: { done: true } });
    assert.deepEqual((cache.get(key('one')) as unknown as { status: unknown }).status, { done: true });
  });

  it('answers deletes before the watch has told them, and forgets the uid when it has', async () => {
    const { server, clock, cache, client } = await world();
    await client.create(configMap('one'));
    await clock.settle();
    server.held = true;
    await client.patch(key('one'), { data: { step: 'last' } });
    await client.delete(key('one'));
    assert.equal(cache.get(key('one')), undefined);
    const again = await client.create(configMap('one'));
    assert.equal(cache.get(key('one')), again);
    server.release();
    assert.equal(cache.get(key('one')), again);
  });

  it('keeps what is marked for deletion and still waits', async () => {
    const server = new FakeServer(Namespace);
    const clock = createVirtualClock();
    const manager = new Manager({ transport: server.transport, clock });
    const cache = manager.cache(Namespace);
    const deletionTimestamp = '2026-01-01T00:00:00Z';
    const marked = { deletionTimestamp, deletionGracePeriodSeconds: 0 };
    server.put(Namespace, { metadata: { name: 'held', ...marked, finalizers: ['a/b'] } });
    server.put(Namespace, { metadata: { name: 'spec', ...marked }, spec: { finalizers: ['kubernetes'] } } as never);
    server.put(Namespace, { metadata: { name: 'grace', deletionTimestamp, deletionGracePeriodSeconds: 30 } });
    const start = manager.start();
    await clock.settle();
    await start;
    for (const name of ['held', 'spec', 'grace']) {
      server.transport.request = async () => server.read(Namespace, '', name)!;
      await manager.client.resource(Namespace).patchStatus({ name }, { status: {} });
      assert.ok(cache.get({ name }), name);
    }
  });

  it('waits for what the answer does not show: scales', async () => {
    const server = new FakeServer(Deployment);
    const clock = createVirtualClock();
    const manager = new Manager({ transport: server.transport, clock });
    const cache = manager.cache(Deployment);
    const start = manager.start();
    await clock.settle();
    await start;
    const deployments = manager.client.resource(Deployment);
    await deployments.create({ metadata: key('web') });
    const scale = (replicas: number) =>
      deployments.updateScale(key('web'), { metadata: key('web'), spec: { replicas } });
    for (const replicas of [1, 2]) {
      server.held = replicas === 2;
      let answered = false;
      const scaled = scale(replicas).then(() => {
        answered = true;
      });
      await clock.settle();
      assert.equal(answered, replicas === 1);
      server.release();
      await scaled;
      assert.equal(cache.get(key('web'))?.spec?.replicas, replicas);
    }
    // A watch that is broken for long holds nobody up for ever.
    server.held = true;
    const scaled = scale(3);
    await clock.advance(10_000);
    await scaled;
    assert.equal(cache.get(key('web'))?.spec?.replicas, 2);
    server.release();
    assert.equal(cache.get(key('web'))?.spec?.replicas, 3);
  });

  it('tells its listeners each state once, whichever way it comes', async () => {
    const { server, clock, cache, client } = await world();
    const seen: string[] = [];
    cache.onChange({
      added: ({ metadata }) => seen.push(`added ${metadata.resourceVersion}`),
      updated: ({ metadata }) => seen.push(`updated ${metadata.resourceVersion}`),
      deleted: ({ metadata }) => seen.push(`deleted ${metadata.name}`),
    });
    const one = await client.create(configMap('one'));
    await clock.settle();
    server.held = true;
    const two = await client.patch(key('one'), { data: { x: '1' } });
    await client.delete(key('one'));
    server.release();
    await clock.settle();
    assert.deepEqual(seen, [
      `added ${one.metadata.resourceVersion}`,
      `updated ${two.metadata.resourceVersion}`,
      'deleted one',
    ]);
  });

  it('does not bring back what the watch has told to be gone when the answer comes late', async () => {
    const { server, clock, cache, client } = await world();
    await client.create(configMap('one'));
    let answer: () => void = () => undefined;
    server.after = () =>
      new Promise<void>((resolve) => {
        answer = resolve;
      });
    const patched = client.patch(key('one'), { data: { x: '1' } });
    await clock.settle();
    server.remove(ConfigMap, 'a', 'one');
    await clock.settle();
    assert.equal(cache.get(key('one')), undefined);
    answer();
    await patched;
    assert.equal(cache.get(key('one')), undefined);
  });

  it('keeps an own write through a list that is older', () => {
    const cache = new ObjectCache(ConfigMap, { sources: [''], onError: assert.ifError });
    const at = (name: string, resourceVersion: string, uid = name): ConfigMap => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { ...key(name), resourceVersion, uid },
    });
    cache.replace('', [at('stale', '1'), at('gone', '2')], '5');
    cache.wrote(at('new', '9'));
    cache.wrote(at('stale', '8'));
    cache.removed(key('gone'), 'gone');
    cache.replace('', [at('stale', '6'), at('gone', '2')], '7');
    assert.deepEqual(
      cache
        .list()
        .map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`)
        .sort(),
      ['new@9', 'stale@8'],
    );
    cache.replace('', [], '10');
    assert.equal(cache.list().length, 0);
  });

  it('lays writes from before the first list over it', () => {
    const cache = new ObjectCache(ConfigMap, { sources: [''], onError: assert.ifError });
    cache.wrote({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { ...key('early'), resourceVersion: '9' } });
    assert.equal(cache.list().length, 0);
    cache.replace('', [], '8');
    assert.equal(cache.list().length, 1);
  });

  it('leaves dry runs, other kinds and other versions alone', async () => {
    const { server, cache, manager, client } = await world();
    server.held = true;
    await client.create(configMap('one'), { dryRun: 'All' });
    await manager.client.resource(Pod).create({ metadata: key('p') });
    assert.equal(cache.list().length, 0);
  });

  it('follows its selectors', async () => {
    const { server, clock, cache, client } = await world({
      labelSelector: 'app=web',
      fieldSelector: 'metadata.name!=no',
    });
    server.held = true;
    await client.create(configMap('yes', {}, { app: 'web' }));
    await client.create(configMap('no', {}, { app: 'web' }));
    await client.create(configMap('other', {}, { app: 'db' }));
    assert.deepEqual(
      cache.list().map(({ metadata }) => metadata.name),
      ['yes'],
    );
    await client.patch(key('yes'), { metadata: { labels: { app: 'db' } } });
    assert.deepEqual(cache.list(), []);
    server.release();
    await clock.settle();
    assert.deepEqual(cache.list(), []);
    await client.patch(key('yes'), { metadata: { labels: { app: 'web' } } });
    await clock.settle();
    assert.deepEqual(
      cache.list().map(({ metadata }) => metadata.name),
      ['yes'],
    );
  });

  it('is exact under any interleaving, and ends as the server', async () => {
    const name = fc.constantFrom('x', 'y');
    const action = fc.oneof(
      fc.record({ do: fc.constantFrom('create', 'patch', 'delete', 'finalize', 'theirs', 'theirDelete'), name }),
      fc.record({ do: fc.constantFrom('hold', 'release', 'drop', 'compact'), name }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 30 }), async (actions) => {
        const { server, clock, cache, client, manager } = await world();
        const index = cache.index('value', ({ data }) => data?.value);
        let n = 0;
        for (const { do: act, name } of actions) {
          if (act === 'hold') server.held = true;
          else if (act === 'release') server.release();
          else if (act === 'compact') server.compact();
          else if (act === 'drop') {
            server.dropWatches(new Error('reset'));
            await clock.advance(n % 2 === 0 ? 0 : 40_000);
          } else if (act === 'theirs') server.put(ConfigMap, configMap(name, { value: `v${n++}` }));
          else if (act === 'theirDelete') server.remove(ConfigMap, 'a', name);
          else {
            const exists = server.read(ConfigMap, 'a', name);
            if ((exists === undefined) !== (act === 'create')) continue;
            if (act === 'delete') {
              const known = cache.get(key(name));
              const answer = await client.delete(key(name));
              const now = cache.get(key(name));
              // A bare Status is exact about the object that the cache knew.
              if (answer.kind === 'Status' && known?.metadata.uid === exists?.metadata.uid)
                assert.equal(now, undefined);
              continue;
            }
            const written =
              act === 'create'
                ? await client.create(configMap(name, { value: `v${n++}` }))
                : act === 'patch'
                  ? await client.patch(key(name), { data: { value: `v${n++}` } })
                  : await client.patch(key(name), { metadata: { finalizers: n++ % 2 === 0 ? ['a/b'] : [] } });
            const read = cache.get(key(name));
            if (server.read(ConfigMap, 'a', name) === undefined) continue;
            assert.ok(read !== undefined, `${act} ${name} is not there`);
            const order = compareResourceVersions(
              read.metadata.resourceVersion ?? '',
              written.metadata.resourceVersion ?? '',
            );
            assert.ok(order >= 0, `${act} ${name} reads older than written`);
            assert.ok(cache.list('a').includes(read));
            assert.ok(index.get(read.data?.value ?? '').includes(read));
          }
        }
        server.release();
        await clock.advance(400_000);
        const state = (objects: readonly { metadata: { name?: string; resourceVersion?: string } }[]) =>
          objects.map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`).sort();
        assert.deepEqual(state(cache.list()), state(server.all(ConfigMap)));
        assert.deepEqual(
          [...index.values()].sort(),
          [
            ...new Set(server.all(ConfigMap).map((object) => (object as unknown as ConfigMap).data?.value ?? '')),
          ].sort(),
        );
        await manager.stop();
      }),
      { numRuns: 100 },
    );
  });
});

describe('cache: reading', () => {
  it('answers by namespace and by index, before and after changes', async () => {
    const { server, clock, cache } = await world();
    server.put(ConfigMap, configMap('one', { owner: 'x' }));
    await clock.settle();
    cache.index('owner', ({ data }) => data?.owner?.split(','));
    server.put(ConfigMap, { metadata: { namespace: 'b', name: 'two' }, data: { owner: 'x,y' } } as never);
    await clock.settle();
    assert.equal(cache.byIndex('owner', 'x').length, 2);
    assert.equal(cache.byIndex('owner', 'y').length, 1);
    assert.equal(cache.list('b').length, 1);
    assert.equal(cache.list('c').length, 0);
    server.put(ConfigMap, configMap('one', { owner: 'y' }));
    server.remove(ConfigMap, 'b', 'two');
    await clock.settle();
    assert.equal(cache.byIndex('owner', 'x').length, 0);
    assert.equal(cache.byIndex('owner', 'y')[0]?.metadata.name, 'one');
    assert.throws(() => cache.byIndex('other', 'x'), /has no index "other"/);
  });

  it('shares frozen objects and lists', async () => {
    const { server, clock, cache } = await world();
    server.put(ConfigMap, configMap('one'));
    await clock.settle();
    const object = cache.get(key('one'))!;
    assert.throws(() => {
      object.metadata.labels = {};
    }, TypeError);
    assert.equal(cache.list(), cache.list());
    assert.throws(() => (cache.list() as unknown[]).push(1), TypeError);
  });

  it('orders only resource versions that are numbers', () => {
    for (const version of ['1', '10', '18446744073709551616']) assert.ok(isComparable(version), version);
    for (const version of ['', '0', '01', '-1', '1.5', '1e3', 'a', '1a', undefined])
      assert.ok(!isComparable(version), version);
  });

  it('orders resource versions as numbers of any size', () => {
    const number = fc.bigInt({ min: 1n, max: 2n ** 80n });
    fc.assert(
      fc.property(number, number, (a, b) => {
        const order = compareResourceVersions(String(a), String(b));
        assert.equal(Math.sign(order), a < b ? -1 : a > b ? 1 : 0);
      }),
    );
  });
});
