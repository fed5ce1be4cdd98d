import assert from 'node:assert/strict';
import type { KeyValue, Operation, Store, StoreEvent, StoreWatch } from '../../src/storage/index.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const bytes = (text: string): Uint8Array => encoder.encode(text);
export const text = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : decoder.decode(value);

export const put = (key: string, value = key, ttlSeconds?: number): Operation => ({
  type: 'put',
  key,
  value: bytes(value),
  ...(ttlSeconds !== undefined && { ttlSeconds }),
});
export const del = (key: string): Operation => ({ type: 'delete', key });

/** Writes without a comparison; answers the revision. */
export async function write(store: Store, ...operations: Operation[]): Promise<number> {
  const result = await store.txn([], operations);
  assert.ok(result.succeeded);
  return result.revision;
}

/** `key=value@mod/create`, as assertions read best. */
export const show = (kv: KeyValue | undefined): string =>
  kv === undefined ? '-' : `${kv.key}=${text(kv.value)}@${kv.modRevision}/${kv.createRevision}`;

export const showEvent = (event: StoreEvent): string => `${event.type} ${show(event.kv)} was ${show(event.previous)}`;

export interface Recording {
  readonly watch: StoreWatch;
  /** As they came: one entry for each call. */
  readonly batches: StoreEvent[][];
  readonly events: string[];
  error: Error | undefined;
  /** Resolves when the watch has ended with an error. */
  readonly ended: Promise<Error>;
}

export function record(store: Store, prefix: string, fromRevision: number): Recording {
  let end: (error: Error) => void;
  const ended = new Promise<Error>((resolve) => {
    end = resolve;
  });
  const batches: StoreEvent[][] = [];
  const events: string[] = [];
  const recording = { batches, events, ended, error: undefined as Error | undefined };
  const watch = store.watch(prefix, fromRevision, {
    events(batch) {
      batches.push([...batch]);
      events.push(...batch.map(showEvent));
    },
    error(error) {
      recording.error = error;
      end(error);
    },
  });
  return Object.assign(recording, { watch });
}
