import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ContainerConfig, ContainerRuntime, ContainerStatus } from '../../src/node/container-runtime.ts';
import { MountNamespaces } from '../../src/node/process/mount-namespace.ts';
import { createProcessRuntime } from '../../src/node/process/process-runtime.ts';
import { describeRuntime, sandboxConfig, type Task } from './runtime-contract.ts';

/** As the runtime finds out. */
const canMount = (await MountNamespaces.detect(tmpdir())) !== undefined;

const sh = (script: string): string[] => ['sh', '-c', script];

function commandOf(task: Task): string[] {
  switch (task.does) {
    case 'run':
      return ['sleep', '1000'];
    case 'exit':
      return sh(`exit ${task.code}`);
    case 'print':
      return sh(`printf '${task.stdout}'; printf '${task.stderr}' >&2`);
    case 'ignore SIGTERM':
      return sh("trap '' TERM; while :; do sleep 1000; done");
    case 'not exist':
      return ['does-not-exist'];
  }
}

for (const mounts of ['auto', 'links'] as const) {
  describeRuntime({
    name: `process, mounts: ${mounts}`,
    create: (directory) => createProcessRuntime({ directory, mounts }),
    task: (task) => ({ command: commandOf(task) }),
    pass: (milliseconds) => wait(milliseconds),
    exec: (exitCode, stdout) => sh(`printf '${stdout}'; exit ${exitCode}`),
    execForever: ['sleep', '1000'],
  });
}

describe('process runtime', () => {
  let directory: string;
  let runtime: ContainerRuntime;
  let sandbox: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'setpoint-process-'));
    runtime = await createProcessRuntime({ directory: join(directory, 'runtime') });
    sandbox = await runtime.runSandbox(sandboxConfig('pod'));
  });
  afterEach(async () => {
    for (const { id } of await runtime.listSandboxes()) await runtime.removeSandbox(id);
    await runtime.close();
    await rm(directory, { recursive: true, force: true });
  });

  async function start(command: string[], more: Partial<ContainerConfig> = {}): Promise<string> {
    const base = { name: 'main', image: 'i', workingDir: '', args: [], env: {}, mounts: [], attempt: 0 };
    const logPath = join(directory, 'logs', '0.log');
    const id = await runtime.createContainer(sandbox, { ...base, command, logPath, stdin: false, tty: false, ...more });
    await runtime.startContainer(id);
    return id;
  }

  async function until<T>(what: () => Promise<T | undefined | false>): Promise<T> {
    for (const end = Date.now() + 10_000; Date.now() < end; await wait(5)) {
      const found = await what();
      if (found !== undefined && found !== false) return found;
    }
    throw new Error('the condition did not come about within 10 s');
  }

  /** Goes on with a runtime that mounts in this way. */
  async function use(mounts: 'auto' | 'links'): Promise<void> {
    await runtime.removeSandbox(sandbox);
    await runtime.close();
    runtime = await createProcessRuntime({ directory: join(directory, 'runtime'), mounts });
    sandbox = await runtime.runSandbox(sandboxConfig('pod'));
  }

  const ended = (id: string): Promise<ContainerStatus> =>
    until(async () => (await runtime.listContainers()).find((c) => c.id === id && c.state === 'exited'));
  const log = (): Promise<string> => readFile(join(directory, 'logs', '0.log'), 'utf8').catch(() => '');
  const texts = async (): Promise<string[]> =>
    (await log())
      .split('\n')
      .map((line) => line.split(' ').slice(2).join(' '))
      .filter((line) => line !== '');
  const alive = (pid: number): boolean => {
    try {
      process.kill(pid, 0);
      return true;
    } catch {
      return false;
    }
  };

  it('gives a process its own environment and nothing of the agent', async () => {
    process.env.SETPOINT_TEST_LEAK = 'yes';
    await ended(await start(['env'], { env: { GREETING: 'hello world', PATH: '/bin:/usr/bin' } }));
    delete process.env.SETPOINT_TEST_LEAK;
    const names = (await texts()).map((line) => line.slice(2, line.indexOf('=')));
    assert.deepEqual(withoutCoverage(names), ['GREETING', 'HOME', 'HOSTNAME', 'PATH']);
    assert.match(await log(), /stdout F GREETING=hello world\n/);
    assert.match(await log(), /stdout F HOSTNAME=pod\n/);
  });

  it('refuses a container without a command', async () => {
    await assert.rejects(start([]), { reason: 'CreateContainerError', message: 'no command specified' });
  });

  it('runs the arguments when there is no command, as an image without an entry point does', async () => {
    assert.equal((await ended(await start([], { args: sh('exit 5') }))).exitCode, 5);
  });

  it('says why a file cannot be executed', async () => {
    const path = join(directory, 'script');
    await writeFile(path, 'text', { mode: 0o644 });
    await assert.rejects(start([path]), { message: `exec: ${JSON.stringify(path)}: permission denied` });
    assert.equal((await runtime.listContainers())[0]!.exitCode, 126);
    await assert.rejects(start(['/nowhere/x']), { message: 'exec: "/nowhere/x": no such file or directory' });
  });

  it('starts in a directory of its own, in which volumes are links', async () => {
    const volume = join(directory, 'volume');
    await mkdir(volume);
    await writeFile(join(volume, 'key'), 'value');
    const mounts = [{ containerPath: '/etc/../etc/app', hostPath: volume, readOnly: false }];
    await ended(
      await start(sh('cat etc/app/key; echo; cat "$HOME/etc/app/key"; echo; echo more > etc/app/new'), { mounts }),
    );
    assert.deepEqual(await texts(), ['F value', 'F value']);
    assert.equal(await readFile(join(volume, 'new'), 'utf8'), 'more\n');
  });

  it('starts where it is told: in a volume, on the host, or in a new directory', async () => {
    await use('links');
    const volume = join(directory, 'volume');
    await mkdir(volume);
    const mounts = [{ containerPath: '/data', hostPath: volume, readOnly: false }];
    await ended(await start(sh('pwd -P'), { mounts, workingDir: '/data' }));
    await ended(await start(sh('pwd -P'), { workingDir: '/usr/bin' }));
    await ended(await start(sh('pwd -P'), { workingDir: '/not/on/the/host' }));
    const [inVolume, onHost, made] = await texts();
    assert.equal(inVolume, `F ${volume}`);
    assert.equal(onHost, 'F /usr/bin');
    assert.match(made!, /root\/not\/on\/the\/host$/);
  });

  it('marks lines without an end, and very long ones, as partial', async () => {
    await ended(await start(sh("printf 'no newline'; head -c 20000 /dev/zero | tr '\\0' x >&2; echo >&2")));
    const lines = await texts();
    assert.ok(lines.includes('P no newline'));
    const pieces = lines.filter((line) => line.includes('xxx'));
    assert.deepEqual(
      pieces.map((line) => [line[0], line.length - 2]),
      [
        ['P', 16384],
        ['F', 20000 - 16384],
      ],
    );
  });

  it('has all output in the log when the end is reported', async () => {
    await ended(await start(sh('seq 1 20000')));
    const lines = await texts();
    assert.equal(lines.length, 20000);
    assert.equal(lines.at(-1), 'F 20000');
  });

  it('moves logs aside when they grow, and keeps five files', async () => {
    const small = await createProcessRuntime({ directory: join(directory, 'small'), log: { maxBytes: 2000 } });
    const previous = runtime;
    const previousSandbox = sandbox;
    runtime = small;
    sandbox = await small.runSandbox(sandboxConfig('logs'));
    await ended(await start(sh('for i in 1 2 3 4 5 6 7 8 9; do seq 1 100; sleep 0.05; done')));
    await small.removeSandbox(sandbox);
    await small.close();
    runtime = previous;
    sandbox = previousSandbox;
    const { readdir } = await import('node:fs/promises');
    const files = await readdir(join(directory, 'logs'));
    assert.ok(files.length >= 4 && files.length <= 5, `${files}`);
    assert.ok(
      files.every((file) => /^0\.log(\.\d{8}-\d{6}\.\d{6})?$/.test(file)),
      `${files}`,
    );
  });

  it('reports the signal of a process that was killed from outside', async () => {
    const id = await start(sh('echo $$; exec sleep 1000'));
    const pid = Number((await until(async () => (await texts())[0]))!.slice(2));
    process.kill(pid, 'SIGKILL');
    const end = await ended(id);
    assert.deepEqual([end.exitCode, end.signal, end.reason], [137, 9, 'Error']);
    assert.equal(alive(pid), false);
  });

  it('stops with SIGTERM first, and takes the whole group along', async () => {
    const id = await start(sh('trap "exit 3" TERM; sleep 1000 & echo $!; wait'));
    const grandchild = Number((await until(async () => (await texts())[0]))!.slice(2));
    await runtime.stopContainer(id, 10);
    assert.equal((await ended(id)).exitCode, 3);
    await until(async () => !alive(grandchild));
  });

  it('does not leave grandchildren when the first process ends by itself', async () => {
    await ended(await start(sh('sleep 1000 & echo $!')));
    const grandchild = Number((await texts())[0]!.slice(2));
    await until(async () => !alive(grandchild));
  });

  it('ends commands that are run in a container with it', async () => {
    const id = await start(['sleep', '1000']);
    const file = join(directory, 'pid');
    const answer = runtime.execSync(id, sh(`echo $$ > ${file}; exec sleep 1000`), 0);
    const pid = Number(await until(async () => (await readFile(file, 'utf8').catch(() => '')).trim() || undefined));
    await runtime.stopContainer(id, 1);
    const { exitCode, stderr } = await answer;
    assert.equal(exitCode, 137, Buffer.from(stderr).toString());
    await until(async () => !alive(pid));
  });

  it('keeps standard input open when the container wants it', async () => {
    const id = await start(['cat'], { stdin: true });
    await wait(50);
    assert.equal((await runtime.listContainers(sandbox)).find((c) => c.id === id)!.state, 'running');
    assert.equal((await ended(await start(['cat']))).exitCode, 0);
  });

  it('gives pods addresses on which the host answers', async () => {
    const { createServer } = await import('node:net');
    const [{ ip } = { ip: '' }] = await runtime.listSandboxes();
    assert.match(ip, /^127\./);
    const server = createServer();
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, ip, resolve));
    await new Promise((resolve) => server.close(resolve));
  });

  if (canMount) {
    describe('with mount namespaces', () => {
      const target = `/tmp/setpoint-mount-point-${process.pid}`;
      afterEach(() => rm(target, { recursive: true, force: true }));

      async function volume(name: string, files: Record<string, string>): Promise<string> {
        const path = join(directory, name);
        await mkdir(path);
        for (const [file, text] of Object.entries(files)) await writeFile(join(path, file), text, { mode: 0o755 });
        return path;
      }

      it('shows volumes at their own paths, to the container alone', async () => {
        const [outer, inner] = [await volume('outer', { key: 'outer' }), await volume('inner', { key: 'inner' })];
        const mounts = [
          { containerPath: `${target}/sub`, hostPath: inner, readOnly: false },
          { containerPath: target, hostPath: outer, readOnly: false },
        ];
        const script = `cat ${target}/key; echo; cat ${target}/sub/key; echo; pwd; echo new > ${target}/new`;
        const end = await ended(await start(sh(script), { mounts, workingDir: target }));
        assert.equal(end.exitCode, 0, await log());
        assert.deepEqual(await texts(), ['F outer', 'F inner', `F ${target}`]);
        assert.equal(await readFile(join(outer, 'new'), 'utf8'), 'new\n');
        await assert.rejects(readFile(join(target, 'key')), { code: 'ENOENT' });
      });

      it('keeps what is read-only from being written', async () => {
        const mounts = [{ containerPath: target, hostPath: await volume('v', { key: 'x' }), readOnly: true }];
        assert.notEqual((await ended(await start(sh(`echo y > ${target}/key`), { mounts }))).exitCode, 0);
        assert.match(await log(), /Read-only file system/);
      });

      it('shows single files', async () => {
        const path = join(await volume('v', { message: '' }), 'message');
        const mounts = [{ containerPath: target, hostPath: path, readOnly: false }];
        await ended(await start(sh(`echo done > ${target}`), { mounts }));
        assert.equal(await readFile(path, 'utf8'), 'done\n');
        assert.equal(await readFile(target, 'utf8'), '');
      });

      it('runs commands that are in volumes, and commands beside them', async () => {
        const path = await volume('v', { 'run.sh': '#!/bin/sh\necho in the volume; exec sleep 1000\n', text: 'x' });
        const mounts = [{ containerPath: target, hostPath: path, readOnly: true }];
        const id = await start([`${target}/run.sh`], { mounts });
        await until(async () => (await texts()).includes('F in the volume'));
        const answer = await runtime.execSync(id, ['cat', `${target}/text`], 10);
        assert.equal(Buffer.from(answer.stdout).toString(), 'x');
        const env = await runtime.execSync(id, ['env'], 10);
        const names = Buffer.from(env.stdout)
          .toString()
          .trim()
          .split('\n')
          .map((line) => line.split('=')[0]);
        assert.deepEqual(withoutCoverage(names), ['HOME', 'HOSTNAME', 'PATH']);
        await assert.rejects(runtime.execSync(id, ['nowhere'], 10), {
          message: 'exec: "nowhere": executable file not found in $PATH',
        });
        await assert.rejects(start([`${target}/none`], { mounts }), {
          message: `exec: "${target}/none": no such file or directory`,
        });
      });

      it('takes no volume in the place of everything', async () => {
        const mounts = [{ containerPath: '/', hostPath: await volume('v', {}), readOnly: false }];
        await assert.rejects(start(['true'], { mounts }), {
          message: 'the process runtime cannot mount a volume at /',
        });
      });
    });
  }

  if (process.platform === 'linux') {
    it('measures what processes use', async () => {
      const id = await start(sh('i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; sleep 1000'));
      const used = await until(async () =>
        (await runtime.stats()).find((s) => s.containerId === id && s.cpuNanoseconds > 0),
      );
      assert.ok(used.memoryBytes > 100_000);
    });
  }

  describe('after a restart of the agent', () => {
    async function restart(): Promise<void> {
      await runtime.close();
      runtime = await createProcessRuntime({ directory: join(directory, 'runtime') });
    }

    it('adopts what still runs, with its log, and stops it when told', async () => {
      const id = await start(
        sh(
          'trap "echo bye; exit 0" TERM; echo one; while [ ! -e go ]; do sleep 0.02; done; echo two; while :; do sleep 0.05; done',
        ),
      );
      await until(async () => (await texts()).includes('F one'));
      const [before] = await runtime.listContainers();
      await restart();
      const [after] = await runtime.listContainers();
      assert.deepEqual(after, before);
      await writeFile(join(directory, 'runtime', 'containers', id, 'root', 'go'), '');
      await until(async () => (await texts()).includes('F two'));
      await runtime.stopContainer(id, 10);
      const end = await ended(id);
      assert.deepEqual([end.exitCode, end.signal, end.reason], [143, 15, 'Error']);
      assert.ok((await texts()).includes('F bye'));
    });

    it('does not know the exit code of what ends after it was adopted', async () => {
      const id = await start(sh('while [ ! -e go ]; do sleep 0.02; done; exit 0'));
      await restart();
      await writeFile(join(directory, 'runtime', 'containers', id, 'root', 'go'), '');
      const end = await ended(id);
      assert.deepEqual([end.exitCode, end.reason], [137, 'ContainerStatusUnknown']);
    });

    it('sees that something ended while it was away, and does not touch another process of that number', async () => {
      const id = await start(sh('echo $$; exec sleep 1000'));
      const pid = Number((await until(async () => (await texts())[0]))!.slice(2));
      await runtime.close();
      process.kill(pid, 'SIGKILL');
      await until(async () => !alive(pid));
      const record = join(directory, 'runtime', 'containers', id, 'container.json');
      await writeFile(record, (await readFile(record, 'utf8')).replace(`"pid":${pid}`, `"pid":${process.pid}`));
      runtime = await createProcessRuntime({ directory: join(directory, 'runtime') });
      assert.equal((await ended(id)).reason, 'ContainerStatusUnknown');
      await runtime.removeSandbox(sandbox);
      assert.ok(alive(process.pid));
    });

    it('finds what ran on when the agent was killed, with what was printed meanwhile', async () => {
      await runtime.close();
      const path = join(directory, 'killed');
      const script = 'trap "" PIPE; echo one; while [ ! -e go ]; do sleep 0.02; done; echo two; exec sleep 1000';
      const owner = spawn(
        process.execPath,
        [
          '--import',
          'tsx',
          fileURLToPath(new URL('./process-runtime-owner.ts', import.meta.url)),
          path,
          join(directory, 'logs', '0.log'),
          script,
        ],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
      const id = await new Promise<string>((resolve) => owner.stdout.once('data', (text) => resolve(`${text}`.trim())));
      await until(async () => (await texts()).includes('F one'));
      const killed = new Promise((resolve) => owner.once('exit', resolve));
      owner.kill('SIGKILL');
      await killed;
      await writeFile(join(path, 'containers', id, 'root', 'go'), '');
      runtime = await createProcessRuntime({ directory: path });
      assert.equal((await runtime.listContainers())[0]!.state, 'running');
      await until(async () => (await texts()).includes('F two'));
      await runtime.stopContainer(id, 5);
      assert.equal((await ended(id)).exitCode, 143);
    });

    it('keeps addresses', async () => {
      const [before] = await runtime.listSandboxes();
      await restart();
      const [after] = await runtime.listSandboxes();
      assert.equal(after!.ip, before!.ip);
      await runtime.runSandbox(sandboxConfig('other'));
      assert.equal(new Set((await runtime.listSandboxes()).map(({ ip }) => ip)).size, 2);
    });
  });
});

/** Node hands its coverage variable to every child, whatever environment the child is given. */
function withoutCoverage(names: readonly (string | undefined)[]): (string | undefined)[] {
  return names.filter((name) => name !== 'NODE_V8_COVERAGE').sort();
}
