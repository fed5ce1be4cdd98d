/** What is no request, or half of one. The server answers in Kubernetes' words, or cuts the line, and lives. */
import assert from 'node:assert/strict';
import { connect, type TLSSocket } from 'node:tls';
import { type Api, assertFailure, configMap, startApi, widgets } from './support/api.ts';

const collection = '/api/v1/namespaces/default/configmaps';
const custom = '/apis/example.com/v1/namespaces/default/widgets';
const unrecognized = 'the object provided is unrecognized (must be of type ConfigMap): ';

describe('bad input', () => {
  let api: Api;
  before(async () => {
    api = await startApi({ resources: [widgets()] });
    await api.ok('POST', collection, configMap('a', { data: { x: '1' } }));
  });
  after(() => api[Symbol.asyncDispose]());

  /** A connection of its own, to send what no HTTP client would. */
  const dial = (): Promise<TLSSocket> =>
    new Promise((resolve, reject) => {
      const { authority, admin } = api.endpoint.pki;
      const port = Number(new URL(api.endpoint.url).port);
      const socket = connect(
        { host: '127.0.0.1', port, ca: authority.certificate, cert: admin.certificate, key: admin.key },
        () => resolve(socket),
      );
      socket.on('error', reject);
    });

  const bodies: readonly [string, string | Uint8Array, string | undefined, string | RegExp][] = [
    [
      'half an object',
      '{"kind":',
      undefined,
      `${unrecognized}couldn't get version/kind; json parse error: unexpected end of JSON input ({"kind":)`,
    ],
    [
      'nothing',
      '',
      undefined,
      `${unrecognized}couldn't get version/kind; json parse error: unexpected end of JSON input (<empty>)`,
    ],
    [
      'a word',
      'hello',
      undefined,
      /^the object provided is unrecognized \(must be of type ConfigMap\): couldn't get version\/kind; json parse error: invalid character 'h' looking for beginning of value \(68656c6c6f\)$/,
    ],
    ['a list', '[]', undefined, /json: cannot unmarshal array into Go value of type struct/],
    [
      'broken YAML',
      'a: [',
      'application/yaml',
      /^the object provided is unrecognized \(must be of type ConfigMap\): error converting YAML to JSON: yaml: /,
    ],
    ['bytes that are no text', new Uint8Array([0xff, 0xfe, 0x00]), undefined, /unrecognized/],
    [
      'a number for a string',
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"a":1}}',
      undefined,
      /^ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field ConfigMap\.data of type string$/,
    ],
  ];
  for (const [title, body, type, message] of bodies) {
    it(`refuses ${title} with 400`, async () => {
      const answer = await api.send('POST', collection, { body, ...(type === undefined ? {} : { type }) });
      assertFailure(answer, 400, 'BadRequest', message);
    });
  }

  it('refuses metadata that is none, naming the kind where it has a Go type', async () => {
    const metadata = (apiVersion: string, kind: string) => ({ body: { apiVersion, kind, metadata: 1 } });
    assertFailure(
      await api.send('POST', collection, metadata('v1', 'ConfigMap')),
      400,
      'BadRequest',
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field ConfigMap.metadata of type v1.ObjectMeta',
    );
  });

  it('reads null as an object without fields, as Go does', async () => {
    const answer = await api.send('POST', collection, { body: 'null' });
    const message = 'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required';
    assertFailure(answer, 422, 'Invalid', message);
  });

  const foreign: readonly [apiVersion: string, kind: string, message: string][] = [
    [
      'apps/v1',
      'Deployment',
      'Deployment in version "v1" cannot be handled as a ConfigMap: converting (v1.Deployment) to (core.ConfigMap): unknown conversion',
    ],
    [
      'v1',
      'Nothing',
      'Nothing in version "v1" cannot be handled as a ConfigMap: no kind "Nothing" is registered for version "v1" in scheme "pkg/api/legacyscheme/scheme.go:30"',
    ],
    [
      'apps/v1',
      'ConfigMap',
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: no kind "ConfigMap" is registered for version "apps/v1" in scheme "pkg/api/legacyscheme/scheme.go:30"',
    ],
  ];
  for (const [apiVersion, kind, message] of foreign) {
    it(`refuses a ${apiVersion} ${kind} in the words of Kubernetes' scheme`, async () => {
      const body = { apiVersion, kind, metadata: { name: 'x' } };
      assertFailure(await api.send('POST', collection, { body }), 400, 'BadRequest', message);
    });
  }

  it('refuses another version of the kind', async () => {
    const path = '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers';
    const body = { apiVersion: 'autoscaling/v1', kind: 'HorizontalPodAutoscaler', metadata: { name: 'x' } };
    assertFailure(
      await api.send('POST', path, { body }),
      400,
      'BadRequest',
      'the API version in the data (autoscaling/v1) does not match the expected API version (autoscaling/v2)',
    );
  });

  const numbers: readonly [text: string, message: string][] = [
    ['', 'strconv.ParseInt: parsing "": invalid syntax'],
    ['five', 'strconv.ParseInt: parsing "five": invalid syntax'],
    ['1.5', 'strconv.ParseInt: parsing "1.5": invalid syntax'],
    ['9223372036854775808', 'strconv.ParseInt: parsing "9223372036854775808": value out of range'],
  ];
  for (const [text, message] of numbers) {
    it(`refuses the number ${JSON.stringify(text)} in a query`, async () => {
      assertFailure(await api.send('GET', `${collection}?limit=${text}`), 400, 'BadRequest', message);
      const path = `${collection}/x?gracePeriodSeconds=${text}`;
      assertFailure(await api.send('DELETE', path), 400, 'BadRequest', message);
    });
  }

  it('reads bodies ten thousand objects deep, and refuses them', async () => {
    const depth = 100_000;
    const body = `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
    const answer = await api.send('POST', collection, { body });
    assert.equal(answer.code, 400);
  });

  it('names the media types that it takes', async () => {
    assertFailure(
      await api.send('POST', collection, { body: configMap('b'), type: 'text/plain' }),
      415,
      'UnsupportedMediaType',
      'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf',
    );
    assertFailure(
      await api.send('POST', custom, { body: configMap('b'), type: 'application/vnd.kubernetes.protobuf' }),
      415,
      'UnsupportedMediaType',
      'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml',
    );
    assertFailure(
      await api.send('PATCH', `${custom}/x`, { body: '{}', type: 'application/strategic-merge-patch+json' }),
      415,
      'UnsupportedMediaType',
      'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
    );
    assertFailure(
      await api.send('GET', collection, { headers: { Accept: 'text/html' } }),
      406,
      'NotAcceptable',
      /^only the following media types are accepted: application\/json, application\/yaml/,
    );
  });

  it('refuses bodies above 3 MiB, announced or not, and says so', async () => {
    const body = `{"a":"${'x'.repeat(3 * 1024 * 1024)}"}`;
    assertFailure(
      await api.send('POST', collection, { body }),
      413,
      'RequestEntityTooLarge',
      'Request entity too large: limit is 3145728',
    );
    const socket = await dial();
    socket.write(`POST ${collection} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`);
    const answered = new Promise<string>((resolve) => socket.once('data', (chunk) => resolve(String(chunk))));
    const piece = 'x'.repeat(64 * 1024);
    for (let sent = 0; sent <= 3 * 1024 * 1024; sent += piece.length) socket.write(`10000\r\n${piece}\r\n`);
    assert.match(await answered, /^HTTP\/1\.1 413 /);
    socket.destroy();
  });

  const paths: readonly [string, string, number, string | RegExp][] = [
    ['GET', '/api/v1/nope', 404, 'the server could not find the requested resource'],
    ['GET', `${collection}/a/status`, 404, 'the server could not find the requested resource'],
    ['GET', `${collection}/a/nope`, 404, 'the server could not find the requested resource'],
    ['GET', `${collection}/a%2Fb`, 404, 'the server could not find the requested resource'],
    ['GET', `${collection}/none`, 404, 'configmaps "none" not found'],
    ['GET', `${collection}/%00`, 404, 'configmaps "\\x00" not found'],
    ['GET', `${collection}/a%25b`, 400, `invalid resource name "a%b": [may not contain '%']`],
    ['GET', `${collection}/%2e%2e`, 400, `invalid resource name "..": [may not be '..']`],
    ['DELETE', `${collection}/none`, 404, 'configmaps "none" not found'],
    ['PUT', collection, 405, 'the server does not allow this method on the requested resource'],
    ['PATCH', collection, 405, 'the server does not allow this method on the requested resource'],
    ['OPTIONS', collection, 405, 'the server does not allow this method on the requested resource'],
    ['TRACE', collection, 405, 'the server does not allow this method on the requested resource'],
    ['POST', '/api', 405, 'the server does not allow this method on the requested resource'],
    ['POST', '/api/v1/namespaces/default', 405, 'the server does not allow this method on the requested resource'],
  ];
  for (const [method, path, code, message] of paths) {
    it(`answers ${method} ${path} with ${code}`, async () => {
      const type = method === 'PATCH' ? { body: '{}', type: 'application/merge-patch+json' } : {};
      const body = method === 'PUT' || method === 'POST' ? { body: configMap('a') } : type;
      const reasons: Record<number, string> = { 400: 'BadRequest', 404: 'NotFound', 405: 'MethodNotAllowed' };
      assertFailure(await api.send(method, path, body), code, reasons[code]!, message);
    });
  }

  for (const path of [
    '/nope',
    '/api/v2/pods',
    '/apis/nope',
    '/apis/nope/v1',
    '/apis/nope/v1/x',
    '/apis/apps/v2/deployments',
    '//api/v1',
    '/logs',
    '/api/v1/namespaces//configmaps',
    '/readyz/nope',
  ]) {
    it(`answers ${path} with a plain 404`, async () => {
      const answer = await api.send('GET', path);
      assert.equal(answer.code, 404);
      assert.equal(answer.headers['content-type'], 'text/plain; charset=utf-8');
      assert.equal(answer.text, '404 page not found\n');
    });
  }

  it('answers broken escapes with a plain 400', async () => {
    const answer = await api.send('GET', `${collection}/%zz`);
    assert.equal(answer.code, 400);
    assert.equal(answer.text, '400 Bad Request');
  });

  it('answers HEAD as GET, without the body', async () => {
    const answer = await api.send('HEAD', `${collection}/a`);
    assert.equal(answer.code, 200);
    assert.equal(answer.text, '');
    assert.equal(answer.headers['content-type'], 'application/json');
  });

  it('takes URLs of 32 KiB and refuses those past the size of heads', async () => {
    const name = (length: number): string => `${collection}?labelSelector=a!=b&x=${'x'.repeat(length)}`;
    assert.equal((await api.send('GET', name(32 * 1024))).code, 200);
    assert.equal((await api.send('GET', name(70 * 1024))).code, 431);
  });

  it('reads odd headers', async () => {
    const odd: Record<string, string>[] = [
      { Accept: '' },
      { Accept: ';;;,,' },
      { Accept: '*/*;q=0.1, application/json;q=abc' },
      { 'Accept-Encoding': 'br;q=1, *;q=0' },
      { 'If-None-Match': '"""' },
      { 'User-Agent': '' },
      { 'User-Agent': `${'x'.repeat(2000)}/1` },
    ];
    for (const headers of odd) {
      const { code } = await api.send('GET', `${collection}/a`, { headers });
      assert.ok(code === 200 || code === 406, `${JSON.stringify(headers)}: ${code}`);
    }
    const answer = await api.send('POST', `${collection}?dryRun=All`, {
      body: configMap('odd', { data: { a: '1' } }),
      headers: { 'User-Agent': 'x'.repeat(2000) },
    });
    assert.equal(answer.json.metadata.managedFields[0].manager.length, 128);
  });

  it('outlives a client that vanishes in the middle of its body', async () => {
    for (let i = 0; i < 5; i++) {
      const socket = await dial();
      socket.write(`POST ${collection} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"apiVersion":`);
      await new Promise((resolve) => setImmediate(resolve));
      socket.destroy();
    }
    assert.equal((await api.send('GET', `${collection}/a`)).code, 200);
  });

  it('answers what is no HTTP with 400', async () => {
    const socket = await dial();
    const answered = new Promise<string>((resolve) => socket.once('data', (chunk) => resolve(String(chunk))));
    socket.write('hello\r\n\r\n');
    assert.match(await answered, /^HTTP\/1\.1 400 /);
    socket.destroy();
  });

  it('refuses query parameters that are no numbers or selectors', async () => {
    const queries: readonly [string, string][] = [
      ['limit=x', 'strconv.ParseInt: parsing "x": invalid syntax'],
      ['timeoutSeconds=1s', 'strconv.ParseInt: parsing "1s": invalid syntax'],
      ['labelSelector=a%20in', "unable to parse requirement: found '' expected: '('"],
      ['fieldSelector=a', "invalid selector: 'a'; can't understand 'a'"],
      [
        'fieldSelector=spec.x%3D1',
        '"spec.x" is not a known field selector: only "metadata.name", "metadata.namespace"',
      ],
      [
        'resourceVersion=abc',
        'resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": invalid syntax',
      ],
    ];
    for (const [query, message] of queries) {
      assertFailure(await api.send('GET', `${collection}?${query}`), 400, 'BadRequest', message);
    }
    assertFailure(
      await api.send('GET', '/api/v1/pods?fieldSelector=spec.x%3D1'),
      400,
      'BadRequest',
      'field label not supported: spec.x',
    );
  });
});
