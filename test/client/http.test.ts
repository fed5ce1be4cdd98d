/** The HTTP transport against servers that misbehave. */
import assert from 'node:assert/strict';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { createAuthority, issueClientCertificate, issueServingCertificate } from '../../src/auth/certificates.ts';
import {
  ConfigMap,
  createClient,
  type HttpTransportOptions,
  httpTransport,
  type Transport,
} from '../../src/client/index.ts';
import { createVirtualClock } from '../../src/clock/virtual.ts';
import type { WatchEvent } from '../../src/machinery/object.ts';
import { StatusError } from '../../src/machinery/status.ts';

type Handler = (request: http.IncomingMessage, response: http.ServerResponse) => void;

const opened: { transport?: Transport; listener: Server & { closeAllConnections?(): void } }[] = [];

async function listen(listener: http.Server | https.Server): Promise<number> {
  opened.push({ listener });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  return (listener.address() as AddressInfo).port;
}

async function open(handler: Handler, options: Partial<HttpTransportOptions> = {}) {
  const requests: { method: string; url: string; body: string; headers: http.IncomingHttpHeaders }[] = [];
  const port = await listen(
    http.createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => (body += chunk));
      request.on('end', () => {
        requests.push({ method: request.method ?? '', url: request.url ?? '', body, headers: request.headers });
        handler(request, response);
      });
    }),
  );
  const transport = httpTransport({ server: `http://127.0.0.1:${port}`, ...options });
  opened.at(-1)!.transport = transport;
  return { transport, requests, maps: createClient(transport).resource(ConfigMap) };
}

function json(response: http.ServerResponse, code: number, body: object, headers: http.OutgoingHttpHeaders = {}): void {
  response.writeHead(code, { 'Content-Type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

const object = (name: string, resourceVersion = '1') => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace: 'a', name, resourceVersion },
});
const line = (type: string, body: object): string => `${JSON.stringify({ type, object: body })}\n`;
const key = { namespace: 'a', name: 'one' };

/** Follows a watch to its end. */
function follow(transport: Transport, options = {}) {
  const events: WatchEvent[] = [];
  const batches: number[] = [];
  let ended: (error: Error | undefined) => void = () => undefined;
  const end = new Promise<Error | undefined>((resolve) => (ended = resolve));
  const watch = transport.watch(
    { target: { group: '', version: 'v1', resource: 'configmaps' }, options },
    {
      events(batch) {
        batches.push(batch.length);
        events.push(...batch);
      },
      ended: (error) => ended(error),
    },
  );
  return {
    events,
    batches,
    end,
    close: () => watch.close(),
    names: () => events.map(({ object }) => object.metadata.name),
  };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

describe('HTTP transport', () => {
  afterEach(async () => {
    for (const { transport, listener } of opened.splice(0)) {
      await transport?.close();
      listener.closeAllConnections?.();
      await new Promise((resolve) => listener.close(resolve));
    }
  });

  it('asks as the API says', async () => {
    const { transport, requests, maps } = await open((_, response) => json(response, 200, object('one')), {
      token: 'secret',
      userAgent: 'test/1',
    });
    await maps.get(key);
    await maps.apply({ metadata: key, data: { a: '1' } }, { fieldManager: 'me', force: true });
    await maps.patch(key, { data: null }, { dryRun: 'All', fieldValidation: 'Strict' });
    await maps.delete(key, { propagationPolicy: 'Foreground', dryRun: 'All' });
    await transport.request({
      verb: 'create',
      target: { group: 'a.b', version: 'v1', resource: 'things', name: 'system:x/y', subresource: 'deep/er' },
      body: { big: 9007199254740993n },
    });
    assert.deepEqual(
      requests.map(({ method, url, body }) => `${method} ${url} ${body}`),
      [
        'GET /api/v1/namespaces/a/configmaps/one ',
        'PATCH /api/v1/namespaces/a/configmaps/one?fieldManager=me&force=true {"apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":"a","name":"one"},"data":{"a":"1"}}',
        'PATCH /api/v1/namespaces/a/configmaps/one?dryRun=All&fieldValidation=Strict {"data":null}',
        'DELETE /api/v1/namespaces/a/configmaps/one {"apiVersion":"v1","kind":"DeleteOptions","propagationPolicy":"Foreground","dryRun":["All"]}',
        'POST /apis/a.b/v1/things/system%3Ax%2Fy/deep/er {"big":9007199254740993}',
      ],
    );
    assert.deepEqual(
      requests.map(({ headers }) => headers['content-type']),
      [
        undefined,
        'application/apply-patch+yaml',
        'application/merge-patch+json',
        'application/json',
        'application/json',
      ],
    );
    assert.equal(requests[0]?.headers.authorization, 'Bearer secret');
    assert.equal(requests[0]?.headers['user-agent'], 'test/1');
  });

  it('keeps its connections', async () => {
    const ports = new Set<number>();
    const { maps } = await open((request, response) => {
      ports.add(request.socket.remotePort ?? 0);
      json(response, 200, object('one'));
    });
    for (let i = 0; i < 5; i++) await maps.get(key);
    assert.equal(ports.size, 1);
  });

  it('makes a StatusError of any failure', async () => {
    const answers: [number, string][] = [
      [422, JSON.stringify({ kind: 'Status', code: 422, reason: 'Invalid', message: 'no', details: { name: 'one' } })],
      [403, 'not you'],
      [502, '<html>bad gateway</html>'],
      [404, '404 page not found'],
      [410, JSON.stringify({ kind: 'Status', reason: 'Gone', message: 'too old' })],
    ];
    let n = 0;
    const { maps } = await open((_, response) => {
      const [code, body] = answers[n++]!;
      response.writeHead(code);
      response.end(body);
    });
    const seen: string[] = [];
    for (const _ of answers) {
      await maps.get(key).catch((error: StatusError) => {
        assert.ok(error instanceof StatusError);
        seen.push(`${error.code} ${error.reason}: ${error.message}`);
      });
    }
    assert.deepEqual(seen, [
      '422 Invalid: no',
      '403 Forbidden: not you',
      '502 : the server responded with the status code 502 but did not return more information',
      '404 NotFound: the server could not find the requested resource',
      '410 Expired: too old',
    ]);
  });

  it('waits and asks again when the server says so, where asking twice does no harm', async () => {
    const clock = createVirtualClock();
    let refusals = 2;
    const { maps, requests } = await open(
      (_, response) => {
        if (refusals-- > 0) json(response, 429, { kind: 'Status', message: 'slow down' }, { 'Retry-After': '7' });
        else json(response, 200, object('one'));
      },
      { clock },
    );
    const answer = maps.get(key);
    await until(() => requests.length === 1 && clock.nextTimer() === clock.now() + 7_000);
    await clock.advance(7_000);
    await until(() => requests.length === 2 && clock.nextTimer() === clock.now() + 7_000);
    await clock.advance(7_000);
    assert.equal((await answer).metadata.name, 'one');
    refusals = 1;
    await assert.rejects(
      maps.create({ metadata: key }),
      (error: StatusError) => error.code === 429 && error.message === 'slow down',
    );
    refusals = 1;
    await assert.rejects(
      maps.patch(key, [], { type: 'application/json-patch+json' }),
      (error: StatusError) => error.code === 429,
    );
  });

  it('does not retry a 503 that names no time', async () => {
    const { maps, requests } = await open((_, response) => json(response, 503, { kind: 'Status', message: 'down' }));
    await assert.rejects(maps.get(key), /down/);
    assert.equal(requests.length, 1);
  });

  it('asks again when a kept connection turns out to be closed', async () => {
    let seen = 0;
    const { maps } = await open((request, response) => {
      if (++seen === 2) request.socket.resetAndDestroy();
      else json(response, 200, object('one'));
    });
    await maps.get(key);
    assert.equal((await maps.get(key)).metadata.name, 'one');
    assert.equal(seen, 3);
  });

  it('gives up an answer that does not come', async () => {
    const clock = createVirtualClock();
    const { maps, requests, transport } = await open(() => undefined, { clock, timeout: 5_000 });
    const answer = assert.rejects(maps.get(key), /no answer within 5000 ms/);
    const log = assert.rejects(createClient(transport).logs(key), /no answer within 5000 ms/);
    await until(() => requests.length === 2);
    await clock.advance(5_000);
    await Promise.all([answer, log]);
  });

  it('can be called off', async () => {
    const { maps, requests, transport } = await open(() => undefined);
    const abort = new AbortController();
    const { signal } = abort;
    const answer = assert.rejects(maps.get(key, { signal }), /enough/);
    const log = assert.rejects(createClient(transport).logs(key, { signal }), /enough/);
    await until(() => requests.length === 2);
    abort.abort(new Error('enough'));
    await Promise.all([answer, log]);
  });

  it('says when nobody listens', async () => {
    const { maps } = await open(() => undefined);
    const { listener } = opened[0]!;
    await new Promise((resolve) => listener.close(resolve));
    await assert.rejects(maps.get(key), { code: 'ECONNREFUSED' });
    listener.listen(0);
  });

  it('passes warnings on', async () => {
    const warnings: string[] = [];
    const { maps } = await open(
      (_, response) =>
        json(response, 200, object('one'), { Warning: ['299 - "first, \\"quoted\\""', '299 - "second"'] }),
      { onWarning: (text) => warnings.push(text) },
    );
    await maps.get(key);
    assert.deepEqual(warnings, ['first, "quoted"', 'second']);
  });

  it('fills in what items of a list have in common', async () => {
    const { maps } = await open((_, response) =>
      json(response, 200, { kind: 'ConfigMapList', metadata: {}, items: [{ metadata: { name: 'one' } }] }),
    );
    const { items } = await maps.list();
    assert.deepEqual(items, [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'one' } }]);
    assert.ok(Object.isFrozen(items[0]));
  });

  it('streams logs, and stops when it is told to', async () => {
    let closed = false;
    const { transport, requests } = await open((_, response) => {
      response.on('close', () => (closed = true));
      response.write('first\n');
    });
    const abort = new AbortController();
    const log = await createClient(transport).logs(key, { follow: true, tailLines: 5, signal: abort.signal });
    const read = async (): Promise<void> => {
      for await (const chunk of log) {
        assert.equal(Buffer.from(chunk).toString(), 'first\n');
        abort.abort(new Error('enough'));
      }
    };
    await assert.rejects(read(), /enough/);
    await until(() => closed);
    assert.equal(requests[0]?.url, '/api/v1/namespaces/a/pods/one/log?follow=true&tailLines=5');
  });

  describe('watches', () => {
    it('put lines together however they are cut', async () => {
      const text = Buffer.from(
        line('ADDED', object('grüße')) + line('MODIFIED', object('two')) + line('DELETED', object('three')),
      );
      const { transport } = await open((_, response) => {
        const send = (at: number): void => {
          if (at >= text.length) return void response.end();
          response.write(text.subarray(at, at + 7), () => setImmediate(send, at + 7));
        };
        send(0);
      });
      const watch = follow(transport);
      assert.equal(await watch.end, undefined);
      assert.deepEqual(watch.names(), ['grüße', 'two', 'three']);
      assert.ok(Object.isFrozen(watch.events[0]?.object.metadata));
    });

    it('hand over together what arrives together', async () => {
      const { transport } = await open((_, response) => response.end(line('ADDED', object('one')).repeat(20)));
      const watch = follow(transport);
      await watch.end;
      assert.deepEqual(watch.batches, [20]);
    });

    it('end with the error that the server sends, as Expired when history is gone', async () => {
      const status = { kind: 'Status', code: 410, reason: 'Gone', message: 'too old resource version: 1 (5)' };
      const { transport } = await open((_, response) =>
        response.end(line('ADDED', object('one')) + line('ERROR', status) + line('ADDED', object('never'))),
      );
      const watch = follow(transport);
      const error = await watch.end;
      assert.ok(error instanceof StatusError);
      assert.deepEqual([error.code, error.reason, error.message], [410, 'Expired', status.message]);
      assert.deepEqual(watch.names(), ['one']);
    });

    it('end with an error when the connection breaks', async () => {
      const { transport } = await open((_, response) => {
        response.write(line('ADDED', object('one')));
        setImmediate(() => response.destroy());
      });
      assert.ok((await follow(transport).end) instanceof Error);
    });

    it('end with an error when something else than events comes', async () => {
      const { transport } = await open((_, response) => response.end('{"kind":"ConfigMapList"}\n'));
      assert.match(String(await follow(transport).end), /something that is no event/);
    });

    it('end when they are silent for long, if there should be bookmarks', async () => {
      const clock = createVirtualClock();
      let responses = 0;
      const { transport } = await open(
        (_, response) => {
          responses++;
          response.write(line('ADDED', object('one')));
        },
        { clock, idleTimeout: 60_000 },
      );
      const quiet = follow(transport);
      const watch = follow(transport, { allowWatchBookmarks: true });
      await until(() => watch.events.length === 1 && quiet.events.length === 1 && responses === 2);
      await clock.advance(60_000);
      assert.match(String(await watch.end), /silent for 60000 ms/);
      assert.equal(quiet.events.length, 1);
      quiet.close();
    });

    it('end when the server does not answer', async () => {
      const clock = createVirtualClock();
      const { transport, requests } = await open(() => undefined, { clock, timeout: 5_000 });
      const watch = follow(transport);
      await until(() => requests.length === 1);
      await clock.advance(5_000);
      assert.match(String(await watch.end), /no answer within 5000 ms/);
    });

    it('may be many', async () => {
      const leaks: Error[] = [];
      const onWarning = (warning: Error): void => {
        if (warning.name === 'MaxListenersExceededWarning') leaks.push(warning);
      };
      process.on('warning', onWarning);
      const { transport } = await open((_, response) => response.end(line('ADDED', object('one'))));
      const watches = Array.from({ length: 20 }, () => follow(transport));
      await Promise.all(watches.map(({ end }) => end));
      await new Promise((resolve) => setImmediate(resolve));
      process.off('warning', onWarning);
      assert.deepEqual(leaks, []);
    });

    it('let go of the connection when they are closed', async () => {
      let closed = false;
      const { transport } = await open((_, response) => {
        response.on('close', () => (closed = true));
        response.write(line('ADDED', object('one')));
      });
      const watch = follow(transport);
      await until(() => watch.events.length === 1);
      watch.close();
      await until(() => closed);
      assert.equal(watch.events.length, 1);
    });
  });

  describe('TLS', () => {
    const now = Date.now();
    const secure = async (handler: Handler) => {
      const authority = await createAuthority('test-ca', now);
      const serving = await issueServingCertificate(
        authority,
        { commonName: 'server' },
        { dns: ['api.example'], ips: ['127.0.0.1'] },
        now,
      );
      const client = await issueClientCertificate(authority, { commonName: 'jane', organizations: ['devs'] }, now);
      const port = await listen(
        https.createServer(
          {
            key: serving.key,
            cert: serving.certificate,
            ca: authority.certificate,
            requestCert: true,
            rejectUnauthorized: false,
          },
          handler,
        ),
      );
      return { server: `https://127.0.0.1:${port}`, authority, client };
    };
    const connect = (options: HttpTransportOptions) => {
      const transport = httpTransport(options);
      opened.at(-1)!.transport = transport;
      return createClient(transport).resource(ConfigMap);
    };
    const whoAmI: Handler = (request, response) => {
      const socket = request.socket as TLSSocket;
      json(response, 200, object(socket.authorized ? String(socket.getPeerCertificate().subject.CN) : 'nobody'));
    };

    it('shows its certificate and checks the server’s', async () => {
      const { server, authority, client } = await secure(whoAmI);
      const ca = authority.certificate;
      const maps = connect({ server, ca, cert: client.certificate, key: client.key });
      assert.equal((await maps.get(key)).metadata.name, 'jane');
      assert.equal((await connect({ server, ca }).get(key)).metadata.name, 'nobody');
      assert.equal((await connect({ server, ca, tlsServerName: 'api.example' }).get(key)).metadata.name, 'nobody');
      await assert.rejects(connect({ server }).get(key), { code: 'SELF_SIGNED_CERT_IN_CHAIN' });
      await assert.rejects(connect({ server, ca, tlsServerName: 'other.example' }).get(key), {
        code: 'ERR_TLS_CERT_ALTNAME_INVALID',
      });
      assert.equal((await connect({ server, insecureSkipTlsVerify: true }).get(key)).metadata.name, 'nobody');
    });

    it('takes up a certificate that has changed', async () => {
      const { server, authority, client } = await secure(whoAmI);
      const other = await issueClientCertificate(authority, { commonName: 'john' }, now);
      let current = client;
      const maps = connect({
        server,
        ca: authority.certificate,
        credentials: async () => ({ cert: current.certificate, key: current.key }),
      });
      assert.equal((await maps.get(key)).metadata.name, 'jane');
      current = other;
      assert.equal((await maps.get(key)).metadata.name, 'john');
    });
  });
});
