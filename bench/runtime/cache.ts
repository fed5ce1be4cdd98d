/** Changes taken into a cache, each told to one listener, beside client-node's informer cache (which has no indexes). */
import { type KubernetesListObject, ListWatch, type V1ConfigMap, type Watch } from '@kubernetes/client-node';
import { ConfigMap } from '../../src/client/index.ts';
import { deepFreeze } from '../../src/machinery/json.ts';
import { ObjectCache } from '../../src/runtime/cache.ts';

const objectCount = 10_000;
let version = 0;
const objects = (): ConfigMap[] =>
  Array.from({ length: objectCount }, (_, i) =>
    deepFreeze({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        namespace: `namespace-${i % 50}`,
        name: `object-${i}`,
        uid: `uid-${i}`,
        resourceVersion: String(++version),
        labels: { app: `app-${i % 100}` },
      },
    }),
  );

const rounds = Array.from({ length: 13 }, objects);
const [first = [], ...changes] = rounds;
let told = 0;

function ours(indexed: boolean): (round: readonly ConfigMap[]) => void {
  const cache = new ObjectCache(ConfigMap, {
    sources: [''],
    onError: (error) => {
      throw error;
    },
  });
  if (indexed) cache.index('app', ({ metadata }) => metadata.labels?.app);
  cache.onChange({ updated: () => told++ });
  cache.replace('', first, String(objectCount));
  return (round) => {
    for (const object of round) cache.changed('', object);
  };
}

async function theirs(): Promise<(round: readonly ConfigMap[]) => Promise<void>> {
  let handle: ((phase: string, object: unknown) => unknown) | undefined;
  const watch = {
    watch: async (_path: string, _query: unknown, handler: (phase: string, object: unknown) => unknown) => {
      handle = handler;
      return new AbortController();
    },
  } as unknown as Watch;
  const list = async () => ({ metadata: {}, items: first }) as unknown as KubernetesListObject<V1ConfigMap>;
  const informer = new ListWatch('/api/v1/configmaps', watch, list, false);
  informer.on('update', () => told++);
  await informer.start();
  return async (round) => {
    for (const object of round) await handle?.('MODIFIED', object);
  };
}

/** Changes a second, the best of three; each attempt takes rounds of its own, for versions must grow. */
async function measure(take: (round: readonly ConfigMap[]) => void | Promise<void>): Promise<number> {
  let best = 0;
  for (let attempt = 0; attempt < 3; attempt++) {
    const before = told;
    const batch = changes.slice(attempt * 4, attempt * 4 + 4);
    const start = performance.now();
    for (const round of batch) await take(round);
    const seconds = (performance.now() - start) / 1000;
    if (told - before !== batch.length * objectCount) throw new Error('not every change was told');
    best = Math.max(best, (batch.length * objectCount) / seconds);
  }
  return best;
}

const plain = await measure(ours(false));
const indexed = await measure(ours(true));
const peer = await measure(await theirs());
const millions = (perSecond: number): string => `${(perSecond / 1e6).toFixed(2)} M/s`;
console.log(
  `cache, ${objectCount} objects             ${millions(plain)}   (client-node: ${millions(peer)}, ratio ${(plain / peer).toFixed(2)})`,
);
console.log(`cache with an index, ${objectCount} objects  ${millions(indexed)}`);
