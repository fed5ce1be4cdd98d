/** Watches over WebSocket: the handshake, the frames, the end. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import { request as secureRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import WebSocket, { type ClientOptions } from 'ws';
import { alwaysAllow } from '../../src/apis/authorizer.ts';
import { builtinTypes } from '../../src/apis/index.ts';
import { createServer as createApiServer } from '../../src/apiserver/server.ts';
import { certificateAuthenticator, tokenAuthenticator } from '../../src/auth/authenticate.ts';
import { openMemoryStore } from '../../src/storage/index.ts';
import { type Api, assertFailure, configMap, startApi, type WatchEvent } from './support/api.ts';

const collection = '/api/v1/namespaces/default/configmaps';

/** What arrives on a WebSocket, in order. */
class Frames {
  readonly socket: WebSocket;
  readonly #frames: { data: Buffer; binary: boolean }[] = [];
  #arrived = (): void => undefined;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer, binary) => {
      this.#frames.push({ data, binary });
      this.#arrived();
    });
    socket.on('close', () => this.#arrived());
  }

  /** The next event; its frame must be text and hold nothing else. */
  async next(): Promise<WatchEvent> {
    while (this.#frames.length === 0) {
      assert.ok(this.socket.readyState !== WebSocket.CLOSED, 'closed before the event came');
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
    const { data, binary } = this.#frames.shift()!;
    assert.equal(binary, false);
    const text = data.toString();
    assert.equal(text.indexOf('\n'), text.length - 1, 'one line a frame');
    return JSON.parse(text);
  }

  /** Everything that is there. */
  get size(): number {
    return this.#frames.length;
  }
}

describe('watches over WebSocket', () => {
  let api: Api;
  before(async () => {
    api = await startApi();
  });
  after(() => api[Symbol.asyncDispose]());

  const dial = (path: string, options: ClientOptions = {}, protocols: string[] = []): WebSocket => {
    const { authority, admin } = api.endpoint.pki;
    const certificates = { ca: authority.certificate, cert: admin.certificate, key: admin.key };
    return new WebSocket(`${api.endpoint.url.replace('https', 'wss')}${path}`, protocols, {
      ...certificates,
      origin: 'http://localhost',
      ...options,
    });
  };
  const watch = async (path: string, protocols?: string[]): Promise<Frames> => {
    const socket = dial(path, {}, protocols);
    const frames = new Frames(socket);
    await once(socket, 'open');
    return frames;
  };
  /** The plain answer to a handshake that fails. */
  const refused = async (socket: WebSocket): Promise<{ response: IncomingMessage; text: string }> => {
    socket.on('error', () => undefined);
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) text += chunk;
    return { response, text };
  };

  it('tells each event in a text frame of its own', async () => {
    await api.ok('POST', collection, configMap('first'));
    const frames = await watch(`${collection}?watch=1&fieldSelector=metadata.name%3Dfirst`);
    const added = await frames.next();
    assert.equal(added.type, 'ADDED');
    assert.equal(added.object.metadata.name, 'first');
    await api.ok('PUT', `${collection}/first`, configMap('first', { data: { a: '1' } }));
    const modified = await frames.next();
    assert.deepEqual([modified.type, modified.object.data], ['MODIFIED', { a: '1' }]);
    await api.ok('DELETE', `${collection}/first`);
    assert.equal((await frames.next()).type, 'DELETED');
    frames.socket.close();
    const [code] = await once(frames.socket, 'close');
    assert.equal(code, 1005, 'the close frame of the client, without a code, comes back');
  });

  it('splits what is told together', async () => {
    for (let i = 0; i < 20; i++) await api.ok('POST', collection, configMap(`many-${i}`, { data: { i: String(i) } }));
    const list = await api.ok('GET', collection);
    const frames = await watch(`${collection}?watch=1&resourceVersion=0&sendInitialEvents=false`).catch(
      () => undefined,
    );
    assert.equal(frames, undefined, 'options are checked before the handshake');
    const all = await watch(`${collection}?watch=1`);
    const names: string[] = [];
    for (const _ of list.items) names.push((await all.next()).object.metadata.name);
    assert.deepEqual(names.sort(), list.items.map((item: { metadata: { name: string } }) => item.metadata.name).sort());
    all.socket.terminate();
  });

  it('serves Tables and the old form of paths', async () => {
    const socket = dial(`/api/v1/watch/namespaces/default/configmaps/many-1`, {
      headers: { Accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
    });
    const frames = new Frames(socket);
    const event = await frames.next();
    assert.equal(event.object.kind, 'Table', JSON.stringify(event));
    assert.equal(event.object.rows[0].cells[0], 'many-1');
    socket.terminate();
  });

  it('answers pings, ignores what the client says, and ends with 1000 when time is up', async () => {
    const frames = await watch(`${collection}?watch=1&timeoutSeconds=1&resourceVersion=0`);
    const pong = once(frames.socket, 'pong');
    frames.socket.ping('are you there');
    const [payload] = await pong;
    assert.equal(String(payload), 'are you there');
    frames.socket.send('hello');
    const [code, reason] = await once(frames.socket, 'close');
    assert.equal(code, 1000);
    assert.equal(String(reason), '');
  });

  it('tells a start that has left the window in a frame, and closes', async () => {
    const frames = await watch(`/api/v1/configmaps?watch=1&resourceVersion=1`);
    const event = await frames.next();
    assert.equal(event.type, 'ERROR');
    assert.deepEqual([event.object.code, event.object.reason], [410, 'Expired']);
    const [code] = await once(frames.socket, 'close');
    assert.equal(code, 1000);
  });

  it('cuts a client that breaks the protocol', async () => {
    const frames = await watch(`${collection}?watch=1&resourceVersion=0`);
    // An unmasked frame, which a client must not send.
    (frames.socket as unknown as { _socket: Duplex })._socket.write(Buffer.from([0x81, 0x01, 0x61]));
    const [code] = await once(frames.socket, 'close');
    assert.ok(code === 1002 || code === 1006, String(code));
    assert.equal((await api.send('GET', collection)).code, 200);
  });

  it('answers what fails before the handshake as it would without', async () => {
    const missing = await refused(dial('/api/v1/nope?watch=1'));
    assert.equal(missing.response.statusCode, 404);
    assert.equal(JSON.parse(missing.text).reason, 'NotFound');
    const bad = await refused(dial(`${collection}?watch=1&labelSelector=a%20in`));
    assert.equal(bad.response.statusCode, 400);
    assert.match(JSON.parse(bad.text).message, /unable to parse requirement/);
    const anonymous = await refused(
      new WebSocket(`${api.endpoint.url.replace('https', 'wss')}${collection}?watch=1`, {
        origin: 'http://localhost',
        ca: api.endpoint.pki.authority.certificate,
      }),
    );
    assert.equal(anonymous.response.statusCode, 401);
    assert.equal(JSON.parse(anonymous.text).reason, 'Unauthorized');
  });

  it('answers requests that are no watch as if they asked for nothing', async () => {
    const { response, text } = await refused(dial(`${collection}/many-1`));
    assert.equal(response.statusCode, 200);
    assert.equal(response.headers.connection, 'close');
    assert.equal(JSON.parse(text).metadata.name, 'many-1');
    const other = await api.send('GET', collection, { headers: { Connection: 'Upgrade', Upgrade: 'h2c' } });
    assert.equal(other.code, 200);
    assert.equal(other.json.kind, 'ConfigMapList');
    const write = await api.send('POST', collection, {
      body: configMap('upgraded'),
      headers: { Connection: 'Upgrade', Upgrade: 'websocket' },
    });
    assert.equal(write.code, 400);
    assertFailure(await api.send('GET', `${collection}/upgraded`), 404, 'NotFound', 'configmaps "upgraded" not found');
  });

  describe('the handshake', () => {
    const shake = (headers: Record<string, string>): Promise<{ response: IncomingMessage; socket?: Duplex }> => {
      const { hostname, port } = new URL(api.endpoint.url);
      const sent = secureRequest({
        hostname,
        port,
        path: `${collection}?watch=1`,
        agent: api.agent,
        headers: {
          Connection: 'keep-alive, Upgrade',
          Upgrade: 'WebSocket',
          'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
          'Sec-WebSocket-Version': '13',
          Origin: 'http://localhost',
          ...headers,
        },
      });
      sent.end();
      return new Promise((resolve, reject) => {
        sent.on('response', (response) => {
          response.resume();
          resolve({ response });
        });
        sent.on('upgrade', (response, socket) => resolve({ response, socket }));
        sent.on('error', reject);
      });
    };

    it('is that of RFC 6455, without extensions', async () => {
      const { response, socket } = await shake({ 'Sec-WebSocket-Extensions': 'permessage-deflate' });
      assert.equal(response.statusCode, 101);
      assert.equal(response.headers['sec-websocket-accept'], 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
      assert.equal(response.headers['sec-websocket-extensions'], undefined);
      assert.equal(response.headers['sec-websocket-protocol'], undefined);
      socket?.destroy();
    });

    it('answers the one sub-protocol, whatever it is, and refuses more', async () => {
      const one = await shake({ 'Sec-WebSocket-Protocol': 'anything' });
      assert.equal(one.response.statusCode, 101);
      assert.equal(one.response.headers['sec-websocket-protocol'], 'anything');
      one.socket?.destroy();
      const { response } = await shake({ 'Sec-WebSocket-Protocol': 'a, b' });
      assert.equal(response.statusCode, 400);
    });

    it('needs an origin, a key and version 13', async () => {
      assert.equal((await shake({ Origin: '' })).response.statusCode, 403);
      assert.equal((await shake({ Origin: 'nowhere' })).response.statusCode, 403);
      assert.equal((await shake({ 'Sec-WebSocket-Key': '' })).response.statusCode, 400);
      const { response } = await shake({ 'Sec-WebSocket-Version': '8' });
      assert.equal(response.statusCode, 400);
      assert.equal(response.headers['sec-websocket-version'], '13');
    });
  });
});

describe('watches over WebSocket in a server of the caller’s own', () => {
  const token = 'a-token.with/odd+signs';
  const user = { name: 'ann', groups: ['system:masters'] };
  const store = openMemoryStore();
  const api = createApiServer({
    store,
    types: builtinTypes(),
    authenticators: [certificateAuthenticator, tokenAuthenticator(new Map([[token, user]]))],
  });
  const server = createServer(api.handler).on('upgrade', api.upgrade);
  let url: string;

  before(async () => {
    await api.start();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(async () => {
    await api.stop();
    server.close();
    await store.close();
  });

  const bearer = (text: string): string =>
    `base64url.bearer.authorization.k8s.io.${Buffer.from(text).toString('base64url')}`;

  it('takes a bearer token as a sub-protocol and answers the other', async () => {
    const socket = new WebSocket(`${url}/api/v1/namespaces?watch=1`, [bearer(token), 'x'], { origin: 'http://x' });
    await once(socket, 'open');
    assert.equal(socket.protocol, 'x');
    socket.terminate();
  });

  for (const [title, protocols] of [
    ['alone', [bearer(token)]],
    ['that is wrong', [bearer('wrong'), 'x']],
    ['twice', [bearer(token), bearer('other'), 'x']],
  ] as const) {
    it(`refuses a token ${title}`, async () => {
      const socket = new WebSocket(`${url}/api/v1/namespaces?watch=1`, [...protocols], { origin: 'http://x' });
      socket.on('error', () => undefined);
      const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
      assert.equal(response.statusCode, 401);
      response.resume();
    });
  }

  it('prefers the header to the sub-protocol', async () => {
    const socket = new WebSocket(`${url}/api/v1/namespaces?watch=1`, ['x'], {
      origin: 'http://x',
      headers: { Authorization: `Bearer ${token}` },
    });
    await once(socket, 'open');
    assert.equal(socket.protocol, 'x');
    socket.terminate();
  });

  it('keeps nothing for a client that does not read, cuts it, and lives', async () => {
    const headers = { Authorization: `Bearer ${token}` };
    const send = async (method: string, path: string, body: unknown): Promise<void> => {
      const sent = request(`${url.replace('ws', 'http')}${path}`, {
        method,
        headers: { ...headers, 'Content-Type': 'application/json' },
      });
      sent.end(JSON.stringify(body));
      const [response] = (await once(sent, 'response')) as [IncomingMessage];
      response.resume();
      assert.ok((response.statusCode ?? 0) < 300, `${response.statusCode}`);
      await once(response, 'end');
    };
    const path = '/api/v1/namespaces/default/configmaps';
    await send('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } });
    await send('POST', path, configMap('big'));
    const key = createHash('md5').update('x').digest('base64');
    const sent = request(`${url.replace('ws', 'http')}${path}?watch=1`, {
      headers: {
        ...headers,
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        Origin: 'http://x',
        'Sec-WebSocket-Key': key,
        'Sec-WebSocket-Version': '13',
      },
    });
    sent.end();
    const [, socket] = (await once(sent, 'upgrade')) as [IncomingMessage, Duplex];
    socket.pause();
    const closed = once(socket, 'close');
    socket.on('error', () => undefined);
    // What fills the buffers of the kernel on both sides, and then what leaves the window.
    const data = { text: 'x'.repeat(500_000) };
    for (let i = 0; i < 30; i++)
      await send('PUT', `${path}/big`, configMap('big', { data: { ...data, i: String(i) } }));
    const { served } = await api.request(localList(user));
    const small = { namespace: 'default', name: 'small' };
    await send('POST', path, configMap('small'));
    const context = { now: 0, user, dryRun: false, authorizer: alwaysAllow };
    for (let i = 0; i < 11_500; i++) {
      await served.store.overwrite(
        small.namespace,
        small.name,
        (draft) => {
          draft.data = { i: String(i) };
        },
        context,
      );
    }
    socket.resume();
    await closed;
    await send('PUT', `${path}/big`, configMap('big'));
  });
});

const localList = (user: { name: string; groups: string[] }) => ({
  verb: 'list' as const,
  group: '',
  version: 'v1',
  resource: 'configmaps',
  namespace: 'default',
  name: '',
  subresource: '',
  query: new URLSearchParams(),
  user,
  userAgent: '',
  body: undefined,
  signal: new AbortController().signal,
});
