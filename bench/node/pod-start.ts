/**
 * From a pod's binding to `Running` and ready in the API: host processes one at a time and many at once, and the agent
 * alone with simulated containers. API server in process, memory store.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { builtinTypes } from '../../src/apis/index.ts';
import { createServer } from '../../src/apiserver/server.ts';
import { createClient } from '../../src/client/client.ts';
import { inProcessTransport } from '../../src/client/in-process.ts';
import { Namespace, Pod } from '../../src/client/kinds.ts';
import { systemClock } from '../../src/clock/clock.ts';
import {
  type ContainerRuntime,
  createProcessRuntime,
  createSimulatedRuntime,
  NodeAgent,
} from '../../src/node/index.ts';
import { openMemoryStore } from '../../src/storage/index.ts';

const directory = await mkdtemp(join(tmpdir(), 'setpoint-bench-node-'));
const store = openMemoryStore();
const server = createServer({ store, types: builtinTypes() });
await server.start();
const transport = inProcessTransport(server, { user: { name: 'bench', groups: ['system:masters'] } });
const client = createClient(transport);
for (const name of ['default', 'kube-node-lease']) await client.resource(Namespace).create({ metadata: { name } });
const pods = client.resource(Pod);

const waiting = new Map<string, () => void>();
pods.watch(
  {},
  {
    events: (events) => {
      for (const { type, object } of events) {
        const { name = '' } = object.metadata;
        const ready = object.status?.phase === 'Running' && object.status.containerStatuses?.every((c) => c.ready);
        if (type === 'DELETED' || (ready && object.metadata.deletionTimestamp === undefined)) {
          waiting.get(`${type === 'DELETED' ? 'gone' : 'ready'}/${name}`)?.();
        }
      }
    },
    ended: () => undefined,
  },
);
const happens = (what: string): Promise<void> => new Promise((resolve) => waiting.set(what, resolve));

async function run(nodeName: string, name: string): Promise<number> {
  const began = performance.now();
  const ready = happens(`ready/${name}`);
  const containers = [{ name: 'main', image: 'host', imagePullPolicy: 'IfNotPresent', command: ['sleep', '1000'] }];
  await pods.create({ metadata: { name, namespace: 'default' }, spec: { nodeName, containers } });
  await ready;
  return performance.now() - began;
}

async function end(name: string): Promise<void> {
  const gone = happens(`gone/${name}`);
  await pods.delete({ namespace: 'default', name });
  await gone;
}

async function withAgent(runtime: ContainerRuntime, work: (nodeName: string) => Promise<void>): Promise<void> {
  const { name: nodeName } = await runtime.info();
  const agent = new NodeAgent({ transport, runtime, nodeName, directory: join(directory, nodeName) });
  await agent.start();
  await work(nodeName);
  await agent.stop();
  await runtime.close();
}

await withAgent(await createProcessRuntime({ directory: join(directory, 'processes') }), async (node) => {
  await run(node, 'warm');
  await end('warm');
  const times: number[] = [];
  for (let index = 0; index < 50; index++) times.push(await run(node, `one-${index}`));
  times.sort((a, b) => a - b);
  const at = (share: number): string => `${times[Math.floor(times.length * share)]!.toFixed(1)} ms`;
  console.log(`process, one at a time     p50 ${at(0.5)}   p90 ${at(0.9)}`);
  let began = performance.now();
  await Promise.all(Array.from({ length: 50 }, (_, index) => run(node, `many-${index}`)));
  console.log(`process, 50 at once        ${((performance.now() - began) / 50).toFixed(1)} ms each`);
  began = performance.now();
  const all = Array.from({ length: 100 }, (_, index) => `${index < 50 ? 'one' : 'many'}-${index % 50}`);
  await Promise.all(all.map(end));
  console.log(`process, 100 deleted       ${((performance.now() - began) / 100).toFixed(1)} ms each`);
});

await withAgent(createSimulatedRuntime({ clock: systemClock }), async (node) => {
  const count = 1000;
  const began = performance.now();
  await Promise.all(Array.from({ length: count }, (_, index) => run(node, `simulated-${index}`)));
  const seconds = (performance.now() - began) / 1000;
  console.log(`simulated, ${count} at once    ${Math.round(count / seconds)} pods/s`);
});

await transport.close();
await server.stop();
await store.close();
await rm(directory, { recursive: true, force: true });
