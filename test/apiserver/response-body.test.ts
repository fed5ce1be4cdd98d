/** Bodies as clients receive them, whatever their size. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, get, type IncomingHttpHeaders, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { writeBody } from '../../src/apiserver/response-body.ts';

describe('bodies of answers', () => {
  let server: Server;
  let parts: Buffer[];
  let written: Promise<void>;

  beforeEach(async () => {
    server = createServer((request, response) => {
      written = writeBody(request, response, 200, { 'Content-Type': 'text/plain' }, parts);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(() => void server.close().closeAllConnections());

  async function open(headers: Record<string, string> = {}, method = 'GET'): Promise<IncomingMessage> {
    const { port } = server.address() as AddressInfo;
    const [response] = (await once(get({ port, host: '127.0.0.1', headers, method }), 'response')) as [IncomingMessage];
    return response;
  }

  async function read(headers?: Record<string, string>): Promise<{ headers: IncomingHttpHeaders; body: Buffer }> {
    const response = await open(headers);
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    await written;
    return { headers: response.headers, body: Buffer.concat(chunks) };
  }

  const line = (size: number, fill: string): Buffer => Buffer.alloc(size, fill);
  const bodies: Record<string, () => Buffer[]> = {
    'nothing at all': () => [Buffer.alloc(0)],
    'one small part': () => [line(10, 'a')],
    'many small parts': () => Array.from({ length: 100 }, (_, i) => line(i, 'b')),
    'one part of a megabyte': () => [line(1 << 20, 'c')],
    'exactly one piece': () => [line(256 * 1024, 'd')],
    'a thousand parts of a kilobyte': () => Array.from({ length: 1000 }, (_, i) => line(1024, String(i % 10))),
    'large parts between small ones': () => [
      line(5, 'e'),
      line(600_000, 'f'),
      line(5, 'g'),
      line(300_000, 'h'),
      line(1, 'i'),
    ],
  };
  for (const [name, make] of Object.entries(bodies)) {
    it(`arrive as they are: ${name}`, async () => {
      parts = make();
      const whole = Buffer.concat(parts);
      const plain = await read();
      assert.equal(plain.headers['content-length'], String(whole.length));
      assert.ok(plain.body.equals(whole));
      const packed = await read({ 'Accept-Encoding': 'gzip' });
      const isPacked = whole.length >= 128 * 1024;
      assert.equal(packed.headers['content-encoding'], isPacked ? 'gzip' : undefined);
      assert.ok((isPacked ? gunzipSync(packed.body) : packed.body).equals(whole));
    });
  }

  it('tell a HEAD request how long they are', async () => {
    parts = bodies['a thousand parts of a kilobyte']!();
    const { headers } = await open({}, 'HEAD');
    assert.equal(headers['content-length'], String(1000 * 1024));
  });

  for (const [name, headers] of Object.entries({ plain: {}, compressed: { 'Accept-Encoding': 'gzip' } })) {
    it(`are given up when the client leaves: ${name}`, async () => {
      // Too much for the buffers of two sockets, and nothing that could be compressed.
      const noise = Uint32Array.from({ length: 1 << 18 }, (_, i) => Math.imul(i, 0x9e3779b1) ^ (i << 7));
      parts = Array.from({ length: 32 }, () => Buffer.from(noise.buffer));
      const response = await open(headers);
      await once(response, 'readable');
      response.destroy();
      await written;
      assert.ok(response.destroyed);
    });
  }
});
