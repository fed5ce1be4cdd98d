import assert from 'node:assert/strict';
import { defaultPullPolicy } from '../../src/apis/core/image.ts';
import { qosClass } from '../../src/apis/core/pod-qos.ts';
import { podType } from '../../src/apis/index.ts';
import type { Pod, PodSpec } from '../../src/apis/types.ts';
import type { ApiObject } from '../../src/machinery/object.ts';
import { created, createErrors, updateErrors, warningsOf } from './create.ts';

const container = { name: 'web', image: 'nginx:1.27' };
const pod = (spec: object = {}, metadata: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', ...metadata },
  spec: { containers: [container], serviceAccountName: 'default', ...spec },
});
const withContainer = (fields: object, spec: object = {}): object =>
  pod({ containers: [{ ...container, ...fields }], ...spec });

const label =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

const rejected: readonly (readonly [title: string, object: object, ...errors: string[]])[] = [
  ['no containers', pod({ containers: [] }), 'spec.containers: Required value'],
  [
    'a container without name and image',
    pod({ containers: [{}] }),
    'spec.containers[0].name: Required value',
    'spec.containers[0].image: Required value',
  ],
  [
    'a name that is no label',
    withContainer({ name: 'Web' }),
    `spec.containers[0].name: Invalid value: "Web": ${label}`,
  ],
  [
    'two containers of one name',
    pod({ containers: [container, container] }),
    'spec.containers[1].name: Duplicate value: "web"',
  ],
  [
    'an init container of the same name, with a probe',
    pod({ initContainers: [{ ...container, livenessProbe: { exec: { command: ['true'] } } }] }),
    'spec.initContainers[0].name: Duplicate value: "web"',
    'spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always',
  ],
  [
    'an image with a blank',
    withContainer({ image: ' nginx' }),
    'spec.containers[0].image: Invalid value: " nginx": must not have leading or trailing whitespace',
  ],
  [
    'ports out of range and of one name',
    withContainer({
      ports: [{ name: 'http', containerPort: 80 }, { name: 'http', containerPort: 65536 }, { protocol: 'HTTP' }],
    }),
    'spec.containers[0].ports[1].name: Duplicate value: "http"',
    'spec.containers[0].ports[1].containerPort: Invalid value: 65536: must be between 1 and 65535, inclusive',
    'spec.containers[0].ports[2].containerPort: Required value',
    'spec.containers[0].ports[2].protocol: Unsupported value: "HTTP": supported values: "SCTP", "TCP", "UDP"',
  ],
  [
    'one host port twice',
    pod({
      containers: [
        { ...container, ports: [{ containerPort: 80, hostPort: 80 }] },
        { ...container, name: 'b', ports: [{ containerPort: 81, hostPort: 80 }] },
      ],
    }),
    'spec.containers[1].ports[0].hostPort: Duplicate value: "TCP//80"',
  ],
  [
    'variables with two sources, and with none',
    withContainer({
      env: [
        { name: 'A', value: 'x', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
        { name: 'B', valueFrom: {} },
        { name: 'C', valueFrom: { fieldRef: { fieldPath: 'spec.hostname' } } },
        { name: 'D', valueFrom: { fieldRef: { fieldPath: 'status.phase' } } },
      ],
    }),
    'spec.containers[0].env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
    'spec.containers[0].env[1].valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`',
    'spec.containers[0].env[2].valueFrom.fieldRef.fieldPath: Invalid value: "spec.hostname": error converting fieldPath: field label not supported: spec.hostname',
    'spec.containers[0].env[3].valueFrom.fieldRef.fieldPath: Unsupported value: "status.phase": supported values: "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"',
  ],
  [
    'a mount of a volume that does not exist, and one path twice',
    withContainer(
      {
        volumeMounts: [
          { name: 'data', mountPath: '/a' },
          { name: 'none', mountPath: '/a', subPath: '../b' },
        ],
      },
      { volumes: [{ name: 'data', emptyDir: {} }] },
    ),
    'spec.containers[0].volumeMounts[1].name: Not found: "none"',
    'spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/a": must be unique',
    'spec.containers[0].volumeMounts.subPath: Invalid value: "../b": must not contain \'..\'',
  ],
  [
    'a volume of two kinds',
    pod({ volumes: [{ name: 'v', emptyDir: {}, hostPath: { path: '/x', type: 'Dir' } }] }),
    'spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type',
  ],
  [
    'a secret without name, with a mode out of range',
    pod({ volumes: [{ name: 'v', secret: { defaultMode: 512 } }] }),
    'spec.volumes[0].secret.secretName: Required value',
    'spec.volumes[0].secret.defaultMode: Invalid value: 512: must be a number between 0 and 0777 (octal), both inclusive',
  ],
  [
    'a request above its limit, and an extended resource without one',
    withContainer({ resources: { requests: { cpu: '2', 'example.com/gpu': '1' }, limits: { cpu: '1' } } }),
    'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
    'spec.containers[0].resources.limits: Required value: Limit must be set for non overcommitable resources',
  ],
  [
    'a resource nobody knows',
    withContainer({ resources: { limits: { gpu: '1' } } }),
    'spec.containers[0].resources.limits[gpu]: Invalid value: "gpu": must be a standard resource type or fully qualified',
    'spec.containers[0].resources.limits[gpu]: Invalid value: "gpu": must be a standard resource for containers',
    'spec.containers[0].resources.requests[gpu]: Invalid value: "gpu": must be a standard resource type or fully qualified',
    'spec.containers[0].resources.requests[gpu]: Invalid value: "gpu": must be a standard resource for containers',
  ],
  [
    'probes with two handlers, with none, and out of range',
    withContainer({
      livenessProbe: { exec: { command: ['true'] }, tcpSocket: { port: 80 }, successThreshold: 2 },
      readinessProbe: { periodSeconds: -1 },
      startupProbe: { httpGet: { port: 'no_port', scheme: 'FTP' } },
    }),
    'spec.containers[0].livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type',
    'spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1',
    'spec.containers[0].readinessProbe: Required value: must specify a handler type',
    'spec.containers[0].readinessProbe.periodSeconds: Invalid value: -1: must be greater than or equal to 0',
    'spec.containers[0].startupProbe.httpGet.port: Invalid value: "no_port": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)',
    'spec.containers[0].startupProbe.httpGet.scheme: Unsupported value: "FTP": supported values: "HTTP", "HTTPS"',
  ],
  [
    'a security context that contradicts itself',
    withContainer({ securityContext: { privileged: true, allowPrivilegeEscalation: false, runAsUser: -1 } }),
    'spec.containers[0].securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive',
    'spec.containers[0].securityContext: Invalid value: {"privileged":true,"allowPrivilegeEscalation":false,"runAsUser":-1}: cannot set `allowPrivilegeEscalation` to false and `privileged` to true',
  ],
  [
    'policies that do not exist',
    pod({ restartPolicy: 'Sometimes', dnsPolicy: 'None' }),
    'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"',
    'spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None',
  ],
  [
    'tolerations that say nothing',
    pod({ tolerations: [{ operator: 'Equal' }, { key: 'a', operator: 'Exists', value: 'b', tolerationSeconds: 1 }] }),
    'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"',
    'spec.tolerations[1].effect: Invalid value: "": effect must be \'NoExecute\' when `tolerationSeconds` is set',
    'spec.tolerations[1].operator: Invalid value: {"key":"a","operator":"Exists","value":"b","tolerationSeconds":1}: value must be empty when `operator` is \'Exists\'',
  ],
  [
    'affinity without a term, weight or topology',
    pod({
      affinity: {
        nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } },
        podAntiAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 101, podAffinityTerm: { topologyKey: 'x' } }],
        },
      },
    }),
    'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value: must have at least one node selector term',
    'spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: Invalid value: 101: must be in the range 1-100',
  ],
  [
    'spreading that spreads nothing',
    pod({
      topologySpreadConstraints: [{ maxSkew: 0, topologyKey: '', whenUnsatisfiable: 'Maybe', labelSelector: {} }],
    }),
    'spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero',
    'spec.topologySpreadConstraints[0].topologyKey: Required value: can not be empty',
    'spec.topologySpreadConstraints[0].whenUnsatisfiable: Unsupported value: "Maybe": supported values: "DoNotSchedule", "ScheduleAnyway"',
  ],
  [
    'ephemeral containers at creation',
    pod({ ephemeralContainers: [{ name: 'debug', image: 'busybox' }] }),
    'spec.ephemeralContainers: Forbidden: cannot be set on create',
  ],
  [
    'a gate on a pod that has its node',
    pod({ nodeName: 'n1', schedulingGates: [{ name: 'example.com/gate' }] }),
    'spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared',
  ],
];

describe('pods', () => {
  it('are accepted as they are', () => assert.deepEqual(createErrors(podType, pod()), []));

  for (const [title, object, ...errors] of rejected) {
    it(`are refused: ${title}`, () => assert.deepEqual(createErrors(podType, object), errors));
  }

  it('have the defaults of Kubernetes', () => {
    const { spec, status } = created<Pod>(
      podType,
      withContainer({ ports: [{ containerPort: 80 }], livenessProbe: { httpGet: { port: 80 } } }),
    );
    assert.deepEqual(spec, {
      containers: [
        {
          name: 'web',
          image: 'nginx:1.27',
          imagePullPolicy: 'IfNotPresent',
          livenessProbe: {
            failureThreshold: 3,
            httpGet: { path: '/', port: 80, scheme: 'HTTP' },
            periodSeconds: 10,
            successThreshold: 1,
            timeoutSeconds: 1,
          },
          ports: [{ containerPort: 80, protocol: 'TCP' }],
          resources: {},
          terminationMessagePath: '/dev/termination-log',
          terminationMessagePolicy: 'File',
        },
      ],
      dnsPolicy: 'ClusterFirst',
      enableServiceLinks: true,
      restartPolicy: 'Always',
      schedulerName: 'default-scheduler',
      securityContext: {},
      serviceAccount: 'default',
      serviceAccountName: 'default',
      terminationGracePeriodSeconds: 30,
    });
    assert.deepEqual(status, { phase: 'Pending', qosClass: 'BestEffort' });
  });

  it('take host ports from container ports on the host network', () => {
    const { spec } = created<Pod>(podType, withContainer({ ports: [{ containerPort: 80 }] }, { hostNetwork: true }));
    assert.equal(spec!.containers[0]!.ports![0]!.hostPort, 80);
  });

  it('say in their status that gates hold them', () => {
    const { status } = created<Pod>(podType, pod({ schedulingGates: [{ name: 'example.com/gate' }] }));
    assert.equal(status!.conditions![0]!.reason, 'SchedulingGated');
  });

  it('may change their images and little else', () => {
    const change = (alter: (spec: PodSpec) => void): string[] =>
      updateErrors<Pod>(podType, pod(), ({ spec }) => alter(spec!));
    assert.deepEqual(
      change((spec) => {
        spec.containers[0]!.image = 'nginx:1.28';
      }),
      [],
    );
    assert.deepEqual(
      change((spec) => {
        spec.activeDeadlineSeconds = 5;
        spec.tolerations = [{ key: 'a', operator: 'Exists' }];
      }),
      [],
    );
    assert.match(
      change((spec) => {
        spec.hostNetwork = true;
      })[0]!,
      /^spec: Forbidden: pod updates may not change fields other than `spec\.containers\[\*\]\.image`,`spec\.initContainers\[\*\]\.image`,.*\n\t- hostNetwork\n$/,
    );
    assert.deepEqual(
      change((spec) => {
        spec.containers.push({ ...container, name: 'b', imagePullPolicy: 'Always', terminationMessagePolicy: 'File' });
      }),
      ['spec.containers: Forbidden: pod updates may not add or remove containers'],
    );
  });

  it('warn of what is deprecated or hidden', () => {
    const object = pod(
      {
        nodeSelector: { 'beta.kubernetes.io/os': 'linux' },
        containers: [{ ...container, env: [{ name: 'A' }, { name: 'A' }], resources: { limits: { memory: '1500m' } } }],
        volumes: [{ name: 'v', gitRepo: { repository: 'r' } }],
      },
      { name: 'web.1' },
    );
    assert.deepEqual(warningsOf(podType, object), [
      "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]",
      'spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead',
      'spec.volumes[0].gitRepo: deprecated in v1.11, and disabled by default in v1.33+',
      'spec.containers[0].resources.limits[memory]: fractional byte value "1500m" is invalid, must be an integer',
      'spec.containers[0].resources.requests[memory]: fractional byte value "1500m" is invalid, must be an integer',
      'spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply',
    ]);
  });

  it('die at once where nothing runs, and in their own time elsewhere', () => {
    const grace = (object: object, requested?: number): number =>
      podType.strategy.gracePeriodSeconds!(created<ApiObject>(podType, object), requested);
    assert.equal(grace(pod()), 0);
    assert.equal(grace(pod({ nodeName: 'n1' })), 30);
    assert.equal(grace(pod({ nodeName: 'n1' }), 5), 5);
    assert.equal(grace(pod({ nodeName: 'n1', terminationGracePeriodSeconds: 0 })), 0);
    assert.equal(grace(pod({ nodeName: 'n1' }), -1), 1);
  });
});

describe('the class of a pod when a node runs short', () => {
  const of = (resources: object): string => qosClass({ containers: [{ name: 'a', resources }] });

  it('is Guaranteed only when every limit is requested', () => {
    assert.equal(of({ limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1000m', memory: '1Gi' } }), 'Guaranteed');
    assert.equal(of({ limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m', memory: '1Gi' } }), 'Burstable');
    assert.equal(of({ limits: { cpu: '1' }, requests: { cpu: '1' } }), 'Burstable');
    assert.equal(of({ limits: { 'example.com/gpu': '1' } }), 'BestEffort');
    assert.equal(of({ requests: { cpu: '0' } }), 'BestEffort');
  });
});

describe('the default pull policy', () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  const table: Readonly<Record<string, string>> = {
    nginx: 'Always',
    'nginx:latest': 'Always',
    'nginx:1.27': 'IfNotPresent',
    'registry.example.com:5000/team/app': 'Always',
    'registry.example.com:5000/team/app:v1': 'IfNotPresent',
    [`nginx@${digest}`]: 'IfNotPresent',
    [`nginx:latest@${digest}`]: 'Always',
    'Not An Image': 'IfNotPresent',
    '': 'IfNotPresent',
  };
  for (const [image, policy] of Object.entries(table)) {
    it(`of ${JSON.stringify(image)} is ${policy}`, () => assert.equal(defaultPullPolicy(image), policy));
  }
});

describe('the columns of a pod', () => {
  const now = Date.parse('2026-01-31T09:30:00Z');
  const row = (status: object, spec: object = {}, metadata: object = {}): unknown[] => {
    const object = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web', creationTimestamp: '2026-01-31T09:25:00Z', ...metadata },
      spec: { containers: [container], ...spec },
      status,
    };
    return podType.versions[0]!.columns.slice(1, 5).map(({ cell }) => cell(object as unknown as ApiObject, now));
  };
  const running = { name: 'web', ready: true, restartCount: 0, state: { running: {} } };

  it('count containers and restarts', () => {
    assert.deepEqual(row({ phase: 'Running', containerStatuses: [running] }), ['1/1', 'Running', '0', '5m']);
    const restarted = {
      ...running,
      restartCount: 3,
      lastState: { terminated: { exitCode: 1, finishedAt: '2026-01-31T09:28:30Z' } },
    };
    assert.deepEqual(row({ phase: 'Running', containerStatuses: [restarted] }), [
      '1/1',
      'Running',
      '3 (90s ago)',
      '5m',
    ]);
  });

  it('say why a container waits or has ended', () => {
    const waiting = { ...running, ready: false, state: { waiting: { reason: 'CrashLoopBackOff' } } };
    assert.equal(row({ phase: 'Running', containerStatuses: [waiting] })[1], 'CrashLoopBackOff');
    const ended = (terminated: object) =>
      row({ phase: 'Failed', containerStatuses: [{ ...running, ready: false, state: { terminated } }] })[1];
    assert.equal(ended({ exitCode: 3 }), 'ExitCode:3');
    assert.equal(ended({ exitCode: 137, signal: 9 }), 'Signal:9');
    assert.equal(ended({ exitCode: 0, reason: 'Completed' }), 'Completed');
  });

  it('follow the init containers', () => {
    const spec = { initContainers: [{ name: 'a' }, { name: 'b', restartPolicy: 'Always' }] };
    const done = { name: 'a', ready: true, restartCount: 0, state: { terminated: { exitCode: 0 } } };
    const status = (...initContainerStatuses: object[]) => ({ phase: 'Pending', initContainerStatuses });
    assert.deepEqual(row(status(), spec).slice(0, 2), ['0/2', 'Pending']);
    assert.equal(
      row(status({ ...done, state: { waiting: { reason: 'ImagePullBackOff' } } }), spec)[1],
      'Init:ImagePullBackOff',
    );
    assert.equal(row(status(done, { name: 'b', restartCount: 0, state: {} }), spec)[1], 'Init:1/2');
    assert.equal(row(status({ ...done, state: { terminated: { exitCode: 2 } } }), spec)[1], 'Init:ExitCode:2');
    const sidecar = { name: 'b', ready: true, started: true, restartCount: 0, state: { running: {} } };
    assert.deepEqual(
      row({ ...status(done, sidecar), phase: 'Running', containerStatuses: [running] }, spec).slice(0, 2),
      ['2/2', 'Running'],
    );
  });

  it('tell pods on their way out', () => {
    const metadata = { deletionTimestamp: '2026-01-31T09:30:00Z' };
    assert.equal(row({ phase: 'Running', containerStatuses: [running] }, {}, metadata)[1], 'Terminating');
    assert.equal(row({ phase: 'Running', reason: 'NodeLost' }, {}, metadata)[1], 'Unknown');
    assert.equal(row({ phase: 'Succeeded' }, {}, metadata)[1], 'Succeeded');
  });
});
