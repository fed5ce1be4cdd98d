/** Media types: what clients may ask for and send, and what they are told otherwise. */
import assert from 'node:assert/strict';
import { type Answer, type Api, assertFailure, configMap, startApi, widgets } from './support/api.ts';

const collection = '/api/v1/namespaces/default/configmaps';
const custom = '/apis/example.com/v1/namespaces/default/widgets';
const widget = (name: string) => ({ apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name }, spec: {} });
const table = 'as=Table;v=v1;g=meta.k8s.io';
const accepted = 'only the following media types are accepted: application/json, application/yaml';
const unknownBody = 'the body of the request was in an unknown format - accepted media types include: ';

describe('media types', () => {
  let api: Api;
  before(async () => {
    api = await startApi({ resources: [widgets()] });
    await api.ok('POST', collection, configMap('a', { data: { x: '1' } }));
    await api.ok('POST', custom, widget('a'));
  });
  after(() => api[Symbol.asyncDispose]());

  const get = (accept: string, path = `${collection}/a`, headers: Record<string, string> = {}): Promise<Answer> =>
    api.send('GET', path, { headers: { Accept: accept, ...headers } });

  describe('of answers', () => {
    const json = /^\{"apiVersion":"v1","kind":"ConfigMap",/;
    const answers: readonly [string, string, RegExp][] = [
      ['application/json', 'application/json', json],
      ['application/json;charset=utf-8', 'application/json', json],
      ['application/json; charset="UTF-8"; q=0.5', 'application/json', json],
      ['APPLICATION/JSON', 'application/json', json],
      ['*/*', 'application/json', json],
      ['application/*', 'application/json', json],
      ['', 'application/json', json],
      ['text/html, application/json;q=0.1', 'application/json', json],
      ['application/cbor,application/json', 'application/json', json],
      ['application/cbor,*/*', 'application/json', json],
      ['application/vnd.kubernetes.protobuf,application/json', 'application/json', json],
      ['application/vnd.kubernetes.protobuf, */*;q=0.1', 'application/json', json],
      ['application/yaml', 'application/yaml', /^apiVersion: v1\n/],
      ['application/json;q=0.5, application/yaml', 'application/yaml', /^apiVersion: v1\n/],
      ['*/*, application/yaml', 'application/yaml', /^apiVersion: v1\n/],
      [`application/json;${table}`, 'application/json', /^\{"kind":"Table","apiVersion":"meta\.k8s\.io\/v1"/],
      [`application/json;${table},application/json`, 'application/json', /"kind":"Table"/],
      [`application/cbor;${table},application/json;${table},application/json`, 'application/json', /"kind":"Table"/],
      [`application/yaml;${table}`, 'application/yaml', /kind: Table/],
      [
        'application/json;as=Table;v=v1beta1;g=meta.k8s.io',
        'application/json',
        /"apiVersion":"meta\.k8s\.io\/v1beta1"/,
      ],
      ['application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io', 'application/json', /"PartialObjectMetadata"/],
      // What cannot be done is passed over.
      ['application/json;as=Table;v=v2;g=meta.k8s.io,application/json', 'application/json', json],
      ['application/json;as=Table;v=v1;g=other,application/json', 'application/json', json],
      ['application/json;as=Chair;v=v1;g=meta.k8s.io,application/json', 'application/json', json],
      ['application/json;g=meta.k8s.io;v=v1,application/yaml', 'application/yaml', /^apiVersion: v1\n/],
      ['application/json;sv=v2,application/yaml', 'application/yaml', /^apiVersion: v1\n/],
      ['application/json;sv=v1', 'application/json', json],
      ['application/json;stream=other,application/yaml', 'application/yaml', /^apiVersion: v1\n/],
      ['application/json;pretty=1', 'application/json', /^\{\n {2}"apiVersion": "v1",\n/],
    ];
    for (const [accept, contentType, text] of answers) {
      it(`follow Accept: ${accept || '(empty)'}`, async () => {
        const answer = await get(accept);
        assert.equal(answer.code, 200, answer.text);
        assert.equal(answer.headers['content-type'], contentType);
        assert.match(answer.text, text);
      });
    }

    for (const accept of [
      'application/vnd.kubernetes.protobuf',
      'application/cbor',
      'application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io',
      'application/json;as=Chair;v=v1;g=meta.k8s.io',
      'text/*',
      'application/json;q=0',
      ';;;',
    ]) {
      it(`are refused to Accept: ${accept}, for every kind of resource and before anything is done`, async () => {
        for (const path of [collection, `${collection}/a`, custom]) {
          assertFailure(await get(accept, path), 406, 'NotAcceptable', accepted);
        }
        const headers = { Accept: accept };
        assertFailure(await api.send('DELETE', `${collection}/a`, { headers }), 406, 'NotAcceptable', accepted);
        assertFailure(
          await api.send('POST', collection, { headers, body: configMap('b') }),
          406,
          'NotAcceptable',
          accepted,
        );
        assert.equal((await api.send('GET', `${collection}/a`)).code, 200);
        assert.equal((await api.send('GET', `${collection}/b`)).code, 404);
      });
    }

    it('are for people where people ask', async () => {
      const pretty = /^\{\n {2}"apiVersion": "v1",\n[\s\S]*\n\}$/;
      for (const agent of ['curl/8.5.0', 'Wget/1.21', 'Mozilla/5.0 (X11)']) {
        assert.match((await get('*/*', undefined, { 'User-Agent': agent })).text, pretty);
        const plain = await get('*/*', `${collection}/a?pretty=false`, { 'User-Agent': agent });
        assert.match(plain.text, json);
      }
      for (const yes of ['1', 't', 'true', 'TRUE']) {
        assert.match((await get('*/*', `${collection}/a?pretty=${yes}`)).text, pretty);
      }
      for (const no of ['', '0', 'false', 'yes']) {
        assert.match((await get('*/*', `${collection}/a?pretty=${no}`)).text, json);
      }
      assert.match(
        (await get('*/*', `${collection}/none`, { 'User-Agent': 'curl/8.5.0' })).text,
        /^\{\n {2}"kind": "Status"/,
      );
    });

    it('that are failures follow too, and are told in any case', async () => {
      const yaml = await get('application/yaml', `${collection}/none`);
      assert.equal(yaml.code, 404);
      assert.equal(yaml.headers['content-type'], 'application/yaml');
      assert.match(yaml.text, /^reason: NotFound$/m);
      for (const accept of [`application/json;${table}`, 'text/html', `application/yaml;${table},application/json`]) {
        const answer = await get(accept, '/api/v1/nope');
        assertFailure(answer, 404, 'NotFound', 'the server could not find the requested resource');
        assert.equal(answer.headers['content-type'], 'application/json');
      }
    });
  });

  describe('of watches', () => {
    it('are JSON', async () => {
      for (const accept of [
        'application/json;stream=watch',
        'application/yaml;stream=watch,application/json',
        'application/cbor-seq,application/json',
        'application/json;pretty=1',
      ]) {
        const watch = await api.watch(`${collection}?watch=1&resourceVersion=0`, { Accept: accept });
        assert.equal(watch.response.headers['content-type'], 'application/json');
        const event = await watch.next();
        assert.equal(event?.type, 'ADDED');
        watch.close();
      }
    });

    it('are refused to those who want something else', async () => {
      const yaml = await get('application/yaml', `${collection}?watch=1`);
      assert.equal(yaml.code, 406);
      assert.match(yaml.text, /^message: .*accepted: application\/json;stream=watch"?$/m);
      assertFailure(await get('application/cbor', `${collection}?watch=1`), 406, 'NotAcceptable', accepted);
    });
  });

  describe('of bodies', () => {
    for (const type of [
      'application/json; charset=utf-8',
      'Application/JSON;charset="utf-8"',
      'application/yaml; charset=utf-8',
      '',
    ]) {
      it(`may be ${type || 'left out'}`, async () => {
        const answer = await api.send('POST', `${collection}?dryRun=All`, { body: configMap('new'), type });
        assert.equal(answer.code, 201, answer.text);
      });
    }

    it('may not be CBOR', async () => {
      const builtin = `${unknownBody}application/json, application/yaml, application/vnd.kubernetes.protobuf`;
      const body = new Uint8Array([0xd9, 0xd9, 0xf7, 0xa0]);
      const type = 'application/cbor';
      assertFailure(await api.send('POST', collection, { body, type }), 415, 'UnsupportedMediaType', builtin);
      assertFailure(await api.send('PUT', `${collection}/a`, { body, type }), 415, 'UnsupportedMediaType', builtin);
      assertFailure(await api.send('DELETE', `${collection}/a`, { body, type }), 415, 'UnsupportedMediaType', builtin);
      assertFailure(
        await api.send('POST', custom, { body, type }),
        415,
        'UnsupportedMediaType',
        `${unknownBody}application/json, application/yaml`,
      );
    });

    const jsonPatch = [{ op: 'add', path: '/metadata/labels', value: { l: '1' } }];
    it('of patches may carry a charset, on all resources', async () => {
      for (const path of [`${collection}/a`, `${custom}/a`]) {
        for (const [type, body] of [
          ['application/json-patch+json', jsonPatch],
          ['application/json-patch+json; charset=utf-8', jsonPatch],
          ['application/merge-patch+json;charset=UTF-8', { metadata: { labels: { l: '2' } } }],
        ] as const) {
          const answer = await api.send('PATCH', path, { body, type });
          assert.equal(answer.code, 200, answer.text);
        }
      }
    });

    const patches = ['application/json-patch+json', 'application/merge-patch+json'];
    for (const type of [
      'application/apply-patch+cbor',
      'application/json',
      '',
      'application/strategic-merge-patch+json',
    ]) {
      it(`of patches may not be ${type || 'left out'}`, async () => {
        const body = new Uint8Array([0xa0]);
        const strategic = 'application/strategic-merge-patch+json';
        if (type !== strategic) {
          assertFailure(
            await api.send('PATCH', `${collection}/a?fieldManager=m`, { body, type }),
            415,
            'UnsupportedMediaType',
            `${unknownBody}${[...patches, strategic, 'application/apply-patch+yaml'].join(', ')}`,
          );
        }
        assertFailure(
          await api.send('PATCH', `${custom}/a?fieldManager=m`, { body, type }),
          415,
          'UnsupportedMediaType',
          `${unknownBody}${[...patches, 'application/apply-patch+yaml'].join(', ')}`,
        );
      });
    }
  });
});
