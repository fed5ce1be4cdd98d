import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { createVirtualClock, type VirtualClock } from '../../src/clock/virtual.ts';
import type { ContainerConfig } from '../../src/node/container-runtime.ts';
import { annotatedBehaviour, type Behaviour } from '../../src/node/simulated/behaviour.ts';
import { createSimulatedRuntime, type SimulatedRuntime } from '../../src/node/simulated/simulated-runtime.ts';
import { testClient } from './client-streams.ts';
import { describeRuntime, sandboxConfig, type Task } from './runtime-contract.ts';

let contractClock: VirtualClock;
const tasks = new Map<string, Behaviour>();

function behaviourOf(task: Task): Behaviour {
  const exec: NonNullable<Behaviour['exec']> = ([exitCode, stdout]) =>
    exitCode === 'forever' ? new Promise(() => undefined) : { exitCode: Number(exitCode), stdout: stdout ?? '' };
  switch (task.does) {
    case 'run':
      return { exec };
    case 'exit':
      return { exitAfter: 5, exitCode: task.code };
    case 'print':
      return { log: task.stdout.split('\n').slice(0, -1) };
    case 'ignore SIGTERM':
      return { stopAfter: Number.POSITIVE_INFINITY };
    case 'not exist':
      return { startError: 'exec: "does-not-exist": executable file not found in $PATH' };
  }
}

describeRuntime({
  name: 'simulated',
  async create() {
    contractClock = createVirtualClock();
    const runtime = createSimulatedRuntime({
      clock: contractClock,
      behaviour: ({ command }) => tasks.get(command[0]!)!,
    });
    // A simulation writes what its behaviour says to one stream; the suite's second stream is written by hand.
    return {
      ...runtime,
      async startContainer(id) {
        await runtime.startContainer(id);
        const status = (await runtime.listContainers()).find((container) => container.id === id)!;
        if (printsErrors.has(status.image)) await runtime.write(id, 'err\n', 'stderr');
      },
    };
  },
  task(task) {
    const key = JSON.stringify(task);
    tasks.set(key, behaviourOf(task));
    if (task.does === 'print') printsErrors.add('prints:1');
    return { command: [key], ...(task.does === 'print' ? { image: 'prints:1' } : {}) };
  },
  pass: async (milliseconds) => {
    await contractClock.advance(milliseconds);
  },
  exec: (exitCode, stdout) => [String(exitCode), stdout],
  execForever: ['forever'],
});

const printsErrors = new Set<string>();

describe('simulated runtime', () => {
  let directory: string;
  let clock: VirtualClock;
  let runtime: SimulatedRuntime;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'setpoint-simulated-'));
    clock = createVirtualClock();
    runtime = createSimulatedRuntime({ clock, missingImages: { 'gone:1': 'manifest unknown' } });
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  function config(name: string): ContainerConfig {
    const logPath = join(directory, name, '0.log');
    const strings = { image: 'image:1', workingDir: '', logPath };
    return { name, ...strings, command: [], args: [], env: {}, mounts: [], attempt: 0, stdin: false, tty: false };
  }

  it('plays what clients are joined to: commands, outputs, ports', async () => {
    const behaviour: Behaviour = {
      exec: async (command, client) => ({ stdout: `${command.join(' ')}: ${client?.tty}`, stderr: 'err', exitCode: 2 }),
      ports: { 80: (connection) => void connection.end('served') },
    };
    const played = createSimulatedRuntime({ clock, behaviour: () => behaviour });
    const sandbox = await played.runSandbox(sandboxConfig('a'));
    const id = await played.createContainer(sandbox, config('main'));
    await assert.rejects(played.portForward(sandbox, 80), /connection refused/);
    await played.startContainer(id);
    const plain = testClient();
    assert.equal(await played.exec(id, ['a', 'b'], plain), 2);
    assert.deepEqual(plain.said, { stdout: 'a b: false', stderr: 'err' });
    const terminal = testClient({ tty: true });
    await played.exec(id, ['c'], terminal);
    assert.equal(terminal.said.stdout, 'c: trueerr');
    assert.equal(await text(await played.portForward(sandbox, 80)), 'served');
    await assert.rejects(played.portForward(sandbox, 81), /dial tcp4 10\.88\.\d+\.\d+:81: connect: connection refused/);
    const attached = testClient();
    const ended = played.attach(id, attached);
    await played.write(id, 'a line\n');
    played.exit(id, 0);
    await ended;
    assert.equal(attached.said.stdout, 'a line\n');
  });

  it('does what annotations say, for one container before all', async () => {
    const annotations = {
      'simulated.setpoint.dev/start-delay': '500ms',
      'simulated.setpoint.dev/exit-after': '1m30s',
      'simulated.setpoint.dev/second.exit-code': '7',
    };
    const sandbox = await runtime.runSandbox({ ...sandboxConfig('a'), annotations });
    const first = await runtime.createContainer(sandbox, config('first'));
    const second = await runtime.createContainer(sandbox, config('second'));
    const started = Promise.all([runtime.startContainer(first), runtime.startContainer(second)]);
    await clock.advance(499);
    assert.ok((await runtime.listContainers()).every(({ state }) => state === 'created'));
    await clock.advance(1);
    await started;
    await clock.advance(89_999);
    assert.ok((await runtime.listContainers()).every(({ state }) => state === 'running'));
    await clock.advance(1);
    assert.deepEqual(
      (await runtime.listContainers()).map(({ exitCode, state }) => [state, exitCode]),
      [
        ['exited', 0],
        ['exited', 7],
      ],
    );
  });

  it('refuses annotations that mean nothing', async () => {
    assert.throws(
      () => annotatedBehaviour({ 'simulated.setpoint.dev/exit-after': '5' }, 'c'),
      /time: missing unit in duration "5"/,
    );
    assert.throws(() => annotatedBehaviour({ 'simulated.setpoint.dev/exit-code': '-1' }, 'c'), /invalid number "-1"/);
    const annotations = { 'simulated.setpoint.dev/exit-after': 'soon' };
    const sandbox = await runtime.runSandbox({ ...sandboxConfig('a'), annotations });
    await assert.rejects(runtime.createContainer(sandbox, config('main')), {
      reason: 'CreateContainerError',
      message: 'time: invalid duration "soon"',
    });
  });

  it('has no image before it is pulled, and some never', async () => {
    assert.equal(await runtime.imageId('image:1'), undefined);
    await runtime.pullImage('image:1');
    assert.notEqual(await runtime.imageId('image:1'), undefined);
    await assert.rejects(runtime.pullImage('gone:1'), { reason: 'ErrImagePull', message: 'manifest unknown' });
  });

  it('answers SIGTERM after its time when that is sooner than the timeout, however often it is asked', async () => {
    const annotations = { 'simulated.setpoint.dev/stop-after': '5s', 'simulated.setpoint.dev/stop-code': '9' };
    const sandbox = await runtime.runSandbox({ ...sandboxConfig('a'), annotations });
    const id = await runtime.createContainer(sandbox, config('main'));
    await runtime.startContainer(id);
    const stopped = Promise.all([runtime.stopContainer(id, 30), runtime.stopContainer(id, 10)]);
    await clock.advance(5000);
    await stopped;
    const [status] = await runtime.listContainers();
    assert.deepEqual([status!.exitCode, status!.signal, status!.finishedAt - status!.startedAt], [9, 0, 5000]);
  });

  it('holds thousands of pods', async () => {
    const ids = await Promise.all(
      Array.from({ length: 3000 }, async (_, index) => {
        const sandbox = await runtime.runSandbox(sandboxConfig(`pod-${index}`));
        const id = await runtime.createContainer(sandbox, config('main'));
        await runtime.startContainer(id);
        return id;
      }),
    );
    assert.equal(new Set(ids).size, 3000);
    assert.equal(new Set((await runtime.listSandboxes()).map(({ ip }) => ip)).size, 3000);
  });
});
