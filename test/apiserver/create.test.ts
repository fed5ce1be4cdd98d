import assert from 'node:assert/strict';
import { type Api, assertFailure, configMap, startApi, widgets } from './support/api.ts';

const collection = '/api/v1/namespaces/default/configmaps';
const custom = '/apis/example.com/v1/namespaces/default/widgets';
const subdomain =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

describe('create', () => {
  let api: Api;
  before(async () => {
    api = await startApi({ resources: [widgets()] });
  });
  after(() => api[Symbol.asyncDispose]());

  it('answers 201 with the object as it is stored', async () => {
    const answer = await api.send('POST', collection, { body: configMap('stored', { data: { a: '1' } }) });
    assert.equal(answer.code, 201);
    assert.equal(answer.headers['content-type'], 'application/json');
    const { metadata } = answer.json;
    assert.match(metadata.uid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.match(metadata.creationTimestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.equal(metadata.namespace, 'default');
    assert.match(metadata.resourceVersion, /^\d+$/);
    assert.deepEqual(await api.ok('GET', `${collection}/stored`), answer.json);
  });

  it('takes YAML', async () => {
    const body = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: yaml\ndata:\n  mode: "0644"\n';
    const made = await api.ok('POST', collection, body, 'application/yaml');
    assert.deepEqual(made.data, { mode: '0644' });
  });

  it('makes names from generateName', async () => {
    const body = { ...configMap(''), metadata: { generateName: 'made-' } };
    const first = await api.ok('POST', collection, body);
    const second = await api.ok('POST', collection, body);
    assert.match(first.metadata.name, /^made-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    assert.equal(first.metadata.generateName, 'made-');
    assert.notEqual(first.metadata.name, second.metadata.name);
  });

  it('does not let clients choose what is the server’s', async () => {
    const made = await api.ok('POST', collection, {
      ...configMap('stamped'),
      metadata: {
        name: 'stamped',
        uid: 'mine',
        creationTimestamp: '2001-01-01T00:00:00Z',
        deletionTimestamp: '2001-01-01T00:00:00Z',
        deletionGracePeriodSeconds: 5,
        generation: 7,
        selfLink: '/x',
      },
    });
    assert.notEqual(made.metadata.uid, 'mine');
    assert.notEqual(made.metadata.creationTimestamp, '2001-01-01T00:00:00Z');
    for (const field of ['deletionTimestamp', 'deletionGracePeriodSeconds', 'generation', 'selfLink']) {
      assert.equal(made.metadata[field], undefined, field);
    }
  });

  it('records who made the fields, and not what an empty object holds', async () => {
    const body = {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'owned', labels: { a: 'b' } },
    };
    const made = await api.ok('POST', '/api/v1/namespaces?fieldManager=me', body);
    const [entry, ...others] = made.metadata.managedFields;
    assert.deepEqual(others, []);
    assert.equal(entry.manager, 'me');
    assert.equal(entry.operation, 'Update');
    assert.equal(entry.fieldsV1['f:spec'], undefined);
    assert.equal(entry.fieldsV1['f:status'], undefined, 'nobody owns an empty status');
    assert.deepEqual(entry.fieldsV1['f:metadata']['f:labels']['f:a'], {});
  });

  it('names the manager after the program when the request does not', async () => {
    const answer = await api.send('POST', collection, {
      body: configMap('agent', { data: { a: '1' } }),
      headers: { 'User-Agent': 'kubectl/v1.36.0 (linux/amd64) kubernetes/0000000' },
    });
    assert.equal(answer.json.metadata.managedFields[0].manager, 'kubectl');
  });

  const refused: readonly {
    title: string;
    path?: string;
    body: unknown;
    type?: string;
    code: number;
    reason: string;
    message: string;
    details?: unknown;
  }[] = [
    {
      title: 'a name that is taken',
      body: configMap('stored'),
      code: 409,
      reason: 'AlreadyExists',
      message: 'configmaps "stored" already exists',
      details: { name: 'stored', kind: 'configmaps' },
    },
    {
      title: 'no name',
      body: configMap(''),
      code: 422,
      reason: 'Invalid',
      message: 'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required',
      details: {
        kind: 'ConfigMap',
        causes: [
          {
            reason: 'FieldValueRequired',
            message: 'Required value: name or generateName is required',
            field: 'metadata.name',
          },
        ],
      },
    },
    {
      title: 'a name that is no name',
      body: configMap('A_b'),
      code: 422,
      reason: 'Invalid',
      message: `ConfigMap "A_b" is invalid: metadata.name: Invalid value: "A_b": ${subdomain}`,
    },
    {
      title: 'labels that are none',
      body: { ...configMap('labelled'), metadata: { name: 'labelled', labels: { a: 'x y' } } },
      code: 422,
      reason: 'Invalid',
      message:
        "ConfigMap \"labelled\" is invalid: metadata.labels: Invalid value: \"x y\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
    },
    {
      title: 'an unqualified finalizer of a built-in kind',
      body: { ...configMap('final'), metadata: { name: 'final', finalizers: ['mine'] } },
      code: 422,
      reason: 'Invalid',
      message:
        'ConfigMap "final" is invalid: metadata.finalizers[0]: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified',
    },
    {
      title: 'a namespace that is not there',
      path: '/api/v1/namespaces/nope/configmaps',
      body: configMap('b'),
      code: 404,
      reason: 'NotFound',
      message: 'namespaces "nope" not found',
      details: { name: 'nope', kind: 'namespaces' },
    },
    {
      title: 'another namespace than the path names',
      body: { ...configMap('b'), metadata: { name: 'b', namespace: 'other' } },
      code: 400,
      reason: 'BadRequest',
      message: 'the namespace of the provided object does not match the namespace sent on the request',
    },
    {
      title: 'a resourceVersion',
      body: { ...configMap('b'), metadata: { name: 'b', resourceVersion: '7' } },
      code: 500,
      reason: '',
      message: 'resourceVersion should not be set on objects to be created',
    },
    {
      title: 'another kind',
      body: { ...configMap('b'), kind: 'Secret' },
      code: 400,
      reason: 'BadRequest',
      message:
        'Secret in version "v1" cannot be handled as a ConfigMap: converting (v1.Secret) to (core.ConfigMap): unknown conversion',
    },
    {
      title: 'another kind of custom resource',
      path: custom,
      body: { apiVersion: 'example.com/v1', kind: 'Gadget', metadata: { name: 'x' } },
      code: 400,
      reason: 'BadRequest',
      message: 'the kind in the data (Gadget) does not match the expected kind (Widget)',
    },
    {
      title: 'another version of custom resource',
      path: custom,
      body: { apiVersion: 'example.com/v2', kind: 'Widget', metadata: { name: 'x' } },
      code: 400,
      reason: 'BadRequest',
      message: 'the API version in the data (example.com/v2) does not match the expected API version (example.com/v1)',
    },
    {
      title: 'a custom resource without a kind',
      path: custom,
      body: '{"metadata":{}}',
      code: 400,
      reason: 'BadRequest',
      message:
        "the object provided is unrecognized (must be of type Widget): Object 'Kind' is missing in '{\"metadata\":{}}'",
    },
    {
      title: 'a custom resource that its schema refuses',
      path: custom,
      body: {
        apiVersion: 'example.com/v1',
        kind: 'Widget',
        metadata: { name: 'w' },
        spec: { replicas: 11, color: 'blue' },
      },
      code: 422,
      reason: 'Invalid',
      message:
        'Widget.example.com "w" is invalid: [spec.color: Unsupported value: "blue": supported values: "red", "green", spec.replicas: Invalid value: 11: spec.replicas in body should be less than or equal to 10]',
      details: {
        name: 'w',
        group: 'example.com',
        kind: 'Widget',
        causes: [
          {
            reason: 'FieldValueNotSupported',
            message: 'Unsupported value: "blue": supported values: "red", "green"',
            field: 'spec.color',
          },
          {
            reason: 'FieldValueInvalid',
            message: 'Invalid value: 11: spec.replicas in body should be less than or equal to 10',
            field: 'spec.replicas',
          },
        ],
      },
    },
    {
      title: 'a path that names the object',
      path: `${collection}/x`,
      body: configMap('x'),
      code: 405,
      reason: 'MethodNotAllowed',
      message: 'the server does not allow this method on the requested resource',
      details: {},
    },
    {
      title: 'a path without a namespace',
      path: '/api/v1/configmaps',
      body: configMap('x'),
      code: 405,
      reason: 'MethodNotAllowed',
      message: 'the server does not allow this method on the requested resource',
      details: {},
    },
  ];
  for (const { title, path = collection, body, type, code, reason, message, details } of refused) {
    it(`refuses ${title}`, async () => {
      const answer = await api.send('POST', path, { body, ...(type === undefined ? {} : { type }) });
      assertFailure(answer, code, reason, message, details);
    });
  }

  it('warns about finalizers of custom resources that have no domain', async () => {
    const body = { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'f', finalizers: ['mine'] } };
    const answer = await api.send('POST', `${custom}?dryRun=All`, { body });
    assert.equal(answer.code, 201);
    assert.deepEqual(answer.warnings, [
      'metadata.finalizers: "mine": prefer a domain-qualified finalizer name including a path (/) to avoid accidental conflicts with other finalizer writers',
    ]);
  });

  it('creates no more than one of many that want a name', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => api.send('POST', collection, { body: configMap('raced') })),
    );
    assert.deepEqual(answers.map(({ code }) => code).sort(), [201, ...Array.from({ length: 19 }, () => 409)]);
  });
});
