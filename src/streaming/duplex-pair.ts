/** Two streams of which each reads what the other writes: a connection within this process. */
import { Duplex } from 'node:stream';

export function duplexPair(): [Duplex, Duplex] {
  const left = new End();
  const right = new End();
  left.other = right;
  right.other = left;
  return [left, right];
}

/** A write is done when the other end has room again: each is as slow as its reader. */
class End extends Duplex {
  other!: End;
  #room: (() => void) | undefined;

  constructor() {
    super({ allowHalfOpen: true });
  }

  override _read(): void {
    const room = this.#room;
    this.#room = undefined;
    room?.();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (this.other.destroyed) this.destroy();
    else this.other.#take(chunk, done);
  }

  override _final(done: () => void): void {
    if (!this.other.destroyed) this.other.push(null);
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this._read();
    // As with a socket, the other side reads what has come, then an end; what it writes finds nobody.
    if (!this.other.destroyed && !this.writableFinished) this.other.push(null);
    this.other._read();
    done(error);
  }

  #take(chunk: Buffer, done: () => void): void {
    if (this.destroyed || this.push(chunk)) done();
    else this.#room = done;
  }
}
