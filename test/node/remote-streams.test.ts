/** Streams of an agent in another process, as the API server asks for them: HTTPS, certificates, SPDY. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { buffer, text } from 'node:stream/consumers';
import type { NodeConnector } from '../../src/apis/resource-type.ts';
import { createAuthority, issueClientCertificate, type KeyPair } from '../../src/auth/certificates.ts';
import { systemClock } from '../../src/clock/clock.ts';
import { agentServer } from '../../src/cluster/agent-server.ts';
import { remoteNodes } from '../../src/cluster/remote-nodes.ts';
import { createProcessRuntime } from '../../src/node/index.ts';
import { UpgradeRefused } from '../../src/streaming/upgrade.ts';
import { testClient } from './client-streams.ts';
import { container, TestNode } from './test-node.ts';

const echo = `
require('node:net').createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket))
  .listen(8081, process.env.IP, () => console.log('ready'));
`;

describe('streams of a remote agent', () => {
  let node: TestNode;
  let nodes: NodeConnector;
  let authority: KeyPair;
  const web = { namespace: 'default', pod: 'web', container: 'main' };
  const wants = { stdin: false, stdout: true, stderr: true, tty: false };

  before(async () => {
    const now = Date.now();
    authority = await createAuthority('kubernetes', now);
    const server = await agentServer('node-1', authority.certificate, now);
    node = await TestNode.start(systemClock, (directory) => createProcessRuntime({ directory }), { server });
    const own = { commonName: 'kube-apiserver-kubelet-client' };
    const credentials = await issueClientCertificate(authority, own, now);
    nodes = remoteNodes(() => node.client, credentials);
    await node.createPod('web', {
      terminationGracePeriodSeconds: 1,
      containers: [
        container('main', {
          command: [process.execPath, '-e', echo],
          env: [{ name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }],
        }),
        container('cat', { command: ['cat'], stdin: true }),
      ],
    });
    await node.untilPod('web', ({ status }) => status?.phase === 'Running');
    const log = await nodes.containerLogs('node-1', {
      ...web,
      follow: true,
      previous: false,
      timestamps: false,
      signal: new AbortController().signal,
    });
    for await (const _line of log) break;
  });
  after(() => node.close());

  it('run commands, with input, outputs and exit code', async () => {
    const command = ['sh', '-c', 'tr a-z A-Z; echo err >&2; exit 3'];
    const session = await nodes.exec('node-1', { ...web, ...wants, stdin: true, command });
    const client = testClient({ stdin: true });
    const code = session(client);
    client.stdin!.end('typed');
    assert.equal(await code, 3);
    assert.deepEqual(client.said, { stdout: 'TYPED', stderr: 'err\n' });
  });

  it('give them terminals, of the size of the client', async () => {
    const command = ['sh', '-c', 'until [ "$(stty size)" = "20 70" ]; do sleep 0.02; done; stty size'];
    const session = await nodes.exec('node-1', { ...web, ...wants, stderr: false, tty: true, command });
    const client = testClient({ tty: true });
    const code = session(client);
    client.resize({ width: 70, height: 20 });
    assert.equal(await code, 0);
    assert.equal(client.said.stdout, '20 70\r\n');
  });

  it('say why they cannot', async () => {
    const session = await nodes.exec('node-1', { ...web, ...wants, command: ['no-such-command'] });
    await assert.rejects(session(testClient()), /executable file not found/);
    const refused = async (asked: object, code: number, message: string): Promise<void> => {
      const error = await nodes
        .exec('node-1', { ...web, ...wants, command: ['ls'], ...asked })
        .catch((e: unknown) => e);
      assert.ok(error instanceof UpgradeRefused);
      assert.deepEqual([error.code, error.message], [code, message]);
    };
    await refused({ container: 'none' }, 500, 'container not found ("none")');
    await refused({ pod: 'none' }, 404, 'pod does not exist');
    await refused({ stdout: false, stderr: false }, 400, 'you must specify at least 1 of stdin, stdout, stderr');
    const forward = nodes.portForward('node-1', { ...web, pod: 'none', signal: new AbortController().signal });
    await assert.rejects(forward, /pod does not exist/);
  });

  it('join clients to containers', async () => {
    const session = await nodes.attach('node-1', { ...web, ...wants, container: 'cat', stdin: true });
    const client = testClient({ stdin: true });
    const left = session(client);
    client.stdin!.write('through\n');
    await client.untilSaid('through\n');
    client.leave();
    await left.catch(() => undefined);
  });

  it('forward ports, many connections at once, until they are given up', async () => {
    const over = new AbortController();
    const dial = await nodes.portForward('node-1', { ...web, signal: over.signal });
    const much = Buffer.alloc(3 * 1024 * 1024, 'x');
    const answers = [1, 2, 3].map(async () => {
      const connection = await dial(8081);
      connection.end(much);
      return (await buffer(connection)).equals(much);
    });
    assert.deepEqual(await Promise.all(answers), [true, true, true]);
    const refused = await dial(9);
    const [error] = await once(refused, 'error');
    assert.match(error.message, /^error forwarding port 9 to pod [0-9a-f]{64}, uid : failed to dial 9: .* refused$/);
    const open = await dial(8081);
    open.on('error', () => undefined);
    const closed = once(open, 'close');
    over.abort();
    await closed;
  });

  it('answer at their endpoint, over HTTPS and within the process', async () => {
    for (const connection of [await nodes.dialAgent('node-1'), node.agent.dial()]) {
      const sent = request({ createConnection: () => connection, path: '/pods' }).end();
      const [response] = await once(sent, 'response');
      assert.equal(JSON.parse(await text(response)).items[0].metadata.name, 'web');
    }
  });

  it('refuse callers that are not the API server', async () => {
    const somebody = await issueClientCertificate(authority, { commonName: 'jane' }, Date.now());
    const asked = remoteNodes(() => node.client, somebody).exec('node-1', { ...web, ...wants, command: ['ls'] });
    await assert.rejects(asked, { code: 403, message: 'Forbidden (user=jane, verb=get, resource=nodes)' });
  });
});
