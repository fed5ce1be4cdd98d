/** What Kubernetes' reference says of the fields of each kind, as refusals: a wrong object, and all that is said of it. */
import assert from 'node:assert/strict';
import * as kinds from '../../src/apis/index.ts';
import type { ResourceType } from '../../src/apis/resource-type.ts';
import { createErrors, updateErrors } from './create.ts';

const label = `a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')`;
const subdomain = `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`;
const qualified = `name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`;
const negative = 'must be greater than or equal to 0';

const named = (type: ResourceType, rest: object, name = 'x') => ({
  apiVersion: type.group === '' ? 'v1' : `${type.group}/${type.versions[0]!.name}`,
  kind: type.names.kind,
  metadata: { name, namespace: 'default' },
  ...rest,
});

const refusedAtCreation: readonly [type: ResourceType, object: object, errors: readonly string[], name?: string][] = [
  [
    kinds.nodeType,
    {
      metadata: {
        name: 'x',
        annotations: {
          'scheduler.alpha.kubernetes.io/preferAvoidPods': JSON.stringify({
            preferAvoidPods: [
              { podSignature: { podController: { kind: 'ReplicaSet', controller: true } } },
              { podSignature: { podController: { kind: 'ReplicaSet', controller: false } } },
              { reason: 'none' },
            ],
          }),
        },
      },
    },
    [
      'metadata.annotations.scheduler.alpha.kubernetes.io/preferAvoidPods[1].PodSignature.PodController.Controller: Invalid value: false: must point to a controller',
      'metadata.annotations.scheduler.alpha.kubernetes.io/preferAvoidPods[2].PodSignature: Required value',
    ],
  ],
  [
    kinds.podType,
    {
      spec: {
        containers: [{ name: 'a', image: 'b', securityContext: { runAsUser: -1, runAsGroup: 2147483648 } }],
        securityContext: { runAsUser: 2147483648, runAsGroup: -1, fsGroup: -1, supplementalGroups: [0, -1] },
      },
    },
    [
      'spec.containers[0].securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive',
      'spec.containers[0].securityContext.runAsGroup: Invalid value: 2147483648: must be between 0 and 2147483647, inclusive',
      'spec.securityContext.fsGroup: Invalid value: -1: must be between 0 and 2147483647, inclusive',
      'spec.securityContext.runAsUser: Invalid value: 2147483648: must be between 0 and 2147483647, inclusive',
      'spec.securityContext.runAsGroup: Invalid value: -1: must be between 0 and 2147483647, inclusive',
      'spec.securityContext.supplementalGroups[1]: Invalid value: -1: must be between 0 and 2147483647, inclusive',
    ],
  ],
  [
    kinds.jobType,
    {
      spec: {
        podFailurePolicy: {
          rules: [
            { action: 'Ignore' },
            {
              action: 'Ignore',
              onExitCodes: { operator: '', values: [1] },
              onPodConditions: [{ type: 'Ready', status: 'True' }],
            },
          ],
        },
        template: { spec: { restartPolicy: 'Never', containers: [{ name: 'a', image: 'b' }] } },
      },
    },
    [
      'spec.podFailurePolicy.rules[0]: Invalid value: specifying one of OnExitCodes and OnPodConditions is required',
      'spec.podFailurePolicy.rules[1].onExitCodes.operator: Required value: valid values: ["In" "NotIn"]',
      'spec.podFailurePolicy.rules[1]: Invalid value: specifying both OnExitCodes and OnPodConditions is not supported',
    ],
  ],
  [
    kinds.serviceType,
    {
      spec: {
        ports: [{ port: 80 }],
        sessionAffinity: 'ClientIP',
        sessionAffinityConfig: { clientIP: { timeoutSeconds: 0 } },
      },
    },
    [
      'spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 0: must be greater than 0 and less than 86400',
    ],
  ],
  [
    kinds.runtimeClassType,
    { handler: 'a/b', overhead: { podFixed: { memory: '-1' } }, scheduling: { nodeSelector: { 'a b': 'c' } } },
    [
      `handler: Invalid value: "a/b": ${label}`,
      `overhead.podFixed[memory]: Invalid value: -1: ${negative}`,
      `scheduling.nodeSelector: Invalid value: "a b": ${qualified}`,
    ],
  ],
  [
    kinds.csiDriverType,
    {
      spec: {
        fsGroupPolicy: 'All',
        volumeLifecycleModes: ['Forever'],
        tokenRequests: [{ audience: 'a', expirationSeconds: 10 }, { audience: 'a' }],
      },
    },
    [
      'spec.fsGroupPolicy: Unsupported value: "All": supported values: "File", "None", "ReadWriteOnceWithFSType"',
      'spec.tokenRequests[0].expirationSeconds: Invalid value: 10: may not specify a duration less than 10 minutes',
      'spec.tokenRequests[1].audience: Duplicate value: "a"',
      'spec.volumeLifecycleModes: Unsupported value: "Forever": supported values: "Persistent", "Ephemeral"',
    ],
  ],
  [
    kinds.csiNodeType,
    {
      spec: {
        drivers: [
          { name: 'a', nodeID: '' },
          { name: 'a', nodeID: 'n', allocatable: { count: -1 } },
        ],
      },
    },
    [
      'spec.drivers[0].nodeID: Required value',
      `spec.drivers[1].allocatable.count: Invalid value: -1: ${negative}`,
      'spec.drivers[1].name: Duplicate value: "a"',
    ],
  ],
  [
    kinds.csiStorageCapacityType,
    { storageClassName: 'A_B', capacity: '-1', maximumVolumeSize: '-2' },
    [
      `storageClassName: Invalid value: "A_B": ${subdomain}`,
      `capacity: Invalid value: "-1": ${negative}`,
      `maximumVolumeSize: Invalid value: "-2": ${negative}`,
    ],
  ],
  [
    kinds.volumeAttachmentType,
    { spec: { attacher: '', nodeName: 'n', source: {} } },
    [
      'spec.attacher: Required value',
      'spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName',
      'spec.attacher: Required value',
      `spec.attacher: Invalid value: "": ${subdomain}`,
    ],
  ],
  [
    kinds.volumeAttributesClassType,
    { driverName: '', parameters: {} },
    [
      'driverName: Required value',
      `driverName: Invalid value: "": ${subdomain}`,
      'parameters: Required value: must contain at least one key/value pair',
    ],
  ],
  [
    kinds.endpointSliceType,
    { addressType: 'IPv5', endpoints: [{ addresses: [] }], ports: [{ name: 'A_B', protocol: 'ICMP' }] },
    [
      'addressType: Unsupported value: "IPv5": supported values: "FQDN", "IPv4", "IPv6"',
      'endpoints[0].addresses: Required value: must contain at least 1 address',
      `ports[0].name: Invalid value: "A_B": ${label}`,
      'ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"',
    ],
  ],
  [
    kinds.endpointSliceType,
    { addressType: 'IPv4', endpoints: [{ addresses: ['::1', '127.0.0.1'] }], ports: [{ port: 80 }, { port: 81 }] },
    [
      'endpoints[0].addresses[0]: Invalid value: "::1": must be a valid IPv4 address',
      'endpoints[0].addresses[1]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
      'ports[1].name: Duplicate value: ""',
    ],
  ],
  [
    kinds.apiServiceType,
    { spec: { group: 'g', version: 'v1', groupPriorityMinimum: 0, versionPriority: 0, service: {} } },
    [
      'metadata.name: Invalid value: "v2.g": must be `v1.g`',
      'spec.groupPriorityMinimum: Invalid value: 0: must be positive and less than 20000',
      'spec.versionPriority: Invalid value: 0: must be positive and less than 1000',
      'spec.service.namespace: Required value',
      'spec.service.name: Required value',
    ],
    'v2.g',
  ],
  [
    kinds.podTemplateType,
    { template: { spec: { containers: [{ name: 'A' }] } } },
    [
      `template.spec.containers[0].name: Invalid value: "A": ${label}`,
      'template.spec.containers[0].image: Required value',
    ],
  ],
  [
    kinds.replicationControllerType,
    {
      spec: {
        replicas: -1,
        selector: { a: 'b' },
        template: {
          metadata: { labels: { c: 'd' } },
          spec: { restartPolicy: 'Never', containers: [{ name: 'a', image: 'b' }] },
        },
      },
    },
    [
      `spec.replicas: Invalid value: -1: ${negative}`,
      'spec.template.metadata.labels: Invalid value: map[string]string{"c":"d"}: `selector` does not match template `labels`',
      'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
    ],
  ],
  [
    kinds.ingressClassType,
    { spec: { controller: 'x', parameters: { kind: '', name: '', scope: 'Namespace' } } },
    [
      'spec.controller: Invalid value: "x": must be a domain-prefixed path (such as "acme.io/foo")',
      'spec.parameters.kind: Required value: kind is required',
      'spec.parameters.name: Required value: name is required',
      "spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'",
    ],
  ],
  [
    kinds.limitRangeType,
    { spec: { limits: [{ type: 'Pod', max: { cpu: '1' }, default: { cpu: '1' } }, { type: 'Pod' }] } },
    [
      "spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'",
      'spec.limits[1].type: Duplicate value: "Pod"',
    ],
  ],
  [
    kinds.controllerRevisionType,
    { revision: -1 },
    ['data: Required value: data is mandatory', `revision: Invalid value: -1: ${negative}`],
  ],
  [
    kinds.priorityLevelConfigurationType,
    {
      spec: {
        type: 'Limited',
        limited: {
          nominalConcurrencyShares: -1,
          limitResponse: { type: 'Queue', queuing: { queues: 4, handSize: 8 } },
        },
      },
    },
    [
      'spec.limited.nominalConcurrencyShares: Invalid value: -1: must be a non-negative integer',
      'spec.limited.limitResponse.queuing.handSize: Invalid value: 8: should not be greater than queues (4)',
    ],
  ],
];

const immutable: readonly [type: ResourceType, object: object, change: object, error: string][] = [
  [kinds.runtimeClassType, { handler: 'a' }, { handler: 'b' }, 'handler: Invalid value: "b": field is immutable'],
  [
    kinds.csiStorageCapacityType,
    { storageClassName: 'a' },
    { storageClassName: 'b' },
    'storageClassName: Invalid value: "b": field is immutable',
  ],
  [
    kinds.endpointSliceType,
    { addressType: 'IPv4', endpoints: [] },
    { addressType: 'IPv6' },
    'addressType: Invalid value: "IPv6": field is immutable',
  ],
  [
    kinds.priorityClassType,
    { value: 1, preemptionPolicy: 'Never' },
    { value: 2 },
    'value: Forbidden: may not be changed in an update.',
  ],
];

describe('a flow schema', () => {
  it('may leave out the namespaces of rules about what has none', () => {
    const spec = {
      priorityLevelConfiguration: { name: 'a' },
      rules: [
        {
          subjects: [{ kind: 'User', user: { name: 'b' } }],
          resourceRules: [{ verbs: ['get'], apiGroups: [''], resources: ['nodes'], clusterScope: true }],
        },
      ],
    };
    assert.deepEqual(createErrors(kinds.flowSchemaType, named(kinds.flowSchemaType, { spec })), []);
  });
});

describe('what the reference forbids', () => {
  for (const [type, object, errors, name] of refusedAtCreation) {
    it(`is refused of a ${type.names.kind}: ${errors.length} things at once`, () => {
      assert.deepEqual(createErrors(type, named(type, object, name)), errors);
    });
  }

  for (const [type, object, change, error] of immutable) {
    it(`keeps the ${Object.keys(change)[0]} of a ${type.names.kind}`, () => {
      const errors = updateErrors<object>(type, named(type, object), (draft) => Object.assign(draft, change));
      assert.deepEqual(errors, [error]);
    });
  }
});
