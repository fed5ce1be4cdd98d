import assert from 'node:assert/strict';
import { ConfigMap, CustomResourceDefinition, Event, Namespace, Node, Secret } from '../../src/client/kinds.ts';
import type { OwnerReference } from '../../src/machinery/object.ts';
import { isReason } from '../../src/machinery/status.ts';
import { Deployment, labels, Pod, podsOf, ReplicaSet, startCluster, type TestCluster, template } from './cluster.ts';

const namespace = 'default';
const named = (name: string) => ({ namespace, name });

describe('the garbage collector', () => {
  let cluster: TestCluster;

  beforeEach(async () => {
    cluster = await startCluster('garbage-collector-controller', 'replicaset-controller', 'deployment-controller');
    await cluster.clock.settle();
  });

  afterEach(async () => {
    await cluster.stop();
    assert.deepEqual(cluster.errors, []);
  });

  const maps = () => cluster.client.resource(ConfigMap);
  const secrets = () => cluster.client.resource(Secret);

  function reference(owner: ConfigMap | Secret, more: Partial<OwnerReference> = {}): OwnerReference {
    const { apiVersion, kind, metadata } = owner;
    return { apiVersion, kind, name: metadata.name!, uid: metadata.uid!, ...more };
  }

  const owned = (name: string, ...ownerReferences: OwnerReference[]) =>
    maps().create({ metadata: { namespace, name, ownerReferences } });

  async function exists(name: string): Promise<boolean> {
    await cluster.clock.settle();
    try {
      await maps().get(named(name));
      return true;
    } catch (error) {
      if (isReason(error, 'NotFound')) return false;
      throw error;
    }
  }

  it('deletes dependents, and theirs, when the owner is gone', async () => {
    const owner = await maps().create({ metadata: named('owner') });
    const child = await owned('child', reference(owner));
    await owned('grandchild', reference(child));
    await maps().create({ metadata: named('stranger') });
    await maps().delete(named('owner'));
    await cluster.clock.advance(10);
    assert.equal(await exists('child'), false);
    assert.equal(await exists('grandchild'), false);
    assert.equal(await exists('stranger'), true);
  });

  it('deletes the ReplicaSets and pods of a deleted Deployment', async () => {
    await cluster.client.resource(Deployment).create({
      metadata: named('web'),
      spec: { replicas: 3, selector: { matchLabels: labels }, template: template() },
    });
    await cluster.clock.advance(10);
    assert.equal((await podsOf(cluster)).length, 3);
    await cluster.client.resource(Deployment).delete(named('web'));
    await cluster.clock.advance(10);
    assert.deepEqual((await cluster.client.resource(ReplicaSet).list()).items, []);
    assert.deepEqual((await cluster.client.resource(Pod).list()).items, []);
  });

  it('keeps what has another owner, and takes the absent one off it', async () => {
    const first = await maps().create({ metadata: named('first') });
    const second = await maps().create({ metadata: named('second') });
    await owned('child', reference(first), reference(second));
    await maps().delete(named('first'));
    await cluster.clock.advance(10);
    const child = await maps().get(named('child'));
    assert.deepEqual(child.metadata.ownerReferences, [reference(second)]);
    await maps().delete(named('second'));
    await cluster.clock.advance(10);
    assert.equal(await exists('child'), false);
  });

  it('deletes what names an owner that never was', async () => {
    await owned('child', { apiVersion: 'v1', kind: 'Secret', name: 'nobody', uid: 'no-such-uid' });
    await cluster.clock.advance(10);
    assert.equal(await exists('child'), false);
  });

  it('judges owners by uid, not by name', async () => {
    await maps().create({ metadata: named('owner') });
    await owned('child', { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: 'of-an-earlier-one' });
    await cluster.clock.advance(10);
    assert.equal(await exists('child'), false);
    assert.equal(await exists('owner'), true);
  });

  it('leaves alone what names an owner of a kind that nobody serves, until somebody does', async () => {
    await owned('child', { apiVersion: 'example.com/v1', kind: 'Widget', name: 'nobody', uid: 'no-such-uid' });
    await cluster.clock.advance(60_000);
    assert.equal(await exists('child'), true);
    await cluster.client.resource(CustomResourceDefinition).create(widgets);
    await cluster.clock.advance(60_000);
    assert.equal(await exists('child'), false);
  });

  it('collects custom resources as it does others', async () => {
    await cluster.client.resource(CustomResourceDefinition).create(widgets);
    await cluster.clock.advance(100);
    const client = await cluster.client.dynamic({ apiVersion: 'example.com/v1', kind: 'Widget' });
    const widget = await client.create({ metadata: named('gear') });
    await owned('child', { apiVersion: 'example.com/v1', kind: 'Widget', name: 'gear', uid: widget.metadata.uid! });
    const owner = await maps().create({ metadata: named('owner') });
    await client.create({ metadata: { ...named('tooth'), ownerReferences: [reference(owner)] } });
    await cluster.clock.advance(10);
    assert.equal(await exists('child'), true);
    await client.delete(named('gear'));
    await maps().delete(named('owner'));
    await cluster.clock.advance(10);
    assert.equal(await exists('child'), false);
    assert.deepEqual((await client.list()).items, []);
  });

  it('keeps an owner that is deleted in the foreground until nothing blocks it', async () => {
    const owner = await maps().create({ metadata: named('owner') });
    await maps().create({
      metadata: {
        ...named('child'),
        ownerReferences: [reference(owner, { blockOwnerDeletion: true })],
        finalizers: ['example.com/hold'],
      },
    });
    await owned('loose', reference(owner));
    await maps().delete(named('owner'), { propagationPolicy: 'Foreground' });
    await cluster.clock.advance(10);
    assert.deepEqual((await maps().get(named('owner'))).metadata.finalizers, ['foregroundDeletion']);
    assert.ok((await maps().get(named('child'))).metadata.deletionTimestamp);
    assert.equal(await exists('loose'), false);
    await maps().patch(named('child'), { metadata: { finalizers: null } });
    await cluster.clock.advance(10);
    assert.equal(await exists('child'), false);
    assert.equal(await exists('owner'), false);
  });

  it('ends a foreground deletion in which owners wait for each other', async () => {
    const first = await maps().create({ metadata: named('first') });
    const second = await owned('second', reference(first, { blockOwnerDeletion: true }));
    await maps().patch(named('first'), {
      metadata: { ownerReferences: [{ ...reference(second, { blockOwnerDeletion: true }) }] },
    });
    await maps().delete(named('first'), { propagationPolicy: 'Foreground' });
    await cluster.clock.advance(10_000);
    assert.equal(await exists('first'), false);
    assert.equal(await exists('second'), false);
  });

  it('orphans: dependents stay and lose the reference', async () => {
    const owner = await maps().create({ metadata: named('owner') });
    await owned('child', reference(owner));
    await maps().delete(named('owner'), { propagationPolicy: 'Orphan' });
    await cluster.clock.advance(10);
    assert.equal(await exists('owner'), false);
    assert.equal((await maps().get(named('child'))).metadata.ownerReferences, undefined);
  });

  it('does not count an owner in another namespace, and says so', async () => {
    await cluster.client.resource(Namespace).create({ metadata: { name: 'other' } });
    const owner = await secrets().create({ metadata: { namespace: 'other', name: 'owner' } });
    await cluster.clock.settle();
    await owned('child', reference(owner));
    await cluster.clock.advance(10);
    assert.equal(await exists('child'), false);
    const { items } = await cluster.client.resource(Event).list({ namespace });
    const [event] = items.filter(({ reason }) => reason === 'OwnerRefInvalidNamespace');
    assert.equal(
      event?.message,
      `ownerRef [v1/Secret, namespace: default, name: owner, uid: ${owner.metadata.uid}] does not exist in namespace "default"`,
    );
  });

  it('knows cluster-scoped owners, and leaves cluster-scoped objects with namespaced owners alone', async () => {
    const nodes = cluster.client.resource(Node);
    const node = await nodes.create({ metadata: { name: 'node-1' } });
    await owned('child', { apiVersion: 'v1', kind: 'Node', name: 'node-1', uid: node.metadata.uid! });
    const owner = await maps().create({ metadata: named('owner') });
    await nodes.create({ metadata: { name: 'node-2', ownerReferences: [reference(owner)] } });
    await maps().delete(named('owner'));
    await cluster.clock.advance(1000);
    assert.equal(await exists('child'), true);
    assert.equal((await nodes.list()).items.length, 2);
    await nodes.delete({ name: 'node-1' });
    await cluster.clock.advance(10);
    assert.equal(await exists('child'), false);
  });
});

const widgets = {
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};
