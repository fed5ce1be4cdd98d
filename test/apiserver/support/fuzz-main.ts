/**
 * Fuzzes a server over HTTPS for as long as it is asked to, and watches its memory.
 *
 * Flow: batches of requests, a few at once; now and then everything that they made is deleted and the history compacted,
 * so that what the heap has grown by then has leaked. Ends with 1 when an answer was wrong.
 */
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { type Api, startApi } from './api.ts';
import { type FuzzedRequest, furnish, fuzz, fuzzedRequest } from './fuzz.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    concurrency: { type: 'string', default: '8' },
  },
});
const runs = Number(values.runs);
const seed = Number(values.seed);
const concurrency = Number(values.concurrency);
const batch = 1_000;
const batchesBetweenCleanups = 10;
const failures = new Map<string, number>();

await using api = await startApi();
await furnish(api);
console.log(`${runs} requests, ${concurrency} at once, --seed ${seed}`);
const began = performance.now();
for (let done = 0, batches = 0; done < runs; done += batch, batches += 1) {
  const size = Math.min(batch, runs - done);
  await runBatch(api, fc.sample(fuzzedRequest, { numRuns: size, seed: seed + batches }));
  if (batches % batchesBetweenCleanups === 0 || done + size >= runs) await report(api, done + size);
}
if (failures.size > 0) process.exitCode = 1;

async function runBatch(api: Api, requests: FuzzedRequest[]): Promise<void> {
  const worker = async (): Promise<void> => {
    for (let request = requests.pop(); request !== undefined; request = requests.pop()) {
      await fuzz(api, request).catch((error: unknown) => fail(request!, error));
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

/** Each kind of failure is shown once, with the request that found it. */
function fail(request: FuzzedRequest, error: unknown): void {
  const text = error instanceof Error ? error.message : String(error);
  const kind = (text.match(/[a-z]{4,}/gi) ?? []).slice(0, 16).join(' ');
  const seen = failures.get(kind) ?? 0;
  failures.set(kind, seen + 1);
  if (seen === 0) console.error(`FAILED ${text}\n  ${JSON.stringify(request)}`);
}

async function report(api: Api, done: number): Promise<void> {
  await cleanUp(api);
  (globalThis as { gc?: () => void }).gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  const perSecond = Math.round(done / ((performance.now() - began) / 1000));
  const failed = [...failures.values()].reduce((sum, count) => sum + count, 0);
  const mebibytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
  console.log(
    `${done} requests, ${perSecond}/s, ${failed} wrong answers, heap ${mebibytes(heapUsed)}, rss ${mebibytes(rss)}`,
  );
}

async function cleanUp(api: Api): Promise<void> {
  const { resources } = await api.ok('GET', '/api/v1');
  const collections: string[] = ['/apis/example.com/v1/widgets', '/apis/apps/v1/deployments'];
  for (const { name, verbs } of resources as { name: string; verbs: string[] }[]) {
    const kept = name === 'namespaces' || name === 'events';
    if (!kept && verbs.includes('deletecollection') && !name.includes('/')) collections.push(`/api/v1/${name}`);
  }
  for (const collection of collections) {
    const answer = await api.send('GET', collection);
    // A fuzzed request may have deleted the definition.
    for (const { metadata } of (answer.code === 200 ? answer.json.items : []) as {
      metadata: { namespace?: string; name: string };
    }[]) {
      const plural = collection.slice(collection.lastIndexOf('/'));
      const scope = metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`;
      const path = `${collection.slice(0, collection.lastIndexOf('/'))}${scope}${plural}/${metadata.name}`;
      const body = { metadata: { finalizers: null } };
      await api.send('PATCH', path, { body, type: 'application/merge-patch+json' });
      await api.send('DELETE', `${path}?gracePeriodSeconds=0`);
    }
  }
  await furnish(api);
  await api.cluster.store.compact(await api.cluster.store.revision());
}
