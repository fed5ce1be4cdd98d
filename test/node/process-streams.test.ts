import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { ContainerConfig, ContainerRuntime } from '../../src/node/container-runtime.ts';
import { processIdentity } from '../../src/node/process/host-process.ts';
import { createProcessRuntime } from '../../src/node/process/process-runtime.ts';
import { testClient } from './client-streams.ts';
import { sandboxConfig } from './runtime-contract.ts';
import { until } from './test-node.ts';

describe('process runtime: streams', () => {
  let directory: string;
  let runtime: ContainerRuntime;
  let sandbox: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'setpoint-process-streams-'));
    runtime = await createProcessRuntime({ directory: join(directory, 'runtime') });
    sandbox = await runtime.runSandbox(sandboxConfig('pod'));
  });
  afterEach(async () => {
    for (const { id } of await runtime.listSandboxes()) await runtime.removeSandbox(id);
    await runtime.close();
    await rm(directory, { recursive: true, force: true });
  });

  async function start(command: string[], more: Partial<ContainerConfig> = {}): Promise<string> {
    const id = await runtime.createContainer(sandbox, {
      name: 'main',
      image: 'any',
      command,
      args: [],
      workingDir: '',
      env: {},
      mounts: [],
      attempt: 0,
      logPath: join(directory, 'main.log'),
      stdin: false,
      tty: false,
      ...more,
    });
    await runtime.startContainer(id);
    return id;
  }

  const status = async (id: string) => (await runtime.listContainers()).find((container) => container.id === id)!;
  const ended = (id: string) =>
    until(async () => ((await status(id)).state === 'exited' ? await status(id) : undefined));
  const log = (): Promise<string> => readFile(join(directory, 'main.log'), 'utf8');
  it('keeps the outputs of a command apart, and ends its input', async () => {
    const id = await start(['sleep', '1000']);
    const client = testClient({ stdin: true });
    const code = runtime.exec(id, ['sh', '-c', 'tr a-z A-Z; echo error >&2; kill -TERM $$'], client);
    client.stdin!.end('typed');
    assert.equal(await code, 128 + 15);
    assert.deepEqual(client.said, { stdout: 'TYPED', stderr: 'error\n' });
  });

  it('says why a command cannot be run', async () => {
    const id = await start(['sleep', '1000']);
    await assert.rejects(runtime.exec(id, ['no-such-command'], testClient()), /executable file not found in \$PATH/);
    await assert.rejects(runtime.exec(id, ['/etc/passwd'], testClient()), /exec: "\/etc\/passwd": permission denied/);
  });

  it('ends commands with their container', async () => {
    for (const tty of [false, true]) {
      const id = await start(['sleep', '1000'], { attempt: tty ? 1 : 0 });
      const client = testClient({ tty });
      const code = runtime.exec(id, ['sh', '-c', "trap '' HUP TERM; echo $$; sleep 1000 & wait"], client);
      await client.untilSaid('\n');
      await runtime.stopContainer(id, 0);
      assert.equal(await code, 137);
      const pid = Number.parseInt(client.said.stdout, 10);
      await until(async () => (await processIdentity(pid)) === undefined);
    }
  });

  it('gives a command a terminal: echo, signals by keys, its size', async () => {
    const id = await start(['sleep', '1000']);
    const client = testClient({ stdin: true, tty: true });
    client.resize({ width: 91, height: 37 });
    const first = 'until [ "$(stty size)" = "37 91" ]; do sleep 0.02; done';
    const traps = "trap 'stty size' WINCH; trap 'echo interrupted; exit 4' INT";
    const code = runtime.exec(id, ['sh', '-c', `${first}; ${traps}; echo ready; while :; do sleep 0.05; done`], client);
    await client.untilSaid('ready');
    client.resize({ width: 92, height: 38 });
    await client.untilSaid('38 92');
    client.stdin!.write('\x03');
    assert.equal(await code, 4);
    assert.match(client.said.stdout, /\^Cinterrupted\r\n$/);
  });

  it('hangs up a terminal whose client has gone, and leaves other commands alone', async () => {
    const id = await start(['sleep', '1000']);
    const onTerminal = testClient({ stdin: true, tty: true });
    const hungUp = runtime.exec(id, ['sh', '-c', 'echo $$; exec sleep 1000'], onTerminal);
    await onTerminal.untilSaid('\n');
    onTerminal.leave();
    assert.equal(await hungUp, 128 + 1);
    const plain = testClient();
    const code = runtime.exec(id, ['sh', '-c', `echo $$; sleep 0.3; touch ${join(directory, 'done')}`], plain);
    await plain.untilSaid('\n');
    plain.leave();
    assert.equal(await code, 0);
    await readFile(join(directory, 'done'));
  });

  it('takes what clients type, until the first has ended where the container asks for that', async () => {
    const stays = await start(['cat'], { stdin: true });
    for (const word of ['one', 'two']) {
      const client = testClient({ stdin: true });
      const attached = runtime.attach(stays, client);
      client.stdin!.write(`${word}\n`);
      await client.untilSaid(word);
      client.stdin!.end();
      client.leave();
      await attached;
    }
    assert.equal((await status(stays)).state, 'running');
    await until(async () => / stdout F one\n.* stdout F two\n/.test(await log()));
    const once = await start(['cat'], { stdin: true, stdinOnce: true, name: 'once', attempt: 1 });
    const client = testClient({ stdin: true });
    const attached = runtime.attach(once, client);
    client.stdin!.end('last words\n');
    await attached;
    assert.equal((await ended(once)).exitCode, 0);
    assert.equal(client.said.stdout, 'last words\n');
  });

  it('runs a container on a terminal, which ends as others do', async () => {
    const id = await start(['sh'], { stdin: true, tty: true });
    const client = testClient({ stdin: true, tty: true });
    client.resize({ width: 70, height: 20 });
    void runtime.attach(id, client);
    client.stdin!.write('tty; until [ "$(stty size)" = "20 70" ]; do sleep 0.05; done; stty size; exit 6\n');
    assert.equal((await ended(id)).exitCode, 6);
    assert.match(client.said.stdout, /\/dev\/pts\/\d+\r\n20 70\r\n/);
    const stopped = await start(['sleep', '1000'], { tty: true, attempt: 1 });
    await runtime.stopContainer(stopped, 5);
    assert.deepEqual([(await status(stopped)).exitCode, (await status(stopped)).reason], [143, 'Error']);
    const stubborn = await start(['sh', '-c', "trap '' TERM HUP; while :; do sleep 1; done"], {
      tty: true,
      attempt: 2,
    });
    await runtime.stopContainer(stubborn, 0);
    assert.equal((await status(stubborn)).exitCode, 137);
  });

  it('does not mind quotes and newlines in what runs on a terminal', async () => {
    const id = await start(['sleep', '1000'], { env: { SHELL: "/it's" } });
    const client = testClient({ tty: true });
    const words = ["it's", 'a "test"', 'of\n$HOME `and` \\ \\n', ''];
    assert.equal(await runtime.exec(id, ['printf', '[%s]', '-', ...words], client), 0);
    assert.equal(
      client.said.stdout,
      ['-', ...words]
        .map((word) => `[${word}]`)
        .join('')
        .replaceAll('\n', '\r\n'),
    );
    const shell = testClient({ tty: true });
    await runtime.exec(id, ['sh', '-c', 'echo $SHELL $TERM'], shell);
    assert.equal(shell.said.stdout, "/it's xterm\r\n");
  });

  it('survives its agent with its terminal', async () => {
    const id = await start(['sh'], { stdin: true, tty: true });
    await runtime.close();
    runtime = await createProcessRuntime({ directory: join(directory, 'runtime') });
    const client = testClient({ stdin: true, tty: true });
    void runtime.attach(id, client);
    client.stdin!.write('echo still $((40 + 2))\n');
    await client.untilSaid('still 42');
    assert.equal((await status(id)).state, 'running');
  });

  it("connects to the pod's own address, and to no other", async () => {
    const { ip } = (await runtime.listSandboxes())[0]!;
    const elsewhere = createServer((socket) => socket.end('elsewhere')).listen(0, '127.0.0.1');
    await once(elsewhere, 'listening');
    const { port } = elsewhere.address() as { port: number };
    await assert.rejects(runtime.portForward(sandbox, port), /connection refused/);
    const pod = createServer((socket) => socket.end('the pod')).listen(port, ip);
    await once(pod, 'listening');
    assert.equal(await text(await runtime.portForward(sandbox, port)), 'the pod');
    elsewhere.close();
    pod.close();
    await assert.rejects(runtime.portForward('unknown', port), /not running/);
  });
});
