import assert from 'node:assert/strict';
import { Job } from '../../src/client/kinds.ts';
import { eventsAbout, Pod, startCluster, type TestCluster } from './cluster.ts';

const key = { namespace: 'default', name: 'sum' };
const indexKey = 'batch.kubernetes.io/job-completion-index';

describe('policies of Jobs', () => {
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
  const status = async () => (await jobs().get(key)).status;

  async function create(spec: Partial<NonNullable<Job['spec']>>): Promise<void> {
    await jobs().create({
      metadata: key,
      spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'busybox' }] } }, ...spec },
    });
    await cluster.clock.settle();
  }

  /** The pods that run, by index. */
  async function running(): Promise<Map<string, Pod>> {
    const active = (await pods()).filter(
      (pod) =>
        pod.metadata.deletionTimestamp === undefined &&
        pod.status?.phase !== 'Failed' &&
        pod.status?.phase !== 'Succeeded',
    );
    return new Map(active.map((pod) => [pod.metadata.annotations?.[indexKey] ?? '', pod]));
  }

  async function end(index: number | undefined, exitCode: number, conditions: object[] = []): Promise<string> {
    const pod = (await running()).get(index === undefined ? '' : String(index));
    assert.ok(pod, `no pod runs for index ${index}`);
    const { name = '' } = pod.metadata;
    const finishedAt = new Date(cluster.clock.now()).toISOString().replace(/\.\d+/, '');
    const terminated = { exitCode, startedAt: finishedAt, finishedAt };
    const container = {
      name: 'c',
      image: 'busybox',
      imageID: '',
      ready: false,
      restartCount: 0,
      state: { terminated },
    };
    const phase = exitCode === 0 ? 'Succeeded' : 'Failed';
    await cluster.client
      .resource(Pod)
      .patchStatus(
        { namespace: 'default', name },
        { status: { phase, containerStatuses: [container], conditions: conditions as never } },
      );
    await cluster.clock.settle();
    return name;
  }

  async function conditions(): Promise<string[]> {
    return ((await status())?.conditions ?? []).map(({ type, reason, message }) => `${type} ${reason}: ${message}`);
  }

  const onExitCodes = (...values: number[]) => ({ operator: 'In', values });
  const rules = (...list: object[]) => ({ podFailurePolicy: { rules: list as never } });

  it('fails at once by its rule for an exit code', async () => {
    await create({ parallelism: 2, completions: 2, ...rules({ action: 'FailJob', onExitCodes: onExitCodes(42) }) });
    const name = await end(undefined, 42);
    const message = `Container c for pod default/${name} failed with exit code 42 matching FailJob rule at index 0`;
    assert.deepEqual(await conditions(), [
      `FailureTarget PodFailurePolicy: ${message}`,
      `Failed PodFailurePolicy: ${message}`,
    ]);
    assert.equal((await running()).size, 0);
    assert.ok((await eventsAbout(cluster, 'Job')).includes(`Warning PodFailurePolicy: ${message}`));
  });

  it('fails by its rule for a condition', async () => {
    const pattern = { type: 'DisruptionTarget', status: 'True' };
    await create(rules({ action: 'FailJob', onPodConditions: [pattern] }));
    const name = await end(undefined, 1, [pattern]);
    assert.equal(
      (await conditions())[0],
      `FailureTarget PodFailurePolicy: Pod default/${name} has condition DisruptionTarget matching FailJob rule at index 0`,
    );
  });

  it('does not count what is to be ignored, and the first rule decides', async () => {
    await create({
      backoffLimit: 0,
      ...rules(
        { action: 'Ignore', onExitCodes: onExitCodes(3) },
        { action: 'FailJob', onExitCodes: { operator: 'NotIn', values: [7] } },
      ),
    });
    await end(undefined, 3);
    await cluster.clock.advance(11_000);
    assert.equal((await status())?.failed, undefined);
    await end(undefined, 7);
    assert.equal((await status())?.failed, 1);
    assert.match((await conditions())[0]!, /^FailureTarget BackoffLimitExceeded/);
  });

  it('replaces pods only when they have ended, where it has a failure policy', async () => {
    await create(rules({ action: 'Count', onExitCodes: onExitCodes(1) }));
    const [pod] = await pods();
    const { name = '' } = pod!.metadata;
    const client = cluster.client.resource(Pod);
    await client.patch(
      { namespace: 'default', name },
      { metadata: { finalizers: [...pod!.metadata.finalizers!, 'example.com/hold'] } },
    );
    await client.delete({ namespace: 'default', name });
    await cluster.clock.settle();
    assert.equal((await running()).size, 0);
    assert.equal((await status())?.terminating, 1);
    await client.patchStatus({ namespace: 'default', name }, { status: { phase: 'Failed' } });
    await cluster.clock.advance(11_000);
    assert.equal((await running()).size, 1);
    assert.equal((await status())?.failed, 1);
  });

  const indexed = (completions: number) => ({ completionMode: 'Indexed', completions, parallelism: completions });

  it('tries each index as often as its own limit says', async () => {
    await create({ ...indexed(2), backoffLimitPerIndex: 1 });
    await end(1, 1);
    assert.equal((await running()).has('1'), false);
    await cluster.clock.advance(9_000);
    assert.equal((await running()).has('1'), false);
    await cluster.clock.advance(2_000);
    const again = (await running()).get('1');
    assert.equal(again?.metadata.annotations?.['batch.kubernetes.io/job-index-failure-count'], '1');
    await end(1, 1);
    assert.equal((await status())?.failedIndexes, '1');
    assert.equal((await status())?.failed, 2);
    await cluster.clock.advance(60_000);
    assert.equal((await running()).has('1'), false);
    assert.deepEqual(await conditions(), []);
    await end(0, 0);
    assert.equal((await status())?.completedIndexes, '0');
    assert.deepEqual(await conditions(), [
      'FailureTarget FailedIndexes: Job has failed indexes',
      'Failed FailedIndexes: Job has failed indexes',
    ]);
    assert.ok((await pods()).every(({ metadata }) => metadata.finalizers === undefined));
  });

  it('succeeds when every index does in the end', async () => {
    await create({ ...indexed(2), backoffLimitPerIndex: 2 });
    assert.equal((await status())?.failedIndexes, '');
    await end(0, 1);
    await cluster.clock.advance(11_000);
    await end(0, 1);
    await cluster.clock.advance(19_000);
    assert.equal((await running()).has('0'), false);
    await cluster.clock.advance(2_000);
    await end(0, 0);
    await end(1, 0);
    assert.match((await conditions()).at(-1)!, /^Complete CompletionsReached/);
    assert.equal((await status())?.failed, 2);
  });

  it('fails with too many failed indexes, and gives up an index by its rule', async () => {
    await create({
      ...indexed(3),
      backoffLimitPerIndex: 5,
      maxFailedIndexes: 1,
      ...rules({ action: 'FailIndex', onExitCodes: onExitCodes(9) }),
    });
    await end(0, 9);
    assert.equal((await status())?.failedIndexes, '0');
    assert.deepEqual(await conditions(), []);
    await end(2, 9);
    assert.equal((await status())?.failedIndexes, '0,2');
    assert.equal(
      (await conditions())[0],
      'FailureTarget MaxFailedIndexesExceeded: Job has exceeded the specified maximal number of failed indexes',
    );
  });

  it('does not count ignored failures of an index, but waits longer after each', async () => {
    await create({
      ...indexed(1),
      backoffLimitPerIndex: 0,
      ...rules({ action: 'Ignore', onExitCodes: onExitCodes(3) }),
    });
    await end(0, 3);
    await cluster.clock.advance(11_000);
    const { annotations } = (await running()).get('0')!.metadata;
    assert.equal(annotations?.['batch.kubernetes.io/job-index-failure-count'], '0');
    assert.equal(annotations?.['batch.kubernetes.io/job-index-ignored-failure-count'], '1');
    await end(0, 3);
    await cluster.clock.advance(19_000);
    assert.equal((await running()).size, 0);
    await cluster.clock.advance(2_000);
    assert.equal((await running()).size, 1);
  });

  const success = (...list: object[]) => ({ successPolicy: { rules: list as never } });

  it('succeeds by its policy before all indexes have', async () => {
    await create({
      ...indexed(4),
      ...success({ succeededIndexes: '0' }, { succeededIndexes: '1-3', succeededCount: 2 }),
    });
    await end(3, 0);
    assert.deepEqual(await conditions(), []);
    await end(2, 0);
    assert.deepEqual(await conditions(), [
      'SuccessCriteriaMet SuccessPolicy: Matched rules at index 1',
      'Complete SuccessPolicy: Matched rules at index 1',
    ]);
    assert.equal((await running()).size, 0);
    assert.equal((await status())?.completedIndexes, '2,3');
  });

  it('succeeds with any so many indexes', async () => {
    await create({ ...indexed(3), ...success({ succeededCount: 1 }) });
    await end(1, 0);
    assert.equal((await conditions()).at(-1), 'Complete SuccessPolicy: Matched rules at index 0');
  });
});
