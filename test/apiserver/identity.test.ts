/** Who may ask: certificates, tokens, nobody, and those who speak for others. */
import assert from 'node:assert/strict';
import { Agent } from 'node:https';
import { builtinTypes } from '../../src/apis/index.ts';
import { createServer } from '../../src/apiserver/server.ts';
import { certificateAuthenticator, tokenAuthenticator } from '../../src/auth/authenticate.ts';
import { createAuthority, issueClientCertificate } from '../../src/auth/certificates.ts';
import { listen } from '../../src/cluster/https-listener.ts';
import { clusterPki } from '../../src/cluster/pki.ts';
import { openMemoryStore } from '../../src/storage/index.ts';
import { type Api, assertFailure, configMap, startApi } from './support/api.ts';

const collection = '/api/v1/namespaces/default/configmaps';

describe('identity', () => {
  let api: Api;
  before(async () => {
    api = await startApi();
  });
  after(() => api[Symbol.asyncDispose]());

  const agentOf = async (commonName: string, organizations: string[], authority = api.endpoint.pki.authority) => {
    const pair = await issueClientCertificate(authority, { commonName, organizations }, Date.now());
    return new Agent({ ca: api.endpoint.pki.authority.certificate, cert: pair.certificate, key: pair.key });
  };

  it('is the certificate’s name and organizations', async () => {
    const agent = await agentOf('bob', ['devs', 'ops']);
    const answer = await api.send('GET', collection, { agent });
    assertFailure(
      answer,
      403,
      'Forbidden',
      'configmaps is forbidden: User "bob" cannot list resource "configmaps" in API group "" in the namespace "default"',
      { kind: 'configmaps' },
    );
    assert.equal((await api.send('GET', '/apis', { agent })).code, 200, 'everybody signed in may discover');
    agent.destroy();
  });

  it('is nobody when the certificate is from elsewhere', async () => {
    const agent = await agentOf('mallory', ['system:masters'], await createAuthority('elsewhere', Date.now()));
    const answer = await api.send('GET', collection, { agent });
    assert.ok(answer.code === 401 || answer.code === 403, `${answer.code}`);
    assert.doesNotMatch(answer.text, /mallory/);
    agent.destroy();
  });

  const anonymous: readonly [string, number][] = [
    ['/healthz', 200],
    ['/livez', 200],
    ['/livez/ping', 401],
    ['/readyz', 200],
    ['/version', 401],
    ['/', 401],
    ['/api', 401],
    ['/metrics', 401],
    ['/openapi/v2', 401],
    ['/healthzz', 401],
    [collection, 401],
  ];
  for (const [path, code] of anonymous) {
    it(`answers ${code} to nobody at ${path}`, async () => {
      const answer = await api.send('GET', path, { anonymous: true });
      assert.equal(answer.code, code);
      if (code === 401) assertFailure(answer, 401, 'Unauthorized', 'Unauthorized');
    });
  }

  it('names the path in refusals', async () => {
    const agent = await agentOf('bob', []);
    for (const path of ['/metrics', '/nope']) {
      const answer = await api.send('GET', path, { agent });
      assertFailure(answer, 403, 'Forbidden', `forbidden: User "bob" cannot get path "${path}"`, {});
    }
    agent.destroy();
  });

  it('names the object and the scope in refusals', async () => {
    const refusals: readonly [string, string, string][] = [
      [
        'GET',
        `${collection}/a`,
        'configmaps "a" is forbidden: User "bob" cannot get resource "configmaps" in API group "" in the namespace "default"',
      ],
      [
        'GET',
        '/api/v1/nodes',
        'nodes is forbidden: User "bob" cannot list resource "nodes" in API group "" at the cluster scope',
      ],
      [
        'GET',
        '/apis/apps/v1/namespaces/default/deployments/d/scale',
        'deployments.apps "d" is forbidden: User "bob" cannot get resource "deployments/scale" in API group "apps" in the namespace "default"',
      ],
      [
        'DELETE',
        collection,
        'configmaps is forbidden: User "bob" cannot deletecollection resource "configmaps" in API group "" in the namespace "default"',
      ],
      [
        'GET',
        `${collection}?watch=1`,
        'configmaps is forbidden: User "bob" cannot watch resource "configmaps" in API group "" in the namespace "default"',
      ],
    ];
    const agent = await agentOf('bob', []);
    for (const [method, path, message] of refusals) {
      assertFailure(await api.send(method, path, { agent }), 403, 'Forbidden', message);
    }
    agent.destroy();
  });

  it('refuses credentials that nobody knows with 401', async () => {
    for (const authorization of ['Bearer nope', 'Basic YTpi', 'Bearer']) {
      const answer = await api.send('GET', '/version', { anonymous: true, headers: { Authorization: authorization } });
      assertFailure(answer, 401, 'Unauthorized', 'Unauthorized');
    }
  });

  describe('of someone else', () => {
    const as = (headers: Record<string, string>) => api.send('GET', collection, { headers });

    it('has their rights, no more', async () => {
      assertFailure(
        await as({ 'Impersonate-User': 'bob' }),
        403,
        'Forbidden',
        'configmaps is forbidden: User "bob" cannot list resource "configmaps" in API group "" in the namespace "default"',
      );
      assert.equal((await as({ 'Impersonate-User': 'bob', 'Impersonate-Group': 'system:masters' })).code, 200);
    });

    it('is for those who may', async () => {
      const agent = await agentOf('bob', []);
      const answer = await api.send('GET', '/api', { agent, headers: { 'Impersonate-User': 'alice' } });
      assertFailure(
        answer,
        403,
        'Forbidden',
        'users "alice" is forbidden: User "bob" cannot impersonate resource "users" in API group "" at the cluster scope',
      );
      const account = await api.send('GET', '/api', {
        agent,
        headers: { 'Impersonate-User': 'system:serviceaccount:default:robot' },
      });
      assertFailure(
        account,
        403,
        'Forbidden',
        'serviceaccounts "robot" is forbidden: User "bob" cannot impersonate resource "serviceaccounts" in API group "" in the namespace "default"',
      );
      agent.destroy();
    });

    it('needs their name', async () => {
      const answer = await as({ 'Impersonate-Group': 'devs' });
      assert.equal(answer.code, 500);
      assert.match(answer.json.message, /without impersonating a user$/);
    });
  });

  it('of a bearer token is the table’s', async () => {
    const store = openMemoryStore();
    const server = createServer({
      store,
      types: builtinTypes(),
      authenticators: [
        certificateAuthenticator,
        tokenAuthenticator(new Map([['secret', { name: 'root', groups: ['system:masters'] }]])),
      ],
    });
    await server.start();
    const pki = await clusterPki(undefined, '127.0.0.1', Date.now());
    const listener = await listen({
      handler: server.handler,
      serving: pki.serving,
      clientAuthority: pki.authority.certificate,
      bind: '127.0.0.1',
      port: 0,
    });
    const agent = new Agent({ ca: pki.authority.certificate });
    const { get } = await import('node:https');
    const code = (authorization: string): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        get(
          `https://127.0.0.1:${listener.port}/api/v1/nodes`,
          { agent, headers: { Authorization: authorization } },
          (response) => {
            response.resume();
            resolve(response.statusCode);
          },
        ).on('error', reject);
      });
    assert.equal(await code('Bearer secret'), 200);
    assert.equal(await code('bearer secret'), 200);
    assert.equal(await code('Bearer other'), 401);
    agent.destroy();
    const closed = listener.close();
    await server.stop();
    await closed;
    await store.close();
  });

  it('is kept per connection, and not mixed up between them', async () => {
    const bob = await agentOf('bob', []);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => api.send('GET', collection, i % 2 === 0 ? {} : { agent: bob })),
    );
    assert.deepEqual(
      answers.map(({ code }) => code),
      Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? 200 : 403)),
    );
    await api.ok('POST', collection, configMap('mine'));
    bob.destroy();
  });
});

describe('health', () => {
  let api: Api;
  before(async () => {
    api = await startApi();
  });
  after(() => api[Symbol.asyncDispose]());

  it('is ok, in one word or check by check', async () => {
    for (const endpoint of ['healthz', 'livez', 'readyz']) {
      const answer = await api.send('GET', `/${endpoint}`);
      assert.equal(answer.text, 'ok');
      assert.equal(answer.headers['content-type'], 'text/plain; charset=utf-8');
      const verbose = await api.send('GET', `/${endpoint}?verbose`);
      assert.match(verbose.text, new RegExp(`^\\[\\+\\]ping ok\\n[\\s\\S]*\\n${endpoint} check passed\\n$`));
      assert.equal((await api.send('GET', `/${endpoint}/ping`)).text, 'ok');
      assert.equal((await api.send('GET', `/${endpoint}/nope`)).code, 404);
    }
  });

  it('leaves out what is excluded', async () => {
    const answer = await api.send('GET', '/readyz?verbose&exclude=etcd&exclude=nope');
    assert.match(answer.text, /\[\+\]etcd excluded: ok\n/);
    assert.match(answer.text, /warn: some health checks cannot be excluded: no matches for "nope"\n/);
  });

  it('shows metrics', async () => {
    await api.send('GET', '/api/v1/nodes');
    const { text } = await api.send('GET', '/metrics');
    assert.match(text, /^apiserver_request_total\{verb="LIST",resource="nodes",code="200"\} 1$/m);
    assert.match(text, /^process_cpu_seconds_total /m);
  });
});
