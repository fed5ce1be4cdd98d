/** The audit log's file: whole lines, in order, rotated, bounded in memory. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AuditEvent, AuditLog } from '../../src/auth/audit/log.ts';
import { systemClock } from '../../src/clock/clock.ts';

const event = (line: string): AuditEvent => ({ size: line.length + 1, text: () => line });

describe('the file of the audit log', () => {
  let directory: string;
  let path: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'setpoint-audit-'));
    path = join(directory, 'log', 'audit.log');
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('has a line for every event, in order, and is its owner’s', async () => {
    const log = await AuditLog.open({ path, clock: systemClock });
    const lines = Array.from({ length: 1000 }, (_, index) => `{"n":${index}}`);
    for (const line of lines) log.write(event(line));
    await log.close();
    assert.equal(await readFile(path, 'utf8'), `${lines.join('\n')}\n`);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.deepEqual([log.taken, log.lost], [1000, 0]);
  });

  it('goes on where it was', async () => {
    for (const line of ['a', 'b']) {
      const log = await AuditLog.open({ path, clock: systemClock });
      log.write(event(line));
      await log.close();
    }
    assert.equal(await readFile(path, 'utf8'), 'a\nb\n');
  });

  it('is put away when it would grow too large; the oldest go', async () => {
    const line = 'x'.repeat(600 * 1024);
    for (let turn = 0; turn < 4; turn++) {
      const log = await AuditLog.open({ path, maxSize: 1, maxBackup: 2, clock: systemClock });
      log.write(event(`${turn}${line}`));
      await log.close();
    }
    const names = (await readdir(join(directory, 'log'))).sort();
    assert.equal(names.length, 3);
    assert.equal(names.pop(), 'audit.log');
    for (const name of names) assert.match(name, /^audit-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}\.log$/);
    const first = await Promise.all(
      names.map(async (name) => (await readFile(join(directory, 'log', name), 'utf8'))[0]),
    );
    assert.deepEqual(first, ['1', '2']);
  });

  it('keeps what was put away for so many days', async () => {
    const now = Date.parse('2026-05-10T00:00:00Z');
    const clock = { ...systemClock, now: () => now };
    const first = await AuditLog.open({ path, maxSize: 1, maxAge: 3, clock });
    await first.close();
    for (const day of ['2026-05-01', '2026-05-09'])
      await writeFile(join(directory, 'log', `audit-${day}T00-00-00.000.log`), '');
    await writeFile(join(directory, 'log', 'audit-of-something-else.log'), '');
    for (let turn = 0; turn < 2; turn++) {
      const log = await AuditLog.open({ path, maxSize: 1, maxAge: 3, clock });
      log.write(event('x'.repeat(600 * 1024)));
      await log.close();
    }
    assert.deepEqual((await readdir(join(directory, 'log'))).sort(), [
      'audit-2026-05-09T00-00-00.000.log',
      'audit-2026-05-10T00-00-00.000.log',
      'audit-of-something-else.log',
      'audit.log',
    ]);
  });

  it('loses what does not fit into memory, and counts it', async () => {
    const log = await AuditLog.open({ path, clock: systemClock, bufferBytes: 1000 });
    for (let index = 0; index < 10; index++) log.write(event('y'.repeat(199)));
    assert.deepEqual([log.taken, log.lost], [5, 5]);
    await log.close();
    assert.equal((await readFile(path, 'utf8')).length, 1000);
  });

  it('that cannot be written to costs its events, and no more', async () => {
    if (process.platform !== 'linux') return;
    const failures: string[] = [];
    const log = await AuditLog.open({
      path: '/dev/full',
      clock: systemClock,
      failed: ({ message }) => failures.push(message),
    });
    for (const line of ['a', 'b']) log.write(event(line));
    await log.close();
    assert.equal(log.lost, 2);
    assert.match(failures.join(), /^ENOSPC/);
  });

  it('cannot be a directory', async () => {
    await assert.rejects(AuditLog.open({ path: directory, clock: systemClock }), { code: 'EISDIR' });
  });
});
