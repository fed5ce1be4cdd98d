/**
 * How versions lie on disk: one record per version, in revision order, as in etcd.
 *
 * ```text
 * key:    revision (6 bytes)  index in its transaction (2)
 * value:  createRevision (6)  expiresAt in ms (6)  length of the key (2)  key in UTF-8  value
 * ```
 * All numbers are big-endian. A createRevision of 0 is a delete.
 */
import type { Version } from './history.ts';
import type { Revision } from './store.ts';

/** The version of the on-disk format that this code writes. Older ones are upgraded when opened, newer ones refused. */
export const FORMAT = 1;

export interface RecordKey {
  readonly modRevision: Revision;
  readonly index: number;
}

const HEADER_BYTES = 14;

/** For lmdb: writes a record key straight into the buffer that the native code reads. */
export const recordKeys = {
  writeKey({ modRevision, index }: RecordKey, target: Uint8Array, start: number): number {
    writeUint48(target, start, modRevision);
    target[start + 6] = index >>> 8;
    target[start + 7] = index;
    return start + 8;
  },
  readKey(source: Uint8Array, start: number): RecordKey {
    return { modRevision: readUint48(source, start), index: (source[start + 6]! << 8) | source[start + 7]! };
  },
};

/** An upper bound of the record's length, without measuring the key's UTF-8 form. */
export function recordBound(version: Version): number {
  return HEADER_BYTES + version.key.length * 3 + version.value!.length;
}

/** Writes the record at `start` and returns where it ends. */
export function writeRecord(target: Buffer, start: number, version: Version): number {
  writeUint48(target, start, version.createRevision);
  writeUint48(target, start + 6, version.expiresAt);
  const keyStart = start + HEADER_BYTES;
  const keyLength = target.write(version.key, keyStart);
  target[start + 12] = keyLength >>> 8;
  target[start + 13] = keyLength;
  target.set(version.value!, keyStart + keyLength);
  return keyStart + keyLength + version.value!.length;
}

/** Everything but the value. */
export function readVersion({ modRevision, index }: RecordKey, record: Buffer): Version {
  return {
    key: record.toString('utf8', HEADER_BYTES, valueStart(record)),
    createRevision: readUint48(record, 0),
    modRevision,
    index,
    expiresAt: readUint48(record, 6),
    value: undefined,
    previous: undefined,
  };
}

/** A view of the record. */
export function readValue(record: Uint8Array): Uint8Array {
  const start = valueStart(record);
  return new Uint8Array(record.buffer, record.byteOffset + start, record.length - start);
}

function valueStart(record: Uint8Array): number {
  return HEADER_BYTES + ((record[12]! << 8) | record[13]!);
}

function writeUint48(target: Uint8Array, start: number, value: number): void {
  const high = Math.floor(value / 0x1_0000_0000);
  target[start] = high >>> 8;
  target[start + 1] = high;
  target[start + 2] = value >>> 24;
  target[start + 3] = value >>> 16;
  target[start + 4] = value >>> 8;
  target[start + 5] = value;
}

function readUint48(source: Uint8Array, start: number): number {
  const high = (source[start]! << 8) | source[start + 1]!;
  const low = (source[start + 2]! << 24) | (source[start + 3]! << 16) | (source[start + 4]! << 8) | source[start + 5]!;
  return high * 0x1_0000_0000 + (low >>> 0);
}
