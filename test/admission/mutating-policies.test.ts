/** MutatingAdmissionPolicy: the policies of the Kubernetes documentation, and what keeps a mutation from being made. */
import assert from 'node:assert/strict';
import { type Api, startApi } from '../apiserver/support/api.ts';
import { bind, configMap, configMaps, deployment, deployments, refusal, ruleFor, type Spec } from './support.ts';

const pods = '/api/v1/namespaces/default/pods';
const onPods = { resourceRules: [ruleFor('', ['pods'], ['CREATE'])] };
const onConfigMaps = { resourceRules: [ruleFor('', ['configmaps'])] };
const applied = (expression: string) => ({ patchType: 'ApplyConfiguration', applyConfiguration: { expression } });
const patched = (expression: string) => ({ patchType: 'JSONPatch', jsonPatch: { expression } });

function pod(name: string, spec: object = {}): Spec {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: { containers: [{ name: 'app', image: 'nginx' }], serviceAccountName: 'default', ...spec },
  };
}

describe('mutating admission policies', () => {
  let api: Api;
  beforeEach(async () => {
    api = await startApi();
  });
  afterEach(async () => {
    await api[Symbol.asyncDispose]();
  });

  it('apply a configuration: a sidecar is merged into the list, and defaulted', async () => {
    await bind(api, 'Mutating', 'sidecar-policy.example.com', {
      matchConstraints: onPods,
      matchConditions: [
        {
          name: 'does-not-already-have-sidecar',
          expression:
            '!has(object.spec.initContainers) || !object.spec.initContainers.exists(ic, ic.name == "mesh-proxy")',
        },
      ],
      failurePolicy: 'Fail',
      reinvocationPolicy: 'IfNeeded',
      mutations: [
        applied(`
          Object{
            spec: Object.spec{
              initContainers: [
                Object.spec.initContainers{
                  name: "mesh-proxy",
                  image: "mesh/proxy:v1.0.0",
                  restartPolicy: "Always"
                }
              ]
            }
          }`),
      ],
    });
    const made = await api.ok('POST', pods, pod('a', { initContainers: [{ name: 'own', image: 'own' }] }));
    assert.deepEqual(
      made.spec.initContainers.map(({ name, image, restartPolicy, imagePullPolicy }: Spec) => [
        name,
        image,
        restartPolicy,
        imagePullPolicy,
      ]),
      [
        ['own', 'own', undefined, 'Always'],
        ['mesh-proxy', 'mesh/proxy:v1.0.0', 'Always', 'IfNotPresent'],
      ],
    );
    assert.equal(
      (await api.ok('POST', pods, made.metadata.name === 'a' ? pod('b') : {})).spec.initContainers.length,
      1,
    );
  });

  it('patch: a test that fails leaves the object alone', async () => {
    await bind(api, 'Mutating', 'colors', {
      matchConstraints: onConfigMaps,
      mutations: [
        patched(`[
          JSONPatch{op: "test", path: "/data/color", value: "Red"},
          JSONPatch{op: "replace", path: "/data/color", value: "Green"}
        ]`),
      ],
    });
    assert.equal((await api.ok('POST', configMaps, configMap('a', { color: 'Red' }))).data.color, 'Green');
    assert.equal((await api.ok('POST', configMaps, configMap('b', { color: 'Blue' }))).data.color, 'Blue');
  });

  it('patch: values may be maps, lists and objects, keys are escaped', async () => {
    await bind(api, 'Mutating', 'labels', {
      matchConstraints: onPods,
      mutations: [
        patched(`[
          JSONPatch{op: "add", path: "/metadata/labels", value: {"a": "b"}},
          JSONPatch{op: "add", path: "/metadata/labels/" + jsonpatch.escapeKey("example.com/environment"), value: "test"},
          JSONPatch{op: "add", path: "/spec/initContainers", value: []},
          JSONPatch{
            op: "add", path: "/spec/initContainers/-",
            value: Object.spec.initContainers{name: "mesh-proxy", image: "mesh-proxy:v1.0.0", restartPolicy: "Always"}
          }
        ]`),
      ],
    });
    const made = await api.ok('POST', pods, pod('a'));
    assert.deepEqual(made.metadata.labels, { a: 'b', 'example.com/environment': 'test' });
    assert.equal(made.spec.initContainers[0].terminationMessagePolicy, 'File');
  });

  it('use parameters, variables and the namespace', async () => {
    await api.ok('POST', configMaps, configMap('limits', { replicas: '7' }));
    await bind(
      api,
      'Mutating',
      'replicas',
      {
        paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
        matchConstraints: { resourceRules: [ruleFor('apps', ['deployments'], ['CREATE'])] },
        variables: [{ name: 'wanted', expression: 'int(params.data.replicas)' }],
        mutations: [
          applied('Object{spec: Object.spec{replicas: variables.wanted}}'),
          applied(
            'Object{metadata: Object.metadata{annotations: {"was": string(object.spec.replicas), "in": namespaceObject.metadata.name}}}',
          ),
          applied('Object{metadata: Object.metadata{labels: params.data}}'),
        ],
      },
      { paramRef: { name: 'limits', parameterNotFoundAction: 'Deny' } },
    );
    const made = await api.ok('POST', deployments, deployment('d', { replicas: 1 }));
    assert.equal(made.spec.replicas, 7);
    // The second mutation sees what the first has made.
    assert.deepEqual(made.metadata.annotations, { was: '7', in: 'default' });
    assert.deepEqual(made.metadata.labels, { replicas: '7' });
    // Nobody holds on to the parameters: they can still be changed, and so can what was made of them.
    await api.ok('PATCH', `${deployments}/d`, { metadata: { labels: { x: 'y' } } }, 'application/merge-patch+json');
  });

  it('own nothing, and what they set belongs to nobody', async () => {
    await bind(api, 'Mutating', 'owned', {
      matchConstraints: onConfigMaps,
      mutations: [applied('Object{data: {"b": "2"}}')],
    });
    const made = await api.ok('POST', `${configMaps}?fieldManager=me`, configMap('a', { a: '1' }));
    assert.deepEqual(made.data, { a: '1', b: '2' });
    assert.deepEqual(
      made.metadata.managedFields.map(({ manager, fieldsV1 }: Spec) => [manager, Object.keys(fieldsV1['f:data'])]),
      [['me', ['.', 'f:a']]],
    );
  });

  const failing: readonly (readonly [what: string, mutation: object, message: string])[] = [
    [
      'an expression that fails',
      applied('Object{data: {"x": object.data.none}}'),
      `policy 'p' with binding 'p-binding' denied request: expression 'Object{data: {"x": object.data.none}}' resulted in error: no such key: none`,
    ],
    [
      'a field that the kind does not have',
      applied('Object{spec: Object.spec{}}'),
      "policy 'p' with binding 'p-binding' denied request: error applying patch: failed to convert patch object to typed object: .spec: field not declared in schema",
    ],
    [
      'a type name in the wrong place',
      applied('Object{metadata: Object.spec{}}'),
      `policy 'p' with binding 'p-binding' denied request: type mismatch: unexpected type name "Object.spec", expected "Object.metadata", which matches field name path from root Object type`,
    ],
    [
      'a patch that does not apply',
      patched('[JSONPatch{op: "remove", path: "/data/none"}]'),
      "policy 'p' with binding 'p-binding' denied request: JSONPath: ",
    ],
  ];
  for (const [what, mutation, message] of failing) {
    it(`refuse the request when they meet ${what}`, async () => {
      await bind(api, 'Mutating', 'p', { matchConstraints: onConfigMaps, mutations: [mutation] });
      const status = await refusal(api, 'POST', configMaps, configMap('x', { a: '1' }));
      assert.equal(status.code, 403);
      assert.equal(status.reason, 'Invalid');
      assert.ok(status.message.startsWith(message), status.message);
      assert.deepEqual(status.details, { name: 'x', kind: 'configmaps', causes: [{ message: status.message }] });
    });

    it(`let the request pass when they meet ${what}, and are to ignore it`, async () => {
      const spec = { matchConstraints: onConfigMaps, failurePolicy: 'Ignore', mutations: [mutation] };
      await bind(api, 'Mutating', 'p', spec);
      assert.deepEqual((await api.ok('POST', configMaps, configMap('x', { a: '1' }))).data, { a: '1' });
    });
  }

  it('do not change what is atomic', async () => {
    await bind(api, 'Mutating', 'p', {
      matchConstraints: onPods,
      mutations: [applied('Object{spec: Object.spec{nodeSelector: {"a": "b"}}}')],
    });
    const status = await refusal(api, 'POST', pods, pod('x'));
    assert.equal(
      status.message,
      "policy 'p' with binding 'p-binding' denied request: error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: .spec.nodeSelector",
    );
  });

  it('run again for what others have changed behind them', async () => {
    const count = (name: string, reinvocationPolicy: string): Promise<void> =>
      bind(api, 'Mutating', name, {
        matchConstraints: onConfigMaps,
        reinvocationPolicy,
        mutations: [
          patched(
            `[JSONPatch{op: "add", path: "/data/${name}", value: "${name}" in object.data ? object.data["${name}"] + "I" : "I"}]`,
          ),
        ],
      });
    await count('a', 'IfNeeded');
    await count('b', 'Never');
    await count('c', 'IfNeeded');
    const { data } = await api.ok('POST', configMaps, configMap('x', { z: '' }));
    // c sees that a has run again.
    assert.deepEqual(data, { z: '', a: 'II', b: 'I', c: 'II' });
  });

  it('are judged by validation and by validating policies', async () => {
    await bind(api, 'Mutating', 'bad', {
      matchConstraints: { resourceRules: [ruleFor('apps', ['deployments'], ['CREATE'])] },
      mutations: [applied('Object{spec: Object.spec{replicas: -1}}')],
    });
    const status = await refusal(api, 'POST', deployments, deployment('d'));
    assert.equal(status.code, 422);
    assert.match(status.message, /spec\.replicas: Invalid value: -1: must be greater than or equal to 0/);
    await bind(api, 'Mutating', 'data', {
      matchConstraints: onConfigMaps,
      mutations: [applied('Object{data: {"x": "y"}}')],
    });
    await bind(api, 'Validating', 'no-x', {
      matchConstraints: onConfigMaps,
      validations: [{ expression: '!("x" in object.data)', message: 'no x' }],
    });
    assert.match((await refusal(api, 'POST', configMaps, configMap('c'))).message, /no x$/);
  });

  it('change scales', async () => {
    await api.ok('POST', deployments, deployment('d', { replicas: 1 }));
    await bind(api, 'Mutating', 'even', {
      matchConstraints: { resourceRules: [ruleFor('apps', ['deployments/scale'], ['UPDATE'])] },
      mutations: [applied('Object{spec: Object.spec{replicas: object.spec.replicas * 2}}')],
    });
    const scale = { spec: { replicas: 3 } };
    await api.ok('PATCH', `${deployments}/d/scale`, scale, 'application/merge-patch+json');
    assert.equal((await api.ok('GET', `${deployments}/d`)).spec.replicas, 6);
  });

  it('change custom resources, which are pruned and defaulted afterwards', async () => {
    await api.ok('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
      metadata: { name: 'toys.example.com' },
      spec: {
        group: 'example.com',
        names: { plural: 'toys', kind: 'Toy' },
        scope: 'Namespaced',
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: {
              openAPIV3Schema: {
                type: 'object',
                properties: {
                  spec: {
                    type: 'object',
                    properties: { color: { type: 'string' }, size: { type: 'integer', default: 3 } },
                  },
                },
              },
            },
          },
        ],
      },
    });
    await bind(api, 'Mutating', 'toys', {
      matchConstraints: { resourceRules: [ruleFor('example.com', ['toys'])] },
      mutations: [
        patched('[JSONPatch{op: "add", path: "/spec", value: {"color": "red", "unknown": "x"}}]'),
        applied('Object{spec: Object.spec{color: object.spec.color + "!"}}'),
      ],
    });
    const toys = '/apis/example.com/v1/namespaces/default/toys';
    const made = await api.ok('POST', toys, { apiVersion: 'example.com/v1', kind: 'Toy', metadata: { name: 't' } });
    assert.deepEqual(made.spec, { color: 'red!', size: 3 });
  });
});
