/**
 * From a write to the reconcile that it causes, and round it: a writer creates objects through the API server (in process,
 * memory store), a controller sees each and writes its status.
 */
import { builtinTypes } from '../../src/apis/index.ts';
import { createServer } from '../../src/apiserver/server.ts';
import { inProcessTransport } from '../../src/client/in-process.ts';
import { createClient, Node } from '../../src/client/index.ts';
import { Manager } from '../../src/runtime/index.ts';
import { openMemoryStore } from '../../src/storage/index.ts';

const store = openMemoryStore();
const server = createServer({ store, types: builtinTypes() });
await server.start();
const user = { name: 'admin', groups: ['system:masters'] };
const transport = inProcessTransport(server, { user });
const nodes = createClient(transport).resource(Node);

const seen = new Map<string, () => void>();
const manager = new Manager({ transport: inProcessTransport(server, { user }) });
manager.controller(Node, { concurrency: 8 }).reconcile(({ metadata, status }, ctx) => {
  if (status?.phase === 'Running') return;
  seen.get(metadata.name ?? '')?.();
  ctx.status({ phase: 'Running' });
});
await manager.start();

const hops: number[] = [];
for (let i = 0; i < 500; i++) {
  const name = `one-${i}`;
  const reconciled = new Promise<void>((resolve) => seen.set(name, resolve));
  const began = performance.now();
  await Promise.all([nodes.create({ metadata: { name } }), reconciled]);
  hops.push(performance.now() - began);
}
hops.sort((a, b) => a - b);
const at = (share: number): string => `${hops[Math.floor(hops.length * share)]!.toFixed(2)} ms`;
console.log(`create → reconcile             p50 ${at(0.5)}   p99 ${at(0.99)}`);

const count = 2_000;
const began = performance.now();
const all = Array.from({ length: count }, (_, i) => {
  const name = `many-${i}`;
  const reconciled = new Promise<void>((resolve) => seen.set(name, resolve));
  return Promise.all([nodes.create({ metadata: { name } }), reconciled]);
});
await Promise.all(all);
const seconds = (performance.now() - began) / 1000;
console.log(`creates, reconciles and status writes   ${Math.round(count / seconds).toLocaleString('en')} /s`);
await manager.stop();
await transport.close();
await server.stop();
await store.close();
