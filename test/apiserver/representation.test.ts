/** One object in many forms: Tables, metadata only, YAML, indented. */
import assert from 'node:assert/strict';
import { parse } from 'yaml';
import { type Api, assertFailure, configMap, startApi, widgets } from './support/api.ts';

const custom = '/apis/example.com/v1/namespaces/default/widgets';
const collection = '/api/v1/namespaces/default/configmaps';
const table = { Accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };
const partial = { Accept: 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io' };
const partialList = { Accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' };

describe('answers in JSON', () => {
  it("end as Go's encoder ends them, where it writes them", async () => {
    await using api = await startApi();
    await api.ok('POST', '/api/v1/namespaces/default/configmaps', configMap('a'));
    const maps = '/api/v1/namespaces/default/configmaps';
    for (const path of [maps, `${maps}/a`, `${maps}/none`, '/api', '/apis/apps/v1']) {
      assert.match((await api.send('GET', path)).text, /\}\n$/, path);
    }
    assert.match((await api.send('GET', `${maps}/a?pretty=true`)).text, /\n\}$/);
  });
});

describe('representations', () => {
  let api: Api;
  before(async () => {
    api = await startApi({ resources: [widgets()] });
    await api.ok('POST', custom, {
      apiVersion: 'example.com/v1',
      kind: 'Widget',
      metadata: { name: 'w' },
      spec: { color: 'green' },
    });
    await api.ok('POST', collection, configMap('a', { data: { x: '1' } }));
  });
  after(() => api[Symbol.asyncDispose]());

  it('Table: columns of the definition, rows with metadata', async () => {
    for (const path of [`${custom}/w`, custom]) {
      const { json, headers } = await api.send('GET', path, { headers: table });
      assert.equal(headers['content-type'], 'application/json');
      assert.equal(json.kind, 'Table');
      assert.equal(json.apiVersion, 'meta.k8s.io/v1');
      assert.deepEqual(
        json.columnDefinitions.map(({ name }: { name: string }) => name),
        ['Name', 'Color'],
      );
      assert.deepEqual(json.rows[0].cells, ['w', 'green']);
      assert.equal(json.rows[0].object.kind, 'PartialObjectMetadata');
      assert.equal(json.rows[0].object.spec, undefined);
      assert.match(json.metadata.resourceVersion, /^\d+$/);
    }
  });

  it('Table: rows with the object, or with nothing', async () => {
    const whole = await api.send('GET', `${custom}?includeObject=Object`, { headers: table });
    assert.equal(whole.json.rows[0].object.kind, 'Widget');
    const none = await api.send('GET', `${custom}?includeObject=None`, { headers: table });
    assert.equal(none.json.rows[0].object ?? null, null);
    assert.equal((await api.send('GET', `${custom}?includeObject=Some`, { headers: table })).code, 400);
  });

  it('Table: one event a row in watches, with definitions in the first', async () => {
    const watch = await api.watch(`${custom}?watch=1`, table);
    const [first] = await watch.take(1);
    assert.equal(first!.type, 'ADDED');
    assert.equal(first!.object.kind, 'Table');
    assert.equal(first!.object.columnDefinitions.length, 2);
    await api.ok('PATCH', `${custom}/w`, '{"metadata":{"labels":{"a":"b"}}}', 'application/merge-patch+json');
    const [second] = await watch.take(1);
    assert.equal(second!.object.columnDefinitions, null);
    assert.deepEqual(second!.object.rows[0].cells, ['w', 'green']);
    watch.close();
  });

  it('metadata only, of one, of many, and in watches', async () => {
    const one = await api.send('GET', `${custom}/w`, { headers: partial });
    assert.deepEqual(Object.keys(one.json).sort(), ['apiVersion', 'kind', 'metadata']);
    assert.equal(one.json.kind, 'PartialObjectMetadata');
    const many = await api.send('GET', custom, { headers: partialList });
    assert.equal(many.json.kind, 'PartialObjectMetadataList');
    assert.equal(many.json.items[0].metadata.name, 'w');
    assert.equal(many.json.items[0].spec, undefined);
    const watch = await api.watch(`${custom}?watch=1`, partial);
    const [event] = await watch.take(1);
    assert.equal(event!.object.kind, 'PartialObjectMetadata');
    assert.equal(event!.object.spec, undefined);
    watch.close();
  });

  it('YAML', async () => {
    const answer = await api.send('GET', `${collection}/a`, { headers: { Accept: 'application/yaml' } });
    assert.equal(answer.headers['content-type'], 'application/yaml');
    assert.deepEqual(parse(answer.text), await api.ok('GET', `${collection}/a`));
  });

  it('indented', async () => {
    const plain = await api.send('GET', `${collection}/a`);
    const pretty = await api.send('GET', `${collection}/a?pretty=true`);
    assert.match(pretty.text, /^\{\n {2}"/);
    assert.deepEqual(pretty.json, plain.json);
    assert.equal((await api.send('GET', `${collection}/a?pretty=0`)).text, plain.text);
  });

  it('is the first that the client wishes and the server has', async () => {
    const cases: readonly [string, string][] = [
      ['text/html, application/json', 'application/json'],
      ['application/json;q=0.5, application/yaml', 'application/yaml'],
      ['application/vnd.kubernetes.protobuf, application/json', 'application/json'],
      ['*/*', 'application/json'],
      ['application/*', 'application/json'],
      ['application/json;as=Table;v=v1;g=meta.k8s.io,application/json', 'application/json'],
    ];
    for (const [accept, type] of cases) {
      const { headers } = await api.send('GET', `${collection}/a`, { headers: { Accept: accept } });
      assert.equal(headers['content-type'], type, accept);
    }
  });

  it('is refused when there is none', async () => {
    for (const accept of ['text/html', 'application/json;as=Table;g=meta.k8s.io;v=v2', 'application/json;q=0']) {
      assertFailure(
        await api.send('GET', collection, { headers: { Accept: accept } }),
        406,
        'NotAcceptable',
        /^only the following media types are accepted: application\/json, application\/yaml/,
      );
    }
  });
});
