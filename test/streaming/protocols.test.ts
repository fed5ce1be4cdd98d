/** The server's side of exec, attach and port-forward, with clients of every protocol. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { WebSocket } from 'ws';
import { systemClock } from '../../src/clock/clock.ts';
import { duplexPair } from '../../src/streaming/duplex-pair.ts';
import { portsOf } from '../../src/streaming/port-forward-server.ts';
import type { CommandSession, TerminalSize } from '../../src/streaming/remote-command.ts';
import { exitCodeOf, exitStatus, TerminalSizes } from '../../src/streaming/remote-command.ts';
import { serveCommand, servePortForward } from '../../src/streaming/serve-upgrade.ts';
import { SpdyConnection } from '../../src/streaming/spdy/connection.ts';
import type { SpdyStream } from '../../src/streaming/spdy/stream.ts';
import { subprotocols, UpgradeRefused, writeRefusal } from '../../src/streaming/upgrade.ts';

describe('streams of commands and ports', () => {
  let server: Server;
  let port: number;
  let session: () => Promise<CommandSession>;
  let dialled: number[];
  const stop = new AbortController();

  before(async () => {
    server = createServer((_request, response) => response.writeHead(400).end());
    server.on('upgrade', (incoming, socket, head) => {
      const { pathname, searchParams } = new URL(incoming.url!, 'http://x');
      const upgrade = { request: incoming, socket, head, protocols: subprotocols(incoming) };
      const tty = searchParams.has('tty');
      const wants = { stdin: searchParams.has('stdin'), stdout: true, stderr: !tty, tty };
      const serving =
        pathname === '/ports'
          ? servePortForward(
              upgrade,
              { ports: searchParams.getAll('ports').map(Number), open: async () => dial },
              systemClock,
              stop.signal,
            )
          : serveCommand(
              upgrade,
              { wants, command: ['run'], doing: 'executing command in container', open: () => session() },
              systemClock,
              stop.signal,
            );
      serving.catch((error: unknown) => writeRefusal(socket, error));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  });
  after(() => {
    stop.abort();
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    dialled = [];
    session = async () => async () => 0;
  });

  /** Port 7 echoes, 13 says something and ends, 1 hangs up, 2 breaks, the rest is refused. */
  async function dial(wanted: number): Promise<Duplex> {
    dialled.push(wanted);
    const [near, far] = duplexPair();
    if (wanted === 7) pipeline(far, far).catch(() => undefined);
    else if (wanted === 13) far.end('the time');
    else if (wanted === 1) near.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    else if (wanted === 2) near.destroy(new Error('it broke'));
    else throw new Error(`nobody listens on ${wanted}`);
    return near;
  }

  /** What a WebSocket hears, message by message, until it is closed. */
  function hear(path: string, protocol: string[], talk: (socket: WebSocket) => void = () => undefined) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, protocol);
    const heard: (Buffer | string)[] = [];
    socket.on('message', (data: Buffer, binary: boolean) => heard.push(binary ? data : String(data)));
    socket.on('open', () => talk(socket));
    return new Promise<{ heard: (Buffer | string)[]; code: number; protocol: string }>((resolve, reject) => {
      socket.on('error', reject);
      socket.on('close', (code) => resolve({ heard, code, protocol: socket.protocol }));
    });
  }

  const channel = (heard: readonly (Buffer | string)[], number: number): string =>
    heard.map((one) => (Buffer.isBuffer(one) && one[0] === number ? one.toString('utf8', 1) : '')).join('');

  describe('WebSocket channels', () => {
    it('carry outputs and the outcome, after a greeting', async () => {
      session = async () => async (streams) => {
        streams.stdout!.write('out');
        streams.stderr!.write('err');
        return 3;
      };
      const { heard, code, protocol } = await hear('/exec', ['v4.channel.k8s.io']);
      assert.deepEqual([code, protocol], [1000, 'v4.channel.k8s.io']);
      assert.deepEqual(heard[0], Buffer.of(1));
      assert.deepEqual([channel(heard, 1), channel(heard, 2)], ['out', 'err']);
      const status = JSON.parse(channel(heard, 3));
      assert.equal(status.details.causes[0].message, '3');
      assert.equal(exitCodeOf(status), 3);
    });

    it('are texts in base64 where the client asks for them', async () => {
      session = async () => async (streams) => {
        const [typed] = (await once(streams.stdin!, 'data')) as [Buffer];
        streams.stdout!.write(typed);
        return 0;
      };
      const { heard, protocol } = await hear('/exec?stdin=1', ['v4.base64.channel.k8s.io'], (socket) => {
        socket.send(`0${Buffer.from('typed').toString('base64')}`);
      });
      assert.equal(protocol, 'v4.base64.channel.k8s.io');
      assert.deepEqual(heard, [
        '1',
        `1${Buffer.from('typed').toString('base64')}`,
        `3${Buffer.from('{"metadata":{},"status":"Success"}').toString('base64')}`,
      ]);
    });

    it('tell of failures in words, and of success in none, before version 4', async () => {
      const well = await hear('/exec', []);
      assert.deepEqual([well.heard, well.protocol], [[Buffer.of(1)], '']);
      session = async () => async () => 9;
      const badly = await hear('/exec', ['channel.k8s.io']);
      assert.match(channel(badly.heard, 3), /^command terminated with non-zero exit code: .* exit code 9$/);
    });

    it('end their input by a signal, in version 5', async () => {
      session = async () => async (streams) => {
        streams.stdout!.write((await text(streams.stdin!)).toUpperCase());
        return 0;
      };
      const { heard } = await hear('/exec?stdin=1', ['v5.channel.k8s.io', 'v4.channel.k8s.io'], (socket) => {
        socket.send(Buffer.concat([Buffer.of(0), Buffer.from('some')]));
        socket.send(Buffer.concat([Buffer.of(0), Buffer.from(' words')]));
        socket.send(Buffer.of(255, 0));
      });
      assert.equal(channel(heard, 1), 'SOME WORDS');
    });

    it('tell sizes of the terminal, the last one to who asks late', async () => {
      const sizes: TerminalSize[] = [];
      session = async () => (streams) =>
        new Promise((resolve) => {
          streams.onResize((size) => {
            sizes.push(size);
            if (size.width === 100) resolve(0);
          });
        });
      await hear('/exec?tty=1&stdin=1', ['v4.channel.k8s.io'], (socket) => {
        const size = (json: string) => socket.send(Buffer.concat([Buffer.of(4), Buffer.from(json)]));
        size('{"Width":80,"Height":24}\n{"Width":"x"}{"Width":1e9,"Height":3}');
        size('{"Width":100,');
        size('"Height":40}');
      });
      assert.deepEqual(sizes.at(-1), { width: 100, height: 40 });
      assert.ok(sizes.every(({ width }) => width === 80 || width === 100));
    });

    it('tell the command when the client has gone', async () => {
      let gone: () => void = () => undefined;
      const aborted = new Promise<void>((resolve) => {
        gone = resolve;
      });
      session = async () => async (streams) => {
        streams.stdout!.write('here');
        await once(streams.gone, 'abort');
        gone();
        return 0;
      };
      await hear('/exec', ['v5.channel.k8s.io'], (socket) => socket.once('message', () => socket.terminate()));
      await aborted;
    });

    it('hold a command up whose output nobody takes', async () => {
      let written = 0;
      session = async () => async (streams) => {
        const chunk = Buffer.alloc(64 * 1024);
        const gone = once(streams.gone, 'abort');
        while (!streams.gone.aborted && written < 200 * 1024 * 1024) {
          written += chunk.length;
          if (!streams.stdout!.write(chunk)) {
            await Promise.race([once(streams.stdout!, 'drain').catch(() => undefined), gone]);
          }
        }
        return 0;
      };
      const socket = new WebSocket(`ws://127.0.0.1:${port}/exec`, ['v5.channel.k8s.io']);
      socket.on('error', () => undefined);
      await once(socket, 'open');
      socket.pause();
      // It comes to a stand: nothing more is written from one look to the next.
      for (let last = -1; last !== written; ) {
        last = written;
        for (let turns = 0; turns < 50; turns++) await new Promise(setImmediate);
      }
      assert.ok(written < 50 * 1024 * 1024, `${written} bytes were taken`);
      socket.terminate();
    });

    it('are refused when their protocol is not spoken', async () => {
      await assert.rejects(hear('/exec', ['v9.channel.k8s.io']), /403/);
      await assert.rejects(hear('/ports?ports=7', ['portforward.k8s.io']), /403/);
      await assert.rejects(hear('/ports', ['v4.channel.k8s.io']), /400/);
    });

    it('say before the handshake that there is no container, from version 5 on behind it', async () => {
      session = () => Promise.reject(new UpgradeRefused(500, 'container not found ("main")'));
      await assert.rejects(hear('/exec', ['v4.channel.k8s.io']), /500/);
      const { heard } = await hear('/exec', ['v5.channel.k8s.io']);
      assert.equal(
        JSON.parse(channel(heard, 3)).message,
        'Internal error occurred: unable to upgrade connection: container not found ("main")',
      );
    });

    it('carry ports, which they begin with', async () => {
      const { heard } = await hear('/ports?ports=13&ports=9', ['v4.channel.k8s.io']);
      assert.equal(channel(heard, 0), '\x0d\x00the time');
      assert.equal(channel(heard, 1), '\x0d\x00');
      assert.equal(channel(heard, 2), '\x09\x00');
      assert.equal(channel(heard, 3), '\x09\x00nobody listens on 9');
      assert.deepEqual(dialled, [13, 9]);
    });
  });

  describe('SPDY', () => {
    function upgrade(
      path: string,
      protocols: string[],
    ): Promise<{ code: number; body: string; spdy?: SpdyConnection }> {
      return new Promise((resolve, reject) => {
        const headers = { Connection: 'Upgrade', Upgrade: 'SPDY/3.1', 'X-Stream-Protocol-Version': protocols };
        const sent = request({ host: '127.0.0.1', port, path, method: 'POST', headers });
        sent.on('error', reject);
        sent.on('response', (response) => {
          text(response).then((body) => resolve({ code: response.statusCode!, body }), reject);
        });
        sent.on('upgrade', (response, socket, head) => {
          if (head.length > 0) socket.unshift(head);
          const spdy = new SpdyConnection(socket, { role: 'client' });
          resolve({ code: 101, body: String(response.headers['x-stream-protocol-version']), spdy });
        });
        sent.end();
      });
    }

    const open = (spdy: SpdyConnection, type: string, more: Record<string, string> = {}): Promise<SpdyStream> =>
      spdy.open(new Map([['streamtype', type], ...Object.entries(more)]));

    it('takes the first protocol of the client that it knows', async () => {
      const { code, body, spdy } = await upgrade('/exec', ['v9.channel.k8s.io', 'v3.channel.k8s.io']);
      assert.deepEqual([code, body], [101, 'v3.channel.k8s.io']);
      spdy!.destroy();
      const none = await upgrade('/exec', ['v9.channel.k8s.io']);
      assert.equal(none.code, 403);
      assert.match(none.body, /client supports \[v9\.channel\.k8s\.io\], server accepts \[v4\.channel\.k8s\.io /);
      assert.equal((await upgrade('/exec', [])).code, 400);
    });

    it('carries a command, input and all', async () => {
      session = async () => async (streams) => {
        await pipeline(streams.stdin!, streams.stdout!);
        return 0;
      };
      const { spdy } = await upgrade('/exec?stdin=1', ['v4.channel.k8s.io']);
      const error = await open(spdy!, 'error');
      const stdin = await open(spdy!, 'stdin');
      const stdout = await open(spdy!, 'stdout');
      await open(spdy!, 'stderr');
      stdin.end('there and back');
      assert.equal(await text(stdout), 'there and back');
      assert.deepEqual(JSON.parse(await text(error)), { metadata: {}, status: 'Success' });
      await spdy!.closed;
    });

    it('carries ports: each connection two streams, which end apart', async () => {
      const { spdy } = await upgrade('/ports', ['portforward.k8s.io']);
      const error = await open(spdy!, 'error', { port: '7', requestid: '0' });
      const data = await open(spdy!, 'data', { port: '7', requestid: '0' });
      data.end('echo');
      assert.equal(await text(data), 'echo');
      assert.equal(await text(error), '');
      const failed = await open(spdy!, 'error', { port: '9', requestid: '1' });
      await open(spdy!, 'data', { port: '9', requestid: '1' });
      assert.equal(await text(failed), 'nobody listens on 9');
      // A pod that hangs up is no failure: kubectl would give up every other connection.
      for (const [port, said] of Object.entries({ 1: '', 2: 'it broke' })) {
        const why = await open(spdy!, 'error', { port, requestid: `broken ${port}` });
        const cut = await open(spdy!, 'data', { port, requestid: `broken ${port}` });
        cut.write(Buffer.alloc(2 * 1024 * 1024));
        assert.equal(await text(why), said);
        assert.equal(await text(cut), '');
      }
      // What was said to those holds nobody up.
      await open(spdy!, 'error', { port: '7', requestid: 'again' });
      const again = await open(spdy!, 'data', { port: '7', requestid: 'again' });
      again.end('still there');
      assert.equal(await text(again), 'still there');
      const neither = await open(spdy!, 'data', { port: '70000', requestid: '2' });
      await once(neither, 'close');
      assert.deepEqual(dialled, [7, 9, 1, 2, 7]);
      spdy!.close();
    });
  });

  it('tells exit codes, and what is none', () => {
    assert.equal(exitCodeOf(exitStatus(0, [])), 0);
    assert.equal(exitCodeOf(exitStatus(137, ['sleep'])), 137);
    assert.equal(exitCodeOf({ metadata: {}, status: 'Failure', reason: 'InternalError' }), undefined);
    assert.equal(exitCodeOf({ metadata: {}, status: 'Failure', reason: 'NonZeroExitCode' }), undefined);
  });

  it('reads ports as a kubelet does', () => {
    assert.deepEqual(portsOf(['80', '65535']), [80, 65535]);
    assert.throws(
      () => portsOf(['x']),
      /unable to parse "x" as a port: strconv\.ParseUint: parsing "x": invalid syntax/,
    );
    assert.throws(() => portsOf(['65536']), /value out of range/);
    assert.throws(() => portsOf(['0']), /port "0" must be > 0/);
  });

  it('passes over sizes that are none', () => {
    const sizes = new TerminalSizes();
    for (const bad of ['', 'null', '[]', '{"Width":0,"Height":1}', '{"Width":1.5,"Height":1}']) sizes.take(bad);
    sizes.onResize(() => assert.fail('there is no size'));
  });
});
