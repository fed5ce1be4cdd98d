/** The roles of a cluster in processes of their own. */
import assert from 'node:assert/strict';
import { webcrypto, X509Certificate } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { x509 } from '../../src/auth/certificates.ts';
import type { Client } from '../../src/client/index.ts';
import { createClient, Deployment, httpTransport, loadKubeConfig, Node, Pod } from '../../src/client/index.ts';
import { CertificateSigningRequest } from '../../src/client/kinds.ts';
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
      start(
        'controllers',
        '--kubeconfig',
        kubeconfig,
        '--cluster-signing-cert-file',
        join(directory, 'server', 'pki', 'ca.crt'),
        '--cluster-signing-key-file',
        join(directory, 'server', 'pki', 'ca.key'),
      ),
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

  it('signs what somebody has approved', async () => {
    const { Pkcs10CertificateRequestGenerator } = await x509();
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
    const request = await Pkcs10CertificateRequestGenerator.create({
      name: 'CN=jane',
      keys: (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair,
      signingAlgorithm: algorithm,
    });
    const requests = client.resource(CertificateSigningRequest);
    const key = { name: 'jane' };
    const asked = await requests.create({
      metadata: key,
      spec: {
        request: Buffer.from(request.toString('pem')).toString('base64'),
        signerName: 'kubernetes.io/kube-apiserver-client',
        usages: ['client auth'],
      },
    });
    const conditions = [{ type: 'Approved', status: 'True', reason: 'Test', message: '' }];
    await requests.subresource('approval').update(key, { ...asked, status: { conditions } } as never);
    let certificate: string | undefined;
    while (certificate === undefined) certificate = (await requests.get(key)).status?.certificate;
    assert.equal(new X509Certificate(Buffer.from(certificate, 'base64')).subject, 'CN=jane');
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
