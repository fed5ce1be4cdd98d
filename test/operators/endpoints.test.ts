import assert from 'node:assert/strict';
import { EndpointSlice, Endpoints, Service } from '../../src/client/kinds.ts';
import { labels, Pod, startCluster, type TestCluster, template } from './cluster.ts';

const key = { namespace: 'default', name: 'web' };

describe('the endpoints of a Service', () => {
  let cluster: TestCluster;

  beforeEach(async () => {
    cluster = await startCluster('endpointslice-controller', 'endpoints-controller', 'garbage-collector-controller');
  });

  afterEach(async () => {
    await cluster.stop();
    assert.deepEqual(cluster.errors, []);
  });

  const services = () => cluster.client.resource(Service);
  const slices = async () => (await cluster.client.resource(EndpointSlice).list({ namespace: 'default' })).items;

  async function createService(more: Partial<NonNullable<Service['spec']>> = {}): Promise<void> {
    await services().create({
      metadata: { ...key, labels: { tier: 'front' } },
      spec: { selector: labels, ports: [{ name: 'http', port: 80, targetPort: 'web' }], ...more },
    });
    await cluster.clock.settle();
  }

  async function createPod(name: string, ip: string, ready = true): Promise<Pod> {
    const pods = cluster.client.resource(Pod);
    const containers = [{ name: 'web', image: 'nginx', ports: [{ name: 'web', containerPort: 8080 }] }];
    await pods.create({ metadata: { namespace: 'default', name, labels }, spec: { ...template().spec, containers } });
    const pod = await pods.patchStatus(
      { namespace: 'default', name },
      {
        status: {
          phase: 'Running',
          podIP: ip,
          podIPs: [{ ip }],
          conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
        },
      },
    );
    await cluster.clock.settle();
    return pod;
  }

  it('are the pods that it selects, ready or not', async () => {
    await createService();
    const ready = await createPod('a', '10.1.0.1');
    await createPod('b', '10.1.0.2', false);
    const [slice, ...others] = await slices();
    assert.deepEqual(others, []);
    assert.match(slice!.metadata.name!, /^web-[a-z0-9]{5}$/);
    assert.deepEqual(slice!.metadata.labels, {
      tier: 'front',
      'kubernetes.io/service-name': 'web',
      'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
    });
    assert.equal(slice!.addressType, 'IPv4');
    assert.deepEqual(slice!.ports, [{ name: 'http', port: 8080, protocol: 'TCP' }]);
    assert.deepEqual(slice!.endpoints?.[0], {
      addresses: ['10.1.0.1'],
      conditions: { ready: true, serving: true, terminating: false },
      targetRef: { kind: 'Pod', namespace: 'default', name: 'a', uid: ready.metadata.uid },
    });
    assert.equal(slice!.endpoints?.[1]?.conditions?.ready, false);
    const { subsets } = await cluster.client.resource(Endpoints).get(key);
    assert.deepEqual(
      subsets?.map(({ addresses, notReadyAddresses, ports }) => [
        addresses?.[0]?.ip,
        notReadyAddresses?.[0]?.ip,
        ports,
      ]),
      [['10.1.0.1', '10.1.0.2', [{ name: 'http', port: 8080, protocol: 'TCP' }]]],
    );
  });

  it('follow the pods', async () => {
    await createService();
    await createPod('a', '10.1.0.1');
    await createPod('b', '10.1.0.2');
    await cluster.client
      .resource(Pod)
      .patch({ namespace: 'default', name: 'a' }, { metadata: { labels: { app: 'other' } } });
    await cluster.client.resource(Pod).delete({ namespace: 'default', name: 'b' });
    await cluster.clock.settle();
    const [slice] = await slices();
    assert.deepEqual(slice?.endpoints ?? [], []);
    assert.equal((await cluster.client.resource(Endpoints).get(key)).subsets, undefined);
  });

  it('are written only when they change', async () => {
    await createService();
    await createPod('a', '10.1.0.1');
    cluster.writes.length = 0;
    await cluster.client
      .resource(Pod)
      .patch({ namespace: 'default', name: 'a' }, { metadata: { annotations: { touched: 'yes' } } });
    await services().patch(key, { metadata: { annotations: { touched: 'yes' } } });
    await cluster.clock.settle();
    assert.deepEqual(cluster.writes, []);
  });

  it('are split into slices of a hundred', async () => {
    for (let index = 0; index < 103; index++) await createPod(`p-${index}`, `10.1.1.${index}`);
    await createService();
    const sizes = async () => (await slices()).map(({ endpoints }) => endpoints?.length).sort();
    assert.deepEqual(await sizes(), [100, 3].sort());
    await cluster.client.resource(Pod).deleteCollection({ namespace: 'default', labelSelector: 'app=web' });
    await cluster.clock.settle();
    assert.equal((await slices()).length, 1);
  }).timeout(20_000);

  it('go with the Service', async () => {
    await createService();
    await createPod('a', '10.1.0.1');
    await services().delete(key);
    await cluster.clock.advance(100);
    assert.deepEqual(await slices(), []);
    assert.deepEqual((await cluster.client.resource(Endpoints).list({ namespace: 'default' })).items, []);
  });

  it('are left to others when it selects nothing', async () => {
    await services().create({ metadata: key, spec: { ports: [{ port: 80 }] } });
    await cluster.clock.settle();
    assert.deepEqual(await slices(), []);
  });
});
