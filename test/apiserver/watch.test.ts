import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:tls';
import { createVirtualClock } from '../../src/clock/virtual.ts';
import { type Api, assertFailure, configMap, startApi, type WatchEvent, widgets } from './support/api.ts';

const collection = '/api/v1/namespaces/default/configmaps';
const brief = (events: readonly WatchEvent[]): string[] =>
  events.map(({ type, object }) => `${type} ${object.metadata.name}`);

describe('watch', () => {
  let api: Api;
  beforeEach(async () => {
    api = await startApi({ resources: [widgets()] });
  });
  afterEach(() => api[Symbol.asyncDispose]());

  const make = (name: string, labels: Record<string, string> = {}) =>
    api.ok('POST', collection, { ...configMap(name), metadata: { name, labels } });
  const label = (name: string, labels: object) =>
    api.ok('PATCH', `${collection}/${name}`, { metadata: { labels } }, 'application/merge-patch+json');

  it('begins with what is there, and goes on with every change in order', async () => {
    await make('a');
    for (const start of ['', '&resourceVersion=0']) {
      const watch = await api.watch(`${collection}?watch=1${start}`);
      assert.equal(watch.response.statusCode, 200);
      assert.equal(watch.response.headers['content-type'], 'application/json');
      assert.deepEqual(brief(await watch.take(1)), ['ADDED a']);
      await make('b');
      await label('b', { x: 'y' });
      await api.ok('DELETE', `${collection}/b`);
      const events = await watch.take(3);
      assert.deepEqual(brief(events), ['ADDED b', 'MODIFIED b', 'DELETED b']);
      const versions = events.map(({ object }) => Number(object.metadata.resourceVersion));
      assert.ok(versions[0]! < versions[1]! && versions[1]! < versions[2]!, 'a delete has a revision of its own');
      watch.close();
    }
  });

  it('from a revision tells what came after it, and nothing else', async () => {
    await make('a');
    const { metadata } = await api.ok('GET', collection);
    await make('b');
    const watch = await api.watch(`${collection}?watch=1&resourceVersion=${metadata.resourceVersion}`);
    await make('c');
    assert.deepEqual(brief(await watch.take(2)), ['ADDED b', 'ADDED c']);
    watch.close();
  });

  it('from a revision that is gone ends with 410 in the stream', async () => {
    await make('a');
    const watch = await api.watch(`${collection}?watch=1&resourceVersion=1`);
    assert.equal(watch.response.statusCode, 200);
    const [event] = await watch.take(1);
    assert.equal(event!.type, 'ERROR');
    const { message, ...status } = event!.object;
    assert.match(message, /^too old resource version: 1 \(\d+\)$/);
    assert.deepEqual(status, {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      reason: 'Expired',
      code: 410,
    });
    assert.equal(await watch.next(), undefined);
  });

  it('sees objects come to match and stop to match', async () => {
    await make('in', { tier: 'a' });
    await make('out', { tier: 'b' });
    const watch = await api.watch(`${collection}?watch=1&labelSelector=tier=a`);
    assert.deepEqual(brief(await watch.take(1)), ['ADDED in']);
    await label('out', { tier: 'a' });
    await label('in', { tier: 'c' });
    await label('in', { tier: 'd' });
    await api.ok('DELETE', `${collection}/in`);
    await api.ok('DELETE', `${collection}/out`);
    const events = await watch.take(3);
    assert.deepEqual(brief(events), ['ADDED out', 'DELETED in', 'DELETED out']);
    assert.equal(events[1]!.object.metadata.labels.tier, 'a', 'as it last matched');
    watch.close();
  });

  it('of one object, by its name or by the old path', async () => {
    await make('a');
    await make('b');
    for (const path of [
      `${collection}?watch=true&fieldSelector=metadata.name=b`,
      `${collection}/b?watch=true`,
      '/api/v1/watch/namespaces/default/configmaps/b',
    ]) {
      const watch = await api.watch(path);
      assert.deepEqual(brief(await watch.take(1)), ['ADDED b'], path);
      watch.close();
    }
  });

  it('streams a list, with a bookmark behind it', async () => {
    await make('a');
    await make('b');
    const watch = await api.watch(
      `${collection}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`,
    );
    const events = await watch.take(3);
    assert.deepEqual(
      events.map(({ type }) => type),
      ['ADDED', 'ADDED', 'BOOKMARK'],
    );
    const { object } = events[2]!;
    assert.equal(object.kind, 'ConfigMap');
    assert.deepEqual(object.metadata.annotations, { 'k8s.io/initial-events-end': 'true' });
    const { metadata } = await api.ok('GET', collection);
    assert.equal(object.metadata.resourceVersion, metadata.resourceVersion);
    await make('c');
    assert.deepEqual(brief(await watch.take(1)), ['ADDED c']);
    watch.close();
  });

  it('is told the revision from time to time when it asks for that', async () => {
    const clock = createVirtualClock();
    await using quiet = await startApi({ clock });
    const watch = await quiet.watch(`${collection}?watch=1&allowWatchBookmarks=true`);
    const silent = await quiet.watch(`${collection}?watch=1`);
    const { metadata } = await quiet.ok('GET', collection);
    await clock.advance(76_000);
    const [bookmark] = await watch.take(1);
    assert.equal(bookmark!.type, 'BOOKMARK');
    assert.equal(bookmark!.object.kind, 'ConfigMap');
    assert.ok(Number(bookmark!.object.metadata.resourceVersion) >= Number(metadata.resourceVersion));
    await quiet.ok('POST', collection, configMap('a'));
    assert.deepEqual(brief(await silent.take(1)), ['ADDED a']);
    watch.close();
    silent.close();
  });

  it('without initial events begins now', async () => {
    await make('a');
    const watch = await api.watch(
      `${collection}?watch=1&sendInitialEvents=false&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`,
    );
    await make('b');
    assert.deepEqual(brief(await watch.take(1)), ['ADDED b']);
    watch.close();
  });

  it('ends when its time is over', async () => {
    const watch = await api.watch(`${collection}?watch=1&timeoutSeconds=1`);
    assert.equal(await watch.next(), undefined);
  });

  it('without a time of its own ends after half an hour to an hour, each when chance says', async () => {
    const clock = createVirtualClock();
    await using quiet = await startApi({ clock });
    const ends: number[] = [];
    const watches = await Promise.all(
      ['', '', '', '&timeoutSeconds=0'].map((query) => quiet.watch(`${collection}?watch=1${query}`)),
    );
    const began = clock.now();
    const ended = Promise.all(
      watches.map(async (watch) => {
        assert.equal(await watch.next(), undefined);
        ends.push(clock.now() - began);
      }),
    );
    await clock.advance(1_799_000);
    assert.deepEqual(ends, []);
    while (ends.length < watches.length && clock.now() - began < 3_700_000) {
      await clock.advance(60_000);
      // What has ended in the server is on its way over a socket.
      await quiet.ok('GET', collection);
    }
    await ended;
    assert.ok(new Set(ends).size > 1, `all ended after ${ends[0]} ms`);
  });

  it('ends when the server stops', async () => {
    const watch = await api.watch(`${collection}?watch=1`);
    const ended = watch.next();
    await api.cluster.server.stop();
    assert.equal(await ended, undefined);
  });

  it('ends when the resource is gone', async () => {
    const watch = await api.watch('/apis/example.com/v1/namespaces/default/widgets?watch=1');
    await api.ok('DELETE', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com');
    assert.equal(await watch.next(), undefined);
  });

  it('is refused before it begins when its options are wrong', async () => {
    const invalid = (why: string): string => `ListOptions.meta.k8s.io "" is invalid: ${why}`;
    const cases: readonly [string, number, string, string][] = [
      [
        'sendInitialEvents=true',
        422,
        'Invalid',
        invalid(
          'resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
        ),
      ],
      [
        'resourceVersionMatch=NotOlderThan&resourceVersion=0',
        422,
        'Invalid',
        invalid(
          'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
        ),
      ],
      [
        'resourceVersion=-1',
        400,
        'BadRequest',
        'resourceVersion: Invalid value: "-1": strconv.ParseUint: parsing "-1": invalid syntax',
      ],
    ];
    for (const [query, code, reason, message] of cases) {
      assertFailure(await api.send('GET', `${collection}?watch=1&${query}`), code, reason, message);
    }
  });

  it('tells many watchers the same', async () => {
    const watches = await Promise.all(Array.from({ length: 30 }, () => api.watch(`${collection}?watch=1`)));
    for (let i = 0; i < 20; i++) await make(`m${i}`);
    const told = await Promise.all(watches.map((watch) => watch.take(20)));
    for (const events of told) assert.deepEqual(events, told[0]);
    for (const watch of watches) watch.close();
  });

  it('cuts off a client that does not read, and holds no more for it than the window', async function () {
    this.timeout(60_000);
    const { authority, admin } = api.endpoint.pki;
    const port = Number(new URL(api.endpoint.url).port);
    const socket = connect({
      host: '127.0.0.1',
      port,
      ca: authority.certificate,
      cert: admin.certificate,
      key: admin.key,
    });
    await once(socket, 'secureConnect');
    socket.write(`GET ${collection}?watch=1 HTTP/1.1\r\nHost: x\r\n\r\n`);
    await once(socket, 'data');
    socket.pause();
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.on('error', () => undefined);
    await make('noisy');
    const { store } = api.cluster;
    const key = '/registry/core/configmaps/default/noisy';
    const text = 'x'.repeat(4000);
    const value = (step: number): Buffer =>
      Buffer.from(JSON.stringify({ ...configMap('noisy'), data: { text: `${step}${text}` } }));
    // The window holds ten thousand events and a tenth more.
    for (let step = 0; step < 12_500; step++) await store.txn([], [{ type: 'put', key, value: value(step) }]);
    socket.resume();
    await closed;
    assert.ok(process.memoryUsage().external < 400 * 1024 * 1024, 'events are held once');
    assert.equal((await api.send('GET', `${collection}/noisy`)).code, 200);
  });
});
