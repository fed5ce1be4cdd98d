/** What every {@link ContainerRuntime} keeps. A harness says how its runtime is made and what its containers are told. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseLogLine } from '../../src/node/container-log.ts';
import {
  type ContainerConfig,
  type ContainerRuntime,
  type ContainerStatus,
  RuntimeError,
  type SandboxConfig,
} from '../../src/node/container-runtime.ts';
import { testClient } from './client-streams.ts';

/** What the suite asks containers to do. */
export type Task =
  | { readonly does: 'run' }
  | { readonly does: 'exit'; readonly code: number }
  | { readonly does: 'print'; readonly stdout: string; readonly stderr: string }
  | { readonly does: 'ignore SIGTERM' }
  | { readonly does: 'not exist' };

export interface RuntimeHarness {
  readonly name: string;
  create(directory: string): Promise<ContainerRuntime>;
  /** The parts of a container's configuration that make it do this. */
  task(task: Task): Partial<ContainerConfig>;
  /** Lets about this much time pass. */
  pass(milliseconds: number): Promise<void>;
  /** A command for exec that answers with this exit code and prints this. */
  exec(exitCode: number, stdout: string): readonly string[];
  /** A command for exec that does not end by itself. */
  readonly execForever: readonly string[];
}

export function sandboxConfig(name: string): SandboxConfig {
  return { uid: `uid-${name}`, namespace: 'default', name, hostname: name, labels: {}, annotations: {} };
}

export function describeRuntime(harness: RuntimeHarness): void {
  describe(`container runtime: ${harness.name}`, () => {
    let directory: string;
    let runtime: ContainerRuntime;

    beforeEach(async () => {
      directory = await mkdtemp(join(tmpdir(), 'setpoint-runtime-'));
      runtime = await harness.create(join(directory, 'runtime'));
    });
    afterEach(async () => {
      for (const { id } of await runtime.listSandboxes()) await runtime.removeSandbox(id);
      await runtime.close();
      await rm(directory, { recursive: true, force: true });
    });

    function config(name: string, task: Task, more: Partial<ContainerConfig> = {}): ContainerConfig {
      return {
        name,
        image: 'image:1',
        command: [],
        args: [],
        workingDir: '',
        env: {},
        mounts: [],
        attempt: 0,
        logPath: join(directory, 'logs', name, '0.log'),
        stdin: false,
        tty: false,
        ...harness.task(task),
        ...more,
      };
    }

    async function start(sandbox: string, container: ContainerConfig): Promise<string> {
      const id = await runtime.createContainer(sandbox, container);
      await runtime.startContainer(id);
      return id;
    }

    async function status(id: string): Promise<ContainerStatus> {
      const found = (await runtime.listContainers()).find((container) => container.id === id);
      assert.ok(found, `container ${id} is listed`);
      return found;
    }

    /** Waits for changes, not for time. */
    async function ended(id: string): Promise<ContainerStatus> {
      for (;;) {
        const changed = new Promise<void>((resolve) => {
          const stop = runtime.onChange(() => {
            stop();
            resolve();
          });
        });
        const now = await status(id);
        if (now.state === 'exited') return now;
        await Promise.race([changed, harness.pass(1000)]);
      }
    }

    it('says what it is', async () => {
      const info = await runtime.info();
      assert.match(info.name, /^[a-z]+$/);
      assert.match(info.version, /^\d+\.\d+\.\d+$/);
    });

    it('gives every sandbox an address of its own and forgets removed ones', async () => {
      const first = await runtime.runSandbox(sandboxConfig('a'));
      const second = await runtime.runSandbox(sandboxConfig('b'));
      const listed = await runtime.listSandboxes();
      assert.deepEqual(listed.map(({ id }) => id).sort(), [first, second].sort());
      assert.ok(listed.every(({ state, ip }) => state === 'ready' && /^\d+\.\d+\.\d+\.\d+$/.test(ip)));
      assert.equal(new Set(listed.map(({ ip }) => ip)).size, 2);
      assert.deepEqual(listed.map(({ config }) => config.uid).sort(), ['uid-a', 'uid-b']);
      await runtime.removeSandbox(first);
      assert.deepEqual(
        (await runtime.listSandboxes()).map(({ id }) => id),
        [second],
      );
    });

    it('does not mind stopping what is stopped or unknown', async () => {
      const sandbox = await runtime.runSandbox(sandboxConfig('a'));
      const id = await start(sandbox, config('main', { does: 'run' }));
      await runtime.stopContainer(id, 1);
      await runtime.stopContainer(id, 1);
      await runtime.stopContainer('unknown', 1);
      await runtime.stopSandbox(sandbox);
      await runtime.stopSandbox(sandbox);
      await runtime.stopSandbox('unknown');
      assert.equal((await runtime.listSandboxes())[0]!.state, 'not-ready');
    });

    it('takes no containers into a sandbox that is stopped or unknown', async () => {
      const sandbox = await runtime.runSandbox(sandboxConfig('a'));
      await runtime.stopSandbox(sandbox);
      for (const id of [sandbox, 'unknown']) {
        await assert.rejects(runtime.createContainer(id, config('main', { does: 'run' })), RuntimeError);
      }
    });

    it('goes from created to running to exited, and says so', async () => {
      const sandbox = await runtime.runSandbox(sandboxConfig('a'));
      const changes: string[] = [];
      const stop = runtime.onChange((id) => changes.push(id));
      const id = await runtime.createContainer(sandbox, config('main', { does: 'run' }, { attempt: 3 }));
      const created = await status(id);
      assert.equal(created.state, 'created');
      assert.equal(created.startedAt, 0);
      await runtime.startContainer(id);
      const running = await status(id);
      assert.equal(running.state, 'running');
      assert.ok(running.startedAt >= created.createdAt);
      assert.deepEqual(
        [running.name, running.attempt, running.image, running.sandboxId],
        ['main', 3, 'image:1', sandbox],
      );
      assert.notEqual(running.imageId, '');
      assert.ok(changes.length > 0 && changes.every((changed) => changed === sandbox));
      changes.length = 0;
      await runtime.stopContainer(id, 10);
      const exited = await status(id);
      assert.equal(exited.state, 'exited');
      assert.ok(exited.finishedAt >= exited.startedAt);
      assert.deepEqual(changes, [sandbox]);
      stop();
    });

    it('starts a container once only', async () => {
      const sandbox = await runtime.runSandbox(sandboxConfig('a'));
      const id = await start(sandbox, config('main', { does: 'run' }));
      await assert.rejects(runtime.startContainer(id), RuntimeError);
      await assert.rejects(runtime.startContainer('unknown'), { name: 'RuntimeError', reason: 'NotFound' });
    });

    for (const [code, reason] of [
      [0, 'Completed'],
      [1, 'Error'],
      [42, 'Error'],
    ] as const) {
      it(`reports exit code ${code} as ${reason}`, async () => {
        const sandbox = await runtime.runSandbox(sandboxConfig('a'));
        const end = await ended(await start(sandbox, config('main', { does: 'exit', code })));
        assert.deepEqual([end.exitCode, end.signal, end.reason], [code, 0, reason]);
      });
    }

    it('kills what ignores SIGTERM after the timeout', async () => {
      const sandbox = await runtime.runSandbox(sandboxConfig('a'));
      const id = await start(sandbox, config('main', { does: 'ignore SIGTERM' }));
      await harness.pass(300);
      const stopped = runtime.stopContainer(id, 1);
      await harness.pass(1100);
      await stopped;
      const end = await status(id);
      assert.deepEqual([end.exitCode, end.signal, end.reason], [137, 9, 'Error']);
    });

    it('lets a second stop call shorten the wait', async () => {
      const sandbox = await runtime.runSandbox(sandboxConfig('a'));
      const id = await start(sandbox, config('main', { does: 'ignore SIGTERM' }));
      await harness.pass(300);
      const slow = runtime.stopContainer(id, 3600);
      await runtime.stopContainer(id, 0);
      await slow;
      assert.equal((await status(id)).exitCode, 137);
    });

    it('stops every container of a sandbox with it', async () => {
      const sandbox = await runtime.runSandbox(sandboxConfig('a'));
      const ids = [
        await start(sandbox, config('one', { does: 'run' })),
        await start(sandbox, config('two', { does: 'ignore SIGTERM' })),
      ];
      await runtime.stopSandbox(sandbox);
      for (const id of ids) assert.equal((await status(id)).state, 'exited');
      await runtime.removeSandbox(sandbox);
      assert.deepEqual(await runtime.listContainers(), []);
    });

    it('lists the containers of one sandbox', async () => {
      const first = await runtime.runSandbox(sandboxConfig('a'));
      const second = await runtime.runSandbox(sandboxConfig('b'));
      const id = await start(first, config('one', { does: 'run' }));
      await start(second, config('two', { does: 'run' }));
      assert.equal((await runtime.listContainers()).length, 2);
      assert.deepEqual(
        (await runtime.listContainers(first)).map((container) => container.id),
        [id],
      );
      assert.deepEqual(await runtime.listContainers('unknown'), []);
    });

    it('removes running containers by force', async () => {
      const sandbox = await runtime.runSandbox(sandboxConfig('a'));
      const id = await start(sandbox, config('main', { does: 'ignore SIGTERM' }));
      await runtime.removeContainer(id);
      assert.deepEqual(await runtime.listContainers(), []);
      await runtime.removeContainer(id);
    });

    it('says why a command cannot run, and leaves an exited container', async () => {
      const sandbox = await runtime.runSandbox(sandboxConfig('a'));
      const id = await runtime.createContainer(sandbox, config('main', { does: 'not exist' }));
      await assert.rejects(runtime.startContainer(id), {
        name: 'RuntimeError',
        reason: 'RunContainerError',
        message: 'exec: "does-not-exist": executable file not found in $PATH',
      });
      const end = await status(id);
      assert.deepEqual([end.state, end.reason, end.exitCode], ['exited', 'ContainerCannotRun', 127]);
    });

    it('writes what containers print in the CRI log format', async () => {
      const sandbox = await runtime.runSandbox(sandboxConfig('a'));
      const container = config('main', { does: 'print', stdout: 'out one\nout two\n', stderr: 'err\n' });
      await start(sandbox, container);
      const lines = async (): Promise<string[]> =>
        (await readFile(container.logPath, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
      while ((await lines()).length < 3) await harness.pass(10);
      const parsed = (await lines()).map((line) => parseLogLine(Buffer.from(line))!);
      assert.ok(parsed.every(({ time, partial }) => !partial && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/.test(time)));
      const of = (stream: string): string[] => parsed.filter((l) => l.stream === stream).map((l) => l.text.toString());
      assert.deepEqual(of('stdout'), ['out one', 'out two']);
      assert.deepEqual(of('stderr'), ['err']);
    });

    it('runs commands in a running container', async () => {
      const sandbox = await runtime.runSandbox(sandboxConfig('a'));
      const id = await start(sandbox, config('main', { does: 'run' }));
      const good = await runtime.execSync(id, harness.exec(0, 'hello'), 10);
      assert.deepEqual([good.exitCode, Buffer.from(good.stdout).toString()], [0, 'hello']);
      const bad = await runtime.execSync(id, harness.exec(3, ''), 0);
      assert.equal(bad.exitCode, 3);
      const late = assert.rejects(runtime.execSync(id, harness.execForever, 1), {
        name: 'RuntimeError',
        reason: 'DeadlineExceeded',
      });
      await harness.pass(1100);
      await late;
      await runtime.stopContainer(id, 0);
      await assert.rejects(runtime.execSync(id, harness.exec(0, ''), 1), RuntimeError);
      await assert.rejects(runtime.execSync('unknown', harness.exec(0, ''), 1), { reason: 'NotFound' });
    });

    it('runs commands for clients', async () => {
      const sandbox = await runtime.runSandbox(sandboxConfig('a'));
      const id = await start(sandbox, config('main', { does: 'run' }));
      const client = testClient();
      assert.equal(await runtime.exec(id, harness.exec(3, 'hello'), client), 3);
      assert.equal(client.said.stdout, 'hello');
      await runtime.stopContainer(id, 0);
      await assert.rejects(runtime.exec(id, harness.exec(0, ''), testClient()), RuntimeError);
      await assert.rejects(runtime.exec('unknown', harness.exec(0, ''), testClient()), { reason: 'NotFound' });
    });

    it('joins clients to a container until they leave or it ends', async () => {
      const sandbox = await runtime.runSandbox(sandboxConfig('a'));
      const id = await start(sandbox, config('main', { does: 'run' }));
      const [leaves, stays] = [testClient(), testClient()];
      const left = runtime.attach(id, leaves);
      const stayed = runtime.attach(id, stays);
      leaves.leave();
      await left;
      await runtime.stopContainer(id, 0);
      await stayed;
      await assert.rejects(runtime.attach(id, testClient()), RuntimeError);
      await assert.rejects(runtime.attach('unknown', testClient()), { reason: 'NotFound' });
    });

    it('refuses connections to ports on which nobody listens', async () => {
      const sandbox = await runtime.runSandbox(sandboxConfig('a'));
      await start(sandbox, config('main', { does: 'run' }));
      await assert.rejects(
        runtime.portForward(sandbox, 9),
        /^Error: failed to dial 9: dial tcp4 .*: connection refused$/,
      );
    });

    it('measures what runs, and counts CPU time upwards', async () => {
      const sandbox = await runtime.runSandbox(sandboxConfig('a'));
      const id = await start(sandbox, config('main', { does: 'run' }));
      const created = await runtime.createContainer(sandbox, config('created', { does: 'run' }));
      const first = await runtime.stats();
      const node = await runtime.nodeStats();
      assert.ok(node.cpuNanoseconds >= 0 && node.memoryBytes > 0);
      await harness.pass(20);
      for (const used of await runtime.stats()) {
        const before = first.find(({ containerId }) => containerId === used.containerId);
        assert.ok(used.memoryBytes > 0 && used.cpuNanoseconds >= (before?.cpuNanoseconds ?? 0));
        assert.notEqual(used.containerId, created);
      }
      await runtime.stopContainer(id, 0);
      assert.deepEqual(await runtime.stats(), []);
      assert.ok((await runtime.nodeStats()).cpuNanoseconds >= node.cpuNanoseconds);
    });

    it('knows an image by one id', async () => {
      const id = await runtime.pullImage('image:1');
      assert.match(id, /^sha256:[0-9a-f]{64}$/);
      assert.equal(await runtime.imageId('image:1'), id);
      assert.notEqual(await runtime.pullImage('image:2'), id);
    });

    it('tells nobody who no longer listens', async () => {
      const sandbox = await runtime.runSandbox(sandboxConfig('a'));
      let calls = 0;
      const stop = runtime.onChange(() => calls++);
      stop();
      await start(sandbox, config('main', { does: 'run' }));
      assert.equal(calls, 0);
    });
  });
}
