import assert from 'node:assert/strict';
import { defaultServiceNetwork, serviceAllocation } from '../../src/apis/core/service-allocation.ts';
import { serviceType } from '../../src/apis/index.ts';
import type { ResourceAccess } from '../../src/apis/resource-type.ts';
import type { Service, ServiceSpec } from '../../src/apis/types.ts';
import type { ApiObject } from '../../src/machinery/object.ts';
import { StatusError } from '../../src/machinery/status.ts';
import { context, created, defaulted } from './create.ts';

const service = (spec: object): object => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'default' },
  spec: { ports: [{ port: 80 }], ...spec },
});

/** Services as a store would hold them. */
class Services {
  readonly objects: Service[] = [];
  lists = 0;
  readonly access = {
    list: async () => {
      this.lists++;
      return this.objects as unknown as ApiObject[];
    },
  } as unknown as ResourceAccess;
  readonly #allocate = serviceAllocation(defaultServiceNetwork).allocate;

  async create(spec: object, dryRun = false): Promise<ServiceSpec> {
    const draft = created<Service>(serviceType, service(spec));
    await this.#allocate(draft as unknown as ApiObject, undefined, this.access, { ...context, dryRun });
    if (!dryRun) this.objects.push(draft);
    return draft.spec!;
  }

  async update(old: Service, change: (spec: ServiceSpec) => void): Promise<Service> {
    const draft = structuredClone(old);
    change(draft.spec!);
    serviceType.strategy.default?.(draft);
    serviceType.strategy.prepareForUpdate?.(draft, old, context);
    await this.#allocate(draft as unknown as ApiObject, old, this.access, context);
    this.objects[this.objects.indexOf(old)] = draft;
    return draft;
  }
}

const refusal = (message: string) => (error: unknown) => {
  assert.ok(error instanceof StatusError);
  assert.equal(error.message, `Service "web" is invalid: ${message}`);
  return true;
};

async function errorsOf(spec: object): Promise<string[]> {
  const draft = created<Service>(serviceType, service(spec));
  await serviceAllocation(defaultServiceNetwork).allocate(
    draft as unknown as ApiObject,
    undefined,
    new Services().access,
    context,
  );
  return serviceType.strategy.validate!(draft, context).map(
    ({ field, detail, type }) => `${field}: ${type}: ${detail}`,
  );
}

describe('services', () => {
  it('have the defaults of Kubernetes', () => {
    const { spec, status } = created<Service>(
      serviceType,
      service({ type: 'LoadBalancer', sessionAffinity: 'ClientIP' }),
    );
    assert.deepEqual(spec, {
      allocateLoadBalancerNodePorts: true,
      externalTrafficPolicy: 'Cluster',
      internalTrafficPolicy: 'Cluster',
      ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
      sessionAffinity: 'ClientIP',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } },
      type: 'LoadBalancer',
    });
    assert.deepEqual(status, { loadBalancer: {} });
    const plain = defaulted<Service>(serviceType, service({ type: 'ExternalName', externalName: 'example.com' }));
    assert.equal(plain.spec!.internalTrafficPolicy, undefined);
  });

  it('get an address and, by their type, ports', async () => {
    const services = new Services();
    const first = await services.create({
      type: 'NodePort',
      ports: [
        { port: 53, protocol: 'UDP', name: 'u' },
        { port: 53, name: 't' },
      ],
    });
    assert.match(first.clusterIP!, /^10\.0\.0\.\d+$/);
    assert.deepEqual(first.clusterIPs, [first.clusterIP]);
    assert.deepEqual([first.ipFamilies, first.ipFamilyPolicy], [['IPv4'], 'SingleStack']);
    const [udp, tcp] = first.ports!;
    assert.ok(udp!.nodePort! >= 30000 && udp!.nodePort! <= 32767);
    assert.equal(tcp!.nodePort, udp!.nodePort, 'two protocols of one port share the node port');
    const second = await services.create({});
    assert.notEqual(second.clusterIP, first.clusterIP);
    assert.equal(second.ports![0]!.nodePort, undefined);
    const local = await services.create({ type: 'LoadBalancer', externalTrafficPolicy: 'Local' });
    assert.ok(local.healthCheckNodePort! >= 30000);
    assert.equal(services.lists, 1, 'what exists is listed once');
  });

  it('get none when they want none', async () => {
    const services = new Services();
    const headless = await services.create({ clusterIP: 'None', selector: { a: 'b' } });
    assert.deepEqual([headless.clusterIPs, headless.ipFamilies], [['None'], ['IPv4']]);
    const everywhere = await services.create({ clusterIP: 'None' });
    assert.deepEqual([everywhere.ipFamilies, everywhere.ipFamilyPolicy], [['IPv4', 'IPv6'], 'RequireDualStack']);
    const external = await services.create({ type: 'ExternalName', externalName: 'example.com' });
    assert.deepEqual([external.clusterIP, external.ipFamilies], [undefined, undefined]);
  });

  it('are refused addresses and ports that are taken or out of range', async () => {
    const services = new Services();
    await services.create({ clusterIP: '10.0.0.9', type: 'NodePort', ports: [{ port: 80, nodePort: 30080 }] });
    await assert.rejects(
      services.create({ clusterIP: '10.0.0.9' }),
      refusal(
        'spec.clusterIPs: Invalid value: []string{"10.0.0.9"}: failed to allocate IP 10.0.0.9: provided IP is already allocated',
      ),
    );
    await assert.rejects(
      services.create({ clusterIP: '192.168.0.1' }),
      refusal(
        'spec.clusterIPs: Invalid value: []string{"192.168.0.1"}: failed to allocate IP 192.168.0.1: the provided IP (192.168.0.1) is not in the valid range. The range of valid IPs is 10.0.0.0/24',
      ),
    );
    const port = (nodePort: number) => services.create({ type: 'NodePort', ports: [{ port: 80, nodePort }] });
    await assert.rejects(
      port(30080),
      refusal('spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated'),
    );
    await assert.rejects(
      port(80),
      refusal(
        'spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767',
      ),
    );
    await assert.rejects(
      services.create({ clusterIP: 'fd00::1' }),
      refusal('spec.clusterIPs[0]: Invalid value: []string{"fd00::1"}: IPv6 is not configured on this cluster'),
    );
    await assert.rejects(
      services.create({ ipFamilyPolicy: 'RequireDualStack' }),
      refusal(
        'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
      ),
    );
  });

  it('free what they held when they are gone, or when their write fails', async () => {
    const services = new Services();
    await services.create({ clusterIP: '10.0.0.9' });
    services.objects.length = 0;
    // Right after it was handed out, an address may be in a write that has not been seen yet.
    await assert.rejects(services.create({ clusterIP: '10.0.0.9' }), StatusError);
    const later = created<Service>(serviceType, service({ clusterIP: '10.0.0.9' }));
    const allocate = serviceAllocation(defaultServiceNetwork).allocate;
    const undo = await allocate(later, undefined, services.access, context);
    undo!();
    const again = created<Service>(serviceType, service({ clusterIP: '10.0.0.9' }));
    assert.ok(await allocate(again, undefined, services.access, context));
    await services.create({ clusterIP: '10.0.0.10' }, true);
    await services.create({ clusterIP: '10.0.0.10' });
  });

  it('run out of addresses', async () => {
    const services = new Services();
    const allocate = serviceAllocation({ ...defaultServiceNetwork, clusterCidr: '10.0.0.0/30' }).allocate;
    const create = () => allocate(created<Service>(serviceType, service({})), undefined, services.access, context);
    await create();
    await assert.rejects(create(), /failed to allocate a serviceIP: range is full/);
    const wrong = serviceAllocation({ ...defaultServiceNetwork, clusterCidr: 'fd00::/64' }).allocate;
    await assert.rejects(
      wrong(created<ApiObject>(serviceType, service({})), undefined, services.access, context),
      /the range of cluster IPs must be an IPv4 network such as 10\.0\.0\.0\/24, not "fd00::\/64"/,
    );
  });

  it('keep over an update what they were given', async () => {
    const services = new Services();
    await services.create({ type: 'NodePort' });
    const old = services.objects[0]!;
    const kept = await services.update(old, (spec) => {
      delete spec.clusterIP;
      delete spec.clusterIPs;
      delete spec.ports![0]!.nodePort;
    });
    assert.equal(kept.spec!.clusterIP, old.spec!.clusterIP);
    assert.equal(kept.spec!.ports![0]!.nodePort, old.spec!.ports![0]!.nodePort);
    const plain = await services.update(kept, (spec) => {
      spec.type = 'ClusterIP';
    });
    assert.equal(plain.spec!.ports![0]!.nodePort, undefined);
    assert.equal(plain.spec!.externalTrafficPolicy, undefined);
    const external = await services.update(plain, (spec) => {
      spec.type = 'ExternalName';
      spec.externalName = 'example.com';
    });
    assert.deepEqual([external.spec!.clusterIP, external.spec!.ipFamilies], [undefined, undefined]);
  });

  it('may not change their address', async () => {
    const services = new Services();
    await services.create({});
    const old = services.objects[0]!;
    const moved = await services.update(old, (spec) => {
      spec.clusterIP = '10.0.0.77';
      spec.clusterIPs = ['10.0.0.77'];
    });
    const [error] = serviceType.strategy.validateUpdate!(moved, old, context);
    assert.equal(error!.field, 'spec.clusterIPs[0]');
    assert.equal(error!.detail, 'may not change once set');
  });

  const rejected: readonly (readonly [spec: object, ...errors: string[]])[] = [
    [{}],
    [{ ports: [] }, 'spec.ports: Required: '],
    [{ ports: [{ port: 80 }, { port: 81 }] }, 'spec.ports[0].name: Required: ', 'spec.ports[1].name: Required: '],
    [
      { ports: [{ port: 0 }] },
      'spec.ports[0].port: Invalid: must be between 1 and 65535, inclusive',
      'spec.ports[0].targetPort: Invalid: must be between 1 and 65535, inclusive',
    ],
    [{ type: 'ExternalName' }, 'spec.externalName: Required: '],
    [
      { type: 'Nothing' },
      'spec.type: NotSupported: supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
      'spec.internalTrafficPolicy: Required: ',
    ],
    [
      { type: 'NodePort', clusterIP: 'None' },
      "spec.clusterIPs[0]: Invalid: may not be set to 'None' for NodePort services",
    ],
    [
      { ports: [{ port: 80, nodePort: 30080 }] },
      "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
    ],
    [
      { externalIPs: ['127.0.0.1'] },
      'spec.externalIPs[0]: Invalid: may not be in the loopback range (127.0.0.0/8, ::1/128)',
    ],
    [
      { loadBalancerSourceRanges: ['10.0.0.0'] },
      "spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'",
      'spec.LoadBalancerSourceRanges: Invalid: must be a list of IP ranges. For example, 10.240.0.0/24,10.250.0.0/24 ',
    ],
    [
      { externalTrafficPolicy: 'Local' },
      'spec.externalTrafficPolicy: Invalid: may only be set for externally-accessible services',
    ],
    [
      { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 90000 } } },
      'spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid: must be greater than 0 and less than 86400',
    ],
  ];
  for (const [spec, ...errors] of rejected) {
    it(`${errors.length === 0 ? 'are accepted' : 'are refused'}: ${JSON.stringify(spec)}`, async () => {
      assert.deepEqual(await errorsOf(spec), errors);
    });
  }

  it('show where they can be reached', () => {
    const cells = (spec: object, status: object = {}): unknown[] => {
      const object = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec, status };
      return serviceType.versions[0]!.columns.slice(1, 5).map(({ cell }) => cell(object, context.now));
    };
    assert.deepEqual(
      cells({ type: 'NodePort', clusterIPs: ['10.0.0.1'], ports: [{ port: 80, nodePort: 30080, protocol: 'TCP' }] }),
      ['NodePort', '10.0.0.1', '<none>', '80:30080/TCP'],
    );
    assert.deepEqual(cells({ type: 'LoadBalancer', clusterIPs: ['10.0.0.1'] }), [
      'LoadBalancer',
      '10.0.0.1',
      '<pending>',
      '<none>',
    ]);
    assert.equal(
      cells({ type: 'LoadBalancer' }, { loadBalancer: { ingress: [{ ip: '1.2.3.4' }, { hostname: 'a.example' }] } })[2],
      '1.2.3.4,a.example',
    );
    assert.deepEqual(cells({ type: 'ExternalName', externalName: 'example.com' }), [
      'ExternalName',
      '<none>',
      'example.com',
      '<none>',
    ]);
  });
});
