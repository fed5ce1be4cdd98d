/**
 * Definitions in numbers, on the server that `setpoint up` runs, over the memory store: how long from create to served,
 * what each costs in memory, what discovery and OpenAPI cost when one more is created, and what other requests notice.
 *
 *     npx tsx --expose-gc bench/crd/definitions.ts [count]
 */
import { performance } from 'node:perf_hooks';
import type { ApiObject } from '../../src/machinery/object.ts';
import { startTestCluster, type TestCluster } from '../../src/testing/index.ts';
import { definition } from './definition.ts';

const total = Number(process.argv[2] ?? 1000);
const steps = [1, 200, 500, total].filter((count, i, all) => count <= total && all.indexOf(count) === i);

const cluster = await startTestCluster();
const { server } = cluster;
const widget = (index: number, name: string): ApiObject => ({
  apiVersion: `g${index}.example.com/v1`,
  kind: `Thing${index}`,
  metadata: { name, namespace: 'default' },
  spec: { replicas: 3, pattern: 'abc', items: [{ name: 'a', ports: [80] }] },
});

const administrator = { name: 'kubernetes-admin', groups: ['system:masters'] };
let others = 0;
await measure(cluster);
await cluster.stop();

async function measure({ create }: TestCluster): Promise<void> {
  collect();
  const empty = memory();
  const served: number[] = [];
  let made = 0;
  for (const step of steps) {
    while (made < step) {
      const started = performance.now();
      await create(definition(made));
      while (server.registry.find(`g${made}.example.com`, 'v1', `things${made}`) === undefined) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      served.push(performance.now() - started);
      made += 1;
    }
    const [first] = await create(widget(made - 1, 'first'));
    if (first === undefined) throw new Error('nothing was created');
    const documents: string[] = [];
    for (const path of ['/apis', '/openapi/v3', `/openapi/v3/apis/g${made - 1}.example.com/v1`, '/openapi/v2']) {
      const took = await time(() => server.document(path, administrator));
      documents.push(`${path.replace(/g\d+/, 'g')} ${took.toFixed(1)} ms`);
    }
    console.log(`${made} definitions: ${documents.join(', ')}`);
    const started = performance.now();
    await create(definition(made));
    while (server.registry.find(`g${made}.example.com`, 'v1', `things${made}`) === undefined) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    const one = performance.now() - started;
    made += 1;
    const again: string[] = [];
    for (const path of ['/apis', '/openapi/v3', '/openapi/v2']) {
      again.push(`${path} ${(await time(() => server.document(path, administrator))).toFixed(1)} ms`);
    }
    console.log(`  one more: served in ${one.toFixed(1)} ms, then ${again.join(', ')}`);
    console.log(`  a create of another resource: ${(await other(create)).toFixed(2)} ms`);
  }
  served.sort((a, b) => a - b);
  const at = (share: number): string => served[Math.floor((served.length - 1) * share)]!.toFixed(1);
  console.log(`create to served: median ${at(0.5)} ms, 99 % ${at(0.99)} ms, worst ${at(1)} ms`);
  collect();
  const idle = (memory() - empty) / made / 1024;
  console.log(`memory, every definition's OpenAPI built: ${idle.toFixed(0)} KiB each`);
  for (let i = 0; i < made; i++) await create(widget(i, 'used'));
  collect();
  console.log(`memory, an object of each created: ${((memory() - empty) / made / 1024).toFixed(0)} KiB each`);
}

async function time(run: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await run();
  return performance.now() - started;
}

/** The mean over 200 creates of a built-in resource. */
async function other(create: TestCluster['create']): Promise<number> {
  const started = performance.now();
  for (let i = 0; i < 200; i++) {
    others += 1;
    await create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `other-${others}`, namespace: 'default' } });
  }
  return (performance.now() - started) / 200;
}

function collect(): void {
  const { gc } = globalThis as { gc?: () => void };
  gc?.();
  gc?.();
}

function memory(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
