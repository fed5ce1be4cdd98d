import assert from 'node:assert/strict';
import { type Api, assertFailure, configMap, startApi, widgets } from './support/api.ts';

const collection = '/api/v1/namespaces/default/configmaps';
const custom = '/apis/example.com/v1/namespaces/default/widgets';

/** Unknown and duplicate fields, in JSON as text: an object cannot hold a field twice. */
const builtin =
  '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"f","foo":1},"data":{"a":"1","a":"2"},"datum":{}}';
const resource =
  '{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"f","foo":1},"spec":{"replicas":1,"replicas":2,"nope":1}}';
const yaml = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: f\ndatum: {}\n';

describe('field validation', () => {
  let api: Api;
  before(async () => {
    api = await startApi({ resources: [widgets()] });
    await api.ok('POST', collection, configMap('f'));
    await api.ok('POST', custom, { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'f' } });
  });
  after(() => api[Symbol.asyncDispose]());

  const builtinProblems = ['duplicate field "data.a"', 'unknown field "metadata.foo"', 'unknown field "datum"'];
  const customProblems = [
    'duplicate field "spec.replicas"',
    'unknown field "metadata.foo"',
    'unknown field "spec.nope"',
  ];
  const creates: readonly [string, string, string, string, string[]][] = [
    ['ConfigMap', collection, builtin.replace('"f"', '"g"'), 'application/json', builtinProblems],
    ['Widget', custom, resource.replace('"f"', '"g"'), 'application/json', customProblems],
    ['ConfigMap', collection, yaml.replace('name: f', 'name: g'), 'application/yaml', ['unknown field "datum"']],
  ];
  for (const [kind, path, body, type, problems] of creates) {
    it(`creates a ${kind} in ${type}: strictly, with warnings, or without a word`, async () => {
      assertFailure(
        await api.send('POST', `${path}?dryRun=All&fieldValidation=Strict`, { body, type }),
        400,
        'BadRequest',
        `${kind} in version "v1" cannot be handled as a ${kind}: strict decoding error: ${problems.join(', ')}`,
      );
      for (const query of ['&fieldValidation=Warn', '']) {
        const warned = await api.send('POST', `${path}?dryRun=All${query}`, { body, type });
        assert.equal(warned.code, 201);
        assert.deepEqual(warned.warnings, problems);
      }
      const ignored = await api.send('POST', `${path}?dryRun=All&fieldValidation=Ignore`, { body, type });
      assert.equal(ignored.code, 201);
      assert.deepEqual(ignored.warnings, []);
      assert.equal(ignored.json.datum, undefined);
      assert.equal(ignored.json.spec?.nope, undefined);
    });
  }

  it('updates and patches alike', async () => {
    assertFailure(
      await api.send('PUT', `${collection}/f?dryRun=All&fieldValidation=Strict`, { body: builtin }),
      400,
      'BadRequest',
      `ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: ${builtinProblems.join(', ')}`,
    );
    const patch = { body: '{"spec":{"nope":1}}', type: 'application/merge-patch+json' };
    assertFailure(
      await api.send('PATCH', `${custom}/f?fieldValidation=Strict`, patch),
      422,
      'Invalid',
      /strict decoding error: unknown field "spec\.nope"$/,
    );
    const warned = await api.send('PATCH', `${custom}/f?dryRun=All`, patch);
    assert.equal(warned.code, 200);
    assert.deepEqual(warned.warnings, ['unknown field "spec.nope"']);
  });

  it('refuses other words, with all that is wrong at once', async () => {
    const answer = await api.send('POST', `${collection}?fieldValidation=foo&dryRun=foo&fieldManager=%01`, {
      body: configMap('q'),
    });
    assert.equal(answer.code, 422);
    assert.equal(answer.json.details.kind, 'CreateOptions');
    assert.deepEqual(
      answer.json.details.causes.map(({ field }: { field: string }) => field),
      ['dryRun', 'fieldManager', 'fieldValidation'],
    );
  });
});

describe('dry run', () => {
  let api: Api;
  before(async () => {
    api = await startApi();
    await api.ok('POST', collection, configMap('there', { data: { a: '1' } }));
  });
  after(() => api[Symbol.asyncDispose]());

  it('answers what would be and writes nothing', async () => {
    const { metadata } = await api.ok('GET', collection);
    const created = await api.send('POST', `${collection}?dryRun=All`, { body: configMap('new') });
    assert.equal(created.code, 201);
    assert.ok(created.json.metadata.uid);
    assert.equal(created.json.metadata.resourceVersion, undefined);
    const updated = await api.ok('PUT', `${collection}/there?dryRun=All`, configMap('there', { data: { a: '2' } }));
    assert.deepEqual(updated.data, { a: '2' });
    const patched = await api.ok(
      'PATCH',
      `${collection}/there?dryRun=All`,
      '{"data":{"b":"3"}}',
      'application/merge-patch+json',
    );
    assert.deepEqual(patched.data, { a: '1', b: '3' });
    const applied = await api.send('PATCH', `${collection}/fresh?dryRun=All&fieldManager=me`, {
      body: configMap('fresh'),
      type: 'application/apply-patch+yaml',
    });
    assert.equal(applied.code, 201);
    assert.deepEqual((await api.ok('GET', collection)).metadata, metadata);
  });

  it('refuses what would be refused', async () => {
    assertFailure(
      await api.send('POST', `${collection}?dryRun=All`, { body: configMap('there') }),
      409,
      'AlreadyExists',
      'configmaps "there" already exists',
    );
    assertFailure(
      await api.send('POST', '/api/v1/namespaces/nope/configmaps?dryRun=All', { body: configMap('a') }),
      404,
      'NotFound',
      'namespaces "nope" not found',
    );
  });
});
