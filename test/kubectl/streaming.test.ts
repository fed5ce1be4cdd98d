/** exec, attach, cp, port-forward and proxy with real clients: the newest kubectl, the oldest, and client-node. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable, Writable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { Attach, Cp, Exec, KubeConfig, PortForward, type V1Status } from '@kubernetes/client-node';
import { hasKubectl, Kubectl, type KubectlName } from '../support/kubectl.ts';
import { type ProcessCluster, upCluster } from '../support/process-cluster.ts';

/** Says hello, gives back what it is sent, redirects, and echoes whatever an upgraded connection says. */
const server = `
const http = require('node:http');
http.createServer((request, response) => {
  if (request.url === '/moved') return response.writeHead(302, { Location: '/target' }).end();
  response.setHeader('X-Seen', JSON.stringify([request.method, request.url, request.headers.authorization ?? null]));
  if (request.method === 'GET') response.end('hello');
  else request.pipe(response);
}).on('upgrade', (request, socket) => {
  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: echo\\r\\n\\r\\n');
  socket.pipe(socket);
}).listen(8080, process.env.IP);
require('node:net').createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket)).listen(8081, process.env.IP);
`;

const pod = (name: string, container: object): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels: { app: name } },
  spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'main', image: 'any', ...container }] },
});

const objects = [
  pod('web', {
    command: [process.execPath, '-e', server],
    env: [{ name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }],
    ports: [{ containerPort: 8080, name: 'http' }],
  }),
  pod('cat', { command: ['cat'], stdin: true }),
  pod('shell', { command: ['sh'], stdin: true, tty: true }),
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web' },
    spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
  },
];

const megabytes = 20;
const digest = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');

describe('streams to pods', function () {
  this.timeout(60_000);
  let cluster: ProcessCluster;
  let kubectl: Kubectl;
  let directory: string;
  /** Text, since kubectl's output is taken as text. */
  let much: string;

  before(async () => {
    if (!hasKubectl('kubectl')) throw new Error('the tests need .tools/bin/kubectl: node scripts/tools.mjs');
    cluster = await upCluster('--runtime', 'process');
    kubectl = new Kubectl(cluster.kubeconfig);
    directory = await mkdtemp(join(tmpdir(), 'setpoint-streams-'));
    much = randomBytes((megabytes * 1024 * 1024) / 2).toString('hex');
    await writeFile(join(directory, 'much'), much);
    await kubectl.ok('apply -f -', objects.map((object) => JSON.stringify(object)).join('\n---\n'));
    await kubectl.ok('wait --for=condition=Ready pod/web pod/cat pod/shell --timeout=30s');
    // Ready is the process; whether it listens is another matter.
    await until(async () => (await kubectl.run(rawPath('pods/web/proxy/'))).stdout === 'hello');
  });
  after(async () => {
    kubectl?.dispose();
    await cluster?.stop();
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  });

  function rawPath(path: string): string[] {
    return ['get', '--raw', `/api/v1/namespaces/default/${path}`];
  }

  for (const name of ['kubectl', 'kubectl-oldest'] as const) describeKubectl(name);

  function describeKubectl(name: KubectlName): void {
    describe(name, () => {
      let client: Kubectl;
      before(() => {
        client = new Kubectl(cluster.kubeconfig, name);
      });
      after(() => client.dispose());

      it('runs commands: both outputs, the exit code, the input to its end', async () => {
        const both = await client.run(['exec', 'web', '--', 'sh', '-c', 'echo out; echo err >&2; exit 3']);
        assert.deepEqual(both, { code: 3, stdout: 'out\n', stderr: 'err\ncommand terminated with exit code 3\n' });
        const upper = await client.run(['exec', '-i', 'web', '--', 'tr', 'a-z', 'A-Z'], 'hello\n');
        assert.deepEqual(upper, { code: 0, stdout: 'HELLO\n', stderr: '' });
        // The command does not wait for input that nobody reads.
        assert.equal((await client.run(['exec', '-i', 'web', '--', 'true'], much)).code, 0);
      });

      it('says why a command cannot be run', async () => {
        assert.match(
          await client.fails('exec web -- no-such-command'),
          /^error: Internal error occurred: error executing command in container: exec: "no-such-command": executable file not found in \$PATH\n$/,
        );
        assert.match(await client.fails('exec web -c other -- ls'), /container other is not valid for pod web/);
        assert.match(await client.fails('exec nobody -- ls'), /pods "nobody" not found/);
      });

      it(`moves ${megabytes} MB through exec, intact in both directions`, async () => {
        const { stdout } = await client.run(['exec', '-i', 'web', '--', 'cat'], much);
        assert.equal(digest(stdout), digest(much));
      });

      it('copies files, there and back', async () => {
        const there = join(directory, `${name}-there`);
        const back = join(directory, `${name}-back`);
        assert.equal((await client.run(['cp', join(directory, 'much'), `web:${there}`])).code, 0);
        assert.equal(digest(await readFile(there)), digest(much));
        assert.equal((await client.run(['cp', `web:${there}`, back])).code, 0);
        assert.equal(digest(await readFile(back)), digest(much));
      });

      it('gives a command a terminal, of the size of its own', async () => {
        const wait = 'until [ "$(stty size)" = "31 101" ]; do sleep 0.02; done';
        const output = await onTerminal(`exec -it web -- sh -c 'tty; ${wait}; stty size; exit 5'`, client);
        assert.match(output.text, /\/dev\/pts\/\d+\r*\n31 101\r*\n/);
        assert.equal(output.code, 5);
      });

      it('attaches to the streams of a container', async () => {
        const attached = client.start(['attach', '-i', 'cat']);
        attached.stdin!.write(`${name} here\n`);
        const [said] = (await once(attached.stdout!, 'data')) as [Buffer];
        assert.equal(String(said), `${name} here\n`);
        attached.kill();
        await once(attached, 'exit');
        await until(async () => (await client.ok('logs cat')).includes(`${name} here`));
      });

      it('forwards ports: requests, both directions at once, and what nobody listens on', async () => {
        const web = await forward(client, 8080);
        assert.equal(await (await fetch(`http://127.0.0.1:${web.port}/`)).text(), 'hello');
        const posted = await fetch(`http://127.0.0.1:${web.port}/`, { method: 'POST', body: much });
        assert.equal(digest(await posted.text()), digest(much));
        web.stop();
        const echo = await forward(client, 8081);
        const socket = connect(echo.port, '127.0.0.1');
        Readable.from([Buffer.from(much)]).pipe(socket);
        assert.equal(digest(await buffer(socket)), digest(much));
        echo.stop();
        const nothing = await forward(client, 9);
        const refused = connect(nothing.port, '127.0.0.1');
        refused.on('error', () => undefined);
        assert.equal((await buffer(refused).catch(() => Buffer.alloc(0))).length, 0);
        assert.match(
          await nothing.said(/refused/),
          /error forwarding port 9 to pod [0-9a-f]{64}, uid : failed to dial 9: dial tcp4 127\.[\d.]+:9: connect: connection refused/,
        );
        nothing.stop();
      });
    });
  }

  describe('kubectl', () => {
    it('ends a container whose input has ended', async () => {
      const run = ['run', 'once', '--image=any', '--restart=Never', '-i', '--rm', '--quiet', '--command', '--', 'cat'];
      const { code, stdout } = await kubectl.run(run, 'last words\n');
      assert.deepEqual([code, stdout], [0, 'last words\n']);
    });

    it('reads through the proxy to pods, services and nodes', async () => {
      const ok = async (path: string): Promise<string> => (await kubectl.ok(`get --raw ${path}`)).trim();
      const base = '/api/v1/namespaces/default';
      for (const target of ['pods/web', 'pods/web:8080', 'pods/http:web:8080']) {
        assert.equal(await ok(`${base}/${target}/proxy/`), 'hello', target);
      }
      await until(async () => (await kubectl.run(rawPath('services/web:http/proxy/'))).stdout === 'hello');
      assert.equal(await ok(`${base}/services/web:80/proxy/`), 'hello');
      assert.equal(await ok('/api/v1/nodes/node-1/proxy/healthz'), 'ok');
      assert.match(await ok('/api/v1/nodes/node-1/proxy/stats/summary'), /"nodeName":"node-1"/);
    });

    it('is told where the proxy does not lead', async () => {
      const fails = (path: string): Promise<string> => kubectl.fails(`get --raw /api/v1/${path}`);
      const base = 'namespaces/default';
      assert.match(
        await fails(`${base}/pods/web:9/proxy/`),
        /ServiceUnavailable\): error trying to reach service: dial tcp 127\.[\d.]+:9: connect: connection refused/,
      );
      assert.match(await fails(`${base}/pods/ftp:web:80/proxy/`), /BadRequest\): invalid pod request "ftp:web:80"/);
      assert.match(await fails(`${base}/pods/nobody/proxy/`), /NotFound\): pods "nobody" not found/);
      assert.match(await fails(`${base}/services/web:81/proxy/`), /no service port 81 found for service "web"/);
      assert.match(await fails(`${base}/services/web:other/proxy/`), /no endpoints available for service "web:other"/);
      assert.match(await fails(`${base}/services/nobody/proxy/`), /NotFound\): endpoints "nobody" not found/);
      assert.match(await fails('nodes/node-1:22/proxy/'), /BadRequest\): address not allowed/);
      assert.match(await fails('nodes/node-9/proxy/'), /NotFound\): nodes "node-9" not found/);
      assert.match(await fails(`${base}/pods/web/exec`), /BadRequest\): Upgrade request required/);
    });

    it('does not let a pod lead the proxy to other addresses of the node', async () => {
      await kubectl.ok('apply -f -', JSON.stringify(pod('astray', { command: ['sleep', '1000'] })));
      await kubectl.ok('wait --for=condition=Ready pod/astray --timeout=30s');
      const secret = createServer((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nsecret')).listen(0, '127.0.0.1');
      await once(secret, 'listening');
      const { port } = secret.address() as { port: number };
      const patch = JSON.stringify({ status: { podIP: '127.0.0.1', podIPs: [{ ip: '127.0.0.1' }] } });
      await kubectl.run(['patch', 'pod', 'astray', '--subresource=status', '--type=merge', '-p', patch]);
      assert.match(await kubectl.fails(`get --raw /api/v1/namespaces/default/pods/astray:${port}/proxy/`), /refused/);
      secret.close();
    });

    it('proxies for others: methods, bodies, redirects, upgrades, without credentials', async () => {
      const proxying = kubectl.start(['proxy', '--port=0']);
      const port = Number(/:(\d+)/.exec(String((await once(proxying.stdout!, 'data'))[0]))![1]);
      const base = `http://127.0.0.1:${port}/api/v1/namespaces/default/services/web:http/proxy`;
      const answer = await fetch(`${base}/a%20b?c=d`, {
        method: 'PUT',
        body: much,
        headers: { authorization: 'Basic eA==' },
      });
      assert.equal(digest(await answer.text()), digest(much));
      assert.deepEqual(JSON.parse(answer.headers.get('x-seen')!), ['PUT', '/a%20b?c=d', null]);
      const moved = await fetch(`${base}/moved`, { redirect: 'manual' });
      assert.equal(moved.status, 302);
      assert.match(
        moved.headers.get('location')!,
        /\/api\/v1\/namespaces\/default\/services\/web:http\/proxy\/target$/,
      );
      const bare = await fetch(base, { redirect: 'manual' });
      assert.equal(bare.status, 301);
      const socket = connect(port, '127.0.0.1');
      socket.write(
        `GET ${new URL(base).pathname}/ HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n`,
      );
      assert.match(await readUntil(socket, '\r\n\r\n'), /^HTTP\/1\.1 101 Switching Protocols\r\n/);
      socket.write('ping');
      assert.equal(await readUntil(socket, 'ping'), 'ping');
      socket.destroy();
      proxying.kill();
      await once(proxying, 'exit');
    });
  });

  describe('client-node', () => {
    let config: KubeConfig;
    before(() => {
      config = new KubeConfig();
      config.loadFromFile(cluster.kubeconfig);
    });

    function exec(command: string[], input: Readable | null, output: Writable, tty = false): Promise<V1Status> {
      return new Promise((resolve, reject) => {
        new Exec(config).exec('default', 'web', 'main', command, output, output, input, tty, resolve).catch(reject);
      });
    }

    it('runs commands and learns how they ended', async () => {
      const output = new PassThrough();
      const status = await exec(['sh', '-c', 'echo hi; exit 7'], null, output);
      assert.deepEqual(status, {
        metadata: {},
        status: 'Failure',
        message:
          'command terminated with non-zero exit code: error executing command [sh -c echo hi; exit 7], exit code 7',
        reason: 'NonZeroExitCode',
        details: { causes: [{ reason: 'ExitCode', message: '7' }] },
      });
      assert.equal(String(output.read()), 'hi\n');
    });

    it(`moves ${megabytes} MB through exec`, async () => {
      const hash = createHash('sha256');
      const output = new Writable({
        write(chunk: Buffer, _encoding, done) {
          hash.update(chunk);
          done();
        },
      });
      // The protocol that it speaks cannot say that the input has ended.
      const status = await exec(['head', '-c', String(much.length)], Readable.from([Buffer.from(much)]), output);
      assert.equal(status.status, 'Success');
      assert.equal(hash.digest('hex'), digest(much));
    });

    it('attaches, types on a terminal and leaves', async () => {
      const output = new PassThrough();
      const input = new PassThrough();
      const socket = await new Attach(config).attach('default', 'shell', 'main', output, null, input, true);
      input.write('echo $((6 * 7))\n');
      assert.match(await readUntil(output, '42'), /echo \$\(\(6 \* 7\)\)\r\n/);
      socket.close();
    });

    it('forwards ports', async () => {
      const forwarder = new PortForward(config);
      const listener = createServer((socket) => {
        forwarder.portForward('default', 'web', [8080], socket, null, socket).catch(() => socket.destroy());
      }).listen(0, '127.0.0.1');
      await once(listener, 'listening');
      const { port } = listener.address() as { port: number };
      const url = `http://127.0.0.1:${port}/`;
      const answer = await fetch(url, { method: 'POST', body: much, headers: { connection: 'close' } });
      assert.equal(digest(await answer.text()), digest(much));
      listener.close();
    });

    it('copies directories into a container', async () => {
      const source = await mkdtemp(join(directory, 'source-'));
      const target = await mkdtemp(join(directory, 'target-'));
      await writeFile(join(source, 'much'), much);
      await new Cp(config).cpToPod('default', 'web', 'main', source, target);
      await until(async () => digest(await readFile(join(target, 'much')).catch(() => '')) === digest(much));
    });
  });

  /** kubectl on a terminal of 31 lines and 101 columns. */
  async function onTerminal(line: string, client: Kubectl): Promise<{ code: number; text: string }> {
    const { program, env } = client;
    const child = spawn('script', ['-qec', `stty rows 31 cols 101; ${program} ${line}`, '/dev/null'], {
      env,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const [said, [code]] = await Promise.all([text(child.stdout), once(child, 'exit') as Promise<[number]>]);
    return { code, text: said };
  }
});

interface Forwarded {
  readonly port: number;
  /** What kubectl has said, as soon as it matches. */
  said(pattern: RegExp): Promise<string>;
  stop(): void;
}

async function forward(client: Kubectl, port: number): Promise<Forwarded> {
  const child = client.start(['port-forward', 'pod/web', `:${port}`]);
  let said = '';
  let told: () => void = () => undefined;
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.on('data', (chunk: Buffer) => {
      said += chunk;
      told();
    });
  }
  const matched = async (pattern: RegExp): Promise<string> => {
    while (!pattern.test(said)) {
      await new Promise<void>((resolve) => {
        told = resolve;
      });
    }
    return said;
  };
  const [, local] = /127\.0\.0\.1:(\d+) ->/.exec(await matched(/127\.0\.0\.1:(\d+) ->/))!;
  return { port: Number(local), said: matched, stop: () => void child.kill() };
}

async function readUntil(stream: Socket | Readable, end: string): Promise<string> {
  let said = '';
  while (!said.includes(end)) said += String((await once(stream, 'data'))[0]);
  return said;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 20_000; Date.now() < end; await wait(5)) if (await condition()) return;
  throw new Error('the condition did not come about');
}
