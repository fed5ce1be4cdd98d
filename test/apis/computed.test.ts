import assert from 'node:assert/strict';
import { bindingType, builtinTypes, type MetricsProvider } from '../../src/apis/index.ts';
import type { ResourceRef, ResourceType, VirtualRequest } from '../../src/apis/resource-type.ts';
import type { ApiObject } from '../../src/machinery/object.ts';
import { context } from './create.ts';

const find = (types: readonly ResourceType[], kind: string) => types.find(({ names }) => names.kind === kind)!;
const request = (namespace: string | undefined, rest: object = {}): VirtualRequest =>
  ({ namespace, context, ...rest }) as unknown as VirtualRequest;
const row = ({ versions }: ResourceType, object: ApiObject) =>
  versions[0]!.columns.map(({ cell }) => cell(object, context.now));

describe('ComponentStatus', () => {
  const type = find(
    builtinTypes({
      components: [
        { name: 'etcd-0', check: () => Promise.resolve('ok') },
        { name: 'scheduler', check: () => Promise.reject(new Error('connection refused')) },
      ],
    }),
    'ComponentStatus',
  );

  it('says how each component is, asked when somebody looks', async () => {
    const statuses = await type.virtual!.list!(request(undefined));
    assert.deepEqual(
      statuses.map((status) => row(type, status)),
      [
        ['etcd-0', 'Healthy', 'ok', ''],
        ['scheduler', 'Unhealthy', 'connection refused', 'connection refused'],
      ],
    );
    assert.deepEqual(await type.virtual!.get!('etcd-0', request(undefined)), {
      apiVersion: 'v1',
      kind: 'ComponentStatus',
      metadata: { name: 'etcd-0' },
      conditions: [{ type: 'Healthy', status: 'True', message: 'ok' }],
    });
    assert.equal(await type.virtual!.get!('none', request(undefined)), undefined);
  });

  it('is deprecated, and can only be read', () => {
    assert.equal(type.versions[0]!.deprecationWarning, 'v1 ComponentStatus is deprecated in v1.19+');
    assert.deepEqual(type.verbs, ['get', 'list']);
  });
});

describe('metrics.k8s.io', () => {
  const time = Date.parse('2026-01-31T09:29:45Z');
  const measurement = { time, windowMilliseconds: 10_500 };
  const provider: MetricsProvider = {
    node: (name) =>
      name === 'a' ? { ...measurement, cpuNanocores: 250_000_000, memoryBytes: 4_294_967_296 } : undefined,
    pod: (_namespace, name) =>
      name === 'web'
        ? {
            ...measurement,
            containers: [
              { name: 'main', cpuNanocores: 1_200_000, memoryBytes: 2_097_152 },
              { name: 'proxy', cpuNanocores: 300_000, memoryBytes: 1_048_576 },
            ],
          }
        : undefined,
  };
  const types = builtinTypes({ metrics: provider });
  const objects: Readonly<Record<string, readonly ApiObject[]>> = {
    nodes: ['a', 'new'].map((name) => ({ apiVersion: 'v1', kind: 'Node', metadata: { name } })),
    pods: ['web', 'new'].map((name) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'default', labels: { app: name }, annotations: { of: 'the pod' } },
    })),
  };
  const access = {
    list: ({ plural }: ResourceRef, namespace: string | undefined) =>
      Promise.resolve(objects[plural]!.filter(({ metadata }) => metadata.namespace === namespace)),
    cached: ({ plural }: ResourceRef, namespace: string | undefined, wanted: string) =>
      Promise.resolve(
        objects[plural]!.find(({ metadata }) => metadata.namespace === namespace && metadata.name === wanted),
      ),
  };
  const asked = (namespace?: string) => request(namespace, { access });

  it('is served by clusters that measure', () => {
    const served = (all: readonly ResourceType[]) => all.some(({ group }) => group === 'metrics.k8s.io');
    assert.deepEqual([served(types), served(builtinTypes())], [true, false]);
  });

  it('tells what nodes use', async () => {
    const type = find(types, 'NodeMetrics');
    const nodes = await type.virtual!.list!(asked());
    assert.deepEqual(nodes, [
      {
        kind: 'NodeMetrics',
        apiVersion: 'metrics.k8s.io/v1beta1',
        metadata: { name: 'a', creationTimestamp: '2026-01-31T09:29:45Z' },
        timestamp: '2026-01-31T09:29:45Z',
        window: '10.5s',
        usage: { cpu: '250000000n', memory: '4194304Ki' },
      },
    ]);
    assert.deepEqual(row(type, nodes[0]!), ['a', '250000000n', '4194304Ki', '10.5s']);
  });

  it('tells what the containers of pods use', async () => {
    const type = find(types, 'PodMetrics');
    assert.deepEqual(await type.virtual!.list!(asked('other')), []);
    const pod = await type.virtual!.get!('web', asked('default'));
    assert.deepEqual(pod!.containers, [
      { name: 'main', usage: { cpu: '1200000n', memory: '2048Ki' } },
      { name: 'proxy', usage: { cpu: '300000n', memory: '1024Ki' } },
    ]);
    assert.deepEqual(pod!.metadata, {
      name: 'web',
      namespace: 'default',
      creationTimestamp: '2026-01-31T09:29:45Z',
      labels: { app: 'web' },
    });
    assert.deepEqual(row(type, pod!), ['web', '1500000n', '3072Ki', '10.5s']);
    assert.deepEqual(await type.virtual!.list!(asked('default')), [pod]);
  });

  it('distinguishes what is not there from what has not been measured', async () => {
    const get = async (kind: string, name: string, namespace?: string) =>
      await find(types, kind).virtual!.get!(name, asked(namespace));
    await assert.rejects(get('PodMetrics', 'new', 'default'), {
      code: 404,
      message: 'podmetrics.metrics.k8s.io "default/new" not found',
    });
    await assert.rejects(get('PodMetrics', 'none', 'default'), { code: 404, message: 'pods "none" not found' });
    await assert.rejects(get('NodeMetrics', 'new'), { message: 'nodemetrics.metrics.k8s.io "new" not found' });
    await assert.rejects(get('NodeMetrics', 'none'), { message: 'nodes "none" not found' });
  });
});

describe('bindings', () => {
  const pod = (spec: object = {}) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', uid: 'u' }, spec });
  const bind = async (target: object, draft = pod()) => {
    const access = {
      update: (_resource: object, _namespace: string, _name: string, change: (draft: ApiObject) => void) =>
        Promise.resolve(change(draft)),
    };
    const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'web' }, target };
    const answer = await bindingType.virtual!.create!(binding, request('default', { access }));
    return { answer, draft };
  };

  it('give the pod of their name its node', async () => {
    const { answer, draft } = await bind({ kind: 'Node', name: 'a' });
    assert.deepEqual(answer, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 });
    assert.equal((draft.spec as { nodeName?: string }).nodeName, 'a');
  });

  it('name a node, and do so once', async () => {
    await assert.rejects(bind({ kind: 'Pod', name: '' }), {
      message:
        'Binding "web" is invalid: [target.kind: Unsupported value: "Pod": supported values: "Node", "<empty>", target.name: Required value]',
    });
    await assert.rejects(bind({ name: 'b' }, pod({ nodeName: 'a' })), {
      message: 'Operation cannot be fulfilled on pods/binding "web": pod web is already assigned to node "a"',
    });
  });
});
