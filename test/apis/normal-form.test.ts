import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  configMapType,
  deploymentType,
  eventType,
  leaseType,
  nodeType,
  podType,
  roleType,
  secretType,
} from '../../src/apis/index.ts';
import { normalize, zeroOf } from '../../src/apis/normal-form.ts';
import type { ConfigMap, Deployment, Event, Lease, Node, Pod, Role, Secret } from '../../src/apis/types.ts';
import type { JsonObject, JsonValue } from '../../src/machinery/json.ts';
import { defaulted } from './create.ts';

const pod = (spec: object, more: object = {}): Pod =>
  defaulted(podType, { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' }, spec, ...more });

describe('the form in which Go types write objects', () => {
  it('drops nulls, empty lists and maps, and the zero values of optional fields', () => {
    const { metadata, spec } = pod({
      hostNetwork: false,
      nodeName: '',
      nodeSelector: {},
      tolerations: [],
      containers: [{ name: 'c', image: 'i', env: [{ name: 'A', value: '' }], stdin: false, command: null }],
    });
    for (const field of ['hostNetwork', 'nodeName', 'nodeSelector', 'tolerations']) {
      assert.equal(field in spec!, false, field);
    }
    const [container] = spec!.containers;
    assert.deepEqual(container!.env, [{ name: 'A' }]);
    assert.equal('stdin' in container!, false);
    assert.equal('command' in container!, false);
    assert.equal('creationTimestamp' in metadata, false);
  });

  it('keeps zero values that mean something', () => {
    const { spec } = pod({
      terminationGracePeriodSeconds: 0,
      automountServiceAccountToken: false,
      containers: [{ name: 'c', image: 'i', securityContext: { runAsUser: 0, privileged: false } }],
      volumes: [{ name: 'v', hostPath: { path: '/x', type: '' } }],
    });
    assert.equal(spec!.terminationGracePeriodSeconds, 0);
    assert.equal(spec!.automountServiceAccountToken, false);
    assert.deepEqual(spec!.containers[0]!.securityContext, { runAsUser: 0, privileged: false });
    assert.equal(spec!.volumes![0]!.hostPath!.type, '');
  });

  it('writes what Go always writes', () => {
    const deployment = defaulted<Deployment>(deploymentType, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'x' },
    });
    assert.equal(deployment.spec!.selector, null);
    assert.equal(deployment.spec!.template.metadata?.creationTimestamp, null);
    assert.deepEqual(deployment.status, {});
    assert.deepEqual(zeroOf('io.k8s.api.apps.v1.ReplicaSetStatus'), { replicas: 0 });
    const role = defaulted<Role>(roleType, {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: {},
      rules: [],
    });
    assert.equal(role.rules, null);
    const event = defaulted<Event>(eventType, { apiVersion: 'v1', kind: 'Event', metadata: {}, involvedObject: {} });
    assert.deepEqual(
      [event.eventTime, event.firstTimestamp, event.reportingComponent, event.source],
      [null, null, '', {}],
    );
    const node = defaulted<Node>(nodeType, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' } });
    assert.deepEqual(node.status!.daemonEndpoints, { kubeletEndpoint: { Port: 0 } });
    assert.equal(node.status!.nodeInfo!.kubeletVersion, '');
  });

  it('spells quantities and times in one way', () => {
    const { spec } = pod({
      containers: [
        { name: 'c', image: 'i', resources: { limits: { cpu: 0.5, memory: '1024Mi' }, requests: { cpu: '1000m' } } },
      ],
    });
    assert.deepEqual(spec!.containers[0]!.resources, {
      limits: { cpu: '500m', memory: '1Gi' },
      requests: { cpu: '1', memory: '1Gi' },
    });
    const lease = (renewTime: string): string | undefined =>
      defaulted<Lease>(leaseType, {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { name: 'x' },
        spec: { renewTime },
      }).spec!.renewTime;
    assert.equal(lease('2026-01-31T10:30:00.5+01:00'), '2026-01-31T09:30:00.500000Z');
    assert.equal(lease('2026-01-31T09:30:00.123456Z'), '2026-01-31T09:30:00.123456Z');
    assert.equal(lease('2026-01-31T09:30:00.1234567Z'), '2026-01-31T09:30:00.123456Z');
  });

  it('reads null entries of maps and lists as zero values', () => {
    const map = defaulted<ConfigMap>(configMapType, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'x' },
      data: { a: null, b: 'c' },
    });
    assert.deepEqual(map.data, { a: '', b: 'c' });
    assert.deepEqual(pod({ containers: [{ name: 'c', args: [null, 'x'] }] }).spec!.containers[0]!.args, ['', 'x']);
  });

  it('takes line breaks out of base64', () => {
    const secret = defaulted<Secret>(secretType, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'x' },
      data: { a: 'YWJj\nZGVm\r\n' },
    });
    assert.deepEqual(secret.data, { a: 'YWJjZGVm' });
  });

  it('leaves a wrong value for the decoder to refuse', () => {
    const object = { spec: { containers: 'none', nodeSelector: 5, volumes: [7] } };
    normalize(object, podType.versions[0]!.schema);
    assert.deepEqual(object.spec, { containers: 'none', nodeSelector: 5, volumes: [7] });
  });

  it('is reached in one step, whatever the object', () => {
    const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null));
    const field = fc.constantFrom(
      'containers',
      'hostNetwork',
      'nodeName',
      'volumes',
      'tolerations',
      'overhead',
      'name',
      'cpu',
    );
    const { value: tree } = fc.letrec<{ value: JsonValue }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(field, tie('value'), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(field, tree), (spec) => {
        const once: JsonObject = { spec: structuredClone(spec) };
        normalize(once, podType.versions[0]!.schema);
        const twice = structuredClone(once);
        normalize(twice, podType.versions[0]!.schema);
        assert.deepEqual(twice, once);
      }),
    );
  });
});
