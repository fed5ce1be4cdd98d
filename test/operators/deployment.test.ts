import assert from 'node:assert/strict';
import fc from 'fast-check';
import { forbiddenError } from '../../src/machinery/status.ts';
import {
  Deployment,
  eventsAbout,
  labels,
  Pod,
  podsOf,
  ReplicaSet,
  setAllReady,
  setReady,
  startCluster,
  type TestCluster,
  template,
} from './cluster.ts';

const key = { namespace: 'default', name: 'web' };
const revision = 'deployment.kubernetes.io/revision';

type Spec = NonNullable<Deployment['spec']>;

let cluster: TestCluster;

const deployments = () => cluster.client.resource(Deployment);
const sets = () => cluster.client.resource(ReplicaSet);

async function create(more: Partial<Spec> = {}): Promise<void> {
  await deployments().create({
    metadata: key,
    spec: { replicas: 2, selector: { matchLabels: labels }, template: template(), ...more },
  });
  await cluster.clock.settle();
}

async function patch(spec: object): Promise<void> {
  await deployments().patch(key, { spec: spec as never });
  await cluster.clock.settle();
}

const setImage = (image: string) => patch({ template: template(image) as never });

/** Makes pods ready until nothing changes any more. */
async function finish(): Promise<void> {
  for (let step = 0; step < 40; step++) {
    cluster.writes.length = 0;
    await setAllReady(cluster);
    if (cluster.writes.length === 0) return;
  }
  assert.fail('the rollout does not end');
}

/** By revision, the image, the size and the name of each ReplicaSet. */
async function replicaSets() {
  const { items } = await sets().list({ namespace: 'default' });
  return items
    .map(({ metadata, spec }) => ({
      name: metadata.name!,
      revision: metadata.annotations?.[revision],
      image: spec?.template?.spec?.containers[0]?.image,
      replicas: spec?.replicas,
    }))
    .sort((a, b) => Number(a.revision) - Number(b.revision));
}

const summary = async () =>
  (await replicaSets()).map(({ revision, image, replicas }) => `${revision} ${image} ${replicas}`);

async function condition(type: string): Promise<string | undefined> {
  const { status } = await deployments().get(key);
  const found = status?.conditions?.find((condition) => condition.type === type);
  return found && `${found.status} ${found.reason}: ${found.message}`;
}

async function counts() {
  const { conditions: _, ...status } = (await deployments().get(key)).status ?? {};
  return status;
}

beforeEach(async () => {
  cluster = await startCluster('replicaset-controller', 'deployment-controller');
});

afterEach(async () => {
  await cluster.stop();
});

describe('a new Deployment', () => {
  it('has a ReplicaSet of its template, labelled with its hash', async () => {
    await create();
    const { items } = await sets().list();
    assert.equal(items.length, 1);
    const { metadata, spec } = items[0]!;
    const hash = metadata.labels!['pod-template-hash']!;
    assert.match(hash, /^[bcdfghjklmnpqrstvwxz2456789]{1,10}$/);
    assert.equal(metadata.name, `web-${hash}`);
    assert.deepEqual(metadata.annotations, {
      [revision]: '1',
      'deployment.kubernetes.io/desired-replicas': '2',
      'deployment.kubernetes.io/max-replicas': '3',
    });
    assert.deepEqual(spec?.selector, { matchLabels: { ...labels, 'pod-template-hash': hash } });
    assert.deepEqual(spec?.template?.metadata?.labels, { ...labels, 'pod-template-hash': hash });
    assert.equal(metadata.ownerReferences?.[0]?.kind, 'Deployment');
    assert.equal((await deployments().get(key)).metadata.annotations?.[revision], '1');
    assert.deepEqual(await eventsAbout(cluster, 'Deployment'), [
      `Normal ScalingReplicaSet: Scaled up replica set web-${hash} from 0 to 2`,
    ]);
    assert.deepEqual(cluster.errors, []);
  });

  it('says how it gets on', async () => {
    await create();
    const [set] = await replicaSets();
    assert.deepEqual(await counts(), {
      observedGeneration: 1,
      replicas: 2,
      updatedReplicas: 2,
      unavailableReplicas: 2,
      terminatingReplicas: 0,
    });
    assert.equal(
      await condition('Available'),
      'False MinimumReplicasUnavailable: Deployment does not have minimum availability.',
    );
    assert.equal(await condition('Progressing'), `True ReplicaSetUpdated: ReplicaSet "${set!.name}" is progressing.`);
    await setAllReady(cluster);
    assert.deepEqual(await counts(), {
      observedGeneration: 1,
      replicas: 2,
      updatedReplicas: 2,
      readyReplicas: 2,
      availableReplicas: 2,
      terminatingReplicas: 0,
    });
    assert.equal(await condition('Available'), 'True MinimumReplicasAvailable: Deployment has minimum availability.');
    assert.equal(
      await condition('Progressing'),
      `True NewReplicaSetAvailable: ReplicaSet "${set!.name}" has successfully progressed.`,
    );
  });

  it('writes nothing when nothing changes', async () => {
    await create();
    await finish();
    await cluster.clock.advance(3_600_000);
    assert.deepEqual(cluster.writes, []);
  });

  it('adopts a ReplicaSet of the same template', async () => {
    await create();
    const [before] = await replicaSets();
    await deployments().delete(key, { propagationPolicy: 'Background' });
    await sets().patch({ namespace: 'default', name: before!.name }, { metadata: { ownerReferences: null } });
    await create();
    const { items } = await sets().list();
    assert.equal(items.length, 1);
    assert.equal(items[0]?.metadata.ownerReferences?.[0]?.uid, (await deployments().get(key)).metadata.uid);
  });

  it('takes another name when its ReplicaSet cannot have the first', async () => {
    await create({ replicas: 0 });
    const [first] = await replicaSets();
    await deployments().delete(key);
    await sets().delete({ namespace: 'default', name: first!.name });
    await sets().create({
      metadata: { namespace: 'default', name: first!.name },
      spec: {
        replicas: 0,
        selector: { matchLabels: { app: 'db' } },
        template: { ...template(), metadata: { labels: { app: 'db' } } },
      },
    });
    await create({ replicas: 1 });
    assert.equal((await counts()).collisionCount, 1);
    assert.equal((await podsOf(cluster)).length, 1);
    assert.equal((await sets().list()).items.length, 2);
  });
});

describe('a rolling update', () => {
  it('brings the new template in and keeps the old ReplicaSet', async () => {
    await create({ replicas: 3 });
    await finish();
    await setImage('nginx:2');
    assert.deepEqual(await summary(), ['1 nginx:1.28 3', '2 nginx:2 1']);
    await finish();
    assert.deepEqual(await summary(), ['1 nginx:1.28 0', '2 nginx:2 3']);
    assert.deepEqual(await counts(), {
      observedGeneration: 2,
      replicas: 3,
      updatedReplicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      terminatingReplicas: 0,
    });
    const [old, current] = await replicaSets();
    const events = await eventsAbout(cluster, 'Deployment');
    assert.ok(events.includes(`Normal ScalingReplicaSet: Scaled down replica set ${old!.name} from 3 to 2`));
    assert.ok(events.includes(`Normal ScalingReplicaSet: Scaled up replica set ${current!.name} from 0 to 1`));
    assert.deepEqual(cluster.errors, []);
  });

  it('goes back to an earlier template under a new revision', async () => {
    await create();
    await finish();
    await setImage('nginx:2');
    await finish();
    await setImage('nginx:1.28');
    await finish();
    assert.deepEqual(await summary(), ['2 nginx:2 0', '3 nginx:1.28 2']);
    const [, current] = await replicaSets();
    const { metadata } = await sets().get({ namespace: 'default', name: current!.name });
    assert.equal(metadata.annotations?.['deployment.kubernetes.io/revision-history'], '1');
    assert.equal((await deployments().get(key)).metadata.annotations?.[revision], '3');
  });

  it('removes pods of a broken template first', async () => {
    await create({ replicas: 4 });
    await finish();
    await setImage('broken');
    await cluster.clock.advance(1000);
    assert.deepEqual(await summary(), ['1 nginx:1.28 3', '2 broken 2']);
    await setImage('nginx:2');
    // The broken ones do not work anyway.
    assert.equal((await summary())[1], '2 broken 0');
    await finish();
    assert.deepEqual(await summary(), ['1 nginx:1.28 0', '2 broken 0', '3 nginx:2 4']);
  });

  it('keeps as many old ReplicaSets as revisionHistoryLimit says', async () => {
    await create({ revisionHistoryLimit: 1 });
    await finish();
    for (const image of ['nginx:2', 'nginx:3', 'nginx:4']) {
      await setImage(image);
      await finish();
    }
    assert.deepEqual(await summary(), ['3 nginx:3 0', '4 nginx:4 2']);
  });

  it('copies annotations to the new ReplicaSet, but not those that are its own', async () => {
    await create();
    await deployments().patch(key, {
      metadata: {
        annotations: {
          'kubernetes.io/change-cause': 'first',
          'kubectl.kubernetes.io/last-applied-configuration': '{}',
        },
      },
    });
    await cluster.clock.settle();
    const { items } = await sets().list();
    assert.equal(items[0]?.metadata.annotations?.['kubernetes.io/change-cause'], 'first');
    assert.equal(items[0]?.metadata.annotations?.['kubectl.kubernetes.io/last-applied-configuration'], undefined);
  });

  it('fails in the open when it takes too long, and recovers', async () => {
    await create({ progressDeadlineSeconds: 60 });
    const [set] = await replicaSets();
    await cluster.clock.advance(62_000);
    assert.equal(
      await condition('Progressing'),
      `False ProgressDeadlineExceeded: ReplicaSet "${set!.name}" has timed out progressing.`,
    );
    await finish();
    assert.match((await condition('Progressing'))!, /^True NewReplicaSetAvailable/);
  });

  it('tells why ReplicaSets and pods cannot be made', async () => {
    const refusal = (name: string) => forbiddenError({ group: '', name }, '', 'exceeded quota: small');
    cluster.refuse = (verb, resource) =>
      verb === 'create' && resource === 'replicasets' ? refusal('replicasets') : undefined;
    await create();
    assert.match(
      (await condition('Progressing'))!,
      /^False ReplicaSetCreateError: Failed to create new replica set "web-[a-z0-9]+": replicasets is forbidden: exceeded quota: small$/,
    );
    cluster.refuse = (verb, resource) => (verb === 'create' && resource === 'pods' ? refusal('pods') : undefined);
    await cluster.clock.advance(1000);
    assert.equal(await condition('ReplicaFailure'), 'True FailedCreate: pods is forbidden: exceeded quota: small');
    cluster.refuse = () => undefined;
    await cluster.clock.advance(10_000);
    await finish();
    assert.equal(await condition('ReplicaFailure'), undefined);
    assert.match((await condition('Progressing'))!, /^True NewReplicaSetAvailable/);
  });

  it('never has more than desired + maxSurge pods, nor fewer ready ones than desired − maxUnavailable', async () => {
    await cluster.stop();
    const size = fc.oneof(fc.nat(4), fc.constantFrom('0%', '25%', '50%', '100%'));
    const scenario = fc.record({
      replicas: fc.integer({ min: 1, max: 6 }),
      maxSurge: size,
      maxUnavailable: size,
      steps: fc.array(fc.nat(20), { maxLength: 12 }),
      interrupt: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ replicas, maxSurge, maxUnavailable, steps, interrupt }) => {
        const amount = (value: number | string, up: boolean) =>
          typeof value === 'number'
            ? value
            : Math[up ? 'ceil' : 'floor']((Number.parseInt(value, 10) * replicas) / 100);
        const surge = amount(maxSurge, true);
        const unavailable = surge === 0 && amount(maxUnavailable, false) === 0 ? 1 : amount(maxUnavailable, false);
        if (String(maxSurge).match(/^0%?$/) && String(maxUnavailable).match(/^0%?$/)) return;
        cluster = await startCluster('replicaset-controller', 'deployment-controller');
        await create({ replicas, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } } });
        await finish();
        const check = async () => {
          const pods = await podsOf(cluster);
          const ready = pods.filter(({ status }) => status?.conditions?.some(({ status }) => status === 'True'));
          assert.ok(pods.length <= replicas + surge, `${pods.length} pods of ${replicas}`);
          assert.ok(ready.length >= replicas - unavailable, `${ready.length} ready of ${replicas}`);
        };
        await setImage('nginx:2');
        for (const [index, step] of steps.entries()) {
          await check();
          if (interrupt && index === 2) await setImage('nginx:3');
          const waiting = (await podsOf(cluster)).filter(({ status }) => status?.conditions === undefined);
          if (waiting.length > 0) await setReady(cluster, waiting[step % waiting.length]!);
          await cluster.clock.settle();
        }
        await check();
        await finish();
        await check();
        const current = (await replicaSets()).at(-1);
        assert.equal(current?.replicas, replicas);
        assert.equal((await podsOf(cluster)).length, replicas);
        assert.deepEqual(cluster.errors, []);
        await cluster.stop();
      }),
      { numRuns: 25 },
    );
    cluster = await startCluster();
  }).timeout(60_000);
});

describe('Recreate', () => {
  it('waits for the last old pod before it makes a new one', async () => {
    await create({ strategy: { type: 'Recreate' } });
    await finish();
    for (const pod of await podsOf(cluster)) {
      await cluster.client
        .resource(Pod)
        .patch({ namespace: 'default', name: pod.metadata.name! }, { metadata: { finalizers: ['example.com/hold'] } });
    }
    await setImage('nginx:2');
    assert.deepEqual(await summary(), ['1 nginx:1.28 0']);
    const [first, second] = await podsOf(cluster);
    assert.ok(first?.metadata.deletionTimestamp);
    const release = (pod: Pod) =>
      cluster.client
        .resource(Pod)
        .patch({ namespace: 'default', name: pod.metadata.name! }, { metadata: { finalizers: null } });
    await release(first!);
    await cluster.clock.settle();
    assert.equal((await replicaSets()).length, 1);
    await release(second!);
    await cluster.clock.settle();
    assert.deepEqual(await summary(), ['1 nginx:1.28 0', '2 nginx:2 2']);
    await finish();
    assert.match((await condition('Progressing'))!, /^True NewReplicaSetAvailable/);
    assert.deepEqual(cluster.errors, []);
  });
});

describe('scaling', () => {
  it('changes the one ReplicaSet there is', async () => {
    await create();
    await finish();
    await deployments().updateScale(key, { metadata: key, spec: { replicas: 5 } });
    await cluster.clock.settle();
    assert.deepEqual(await summary(), ['1 nginx:1.28 5']);
    const [set] = (await sets().list()).items;
    assert.equal(set?.metadata.annotations?.['deployment.kubernetes.io/desired-replicas'], '5');
    assert.equal(set?.metadata.annotations?.['deployment.kubernetes.io/max-replicas'], '7');
    await deployments().updateScale(key, { metadata: key, spec: { replicas: 0 } });
    await cluster.clock.settle();
    assert.equal((await podsOf(cluster)).length, 0);
    assert.equal((await counts()).replicas, undefined);
  });

  it('shares among the ReplicaSets of an unfinished rollout', async () => {
    await create({
      replicas: 10,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } },
    });
    await finish();
    await setImage('broken');
    assert.deepEqual(await summary(), ['1 nginx:1.28 8', '2 broken 5']);
    await patch({ replicas: 15 });
    // The example of Kubernetes' documentation, "Proportional scaling".
    assert.deepEqual(await summary(), ['1 nginx:1.28 11', '2 broken 7']);
  });
});

describe('a paused Deployment', () => {
  it('is scaled, and not rolled out', async () => {
    await create();
    await finish();
    await patch({ paused: true });
    assert.equal(await condition('Progressing'), 'Unknown DeploymentPaused: Deployment is paused');
    await setImage('nginx:2');
    await patch({ replicas: 3 });
    assert.deepEqual(await summary(), ['1 nginx:1.28 3']);
    await patch({ paused: null });
    assert.equal((await replicaSets()).length, 2);
    await finish();
    assert.deepEqual(await summary(), ['1 nginx:1.28 0', '2 nginx:2 3']);
    assert.match((await condition('Progressing'))!, /^True NewReplicaSetAvailable/);
  });

  it('does not run out of time', async () => {
    await create({ progressDeadlineSeconds: 60 });
    await patch({ paused: true });
    await cluster.clock.advance(600_000);
    assert.match((await condition('Progressing'))!, /^Unknown DeploymentPaused/);
    await patch({ paused: null });
    assert.match((await condition('Progressing'))!, /^Unknown DeploymentResumed/);
  });
});
