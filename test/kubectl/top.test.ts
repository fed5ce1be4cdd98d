/** kubectl top over what simulated nodes measure. */
import assert from 'node:assert/strict';
import { Node } from '../../src/client/kinds.ts';
import type { ApiObject } from '../../src/machinery/object.ts';
import { describeKubectl } from './transcript.ts';

const annotation = (name: string): string => `simulated.setpoint.dev/${name}`;

const pod = (name: string, containers: readonly string[], annotations: Record<string, string>): ApiObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', labels: { app: name }, annotations },
  spec: { containers: containers.map((container) => ({ name: container, image: 'any' })) },
});

describeKubectl('top', { nodes: 1, metricResolution: 100 }, (session) => {
  before(async () => {
    const { cluster, run } = session();
    await cluster.create(
      pod('web', ['main', 'proxy'], {
        [annotation('main.cpu-millicores')]: '250',
        [annotation('main.memory-bytes')]: String(64 * 1024 * 1024),
        [annotation('proxy.cpu-millicores')]: '50',
        [annotation('proxy.memory-bytes')]: String(32 * 1024 * 1024),
      }),
      pod('idle', ['main'], { [annotation('cpu-millicores')]: '0' }),
      // Without a node there is nothing to measure.
      {
        ...pod('waiting', ['main'], {}),
        spec: { nodeSelector: { no: 'where' }, containers: [{ name: 'main', image: 'any' }] },
      },
    );
    const measured = async (): Promise<boolean> =>
      (await run('kubectl top pod web --no-headers')).stdout.includes('300m') &&
      (await run('kubectl top pod idle --no-headers')).stdout.includes('16Mi') &&
      / 300m /.test((await run('kubectl top node --no-headers')).stdout);
    const deadline = Date.now() + 30_000;
    while (!(await measured())) assert.ok(Date.now() < deadline, 'no metrics in time');
    const node = await cluster.client.resource(Node).get({ name: 'node-1' });
    await cluster.client.resource(Node).updateStatus({
      ...node,
      status: { ...node.status, allocatable: { ...node.status!.allocatable, cpu: '3', memory: '224Mi' } },
    });
  });

  it('shows what pods use, and their containers', () =>
    session().expect(`
      $ kubectl top pods
      NAME   CPU(cores)   MEMORY(bytes)
      idle   0m   16Mi
      web   300m   96Mi
      $ kubectl top pods --containers --sort-by=cpu
      POD   NAME   CPU(cores)   MEMORY(bytes)
      web   main   250m   64Mi
      web   proxy   50m   32Mi
      idle   main   0m   16Mi
      $ kubectl top pods -l app=web --no-headers
      web   300m   96Mi
      $ kubectl top pods -A --sort-by=memory
      NAMESPACE   NAME   CPU(cores)   MEMORY(bytes)
      default   web   300m   96Mi
      default   idle   0m   16Mi
    `));

  it('shows what nodes use of what they have', () =>
    session().expect(`
      36$ kubectl top nodes
      NAME   CPU(cores)   CPU(%)   MEMORY(bytes)   MEMORY(%)
      node-1   300m   10%   112Mi   50%
      20$ kubectl top nodes
      NAME   CPU(cores)   CPU%   MEMORY(bytes)   MEMORY%
      node-1   300m   10%   112Mi   50%
    `));

  it('says what has no metrics', () =>
    session().expect(`
      $ kubectl top pod none
      Error from server (NotFound): pods "none" not found
      [1]
      $ kubectl top pod waiting
      Error from server (NotFound): podmetrics.metrics.k8s.io "default/waiting" not found
      [1]
      $ kubectl top node none
      Error from server (NotFound): nodes "none" not found
      [1]
      $ kubectl top pods -n kube-system
      No resources found in kube-system namespace.
    `));

  it('has metrics as objects', () =>
    session().expect(`
      $ kubectl get podmetrics
      NAME   CPU   MEMORY   WINDOW
      idle   0n   16384Ki   <any>
      web   <any>   98304Ki   <any>
      $ kubectl get nodemetrics node-1 -o 'jsonpath={.usage.memory}'
      114688Ki
    `));
});

describeKubectl('top without nodes', {}, (session) => {
  it('has no metrics API', () =>
    session().expect(`
      $ kubectl top pods
      error: Metrics API not available
      [1]
      $ kubectl top nodes
      error: Metrics API not available
      [1]
    `));
});
