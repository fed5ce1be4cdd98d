/** Frames of SPDY/3.1 and how they look on the wire. Source: SPDY protocol draft 3.1, sections 2.2 and 2.6. */

/** The peer broke the protocol. */
export class SpdyError extends Error {
  override readonly name = 'SpdyError';
}

export type Frame =
  | DataFrame
  | {
      readonly type: 'syn-stream';
      readonly streamId: number;
      readonly fin: boolean;
      readonly unidirectional: boolean;
      readonly block: Buffer;
    }
  | { readonly type: 'syn-reply' | 'headers'; readonly streamId: number; readonly fin: boolean; readonly block: Buffer }
  | { readonly type: 'rst-stream'; readonly streamId: number; readonly status: number }
  | { readonly type: 'settings'; readonly values: readonly (readonly [id: number, value: number])[] }
  | { readonly type: 'ping'; readonly id: number }
  | { readonly type: 'go-away'; readonly lastStreamId: number; readonly status: number }
  /** Stream 0: the window of the connection. */
  | { readonly type: 'window-update'; readonly streamId: number; readonly delta: number };

/** Data comes as it arrives: one frame of the wire may be several here, of which only the last has the FIN. */
export interface DataFrame {
  readonly type: 'data';
  readonly streamId: number;
  readonly fin: boolean;
  readonly data: Buffer;
}

export const rstStatus = { protocolError: 1, invalidStream: 2, refusedStream: 3, cancel: 5 } as const;
/** The setting that says how much a peer takes on a new stream before it is asked to send more. */
export const initialWindowSetting = 7;

const version = 3;
const types = {
  'syn-stream': 1,
  'syn-reply': 2,
  'rst-stream': 3,
  settings: 4,
  ping: 6,
  'go-away': 7,
  headers: 8,
  'window-update': 9,
} as const;
const flagFin = 1;
const flagUnidirectional = 2;
const headBytes = 8;
/** Longer control frames are refused: nobody has so many headers, and a frame is held in memory until it is whole. */
const maxControlBytes = 64 * 1024;
const empty = Buffer.alloc(0);

/** The head of a data frame; its `length` bytes (less than 2^24) follow. */
export function dataHead(streamId: number, length: number, fin: boolean): Buffer {
  const head = Buffer.allocUnsafe(headBytes);
  head.writeUInt32BE(streamId & 0x7fffffff, 0);
  head.writeUInt32BE((fin ? flagFin << 24 : 0) + length, 4);
  return head;
}

export function encodeFrame(frame: Frame): Buffer {
  switch (frame.type) {
    case 'data':
      return Buffer.concat([dataHead(frame.streamId, frame.data.length, frame.fin), frame.data]);
    case 'syn-stream': {
      const flags = (frame.fin ? flagFin : 0) | (frame.unidirectional ? flagUnidirectional : 0);
      // No associated stream, the highest priority, no credential slot.
      return control(frame.type, flags, words(frame.streamId, 0), Buffer.alloc(2), frame.block);
    }
    case 'syn-reply':
    case 'headers':
      return control(frame.type, frame.fin ? flagFin : 0, words(frame.streamId), frame.block);
    case 'rst-stream':
      return control(frame.type, 0, words(frame.streamId, frame.status));
    case 'settings':
      return control(frame.type, 0, words(frame.values.length, ...frame.values.flat()));
    case 'ping':
      return control(frame.type, 0, words(frame.id));
    case 'go-away':
      return control(frame.type, 0, words(frame.lastStreamId, frame.status));
    case 'window-update':
      return control(frame.type, 0, words(frame.streamId, frame.delta));
  }
}

function control(type: keyof typeof types, flags: number, ...payload: Buffer[]): Buffer {
  const length = payload.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([words(0x80000000 + (version << 16) + types[type], flags * 0x1000000 + length), ...payload]);
}

function words(...values: number[]): Buffer {
  const bytes = Buffer.allocUnsafe(values.length * 4);
  values.forEach((value, index) => {
    bytes.writeUInt32BE(value, index * 4);
  });
  return bytes;
}

/** Takes the bytes of a connection as they come. */
export class FrameReader {
  #rest: Buffer = empty;
  /** The data frame that is under way, and how much of it is to come. */
  #data: { readonly streamId: number; readonly fin: boolean; left: number } | undefined;

  /** The frames that `chunk` completes. @throws SpdyError when it is not SPDY/3 */
  *read(chunk: Buffer): Generator<Frame> {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    for (;;) {
      if (this.#data !== undefined) {
        const { streamId, fin, left } = this.#data;
        const data = bytes.subarray(at, at + left);
        if (data.length === 0 && left > 0) break;
        at += data.length;
        if (data.length < left) this.#data.left -= data.length;
        else this.#data = undefined;
        yield { type: 'data', streamId, fin: fin && this.#data === undefined, data };
        continue;
      }
      if (bytes.length - at < headBytes) break;
      const first = bytes.readUInt32BE(at);
      const flags = bytes[at + 4]!;
      const length = bytes.readUIntBE(at + 5, 3);
      if (first < 0x80000000) {
        at += headBytes;
        this.#data = { streamId: first, fin: (flags & flagFin) !== 0, left: length };
        continue;
      }
      const spoken = (first >>> 16) & 0x7fff;
      if (spoken !== version) throw new SpdyError(`SPDY version ${spoken} is not spoken here`);
      if (length > maxControlBytes) throw new SpdyError(`a control frame of ${length} bytes is too long`);
      if (bytes.length - at < headBytes + length) break;
      const payload = bytes.subarray(at + headBytes, at + headBytes + length);
      at += headBytes + length;
      const frame = readControl(first & 0xffff, flags, payload);
      if (frame !== undefined) yield frame;
    }
    // A copy: what is left must not keep the whole chunk alive.
    this.#rest = at === bytes.length ? empty : Buffer.from(bytes.subarray(at));
  }
}

/** `undefined`: a frame that may be passed over (unknown types, credentials). */
function readControl(type: number, flags: number, payload: Buffer): Frame | undefined {
  const word = (index: number): number => {
    if (payload.length < index * 4 + 4) throw new SpdyError(`a control frame of type ${type} is too short`);
    return payload.readUInt32BE(index * 4);
  };
  const id = (index: number): number => word(index) & 0x7fffffff;
  const fin = (flags & flagFin) !== 0;
  switch (type) {
    case types['syn-stream']: {
      if (payload.length < 10) throw new SpdyError('a SYN_STREAM is too short');
      const unidirectional = (flags & flagUnidirectional) !== 0;
      return { type: 'syn-stream', streamId: id(0), fin, unidirectional, block: Buffer.from(payload.subarray(10)) };
    }
    case types['syn-reply']:
      return { type: 'syn-reply', streamId: id(0), fin, block: Buffer.from(payload.subarray(4)) };
    case types.headers:
      return { type: 'headers', streamId: id(0), fin, block: Buffer.from(payload.subarray(4)) };
    case types['rst-stream']:
      return { type: 'rst-stream', streamId: id(0), status: word(1) };
    case types.settings: {
      const count = word(0);
      if (payload.length !== 4 + count * 8) throw new SpdyError('a SETTINGS frame has another length than it says');
      const values = Array.from({ length: count }, (_, at) => [word(1 + at * 2) & 0xffffff, word(2 + at * 2)] as const);
      return { type: 'settings', values };
    }
    case types.ping:
      return { type: 'ping', id: word(0) };
    case types['go-away']:
      return { type: 'go-away', lastStreamId: id(0), status: word(1) };
    case types['window-update']:
      return { type: 'window-update', streamId: id(0), delta: id(1) };
    default:
      return undefined;
  }
}
