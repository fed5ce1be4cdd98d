/** From a change on the wire to the reconciler: how long one takes, and how many a second. No server: a transport that says what it is told. */
import { ConfigMap, type Transport, type WatchHandlers } from '../../src/client/index.ts';
import { deepFreeze } from '../../src/machinery/json.ts';
import type { ApiObject, WatchEvent } from '../../src/machinery/object.ts';
import { Manager } from '../../src/runtime/index.ts';

let handlers: WatchHandlers | undefined;
const refuse = (): Promise<never> => Promise.reject(new Error('this transport only watches'));
const transport: Transport = {
  request: refuse,
  stream: refuse,
  document: refuse,
  watch(_, watchHandlers) {
    handlers = watchHandlers;
    return { close: () => undefined };
  },
  close: async () => undefined,
};

let version = 10;
function event(type: 'ADDED' | 'MODIFIED', i: number): WatchEvent {
  const object: ApiObject = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace: `ns-${i % 20}`, name: `object-${i}`, uid: `uid-${i}`, resourceVersion: String(++version) },
    data: { value: String(version) },
  };
  return deepFreeze({ type, object });
}

let reconciled = 0;
let onReconciled: () => void = () => undefined;
const manager = new Manager({ transport });
manager.controller(ConfigMap, { concurrency: 8 }).reconcile(() => {
  reconciled++;
  onReconciled();
});
const start = manager.start();
const count = 5_000;
handlers?.events(Array.from({ length: count }, (_, i) => event('ADDED', i)));
handlers?.events([
  deepFreeze<WatchEvent>({
    type: 'BOOKMARK',
    object: {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { resourceVersion: String(version), annotations: { 'k8s.io/initial-events-end': 'true' } },
    },
  }),
]);
await start;

async function until(total: number): Promise<void> {
  if (reconciled >= total) return;
  await new Promise<void>((resolve) => {
    onReconciled = () => {
      if (reconciled >= total) resolve();
    };
  });
  onReconciled = () => undefined;
}

await until(count);

const hops: number[] = [];
for (let i = 0; i < 2_000; i++) {
  const changed = event('MODIFIED', i);
  const began = performance.now();
  handlers?.events([changed]);
  await until(reconciled + 1);
  hops.push(performance.now() - began);
  await new Promise((resolve) => setImmediate(resolve));
}
hops.sort((a, b) => a - b);
const at = (share: number): string => `${(hops[Math.floor(hops.length * share)]! * 1000).toFixed(1)} µs`;
console.log(`event → reconcile, one at a time   p50 ${at(0.5)}   p99 ${at(0.99)}`);

let best = 0;
for (let attempt = 0; attempt < 3; attempt++) {
  const batches = Array.from({ length: 10 }, () => Array.from({ length: count }, (_, i) => event('MODIFIED', i)));
  const target = reconciled + count * batches.length;
  const began = performance.now();
  for (const batch of batches) {
    const done = until(reconciled + count);
    handlers?.events(batch);
    await done;
  }
  await until(target);
  best = Math.max(best, (count * batches.length) / ((performance.now() - began) / 1000));
}
console.log(
  `events → reconciles, in batches    ${Math.round(best).toLocaleString('en')} /s with ${count} cached objects`,
);
await manager.stop();
