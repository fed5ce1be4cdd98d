/**
 * Lists: which revision a list shows and how it is cut into pages.
 * Source: API concepts, "Resource versions" (the table of resourceVersion × resourceVersionMatch × limit) and "Retrieving
 * large results sets in chunks"; KEP-2340 for consistent reads from the cache.
 */

import { type Clock, sleep } from '../clock/clock.ts';
import { expired, StatusError } from '../machinery/status.ts';
import type { KeyValue, Revision, Store } from '../storage/store.ts';
import { CompactedError, FutureRevisionError } from '../storage/store.ts';
import type { CacheEntry } from './cache-entry.ts';
import { type ContinueToken, continueExpired, decodeContinue, encodeContinue } from './continue-token.ts';
import type { ListOptions } from './options.ts';
import type { Selection } from './selection.ts';
import type { WatchCache } from './watch-cache.ts';

export interface ObjectList {
  readonly entries: readonly CacheEntry[];
  /** Undefined: of objects that are not stored. */
  readonly revision: Revision | undefined;
  readonly continue: string;
  /** Only known for lists without selectors. */
  readonly remaining: number | undefined;
}

export async function listObjects(
  store: Store,
  cache: WatchCache,
  clock: Clock,
  selection: Selection,
  options: ListOptions,
): Promise<ObjectList> {
  if (options.continue !== '') {
    const token = decodeContinue(options.continue);
    if (token.revision > 0) return await page(store, cache, selection, options.limit, token);
    const revision = await cache.caughtUp();
    return fromCache(cache, selection, options.limit, revision, token.after);
  }
  if (options.resourceVersionMatch === 'Exact' || exactByLimit(options)) {
    return await page(store, cache, selection, options.limit, { revision: Number(options.resourceVersion), after: '' });
  }
  if (options.resourceVersion === '') {
    const revision = await cache.caughtUp();
    return fromCache(cache, selection, options.limit, revision, '');
  }
  await cache.ready();
  await notOlderThan(cache, clock, Number(options.resourceVersion));
  return fromCache(cache, selection, options.limit, cache.revision, '');
}

/** With a limit and no `resourceVersionMatch`, a resourceVersion is an exact one ("Legacy" column of the table). */
function exactByLimit({ limit, resourceVersion, resourceVersionMatch }: ListOptions): boolean {
  return limit > 0 && resourceVersionMatch === '' && resourceVersion !== '' && resourceVersion !== '0';
}

/** kube-apiserver's patience with a revision that its cache has not seen. */
const futurePatience = 3000;

/** Waits for a revision that may still come; 504 when it does not. */
export async function notOlderThan(cache: WatchCache, clock: Clock, revision: Revision): Promise<void> {
  if (cache.revision >= revision) return;
  const latest = await cache.caughtUp();
  if (latest >= revision) return;
  const deadline = clock.now() + futurePatience;
  while (clock.now() < deadline) {
    await sleep(clock, 50);
    if ((await cache.caughtUp()) >= revision) return;
  }
  throw tooLarge(revision, cache.revision);
}

/** Source: API concepts, "Unavailable resource versions". */
function tooLarge(revision: Revision, current: Revision): StatusError {
  return new StatusError(504, 'Timeout', `Timeout: Too large resource version: ${revision}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });
}

function fromCache(
  cache: WatchCache,
  selection: Selection,
  limit: number,
  revision: Revision,
  after: string,
): ObjectList {
  let entries: CacheEntry[];
  if (selection.key !== undefined) {
    const entry = cache.get(selection.key);
    entries = entry !== undefined && selection.matches(entry) ? [entry] : [];
  } else {
    entries = cache.range(selection.prefix);
    if (after !== '') {
      const from = selection.prefix + after;
      entries = entries.filter((entry) => entry.key > from);
    }
    if (!selection.all) entries = entries.filter(selection.matches);
  }
  if (limit <= 0 || entries.length <= limit) return { entries, revision, continue: '', remaining: undefined };
  const kept = entries.slice(0, limit);
  return {
    entries: kept,
    revision,
    continue: encodeContinue({ revision, after: kept[limit - 1]!.key.slice(selection.prefix.length) }),
    remaining: selection.all ? entries.length - limit : undefined,
  };
}

/** A page out of the store's history. */
async function page(
  store: Store,
  cache: WatchCache,
  selection: Selection,
  limit: number,
  token: ContinueToken,
): Promise<ObjectList> {
  const entries: CacheEntry[] = [];
  let after = token.after === '' ? undefined : selection.prefix + token.after;
  for (;;) {
    const wanted = limit > 0 ? limit - entries.length : 0;
    const { items, remaining } = await read(store, cache, selection, token, wanted, after);
    for (const kv of items) {
      const current = cache.get(kv.key);
      // Most objects do not change while a client turns its pages: they need not be read again.
      const entry = current?.revision === kv.modRevision ? current : cache.entry(kv);
      if (selection.matches(entry)) entries.push(entry);
    }
    after = items.at(-1)?.key;
    if (remaining === 0 || after === undefined) {
      return { entries, revision: token.revision, continue: '', remaining: undefined };
    }
    if (limit > 0 && entries.length >= limit) {
      return {
        entries,
        revision: token.revision,
        continue: encodeContinue({ revision: token.revision, after: after.slice(selection.prefix.length) }),
        remaining: selection.all ? remaining : undefined,
      };
    }
  }
}

async function read(
  store: Store,
  cache: WatchCache,
  selection: Selection,
  token: ContinueToken,
  limit: number,
  after: string | undefined,
): Promise<{ items: readonly KeyValue[]; remaining: number }> {
  try {
    return await store.list(selection.prefix, {
      revision: token.revision,
      ...(limit > 0 ? { limit } : {}),
      ...(after === undefined ? {} : { after }),
    });
  } catch (error) {
    if (error instanceof CompactedError) {
      throw token.after === ''
        ? expired(`The resourceVersion for the provided list is too old.`)
        : continueExpired(token);
    }
    if (error instanceof FutureRevisionError) throw tooLarge(token.revision, cache.revision);
    throw error;
  }
}
