import assert from 'node:assert/strict';
import { type ConfigMap, createClient, Event } from '../../src/client/index.ts';
import { createVirtualClock } from '../../src/clock/virtual.ts';
import { EventRecorder, silentLogger } from '../../src/runtime/index.ts';
import { FakeServer } from '../client/fake-server.ts';

const about: ConfigMap = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace: 'a', name: 'one', uid: 'uid-1', resourceVersion: '7' },
};

function open() {
  const server = new FakeServer(Event);
  const clock = createVirtualClock();
  const warnings: object[] = [];
  const recorder = new EventRecorder({
    client: createClient(server.transport),
    clock,
    log: { ...silentLogger, warn: (fields) => warnings.push(fields) },
    component: 'test',
  });
  const events = () => server.all(Event) as unknown as Event[];
  return { server, clock, recorder, warnings, events };
}

describe('events', () => {
  it('say who did what to which object, and when', async () => {
    const { recorder, events } = open();
    recorder.record(about, 'Normal', 'Done', 'it is done');
    await recorder.stop();
    const [event] = events();
    assert.match(event?.metadata.name ?? '', /^one\.[0-9a-f]{16}$/);
    assert.equal(event?.metadata.namespace, 'a');
    assert.deepEqual(event?.involvedObject, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      namespace: 'a',
      name: 'one',
      uid: 'uid-1',
      resourceVersion: '7',
    });
    const { type, reason, message, source, count, firstTimestamp, lastTimestamp } = event!;
    const time = '2026-01-01T00:00:00Z';
    assert.deepEqual(
      { type, reason, message, source, count, firstTimestamp, lastTimestamp },
      {
        type: 'Normal',
        reason: 'Done',
        message: 'it is done',
        source: { component: 'test' },
        count: 1,
        firstTimestamp: time,
        lastTimestamp: time,
      },
    );
  });

  it('count repeats within ten minutes, and begin anew after them', async () => {
    const { clock, recorder, events } = open();
    for (let minute = 0; minute < 3; minute++) {
      recorder.record(about, 'Normal', 'Busy', 'still');
      await clock.advance(60_000);
    }
    assert.deepEqual(
      events().map(({ count, lastTimestamp }) => [count, lastTimestamp]),
      [[3, '2026-01-01T00:02:00Z']],
    );
    await clock.advance(600_000);
    recorder.record(about, 'Normal', 'Busy', 'still');
    await recorder.stop();
    assert.deepEqual(
      events().map(({ count }) => count),
      [3, 1],
    );
  });

  it('are written anew when the server has forgotten them', async () => {
    const { server, clock, recorder, events } = open();
    recorder.record(about, 'Normal', 'Busy', 'still');
    await clock.settle();
    server.remove(Event, 'a', events()[0]?.metadata.name ?? '');
    recorder.record(about, 'Normal', 'Busy', 'still');
    await recorder.stop();
    assert.deepEqual(
      events().map(({ count }) => count),
      [2],
    );
  });

  it('go to the namespace default for cluster-scoped objects', async () => {
    const { recorder, events } = open();
    recorder.record({ kind: 'Node', metadata: { name: 'n' } }, 'Warning', 'Gone', 'it is gone', 'other');
    await recorder.stop();
    assert.deepEqual(
      events().map(({ metadata, source }) => [metadata.namespace, source?.component]),
      [['default', 'other']],
    );
  });

  it('never fail, and keep to a budget for each object', async () => {
    const { server, recorder, clock, warnings, events } = open();
    server.before = () => {
      throw new Error('no room');
    };
    recorder.record(about, 'Normal', 'Lost', 'this one');
    await clock.settle();
    assert.match(String((warnings[0] as { error: Error }).error), /no room/);
    server.before = () => undefined;
    for (let i = 0; i < 100; i++) recorder.record(about, 'Normal', 'Busy', `round ${i}`);
    await clock.settle();
    assert.equal(events().length, 24);
    await clock.advance(300_000);
    recorder.record(about, 'Normal', 'Busy', 'after a while');
    recorder.record(about, 'Normal', 'Busy', 'too soon');
    await recorder.stop();
    recorder.record(about, 'Normal', 'Busy', 'too late');
    assert.equal(events().length, 25);
  });
});
