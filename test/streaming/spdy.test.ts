import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import fc from 'fast-check';
import { SpdyConnection } from '../../src/streaming/spdy/connection.ts';
import { spdyDictionary } from '../../src/streaming/spdy/dictionary.ts';
import { encodeFrame, type Frame, FrameReader, SpdyError } from '../../src/streaming/spdy/frames.ts';
import { HeaderCoder } from '../../src/streaming/spdy/header-block.ts';
import type { SpdyStream } from '../../src/streaming/spdy/stream.ts';

/** Both ends of a connection in memory, each as slow as its reader. */
function transportPair(): [Duplex, Duplex] {
  let pending: (() => void)[] = [undefined as never, undefined as never];
  const make = (own: number): Duplex =>
    new Duplex({
      read() {
        const resume = pending[own];
        pending[own] = undefined as never;
        resume?.();
      },
      write(chunk: Buffer, _encoding, done) {
        const other = ends[1 - own]!;
        if (other.destroyed) done();
        else if (other.push(chunk)) done();
        else pending[1 - own] = done;
      },
      final(done) {
        ends[1 - own]!.push(null);
        done();
      },
      destroy(error, done) {
        const other = ends[1 - own]!;
        pending[own]?.();
        if (!other.destroyed && !other.readableEnded) other.push(null);
        done(error);
      },
    });
  const ends: Duplex[] = [];
  ends.push(make(0), make(1));
  pending = [];
  return [ends[0]!, ends[1]!];
}

interface Pair {
  readonly client: SpdyConnection;
  readonly server: SpdyConnection;
  accepted(): Promise<SpdyStream>;
}

function connect(): Pair {
  const [left, right] = transportPair();
  const streams: SpdyStream[] = [];
  let wake: () => void = () => undefined;
  const server = new SpdyConnection(right, {
    role: 'server',
    onStream: (stream) => {
      streams.push(stream);
      wake();
    },
  });
  const client = new SpdyConnection(left, { role: 'client' });
  return {
    client,
    server,
    async accepted() {
      while (streams.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return streams.shift()!;
    },
  };
}

async function read(stream: Duplex): Promise<string> {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(stream, 'end');
  return Buffer.concat(chunks).toString();
}

const streamId = fc.integer({ min: 1, max: 0x7fffffff });
const block = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
const word = fc.integer({ min: 0, max: 0xffffffff });
const frame: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({ type: fc.constant('data' as const), streamId, fin: fc.boolean(), data: block }),
  fc.record({
    type: fc.constant('syn-stream' as const),
    streamId,
    fin: fc.boolean(),
    unidirectional: fc.boolean(),
    block,
  }),
  fc.record({ type: fc.constantFrom('syn-reply' as const, 'headers' as const), streamId, fin: fc.boolean(), block }),
  fc.record({ type: fc.constant('rst-stream' as const), streamId, status: word }),
  fc.record({
    type: fc.constant('settings' as const),
    values: fc.array(fc.tuple(fc.integer({ min: 0, max: 0xffffff }), word), { maxLength: 5 }),
  }),
  fc.record({ type: fc.constant('ping' as const), id: word }),
  fc.record({ type: fc.constant('go-away' as const), lastStreamId: streamId, status: word }),
  fc.record({
    type: fc.constant('window-update' as const),
    streamId,
    delta: fc.integer({ min: 0, max: 0x7fffffff }),
  }),
);

/** Data comes in pieces: what counts is the order, the bytes, and where the last piece is. */
function essence(frames: readonly Frame[]): string[] {
  return frames.flatMap((one) =>
    one.type === 'data'
      ? [...[...one.data].map((byte) => `${one.streamId}:${byte}`), ...(one.fin ? [`${one.streamId}!`] : [])]
      : [JSON.stringify(one)],
  );
}

describe('SPDY frames', () => {
  it('come out as they went in, however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 6 }), fc.integer({ min: 1, max: 2000 }), (frames, size) => {
        const bytes = Buffer.concat(frames.map(encodeFrame));
        const reader = new FrameReader();
        const found: Frame[] = [];
        for (let at = 0; at < bytes.length; at += size) found.push(...reader.read(bytes.subarray(at, at + size)));
        assert.deepEqual(essence(found), essence(frames));
      }),
      { numRuns: 150 },
    );
  });

  it('do not come of any bytes, and nothing else is thrown than that they do not', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 5 }), (chunks) => {
        const reader = new FrameReader();
        try {
          for (const chunk of chunks) for (const found of reader.read(Buffer.from(chunk))) assert.ok(found.type);
        } catch (error) {
          assert.ok(error instanceof SpdyError);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('are refused when they are of another version, too long or too short', () => {
    const refuse = (hex: string, why: RegExp): void => {
      assert.throws(() => [...new FrameReader().read(Buffer.from(hex.replace(/ /g, ''), 'hex'))], why);
    };
    refuse('80020001 00000000', /version 2/);
    refuse('80030001 00100000', /too long/);
    refuse('80030001 00000004 00000001', /too short/);
    refuse('80030003 00000004 00000001', /too short/);
    refuse('80030004 00000004 00000002', /another length/);
    // Types that nobody knows are passed over.
    assert.deepEqual([...new FrameReader().read(Buffer.from('8003000a0000000401020304', 'hex'))], []);
  });
});

describe('SPDY header blocks', () => {
  it('are compressed against the dictionary of the protocol', () => {
    assert.equal(spdyDictionary.length, 1423);
    const digest = createHash('sha256').update(spdyDictionary).digest('hex');
    assert.equal(digest, '51d27341373f923f3cd88e1eb7162aeaa3723d7585ff2399201dc06498407f02');
  });

  it('go on from one to the next', async () => {
    const writer = new HeaderCoder();
    const reader = new HeaderCoder();
    const sizes: number[] = [];
    for (let id = 0; id < 20; id++) {
      const headers = new Map([
        ['streamtype', 'data'],
        ['port', '8080'],
        ['requestid', String(id)],
        ['long', 'x'.repeat(id * 3000)],
      ]);
      const packed = await writer.encode(headers);
      sizes.push(packed.length);
      assert.deepEqual(await reader.decode(packed), headers);
    }
    assert.ok(sizes[1]! < sizes[0]!, 'what has been said before costs little');
    writer.close();
    reader.close();
  });

  it('are refused when they are broken, or unfold to too much', async () => {
    for (const bytes of [Buffer.from('no zlib at all'), Buffer.alloc(20, 0xff)]) {
      const coder = new HeaderCoder();
      await assert.rejects(coder.decode(bytes), SpdyError);
      coder.close();
    }
    const writer = new HeaderCoder();
    const bomb = await writer.encode(new Map([['a', 'x'.repeat(2_000_000)]]));
    const reader = new HeaderCoder();
    assert.ok(bomb.length < 10_000);
    await assert.rejects(reader.decode(bomb), /too long/);
    writer.close();
    reader.close();
    await assert.rejects(reader.decode(bomb), SpdyError);
  });
});

describe('a SPDY connection', () => {
  it('carries streams with headers whose sides end apart', async () => {
    const { client, server, accepted } = connect();
    const opened = await client.open(new Map([['streamtype', 'stdin']]));
    const taken = await accepted();
    assert.equal(taken.headers.get('streamtype'), 'stdin');
    opened.end('question');
    assert.equal(await read(taken), 'question');
    taken.end('answer');
    assert.equal(await read(opened), 'answer');
    client.close();
    await Promise.all([client.closed, server.closed]);
  });

  it('moves much in both directions at once, and holds the sender up', async () => {
    const { client, server, accepted } = connect();
    const opened = await client.open(new Map());
    const taken = await accepted();
    const total = 4 * 1024 * 1024;
    const chunk = Buffer.alloc(64 * 1024, 7);
    async function* chunks(): AsyncGenerator<Buffer> {
      for (let sent = 0; sent < total; sent += chunk.length) yield chunk;
    }
    const count = async (stream: Duplex): Promise<number> => {
      let size = 0;
      stream.on('data', (part: Buffer) => {
        size += part.length;
      });
      await once(stream, 'end');
      return size;
    };
    const [up, down] = await Promise.all([
      count(taken),
      count(opened),
      pipeline(chunks(), opened, { end: true }),
      pipeline(chunks(), taken, { end: true }),
    ]);
    assert.deepEqual([up, down], [total, total]);
    client.close();
    await server.closed;
  });

  it('lets one stream go on while another is not read', async () => {
    const { client, server, accepted } = connect();
    const slow = await client.open(new Map([['name', 'slow']]));
    await accepted();
    slow.write(Buffer.alloc(2 * 1024 * 1024));
    const fast = await client.open(new Map([['name', 'fast']]));
    const fastTaken = await accepted();
    fast.end('through');
    assert.equal(await read(fastTaken), 'through');
    assert.ok(slow.writableLength > 0, 'the slow stream is held up');
    client.destroy();
    await server.closed;
  });

  it('tells the peer of a stream that is cut', async () => {
    const { client, server, accepted } = connect();
    const opened = await client.open(new Map());
    const taken = await accepted();
    opened.on('error', () => undefined);
    opened.destroy();
    await once(taken, 'close');
    assert.ok(taken.destroyed);
    client.close();
    await server.closed;
    await assert.rejects(client.open(new Map()), /closed/);
  });

  it('cuts what is open when the transport ends', async () => {
    const { client, server, accepted } = connect();
    const opened = await client.open(new Map());
    const taken = await accepted();
    server.destroy();
    await Promise.all([client.closed, once(opened, 'close'), once(taken, 'close')]);
    assert.ok(opened.destroyed);
  });

  it('refuses streams where nobody takes them', async () => {
    const [left, right] = transportPair();
    const client = new SpdyConnection(left, { role: 'client' });
    const server = new SpdyConnection(right, { role: 'server' });
    await assert.rejects(client.open(new Map()), /refused/);
    client.close();
    await server.closed;
  });

  it('answers pings, and says goodbye to what is not SPDY', async () => {
    const [left, right] = transportPair();
    const server = new SpdyConnection(right, { role: 'server', onStream: () => undefined });
    left.write(encodeFrame({ type: 'ping', id: 5 }));
    const [pong] = (await once(left, 'data')) as [Buffer];
    assert.deepEqual([...new FrameReader().read(pong)], [{ type: 'ping', id: 5 }]);
    left.write('GET / HTTP/1.1\r\n\r\n');
    left.write(
      encodeFrame({ type: 'syn-stream', streamId: 2, fin: false, unidirectional: false, block: Buffer.from('x') }),
    );
    left.resume();
    left.end();
    await server.closed;
  });

  it('ends, and does no more, whatever is written to it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(frame.map(encodeFrame), block), { maxLength: 8 }), async (chunks) => {
        const [left, right] = transportPair();
        const server = new SpdyConnection(right, { role: 'server', onStream: (stream) => void stream.resume() });
        left.on('error', () => undefined).resume();
        for (const chunk of chunks) left.write(chunk);
        left.end();
        await server.closed;
        assert.ok(right.destroyed);
      }),
      { numRuns: 100 },
    );
  });
});
