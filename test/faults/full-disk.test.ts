/** A disk that is full: writes are refused in good order, reads go on. Needs root, for a file system of its own. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SetpointProcess } from '../support/process-cluster.ts';
import { configMap, configMaps, ProcessClient } from './support.ts';

const mountable = ((): boolean => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  const probe = `${tmpdir()}/setpoint-mount-${process.pid}`;
  try {
    execFileSync('mkdir', ['-p', probe]);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', probe], { stdio: 'ignore' });
    execFileSync('umount', [probe]);
    return true;
  } catch {
    // A container without the right to mount: there is nothing to test on.
    return false;
  } finally {
    execFileSync('rmdir', [probe]);
  }
})();

describe('a full disk', () => {
  let directory: string;
  let setpoint: SetpointProcess | undefined;
  before(function () {
    if (!mountable) this.skip();
  });
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'setpoint-full-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', directory]);
  });
  afterEach(async () => {
    await setpoint?.stop('SIGKILL');
    execFileSync('umount', [directory]);
    await rm(directory, { recursive: true, force: true });
  });

  it('refuses writes, answers reads, and writes again when there is room', async function () {
    this.timeout(60_000);
    setpoint = new SetpointProcess(['server', '--port', '0', '--data-dir', directory]);
    await setpoint.until(/^ready in \d+ ms$/m);
    const api = new ProcessClient(join(directory, 'kubeconfig'));
    const text = 'x'.repeat(100_000);
    let written = 0;
    let refused: { code: number; text: string } | undefined;
    while (refused === undefined && written < 200) {
      const answer = await api.send('POST', configMaps, configMap(`full-${written}`, { text }));
      if (answer.code === 201) written += 1;
      else refused = answer;
    }
    assert.ok(refused !== undefined, 'the disk never was full');
    assert.ok(written > 0);
    assert.ok(refused.code === 500 || refused.code === 503, `${refused.code}`);
    const status = JSON.parse(refused.text) as { kind: string; status: string; message: string };
    assert.equal(status.kind, 'Status');
    assert.equal(status.status, 'Failure');
    assert.match(status.message, /space|full|ENOSPC/i);

    const list = JSON.parse((await api.send('GET', configMaps)).text) as { items: unknown[] };
    assert.equal(list.items.length, written, 'what was acknowledged is there, what was refused is not');
    assert.equal((await api.send('GET', '/livez')).code, 200);

    execFileSync('mount', ['-o', 'remount,size=64m', directory]);
    assert.equal((await api.send('POST', configMaps, configMap('room', { text }))).code, 201);
    api.close();
    assert.equal((await setpoint.stop()).code, 0);
  });
});
