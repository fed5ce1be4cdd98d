/** HTTP/1.1 byte by byte: what proxies, attackers and broken clients put on the line. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectPlain, type Socket } from 'node:net';
import { connect } from 'node:tls';
import { type Api, configMap, startApi } from './support/api.ts';

const collection = '/api/v1/namespaces/default/configmaps';

describe('HTTP on the line', () => {
  let api: Api;
  before(async () => {
    api = await startApi();
    await api.ok('POST', collection, configMap('a', { data: { x: '1' } }));
  });
  afterEach('the server lives', async () => {
    assert.equal((await api.send('GET', `${collection}/a`)).code, 200);
  });
  after(() => api[Symbol.asyncDispose]());

  const dial = async (): Promise<Socket> => {
    const { authority, admin } = api.endpoint.pki;
    const socket = connect({
      host: '127.0.0.1',
      port: Number(new URL(api.endpoint.url).port),
      ca: authority.certificate,
      cert: admin.certificate,
      key: admin.key,
    });
    await once(socket, 'secureConnect');
    return socket;
  };
  /** All that comes until the server ends the connection. */
  const exchange = async (bytes: string): Promise<string> => {
    const socket = await dial();
    socket.write(bytes);
    return await rest(socket);
  };
  const lines = (...parts: string[]): string => `${parts.join('\r\n')}\r\n\r\n`;
  const last = 'Connection: close';
  const statuses = (text: string): number[] =>
    [...text.matchAll(/HTTP\/1\.[01] (\d{3}) /g)].map(([, code]) => Number(code));
  const body = JSON.stringify(configMap('smuggled'));
  const post = (...headers: string[]): string =>
    lines(`POST ${collection} HTTP/1.1`, 'Host: x', 'Content-Type: application/json', ...headers);

  const smuggled: readonly [string, string][] = [
    [
      'a length and chunks',
      `${post(`Content-Length: ${body.length}`, 'Transfer-Encoding: chunked')}0\r\n\r\n${lines(`GET ${collection}/a HTTP/1.1`, 'Host: x', last)}`,
    ],
    ['two lengths', `${post(`Content-Length: ${body.length}`, 'Content-Length: 5')}${body}`],
    ['a length that is no number', `${post('Content-Length: 1e3')}${body}`],
    ['a negative length', `${post('Content-Length: -1')}${body}`],
    ['a coding that is not chunked last', `${post('Transfer-Encoding: chunked, identity')}${body}`],
    ['a chunk size that is no number', `${post('Transfer-Encoding: chunked')}zz\r\n${body}\r\n0\r\n\r\n`],
    ['a space before the colon', lines(`GET ${collection}/a HTTP/1.1`, 'Host : x')],
    ['a folded header', lines(`GET ${collection}/a HTTP/1.1`, 'Host: x', 'X-A: 1', ' 2: 3', last)],
    ['a bare line feed in a value', `GET ${collection}/a HTTP/1.1\r\nHost: x\r\nX-A: 1\n\r\n: 2\r\n\r\n`],
    ['a NUL in a value', lines(`GET ${collection}/a HTTP/1.1`, 'Host: x', 'X-A: \0', last)],
    ['no host', lines(`GET ${collection}/a HTTP/1.1`, last)],
    ['a space in the path', lines(`GET ${collection}/a b HTTP/1.1`, 'Host: x', last)],
    ['another version', lines(`GET ${collection}/a HTTP/3.7`, 'Host: x', last)],
    ['an unknown method', lines(`FETCH ${collection}/a HTTP/1.1`, 'Host: x', last)],
  ];
  for (const [title, bytes] of smuggled) {
    it(`refuses ${title}, once and for all`, async () => {
      const answer = await exchange(bytes);
      assert.deepEqual(statuses(answer), [400], answer);
      assert.equal((await api.send('GET', `${collection}/smuggled`)).code, 404);
    });
  }

  it('answers pipelined requests in order', async () => {
    const watchless = [`${collection}/a`, `${collection}/none`, '/version', '/nope', collection];
    const requests = watchless.map((path) => lines(`GET ${path} HTTP/1.1`, 'Host: x'));
    const answer = await exchange(requests.join('') + lines('GET /livez HTTP/1.1', 'Host: x', last));
    assert.deepEqual(statuses(answer), [200, 404, 200, 404, 200, 200]);
    assert.ok(answer.indexOf('"gitVersion"') < answer.indexOf('"ConfigMapList"'));
  });

  it('keeps pipelined writes in order', async () => {
    const put = (value: number): string => {
      const text = JSON.stringify(configMap('a', { data: { x: String(value) } }));
      return `${lines(
        `PUT ${collection}/a HTTP/1.1`,
        'Host: x',
        'Content-Type: application/json',
        `Content-Length: ${text.length}`,
        ...(value === 9 ? [last] : []),
      )}${text}`;
    };
    const answer = await exchange(Array.from({ length: 10 }, (_, i) => put(i)).join(''));
    assert.deepEqual(statuses(answer), Array(10).fill(200));
    assert.deepEqual(
      [...answer.matchAll(/"data":\{"x":"(\d)"\}/g)].map(([, value]) => Number(value)),
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    );
  });

  it('answers what is whole and refuses the garbage behind it', async () => {
    const socket = await dial();
    socket.write(lines(`GET ${collection}/a HTTP/1.1`, 'Host: x'));
    const [first] = await once(socket, 'data');
    socket.write('garbage\r\n\r\n');
    const answer = String(first) + (await rest(socket));
    assert.deepEqual(statuses(answer), [200, 400]);
  });

  it('takes URLs in absolute form, whatever host they name', async () => {
    for (const url of [`https://example.com${collection}/a`, `HTTP://x:1${collection}/a?pretty=false`]) {
      const answer = await exchange(lines(`GET ${url} HTTP/1.1`, 'Host: x', last));
      assert.deepEqual(statuses(answer), [200]);
      assert.match(answer, /"name":"a"/);
    }
    const root = await exchange(lines('GET https://example.com HTTP/1.1', 'Host: x', last));
    assert.match(root, /"paths": ?\[/);
  });

  it('tunnels nothing', async () => {
    assert.equal(await exchange(lines('CONNECT example.com:443 HTTP/1.1', 'Host: example.com:443')), '');
  });

  it('asks for the body when the client waits for that, and refuses other expectations', async () => {
    const text = JSON.stringify(configMap('expected'));
    const socket = await dial();
    socket.write(post(`Content-Length: ${text.length}`, 'Expect: 100-continue', last));
    const [first] = await once(socket, 'data');
    assert.equal(String(first), 'HTTP/1.1 100 Continue\r\n\r\n');
    socket.write(text);
    assert.deepEqual(statuses(await rest(socket)), [201]);
    const other = await exchange(`${post('Content-Length: 2', 'Expect: the-unexpected', last)}{}`);
    assert.deepEqual(statuses(other), [417]);
  });

  it('reads chunks of one byte, extensions and trailers', async () => {
    const text = JSON.stringify(configMap('chunked'));
    const chunks = [...text].map((character) => `1;x=y\r\n${character}\r\n`).join('');
    const answer = await exchange(`${post('Transfer-Encoding: chunked', last)}${chunks}0\r\nX-Trailer: 1\r\n\r\n`);
    assert.deepEqual(statuses(answer), [201]);
  });

  it('lets nothing that a client says end a header', async () => {
    const injected = 'a\r\nX-Injected: 1\r\n\r\n\u2028é"\\';
    const answer = await api.send('POST', `${collection}?dryRun=All&fieldValidation=Warn`, {
      body: { ...configMap('b'), [injected]: 1, metadata: { name: 'b', [injected]: 2 } },
    });
    assert.equal(answer.code, 201, answer.text);
    assert.equal(answer.headers['x-injected'], undefined);
    assert.equal(answer.warnings.length, 2);
    for (const path of [`${collection}/%0d%0aX-Injected:%201`, `/nope%0d%0aX-Injected:%201`]) {
      const missing = await api.send('GET', path);
      assert.equal(missing.code, 404);
      assert.equal(missing.headers['x-injected'], undefined);
    }
  });

  it('serves others while clients dawdle', async () => {
    const idle = await Promise.all(Array.from({ length: 50 }, dial));
    for (const socket of idle) socket.write(`POST ${collection} HTTP/1.1\r\nHost: x\r\nX-`);
    assert.equal((await api.send('GET', `${collection}/a`)).code, 200);
    for (const socket of idle) socket.destroy();
  });

  it('tells plain HTTP on the TLS port what it is', async () => {
    const socket = connectPlain(Number(new URL(api.endpoint.url).port), '127.0.0.1');
    socket.write(lines('GET /version HTTP/1.1', 'Host: x'));
    assert.equal(
      await rest(socket),
      'HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n',
    );
  });

  it('hangs up on what is no TLS and no HTTP', async () => {
    const socket = connectPlain(Number(new URL(api.endpoint.url).port), '127.0.0.1');
    socket.write(Buffer.alloc(300, 0x7f));
    // Whatever TLS has to say about it, and then the end.
    assert.ok((await rest(socket)).length < 100);
  });
});

async function rest(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk) => {
    text += String(chunk);
  });
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('close', resolve));
  return text;
}
