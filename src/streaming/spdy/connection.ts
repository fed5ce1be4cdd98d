/**
 * A SPDY/3.1 connection over any duplex stream, as client or server: streams with headers, in both directions, with
 * back-pressure.
 *
 * Kubernetes' own implementation (moby/spdystream) knows no windows: it neither waits for them nor opens them. So windows
 * are kept only with a peer that has announced its own by SETTINGS, as a client of this file does and a server then
 * answers. With others, a stream that is not read holds up the whole connection once it has {@link receiveWindow} bytes.
 * Source: SPDY protocol draft 3.1.
 */
import type { Duplex } from 'node:stream';
import {
  dataHead,
  encodeFrame,
  type Frame,
  FrameReader,
  initialWindowSetting,
  rstStatus,
  SpdyError,
} from './frames.ts';
import { HeaderCoder, type SpdyHeaders } from './header-block.ts';
import { SpdyStream } from './stream.ts';

export interface SpdyConnectionOptions {
  readonly role: 'client' | 'server';
  /** Takes the streams that the peer opens; they have been answered. Default: they are refused. */
  readonly onStream?: (stream: SpdyStream) => void;
}

/** What is taken on a stream before the peer must wait, in bytes. */
export const receiveWindow = 256 * 1024;
/** Windows of the protocol, before anything is said. */
const defaultWindow = 64 * 1024;
/** A peer may have this many streams open; a port-forward needs two for each connection. */
const maxStreams = 2000;

/** How much a peer may still say after the goodbye, in bytes. */
const maxDropped = 16 * 1024 * 1024;

const noHeaders: SpdyHeaders = new Map();

export class SpdyConnection {
  /** Resolves when the transport is gone. */
  readonly closed: Promise<void>;
  readonly #transport: Duplex;
  readonly #onStream: SpdyConnectionOptions['onStream'];
  readonly #isClient: boolean;
  readonly #coder = new HeaderCoder();
  readonly #reader = new FrameReader();
  readonly #streams = new Map<number, SpdyStream>();
  /** Streams that wait for the peer's SYN_REPLY. */
  readonly #replies = new Map<number, (error?: Error) => void>();
  /** Streams that wait for the connection's window. */
  readonly #blocked = new Set<SpdyStream>();
  #lastOwnId: number;
  #lastPeerId = 0;
  #closing = false;
  #peerWindow = Number.POSITIVE_INFINITY;
  /** What may still be sent on the connection, if the peer keeps windows. */
  #connectionRoom = defaultWindow;

  constructor(transport: Duplex, { role, onStream }: SpdyConnectionOptions) {
    this.#transport = transport;
    this.#onStream = onStream;
    this.#isClient = role === 'client';
    this.#lastOwnId = this.#isClient ? -1 : 0;
    this.closed = new Promise((resolve) => {
      transport.once('close', () => {
        this.#end();
        resolve();
      });
    });
    transport.on('error', () => transport.destroy());
    if (this.#isClient) this.#announceWindows();
    void this.#read();
  }

  /** Opens a stream; resolves when the peer has taken it. */
  async open(headers: SpdyHeaders): Promise<SpdyStream> {
    if (this.#closing || this.#transport.destroyed) throw new SpdyError('the connection is closed');
    const id = this.#lastOwnId + 2;
    this.#lastOwnId = id;
    const stream = this.#add(id, headers);
    const replied = new Promise<void>((resolve, reject) => {
      this.#replies.set(id, (error) => (error === undefined ? resolve() : reject(error)));
    });
    // The connection may end while the headers are being packed: then nobody waits for the reply yet.
    replied.catch(() => undefined);
    const block = await this.#coder.encode(headers);
    this.#send({ type: 'syn-stream', streamId: id, fin: false, unidirectional: false, block });
    await replied;
    return stream;
  }

  /** Says goodbye, and closes the transport behind what has been written. Streams still open are cut. */
  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    if (this.#transport.writable) {
      this.#send({ type: 'go-away', lastStreamId: this.#lastPeerId, status: 0 });
      this.#transport.end();
    }
    this.#end();
  }

  destroy(): void {
    this.#transport.destroy();
  }

  // ------------------------------------------------------------------------------------------- what streams ask for

  get peerWindow(): number {
    return this.#peerWindow;
  }

  /** How many of `wanted` bytes may be sent on a stream now; 0: the stream will be told when there is room. */
  allowance(stream: SpdyStream, wanted: number): number {
    if (this.#peerWindow === Number.POSITIVE_INFINITY) return wanted;
    if (this.#connectionRoom <= 0) this.#blocked.add(stream);
    return Math.max(0, Math.min(wanted, this.#connectionRoom));
  }

  sendData(id: number, data: Buffer, fin: boolean, done: (error?: Error | null) => void): void {
    if (!this.#transport.writable) {
      done(new SpdyError('the connection is closed'));
      return;
    }
    this.#connectionRoom -= data.length;
    this.#transport.cork();
    this.#transport.write(dataHead(id, data.length, fin), data.length === 0 ? done : undefined);
    if (data.length > 0) this.#transport.write(data, done);
    this.#transport.uncork();
  }

  /** Data has been handed on: the peer may send as much again. */
  consumed(id: number, bytes: number): void {
    if (this.#peerWindow === Number.POSITIVE_INFINITY) return;
    this.#send({ type: 'window-update', streamId: id, delta: bytes });
    this.#send({ type: 'window-update', streamId: 0, delta: bytes });
  }

  /** A stream is over; `reset`: before both its sides have ended. */
  forget(id: number, reset: boolean): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    this.#streams.delete(id);
    this.#blocked.delete(stream);
    this.#settle(id, new SpdyError('the stream was closed'));
    if (reset) this.#send({ type: 'rst-stream', streamId: id, status: rstStatus.cancel });
  }

  // ---------------------------------------------------------------------------------------------------------- inside

  async #read(): Promise<void> {
    try {
      // The end of what the peer says is not the end of what it hears.
      let dropped = 0;
      for await (const chunk of this.#transport.iterator({ destroyOnReturn: false })) {
        if (this.#closing) {
          // Read on to the peer's end, or what was written last might be lost with the connection; but not for ever.
          dropped += (chunk as Buffer).length;
          if (dropped > maxDropped) this.#transport.destroy();
          continue;
        }
        for (const frame of this.#reader.read(chunk as Buffer)) {
          const pending = this.#handle(frame);
          if (pending !== undefined) await pending;
        }
      }
    } catch (error) {
      // The transport has failed, or the peer has broken the protocol: it is told, as far as that can be.
      if (error instanceof SpdyError && this.#transport.writable) {
        this.#transport.write(encodeFrame({ type: 'go-away', lastStreamId: this.#lastPeerId, status: 1 }));
      }
      this.#transport.destroy();
      return;
    }
    // The peer writes no more: nothing will come of what is still open.
    this.close();
  }

  #handle(frame: Frame): Promise<void> | undefined {
    switch (frame.type) {
      case 'data':
        return this.#streams.get(frame.streamId)?.receive(frame.data, frame.fin);
      case 'syn-stream':
        return this.#opened(frame.streamId, frame.block, frame.fin);
      case 'syn-reply':
      case 'headers':
        return this.#coder.decode(frame.block).then(() => {
          if (frame.type === 'syn-reply') this.#settle(frame.streamId);
          if (frame.fin) return this.#streams.get(frame.streamId)?.receive(Buffer.alloc(0), true);
        });
      case 'rst-stream':
        this.#settle(frame.streamId, new SpdyError(`the stream was refused (status ${frame.status})`));
        this.#streams.get(frame.streamId)?.wasReset();
        return undefined;
      case 'ping':
        // One of ours would come back; there are none.
        if (frame.id % 2 === (this.#isClient ? 0 : 1)) this.#send(frame);
        return undefined;
      case 'settings':
        this.#settings(frame.values);
        return undefined;
      case 'window-update':
        this.#widen(frame.streamId, frame.delta);
        return undefined;
      case 'go-away':
        // Streams that are open go on; the peer closes the transport when it is done.
        return undefined;
    }
  }

  async #opened(id: number, block: Buffer, fin: boolean): Promise<void> {
    const headers = await this.#coder.decode(block);
    if (id % 2 !== (this.#isClient ? 0 : 1) || id <= this.#lastPeerId) {
      throw new SpdyError(`stream ${id} may not be opened`);
    }
    this.#lastPeerId = id;
    if (this.#onStream === undefined || this.#streams.size >= maxStreams) {
      this.#send({ type: 'rst-stream', streamId: id, status: rstStatus.refusedStream });
      return;
    }
    const stream = this.#add(id, headers);
    this.#send({ type: 'syn-reply', streamId: id, fin: false, block: await this.#coder.encode(noHeaders) });
    if (fin) await stream.receive(Buffer.alloc(0), true);
    this.#onStream(stream);
  }

  #add(id: number, headers: SpdyHeaders): SpdyStream {
    const stream = new SpdyStream(this, id, headers, receiveWindow);
    this.#streams.set(id, stream);
    return stream;
  }

  /** Says that windows are kept here: {@link receiveWindow} on every stream, and no limit on the connection. */
  #announceWindows(): void {
    this.#send({ type: 'settings', values: [[initialWindowSetting, receiveWindow]] });
    this.#send({ type: 'window-update', streamId: 0, delta: 0x7fffffff - defaultWindow });
  }

  #settings(values: readonly (readonly [number, number])[]): void {
    const window = values.find(([id]) => id === initialWindowSetting)?.[1];
    if (window === undefined) return;
    const first = this.#peerWindow === Number.POSITIVE_INFINITY;
    this.#peerWindow = window;
    if (first && !this.#isClient) this.#announceWindows();
    for (const stream of this.#streams.values()) stream.widen(0);
  }

  #widen(id: number, delta: number): void {
    if (id !== 0) {
      this.#streams.get(id)?.widen(delta);
      return;
    }
    this.#connectionRoom += delta;
    const waiting = [...this.#blocked];
    this.#blocked.clear();
    for (const stream of waiting) stream.widen(0);
  }

  #settle(id: number, error?: Error): void {
    this.#replies.get(id)?.(error);
    this.#replies.delete(id);
  }

  #send(frame: Frame): void {
    if (this.#transport.writable) this.#transport.write(encodeFrame(frame));
  }

  #end(): void {
    this.#closing = true;
    this.#coder.close();
    for (const id of [...this.#replies.keys()]) this.#settle(id, new SpdyError('the connection was closed'));
    for (const stream of [...this.#streams.values()]) stream.wasReset();
    this.#streams.clear();
  }
}
