import assert from 'node:assert/strict';
import { type Api, startApi } from './support/api.ts';

const core = '/api/v1/namespaces/default/events';
const events = '/apis/events.k8s.io/v1/namespaces/default/events';

const newEvent = (name: string) => ({
  apiVersion: 'events.k8s.io/v1',
  kind: 'Event',
  metadata: { name, namespace: 'default' },
  eventTime: '2026-01-31T09:30:00.000000Z',
  reportingController: 'example.com/controller',
  reportingInstance: 'controller-0',
  action: 'Scaling',
  reason: 'Scaled',
  regarding: { apiVersion: 'v1', kind: 'Pod', namespace: 'default', name: 'web' },
  note: 'up to 3',
  type: 'Normal',
});

const oldEvent = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name, namespace: 'default' },
  involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace: 'default', name: 'db' },
  reason: 'Started',
  message: 'Started container',
  source: { component: 'kubelet', host: 'a' },
  firstTimestamp: '2026-01-31T09:30:00Z',
  lastTimestamp: '2026-01-31T09:31:00Z',
  count: 2,
  type: 'Normal',
});

describe('events in two groups', () => {
  let api: Api;
  beforeEach(async () => {
    api = await startApi();
  });
  afterEach(() => api[Symbol.asyncDispose]());

  it('are the same objects in the fields of each group', async () => {
    const made = await api.ok('POST', events, newEvent('a'));
    assert.equal(made.apiVersion, 'events.k8s.io/v1');
    assert.equal(made.note, 'up to 3');
    const seen = await api.ok('GET', `${core}/a`);
    assert.equal(seen.apiVersion, 'v1');
    assert.equal(seen.message, 'up to 3');
    assert.equal(seen.reportingComponent, 'example.com/controller');
    assert.equal(seen.involvedObject.name, 'web');
    assert.equal(seen.metadata.uid, made.metadata.uid);

    await api.ok('POST', core, oldEvent('b'));
    const other = await api.ok('GET', `${events}/b`);
    assert.deepEqual(
      [other.apiVersion, other.note, other.regarding.name, other.deprecatedCount],
      ['events.k8s.io/v1', 'Started container', 'db', 2],
    );
    assert.deepEqual(other.deprecatedSource, { component: 'kubelet', host: 'a' });
    assert.equal(other.deprecatedFirstTimestamp, '2026-01-31T09:30:00Z');
    assert.equal(other.deprecatedLastTimestamp, '2026-01-31T09:31:00Z');
    const list = await api.ok('GET', events);
    assert.equal(list.apiVersion, 'events.k8s.io/v1');
    assert.deepEqual(
      list.items.map(({ note }: { note: string }) => note),
      ['up to 3', 'Started container'],
    );
  });

  it('are watched through either, patched and deleted through either', async () => {
    const coreWatch = await api.watch(`${core}?watch=1`);
    const newWatch = await api.watch(`${events}?watch=1`);
    await api.ok('POST', events, newEvent('a'));
    const series = { count: 2, lastObservedTime: '2026-01-31T09:35:00.000000Z' };
    await api.ok('PATCH', `${events}/a`, { series }, 'application/merge-patch+json');
    await api.ok('DELETE', `${core}/a`);
    const told = (await coreWatch.take(3)).map(({ type, object }) => [type, object.apiVersion, object.message]);
    assert.deepEqual(told, [
      ['ADDED', 'v1', 'up to 3'],
      ['MODIFIED', 'v1', 'up to 3'],
      ['DELETED', 'v1', 'up to 3'],
    ]);
    const changes = (await newWatch.take(3)).map(({ type, object }) => [type, object.note, object.series?.count]);
    assert.deepEqual(changes, [
      ['ADDED', 'up to 3', undefined],
      ['MODIFIED', 'up to 3', 2],
      ['DELETED', 'up to 3', 2],
    ]);
    coreWatch.close();
    newWatch.close();
  });

  it('are selected by the names of each group', async () => {
    await api.ok('POST', events, newEvent('a'));
    await api.ok('POST', core, oldEvent('b'));
    const names = async (path: string): Promise<string[]> =>
      (await api.ok('GET', path)).items.map(({ metadata }: { metadata: { name: string } }) => metadata.name);
    assert.deepEqual(await names(`${events}?fieldSelector=regarding.name%3Dweb`), ['a']);
    assert.deepEqual(await names(`${events}?fieldSelector=reportingController%3Dexample.com/controller`), ['a']);
    assert.deepEqual(await names(`${core}?fieldSelector=involvedObject.name%3Ddb`), ['b']);
    const refused = await api.send('GET', `${events}?fieldSelector=involvedObject.name%3Ddb`);
    assert.equal(refused.code, 400);
  });

  it('are held to more when they come through the newer group', async () => {
    const { eventTime: _, ...event } = newEvent('a');
    const refused = await api.send('POST', events, { body: { ...event, type: 'Odd', deprecatedCount: 3 } });
    assert.equal(refused.code, 422);
    assert.equal(
      refused.json.message,
      'Event.events.k8s.io "a" is invalid: [eventTime: Required value, type: Invalid value: "": has invalid value: Odd, count: Invalid value: "": needs to be unset]',
    );
    await api.ok('POST', events, newEvent('a'));
    const changed = await api.send('PATCH', `${events}/a`, {
      body: { note: 'another' },
      type: 'application/merge-patch+json',
    });
    assert.equal(
      changed.json.message,
      'Event.events.k8s.io "a" is invalid: message: Invalid value: "another": field is immutable',
    );
  });
});
