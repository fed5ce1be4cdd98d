/** The command line as a contract: flags, exit codes, what is said. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SetpointProcess, upCluster } from '../support/process-cluster.ts';

describe('the command line', function () {
  this.timeout(30_000);

  const refused: [string, string[], RegExp][] = [
    ['an unknown flag', ['up', '--nosuch'], /unknown option '--nosuch'/],
    ['an unknown command', ['nosuch'], /unknown command 'nosuch'/],
    [
      'a store that there is not',
      ['up', '--store', 'paper'],
      /--store <store>.*'paper' is invalid. Allowed choices are lmdb, memory/,
    ],
    [
      'a runtime that there is not',
      ['up', '--runtime', 'docker'],
      /--runtime <runtime>.*Allowed choices are auto, process, simulated, none/,
    ],
    ['a port out of range', ['up', '--port', '70000'], /--port <port>.*It must be a number from 0 to 65535/],
    ['a number that is none', ['up', '--nodes', 'many'], /--nodes <count>.*It must be a number/],
    [
      'an unknown controller',
      ['up', '--controllers', '*,-nosuch'],
      /"nosuch" is not in the list of known controllers: .*deployment-controller/,
    ],
    [
      'a log level that there is not',
      ['up', '--log-level', 'loud'],
      /--log-level <level>.*Allowed choices are error, warn, info, debug/,
    ],
  ];
  for (const [name, args, message] of refused) {
    it(`refuses ${name}`, async () => {
      const { code, stderr } = await new SetpointProcess(args).ended;
      assert.match(stderr, message);
      assert.equal(code, 2);
    });
  }

  it('says its version', async () => {
    const { code, stdout } = await new SetpointProcess(['version']).ended;
    assert.equal(code, 0);
    assert.match(stdout, /^setpoint \d+\.\d+\.\d+ \(Kubernetes API 1\.36, node \d+/);
  });

  it('helps', async () => {
    const { code, stdout } = await new SetpointProcess(['help']).ended;
    assert.equal(code, 0);
    assert.match(stdout, /up .*start a cluster/);
  });

  it('names the process that has the port', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'setpoint-cli-'));
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const { code, stderr } = await new SetpointProcess(['up', '--port', String(port), '--data-dir', directory]).ended;
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`port ${port} on 127\\.0\\.0\\.1 is in use by process ${process.pid} `));
    other.close();
    await rm(directory, { recursive: true, force: true });
  });

  it('names the process that has the data directory', async () => {
    const cluster = await upCluster('--runtime', 'none');
    const { code, stderr } = await new SetpointProcess(['up', '--port', '0', '--data-dir', cluster.directory]).ended;
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`is in use by process ${cluster.process.child.pid}`));
    assert.equal((await cluster.stop()).code, 0);
  });

  it('names the data directory that it cannot use', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'setpoint-cli-'));
    const file = join(directory, 'file');
    await writeFile(file, '');
    const { code, stderr } = await new SetpointProcess(['up', '--port', '0', '--data-dir', join(file, 'data')]).ended;
    assert.match(stderr, /^setpoint: cannot use the data directory .*\/file\/data: ENOTDIR: .*\n$/);
    assert.equal(code, 1);
    await rm(directory, { recursive: true });
  });

  it('says in one line that what it found is no store', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'setpoint-cli-'));
    await mkdir(join(directory, 'store'));
    await writeFile(join(directory, 'store/data.mdb'), Buffer.alloc(8192, 1));
    const { code, stderr } = await new SetpointProcess(['up', '--port', '0', '--data-dir', directory]).ended;
    assert.match(stderr, /^setpoint: .*data\.mdb is not an LMDB database\n$/);
    assert.equal(code, 1);
    await rm(directory, { recursive: true });
  });

  it('says that the address is not one of this machine', async () => {
    const { code, stderr } = await new SetpointProcess([
      'up',
      '--port',
      '0',
      '--store',
      'memory',
      '--bind',
      '192.0.2.1',
    ]).ended;
    assert.match(stderr, /^setpoint: cannot listen on 192\.0\.2\.1:0: .*EADDRNOTAVAIL/);
    assert.equal(code, 1);
  });

  it('has the whole kubeconfig, for the owner only, before it says ready', async () => {
    const cluster = await upCluster('--runtime', 'none', '--store', 'memory');
    assert.match(await readFile(cluster.kubeconfig, 'utf8'), /current-context: kubernetes-admin@setpoint/);
    assert.equal((await stat(cluster.kubeconfig)).mode & 0o777, 0o600);
    assert.equal((await stat(join(cluster.directory, 'pki', 'ca.key'))).mode & 0o777, 0o600);
    assert.equal(cluster.process.stdout.trim().split('\n').length, 1, 'one line on standard output');
    await cluster.stop();
  });

  it('keeps everything over a restart', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'setpoint-cli-'));
    const up = async () => {
      const started = new SetpointProcess(['up', '--port', '0', '--data-dir', directory, '--runtime', 'none']);
      await started.until(/^ready in \d+ ms$/m);
      return started;
    };
    const first = await up();
    const before = await readFile(join(directory, 'kubeconfig'), 'utf8');
    assert.equal((await first.stop('SIGINT')).code, 0);
    const second = await up();
    const after = await readFile(join(directory, 'kubeconfig'), 'utf8');
    const key = /client-key-data: \S+/;
    assert.equal(key.exec(after)?.[0], key.exec(before)?.[0], 'the same credentials');
    assert.equal((await second.stop('SIGTERM')).code, 0);
    await rm(directory, { recursive: true, force: true });
  });
});
