import assert from 'node:assert/strict';
import { appendFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { createVirtualClock } from '../../src/clock/virtual.ts';
import { readLog, selectLog } from '../../src/node/agent/logs.ts';
import { ContainerLog, parseLogLine } from '../../src/node/container-log.ts';

const start = Date.UTC(2026, 0, 1);
type Request = Parameters<typeof readLog>[0]['request'];

describe('container logs', () => {
  let directory: string;
  let path: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'setpoint-logs-'));
    path = join(directory, '0.log');
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  async function read(options: Partial<Request> = {}, now = start): Promise<string> {
    const request = { follow: false, timestamps: false, signal: new AbortController().signal, ...options };
    const chunks: Uint8Array[] = [];
    for await (const chunk of readLog({ path, now, request, ended: Promise.resolve() })) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  }

  const entry = (second: number, text: string, tag = 'F'): string =>
    `2026-01-01T00:00:${String(second).padStart(2, '0')}.000000000Z stdout ${tag} ${text}\n`;

  it('gives back what was written, however it was cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.string({ maxLength: 40 }), fc.boolean()), { maxLength: 30 }),
        async (pieces) => {
          await rm(directory, { recursive: true, force: true });
          directory = await mkdtemp(join(tmpdir(), 'setpoint-logs-'));
          path = join(directory, '0.log');
          const log = new ContainerLog(path, createVirtualClock(start), { maxBytes: 300, maxFiles: 1000 });
          for (const [text, end] of pieces) {
            log.append('stdout', Buffer.from(end ? `${text}\n` : text));
            if (end) await log.flushed();
          }
          log.end('stdout');
          await log.flushed();
          const written = pieces.map(([text, end]) => (end ? `${text}\n` : text)).join('');
          assert.equal(await read(), written);
          const lines = written.split(/(?<=\n)/).filter((line) => line !== '');
          for (const tailLines of [0, 1, 2, 5, 100]) {
            assert.equal(await read({ tailLines }), tailLines === 0 ? '' : lines.slice(-tailLines).join(''));
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  it('shows times, lines since, and no more bytes than asked for', async () => {
    await writeFile(path, entry(1, 'one') + entry(2, 'two ', 'P') + entry(2, 'three') + entry(3, 'four'));
    assert.equal(await read(), 'one\ntwo three\nfour\n');
    assert.equal(
      await read({ timestamps: true, tailLines: 2 }),
      '2026-01-01T00:00:02.000000000Z two three\n2026-01-01T00:00:03.000000000Z four\n',
    );
    assert.equal(await read({ sinceTime: '2026-01-01T00:00:03Z' }), 'four\n');
    assert.equal(await read({ sinceSeconds: 8 }, start + 10_000), 'two three\nfour\n');
    assert.equal(await read({ limitBytes: 6 }), 'one\ntw');
    assert.equal(await read({ tailLines: 1, limitBytes: 2 }), 'fo');
  });

  it('is empty when nothing was written, and skips what is not in the format', async () => {
    assert.equal(await read(), '');
    await writeFile(path, `garbage\n${entry(1, 'line')}`);
    assert.equal(await read(), 'line\n');
    assert.equal(parseLogLine(Buffer.from('2026 stdnone F x')), undefined);
  });

  it('finds the last lines of a large file', async () => {
    await writeFile(path, Array.from({ length: 20_000 }, (_, index) => entry(1, `line ${index}`)).join(''));
    assert.equal(await read({ tailLines: 2 }), 'line 19998\nline 19999\n');
    assert.equal((await read({ tailLines: 5000 })).split('\n').length, 5001);
  });

  it('follows through a rotation until the container ends', async () => {
    await writeFile(path, entry(1, 'one'));
    let end: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const signal = new AbortController().signal;
    const log = readLog({ path, now: start, request: { follow: true, timestamps: false, signal }, ended });
    const next = async (): Promise<string | undefined> => {
      const { value } = await log.next();
      return value === undefined ? undefined : Buffer.from(value).toString();
    };
    assert.equal(await next(), 'one\n');
    const two = next();
    await appendFile(path, entry(2, 'two'));
    assert.equal(await two, 'two\n');
    const three = next();
    await rename(path, `${path}.20260101-000000.000001`);
    await writeFile(path, entry(3, 'three'));
    assert.equal(await three, 'three\n');
    const last = next();
    end();
    assert.equal(await last, undefined);
  });

  it('stops following when the client goes', async () => {
    await writeFile(path, entry(1, 'one'));
    const client = new AbortController();
    const request = { follow: true, timestamps: false, signal: client.signal };
    const log = readLog({ path, now: start, request, ended: new Promise(() => undefined) });
    await log.next();
    const last = log.next();
    client.abort();
    assert.equal((await last).done, true);
  });

  describe('which log', () => {
    const base = { name: 'web', image: 'i', imageID: '', ready: false, restartCount: 2 };
    const terminated = { exitCode: 1, containerID: 'process://x' };
    const select = (status: object, previous = false) =>
      selectLog('pod', { containerStatuses: [{ ...base, ...status }] }, 'web', previous);

    it('is that of the run asked for', () => {
      assert.deepEqual(select({ state: { running: {} } }), { attempt: 2, running: true });
      assert.deepEqual(select({ state: { terminated } }), { attempt: 2, running: false });
      assert.deepEqual(select({ state: { running: {} }, lastState: { terminated } }, true), {
        attempt: 1,
        running: false,
      });
      const waiting = { reason: 'CrashLoopBackOff' };
      assert.deepEqual(select({ state: { waiting }, lastState: { terminated } }), { attempt: 2, running: false });
      assert.deepEqual(select({ state: { waiting }, lastState: { terminated } }, true), { attempt: 2, running: false });
    });

    for (const [status, previous, message] of [
      [
        { state: { waiting: { reason: 'ContainerCreating' } } },
        false,
        'container "web" in pod "pod" is waiting to start: ContainerCreating',
      ],
      [
        { state: { waiting: { reason: 'ErrImagePull' } } },
        false,
        'container "web" in pod "pod" is waiting to start: image can\'t be pulled',
      ],
      [
        { state: { waiting: { reason: 'ImagePullBackOff' } } },
        false,
        'container "web" in pod "pod" is waiting to start: trying and failing to pull image',
      ],
      [{ state: {} }, false, 'container "web" in pod "pod" is waiting to start - no logs yet'],
      [{ state: { running: {} } }, true, 'previous terminated container "web" in pod "pod" not found'],
      [{ state: { terminated: { exitCode: 1 } } }, false, 'container "web" in pod "pod" is terminated'],
    ] as const) {
      it(`is refused: ${message}`, () => {
        assert.throws(() => select(status, previous), { name: 'StatusError', message, code: 400 });
      });
    }

    it('is refused for a container that the pod does not have', () => {
      assert.throws(() => selectLog('pod', {}, 'web', false), {
        message: 'container "web" in pod "pod" is not available',
      });
    });
  });
});
