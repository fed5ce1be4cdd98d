/**
 * Protocol buffers on the wire: tags, varints, doubles and length-delimited spans.
 * Source: "Encoding", protobuf.dev; the words of errors are those of gogo/protobuf, which Kubernetes uses.
 */

/** Bytes that are no protobuf message, or not one of the expected type. */
export class ProtobufError extends Error {
  override readonly name = 'ProtobufError';
}

/** The wire types: varint, eight bytes, length-delimited, and the two marks of groups; four bytes are the fifth. */
export type WireType = 0 | 1 | 2 | 3 | 4 | 5;
export const varint = 0;
export const fixed64 = 1;
export const delimited = 2;
const startGroup = 3;
const endGroup = 4;
const fixed32 = 5;

const unexpectedEnd = 'unexpected EOF';

/** Reads one message after the other from bytes that may be hostile: it never reads, or makes room, past their end. */
export class WireReader {
  readonly #bytes: Buffer;
  #at = 0;
  #end: number;
  // The 64 bits of the varint that was read last: 28, 28 and 8.
  #low = 0;
  #middle = 0;
  #high = 0;

  /** Of the last {@link tag}. */
  field = 0;
  wireType = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#end = bytes.length;
  }

  /** Whether the message that is being read, the whole one or the innermost that was entered, has ended. */
  get done(): boolean {
    return this.#at >= this.#end;
  }

  /** Reads the number and wire type of the next field. `message` is the name of its message, for errors. */
  tag(message: string): void {
    this.#varint();
    this.field = (this.#low >>> 3) | (this.#middle << 25);
    this.wireType = this.#low & 7;
    if (this.wireType === endGroup) throw new ProtobufError(`proto: ${message}: wiretype end group for non-group`);
    if (this.field <= 0) {
      throw new ProtobufError(`proto: ${message}: illegal tag ${this.field} (wire type ${this.wireType})`);
    }
  }

  /** Throws unless the field that {@link tag} found is of a wire type. `name` is the field's in Go. */
  expect(wireType: WireType, name: string): void {
    if (this.wireType === wireType) return;
    const goName = name.charAt(0).toUpperCase() + name.slice(1);
    throw new ProtobufError(`proto: wrong wireType = ${this.wireType} for field ${goName}`);
  }

  bool(): boolean {
    this.#varint();
    return (this.#low | this.#middle | this.#high) !== 0;
  }

  int32(): number {
    this.#varint();
    return this.#low | (this.#middle << 28);
  }

  /** A `bigint` only where a number would lose precision. */
  int64(): number | bigint {
    this.#varint();
    if (this.#high === 0 && this.#middle < 2 ** 25) return this.#middle * 2 ** 28 + this.#low;
    const bits = (BigInt(this.#high) << 56n) | (BigInt(this.#middle) << 28n) | BigInt(this.#low);
    const value = BigInt.asIntN(64, bits);
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }

  double(): number {
    if (this.#at + 8 > this.#end) throw new ProtobufError(unexpectedEnd);
    const value = this.#bytes.readDoubleLE(this.#at);
    this.#at += 8;
    return value;
  }

  /** A view of the bytes, not a copy. */
  bytes(): Buffer {
    const length = this.#length();
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** Invalid UTF-8 becomes U+FFFD, as when Go writes such a string as JSON. */
  string(): string {
    const length = this.#length();
    this.#at += length;
    return this.#bytes.toString('utf8', this.#at - length, this.#at);
  }

  /** Enters an embedded message or packed list; answers what {@link leave} needs afterwards. */
  enter(): number {
    const outer = this.#end;
    this.#end = this.#length() + this.#at;
    return outer;
  }

  leave(outer: number): void {
    this.#end = outer;
  }

  /** Passes over the field that {@link tag} found. */
  skip(): void {
    let depth = 0;
    for (;;) {
      switch (this.wireType) {
        case varint:
          this.#varint();
          break;
        case fixed64:
          this.#pass(8);
          break;
        case delimited:
          this.#pass(this.#length());
          break;
        case startGroup:
          depth++;
          break;
        case endGroup:
          if (depth === 0) throw new ProtobufError('proto: unexpected end of group');
          depth--;
          break;
        case fixed32:
          this.#pass(4);
          break;
        default:
          throw new ProtobufError(`proto: illegal wireType ${this.wireType}`);
      }
      if (depth === 0) return;
      this.#varint();
      this.wireType = this.#low & 7;
    }
  }

  #pass(length: number): void {
    if (length > this.#end - this.#at) throw new ProtobufError(unexpectedEnd);
    this.#at += length;
  }

  #length(): number {
    const length = this.int64();
    if (length < 0) throw new ProtobufError('proto: negative length found during unmarshaling');
    if (length > this.#end - this.#at) throw new ProtobufError(unexpectedEnd);
    return Number(length);
  }

  #varint(): void {
    this.#low = 0;
    this.#middle = 0;
    this.#high = 0;
    for (let shift = 0; shift < 64; shift += 7) {
      if (this.#at >= this.#end) throw new ProtobufError(unexpectedEnd);
      const byte = this.#bytes[this.#at++]!;
      const bits = byte & 0x7f;
      if (shift < 28) this.#low |= bits << shift;
      else if (shift < 56) this.#middle |= bits << (shift - 28);
      else this.#high |= (bits << (shift - 56)) & 0xff;
      if (byte < 0x80) return;
    }
    throw new ProtobufError('proto: integer overflow');
  }
}

/** Writes messages, each embedded one in place: its length is put before it when it is known. */
export class WireWriter {
  #bytes: Buffer = Buffer.allocUnsafe(1024);
  #size = 0;

  tag(field: number, wireType: WireType): void {
    this.#unsigned(field * 8 + wireType);
  }

  bool(value: boolean): void {
    this.#unsigned(value ? 1 : 0);
  }

  /** Also for `int32`: negative numbers take ten bytes in both. */
  int64(value: number | bigint): void {
    if (typeof value === 'number' && value >= 0 && Number.isSafeInteger(value)) this.#unsigned(value);
    else {
      let rest = BigInt.asUintN(64, BigInt(value));
      this.#reserve(10);
      for (; rest > 0x7fn; rest >>= 7n) this.#bytes[this.#size++] = Number(rest & 0x7fn) | 0x80;
      this.#bytes[this.#size++] = Number(rest);
    }
  }

  double(value: number): void {
    this.#reserve(8);
    this.#size = this.#bytes.writeDoubleLE(value, this.#size);
  }

  bytes(value: Uint8Array): void {
    this.#unsigned(value.length);
    this.#reserve(value.length);
    this.#bytes.set(value, this.#size);
    this.#size += value.length;
  }

  string(value: string): void {
    const length = Buffer.byteLength(value);
    this.#unsigned(length);
    this.#reserve(length);
    this.#size += this.#bytes.write(value, this.#size);
  }

  /** Begins an embedded message; answers what {@link end} needs. */
  begin(): number {
    this.#reserve(1);
    this.#size++; // most messages are shorter than 128 bytes
    return this.#size;
  }

  end(start: number): void {
    const length = this.#size - start;
    const room = varintSize(length) - 1;
    if (room > 0) {
      this.#reserve(room);
      this.#bytes.copyWithin(start + room, start, this.#size);
    }
    this.#size = start - 1;
    this.#unsigned(length);
    this.#size += length;
  }

  /** What was written; valid until more is. */
  finish(): Buffer {
    return this.#bytes.subarray(0, this.#size);
  }

  #unsigned(value: number): void {
    this.#reserve(8);
    let rest = value;
    for (; rest > 0x7f; rest = Math.floor(rest / 128)) this.#bytes[this.#size++] = (rest % 128) | 0x80;
    this.#bytes[this.#size++] = rest;
  }

  #reserve(count: number): void {
    if (this.#size + count <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#size + count));
    this.#bytes.copy(larger, 0, 0, this.#size);
    this.#bytes = larger;
  }
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 128)) size++;
  return size;
}
