/** What somebody on the network may try against the surface, over real HTTPS: one test for each claim of docs/security.md. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { type ConnectionOptions, connect } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { isAllowedTarget } from '../../src/crd/service-targets.ts';
import { type Api, assertFailure, configMap, startApi } from './support/api.ts';

const collection = '/api/v1/namespaces/default/configmaps';

describe('attacks on the surface', () => {
  let api: Api;
  /** All that the server logs. */
  const said: string[] = [];
  const say = (fields: object, message: string): void => void said.push(`${message} ${JSON.stringify(fields)}`);
  before(async () => {
    api = await startApi({
      log: { debug: say, info: say, warn: say, error: say },
      surface: { strictTransportSecurity: 'max-age=31536000; includeSubDomains', inFlight: { reads: 50, writes: 50 } },
    });
    await api.ok('POST', collection, configMap('a'));
  });
  afterEach('the server lives', async () => {
    assert.equal((await api.send('GET', `${collection}/a`)).code, 200);
  });
  after(() => api[Symbol.asyncDispose]());

  const port = (): number => Number(new URL(api.endpoint.url).port);

  describe('TLS', () => {
    const handshake = async (options: ConnectionOptions): Promise<string> => {
      const ca = api.endpoint.pki.authority.certificate;
      const socket = connect({ host: '127.0.0.1', port: port(), ca, ...options });
      try {
        await once(socket, 'secureConnect');
        return `${socket.getProtocol()} ${socket.getCipher().standardName}`;
      } finally {
        socket.destroy();
      }
    };

    it('is 1.3, or 1.2 with forward secrecy and authenticated encryption', async () => {
      assert.match(await handshake({}), /^TLSv1\.3 TLS_/);
      assert.match(
        await handshake({ maxVersion: 'TLSv1.2' }),
        /^TLSv1\.2 TLS_ECDHE_(RSA|ECDSA)_WITH_\w+_(GCM|POLY1305)_/,
      );
    });

    for (const version of ['TLSv1', 'TLSv1.1'] as const) {
      it(`is not ${version}`, async () => {
        const old = { minVersion: version, maxVersion: version, ciphers: 'ALL:@SECLEVEL=0' };
        await assert.rejects(handshake(old), /alert (protocol version|handshake failure)/);
      });
    }

    for (const cipher of ['AES128-SHA', 'AES256-GCM-SHA384', 'ECDHE-RSA-AES128-SHA256', 'ECDHE-ECDSA-AES128-SHA']) {
      it(`does not take ${cipher}`, async () => {
        const weak = { maxVersion: 'TLSv1.2', ciphers: `${cipher}:@SECLEVEL=0` } as const;
        await assert.rejects(handshake(weak), /alert handshake failure/);
      });
    }
  });

  it('are told to browsers not to be made over HTTP, on every answer', async () => {
    for (const path of [`${collection}/a`, '/version', '/nope', `${collection}/none`]) {
      const { headers } = await api.send('GET', path);
      assert.equal(headers['strict-transport-security'], 'max-age=31536000; includeSubDomains', path);
      assert.equal(headers['cache-control'], 'no-cache, private', path);
    }
    assert.equal((await api.send('GET', '/nope')).headers['x-content-type-options'], 'nosniff');
  });

  describe('by path', () => {
    it('cannot climb: dots are names, escaped or not', async () => {
      const { authority, admin } = api.endpoint.pki;
      const exchange = async (target: string): Promise<string> => {
        const socket = connect({ port: port(), ca: authority.certificate, cert: admin.certificate, key: admin.key });
        socket.write(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
        let text = '';
        for await (const chunk of socket) text += chunk;
        return text;
      };
      for (const target of [
        '/api/v1/namespaces/default/configmaps/../secrets/x',
        '/api/v1/namespaces/default/configmaps/%2e%2e/%2e%2e/../../etc/passwd',
        '/healthz/../api/v1/secrets',
        '//api/v1/secrets',
      ]) {
        const answer = await exchange(target);
        assert.match(answer, /^HTTP\/1\.1 (400|404|405) /, target);
        assert.doesNotMatch(answer, /SecretList|root:/, target);
      }
    });

    it('is authorized as what it is after unescaping', async () => {
      const as = { 'Impersonate-User': 'ann' };
      for (const path of [
        '/api/v1/namespaces/default%2fsecrets',
        '/api/v1/%6eamespaces/default/secrets/%78',
        '/api%2Fv1/secrets',
      ]) {
        assert.equal((await api.send('GET', path, { headers: as })).code, 403, path);
      }
      const open = await api.send('GET', '/livez/..%2f..%2fapi/v1/secrets', { anonymous: true });
      assert.ok(open.code === 401 || open.code === 404, String(open.code));
    });

    it('holds no NUL, no broken escape, no line', async () => {
      assert.equal((await api.send('GET', `${collection}/%ff`)).code, 400);
      assert.equal((await api.send('GET', `${collection}/%`)).code, 400);
      assert.equal((await api.send('GET', `${collection}/a%00`)).code, 404);
      const redirect = await api.send('GET', `${collection}/%0d%0aLocation:%20http://evil`);
      assert.deepEqual([redirect.code, redirect.headers.location], [404, undefined]);
    });
  });

  describe('by size', () => {
    it('of a body: 3 MiB, whatever its length says', async () => {
      const big = 'x'.repeat(3 * 1024 * 1024);
      const answer = await api.send('POST', collection, { body: configMap('big', { data: { big } }) });
      assertFailure(answer, 413, 'RequestEntityTooLarge', 'Request entity too large: limit is 3145728');
    });

    it('of a nesting', async () => {
      const depth = 1_000_000;
      for (const body of [
        '['.repeat(depth),
        `{"metadata":${'{"a":'.repeat(depth / 2)}`,
        `${'{"a":['.repeat(9000)}${']}'.repeat(9000)}`,
      ]) {
        const answer = await api.send('POST', collection, { body });
        assert.equal(answer.code, 400, answer.text.slice(0, 200));
      }
      const yaml = await api.send('POST', collection, { body: '- '.repeat(20_000), type: 'application/yaml' });
      assert.equal(yaml.code, 400, yaml.text.slice(0, 200));
    });

    it('of aliases that multiply', async () => {
      const lines = ['a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]'];
      for (let i = 1; i < 12; i++)
        lines.push(
          `a${i}: &a${i} [${Array(10)
            .fill(`*a${i - 1}`)
            .join(', ')}]`,
        );
      const began = performance.now();
      const answer = await api.send('POST', collection, { body: lines.join('\n'), type: 'application/yaml' });
      assert.equal(answer.code, 400);
      assert.match(answer.text, /excessive aliasing/);
      assert.ok(performance.now() - began < 2000);
    });

    it('of what is compressed: bodies are taken as they are', async () => {
      const bomb = gzipSync(Buffer.alloc(50 * 1024 * 1024, 0x20));
      const answer = await api.send('POST', collection, { body: bomb, headers: { 'Content-Encoding': 'gzip' } });
      assert.equal(answer.code, 400, answer.text.slice(0, 200));
    });

    it('of many names, which objects do not mistake for their own', async () => {
      const body = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"proto","__proto__":{"labels":{"polluted":"yes"}}},"data":{"constructor":"x"}}`;
      assert.equal((await api.send('POST', collection, { body })).code, 201);
      await api.send('PATCH', `${collection}/proto`, {
        body: '{"__proto__":{"polluted":"yes"},"metadata":{"__proto__":{"polluted":"yes"}}}',
        type: 'application/merge-patch+json',
      });
      assert.equal(({} as { polluted?: string }).polluted, undefined);
    });
  });

  it('by many connections that say nothing leave the others theirs', async () => {
    const idle = await Promise.all(
      Array.from({ length: 200 }, async () => {
        const socket = connectTcp(port(), '127.0.0.1').on('error', () => undefined);
        await once(socket, 'connect');
        return socket;
      }),
    );
    const began = performance.now();
    assert.equal((await api.send('GET', '/livez')).code, 200);
    assert.ok(performance.now() - began < 1000);
    for (const socket of idle) socket.destroy();
  });

  it('by guessing tokens are slowed down, for their address alone', async () => {
    const codes = await Promise.all(
      Array.from({ length: 150 }, async (_, index) => {
        const { code } = await api.send('GET', '/version', {
          headers: { Authorization: `Bearer guess-${index}` },
          anonymous: true,
        });
        return code;
      }),
    );
    assert.ok(codes.includes(401) && codes.includes(429), codes.join());
    assert.ok(!codes.includes(200));
    // Certificates are no guesses.
    assert.equal((await api.send('GET', '/version')).code, 200);
  });

  it('by groups alone impersonate nobody', async () => {
    for (const header of ['Impersonate-Group', 'Impersonate-Uid', 'Impersonate-Extra-Scopes']) {
      const answer = await api.send('GET', collection, { headers: { [header]: 'system:masters' } });
      assert.equal(answer.code, 500);
      assert.match(answer.json.message, /without impersonating a user/);
    }
  });

  describe('by webhooks and proxies', () => {
    it('do not reach what answers only neighbours', () => {
      const refused = [
        '169.254.169.254',
        '169.254.0.1',
        '::ffff:169.254.169.254',
        '::ffff:a9fe:a9fe',
        'fe80::1',
        'fd00:ec2::254',
        '100.100.100.200',
        '168.63.129.16',
        '0.0.0.0',
        '::',
        '224.0.0.1',
        '255.255.255.255',
        'ff02::1',
      ];
      assert.deepEqual(refused.filter(isAllowedTarget), []);
      const allowed = ['127.0.0.1', '::1', '10.0.0.1', '192.168.1.1', '8.8.8.8', '2001:db8::1', 'fd00::1'];
      assert.deepEqual(allowed.filter(isAllowedTarget), allowed);
    });

    for (const host of ['169.254.169.254', '[::ffff:169.254.169.254]', '0xa9fea9fe', '2852039166']) {
      it(`do not call ${host}`, async () => {
        const name = 'metadata.example.com';
        const kind = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';
        await api.ok('POST', kind, {
          metadata: { name },
          webhooks: [
            {
              name,
              clientConfig: { url: `https://${host}/latest/meta-data` },
              rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['limitranges'] }],
              sideEffects: 'None',
              admissionReviewVersions: ['v1'],
            },
          ],
        });
        await api.cluster.eventually(async () => {
          const answer = await api.send('POST', '/api/v1/namespaces/default/limitranges?dryRun=All', {
            body: { metadata: { name: 'x' }, spec: { limits: [] } },
          });
          if (answer.code === 201) return false;
          assert.equal(answer.code, 500);
          assert.match(answer.json.message, /address is not allowed/);
          return true;
        });
        await api.ok('DELETE', `${kind}/${name}`);
      });
    }

    it('do not lead back to this machine by a Service', async () => {
      await api.ok('POST', '/api/v1/namespaces/default/services', {
        metadata: { name: 'inward' },
        spec: { clusterIP: 'None', ports: [{ port: 80 }] },
      });
      for (const address of ['127.0.0.1', '169.254.169.254']) {
        const slice = await api.send('POST', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
          body: {
            metadata: { name: 'inward', labels: { 'kubernetes.io/service-name': 'inward' } },
            addressType: 'IPv4',
            endpoints: [{ addresses: [address] }],
            ports: [{ port: 80 }],
          },
        });
        assertFailure(slice, 422, 'Invalid', /may not be in the (loopback|link-local) range/);
      }
    });
  });

  it('find no secret in what the server says of itself', async () => {
    const secret = 'aardvark-secret';
    await api.send('POST', '/api/v1/namespaces/default/secrets', {
      body: { metadata: { name: 's' }, stringData: { k: secret } },
    });
    const answers = await Promise.all([
      api.send('POST', '/api/v1/namespaces/default/secrets', {
        body: { metadata: { name: 's' }, stringData: { k: secret } },
      }),
      api.send('GET', collection, { headers: { Authorization: `Bearer ${secret}` }, anonymous: true }),
      api.send('GET', collection, { headers: { Authorization: `Basic ${btoa(`admin:${secret}`)}` }, anonymous: true }),
      api.send('GET', '/metrics'),
    ]);
    for (const { text } of answers)
      assert.doesNotMatch(text, new RegExp(`${secret}|${btoa(secret).replace(/=+$/, '')}`));
    assert.equal(said.join('').includes(secret), false);
  });
});
