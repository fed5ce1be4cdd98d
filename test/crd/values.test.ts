import assert from 'node:assert/strict';
import type { ApiObject } from '../../src/machinery/object.ts';
import { type Api, assertFailure, startApi, widgets } from '../apiserver/support/api.ts';

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const base = '/apis/example.com/v1/namespaces/default/widgets';
const merge = 'application/merge-patch+json';
const table = { Accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };

const text = { type: 'string' };
const int = { type: 'integer' };

function definition(properties: object, version: object = {}, rules?: object[]): ApiObject {
  const crd = widgets();
  const spec = crd.spec as { versions: object[] };
  spec.versions = [
    {
      name: 'v1',
      served: true,
      storage: true,
      schema: {
        openAPIV3Schema: {
          type: 'object',
          properties: {
            spec: { type: 'object', properties, ...(rules === undefined ? {} : { 'x-kubernetes-validations': rules }) },
            status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
          },
        },
      },
      ...version,
    },
  ];
  return crd;
}

const widget = (name: string, spec: string | object): string =>
  `{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"${name}"},"spec":${typeof spec === 'string' ? spec : JSON.stringify(spec)}}`;

describe('values of custom resources', () => {
  let api: Api;
  before(async () => {
    api = await startApi({
      resources: [
        definition({
          big: { type: 'integer', format: 'int64' },
          double: { type: 'number' },
          port: { 'x-kubernetes-int-or-string': true },
          note: { type: 'string', nullable: true },
          strict: { type: 'string' },
          free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
          template: {
            type: 'object',
            'x-kubernetes-embedded-resource': true,
            'x-kubernetes-preserve-unknown-fields': true,
          },
          when: { type: 'string', format: 'date-time' },
          address: { type: 'string', format: 'ipv4' },
          id: { type: 'string', format: 'uuid' },
          evil: { type: 'string', pattern: '^(a+)+$' },
          unknownFormat: { type: 'string', format: 'nobody-knows' },
        }),
      ],
    });
  });
  after(() => api[Symbol.asyncDispose]());

  const refused = async (spec: object | string, ...messages: (string | RegExp)[]): Promise<void> => {
    const answer = await api.send('POST', base, { body: widget('refused', spec) });
    assert.equal(answer.code, 422, answer.text);
    const causes = answer.json.details.causes.map(
      (cause: { field: string; message: string }) => `${cause.field}: ${cause.message}`,
    );
    assert.equal(causes.length, messages.length, answer.text);
    for (const [i, message] of messages.entries()) {
      if (typeof message === 'string') assert.equal(causes[i], message);
      else assert.match(causes[i], message);
    }
  };

  it('carry integers beyond 2^53 from create through get, patch, list and watch', async () => {
    const from = (await api.ok('GET', base)).metadata.resourceVersion;
    const exact = /"big":9007199254740993\b/;
    const created = await api.send('POST', base, { body: widget('big', '{"big":9007199254740993,"double":0.1}') });
    assert.match(created.text, exact);
    assert.match((await api.send('GET', `${base}/big`)).text, exact);
    const patched = await api.send('PATCH', `${base}/big`, { body: { spec: { double: 2.5 } }, type: merge });
    assert.match(patched.text, exact);
    assert.match(patched.text, /"double":2.5\b/);
    const operations =
      '[{"op":"test","path":"/spec/big","value":9007199254740993},{"op":"add","path":"/metadata/labels","value":{"a":"b"}}]';
    const tested = await api.send('PATCH', `${base}/big`, { body: operations, type: 'application/json-patch+json' });
    assert.equal(tested.code, 200, tested.text);
    const wrong = operations.replace('993', '992');
    assert.equal(
      (await api.send('PATCH', `${base}/big`, { body: wrong, type: 'application/json-patch+json' })).code,
      422,
    );
    const applied = await api.send('PATCH', `${base}/big?fieldManager=m&force=true`, {
      body: widget('big', '{"big":9007199254740995}'),
      type: 'application/apply-patch+yaml',
    });
    assert.match(applied.text, /"big":9007199254740995\b/);
    assert.match((await api.send('GET', base)).text, /"big":9007199254740995\b/);
    const watch = await api.send('GET', `${base}?watch=1&resourceVersion=${from}&timeoutSeconds=1`);
    assert.match(watch.text.split('\n')[0]!, exact);
    assert.match(
      (await api.send('GET', `${base}/big`, { headers: { Accept: 'application/yaml' } })).text,
      /big: 9007199254740995\n/,
    );
  });

  it('keep doubles doubles, and whole numbers whole', async () => {
    for (const [i, number] of ['0.1', '1e21', '3', '-0.5', '1.5e-7'].entries()) {
      const { json } = await api.send('POST', base, { body: widget(`double-${i}`, `{"double":${number}}`) });
      assert.equal(json.spec.double, Number(number));
    }
    const { text: answer } = await api.send('POST', base, { body: widget('whole', '{"big":5.0}') });
    assert.match(answer, /"big":5(?:\.0)?\b/);
    await refused(
      '{"big":1.5}',
      'spec.big: Invalid value: "float64": spec.big in body must be of type int64: "float64"',
      '<nil>: Invalid value: "": Checked value must be of type integer with format int64 in spec.big',
    );
  });

  it('are integers or strings where the schema says so', async () => {
    assert.equal((await api.ok('POST', base, widget('port-1', { port: 80 }))).spec.port, 80);
    assert.equal((await api.ok('POST', base, widget('port-2', { port: '50%' }))).spec.port, '50%');
    await refused(
      { port: true },
      'spec.port: Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean"',
    );
  });

  it('are null only where that is allowed', async () => {
    const { spec } = await api.ok('POST', base, widget('nulls', { note: null, strict: null, double: 1 }));
    assert.deepEqual(spec, { note: null, double: 1 });
  });

  it('keep unknown fields where they are preserved, and lose them elsewhere', async () => {
    const body = widget('free', { free: { any: { thing: [1] } }, lost: 1 });
    const { json, warnings } = await api.send('POST', base, { body });
    assert.deepEqual(json.spec, { free: { any: { thing: [1] } } });
    assert.deepEqual(warnings, ['unknown field "spec.lost"']);
    const strict = await api.send('POST', `${base}?fieldValidation=Strict`, { body: widget('strict', { lost: 1 }) });
    assertFailure(
      strict,
      400,
      'BadRequest',
      'Widget in version "v1" cannot be handled as a Widget: strict decoding error: unknown field "spec.lost"',
    );
  });

  it('embed whole resources', async () => {
    const template = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', labels: { a: 'b' } }, spec: { any: 1 } };
    assert.deepEqual((await api.ok('POST', base, widget('embedded', { template }))).spec.template, template);
    await refused(
      { template: { metadata: { name: 'p' } } },
      'spec.template.apiVersion: Required value',
      'spec.template.kind: Required value',
    );
    await refused(
      { template: { ...template, metadata: { name: 'a/b' } } },
      `spec.template.metadata.name: Invalid value: "a/b": may not contain '/'`,
    );
  });

  it('have formats', async () => {
    const good = {
      when: '2026-01-01T00:00:00Z',
      address: '10.0.0.1',
      id: '12345678-1234-1234-1234-123456789abc',
      unknownFormat: '?',
    };
    await api.ok('POST', base, widget('formats', good));
    await refused(
      { when: 'now' },
      'spec.when: Invalid value: "now": spec.when in body must be of type date-time: "now"',
    );
    await refused(
      { address: '::1' },
      'spec.address: Invalid value: "::1": spec.address in body must be of type ipv4: "::1"',
    );
    await refused({ id: 'x' }, 'spec.id: Invalid value: "x": spec.id in body must be of type uuid: "x"');
  });

  it('are matched in linear time by patterns that hang other engines', async () => {
    const evil = `${'a'.repeat(5000)}!`;
    const started = performance.now();
    await refused({ evil }, /^spec\.evil: Invalid value: "a+!": spec\.evil in body should match '\^\(a\+\)\+\$'$/);
    assert.ok(performance.now() - started < 2000);
  });
});

describe('what was wrong before', () => {
  let api: Api;
  before(async () => {
    api = await startApi({ resources: [definition({ name: text, count: int, list: { type: 'array', items: text } })] });
    await api.ok('POST', base, widget('old', { name: 'Not Allowed', count: 50, list: ['bad one', 'fine'] }));
    const tighter = definition(
      {
        name: { ...text, maxLength: 5 },
        count: { ...int, maximum: 10, 'x-kubernetes-validations': [{ rule: 'self % 2 == 1', message: 'must be odd' }] },
        list: { type: 'array', items: { ...text, pattern: '^[a-z]+$' } },
        size: int,
      },
      {},
      [{ rule: '!has(self.size) || self.size < 100', message: 'too large' }],
    );
    const { spec } = tighter as ApiObject & { spec: { versions: object } };
    await api.ok('PATCH', `${definitions}/widgets.example.com`, { spec: { versions: spec.versions } }, merge);
    await api.cluster.eventually(
      async () => (await api.send('POST', base, { body: widget('probe', { count: 12 }) })).code === 422,
    );
  });
  after(() => api[Symbol.asyncDispose]());

  const patch = (spec: object) => api.send('PATCH', `${base}/old`, { body: { spec }, type: merge });

  it('may stay when it is not touched (KEP-4008)', async () => {
    assert.equal((await patch({ size: 1 })).code, 200);
    assert.equal(
      (await api.send('PATCH', `${base}/old`, { body: { metadata: { labels: { a: 'b' } } }, type: merge })).code,
      200,
    );
  });

  it('may not be changed into something else that is wrong', async () => {
    const answer = await patch({ name: 'still too long' });
    assert.equal(answer.code, 422);
    assert.match(answer.json.message, /spec\.name: Too long: may not be more than 5 bytes/);
    assert.match(
      (await patch({ count: 60 })).json.message,
      /spec\.count: Invalid value: 60: spec\.count in body should be less than or equal to 10/,
    );
  });

  it('of rules stays only while their value stays', async () => {
    assert.equal((await patch({ size: 2 })).code, 200);
    const even = await patch({ count: 8 });
    assert.match(even.json.message, /spec\.count: Invalid value: (8|"integer"): must be odd/);
    assert.match((await patch({ size: 200 })).json.message, /spec: Invalid value: .*too large/);
    assert.equal((await patch({ count: 7 })).code, 200);
  });
});

describe('columns, selectable fields and scale of custom resources', () => {
  let api: Api;
  before(async () => {
    api = await startApi({
      resources: [
        definition(
          {
            color: text,
            replicas: int,
            ratio: { type: 'number' },
            on: { type: 'boolean' },
            since: text,
            list: { type: 'array', items: { type: 'object', properties: { name: text } } },
            size: { type: 'integer' },
          },
          {
            subresources: {
              status: {},
              scale: {
                specReplicasPath: '.spec.replicas',
                statusReplicasPath: '.status.replicas',
                labelSelectorPath: '.status.selector',
              },
            },
            selectableFields: [{ jsonPath: '.spec.color' }, { jsonPath: '.spec.size' }, { jsonPath: '.spec.on' }],
            additionalPrinterColumns: [
              { name: 'Color', type: 'string', jsonPath: '.spec.color', description: 'What it looks like.' },
              { name: 'Replicas', type: 'integer', jsonPath: '.spec.replicas', format: 'int32' },
              { name: 'Ratio', type: 'number', jsonPath: '.spec.ratio' },
              { name: 'On', type: 'boolean', jsonPath: '.spec.on' },
              { name: 'Since', type: 'date', jsonPath: '.spec.since' },
              { name: 'First', type: 'string', jsonPath: '.spec.list[0].name' },
              { name: 'Named', type: 'string', jsonPath: '.spec.list[?(@.name=="b")].name', priority: 1 },
              { name: 'List', type: 'string', jsonPath: '.spec.list', priority: 2 },
            ],
          },
        ),
      ],
    });
    await api.ok('POST', base, widget('bare', {}));
    await api.ok(
      'POST',
      base,
      widget('full', {
        color: 'red',
        replicas: 3,
        ratio: 0.5,
        on: true,
        since: '2001-01-01T00:00:00Z',
        list: [{ name: 'a' }, { name: 'b' }],
        size: 7,
      }),
    );
    await api.ok('POST', base, widget('wrong', { color: 'blue', since: 'yesterday', on: false }));
  });
  after(() => api[Symbol.asyncDispose]());

  it('are shown as tables', async () => {
    const { json } = await api.send('GET', base, { headers: table });
    assert.deepEqual(
      json.columnDefinitions.map(
        (column: { name: string; type: string; format: string; description: string; priority: number }) => [
          column.name,
          column.type,
          column.format,
          column.priority,
        ],
      ),
      [
        ['Name', 'string', 'name', 0],
        ['Color', 'string', '', 0],
        ['Replicas', 'integer', 'int32', 0],
        ['Ratio', 'number', '', 0],
        ['On', 'boolean', '', 0],
        ['Since', 'date', '', 0],
        ['First', 'string', '', 0],
        ['Named', 'string', '', 1],
        ['List', 'string', '', 2],
      ],
    );
    assert.equal(json.columnDefinitions[1].description, 'What it looks like.');
    const cells = Object.fromEntries(json.rows.map(({ cells: [name, ...rest] }: { cells: unknown[] }) => [name, rest]));
    assert.deepEqual(cells.bare, [null, null, null, null, null, null, null, null]);
    const [color, replicas, ratio, on, since, first, named, list] = cells.full as unknown[];
    assert.deepEqual([color, replicas, ratio, on, first, named], ['red', 3, 0.5, true, 'a', 'b']);
    assert.match(String(since), /^\d+y(\d+d)?$/);
    assert.equal(list, '[{"name":"a"},{"name":"b"}]');
    assert.deepEqual(cells.wrong.slice(0, 5), ['blue', null, null, false, '<invalid>']);
  });

  it('select', async () => {
    const names = async (selector: string): Promise<string[]> =>
      (await api.ok('GET', `${base}?fieldSelector=${encodeURIComponent(selector)}`)).items.map(
        (item: ApiObject) => item.metadata.name,
      );
    assert.deepEqual(await names('spec.color=red'), ['full']);
    assert.deepEqual(await names('spec.color!=red'), ['bare', 'wrong']);
    assert.deepEqual(await names('spec.size=7'), ['full']);
    assert.deepEqual(await names('spec.on=false'), ['wrong']);
    assert.deepEqual(await names('spec.color=,metadata.name=bare'), ['bare']);
    assertFailure(
      await api.send('GET', `${base}?fieldSelector=spec.ratio%3D1`),
      400,
      'BadRequest',
      /field label not supported: spec\.ratio/,
    );
  });

  it('tell watches who comes and goes', async () => {
    const from = (await api.ok('GET', base)).metadata.resourceVersion;
    const watch = await api.watch(`${base}?watch=1&resourceVersion=${from}&fieldSelector=spec.color%3Dred`);
    await api.ok('PATCH', `${base}/bare`, { spec: { color: 'red' } }, merge);
    await api.ok('PATCH', `${base}/bare`, { spec: { color: null } }, merge);
    assert.deepEqual(
      (await watch.take(2)).map(({ type, object }) => [type, object.metadata.name]),
      [
        ['ADDED', 'bare'],
        ['DELETED', 'bare'],
      ],
    );
    watch.close();
  });

  it('scale', async () => {
    await api.ok('PATCH', `${base}/full/status`, { status: { replicas: 2, selector: 'app=web' } }, merge);
    const scale = await api.ok('GET', `${base}/full/scale`);
    assert.deepEqual(
      [scale.kind, scale.spec, scale.status],
      ['Scale', { replicas: 3 }, { replicas: 2, selector: 'app=web' }],
    );
    assert.equal((await api.ok('PATCH', `${base}/full/scale`, { spec: { replicas: 5 } }, merge)).spec.replicas, 5);
    assert.equal((await api.ok('GET', `${base}/full`)).spec.replicas, 5);
    const negative = await api.send('PATCH', `${base}/full/scale`, { body: { spec: { replicas: -1 } }, type: merge });
    assert.equal(negative.code, 422, negative.text);
  });
});
