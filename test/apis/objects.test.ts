import assert from 'node:assert/strict';
import {
  clusterRoleBindingType,
  clusterRoleType,
  configMapType,
  endpointSliceType,
  eventType,
  flowSchemaType,
  horizontalPodAutoscalerType,
  ingressType,
  leaseType,
  limitRangeType,
  namespaceType,
  networkPolicyType,
  nodeType,
  persistentVolumeClaimType,
  persistentVolumeType,
  podDisruptionBudgetType,
  priorityClassType,
  resourceQuotaType,
  roleBindingType,
  roleType,
  secretType,
  serviceAccountType,
  storageClassType,
  validatingWebhookConfigurationType,
} from '../../src/apis/index.ts';
import type { ResourceType } from '../../src/apis/resource-type.ts';
import type {
  ConfigMap,
  HorizontalPodAutoscaler,
  Namespace,
  NetworkPolicy,
  Node,
  PersistentVolumeClaim,
  RoleBinding,
  Secret,
} from '../../src/apis/types.ts';
import type { ApiObject } from '../../src/machinery/object.ts';
import { context, created, createErrors, subresourceUpdate, updateErrors, warningsOf } from './create.ts';

const object = (type: ResourceType, fields: object, metadata: object = {}): object => {
  const version = type.versions[0]!.name;
  return {
    apiVersion: type.group === '' ? version : `${type.group}/${version}`,
    kind: type.names.kind,
    metadata: { name: 'x', ...(type.scope === 'Namespaced' ? { namespace: 'default' } : {}), ...metadata },
    ...fields,
  };
};

const path =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

const table: readonly (readonly [title: string, type: ResourceType, fields: object, ...errors: string[]])[] = [
  ['a config map', configMapType, { data: { 'a.b_c-d': 'x' }, binaryData: { e: 'AA==' } }],
  [
    'keys of a config map',
    configMapType,
    { data: { 'a/b': 'x', c: 'y' }, binaryData: { c: 'AA==' } },
    "data[a/b]: Invalid value: \"a/b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
    'data[c]: Invalid value: "c": duplicate of key present in binaryData',
  ],
  [
    'a config map that is too large',
    configMapType,
    { data: { a: 'x'.repeat(1024 * 1024 + 1) } },
    '[]: Too long: may not be more than 1048576 bytes',
  ],
  [
    'flow schemas that name everything and something',
    flowSchemaType,
    {
      spec: {
        priorityLevelConfiguration: { name: 'low' },
        rules: [
          {
            subjects: [{ kind: 'User', user: { name: 'ann' } }],
            resourceRules: [
              { verbs: ['*', 'get'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'] },
              { verbs: ['feed'], apiGroups: ['*'], resources: ['*'], namespaces: ['*', 'a'] },
            ],
          },
        ],
      },
    },
    `spec.rules[0].resourceRules[0].verbs: Invalid value: []string{"*", "get"}: if '*' is present, must not specify other verbs`,
    'spec.rules[0].resourceRules[1].verbs: Unsupported value: []string{"feed"}: supported values: "create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"',
    `spec.rules[0].resourceRules[1].namespaces: Invalid value: []string{"*", "a"}: if '*' is present, must not specify other namespaces`,
  ],
  [
    'storage classes with a topology said twice',
    storageClassType,
    {
      provisioner: 'example.com/disk',
      allowedTopologies: [{ matchLabelExpressions: [{ key: 'zone', values: ['a', 'a'] }] }],
    },
    'allowedTopologies[0].matchLabelExpressions[0].values[1]: Duplicate value: "a"',
  ],
  ['a secret', secretType, { stringData: { a: 'b' } }],
  [
    'secrets without what their type asks for',
    secretType,
    { type: 'kubernetes.io/tls' },
    'data[tls.crt]: Required value',
    'data[tls.key]: Required value',
  ],
  [
    'a registry secret that is no JSON',
    secretType,
    { type: 'kubernetes.io/dockerconfigjson', stringData: { '.dockerconfigjson': 'none' } },
    `data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": invalid character 'n' looking for beginning of value`,
  ],
  ['a service account', serviceAccountType, {}],
  ['a namespace', namespaceType, {}],
  [
    'finalizers of a namespace',
    namespaceType,
    { spec: { finalizers: ['mine'] } },
    'spec.finalizers[0]: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified',
  ],
  ['a node', nodeType, { spec: { podCIDR: '10.1.0.0/24', taints: [{ key: 'a', effect: 'NoSchedule' }] } }],
  [
    'taints of a node',
    nodeType,
    {
      spec: {
        taints: [
          { key: 'a', effect: 'NoSchedule' },
          { key: 'a', effect: 'NoSchedule' },
          { key: '-', effect: 'Never' },
        ],
      },
    },
    'metadata.taints[1]: Duplicate value: {"key":"a","effect":"NoSchedule"}: taints must be unique by key and effect pair',
    `metadata.taints[2].key: Invalid value: "-": ${path}`,
    'metadata.taints[2].effect: Unsupported value: "Never": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
  ],
  ['a lease', leaseType, { spec: { holderIdentity: 'a', leaseDurationSeconds: 15 } }],
  [
    'the numbers of a lease',
    leaseType,
    { spec: { leaseDurationSeconds: 0, leaseTransitions: -1 } },
    'spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0',
    'spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0',
  ],
  ['an event', eventType, { involvedObject: { namespace: 'default' }, reason: 'Started' }],
  [
    'an event about another namespace',
    eventType,
    { involvedObject: { namespace: 'other' } },
    'involvedObject.namespace: Invalid value: "other": does not match event.namespace',
  ],
  [
    'an event of the new form without its fields',
    eventType,
    { involvedObject: { namespace: 'default' }, eventTime: '2026-01-31T09:30:00.000000Z', reportingComponent: 'a' },
    'reportingInstance: Required value',
    'action: Required value',
    'reason: Required value',
  ],
  ['a role', roleType, { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] }],
  [
    'the rules of a role',
    roleType,
    { rules: [{ nonResourceURLs: ['/healthz'], verbs: ['get'] }, { apiGroups: [''] }] },
    'rules[0].nonResourceURLs: Invalid value: []string{"/healthz"}: namespaced rules cannot apply to non-resource URLs',
    'rules[1].verbs: Required value: verbs must contain at least one value',
    'rules[1].resources: Required value: resource rules must supply at least one resource',
  ],
  [
    'a cluster role that aggregates nothing',
    clusterRoleType,
    { aggregationRule: {} },
    'aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil',
  ],
  [
    'a binding to what is no role',
    clusterRoleBindingType,
    {
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'a' },
      subjects: [
        { kind: 'ServiceAccount', name: 'a' },
        { kind: 'Robot', name: 'b' },
      ],
    },
    'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"',
    'subjects[0].namespace: Required value',
    'subjects[1].kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", "Group"',
  ],
  [
    'a claim without modes and size',
    persistentVolumeClaimType,
    { spec: {} },
    'spec.accessModes: Required value: at least 1 access mode is required',
    'spec.resources[storage]: Required value',
  ],
  [
    'a volume without everything',
    persistentVolumeType,
    {},
    'spec.accessModes: Required value',
    'spec.capacity: Required value',
    'spec.capacity: Unsupported value: {}: supported values: "storage"',
    'spec: Required value: must specify a volume type',
  ],
  [
    'endpoints of the wrong family',
    endpointSliceType,
    {
      addressType: 'IPv4',
      endpoints: [{ addresses: ['fd00::1'] }, { addresses: [] }],
      ports: [{ name: 'a' }, { name: 'a' }],
    },
    'endpoints[0].addresses[0]: Invalid value: "fd00::1": must be a valid IPv4 address',
    'endpoints[1].addresses: Required value: must contain at least 1 address',
    'ports[1].name: Duplicate value: "a"',
  ],
  [
    'an ingress without rules',
    ingressType,
    {},
    'spec: Invalid value: []: either `defaultBackend` or `rules` must be specified',
  ],
  [
    'the rules of an ingress',
    ingressType,
    {
      spec: {
        rules: [
          {
            host: '1.2.3.4',
            http: { paths: [{ path: 'a', pathType: 'Prefix', backend: { service: { name: 'web' } } }] },
          },
        ],
      },
    },
    'spec.rules[0].host: Invalid value: "1.2.3.4": must be a DNS name, not an IP address',
    'spec.rules[0].http.paths[0].path: Invalid value: "a": must be an absolute path',
    'spec.rules[0].http.paths[0].backend.service.port: Required value: port name or number is required',
  ],
  [
    'a network policy for nobody',
    networkPolicyType,
    {
      spec: {
        ingress: [
          {
            from: [{}, { ipBlock: { cidr: '10.0.0.0/8', except: ['11.0.0.0/16'] } }],
            ports: [{ port: 90, endPort: 80 }],
          },
        ],
      },
    },
    'spec.ingress[0].ports[0].endPort: Invalid value: 80: must be greater than or equal to `port`',
    'spec.ingress[0].from[0]: Required value: must specify a peer',
    'spec.ingress[0].from[1].ipBlock.except[0]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`',
  ],
  [
    'a budget of two minds',
    podDisruptionBudgetType,
    { spec: { minAvailable: 1, maxUnavailable: '110%' } },
    'spec: Invalid value: {"minAvailable":1,"maxUnavailable":"110%"}: minAvailable and maxUnavailable cannot be both set',
    'spec.maxUnavailable: Invalid value: "110%": must not be greater than 100%',
  ],
  [
    'a storage class of nobody',
    storageClassType,
    { provisioner: '', reclaimPolicy: 'Recycle' },
    'provisioner: Required value',
    'reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"',
  ],
  [
    'a priority above all',
    priorityClassType,
    { value: 2_000_000_000 },
    'value: Forbidden: maximum allowed value of a user defined priority is 1000000000',
  ],
  [
    'limits that contradict each other',
    limitRangeType,
    { spec: { limits: [{ type: 'Container', min: { cpu: '2' }, max: { cpu: '1' } }] } },
    'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
    'spec.limits[0].defaultRequest[cpu]: Invalid value: "1": min value 2 is greater than default request value 1',
    'spec.limits[0].default[cpu]: Invalid value: "1": min value 2 is greater than default value 1',
  ],
  [
    'scopes of a quota',
    resourceQuotaType,
    { spec: { scopes: ['Terminating', 'NotTerminating'] } },
    'spec.scopes: Invalid value: []core.ResourceQuotaScope{"Terminating", "NotTerminating"}: conflicting scopes',
  ],
  [
    'an autoscaler without a target',
    horizontalPodAutoscalerType,
    { spec: { minReplicas: 5, maxReplicas: 3 } },
    'spec.maxReplicas: Invalid value: 3: must be greater than or equal to `minReplicas`',
    'spec.scaleTargetRef.kind: Required value',
    'spec.scaleTargetRef.name: Required value',
  ],
  [
    'a webhook without everything',
    validatingWebhookConfigurationType,
    { webhooks: [{ name: 'short' }] },
    'webhooks[0].name: Invalid value: "short": should be a domain with at least three segments separated by dots',
    'webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun',
    'webhooks[0].clientConfig: Required value: exactly one of url or service is required',
    'webhooks[0].admissionReviewVersions: Required value: must specify one of v1, v1beta1',
  ],
];

describe('what a create answers', () => {
  for (const [title, type, fields, ...errors] of table) {
    it(`${errors.length === 0 ? 'accepts' : 'refuses'} ${title}`, () => {
      assert.deepEqual(createErrors(type, object(type, fields)), errors);
    });
  }
});

describe('config maps and secrets', () => {
  it('put what is written in clear into the data', () => {
    const { data, stringData } = created<Secret>(
      secretType,
      object(secretType, { data: { a: 'eA==' }, stringData: { a: 'y', b: 'ü' } }),
    );
    assert.deepEqual([data, stringData], [{ a: 'eQ==', b: 'w7w=' }, undefined]);
  });

  it('stay as they are when they are immutable', () => {
    const errors = updateErrors<ConfigMap>(
      configMapType,
      object(configMapType, { data: { a: 'x' }, immutable: true }),
      (draft) => {
        draft.data = { a: 'y' };
        delete draft.immutable;
      },
    );
    assert.deepEqual(errors, [
      'immutable: Forbidden: field is immutable when `immutable` is set',
      'data: Forbidden: field is immutable when `immutable` is set',
    ]);
    const secret = updateErrors<Secret>(secretType, object(secretType, { type: 'a/b' }), (draft) => {
      draft.type = 'Opaque';
    });
    assert.deepEqual(secret, ['type: Invalid value: "Opaque": field is immutable']);
  });

  it('warn of a pair that holds no certificate', () => {
    const data = { 'tls.crt': 'x', 'tls.key': 'y' };
    assert.deepEqual(warningsOf(secretType, object(secretType, { type: 'kubernetes.io/tls', stringData: data })), [
      'tls: failed to find any PEM data in certificate input',
    ]);
  });
});

describe('namespaces', () => {
  it('start active, held by Kubernetes, and labelled with their name', () => {
    const { metadata, spec, status } = created<Namespace>(namespaceType, object(namespaceType, {}));
    assert.deepEqual(metadata.labels, { 'kubernetes.io/metadata.name': 'x' });
    assert.deepEqual([spec, status], [{ finalizers: ['kubernetes'] }, { phase: 'Active' }]);
  });

  it('end when nothing holds them any more', () => {
    const namespace = created<ApiObject>(namespaceType, object(namespaceType, {}));
    const { pendingFinalizers, prepareForDelete } = namespaceType.strategy;
    assert.equal(pendingFinalizers!(namespace), true);
    prepareForDelete!(namespace);
    assert.equal((namespace as unknown as Namespace).status!.phase, 'Terminating');
    assert.equal(pendingFinalizers!({ ...namespace, spec: {} }), false);
  });

  it('keep their finalizers over an update, and lose them by finalize', () => {
    const stored = created<Namespace>(namespaceType, object(namespaceType, {}));
    const draft = { ...structuredClone(stored), spec: {} };
    namespaceType.strategy.prepareForUpdate!(draft as unknown as ApiObject, stored as unknown as ApiObject, context);
    assert.deepEqual(draft.spec, { finalizers: ['kubernetes'] });
    const finalized = subresourceUpdate<Namespace>(namespaceType, 'finalize', stored, (namespace) => {
      namespace.spec = {};
      namespace.status = { phase: 'Terminating' };
    });
    assert.deepEqual(finalized.object.spec, {});
    assert.deepEqual(finalized.object.status, { phase: 'Active' });
    assert.deepEqual(finalized.errors, []);
    const wrong = subresourceUpdate<Namespace>(namespaceType, 'finalize', stored, (namespace) => {
      namespace.spec = { finalizers: ['mine'] };
    });
    assert.deepEqual(wrong.errors, [
      'spec.finalizers[0]: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified',
    ]);
  });
});

describe('nodes', () => {
  it('offer what they have', () => {
    const { status, spec } = created<Node>(
      nodeType,
      object(nodeType, { spec: { podCIDR: '10.1.0.0/24' }, status: { capacity: { cpu: '4' } } }),
    );
    assert.deepEqual(status!.allocatable, { cpu: '4' });
    assert.deepEqual(spec!.podCIDRs, ['10.1.0.0/24']);
  });

  it('keep their network and their provider', () => {
    const errors = updateErrors<Node>(
      nodeType,
      object(nodeType, { spec: { podCIDR: '10.1.0.0/24', providerID: 'a' } }),
      ({ spec }) => {
        spec!.podCIDRs = ['10.2.0.0/24'];
        spec!.podCIDR = '10.2.0.0/24';
        spec!.providerID = 'b';
      },
    );
    assert.deepEqual(errors, [
      'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid',
      'spec.providerID: Forbidden: node updates may not change providerID except from "" to valid',
    ]);
  });

  it('show their state and their roles', () => {
    const node = object(
      nodeType,
      {
        spec: { unschedulable: true },
        status: { conditions: [{ type: 'Ready', status: 'True' }], nodeInfo: { kubeletVersion: 'v1' } },
      },
      { labels: { 'node-role.kubernetes.io/worker': '', 'kubernetes.io/role': 'db' } },
    );
    const cells = nodeType.versions[0]!.columns.map(({ cell }) => cell(node as ApiObject, context.now));
    assert.deepEqual(cells.slice(1, 6), ['Ready,SchedulingDisabled', 'db,worker', '<unknown>', 'v1', '<none>']);
  });
});

describe('events', () => {
  it('expire, and may be created by a put', () => {
    assert.equal(eventType.strategy.ttlSeconds!({} as ApiObject), 3600);
    assert.equal(eventType.strategy.allowCreateOnUpdate, true);
  });

  it('are found by what they are about', () => {
    const event = object(eventType, {
      involvedObject: { kind: 'Pod', name: 'p' },
      source: { component: 'kubelet' },
      type: 'Normal',
    });
    const fields = eventType.versions[0]!.selectableFields;
    const value = (name: string) => fields.find((field) => field.name === name)!.value(event as ApiObject);
    assert.deepEqual(
      [value('involvedObject.kind'), value('involvedObject.name'), value('source'), value('type'), value('reason')],
      ['Pod', 'p', 'kubelet', 'Normal', ''],
    );
  });
});

describe('bindings of roles', () => {
  const binding = object(roleBindingType, {
    roleRef: { kind: 'Role', name: 'a' },
    subjects: [
      { kind: 'User', name: 'u' },
      { kind: 'ServiceAccount', name: 's' },
    ],
  });

  it('default the group of what they name', () => {
    const { roleRef, subjects } = created<RoleBinding>(roleBindingType, binding);
    assert.equal(roleRef.apiGroup, 'rbac.authorization.k8s.io');
    assert.deepEqual(
      subjects!.map(({ apiGroup }) => apiGroup),
      ['rbac.authorization.k8s.io', undefined],
    );
  });

  it('keep their role', () => {
    const errors = updateErrors<RoleBinding>(roleBindingType, binding, (draft) => {
      draft.roleRef.name = 'b';
    });
    assert.deepEqual(errors, [
      'roleRef: Invalid value: rbac.RoleRef{APIGroup:"rbac.authorization.k8s.io", Kind:"Role", Name:"b"}: cannot change roleRef',
    ]);
  });
});

describe('claims', () => {
  const claim = object(persistentVolumeClaimType, {
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  });
  const resize = (phase: string, storage: string): string[] =>
    updateErrors<PersistentVolumeClaim>(persistentVolumeClaimType, claim, (draft) => {
      draft.spec!.resources!.requests!.storage = storage;
      draft.status = { phase };
    });

  it('start pending, on a file system', () => {
    const { spec, status } = created<PersistentVolumeClaim>(persistentVolumeClaimType, claim);
    assert.deepEqual([spec!.volumeMode, status], ['Filesystem', { phase: 'Pending' }]);
  });

  it('neither shrink nor grow before they are bound', () => {
    assert.match(
      resize('Pending', '2Gi')[0]!,
      /^spec: Forbidden: spec is immutable after creation except resources\.requests/,
    );
    assert.equal(
      resize('Pending', '512Mi').at(-1),
      'spec.resources.requests.storage: Forbidden: field can not be less than previous value',
    );
  });
});

describe('network policies', () => {
  it('are of the types that their rules say', () => {
    const types = (spec: object) =>
      created<NetworkPolicy>(networkPolicyType, object(networkPolicyType, { spec })).spec!.policyTypes;
    assert.deepEqual(types({ ingress: [] }), ['Ingress']);
    assert.deepEqual(types({ egress: [{ ports: [{ port: 53 }] }] }), ['Ingress', 'Egress']);
  });
});

describe('autoscalers', () => {
  const spec = { maxReplicas: 3, scaleTargetRef: { kind: 'Deployment', name: 'web' } };

  it('watch the processor when nothing else is said', () => {
    const hpa = created<HorizontalPodAutoscaler>(
      horizontalPodAutoscalerType,
      object(horizontalPodAutoscalerType, { spec }),
    );
    assert.equal(hpa.spec!.minReplicas, 1);
    assert.deepEqual(hpa.spec!.metrics, [
      { type: 'Resource', resource: { name: 'cpu', target: { averageUtilization: 80, type: 'Utilization' } } },
    ]);
  });

  it('lose nothing on the way to the old version and back', async () => {
    const metrics = [
      { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
      { type: 'Pods', pods: { metric: { name: 'rps' }, target: { type: 'AverageValue', averageValue: '10' } } },
    ];
    const behavior = { scaleDown: { stabilizationWindowSeconds: 60 } };
    const hpa = object(horizontalPodAutoscalerType, {
      spec: { ...spec, metrics, behavior },
      status: { currentMetrics: null, desiredReplicas: 1 },
    }) as ApiObject;
    const convert = horizontalPodAutoscalerType.convert!;
    const [old] = await convert([hpa], 'v1');
    assert.equal(old!.apiVersion, 'autoscaling/v1');
    assert.equal((old!.spec as { targetCPUUtilizationPercentage: number }).targetCPUUtilizationPercentage, 50);
    const [back] = await convert([old!], 'v2');
    assert.deepEqual(back!.spec, hpa.spec);
    assert.equal(back!.metadata.annotations, undefined);
  });
});
