import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ConfigMap, Deployment, Event, Node, type ObjectOf, Pod } from '../../src/client/index.ts';
import { createVirtualClock, type VirtualClock } from '../../src/clock/virtual.ts';
import { conflict } from '../../src/machinery/status.ts';
import {
  type Controller,
  defineResource,
  generationChanged,
  Manager,
  type ManagerOptions,
  type ReconcileContext,
  requeueAfter,
  Type,
} from '../../src/runtime/index.ts';
import { FakeServer } from '../client/fake-server.ts';

const Memcached = defineResource({
  group: 'cache.example.com',
  version: 'v1',
  kind: 'Memcached',
  spec: Type.Object({ size: Type.Integer({ minimum: 1, default: 1 }) }),
  status: Type.Object({ ready: Type.Integer() }),
});
type Memcached = ObjectOf<typeof Memcached>;

interface World {
  readonly server: FakeServer;
  readonly clock: VirtualClock;
  readonly manager: Manager;
  readonly logged: string[];
}

function world(options: Partial<ManagerOptions> = {}): World {
  const server = new FakeServer(Memcached, Deployment, ConfigMap, Event, Node, Pod);
  const clock = createVirtualClock();
  const logged: string[] = [];
  const log = (level: string) => (fields: object, message: string) => {
    const { error } = fields as { error?: Error };
    logged.push(`${level} ${message}${error === undefined ? '' : `: ${error.message}`}`);
  };
  const logger = { debug: () => undefined, info: log('info'), warn: log('warn'), error: log('error') };
  const manager = new Manager({ transport: server.transport, clock, logger, ...options });
  return { server, clock, manager, logged };
}

async function start({ manager, clock }: World): Promise<void> {
  const started = manager.start();
  await clock.settle();
  await started;
  await clock.settle();
}

const memcached = (name: string, size = 1) => ({ metadata: { namespace: 'a', name, generation: 1 }, spec: { size } });
const deployment = (name: string, replicas: number) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: { replicas },
});

describe('controller', () => {
  it('reconciles what is there and what comes, with an owned object applied', async () => {
    const w = world();
    w.server.put(Memcached, memcached('old', 2));
    w.manager
      .controller(Memcached)
      .owns(Deployment)
      .reconcile(async (object, ctx) => {
        const [applied] = await ctx.apply(deployment(object.metadata.name!, object.spec.size));
        assert.equal(applied, ctx.cache(Deployment).get(ctx.key));
      });
    await start(w);
    w.server.put(Memcached, memcached('new', 3));
    await w.clock.settle();
    const old = w.server.read(Deployment, 'a', 'old')!;
    assert.deepEqual(old.spec, { replicas: 2 });
    assert.deepEqual(old.metadata.ownerReferences, [
      {
        apiVersion: 'cache.example.com/v1',
        kind: 'Memcached',
        name: 'old',
        uid: w.server.read(Memcached, 'a', 'old')?.metadata.uid,
        controller: true,
        blockOwnerDeletion: true,
      },
    ]);
    assert.deepEqual(w.server.read(Deployment, 'a', 'new')?.spec, { replicas: 3 });
    const apply = w.server.requests.find(({ verb }) => verb === 'patch');
    assert.deepEqual(apply?.options, { fieldManager: 'memcached', force: true });
    assert.deepEqual(w.logged, []);
    await w.manager.stop();
  });

  it('comes back when an owned object changes, and asks the server only when something differs', async () => {
    const w = world();
    let reconciles = 0;
    w.manager
      .controller(Memcached)
      .owns(Deployment)
      .reconcile(async (object, ctx) => {
        reconciles++;
        await ctx.apply(deployment('web', object.spec.size));
      });
    w.server.put(Memcached, memcached('one'));
    await start(w);
    // The apply's own change brought it back once; the second time nothing was sent.
    assert.equal(reconciles, 2);
    assert.equal(w.server.requests.length, 1);
    const current = w.server.read(Deployment, 'a', 'web')!;
    w.server.put(Deployment, { ...current, status: { replicas: 1 } } as never);
    await w.clock.settle();
    assert.deepEqual([reconciles, w.server.requests.length], [3, 1]);
    w.server.put(Deployment, { ...current, spec: { replicas: 99 } } as never);
    await w.clock.settle();
    assert.deepEqual(w.server.read(Deployment, 'a', 'web')?.spec, { replicas: 1 });
    w.server.put(Deployment, { ...current, metadata: { ...current.metadata, ownerReferences: [] } } as never);
    await w.clock.settle();
    assert.equal(w.server.read(Deployment, 'a', 'web')?.metadata.ownerReferences?.length, 1);
    w.server.remove(Deployment, 'a', 'web');
    await w.clock.settle();
    assert.deepEqual(w.server.read(Deployment, 'a', 'web')?.spec, { replicas: 1 });
  });

  it('refuses to own what cannot be owned, and says so', async () => {
    const w = world();
    w.server.put(Memcached, memcached('one'));
    w.manager.controller(Memcached).reconcile(async (_, ctx) => {
      await ctx.apply({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' } });
    });
    await start(w);
    assert.match(w.logged[0] ?? '', /Node n is cluster-scoped and cannot be owned by an object in namespace a/);
    assert.equal(w.server.all(Node).length, 0);
  });

  it('refuses to apply what has no name or kind, and finds kinds that it does not cache', async () => {
    const w = world();
    w.server.put(Memcached, memcached('one'));
    const errors: unknown[] = [];
    w.manager.controller(Memcached).reconcile(async (_, ctx) => {
      await ctx.apply({ metadata: { name: 'x' } }).catch((error: unknown) => errors.push(String(error)));
      const pod = { apiVersion: 'v1', kind: 'Pod', metadata: {} };
      await ctx.apply(pod).catch((error: unknown) => errors.push(String(error)));
      const nothing = { apiVersion: 'no.such/v1', kind: 'Nothing', metadata: { name: 'x' } };
      await ctx.apply(nothing).catch((error: unknown) => errors.push(String(error)));
      await ctx.apply({ ...pod, metadata: { name: 'p' } });
    });
    await start(w);
    assert.deepEqual(errors, [
      'TypeError: ctx.apply: x has no apiVersion or kind',
      'TypeError: ctx.apply: a Pod has no metadata.name',
      'StatusError: no matches for kind "Nothing" in version "no.such/v1"',
    ]);
    assert.equal(w.server.read(Pod, 'a', 'p')?.metadata.ownerReferences?.length, 1);
  });

  it('writes status and conditions once a reconcile, and only what differs', async () => {
    const w = world();
    w.server.put(Memcached, memcached('one', 2));
    w.manager.controller(Memcached).reconcile((object, ctx) => {
      ctx.status({ ready: 1 });
      ctx.condition('Available', object.spec.size <= 1, 'MinimumReplicas', 'one of two');
      ctx.condition('Progressing', 'Unknown', 'Waiting');
    });
    await start(w);
    const patches = () => w.server.requests.filter(({ verb }) => verb === 'patch');
    assert.equal(patches().length, 1);
    assert.equal(patches()[0]?.target.subresource, 'status');
    const time = '2026-01-01T00:00:00Z';
    assert.deepEqual(w.server.read(Memcached, 'a', 'one')?.status, {
      ready: 1,
      conditions: [
        {
          type: 'Available',
          status: 'False',
          observedGeneration: 1,
          reason: 'MinimumReplicas',
          message: 'one of two',
          lastTransitionTime: time,
        },
        {
          type: 'Progressing',
          status: 'Unknown',
          observedGeneration: 1,
          reason: 'Waiting',
          message: '',
          lastTransitionTime: time,
        },
      ],
    });
    await w.clock.advance(60_000);
    const { status, ...rest } = w.server.read(Memcached, 'a', 'one')!;
    w.server.put(Memcached, { ...rest, status, spec: { size: 1 } } as never);
    await w.clock.settle();
    const conditions = (w.server.read(Memcached, 'a', 'one') as unknown as Memcached).status?.conditions ?? [];
    assert.deepEqual(
      conditions.map(({ type, status, lastTransitionTime }) => [type, status, lastTransitionTime]),
      [
        ['Available', 'True', '2026-01-01T00:01:00Z'],
        ['Progressing', 'Unknown', time],
      ],
    );
    assert.equal(patches().length, 2);
  });

  it('writes status also when the reconcile fails, then comes back with back-off', async () => {
    const w = world();
    w.server.put(Memcached, memcached('one'));
    const times: number[] = [];
    w.manager.controller(Memcached).reconcile((_, ctx) => {
      times.push(ctx.clock.now());
      ctx.condition('Ready', false, 'Broken', 'it does not work');
      throw new Error('it does not work');
    });
    await start(w);
    const { status } = w.server.read(Memcached, 'a', 'one') as unknown as Memcached;
    assert.equal(status?.conditions?.[0]?.reason, 'Broken');
    await w.clock.advance(10_000);
    assert.ok(times.length >= 10 && times.length <= 13, `${times.length} attempts`);
    const gaps = times.slice(3).map((time, i) => time - times[i + 2]!);
    assert.ok(gaps.every((gap, i) => i === 0 || gap > gaps[i - 1]!));
    assert.ok(w.logged.every((line) => line === 'error the reconcile has failed: it does not work'));
  });

  it('logs for the author, saying which controller and object it is', async () => {
    const logged: [object, string][] = [];
    const log = (fields: object, message: string): void => void logged.push([fields, message]);
    const w = world({ logger: { debug: log, info: log, warn: log, error: log } });
    w.server.put(Memcached, memcached('one'));
    w.manager.controller(Memcached).reconcile((_, ctx) => {
      ctx.log.debug({}, 'debug');
      ctx.log.info({ own: 1 }, 'info');
      ctx.log.warn({}, 'warn');
      ctx.log.error({}, 'error');
    });
    await start(w);
    const who = { controller: 'memcached', namespace: 'a', name: 'one' };
    assert.deepEqual(logged, [
      [who, 'debug'],
      [{ ...who, own: 1 }, 'info'],
      [who, 'warn'],
      [who, 'error'],
    ]);
  });

  it('takes a conflict for no error, only for another try', async () => {
    const w = world();
    w.server.put(Memcached, memcached('one'));
    let tries = 0;
    w.manager.controller(Memcached).reconcile(() => {
      if (++tries === 1) throw conflict({ group: '', name: 'things' }, 'x', 'modified');
    });
    await start(w);
    await w.clock.advance(100);
    assert.equal(tries, 2);
    assert.deepEqual(w.logged, []);
  });

  it('comes back after the time it asked for', async () => {
    const w = world();
    w.server.put(Memcached, memcached('one'));
    const times: number[] = [];
    w.manager.controller(Memcached).reconcile((_, { clock }) => {
      times.push(clock.now());
      return requeueAfter('1m30s');
    });
    await start(w);
    await w.clock.advance(181_000);
    assert.deepEqual(
      times.map((time) => time - times[0]!),
      [0, 90_000, 180_000],
    );
    assert.throws(() => requeueAfter('soon'), /invalid duration "soon"/);
  });

  it('puts its finalizer on first and takes it off last', async () => {
    const w = world();
    w.server.put(Memcached, memcached('one'));
    const seen: string[] = [];
    let ready = false;
    w.manager
      .controller(Memcached, { name: 'mc' })
      .reconcile((object) => {
        seen.push(`reconcile with ${object.metadata.finalizers}`);
      })
      .finalize((object, ctx) => {
        seen.push(`finalize ${object.metadata.name}`);
        ctx.status({ ready: 0 });
        return ready ? undefined : requeueAfter('10s');
      });
    await start(w);
    await w.manager.client.resource(Memcached).delete({ namespace: 'a', name: 'one' });
    await w.clock.settle();
    assert.ok(w.server.read(Memcached, 'a', 'one')?.metadata.deletionTimestamp);
    ready = true;
    await w.clock.advance(10_000);
    assert.equal(w.server.read(Memcached, 'a', 'one'), undefined);
    assert.equal(seen[0], 'reconcile with cache.example.com/mc');
    assert.equal(new Set(seen).size, 2);
    assert.deepEqual(w.logged, []);
  });

  it('never finalizes twice, however late the watch is', async () => {
    const w = world();
    w.server.put(Memcached, memcached('one'));
    let finalized = 0;
    const controller = w.manager
      .controller(Memcached)
      .reconcile(() => undefined)
      .finalize(() => {
        finalized++;
      });
    await start(w);
    await w.manager.client.resource(Memcached).delete({ namespace: 'a', name: 'one' });
    w.server.held = true;
    await w.clock.settle();
    assert.equal(w.server.read(Memcached, 'a', 'one'), undefined);
    controller.queue.add('a/one');
    await w.clock.settle();
    assert.equal(finalized, 1);
    assert.deepEqual(w.logged, []);
  });

  it('maps watched objects to keys, before and after an update', async () => {
    const w = world();
    const seen: string[] = [];
    for (const name of ['one', 'two']) w.server.put(Memcached, memcached(name));
    w.manager
      .controller(Memcached)
      .when(generationChanged)
      .watches(ConfigMap, ({ metadata, data }) => [{ namespace: metadata.namespace, name: data?.for ?? '' }])
      .reconcile((object) => {
        seen.push(object.metadata.name!);
      });
    await start(w);
    seen.length = 0;
    w.server.put(ConfigMap, { metadata: { namespace: 'a', name: 'c' }, data: { for: 'one' } } as never);
    await w.clock.settle();
    assert.deepEqual(seen, ['one']);
    w.server.put(ConfigMap, { metadata: { namespace: 'a', name: 'c' }, data: { for: 'two' } } as never);
    await w.clock.settle();
    assert.deepEqual(seen, ['one', 'one', 'two']);
    w.server.put(Memcached, { ...memcached('one'), metadata: { ...memcached('one').metadata, labels: { a: 'b' } } });
    await w.clock.settle();
    assert.deepEqual(seen.length, 3);
  });

  it('caches only what its scopes select', async () => {
    const w = world();
    const labels = (app: string) => ({ labels: { app } });
    w.server.put(ConfigMap, { metadata: { namespace: 'a', name: 'mine', ...labels('mine') } });
    w.server.put(ConfigMap, { metadata: { namespace: 'a', name: 'other', ...labels('other') } });
    w.server.put(Memcached, memcached('one'));
    const seen: string[] = [];
    const controller = w.manager
      .controller(Memcached)
      .watches(ConfigMap, () => [], { scope: { labelSelector: 'app=mine' } })
      .reconcile((_, ctx) => {
        seen.push(
          ...ctx
            .cache(ConfigMap)
            .list()
            .map(({ metadata }) => metadata.name ?? ''),
        );
      });
    assert.throws(() => controller.reads(ConfigMap, { labelSelector: 'app=other' }), /reads ConfigMap in two scopes/);
    await start(w);
    assert.deepEqual(seen, ['mine']);
  });

  it('reconciles by key, also what is gone', async () => {
    const w = world();
    w.server.put(Pod, { metadata: { namespace: 'a', name: 'p' } });
    w.server.put(Node, { metadata: { name: 'n' } });
    const seen: string[] = [];
    w.manager.controller('pods', { for: Pod }).reconcileKey((key, ctx) => {
      seen.push(`${key.namespace}/${key.name} ${ctx.cache(Pod).get(key) === undefined ? 'gone' : 'there'}`);
      assert.throws(
        () => ctx.cache(ConfigMap),
        /controller "pods" has no cache of ConfigMap: declare it with \.reads\(ConfigMap\)/,
      );
    });
    w.manager.controller('nodes', { for: Node }).reconcileKey((key) => {
      seen.push(`${key.namespace} ${key.name}`);
    });
    await start(w);
    w.server.remove(Pod, 'a', 'p');
    await w.clock.settle();
    assert.deepEqual(seen, ['a/p there', 'undefined n', 'a/p gone']);
    assert.deepEqual(w.logged, []);
  });

  it('works on as many keys at once as it may, and never twice on one', async () => {
    const w = world();
    for (let i = 0; i < 10; i++) w.server.put(Memcached, memcached(`m${i}`));
    let running = 0;
    let most = 0;
    const working = new Set<string>();
    const finish: (() => void)[] = [];
    w.manager.controller(Memcached, { concurrency: 3 }).reconcile(async ({ metadata }) => {
      assert.ok(!working.has(metadata.name!));
      working.add(metadata.name!);
      most = Math.max(most, ++running);
      await new Promise<void>((resolve) => finish.push(resolve));
      running--;
      working.delete(metadata.name!);
    });
    await start(w);
    let done = 0;
    while (finish.length > 0) {
      w.server.put(Memcached, memcached(`m${done % 3}`, done + 2));
      await w.clock.settle();
      finish.shift()?.();
      done++;
      if (done > 40) break;
      await w.clock.settle();
      if (done > 8) w.server.held = true;
    }
    assert.equal(most, 3);
    assert.ok(done >= 10);
    assert.deepEqual(w.logged, []);
  });

  it('lets the event loop have its turns between many reconciles', async () => {
    const w = world();
    for (let i = 0; i < 2_000; i++) w.server.put(Memcached, memcached(`m${i}`));
    let reconciles = 0;
    const between: number[] = [];
    w.manager.controller(Memcached).reconcile(() => {
      if (reconciles++ % 100 === 0) setImmediate(() => between.push(reconciles));
    });
    const started = w.manager.start();
    await w.clock.settle();
    await started;
    while (reconciles < 2_000) await w.clock.settle();
    assert.ok(between.filter((count) => count < 2_000).length > 3, between.join());
  });

  it('finishes running reconciles before it stops, and aborts those that do not end', async () => {
    const w = world({ gracePeriod: 5_000 });
    for (const name of ['a-quick', 'b-stuck', 'c-queued']) w.server.put(Memcached, memcached(name));
    const ended: string[] = [];
    w.manager.controller(Memcached, { concurrency: 2 }).reconcile(async ({ metadata }, { signal }) => {
      await new Promise<void>((resolve) => {
        if (metadata.name === 'a-quick') w.clock.setTimeout(resolve, 1_000);
        else signal.addEventListener('abort', () => resolve());
      });
      ended.push(metadata.name!);
    });
    await start(w);
    let stopped = false;
    const stop = w.manager.stop().then(() => {
      stopped = true;
    });
    await w.clock.advance(1_000);
    assert.deepEqual([ended, stopped], [['a-quick'], false]);
    await w.clock.advance(4_000);
    await stop;
    assert.deepEqual(ended, ['a-quick', 'b-stuck']);
    assert.equal(w.server.openWatches, 0);
  });

  it('stops without reconciles that do not end at all', async () => {
    const w = world({ gracePeriod: 5_000 });
    w.server.put(Memcached, memcached('one'));
    w.manager.controller(Memcached).reconcile(() => new Promise<void>(() => undefined));
    await start(w);
    const stop = w.manager.stop();
    await w.clock.advance(10_000);
    await stop;
    assert.deepEqual(w.logged, ['error reconciles do not end: stopping without them']);
    assert.equal(w.server.openWatches, 0);
  });

  it('records events, counting repeats', async () => {
    const w = world();
    w.server.put(Memcached, memcached('one'));
    let context: ReconcileContext<Memcached> | undefined;
    w.manager.controller(Memcached).reconcile((_, ctx) => {
      context = ctx;
      ctx.event('Normal', 'Scaled', 'now one');
    });
    await start(w);
    context?.event('Normal', 'Scaled', 'now one');
    context?.event('Warning', 'Failed', 'not two');
    await w.clock.settle();
    const events = w.server.all(Event) as unknown as Event[];
    assert.deepEqual(
      events.map(({ reason, count, type, source, involvedObject }) => [
        reason,
        count,
        type,
        source?.component,
        involvedObject.kind,
      ]),
      [
        ['Scaled', 2, 'Normal', 'memcached', 'Memcached'],
        ['Failed', 1, 'Warning', 'memcached', 'Memcached'],
      ],
    );
    for (let i = 0; i < 50; i++) context?.event('Normal', 'Busy', `round ${i}`);
    await w.manager.stop();
    assert.equal(w.server.all(Event).length, 2 + 22);
  });

  it('misses no last state, whatever fails on the way', async () => {
    const name = fc.constantFrom('x', 'y', 'z');
    const action = fc.record({
      do: fc.constantFrom(
        'put',
        'put',
        'put',
        'own',
        'remove',
        'drop',
        'reset',
        'hang',
        'hold',
        'release',
        'compact',
        'wait',
      ),
      name,
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(action, { maxLength: 30 }),
        fc.integer({ min: 0, max: 3 }),
        async (actions, failures) => {
          const w = world();
          const seen = new Map<string, string>();
          const working = new Set<string>();
          let n = 0;
          w.manager.controller('maps', { for: ConfigMap, concurrency: 2 }).reconcileKey(async ({ name }, ctx) => {
            assert.ok(!working.has(name), 'the same key twice at once');
            working.add(name);
            const object = ctx.cache(ConfigMap).get({ namespace: 'a', name });
            await new Promise((resolve) => setImmediate(resolve));
            working.delete(name);
            if (n++ % 4 < failures) throw new Error('not this time');
            seen.set(name, object?.metadata.resourceVersion ?? 'gone');
          });
          await start(w);
          const client = w.manager.client.resource(ConfigMap);
          for (const { do: act, name } of actions) {
            const key = { namespace: 'a', name };
            if (act === 'put') w.server.put(ConfigMap, { metadata: key, data: { n: String(n++) } } as never);
            else if (act === 'own') {
              if (w.server.read(ConfigMap, 'a', name) === undefined) await client.create({ metadata: key });
              else await client.patch(key, { data: { n: String(n++) } });
            } else if (act === 'remove') w.server.remove(ConfigMap, 'a', name);
            else if (act === 'drop') w.server.dropWatches();
            else if (act === 'reset') w.server.dropWatches(new Error('reset'));
            else if (act === 'hang') w.server.hangWatches();
            else if (act === 'hold') w.server.held = true;
            else if (act === 'release') w.server.release();
            else if (act === 'compact') w.server.compact();
            else await w.clock.advance(1_000);
          }
          w.server.release();
          await w.clock.advance(400_000);
          for (const [name, version] of seen) {
            assert.equal(version, w.server.read(ConfigMap, 'a', name)?.metadata.resourceVersion ?? 'gone', name);
          }
          for (const { metadata } of w.server.all(ConfigMap)) assert.ok(seen.has(metadata.name ?? ''));
          await w.manager.stop();
        },
      ),
      { numRuns: 60 },
    );
  });

  it('says what is missing or too late', async () => {
    const w = world();
    const controller: Controller<Memcached> = w.manager.controller(Memcached);
    assert.throws(() => w.manager.controller(Memcached), /there is a controller named "memcached" already/);
    await assert.rejects(w.manager.start(), /controller "memcached" has no reconciler/);
    assert.equal(controller.name, 'memcached');
    const both = world();
    both.manager
      .controller(Memcached)
      .reconcileKey(() => undefined)
      .finalize(() => undefined);
    await assert.rejects(
      both.manager.start(),
      /has reconcileKey\(\): reconcile\(\) and finalize\(\) would never be called/,
    );
    const other = world();
    await start(other);
    assert.throws(() => other.manager.controller(Memcached), /comes too late/);
    await assert.rejects(other.manager.start(), /starts once/);
  });
});
