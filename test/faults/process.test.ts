/** The server's process ends: killed in the middle of writes, or asked to stop in the middle of requests. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SetpointProcess } from '../support/process-cluster.ts';
import { configMap, configMaps, ProcessClient } from './support.ts';

const ready = /^ready in \d+ ms$/m;

describe('the process', () => {
  let directory: string;
  const started: SetpointProcess[] = [];
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'setpoint-faults-'));
  });
  afterEach(async () => {
    for (const setpoint of started.splice(0)) await setpoint.stop('SIGKILL');
    await rm(directory, { recursive: true, force: true });
  });

  const start = (...flags: string[]): SetpointProcess => {
    const setpoint = new SetpointProcess(['server', '--port', '0', '--data-dir', directory, ...flags]);
    started.push(setpoint);
    return setpoint;
  };
  const client = (): ProcessClient => new ProcessClient(join(directory, 'kubeconfig'));

  it('killed in the middle of writes loses none that it has acknowledged', async function () {
    this.timeout(90_000);
    /** What the server has acknowledged last, by name; `undefined`: the delete. */
    const acknowledged = new Map<string, string | undefined>();
    /** What was under way when the process was killed: it may have happened or not. */
    const open = new Map<string, string | undefined>();
    for (let round = 1; round <= 3; round++) {
      const setpoint = start();
      await setpoint.until(ready);
      const api = client();
      let writes = 0;
      const write = async (name: string, value: string | undefined): Promise<void> => {
        open.set(name, value);
        const there = acknowledged.get(name) !== undefined;
        const path = there ? `${configMaps}/${name}` : configMaps;
        const method = value === undefined ? 'DELETE' : there ? 'PATCH' : 'POST';
        if (method === 'DELETE' && !there) {
          open.delete(name);
          return;
        }
        const body =
          method === 'DELETE'
            ? undefined
            : method === 'PATCH'
              ? { data: { value } }
              : configMap(name, { value: value! });
        const { code, text } = await api.send(method, path, body);
        assert.ok(code < 300, `${method} ${name}: ${code} ${text}`);
        acknowledged.set(name, value);
        open.delete(name);
        writes += 1;
      };
      const writer = async (index: number): Promise<void> => {
        for (let step = 0; ; step++) {
          const name = `w${index}-${step % 7}`;
          await write(name, step % 5 === 4 ? undefined : `${round}.${step}`);
        }
      };
      const writers = Array.from({ length: 8 }, (_, index) => writer(index).catch((error: unknown) => error));
      while (writes < 200 * round) await new Promise((resolve) => setImmediate(resolve));
      await setpoint.stop('SIGKILL');
      for (const ended of await Promise.all(writers)) {
        assert.ok(ended instanceof Error && !(ended instanceof assert.AssertionError), String(ended));
      }
      api.close();

      const again = start();
      await again.until(ready);
      const reader = client();
      const { text } = await reader.send('GET', configMaps);
      const found = new Map(
        (JSON.parse(text) as { items: { metadata: { name: string }; data?: { value: string } }[] }).items.map(
          ({ metadata, data }) => [metadata.name, data?.value],
        ),
      );
      for (const [name, value] of acknowledged) {
        const now = found.get(name);
        if (now === value) continue;
        assert.ok(open.has(name) && open.get(name) === now, `${name} was ${value}, is ${now}`);
      }
      // What was under way is known now.
      for (const name of open.keys()) acknowledged.set(name, found.get(name));
      open.clear();
      reader.close();
      assert.equal((await again.stop()).code, 0);
    }
  });

  it('started again goes on with watches from before, or says 410', async function () {
    this.timeout(60_000);
    const first = start();
    await first.until(ready);
    let api = client();
    await api.send('POST', configMaps, configMap('a'));
    const { metadata } = JSON.parse((await api.send('GET', configMaps)).text) as {
      metadata: { resourceVersion: string };
    };
    await api.send('POST', configMaps, configMap('b'));
    api.close();
    await first.stop('SIGKILL');

    const second = start();
    await second.until(ready);
    api = client();
    const watch = await api.open('GET', `${configMaps}?watch=1&resourceVersion=${metadata.resourceVersion}`);
    assert.equal(watch.statusCode, 200);
    const [line] = (
      await new Promise<string>((resolve) => watch.once('data', (chunk) => resolve(String(chunk))))
    ).split('\n');
    const event = JSON.parse(line!) as { type: string; object: { code?: number; metadata: { name: string } } };
    if (event.type === 'ERROR') assert.equal(event.object.code, 410);
    else assert.equal(`${event.type} ${event.object.metadata.name}`, 'ADDED b');
    watch.destroy();
    api.close();
  });

  it('asked to stop ends watches, finishes what is under way, and exits with 0', async function () {
    this.timeout(60_000);
    const setpoint = start();
    await setpoint.until(ready);
    const api = client();
    const watch = await api.open('GET', `${configMaps}?watch=1`);
    const watched = new Promise<void>((resolve, reject) => {
      watch.on('end', resolve).on('error', reject).resume();
    });
    // A request whose body is still on its way.
    const { request } = await import('node:https');
    const slow = request({
      agent: api.agent,
      hostname: api.url.hostname,
      port: api.url.port,
      method: 'POST',
      path: configMaps,
      headers: { 'Content-Type': 'application/json', Expect: '100-continue' },
    });
    const answered = new Promise<number | undefined>((resolve, reject) => {
      slow.on('response', (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      slow.on('error', reject);
    });
    const text = JSON.stringify(configMap('slow'));
    slow.flushHeaders();
    await new Promise((resolve) => slow.once('continue', resolve));
    slow.write(text.slice(0, 10));
    await api.send('GET', '/readyz');
    const began = performance.now();
    const ended = setpoint.stop('SIGTERM');
    await watched;
    slow.end(text.slice(10));
    assert.equal(await answered, 201);
    const { code, stderr } = await ended;
    assert.equal(code, 0, stderr);
    assert.ok(performance.now() - began < 4000, 'idle connections hold nobody up');
    api.close();

    const again = start();
    await again.until(ready);
    const reader = client();
    assert.equal((await reader.send('GET', `${configMaps}/slow`)).code, 200);
    reader.close();
  });

  it('says who has its port', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const { code, stderr } = await start('--port', String(port)).ended;
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`port ${port} on 127\\.0\\.0\\.1 is in use by process ${process.pid} \\(`));
    await new Promise((resolve) => other.close(resolve));
  });

  it('says who has its data', async () => {
    const first = start();
    await first.until(ready);
    const { code, stderr } = await start().ended;
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`in use by process ${first.child.pid}\\b`));
    const api = client();
    assert.equal((await api.send('GET', '/readyz')).code, 200, 'the first goes on');
    api.close();
  });

  const wrong: readonly [string[], RegExp][] = [
    [['--store', 'nope'], /--store[\s\S]*nope[\s\S]*lmdb, memory/],
    [['--port', '70000'], /--port[\s\S]*70000[\s\S]*number from 0 to 65535/],
    [['--log-level', 'loud'], /--log-level[\s\S]*loud[\s\S]*error, warn, info, debug/],
    [['--nope'], /--nope/],
  ];
  for (const [flags, message] of wrong) {
    it(`refuses ${flags.join(' ')} with 2`, async () => {
      const { code, stderr } = await start(...flags).ended;
      assert.equal(code, 2, stderr);
      assert.match(stderr, message);
    });
  }
});
