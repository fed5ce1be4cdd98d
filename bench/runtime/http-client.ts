/** The client over HTTP, beside client-node's, against a server that answers from memory: requests a second, one at a time and 16. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { createClient, httpTransport, Pod } from '../../src/client/index.ts';

const pod = (name: string): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace: 'default', name, uid: name, resourceVersion: '1', labels: { app: 'web' } },
  spec: { containers: [{ name: 'a', image: 'nginx', env: [{ name: 'A', value: 'b' }] }], nodeName: 'n1' },
  status: {
    phase: 'Running',
    conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }],
  },
});
const one = JSON.stringify(pod('one'));
const items = Array.from({ length: 1_000 }, (_, i) => pod(`pod-${i}`));
const list = JSON.stringify({ apiVersion: 'v1', kind: 'PodList', metadata: { resourceVersion: '1' }, items });
const server = http.createServer((request, response) => {
  response.setHeader('Content-Type', 'application/json');
  response.end(request.url?.endsWith('/one') ? one : list);
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

const transport = httpTransport({ server: url });
const ours = createClient(transport).resource(Pod);
const config = new KubeConfig();
config.loadFromClusterAndUser({ name: 'bench', server: url, skipTLSVerify: true }, { name: 'bench' });
const theirs = config.makeApiClient(CoreV1Api);

/** Requests a second with `width` at a time, the best of three. */
async function measure(count: number, width: number, request: () => Promise<unknown>): Promise<number> {
  const run = async (): Promise<void> => {
    let left = count;
    const worker = async (): Promise<void> => {
      while (left-- > 0) await request();
    };
    await Promise.all(Array.from({ length: width }, worker));
  };
  await run();
  let best = 0;
  for (let attempt = 0; attempt < 3; attempt++) {
    const start = performance.now();
    await run();
    best = Math.max(best, count / ((performance.now() - start) / 1000));
  }
  return best;
}

const key = { namespace: 'default', name: 'one' };
const cases: [string, number, number, () => Promise<unknown>, () => Promise<unknown>][] = [
  ['get, one at a time', 500, 1, () => ours.get(key), () => theirs.readNamespacedPod(key)],
  ['get, 16 at a time', 1_000, 16, () => ours.get(key), () => theirs.readNamespacedPod(key)],
  ['list of 1,000 pods', 20, 1, () => ours.list(), () => theirs.listPodForAllNamespaces()],
];
for (const [name, count, width, our, their] of cases) {
  const mine = await measure(count, width, our);
  const peer = await measure(count, width, their);
  const ratio = (mine / peer).toFixed(1);
  console.log(`${name.padEnd(22)} ${Math.round(mine)} /s   (client-node: ${Math.round(peer)} /s, ratio ${ratio})`);
}
await transport.close();
server.closeAllConnections();
server.close();
