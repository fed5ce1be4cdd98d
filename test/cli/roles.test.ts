/** The roles of a cluster in processes of their own. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '../../src/client/index.ts';
import { createClient, Deployment, httpTransport, loadKubeConfig, Node, Pod } from '../../src/client/index.ts';
import { Kubectl } from '../support/kubectl.ts';
import { SetpointProcess } from '../support/process-cluster.ts';

const ready = /^ready in \d+ ms$/m;

describe('roles in processes of their own', function () {
  this.timeout(60_000);
  let directory: string;
  const processes: SetpointProcess[] = [];
  let client: Client;

  const start = async (...args: string[]): Promise<SetpointProcess> => {
    const started = new SetpointProcess(args);
    processes.push(started);
    await started.until(ready);
    return started;
  };

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'setpoint-roles-'));
    const kubeconfig = join(directory, 'kubeconfig');
    await start('server', '--port', '0', '--data-dir', join(directory, 'server'), '--kubeconfig', kubeconfig);
    client = createClient(httpTransport(await loadKubeConfig({ path: kubeconfig })));
    await Promise.all([
      start('controllers', '--kubeconfig', kubeconfig),
      start('scheduler', '--kubeconfig', kubeconfig),
      start(
        'node',
        '--kubeconfig',
        kubeconfig,
        '--name',
        'remote',
        '--data-dir',
        join(directory, 'node'),
        '--runtime',
        'process',
      ),
    ]);
  });
  after(async () => {
    await client?.transport.close();
    for (const process of processes.reverse()) await process.stop();
    await rm(directory, { recursive: true, force: true });
  });

  it('registers the node with an endpoint', async () => {
    const node = await client.resource(Node).get({ name: 'remote' });
    assert.equal(node.status?.conditions?.find(({ type }) => type === 'Ready')?.status, 'True');
    assert.ok((node.status?.daemonEndpoints?.kubeletEndpoint?.Port ?? 0) > 0);
  });

  it('runs a deployment, and reads its log across processes', async () => {
    await client.resource(Deployment).create({
      metadata: { name: 'web', namespace: 'default' },
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: 'web' } },
        template: {
          metadata: { labels: { app: 'web' } },
          spec: { containers: [{ name: 'c', image: 'none', command: ['sh', '-c', 'echo here; exec sleep 1000'] }] },
        },
      },
    });
    const pod = await runningPod(client);
    assert.equal(pod.spec?.nodeName, 'remote');
    // A container runs before its first line is out.
    let text = '';
    while (text === '') {
      const log = await client.logs({ namespace: 'default', name: pod.metadata.name! });
      for await (const chunk of log) text += Buffer.from(chunk).toString();
    }
    assert.equal(text, 'here\n');
  });

  it('joins kubectl to what runs on the node, across processes', async () => {
    for (const name of ['kubectl', 'kubectl-oldest'] as const) {
      const kubectl = new Kubectl(join(directory, 'kubeconfig'), name);
      const ended = await kubectl.run(
        ['exec', '-i', 'deployment/web', '--', 'sh', '-c', 'tr a-z A-Z; exit 3'],
        'typed',
      );
      assert.deepEqual(ended, { code: 3, stdout: 'TYPED', stderr: 'command terminated with exit code 3\n' });
      assert.match(
        await kubectl.fails('exec deployment/web -- no-such-command'),
        /Internal error occurred: error executing command in container: .*executable file not found in \$PATH/,
      );
      assert.match(await kubectl.ok('get --raw /api/v1/nodes/remote/proxy/stats/summary'), /"nodeName":"remote"/);
      kubectl.dispose();
    }
  });

  it('ends in good order', async () => {
    for (const process of processes.splice(0).reverse()) {
      const { code, stderr } = await process.stop();
      assert.equal(code, 0, stderr);
    }
  });
});

async function runningPod(client: Client): Promise<Pod> {
  for await (const { object } of client.resource(Pod).events({ namespace: 'default' })) {
    if (object.status?.phase === 'Running' && object.status.containerStatuses?.[0]?.state?.running !== undefined)
      return object;
  }
  throw new Error('the watch ended before a pod ran');
}
