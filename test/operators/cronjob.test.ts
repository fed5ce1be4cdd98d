import assert from 'node:assert/strict';
import fc from 'fast-check';
import { CronJob, Job } from '../../src/client/kinds.ts';
import { parseSchedule } from '../../src/operators/cronjob/schedule.ts';
import { eventsAbout, startCluster, type TestCluster } from './cluster.ts';

const key = { namespace: 'default', name: 'report' };

describe('the CronJob controller', () => {
  let cluster: TestCluster;

  beforeEach(async () => {
    cluster = await startCluster('cronjob-controller');
  });

  afterEach(async () => {
    await cluster.stop();
    assert.deepEqual(cluster.errors, []);
  });

  const crons = () => cluster.client.resource(CronJob);
  const jobs = async () => (await cluster.client.resource(Job).list()).items;

  async function create(more: Partial<NonNullable<CronJob['spec']>> = {}): Promise<void> {
    const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'busybox' }] } };
    await crons().create({
      metadata: key,
      spec: { schedule: '* * * * *', jobTemplate: { spec: { template } }, ...more },
    });
    await cluster.clock.settle();
  }

  async function end(job: Job, type: 'Complete' | 'Failed'): Promise<void> {
    const time = '2026-01-01T00:01:30Z';
    await cluster.client.resource(Job).patchStatus(
      { namespace: 'default', name: job.metadata.name! },
      {
        status: {
          startTime: time,
          ...(type === 'Complete' ? { completionTime: time } : {}),
          conditions: [{ type, status: 'True', lastTransitionTime: time }],
        },
      },
    );
    await cluster.clock.settle();
  }

  it('makes a Job when the time comes, named after it', async () => {
    await create();
    assert.deepEqual(await jobs(), []);
    await cluster.clock.advance(60_000);
    const [job] = await jobs();
    const minutes = Date.UTC(2026, 0, 1, 0, 1) / 60_000;
    assert.equal(job?.metadata.name, `report-${minutes}`);
    assert.equal(
      job?.metadata.annotations?.['batch.kubernetes.io/cronjob-scheduled-timestamp'],
      '2026-01-01T00:01:00Z',
    );
    const { status } = await crons().get(key);
    assert.equal(status?.lastScheduleTime, '2026-01-01T00:01:00Z');
    assert.equal(status?.active?.[0]?.uid, job?.metadata.uid);
    assert.deepEqual(await eventsAbout(cluster, 'CronJob'), [`Normal SuccessfulCreate: Created job report-${minutes}`]);
    await cluster.clock.advance(60_000);
    assert.equal((await jobs()).length, 2);
  });

  it('notes how its jobs end, and keeps some of them', async () => {
    await create({ successfulJobsHistoryLimit: 1 });
    for (let run = 0; run < 3; run++) {
      await cluster.clock.advance(60_000);
      const running = (await jobs()).find(({ status }) => status?.conditions === undefined);
      await end(running!, 'Complete');
    }
    const { status } = await crons().get(key);
    assert.equal(status?.active, undefined);
    assert.equal(status?.lastSuccessfulTime, '2026-01-01T00:01:30Z');
    assert.equal((await jobs()).filter(({ metadata }) => metadata.deletionTimestamp === undefined).length, 1);
  });

  it('does not start while the last run goes on, when told so', async () => {
    await create({ concurrencyPolicy: 'Forbid' });
    await cluster.clock.advance(180_000);
    assert.equal((await jobs()).length, 1);
    const events = await eventsAbout(cluster, 'CronJob');
    assert.ok(
      events.includes(
        'Normal JobAlreadyActive: Not starting job because prior execution is running and concurrency policy is Forbid',
      ),
    );
  });

  it('replaces the last run, when told so', async () => {
    await create({ concurrencyPolicy: 'Replace' });
    await cluster.clock.advance(180_000);
    assert.equal((await crons().get(key)).status?.active?.length, 1);
    assert.equal((await jobs()).length, 1);
  });

  it('does nothing while it is suspended, and runs once after', async () => {
    await create({ suspend: true });
    await cluster.clock.advance(600_000);
    assert.deepEqual(await jobs(), []);
    await crons().patch(key, { spec: { suspend: false } });
    await cluster.clock.settle();
    assert.equal((await jobs()).length, 1);
  });

  it('leaves out what it is too late for', async () => {
    await create({ schedule: '0 * * * *', suspend: true, startingDeadlineSeconds: 60 });
    await cluster.clock.advance(70 * 60_000);
    await crons().patch(key, { spec: { suspend: false } });
    await cluster.clock.settle();
    assert.deepEqual(await jobs(), []);
  });
});

describe('a schedule', () => {
  const next = (expression: string, after: string, zone?: string): string =>
    new Date(parseSchedule(expression, zone).next(Date.parse(after))!).toISOString();

  const cases: [expression: string, after: string, expected: string, zone?: string][] = [
    ['*/15 * * * *', '2026-01-01T00:00:00Z', '2026-01-01T00:15:00.000Z'],
    ['*/15 * * * *', '2026-01-01T00:59:59Z', '2026-01-01T01:00:00.000Z'],
    ['30 4 1,15 * 5', '2026-01-01T05:00:00Z', '2026-01-02T04:30:00.000Z'],
    ['0 0 13 * *', '2026-01-14T00:00:00Z', '2026-02-13T00:00:00.000Z'],
    ['0 0 29 feb *', '2026-01-01T00:00:00Z', '2028-02-29T00:00:00.000Z'],
    ['0 9 * * mon-fri', '2026-01-02T10:00:00Z', '2026-01-05T09:00:00.000Z'],
    ['@hourly', '2026-01-01T00:30:00Z', '2026-01-01T01:00:00.000Z'],
    ['@every 90s', '2026-01-01T00:00:00Z', '2026-01-01T00:01:30.000Z'],
    ['0 9 * * *', '2026-07-01T00:00:00Z', '2026-07-01T13:00:00.000Z', 'America/New_York'],
    // The hour that the clocks leave out on 8 March 2026 in New York.
    ['30 2 * * *', '2026-03-08T00:00:00-05:00', '2026-03-09T06:30:00.000Z', 'America/New_York'],
  ];
  for (const [expression, after, expected, zone] of cases) {
    it(`${expression}${zone === undefined ? '' : ` in ${zone}`} after ${after}`, () => {
      assert.equal(next(expression, after, zone), expected);
    });
  }

  it('knows when there is no time', () => {
    assert.equal(parseSchedule('0 0 31 feb *').next(0), undefined);
    assert.throws(() => parseSchedule('* * *'), RangeError);
    assert.throws(() => parseSchedule('* * * * *', 'Nowhere/City'), RangeError);
  });

  it('goes forward, to a minute that matches', () => {
    fc.assert(
      fc.property(fc.nat(59), fc.nat(23), fc.integer({ min: 0, max: 4e12 }), (minute, hour, after) => {
        const at = new Date(parseSchedule(`${minute} ${hour} * * *`).next(after)!);
        assert.ok(at.getTime() > after && at.getTime() - after <= 86_400_000);
        assert.deepEqual([at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()], [hour, minute, 0]);
      }),
    );
  });
});
