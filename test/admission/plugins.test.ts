/** The plugins that complete and refuse objects, against a server that runs them. */
import assert from 'node:assert/strict';
import type { ApiObject } from '../../src/machinery/object.ts';
import { StatusError } from '../../src/machinery/status.ts';
import { startTestCluster, type TestCluster } from '../../src/testing/index.ts';

let cluster: TestCluster;

before(async () => {
  cluster = await startTestCluster();
});

after(() => cluster.stop());

let counter = 0;

async function namespace(labels: Record<string, string> = {}): Promise<string> {
  const name = `ns-${++counter}`;
  await cluster.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
  return name;
}

const container = (more: object = {}): object => ({ name: 'c', image: 'x', ...more });

const pod = (ns: string, spec: object = {}, name = 'p'): ApiObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace: ns, name },
  spec: { containers: [container()], ...spec },
});

// biome-ignore lint/suspicious/noExplicitAny: what a server answers is looked at field by field
async function create(object: ApiObject): Promise<any> {
  const [created] = await cluster.create(object);
  return created;
}

async function refusal(object: ApiObject): Promise<StatusError> {
  try {
    await create(object);
  } catch (error) {
    assert(error instanceof StatusError);
    return error;
  }
  return assert.fail('it was taken');
}

describe('DefaultTolerationSeconds', () => {
  it('lets pods stay five minutes on a node that is lost', async () => {
    const { spec } = await create(pod(await namespace()));
    assert.deepEqual(spec.tolerations, [
      { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
      { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
    ]);
  });

  it('leaves alone what the pod says itself', async () => {
    const all = [{ operator: 'Exists' }];
    assert.deepEqual((await create(pod(await namespace(), { tolerations: all }))).spec.tolerations, all);
  });
});

describe('Priority', () => {
  it('gives pods without a class no priority', async () => {
    const { spec } = await create(pod(await namespace()));
    assert.equal(spec.priority, 0);
    assert.equal(spec.preemptionPolicy, 'PreemptLowerPriority');
  });

  it('computes priority from the class', async () => {
    const { spec } = await create(pod(await namespace(), { priorityClassName: 'system-node-critical' }));
    assert.equal(spec.priority, 2_000_001_000);
  });

  it('refuses a class that is not there, and numbers that are not its', async () => {
    const ns = await namespace();
    const missing = await refusal(pod(ns, { priorityClassName: 'nope' }));
    assert.equal(missing.message, 'pods "p" is forbidden: no PriorityClass with name nope was found');
    const { message, status } = await refusal(pod(ns, { priority: 7 }));
    assert.equal(status.code, 403);
    assert.equal(
      message,
      'pods "p" is forbidden: the integer value of priority (7) must not be provided in pod spec; priority admission controller computed 0 from the given PriorityClass name',
    );
  });

  it('has one default', async () => {
    await using own = await startTestCluster();
    const one = (name: string): ApiObject => ({
      apiVersion: 'scheduling.k8s.io/v1',
      kind: 'PriorityClass',
      metadata: { name },
      value: 5,
      globalDefault: true,
    });
    await own.create(one('first'));
    await assert.rejects(own.create(one('second')), {
      message:
        'priorityclasses.scheduling.k8s.io "second" is forbidden: PriorityClass first is already marked as default. Only one default can exist',
    });
    await own.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'n' } });
    const [created] = await own.create(pod('n'));
    const { spec } = created as { spec?: { priority?: number; priorityClassName?: string } };
    assert.equal(spec?.priority, 5);
    assert.equal(spec?.priorityClassName, 'first');
  });
});

describe('LimitRanger', () => {
  const range = (ns: string, limits: object[]): ApiObject => ({
    apiVersion: 'v1',
    kind: 'LimitRange',
    metadata: { namespace: ns, name: 'range' },
    spec: { limits },
  });

  it('completes requests and limits, and says so', async () => {
    const ns = await namespace();
    await create(
      range(ns, [{ type: 'Container', default: { cpu: '1', memory: '1Gi' }, defaultRequest: { cpu: '100m' } }]),
    );
    const { metadata, spec } = await create(pod(ns, { initContainers: [{ name: 'i', image: 'x' }] }));
    assert.deepEqual(spec.containers[0].resources, {
      limits: { cpu: '1', memory: '1Gi' },
      requests: { cpu: '100m', memory: '1Gi' },
    });
    assert.equal(
      metadata.annotations['kubernetes.io/limit-ranger'],
      'LimitRanger plugin set: cpu, memory request for container c; cpu, memory limit for container c; cpu, memory request for init container i; cpu, memory limit for init container i',
    );
  });

  const cases: [what: string, limits: object[], resources: object, message: string][] = [
    [
      'too little',
      [{ type: 'Container', min: { cpu: '100m' } }],
      { requests: { cpu: '50m' } },
      'minimum cpu usage per Container is 100m, but request is 50m',
    ],
    [
      'nothing',
      [{ type: 'Pod', min: { memory: '1Mi' } }],
      {},
      'minimum memory usage per Pod is 1Mi.  No request is specified',
    ],
    [
      'too much',
      [{ type: 'Container', max: { memory: '1Gi' } }],
      { limits: { memory: '2Gi' }, requests: { memory: '1Gi' } },
      'maximum memory usage per Container is 1Gi, but limit is 2Gi',
    ],
    [
      'no limit',
      [{ type: 'Pod', max: { cpu: '1' } }],
      { requests: { cpu: '1' } },
      'maximum cpu usage per Pod is 1.  No limit is specified',
    ],
    [
      'a limit far above the request',
      [{ type: 'Container', maxLimitRequestRatio: { cpu: '2' } }],
      { limits: { cpu: '1' }, requests: { cpu: '100m' } },
      'cpu max limit to request ratio per Container is 2, but provided ratio is 10.000000',
    ],
    [
      'two things at once',
      [{ type: 'Container', max: { cpu: '1', memory: '1Gi' } }],
      { limits: { cpu: '2', memory: '2Gi' } },
      '[maximum cpu usage per Container is 1, but limit is 2, maximum memory usage per Container is 1Gi, but limit is 2Gi]',
    ],
  ];
  for (const [what, limits, resources, message] of cases) {
    it(`refuses ${what}`, async () => {
      const ns = await namespace();
      await create(range(ns, limits));
      const error = await refusal(pod(ns, { containers: [container({ resources })] }));
      assert.equal(error.message, `pods "p" is forbidden: ${message}`);
    });
  }

  it('bounds claims', async () => {
    const ns = await namespace();
    await create(range(ns, [{ type: 'PersistentVolumeClaim', min: { storage: '1Gi' }, max: { storage: '2Gi' } }]));
    const claim = (storage: string): ApiObject => ({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { namespace: ns, name: 'c' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } },
    });
    assert.match(
      (await refusal(claim('3Gi'))).message,
      /maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi$/,
    );
    assert.deepEqual((await create(claim('2Gi'))).metadata.finalizers, ['kubernetes.io/pvc-protection']);
  });
});

describe('default classes', () => {
  it('go to claims and ingresses that name none', async () => {
    await using own = await startTestCluster();
    const storageClass = (name: string): ApiObject => ({
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
      provisioner: 'x',
    });
    const ns = 'default';
    await own.create(storageClass('b'), storageClass('a'));
    await own.create({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'IngressClass',
      metadata: { name: 'web', annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } },
      spec: { controller: 'example.com/web' },
    });
    const [claim, ingress, explicit] = await own.create(
      {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { namespace: ns, name: 'c' },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
      },
      {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'Ingress',
        metadata: { namespace: ns, name: 'i' },
        spec: { defaultBackend: { service: { name: 's', port: { number: 80 } } } },
      },
      {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { namespace: ns, name: 'd' },
        spec: { storageClassName: '', accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
      },
    );
    assert.equal((claim as ApiObject & { spec: { storageClassName: string } }).spec.storageClassName, 'a');
    assert.equal((ingress as ApiObject & { spec: { ingressClassName: string } }).spec.ingressClassName, 'web');
    assert.equal((explicit as ApiObject & { spec: { storageClassName: string } }).spec.storageClassName, '');
  });
});

describe('RuntimeClass', () => {
  it('adds overhead, selector and tolerations, and refuses what disagrees', async () => {
    const ns = await namespace();
    await create({
      apiVersion: 'node.k8s.io/v1',
      kind: 'RuntimeClass',
      metadata: { name: 'kata' },
      handler: 'kata',
      overhead: { podFixed: { cpu: '250m' } },
      scheduling: { nodeSelector: { kata: 'yes' }, tolerations: [{ key: 'kata', operator: 'Exists' }] },
    });
    const { spec } = await create(pod(ns, { runtimeClassName: 'kata' }));
    assert.deepEqual(spec.overhead, { cpu: '250m' });
    assert.deepEqual(spec.nodeSelector, { kata: 'yes' });
    assert(spec.tolerations.some(({ key }: { key: string }) => key === 'kata'));
    const refused = async (more: object): Promise<string> => (await refusal(pod(ns, more, 'q'))).message;
    assert.equal(
      await refused({ runtimeClassName: 'none' }),
      'pods "q" is forbidden: pod rejected: RuntimeClass "none" not found',
    );
    assert.equal(
      await refused({ overhead: { cpu: '1' } }),
      'pods "q" is forbidden: pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead',
    );
    assert.equal(
      await refused({ runtimeClassName: 'kata', overhead: { cpu: '1' } }),
      "pods \"q\" is forbidden: pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead",
    );
    assert.match(
      await refused({ runtimeClassName: 'kata', nodeSelector: { kata: 'no' } }),
      /: conflict: runtimeClass\.scheduling\.nodeSelector\[kata\] = yes; pod\.spec\.nodeSelector\[kata\] = no$/,
    );
  });
});

describe('PodSecurity', () => {
  const labels = (mode: string, level: string, version = 'latest'): Record<string, string> => ({
    [`pod-security.kubernetes.io/${mode}`]: level,
    [`pod-security.kubernetes.io/${mode}-version`]: version,
  });

  it('names everything that the restricted standard misses', async () => {
    const ns = await namespace(labels('enforce', 'restricted'));
    const { message, status } = await refusal(pod(ns));
    assert.equal(status.code, 403);
    assert.equal(
      message,
      'pods "p" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
    );
    await create(
      pod(ns, {
        securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
        containers: [
          container({ securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } }),
        ],
      }),
    );
  });

  const baseline: [what: string, spec: object, violation: string][] = [
    [
      'privileged containers',
      { containers: [container({ securityContext: { privileged: true } })] },
      'privileged (container "c" must not set securityContext.privileged=true)',
    ],
    ['host namespaces', { hostNetwork: true, hostPID: true }, 'host namespaces (hostNetwork=true, hostPID=true)'],
    [
      'host ports',
      { containers: [container({ ports: [{ containerPort: 80, hostPort: 80 }] })] },
      'hostPort (container "c" uses hostPort 80)',
    ],
    ['host paths', { volumes: [{ name: 'v', hostPath: { path: '/' } }] }, 'hostPath volumes (volume "v")'],
    [
      'capabilities',
      { containers: [container({ securityContext: { capabilities: { add: ['SYS_ADMIN', 'NET_RAW', 'KILL'] } } })] },
      'non-default capabilities (container "c" must not include "NET_RAW", "SYS_ADMIN" in securityContext.capabilities.add)',
    ],
    [
      'sysctls',
      { securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '1' }] } },
      'forbidden sysctls (kernel.msgmax)',
    ],
    [
      'unconfined seccomp',
      { securityContext: { seccompProfile: { type: 'Unconfined' } } },
      'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")',
    ],
    [
      'unconfined AppArmor',
      { containers: [container({ securityContext: { appArmorProfile: { type: 'Unconfined' } } })] },
      'forbidden AppArmor profile (container "c" must not set AppArmor profile type to "Unconfined")',
    ],
    [
      'SELinux users',
      { securityContext: { seLinuxOptions: { user: 'u', type: 'spc_t' } } },
      'seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be set)',
    ],
    [
      'hosts in probes',
      { containers: [container({ livenessProbe: { tcpSocket: { host: '10.0.0.1', port: 1 } } })] },
      'probe or lifecycle host (container "c" uses probe or lifecycle host "10.0.0.1")',
    ],
  ];
  for (const [what, spec, violation] of baseline) {
    it(`refuses ${what} from the baseline on`, async () => {
      const ns = await namespace(labels('enforce', 'baseline'));
      const { message } = await refusal(pod(ns, spec));
      assert.equal(message, `pods "p" is forbidden: violates PodSecurity "baseline:latest": ${violation}`);
    });
  }

  it('holds to the version that is asked for', async () => {
    const probing = { containers: [container({ livenessProbe: { tcpSocket: { host: '10.0.0.1', port: 1 } } })] };
    await create(pod(await namespace(labels('enforce', 'baseline', 'v1.33')), probing));
    const older = await namespace(labels('enforce', 'restricted', 'v1.7'));
    const { message } = await refusal(pod(older));
    assert.match(message, /violates PodSecurity "restricted:v1\.7": runAsNonRoot != true \([^)]*\)$/);
  });

  it('takes no label that it cannot read', async () => {
    const bad: ApiObject = {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'bad', labels: { 'pod-security.kubernetes.io/enforce': 'strict' } },
    };
    const { message, status } = await refusal(bad);
    assert.equal(status.code, 422);
    assert.equal(
      message,
      'Namespace "bad" is invalid: metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "strict": must be one of privileged, baseline, restricted',
    );
  });
});

describe('CertificateSubjectRestriction', () => {
  it('is not asked of other signers', async () => {
    const request = Buffer.from('-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n');
    const created = await create({
      apiVersion: 'certificates.k8s.io/v1',
      kind: 'CertificateSigningRequest',
      metadata: { name: 'r' },
      spec: { request: request.toString('base64'), signerName: 'example.com/s', usages: ['client auth'] },
    });
    assert.equal(created.spec.signerName, 'example.com/s');
  });
});
