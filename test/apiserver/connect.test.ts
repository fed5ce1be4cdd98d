/** Subresources that are connected to: who may, what admission sees, what is asked of nodes. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { AdmissionRequest } from '../../src/admission/chain.ts';
import type { Attributes } from '../../src/apis/authorizer.ts';
import { builtinTypes } from '../../src/apis/index.ts';
import type { NodeConnector } from '../../src/apis/resource-type.ts';
import { createServer as createApiServer } from '../../src/apiserver/server.ts';
import { tokenAuthenticator } from '../../src/auth/authenticate.ts';
import { createClient } from '../../src/client/client.ts';
import { inProcessTransport } from '../../src/client/in-process.ts';
import * as kinds from '../../src/client/kinds.ts';
import { forbiddenError } from '../../src/machinery/status.ts';
import { openMemoryStore } from '../../src/storage/index.ts';
import { duplexPair } from '../../src/streaming/duplex-pair.ts';
import { UpgradeRefused } from '../../src/streaming/upgrade.ts';

describe('connections', () => {
  /** What jane may do: `get pods/exec`. */
  let allowed: Set<string>;
  let asked: Attributes[];
  let admitted: AdmissionRequest[];
  let refused: boolean;
  let requested: object[];
  let port: number;
  let close: () => Promise<void>;
  const base = '/api/v1/namespaces/default';

  const nodes: NodeConnector = {
    containerLogs: () => assert.fail(),
    async exec(nodeName, ask) {
      requested.push({ nodeName, ...ask });
      if (ask.container === 'gone') throw new UpgradeRefused(500, 'container not found ("gone")');
      return async (streams) => {
        streams.stdout?.write('done');
        return 0;
      };
    },
    attach: () => assert.fail(),
    async portForward(nodeName, { namespace, pod }) {
      requested.push({ nodeName, namespace, pod });
      return async (wanted) => {
        const [near, far] = duplexPair();
        const backend = createServer((incoming, response) => {
          response.setHeader('X-Seen', `${wanted} ${incoming.method} ${incoming.url}`);
          incoming.pipe(response);
        });
        backend.emit('connection', far);
        return near;
      };
    },
    dialAgent: () => assert.fail(),
  };

  before(async () => {
    const store = openMemoryStore();
    const server = createApiServer({
      store,
      types: builtinTypes(),
      nodes,
      authenticators: [tokenAuthenticator(new Map([['jane', { name: 'jane', groups: [] }]]))],
      authorizers: [
        {
          authorize(attributes) {
            asked.push(attributes);
            const what =
              'path' in attributes ? '' : `${attributes.verb} ${attributes.resource}/${attributes.subresource}`;
            return { verdict: allowed.has(what) ? 'allow' : 'no opinion', reason: '' };
          },
        },
      ],
      admission: [
        {
          name: 'Watcher',
          validate(admission) {
            if (admission.operation !== 'CONNECT') return;
            admitted.push(admission);
            if (refused) throw forbiddenError({ group: '', name: 'pods' }, admission.name, 'not today');
          },
        },
      ],
    });
    await server.start();
    const transport = inProcessTransport(server, { user: { name: 'admin', groups: ['system:masters'] } });
    const client = createClient(transport);
    await client.resource(kinds.Namespace).create({ metadata: { name: 'default' } });
    const containers = [{ name: 'main', image: 'any', ports: [{ containerPort: 8080 }] }];
    const metadata = { namespace: 'default' };
    const pods = client.resource(kinds.Pod);
    await pods.create({ metadata: { ...metadata, name: 'web' }, spec: { nodeName: 'node-1', containers } });
    await pods.create({ metadata: { ...metadata, name: 'waiting' }, spec: { containers } });
    const two = [...containers, { name: 'gone', image: 'any' }];
    await pods.create({ metadata: { ...metadata, name: 'two' }, spec: { nodeName: 'node-1', containers: two } });
    const web = await pods.get({ namespace: 'default', name: 'web' });
    await pods.updateStatus({ ...web, status: { podIP: '127.0.0.1', podIPs: [{ ip: '127.0.0.1' }] } });
    const http = createServer(server.handler).on('upgrade', server.upgrade).listen(0, '127.0.0.1');
    await once(http, 'listening');
    port = (http.address() as AddressInfo).port;
    close = async () => {
      http.close();
      http.closeAllConnections();
      await transport.close();
      await server.stop();
      await store.close();
    };
  });
  after(() => close());
  beforeEach(() => {
    allowed = new Set();
    for (const resource of ['exec', 'portforward', 'proxy'])
      for (const verb of ['get', 'create']) allowed.add(`${verb} pods/${resource}`);
    asked = [];
    admitted = [];
    requested = [];
    refused = false;
  });

  async function send(
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body?: string,
  ): Promise<{ code: number; message: string; text: string; headers: IncomingMessage['headers'] }> {
    const sent = request({
      host: '127.0.0.1',
      port,
      method,
      path,
      headers: { authorization: 'Bearer jane', ...headers },
    });
    sent.end(body);
    const answer = await Promise.race([
      once(sent, 'response').then(([response]) => response as IncomingMessage),
      once(sent, 'upgrade').then(([response, socket]) => {
        socket.destroy();
        return response as IncomingMessage;
      }),
    ]);
    const said = answer.statusCode === 101 ? '' : await text(answer);
    const message = answer.headers['content-type'] === 'application/json' ? JSON.parse(said).message : said;
    return { code: answer.statusCode!, message, text: said, headers: answer.headers };
  }

  const spdy = { connection: 'Upgrade', upgrade: 'SPDY/3.1', 'x-stream-protocol-version': 'v4.channel.k8s.io' };

  it('take the verb of their method, and create in any case', async () => {
    const exec = `${base}/pods/web/exec?command=ls`;
    const attempt = async (method: string, ...may: string[]): Promise<number> => {
      allowed = new Set(may);
      return (await send(method, exec)).code;
    };
    // 400: it would have gone on, had it asked for an upgrade.
    assert.equal(await attempt('GET', 'get pods/exec', 'create pods/exec'), 400);
    assert.equal(await attempt('POST', 'create pods/exec'), 400);
    assert.equal(await attempt('GET', 'get pods/exec'), 403);
    assert.equal(await attempt('GET', 'create pods/exec'), 403);
    assert.equal(await attempt('POST', 'get pods/exec'), 403);
    assert.equal(await attempt('GET', 'get pods/', 'create pods/'), 403);
    allowed = new Set(['get pods/proxy']);
    assert.equal((await send('GET', `${base}/pods/web/proxy/`)).code, 200);
    assert.equal((await send('POST', `${base}/pods/web/proxy/`)).code, 403);
    assert.equal((await send('DELETE', `${base}/pods/web/exec`)).code, 403);
    allowed = new Set(['delete pods/exec']);
    assert.equal((await send('DELETE', `${base}/pods/web/exec`)).code, 405);
  });

  it('are admitted with their options, before anything is looked for', async () => {
    await send('POST', `${base}/pods/web/exec?command=sh&command=-c&stdin=true&tty=1&container=main`);
    await send('GET', `${base}/pods/web/portforward?ports=80&ports=81,82`);
    await send('GET', `${base}/pods/web:8080/proxy/some/path`);
    const seen = admitted.map(({ kind, resource, subresource, name, object, namespace }) => [
      `${resource}/${subresource} ${namespace}/${name} ${kind}`,
      object,
    ]);
    assert.deepEqual(seen, [
      [
        'pods/exec default/web PodExecOptions',
        {
          kind: 'PodExecOptions',
          apiVersion: 'v1',
          stdin: true,
          stdout: true,
          stderr: true,
          tty: true,
          container: 'main',
          command: ['sh', '-c'],
        },
      ],
      [
        'pods/portforward default/web PodPortForwardOptions',
        { kind: 'PodPortForwardOptions', apiVersion: 'v1', ports: [80, 81, 82] },
      ],
      [
        'pods/proxy default/web:8080 PodProxyOptions',
        { kind: 'PodProxyOptions', apiVersion: 'v1', path: '/some/path' },
      ],
    ]);
    refused = true;
    const answer = await send('POST', `${base}/pods/nobody/exec?command=ls`, spdy);
    assert.deepEqual([answer.code, answer.message], [403, 'pods "nobody" is forbidden: not today']);
    assert.deepEqual(
      requested.filter((one) => 'command' in one),
      [],
    );
  });

  it('are refused in words, as long as HTTP is spoken', async () => {
    const refusal = async (path: string, headers = spdy): Promise<string> => {
      const { code, message } = await send('POST', `${base}/${path}`, headers);
      return `${code} ${message}`;
    };
    assert.equal(await refusal('pods/nobody/exec'), '404 pods "nobody" not found');
    assert.equal(await refusal('pods/web/exec?container=x'), '400 container x is not valid for pod web');
    assert.equal(await refusal('pods/waiting/exec'), '400 pod waiting does not have a host assigned');
    assert.equal(await refusal('pods/waiting/portforward'), '400 pod waiting does not have a host assigned');
    assert.equal(
      await refusal('pods/two/exec'),
      '400 a container name must be specified for pod two, choose one of: [main gone]',
    );
    assert.equal(
      await refusal('pods/web/exec?stdout=false&stderr=0'),
      '400 you must specify at least 1 of stdin, stdout, stderr',
    );
    assert.match(
      await refusal('pods/web/portforward?ports=x'),
      /^400 cannot convert to \[\]int32: .*"x": invalid syntax$/,
    );
    // The agent's own words, bare, as of a kubelet.
    assert.equal(await refusal('pods/two/exec?container=gone'), '500 container not found ("gone")');
    const unspoken = await refusal('pods/web/exec', { ...spdy, 'x-stream-protocol-version': 'v9' });
    assert.match(unspoken, /^403 unable to upgrade: unable to negotiate protocol: client supports \[v9\]/);
    assert.equal(await refusal('pods/web/exec', { ...spdy, upgrade: 'h2c' }), '400 Upgrade request required');
  });

  it('go on in another protocol, and ask the node of the pod', async () => {
    const { code, headers } = await send('POST', `${base}/pods/web/exec?command=ls&command=-l&stdin=1`, spdy);
    assert.deepEqual([code, headers['x-stream-protocol-version']], [101, 'v4.channel.k8s.io']);
    assert.deepEqual(requested, [
      {
        nodeName: 'node-1',
        namespace: 'default',
        pod: 'web',
        container: 'main',
        command: ['ls', '-l'],
        stdin: true,
        stdout: true,
        stderr: true,
        tty: false,
      },
    ]);
  });

  it('are passed on by proxies: any method, any body', async () => {
    for (const [method, body] of [
      ['GET', ''],
      ['POST', 'x'.repeat(5_000_000)],
      ['OPTIONS', ''],
      ['HEAD', ''],
    ] as const) {
      const answer = await send(method, `${base}/pods/web/proxy/a/b%2Fc?d=e%20f`, {}, body === '' ? undefined : body);
      assert.deepEqual([answer.code, answer.headers['x-seen']], [200, `8080 ${method} /a/b%2Fc?d=e%20f`]);
      assert.equal(answer.text, body);
      assert.ok(answer.headers['audit-id']);
    }
    assert.equal((await send('GET', `${base}/pods/web:81/proxy/`)).headers['x-seen'], '81 GET /');
    const bare = await send('GET', `${base}/pods/web/proxy?a=b`);
    assert.deepEqual([bare.code, bare.headers.location], [301, `${base}/pods/web/proxy/?a=b`]);
    assert.equal((await send('GET', `${base}/pods/web:http/proxy/`)).code, 503);
    assert.equal((await send('GET', `${base}/pods/waiting/proxy/`)).message, 'address not allowed');
  });

  it('are nowhere else: other requests with a body cannot ask for an upgrade', async () => {
    allowed.add('create pods/binding').add('create pods/');
    assert.equal((await send('POST', `${base}/pods`, { connection: 'Upgrade', upgrade: 'x' }, '{}')).code, 400);
    assert.equal((await send('GET', `${base}/pods/web/shell`)).code, 403);
  });

  it('are told of in discovery', async () => {
    allowed.add('');
    const list = JSON.parse((await send('GET', '/api/v1')).text);
    const told = (list.resources as { name: string; kind: string; verbs: string[] }[])
      .filter(({ name }) => /\/(exec|attach|portforward|proxy)$/.test(name))
      .map(({ name, kind, verbs }) => `${name} ${kind} ${verbs.join(',')}`);
    const every = 'create,delete,get,patch,update';
    assert.deepEqual(told, [
      `nodes/proxy NodeProxyOptions ${every}`,
      'pods/attach PodAttachOptions create,get',
      'pods/exec PodExecOptions create,get',
      'pods/portforward PodPortForwardOptions create,get',
      `pods/proxy PodProxyOptions ${every}`,
      `services/proxy ServiceProxyOptions ${every}`,
    ]);
  });
});
