import assert from 'node:assert/strict';
import { type Api, assertFailure, configMap, startApi, widgets } from './support/api.ts';

const collection = '/api/v1/namespaces/default/configmaps';
const merge = 'application/merge-patch+json';
const json = 'application/json-patch+json';
const strategic = 'application/strategic-merge-patch+json';

describe('patch', () => {
  let api: Api;
  before(async () => {
    api = await startApi({ resources: [widgets()] });
    await api.ok('POST', collection, configMap('a', { data: { x: '1', y: '2' } }));
  });
  after(() => api[Symbol.asyncDispose]());

  it('merges, and null takes away', async () => {
    const patched = await api.ok('PATCH', `${collection}/a?dryRun=All`, '{"data":{"x":null,"z":"3"}}', merge);
    assert.deepEqual(patched.data, { y: '2', z: '3' });
  });

  it('takes operations one after the other', async () => {
    const operations = [
      { op: 'test', path: '/data/x', value: '1' },
      { op: 'move', from: '/data/x', path: '/data/w' },
      { op: 'add', path: '/metadata/labels', value: { a: 'b' } },
    ];
    const patched = await api.ok('PATCH', `${collection}/a?dryRun=All`, operations, json);
    assert.deepEqual(patched.data, { w: '1', y: '2' });
    assert.deepEqual(patched.metadata.labels, { a: 'b' });
  });

  it('merges lists by their keys', async () => {
    const path = '/api/v1/namespaces/default/services';
    await api.ok('POST', path, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 's' },
      spec: { selector: { a: 'b' }, ports: [{ name: 'http', port: 80 }] },
    });
    const patched = await api.ok('PATCH', `${path}/s`, { spec: { ports: [{ name: 'https', port: 443 }] } }, strategic);
    assert.deepEqual(patched.spec.ports.map(({ port }: { port: number }) => port).sort(), [443, 80]);
  });

  const cases: readonly [string, string, string, number, string, string | RegExp][] = [
    ['half a merge patch', '{', merge, 400, 'BadRequest', 'error decoding patch: unexpected end of JSON input'],
    [
      'a list as a merge patch',
      '[]',
      merge,
      400,
      'BadRequest',
      'error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}',
    ],
    [
      'an unknown operation',
      '[{"op":"nope","path":"/a"}]',
      json,
      422,
      'Invalid',
      'the server rejected our request due to an error in our request',
    ],
    [
      'an operation on nothing',
      '[{"op":"remove","path":"/data/none"}]',
      json,
      422,
      'Invalid',
      'the server rejected our request due to an error in our request',
    ],
    [
      'a test that fails',
      '[{"op":"test","path":"/data/x","value":"0"}]',
      json,
      422,
      'Invalid',
      'the server rejected our request due to an error in our request',
    ],
    [
      'values of wrong types',
      '{"data":{"x":1}}',
      merge,
      422,
      'Invalid',
      /^ "" is invalid: patch: Invalid value: ".*": json: cannot unmarshal number into Go struct field ConfigMap\.data of type string$/,
    ],
    [
      'another name',
      '{"metadata":{"name":"z"}}',
      merge,
      400,
      'BadRequest',
      'the name of the object (z) does not match the name on the URL (a)',
    ],
    [
      'another kind of body',
      '{}',
      'application/json',
      415,
      'UnsupportedMediaType',
      'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml',
    ],
    [
      'an old resourceVersion',
      '{"metadata":{"resourceVersion":"1"}}',
      merge,
      409,
      'Conflict',
      'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
    ],
  ];
  for (const [title, body, type, code, reason, message] of cases) {
    it(`refuses ${title}`, async () => {
      assertFailure(await api.send('PATCH', `${collection}/a`, { body, type }), code, reason, message);
    });
  }

  it('refuses more than ten thousand operations', async () => {
    const operations = Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/kind', value: 'ConfigMap' }));
    assertFailure(
      await api.send('PATCH', `${collection}/a`, { body: operations, type: json }),
      413,
      'RequestEntityTooLarge',
      'Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001',
    );
  });

  it('answers 404 for what is not there, except for an apply', async () => {
    const body = '{}';
    for (const type of [merge, strategic]) {
      assertFailure(
        await api.send('PATCH', `${collection}/none`, { body, type }),
        404,
        'NotFound',
        'configmaps "none" not found',
      );
    }
  });
});

describe('kind and version of what is patched', () => {
  let api: Api;
  before(async () => {
    api = await startApi({ resources: [widgets()] });
    await api.ok('POST', '/api/v1/namespaces/default/configmaps', configMap('a'));
    await api.ok('POST', '/apis/example.com/v1/namespaces/default/widgets', {
      apiVersion: 'example.com/v1',
      kind: 'Widget',
      metadata: { name: 'a' },
    });
  });
  after(() => api[Symbol.asyncDispose]());

  const builtin = '/api/v1/namespaces/default/configmaps/a';
  const custom = '/apis/example.com/v1/namespaces/default/widgets/a';
  const merge = 'application/merge-patch+json';
  const refused: readonly [title: string, path: string, patch: object, message: RegExp][] = [
    [
      'another kind',
      builtin,
      { kind: 'Secret' },
      /^ "" is invalid: patch: Invalid value: "\{.*\}": converting \(v1\.Secret\) to \(core\.ConfigMap\): unknown conversion$/,
    ],
    [
      'an unknown version',
      builtin,
      { apiVersion: 'v2' },
      /: no kind "ConfigMap" is registered for version "v2" in scheme "pkg\/api\/legacyscheme\/scheme\.go:30"$/,
    ],
    [
      'another kind, of a custom resource',
      custom,
      { kind: 'Other' },
      /^Widget\.example\.com "a" is invalid: kind: Invalid value: "Other": must be Widget$/,
    ],
    ['no kind, of a custom resource', custom, { kind: null }, /: Object 'Kind' is missing in '\{.*\}'$/],
    ['no version, of a custom resource', custom, { apiVersion: null }, /: Object 'apiVersion' is missing in '\{.*\}'$/],
    [
      'an unknown version, of a custom resource',
      custom,
      { apiVersion: 'example.com/v9' },
      /: request to convert CR from an invalid group\/version: example\.com\/v9$/,
    ],
  ];
  for (const [title, path, patch, message] of refused) {
    it(`are refused: ${title}`, async () => {
      assertFailure(await api.send('PATCH', path, { body: patch, type: merge }), 422, 'Invalid', message);
    });
  }

  it('are what they were where the patch goes straight into a Go type', async () => {
    const patch = { kind: 'Secret', apiVersion: 'v2', data: { a: 'b' } };
    const patched = await api.ok('PATCH', builtin, patch, 'application/strategic-merge-patch+json');
    assert.deepEqual([patched.kind, patched.apiVersion, patched.data], ['ConfigMap', 'v1', { a: 'b' }]);
    const kindless = await api.ok('PATCH', builtin, { kind: null }, merge);
    assert.equal(kindless.kind, 'ConfigMap');
  });

  it('are needed in a configuration that is applied', async () => {
    const body = { apiVersion: 1, kind: ['ConfigMap'], metadata: { name: 'a' } };
    assertFailure(
      await api.send('PATCH', `${builtin}?fieldManager=m`, { body, type: 'application/apply-patch+yaml' }),
      400,
      'BadRequest',
      'invalid object type: /, Kind=',
    );
  });

  it('must stand in an object', async () => {
    const body = [{ op: 'replace', path: '', value: [] }];
    assertFailure(
      await api.send('PATCH', builtin, { body, type: 'application/json-patch+json' }),
      422,
      'Invalid',
      /patch: Invalid value: "\[\]": couldn't get version\/kind; json parse error: json: cannot unmarshal array into Go value/,
    );
  });
});

describe('server-side apply', () => {
  let api: Api;
  const type = 'application/apply-patch+yaml';
  before(async () => {
    api = await startApi({ resources: [widgets()] });
    await api.ok('POST', `${collection}?fieldManager=first`, configMap('a', { data: { x: '1' } }));
  });
  after(() => api[Symbol.asyncDispose]());

  it('creates with 201, and answers 200 and the same version when nothing changes', async () => {
    const send = () =>
      api.send('PATCH', `${collection}/applied?fieldManager=me`, {
        body: configMap('applied', { data: { a: '1' } }),
        type,
      });
    const first = await send();
    assert.equal(first.code, 201);
    const again = await send();
    assert.equal(again.code, 200);
    assert.deepEqual(again.json, first.json);
    assert.deepEqual(first.json.metadata.managedFields[0].fieldsV1, { 'f:data': { 'f:a': {} } });
    assert.equal(first.json.metadata.managedFields[0].operation, 'Apply');
  });

  it('refuses to take fields from others, and takes them by force', async () => {
    const path = `${collection}/a?fieldManager=second`;
    const body = configMap('a', { data: { x: '2' } });
    assertFailure(
      await api.send('PATCH', path, { body, type }),
      409,
      'Conflict',
      'Apply failed with 1 conflict: conflict with "first" using v1: .data.x',
      { causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "first" using v1', field: '.data.x' }] },
    );
    const forced = await api.ok('PATCH', `${path}&force=true`, body, type);
    assert.deepEqual(forced.data, { x: '2' });
  });

  it('takes away what the manager does not name any more', async () => {
    const path = `${collection}/shrunk?fieldManager=me`;
    await api.ok('PATCH', path, configMap('shrunk', { data: { a: '1', b: '2' } }), type);
    const shrunk = await api.ok('PATCH', path, configMap('shrunk', { data: { a: '1' } }), type);
    assert.deepEqual(shrunk.data, { a: '1' });
  });

  const cases: readonly [string, string, unknown, number, string, string | RegExp][] = [
    [
      'no manager',
      '',
      {},
      422,
      'Invalid',
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    ],
    [
      'broken YAML',
      '?fieldManager=m',
      'a: [',
      400,
      'BadRequest',
      /^error decoding YAML: error converting YAML to JSON: yaml: /,
    ],
    [
      'a list',
      '?fieldManager=m',
      '[]',
      400,
      'BadRequest',
      'error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go value of type map[string]interface {}',
    ],
    ['nothing', '?fieldManager=m', '', 400, 'BadRequest', 'invalid object type: /, Kind='],
    ['no kind', '?fieldManager=m', {}, 400, 'BadRequest', 'invalid object type: /, Kind='],
    [
      'another kind',
      '?fieldManager=m',
      { ...configMap('a'), kind: 'Secret' },
      400,
      'BadRequest',
      'invalid object type: /v1, Kind=Secret',
    ],
    [
      'another name',
      '?fieldManager=m',
      configMap('z', { data: { q: '1' } }),
      400,
      'BadRequest',
      'the name of the object (z) does not match the name on the URL (a)',
    ],
    [
      'managed fields',
      '?fieldManager=m',
      { ...configMap('a'), metadata: { name: 'a', managedFields: [] } },
      400,
      'BadRequest',
      'metadata.managedFields must be nil',
    ],
  ];
  for (const [title, query, body, code, reason, message] of cases) {
    it(`refuses ${title}`, async () => {
      assertFailure(await api.send('PATCH', `${collection}/a${query}`, { body, type }), code, reason, message);
    });
  }

  it('refuses force without apply', async () => {
    assertFailure(
      await api.send('PATCH', `${collection}/a?force=true`, { body: '{}', type: merge }),
      422,
      'Invalid',
      'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch',
    );
  });

  it('of a uid finds nothing where nothing is', async () => {
    const body = { ...configMap('ghost'), metadata: { name: 'ghost', uid: 'x' } };
    assertFailure(
      await api.send('PATCH', `${collection}/ghost?fieldManager=m`, { body, type }),
      409,
      'Conflict',
      'Operation cannot be fulfilled on configmaps "ghost": uid mismatch: the provided object specified uid x, and no existing object was found',
    );
  });

  it('begins anew where the managers were reset', async () => {
    const path = '/api/v1/namespaces/default/configmaps';
    await api.ok('POST', `${path}?fieldManager=maker`, configMap('reset', { data: { a: '1' } }));
    const reset = await api.ok(
      'PATCH',
      `${path}/reset`,
      { metadata: { managedFields: [{}] } },
      'application/merge-patch+json',
    );
    assert.equal(reset.metadata.managedFields, undefined);
    const config = configMap('reset', { data: { a: '2' } });
    const conflict = await api.send('PATCH', `${path}/reset?fieldManager=applier`, { body: config, type });
    assertFailure(
      conflict,
      409,
      'Conflict',
      /^Apply failed with 1 conflict: conflict with "before-first-apply" using v1(?: at .*)?: \.data\.a$/,
    );
    const applied = await api.ok('PATCH', `${path}/reset?fieldManager=applier&force=true`, config, type);
    const owned = applied.metadata.managedFields.map((entry: { manager: string; fieldsV1: object }) => [
      entry.manager,
      entry.fieldsV1,
    ]);
    assert.deepEqual(owned, [
      ['applier', { 'f:data': { 'f:a': {} } }],
      ['before-first-apply', { 'f:data': {} }],
    ]);
  });

  it('of a status owns nothing but the status', async () => {
    const path = '/apis/example.com/v1/namespaces/default/widgets';
    const widget = { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'w' } };
    await api.ok('POST', path, { ...widget, spec: { replicas: 1 } });
    const body = { ...widget, spec: { replicas: 9 }, status: { replicas: 1 } };
    const applied = await api.ok('PATCH', `${path}/w/status?fieldManager=observer`, body, type);
    assert.equal(applied.spec.replicas, 1);
    const entry = applied.metadata.managedFields.find(({ manager }: { manager: string }) => manager === 'observer');
    assert.equal(entry.subresource, 'status');
    assert.deepEqual(entry.fieldsV1, { 'f:status': { 'f:replicas': {} } });
  });
});
