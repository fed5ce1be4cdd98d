/** The files of the lmdb engine: opening and claiming them, reading the history back, and what their errors mean. */
import { type FileHandle, mkdir, open as openFile, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as immediate } from 'node:timers/promises';
import type { Database, DatabaseOptions, GetOptions, RootDatabase } from 'lmdb';
import { History } from './history.ts';
import { claim, isAlive, type Owner, release } from './lmdb-owner.ts';
import { FORMAT, type RecordKey, readVersion, recordKeys } from './lmdb-record.ts';
import { type Revision, StoreOpenError } from './store.ts';

export interface Files {
  readonly path: string;
  readonly root: RootDatabase<unknown, string>;
  /** Small facts under fixed names, as JSON. */
  readonly meta: Database<unknown, string>;
  readonly records: Records;
}

/** lmdb's database with {@link recordKeys} as its keys, which its types do not know. */
interface Records {
  get(key: RecordKey, options?: GetOptions): Buffer | undefined;
  put(key: RecordKey, record: Uint8Array): Promise<boolean>;
  remove(key: RecordKey): Promise<boolean>;
  batch(action: () => void): Promise<boolean>;
  getRange(options: {
    start?: RecordKey | undefined;
    exclusiveStart?: boolean;
    limit: number;
  }): Iterable<{ key: RecordKey; value: Buffer }>;
}

/** How many records opening reads before it lets others run. */
const OPEN_SLICE = 5000;
/** Room for the 126 readers that LMDB reckons with. */
const LOCK_FILE_BYTES = 16 * 1024;
/** lmdb's errors carry the number. */
const EIO: unknown = 5;
/** A disk with less space than this counts as full. */
const FULL_BYTES = 1024 * 1024;

/** `keyEncoder` is documented, and missing from lmdb's types. */
const recordOptions: DatabaseOptions & { keyEncoder: typeof recordKeys } = {
  encoding: 'binary',
  keyEncoder: recordKeys,
};

export async function openFiles(path: string): Promise<Files> {
  const { open } = await import('lmdb'); // native code: only those who open a store pay for it
  await mkdir(path, { recursive: true });
  const file = join(path, 'data.mdb');
  await checkMagic(file);
  await reserveLockFile(`${file}-lock`);
  const root = open<unknown, string>({
    path: file,
    noSubdir: true,
    // With overlapping syncs, lmdb answers before the disk has the data.
    overlappingSync: false,
    // Batches are made here.
    eventTurnBatching: false,
    encoding: 'json',
  });
  return {
    path,
    root,
    meta: root.openDB({ name: 'meta', encoding: 'json' }),
    records: root.openDB('records', recordOptions) as unknown as Records,
  };
}

/** LMDB's first page has a magic number behind its header of 24 bytes. The native code crashes on files without it. */
async function checkMagic(file: string): Promise<void> {
  let handle: FileHandle;
  try {
    handle = await openFile(file, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  try {
    const { buffer, bytesRead } = await handle.read(new Uint32Array(7));
    if (bytesRead > 0 && buffer[6] !== 0xbeefc0de) throw new StoreOpenError('data.mdb is not an LMDB database');
  } finally {
    await handle.close();
  }
}

/**
 * LMDB maps its lock file into memory without writing it first: on a full disk the first access would kill the process.
 * Writing it gives an ordinary error instead.
 */
async function reserveLockFile(file: string): Promise<void> {
  try {
    await writeFile(file, Buffer.alloc(LOCK_FILE_BYTES), { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
    await rm(file, { force: true }); // it may be half written
    throw error;
  }
}

export function takeOwnership({ root, meta }: Files, path: string): Owner {
  const owner = claim();
  try {
    root.transactionSync(() => {
      const format = (meta.get('format') as number | undefined) ?? FORMAT;
      if (format > FORMAT) {
        throw new StoreOpenError(
          `the store in ${path} has format ${format}, written by a newer version; this version knows format ${FORMAT} and older`,
        );
      }
      const other = meta.get('owner') as Owner | undefined;
      if (other !== undefined && isAlive(other)) {
        throw new StoreOpenError(`the store in ${path} is in use by process ${other.pid} (on ${other.host})`);
      }
      meta.putSync('format', FORMAT);
      meta.putSync('owner', owner);
    });
  } catch (error) {
    release(owner);
    throw error;
  }
  return owner;
}

export async function readHistory({ meta, records }: Files): Promise<History> {
  const history = new History(1, (meta.get('compactedRevision') as Revision | undefined) ?? 0);
  let last: RecordKey | undefined;
  for (;;) {
    let count = 0;
    for (const { key, value } of records.getRange({
      start: last,
      exclusiveStart: last !== undefined,
      limit: OPEN_SLICE,
    })) {
      last = key;
      history.append(readVersion(key, value));
      count++;
    }
    if (count < OPEN_SLICE) break;
    await immediate();
  }
  if (last !== undefined) history.committedRevision = last.modRevision;
  return history;
}

/** What the medium said. LMDB calls it an input/output error when a full disk takes only a part of what it writes. */
export async function reasonOf(error: unknown, path: string): Promise<string> {
  const { commitError } = error as { commitError?: Promise<never> };
  let reason = error;
  try {
    await commitError;
  } catch (cause) {
    reason = cause;
  }
  if ((reason as NodeJS.ErrnoException).code !== EIO) return messageOf(reason);
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize < FULL_BYTES ? 'No space left on device' : messageOf(reason);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
