import assert from 'node:assert/strict';
import { podType } from '../../src/apis/index.ts';
import type { ContainerLogsRequest, ResourceAccess } from '../../src/apis/resource-type.ts';
import type { Pod } from '../../src/apis/types.ts';
import type { ApiObject } from '../../src/machinery/object.ts';
import { StatusError } from '../../src/machinery/status.ts';
import { context, created, subresourceUpdate } from './create.ts';

/** One pod, as a server would hold it. */
class OnePod {
  pod: Pod;
  deleted: unknown;
  logs: ContainerLogsRequest | undefined;
  readonly access = {
    get: async () => this.pod as unknown as ApiObject,
    update: async (_ref: unknown, _namespace: unknown, _name: string, change: (draft: ApiObject) => void) => {
      const draft = structuredClone(this.pod) as unknown as ApiObject;
      change(draft);
      this.pod = draft as unknown as Pod;
      return draft;
    },
    delete: async (_ref: unknown, _namespace: unknown, _name: string, options: unknown) => {
      this.deleted = options;
    },
  } as unknown as ResourceAccess;

  constructor(spec: object = {}) {
    this.pod = created<Pod>(podType, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web', namespace: 'default', generation: 1 },
      spec: { containers: [{ name: 'web', image: 'nginx' }], ...spec },
    });
  }

  call(subresource: string, verb: 'create' | 'get' | 'update', body?: object, query = '') {
    return podType.subresources[subresource]!.handle({
      verb,
      namespace: 'default',
      name: 'web',
      path: '',
      query: new URLSearchParams(query),
      body: body as never,
      context,
      access: this.access,
      nodes: {
        containerLogs: async (_node, request) => {
          this.logs = request;
          return (async function* () {
            yield new TextEncoder().encode('hello\n');
          })();
        },
        exec: nobody,
        attach: nobody,
        portForward: nobody,
        dialAgent: nobody,
      },
      serviceAccountTokens: undefined,
      warn: () => assert.fail('nobody is warned'),
      signal: new AbortController().signal,
    });
  }
}

const nobody = () => assert.fail('no node is asked for streams');

const refused = (code: number, message: string | RegExp) => (error: unknown) => {
  assert.ok(error instanceof StatusError);
  assert.equal(error.code, code);
  if (typeof message === 'string') assert.equal(error.message, message);
  else assert.match(error.message, message);
  return true;
};

describe('pods/binding', () => {
  it('gives a pod its node, once', async () => {
    const one = new OnePod();
    const answer = await one.call('binding', 'create', {
      target: { kind: 'Node', name: 'n1' },
      metadata: { annotations: { a: 'b' } },
    });
    assert.equal(answer.code, 201);
    assert.equal(one.pod.spec!.nodeName, 'n1');
    assert.deepEqual(one.pod.metadata.annotations, { a: 'b' });
    assert.deepEqual(one.pod.status!.conditions, [
      {
        type: 'PodScheduled',
        status: 'True',
        lastProbeTime: null,
        lastTransitionTime: '2026-01-31T09:30:00Z',
        observedGeneration: 1,
      },
    ]);
    await assert.rejects(
      one.call('binding', 'create', { target: { name: 'n2' } }),
      refused(409, 'Operation cannot be fulfilled on pods/binding "web": pod web is already assigned to node "n1"'),
    );
  });

  it('binds to nodes only, and not pods that are gated or on their way out', async () => {
    await assert.rejects(
      new OnePod().call('binding', 'create', { target: { kind: 'Pod' } }),
      refused(422, /target\.kind: Unsupported value: "Pod".*target\.name: Required value/),
    );
    const gated = new OnePod({ schedulingGates: [{ name: 'example.com/a' }] });
    await assert.rejects(
      gated.call('binding', 'create', { target: { name: 'n1' } }),
      refused(409, /has non-empty \.spec\.schedulingGates/),
    );
    const dying = new OnePod();
    dying.pod.metadata.deletionTimestamp = '2026-01-31T09:30:00Z';
    await assert.rejects(
      dying.call('binding', 'create', { target: { name: 'n1' } }),
      refused(409, /is being deleted, cannot be assigned to a host/),
    );
  });
});

describe('pods/eviction', () => {
  it('deletes with the options that it carries', async () => {
    const one = new OnePod();
    one.pod.status = { phase: 'Succeeded' };
    assert.equal(
      (await one.call('eviction', 'create', { metadata: { name: 'web' }, deleteOptions: { gracePeriodSeconds: 3 } }))
        .code,
      201,
    );
    assert.deepEqual(one.deleted, { gracePeriodSeconds: 3 });
    await assert.rejects(
      one.call('eviction', 'create', { metadata: { name: 'other' } }),
      refused(400, 'name in URL does not match name in Eviction object'),
    );
  });
});

describe('pods/log', () => {
  it('asks the node of the pod', async () => {
    const one = new OnePod({ nodeName: 'n1' });
    const answer = await one.call('log', 'get', undefined, 'tailLines=5&follow=true&sinceSeconds=60');
    assert.ok(answer.kind === 'stream');
    const { signal: _, ...request } = one.logs!;
    assert.deepEqual(request, {
      namespace: 'default',
      pod: 'web',
      container: 'web',
      follow: true,
      previous: false,
      timestamps: false,
      tailLines: 5,
      sinceSeconds: 60,
    });
  });

  it('is empty before the pod has a node', async () => {
    const answer = await new OnePod().call('log', 'get');
    assert.ok(answer.kind === 'stream');
    for await (const chunk of answer.body) assert.fail(`nothing was said: ${chunk}`);
  });

  it('needs a container where there are several, and one that is there', async () => {
    const two = new OnePod({
      containers: [
        { name: 'a', image: 'x' },
        { name: 'b', image: 'x' },
      ],
    });
    await assert.rejects(
      two.call('log', 'get'),
      refused(400, 'a container name must be specified for pod web, choose one of: [a b]'),
    );
    await assert.rejects(
      two.call('log', 'get', undefined, 'container=c'),
      refused(400, 'container c is not valid for pod web'),
    );
  });

  it('refuses options that make no sense', async () => {
    const call = (query: string) => new OnePod().call('log', 'get', undefined, query);
    await assert.rejects(
      call('tailLines=-1'),
      refused(422, 'PodLogOptions "web" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0'),
    );
    await assert.rejects(call('limitBytes=0'), refused(422, /limitBytes: Invalid value: 0: must be greater than 0/));
    await assert.rejects(
      call('sinceSeconds=1&sinceTime=2026-01-31T09:30:00Z'),
      refused(422, /at most one of `sinceTime` or `sinceSeconds` may be specified/),
    );
    await assert.rejects(call('tailLines=few'), refused(400, /invalid syntax/));
  });
});

describe('pods/ephemeralcontainers', () => {
  const debug = { name: 'debug', image: 'busybox' };
  const write = (old: Pod, ...ephemeralContainers: object[]) =>
    subresourceUpdate(podType, 'ephemeralcontainers', old, (pod) => {
      pod.spec!.ephemeralContainers = ephemeralContainers as never;
      pod.spec!.hostname = 'other';
      pod.metadata.labels = { other: 'too' };
    });

  it('adds containers, which then stay as they are', () => {
    const { pod } = new OnePod();
    const { object, errors } = write(pod, debug);
    assert.deepEqual(errors, []);
    assert.equal(object.spec!.ephemeralContainers![0]!.imagePullPolicy, 'Always');
    assert.equal(object.spec!.hostname, undefined);
    assert.equal(object.metadata.labels, undefined);
    assert.deepEqual(write(object).errors, [
      'spec.ephemeralContainers: Forbidden: existing ephemeral containers "debug" may not be removed\n',
    ]);
    assert.deepEqual(write(object, { ...debug, image: 'alpine' }).errors, [
      'spec.ephemeralContainers: Forbidden: existing ephemeral containers "debug" may not be changed\n',
    ]);
  });

  it('refuses what such a container cannot have', () => {
    const { errors } = write(new OnePod().pod, {
      ...debug,
      ports: [{ containerPort: 80 }],
      targetContainerName: 'none',
    });
    assert.deepEqual(errors, [
      'spec.ephemeralContainers[0].targetContainerName: Not found: "none"',
      'spec.ephemeralContainers[0].ports: Forbidden: cannot be set for an Ephemeral Container',
    ]);
  });
});

describe('pods/resize', () => {
  const limits = (cpu: string) => ({ requests: { cpu, memory: '1Gi' }, limits: { cpu, memory: '1Gi' } });
  const old = () => new OnePod({ containers: [{ name: 'web', image: 'nginx', resources: limits('1') }] }).pod;
  const resize = (pod: Pod, change: (draft: Pod) => void) => subresourceUpdate(podType, 'resize', pod, change);

  it('changes the CPU and the memory of containers, and nothing else', () => {
    const { object, errors } = resize(old(), ({ spec, metadata }) => {
      spec!.containers[0]!.resources = limits('2');
      spec!.containers[0]!.image = 'other';
      metadata.labels = { a: 'b' };
    });
    assert.deepEqual(errors, []);
    assert.deepEqual(object.spec!.containers[0]!.resources, limits('2'));
    assert.equal(object.spec!.containers[0]!.image, 'nginx');
    assert.equal(object.metadata.labels, undefined);
  });

  it('leaves the class of the pod, its containers and other resources as they are', () => {
    const errorsOf = (change: (draft: Pod) => void, pod = old()) => resize(pod, change).errors;
    assert.deepEqual(
      errorsOf(({ spec }) => {
        spec!.containers[0]!.resources!.requests!.cpu = '500m';
      }),
      ['spec: Invalid value: "Guaranteed": Pod QOS Class may not change as a result of resizing'],
    );
    assert.deepEqual(
      errorsOf(({ spec }) => {
        spec!.containers.push({ name: 'second', image: 'nginx', resources: limits('1') } as never);
      }),
      ['spec.containers: Forbidden: containers may not be added or removed on resize'],
    );
    assert.deepEqual(
      errorsOf(({ spec }) => {
        spec!.containers[0]!.resources!.limits!['ephemeral-storage'] = '1Gi';
        spec!.containers[0]!.resources!.requests!['ephemeral-storage'] = '1Gi';
      }),
      ['spec: Forbidden: only cpu and memory resources are mutable\n'],
    );
    const mirrored = old();
    mirrored.metadata.annotations = { 'kubernetes.io/config.mirror': 'x' };
    assert.deepEqual(
      errorsOf(() => undefined, mirrored),
      ['[]: Forbidden: static pods cannot be resized'],
    );
  });

  it('needs a node that resizes', () => {
    const pod = old();
    const container = {
      name: 'web',
      ready: true,
      restartCount: 0,
      image: 'nginx',
      imageID: '',
      state: { running: {} },
    };
    pod.status = { phase: 'Running', containerStatuses: [container] } as NonNullable<Pod['status']>;
    const grow = ({ spec }: Pod): void => {
      spec!.containers[0]!.resources = limits('2');
    };
    assert.deepEqual(resize(pod, grow).errors, ['spec: Forbidden: Pod running on node without support for resize']);
    pod.status!.containerStatuses![0]!.resources = limits('1');
    assert.deepEqual(resize(pod, grow).errors, []);
  });
});
