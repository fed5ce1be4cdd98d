import assert from 'node:assert/strict';
import { CustomResourceDefinition, Deployment, Pod, PodDisruptionBudget, ReplicaSet } from '../../src/client/kinds.ts';
import { StatusError } from '../../src/machinery/status.ts';
import { eventsAbout, labels, podsOf, setAllReady, startCluster, type TestCluster, template } from './cluster.ts';

const namespace = 'default';
const key = { namespace, name: 'b' };

describe('disruption budgets', () => {
  let cluster: TestCluster;

  beforeEach(async () => {
    cluster = await startCluster('disruption-controller', 'replicaset-controller', 'deployment-controller');
  });

  afterEach(async () => {
    await cluster.stop();
  });

  const budgets = () => cluster.client.resource(PodDisruptionBudget);
  const pods = () => cluster.client.resource(Pod);

  const budget = (spec: object, name = 'b') =>
    budgets().create({ metadata: { namespace, name }, spec: { selector: { matchLabels: labels }, ...spec } });

  const deployment = async (replicas: number): Promise<void> => {
    await cluster.client.resource(Deployment).create({
      metadata: { namespace, name: 'web' },
      spec: { replicas, selector: { matchLabels: labels }, template: template() },
    });
    await cluster.clock.settle();
    await setAllReady(cluster);
  };

  const bare = (name: string, more: object = {}) =>
    pods().create({ metadata: { namespace, name, labels, ...more }, spec: template().spec });

  const status = async () => {
    await cluster.clock.settle();
    return (await budgets().get(key)).status;
  };

  const counts = async (): Promise<number[]> => {
    const { expectedPods, currentHealthy, desiredHealthy, disruptionsAllowed } = (await status())!;
    return [expectedPods, currentHealthy, desiredHealthy, disruptionsAllowed];
  };

  const evict = async (name: string, deleteOptions: object = {}, options: object = {}) => {
    await pods()
      .subresource('eviction')
      .create({ namespace, name }, { metadata: { namespace, name }, deleteOptions } as never, options);
  };

  const refusedWith = (retryAfterSeconds: number | undefined, message: string) => (error: unknown) => {
    assert.ok(error instanceof StatusError);
    assert.equal(error.code, 429);
    assert.equal(error.reason, 'TooManyRequests');
    assert.equal(error.message, "Cannot evict pod as it would violate the pod's disruption budget.");
    assert.deepEqual(error.status.details?.causes, [{ reason: 'DisruptionBudget', message }]);
    assert.equal(error.status.details?.retryAfterSeconds, retryAfterSeconds);
    return true;
  };

  it('counts by the scale of the controllers', async () => {
    await deployment(4);
    await budget({ maxUnavailable: '25%' });
    assert.deepEqual(await counts(), [4, 4, 3, 1]);
    const [condition] = (await status())?.conditions ?? [];
    assert.equal(
      `${condition?.type} ${condition?.status} ${condition?.reason}`,
      'DisruptionAllowed True SufficientPods',
    );
    await budgets().patch(key, { spec: { maxUnavailable: null, minAvailable: '60%' } });
    assert.deepEqual(await counts(), [4, 4, 3, 1]);
    await budgets().patch(key, { spec: { minAvailable: 4 } });
    assert.deepEqual(await counts(), [4, 4, 4, 0]);
    const [insufficient] = (await status())?.conditions ?? [];
    assert.equal(`${insufficient?.status} ${insufficient?.reason}`, 'False InsufficientPods');
    assert.equal(insufficient?.observedGeneration, 3);
    assert.deepEqual(cluster.errors, []);
  });

  it('counts by the scale of custom resources', async () => {
    await cluster.client.resource(CustomResourceDefinition).create({
      metadata: { name: 'sets.example.com' },
      spec: {
        group: 'example.com',
        names: { kind: 'Set', plural: 'sets' },
        scope: 'Namespaced',
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } as never },
            subresources: {
              status: {},
              scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' },
            },
          },
        ],
      },
    });
    await cluster.clock.settle();
    const sets = await cluster.client.dynamic({ apiVersion: 'example.com/v1', kind: 'Set' });
    const set = await sets.create({ metadata: { namespace, name: 's' }, spec: { replicas: 5 } } as never);
    const owner = {
      apiVersion: 'example.com/v1',
      kind: 'Set',
      name: 's',
      uid: set.metadata.uid ?? '',
      controller: true,
    };
    for (const name of ['p-0', 'p-1', 'p-2', 'p-3', 'p-4']) await bare(name, { ownerReferences: [owner] });
    await setAllReady(cluster);
    await budget({ maxUnavailable: 2 });
    assert.deepEqual(await counts(), [5, 5, 3, 2]);
  });

  it('allows nothing where it cannot count', async () => {
    const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'gone', uid: 'gone', controller: true };
    await bare('p', { ownerReferences: [owner] });
    await setAllReady(cluster);
    await budget({ maxUnavailable: 1 });
    const { conditions, disruptionsAllowed } = (await status())!;
    assert.equal(disruptionsAllowed, 0);
    assert.equal(conditions?.[0]?.reason, 'SyncFailed');
    assert.equal(conditions?.[0]?.message, 'found no controllers for pod "p"');
    assert.deepEqual(await eventsAbout(cluster, 'PodDisruptionBudget'), [
      'Warning CalculateExpectedPodCountFailed: Failed to calculate the number of expected pods: found no controllers for pod "p"',
    ]);
  });

  it('says that nobody controls some pods', async () => {
    await bare('p');
    await budget({ maxUnavailable: 1 });
    assert.deepEqual(await counts(), [0, 0, 0, 0]);
    assert.match(
      (await eventsAbout(cluster, 'PodDisruptionBudget')).join(),
      /UnmanagedPods: Pods selected by this PodDisruptionBudget \(selector: &LabelSelector\{MatchLabels:map\[string\]string\{app: web,\},MatchExpressions:\[\]LabelSelectorRequirement\{\},\}\) were found/,
    );
  });

  it('lets evictions pass as long as the budget has room', async () => {
    await deployment(3);
    await budget({ maxUnavailable: 1 });
    assert.deepEqual(await counts(), [3, 3, 2, 1]);
    const [one, other] = await podsOf(cluster);
    await evict(one!.metadata.name!);
    await assert.rejects(evict(other!.metadata.name!), /Cannot evict pod/);
    assert.deepEqual(await counts(), [3, 2, 2, 0]);
    await assert.rejects(
      evict(other!.metadata.name!),
      refusedWith(undefined, 'The disruption budget b needs 2 healthy pods and has 2 currently'),
    );
    await setAllReady(cluster);
    await evict(other!.metadata.name!);
    assert.deepEqual(cluster.errors, []);
  });

  it('never lets more pass than there are, whoever asks at once', async () => {
    await deployment(10);
    await budget({ minAvailable: 7 });
    await counts();
    const answers = await Promise.allSettled((await podsOf(cluster)).map(({ metadata }) => evict(metadata.name!)));
    assert.equal(answers.filter((answer) => answer.status === 'fulfilled').length, 3);
  });

  it('changes nothing in a dry run, and still refuses', async () => {
    await deployment(1);
    await budget({ maxUnavailable: 1 });
    const before = await status();
    const [pod] = await podsOf(cluster);
    await evict(pod!.metadata.name!, { dryRun: ['All'] });
    await evict(pod!.metadata.name!, {}, { dryRun: 'All' });
    assert.deepEqual(await status(), before);
    assert.deepEqual(await podsOf(cluster), [pod]);
    await budgets().patch(key, { spec: { maxUnavailable: 0 } });
    await cluster.clock.settle();
    await assert.rejects(evict(pod!.metadata.name!, { dryRun: ['All'] }), /Cannot evict pod/);
  });

  it('refuses while a new budget has not been counted', async () => {
    await deployment(1);
    cluster.refuse = (verb, resource) =>
      verb === 'update' && resource === 'poddisruptionbudgets' ? new StatusError(409, 'Conflict', 'busy') : undefined;
    await budget({ maxUnavailable: 1 });
    const [pod] = await podsOf(cluster);
    await assert.rejects(
      evict(pod!.metadata.name!),
      refusedWith(10, 'The disruption budget b is still being processed by the server.'),
    );
  });

  it('does not choose among several budgets', async () => {
    await deployment(2);
    await budget({ maxUnavailable: 1 });
    await budget({ minAvailable: 0 }, 'c');
    const [pod] = await podsOf(cluster);
    await assert.rejects(evict(pod!.metadata.name!), (error: StatusError) => {
      assert.equal(error.code, 500);
      assert.equal(
        error.message,
        'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
      );
      return true;
    });
  });

  it('lets unhealthy pods go when the healthy ones are enough, or always where the budget says so', async () => {
    await deployment(2);
    await budget({ minAvailable: 2 });
    const [one] = await podsOf(cluster);
    const name = one!.metadata.name!;
    await pods().patchStatus({ namespace, name }, { status: { conditions: [{ type: 'Ready', status: 'False' }] } });
    assert.deepEqual(await counts(), [2, 1, 2, 0]);
    await assert.rejects(evict(name), /Cannot evict pod/);
    await budgets().patch(key, { spec: { unhealthyPodEvictionPolicy: 'AlwaysAllow' } });
    await evict(name);
  });

  it('asks no budget for pods that have ended or not begun', async () => {
    await budget({ minAvailable: 9 });
    await bare('pending');
    await bare('over');
    await pods().patchStatus({ namespace, name: 'over' }, { status: { phase: 'Succeeded' } });
    await evict('pending');
    await evict('over');
    await assert.rejects(evict('none'), { message: 'pods "none" not found' });
  });

  it('counts an evicted pod again when it was not deleted within two minutes', async () => {
    await deployment(3);
    await budget({ maxUnavailable: 1 });
    const [pod] = await podsOf(cluster);
    const { name = '' } = pod!.metadata;
    const { status: old, ...rest } = await budgets().get(key);
    const disruptedPods = { [name]: new Date(cluster.clock.now()).toISOString().replace(/\.\d+/, '') };
    await budgets().updateStatus({ ...rest, status: { ...old!, disruptedPods } });
    assert.deepEqual(await counts(), [3, 2, 2, 0]);
    await cluster.clock.advance(121_000);
    assert.deepEqual(await counts(), [3, 3, 2, 1]);
    assert.equal((await status())?.disruptedPods, undefined);
    assert.deepEqual(await eventsAbout(cluster, 'Pod'), [
      "Warning NotDeleted: Pod was expected by PDB default/default to be deleted but it wasn't",
    ]);
  });

  it('takes back that a pod is about to go, when it stays', async () => {
    await bare('p');
    const conditions = [{ type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' }];
    await pods().patchStatus(
      { namespace, name: 'p' },
      {
        status: {
          phase: 'Running',
          conditions: conditions.map((one) => ({
            ...one,
            lastTransitionTime: new Date(cluster.clock.now()).toISOString().replace(/\.\d+/, ''),
          })),
        },
      },
    );
    await cluster.clock.advance(119_000);
    const target = async () =>
      (await pods().get({ namespace, name: 'p' })).status?.conditions?.find(({ type }) => type === 'DisruptionTarget');
    assert.equal((await target())?.status, 'True');
    await cluster.clock.advance(2000);
    assert.equal((await target())?.status, 'False');
    assert.equal((await target())?.reason, undefined);
  });

  it('follows the pods of a ReplicaSet without a Deployment', async () => {
    await cluster.client.resource(ReplicaSet).create({
      metadata: { namespace, name: 'rs' },
      spec: { replicas: 2, selector: { matchLabels: labels }, template: template() },
    });
    await budget({ minAvailable: '50%' });
    assert.deepEqual(await counts(), [2, 0, 1, 0]);
    await setAllReady(cluster);
    assert.deepEqual(await counts(), [2, 2, 1, 1]);
  });
});
