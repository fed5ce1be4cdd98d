/**
 * Header blocks of SPDY/3: names and values behind their lengths, compressed. The compression goes on from block to block of
 * a connection, so that blocks are coded in the order of their frames. Source: SPDY protocol draft 3.1, section 2.6.10.
 */
import { constants, createDeflate, createInflate, type Deflate, type Inflate } from 'node:zlib';
import { spdyDictionary } from './dictionary.ts';
import { SpdyError } from './frames.ts';

/** By name in lower case. Several values of one name are joined by NUL, as on the wire. */
export type SpdyHeaders = ReadonlyMap<string, string>;

/** A few bytes may unfold to megabytes: more than this is refused. Go's `net/http` takes 1 MiB of headers. */
const maxBlockBytes = 256 * 1024;

export class HeaderCoder {
  readonly #deflate: Deflate = createDeflate({ dictionary: spdyDictionary, flush: constants.Z_SYNC_FLUSH });
  readonly #inflate: Inflate = createInflate({ dictionary: spdyDictionary, flush: constants.Z_SYNC_FLUSH });
  #encoded: Promise<unknown> = Promise.resolve();

  constructor() {
    // Whoever waits for a block is told; there may be nobody.
    for (const coder of [this.#deflate, this.#inflate]) coder.on('error', () => undefined);
  }

  encode(headers: SpdyHeaders): Promise<Buffer> {
    const block = this.#encoded.then(() => pass(this.#deflate, writeHeaders(headers)));
    this.#encoded = block.catch(() => undefined);
    return block;
  }

  /** One at a time, in the order of the frames. @throws SpdyError when it is no header block */
  async decode(block: Buffer): Promise<SpdyHeaders> {
    return readHeaders(await pass(this.#inflate, block));
  }

  close(): void {
    this.#deflate.destroy();
    this.#inflate.destroy();
  }
}

function pass(coder: Deflate | Inflate, input: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let size = 0;
    const done = (settle: () => void): void => {
      coder.off('data', take).off('error', fail).off('close', closed);
      settle();
    };
    const fail = (error: Error): void => done(() => reject(new SpdyError(`header block: ${error.message}`)));
    const closed = (): void => fail(new Error('the connection is closed'));
    const take = (part: Buffer): void => {
      size += part.length;
      parts.push(part);
      if (size <= maxBlockBytes) return;
      fail(new Error('too long'));
      coder.destroy();
    };
    if (coder.destroyed) return closed();
    coder.on('data', take).on('error', fail).on('close', closed);
    coder.write(input, (error) => {
      if (error) return;
      // What is still in the stream's own buffer comes as `data`, too.
      while (coder.read() !== null);
      done(() => resolve(Buffer.concat(parts)));
    });
  });
}

function writeHeaders(headers: SpdyHeaders): Buffer {
  const parts = [uint32(headers.size)];
  for (const [name, value] of headers) {
    for (const text of [Buffer.from(name), Buffer.from(value)]) parts.push(uint32(text.length), text);
  }
  return Buffer.concat(parts);
}

function readHeaders(bytes: Buffer): SpdyHeaders {
  const headers = new Map<string, string>();
  let at = 0;
  const length = (): number => {
    if (bytes.length - at < 4) throw new SpdyError('header block: too short');
    at += 4;
    return bytes.readUInt32BE(at - 4);
  };
  const text = (): string => {
    const count = length();
    if (bytes.length - at < count) throw new SpdyError('header block: too short');
    at += count;
    return bytes.toString('utf8', at - count, at);
  };
  for (let left = length(); left > 0; left--) headers.set(text().toLowerCase(), text());
  return headers;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
