import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Job } from '../../src/client/kinds.ts';
import { formatIndexes, parseIndexes } from '../../src/operators/job/indexes.ts';
import { eventsAbout, Pod, startCluster, type TestCluster } from './cluster.ts';

const key = { namespace: 'default', name: 'sum' };

describe('the Job controller', () => {
  let cluster: TestCluster;

  beforeEach(async () => {
    cluster = await startCluster('job-controller', 'garbage-collector-controller');
  });

  afterEach(async () => {
    await cluster.stop();
    assert.deepEqual(cluster.errors, []);
  });

  const jobs = () => cluster.client.resource(Job);
  const pods = async () => (await cluster.client.resource(Pod).list({ namespace: 'default' })).items;
  const running = async () =>
    (await pods()).filter(({ status }) => status?.phase === 'Pending' || status?.phase === 'Running');

  async function create(more: Partial<NonNullable<Job['spec']>> = {}): Promise<void> {
    await jobs().create({
      metadata: key,
      spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'busybox' }] } }, ...more },
    });
    await cluster.clock.settle();
  }

  async function end(phase: 'Succeeded' | 'Failed', pod?: Pod): Promise<void> {
    const chosen = pod ?? (await running())[0];
    assert.ok(chosen, 'no pod runs');
    await cluster.client
      .resource(Pod)
      .patchStatus({ namespace: 'default', name: chosen.metadata.name! }, { status: { phase } });
    await cluster.clock.settle();
  }

  async function conditions(): Promise<string[]> {
    const { status } = await jobs().get(key);
    return (status?.conditions ?? []).map(
      ({ type, status, reason, message }) => `${type} ${status} ${reason}: ${message}`,
    );
  }

  it('runs a pod to its end', async () => {
    await create();
    const [pod] = await pods();
    assert.match(pod!.metadata.name!, /^sum-[a-z0-9]{5}$/);
    assert.deepEqual(pod!.metadata.finalizers, ['batch.kubernetes.io/job-tracking']);
    assert.equal((await jobs().get(key)).status?.active, 1);
    await end('Succeeded');
    const { status } = await jobs().get(key);
    assert.equal(status?.succeeded, 1);
    assert.equal(status?.active, undefined);
    assert.equal(status?.completionTime, '2026-01-01T00:00:00Z');
    assert.deepEqual(status?.uncountedTerminatedPods, {});
    assert.deepEqual(await conditions(), [
      'SuccessCriteriaMet True CompletionsReached: Reached expected number of succeeded pods',
      'Complete True CompletionsReached: Reached expected number of succeeded pods',
    ]);
    assert.equal((await pods())[0]?.metadata.finalizers, undefined);
    const events = await eventsAbout(cluster, 'Job');
    assert.deepEqual(events.sort(), [
      'Normal Completed: Job completed',
      `Normal SuccessfulCreate: Created pod: ${pod!.metadata.name}`,
    ]);
  });

  it('runs as many at a time as parallelism says, until there are enough', async () => {
    await create({ completions: 5, parallelism: 2 });
    for (let done = 0; done < 5; done++) {
      assert.equal((await running()).length, Math.min(2, 5 - done));
      await end('Succeeded');
    }
    assert.equal((await jobs().get(key)).status?.succeeded, 5);
    assert.equal((await pods()).length, 5);
  });

  it('tries again after a failure, later each time, until the limit', async () => {
    await create({ backoffLimit: 1 });
    await end('Failed');
    assert.equal((await running()).length, 0);
    await cluster.clock.advance(9_000);
    assert.equal((await running()).length, 0);
    await cluster.clock.advance(1_000);
    assert.equal((await running()).length, 1);
    await end('Failed');
    assert.equal((await jobs().get(key)).status?.failed, 2);
    assert.deepEqual(await conditions(), [
      'FailureTarget True BackoffLimitExceeded: Job has reached the specified backoff limit',
      'Failed True BackoffLimitExceeded: Job has reached the specified backoff limit',
    ]);
    assert.ok(
      (await eventsAbout(cluster, 'Job')).includes(
        'Warning BackoffLimitExceeded: Job has reached the specified backoff limit',
      ),
    );
    await cluster.clock.advance(600_000);
    assert.equal((await running()).length, 0);
  });

  it('ends with its deadline', async () => {
    await create({ activeDeadlineSeconds: 30, completions: 2, parallelism: 2 });
    await cluster.clock.advance(30_000);
    assert.equal(
      (await conditions()).at(-1),
      'Failed True DeadlineExceeded: Job was active longer than specified deadline',
    );
    assert.equal((await running()).length, 0);
  });

  it('gives indexes to the pods of an Indexed job', async () => {
    await create({ completions: 3, parallelism: 3, completionMode: 'Indexed' });
    const made = await pods();
    const index = 'batch.kubernetes.io/job-completion-index';
    assert.deepEqual(made.map(({ metadata }) => metadata.labels?.[index]).sort(), ['0', '1', '2']);
    const second = made.find(({ metadata }) => metadata.annotations?.[index] === '1')!;
    assert.equal(second.spec?.hostname, 'sum-1');
    assert.equal(second.spec?.containers[0]?.env?.[0]?.name, 'JOB_COMPLETION_INDEX');
    await end('Failed', second);
    await end('Succeeded');
    await end('Succeeded');
    assert.equal((await jobs().get(key)).status?.completedIndexes, '0,2');
    await cluster.clock.advance(10_000);
    const [again] = await running();
    assert.equal(again?.metadata.annotations?.[index], '1');
    await end('Succeeded');
    assert.equal((await jobs().get(key)).status?.completedIndexes, '0-2');
    assert.match((await conditions()).at(-1)!, /^Complete True/);
  });

  it('stops its pods when it is suspended, which are no failures', async () => {
    await create({ completions: 2, parallelism: 2 });
    await jobs().patch(key, { spec: { suspend: true } });
    await cluster.clock.settle();
    assert.equal((await pods()).length, 0);
    const { status } = await jobs().get(key);
    assert.equal(status?.failed, undefined);
    assert.equal(status?.startTime, undefined);
    assert.deepEqual(await conditions(), ['Suspended True JobSuspended: Job suspended']);
    await jobs().patch(key, { spec: { suspend: false } });
    await cluster.clock.settle();
    assert.equal((await running()).length, 2);
    assert.deepEqual(await conditions(), ['Suspended False JobResumed: Job resumed']);
  });

  it('lets the pods of a deleted job go', async () => {
    await create();
    await jobs().delete(key, { propagationPolicy: 'Background' });
    await cluster.clock.advance(100);
    assert.deepEqual(await pods(), []);
  });

  it('leaves jobs of other controllers alone', async () => {
    await create({ managedBy: 'example.com/queue' });
    assert.deepEqual(await pods(), []);
  });

  it('writes indexes as ranges', () => {
    assert.equal(formatIndexes([7, 1, 2, 4, 5, 6]), '1,2,4-7');
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(60)), (indexes) => {
        assert.deepEqual([...parseIndexes(formatIndexes(indexes))].sort(), [...indexes].sort());
      }),
    );
  });
});
