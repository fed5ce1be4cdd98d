/** One stream of a SPDY connection, as a node stream whose two sides end apart. */
import { Duplex } from 'node:stream';
import type { SpdyHeaders } from './header-block.ts';

/** What a stream needs of its connection. */
export interface StreamConnection {
  /** What the peer takes on a stream before it is asked; `Infinity` when it keeps no windows. */
  readonly peerWindow: number;
  allowance(stream: SpdyStream, wanted: number): number;
  sendData(id: number, data: Buffer, fin: boolean, done: (error?: Error | null) => void): void;
  consumed(id: number, bytes: number): void;
  forget(id: number, reset: boolean): void;
}

/** Small enough that streams of a connection take turns, large enough that heads weigh nothing. */
const maxDataBytes = 32 * 1024;

export class SpdyStream extends Duplex {
  readonly id: number;
  readonly headers: SpdyHeaders;
  readonly #connection: StreamConnection;
  readonly #receiveWindow: number;
  /** What has come and was not asked for yet. */
  readonly #received: Buffer[] = [];
  #receivedBytes = 0;
  #peerEnded = false;
  #wanted = false;
  #roomAgain: (() => void) | undefined;
  #sent = 0;
  /** What the peer has asked for beyond its first window. */
  #credit = 0;
  #unsent: { data: Buffer; readonly done: (error?: Error | null) => void } | undefined;
  #reset = false;

  constructor(connection: StreamConnection, id: number, headers: SpdyHeaders, receiveWindow: number) {
    super({ highWaterMark: maxDataBytes });
    this.id = id;
    this.headers = headers;
    this.#connection = connection;
    this.#receiveWindow = receiveWindow;
  }

  // --------------------------------------------------------------------------------------------- for the connection

  /** A promise when there is too much already: the connection must read on only when it resolves. */
  receive(data: Buffer, fin: boolean): Promise<void> | undefined {
    if (this.destroyed) {
      this.#connection.consumed(this.id, data.length);
      return undefined;
    }
    if (data.length > 0) {
      this.#received.push(data);
      this.#receivedBytes += data.length;
    }
    if (fin) this.#peerEnded = true;
    this.#deliver();
    if (this.#receivedBytes <= this.#receiveWindow) return undefined;
    return new Promise((resolve) => {
      this.#roomAgain = resolve;
    });
  }

  /** The peer, or the end of the connection, has cut the stream. */
  wasReset(): void {
    this.#reset = true;
    this.destroy();
  }

  /** The peer takes `delta` bytes more, or something else may have made room. */
  widen(delta: number): void {
    this.#credit += delta;
    this.#transmit();
  }

  // ------------------------------------------------------------------------------------------------- as node stream

  override _read(): void {
    this.#wanted = true;
    this.#deliver();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#unsent = { data: chunk, done };
    this.#transmit();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#connection.sendData(this.id, Buffer.alloc(0), true, done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const whole = this.#peerEnded && this.writableFinished;
    this.#received.length = 0;
    this.#roomAgain?.();
    this.#unsent?.done(new Error('the stream was closed'));
    this.#unsent = undefined;
    this.#connection.forget(this.id, !whole && !this.#reset);
    done(error);
  }

  #deliver(): void {
    while (this.#wanted && this.#received.length > 0) {
      const data = this.#received.shift()!;
      this.#receivedBytes -= data.length;
      this.#connection.consumed(this.id, data.length);
      this.#wanted = this.push(data);
    }
    if (this.#received.length === 0 && this.#peerEnded && this.#wanted) {
      this.#wanted = false;
      this.push(null);
    }
    if (this.#receivedBytes <= this.#receiveWindow) {
      this.#roomAgain?.();
      this.#roomAgain = undefined;
    }
  }

  #transmit(): void {
    const unsent = this.#unsent;
    if (unsent === undefined) return;
    const room = this.#connection.peerWindow + this.#credit - this.#sent;
    const wanted = Math.min(unsent.data.length, maxDataBytes, room);
    const allowed = wanted <= 0 ? 0 : this.#connection.allowance(this, wanted);
    if (allowed === 0 && unsent.data.length > 0) return;
    const data = unsent.data.subarray(0, allowed);
    this.#sent += allowed;
    this.#unsent = undefined;
    this.#connection.sendData(this.id, data, false, (error) => {
      const rest = unsent.data.subarray(allowed);
      if (error || rest.length === 0 || this.destroyed) unsent.done(error);
      else {
        this.#unsent = { data: rest, done: unsent.done };
        this.#transmit();
      }
    });
  }
}
