import assert from 'node:assert/strict';
import { request } from 'node:https';
import {
  createAuthority,
  issueClientCertificate,
  issueServingCertificate,
  type KeyPair,
} from '../../src/auth/certificates.ts';
import * as kinds from '../../src/client/kinds.ts';
import { systemClock } from '../../src/clock/clock.ts';
import { parseResourceMetrics } from '../../src/node/agent/resource-metrics.ts';
import type { ContainerSample } from '../../src/node/agent/resource-usage.ts';
import { createSimulatedRuntime } from '../../src/node/simulated/simulated-runtime.ts';
import { TestNode } from './test-node.ts';

describe('the endpoint of an agent', () => {
  let node: TestNode;
  let apiServer: KeyPair;
  let somebody: KeyPair;
  let stranger: KeyPair;

  before(async () => {
    const now = Date.now();
    const authority = await createAuthority('kubernetes', now);
    apiServer = await issueClientCertificate(authority, { commonName: 'kube-apiserver-kubelet-client' }, now);
    somebody = await issueClientCertificate(authority, { commonName: 'jane', organizations: ['developers'] }, now);
    const other = await createAuthority('kubernetes', now);
    stranger = await issueClientCertificate(other, { commonName: 'kube-apiserver-kubelet-client' }, now);
    const names = { dns: ['localhost'], ips: ['127.0.0.1'] };
    const serving = await issueServingCertificate(authority, { commonName: 'system:node:node-1' }, names, now);
    const behaviour = () => ({ log: ['one', 'two', 'three'] });
    node = await TestNode.start(systemClock, () => createSimulatedRuntime({ clock: systemClock, behaviour }), {
      server: { ...serving, clientAuthority: authority.certificate, host: '127.0.0.1', port: 0 },
    });
    await node.createPod('web');
    await node.untilPod('web', ({ status }) => status?.phase === 'Running');
  });
  after(() => node.close());

  function get(path: string, credentials?: KeyPair, method = 'GET'): Promise<{ code: number; body: string }> {
    const tls = credentials === undefined ? {} : { cert: credentials.certificate, key: credentials.key };
    const { port } = node.agent;
    return new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port, path, method, agent: false, rejectUnauthorized: false, ...tls });
      sent.on('error', reject).on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => resolve({ code: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
      });
      sent.end();
    });
  }

  it('is where the node says', async () => {
    const { status } = await node.client.resource(kinds.Node).get({ name: 'node-1' });
    assert.equal(status!.daemonEndpoints!.kubeletEndpoint!.Port, node.agent.port);
    assert.notEqual(node.agent.port, 0);
  });

  it('shows logs to the API server', async () => {
    assert.deepEqual(await get('/containerLogs/default/web/main?tailLines=2', apiServer), {
      code: 200,
      body: 'two\nthree\n',
    });
    assert.deepEqual(await get('/containerLogs/default/web/main?limitBytes=4', apiServer), {
      code: 200,
      body: 'one\n',
    });
  });

  it('explains why there are none', async () => {
    const previous = await get('/containerLogs/default/web/main?previous=true', apiServer);
    assert.deepEqual(previous, { code: 400, body: 'previous terminated container "main" in pod "web" not found' });
    assert.equal((await get('/containerLogs/default/web/other', apiServer)).code, 400);
    assert.equal((await get('/containerLogs/default/none/main', apiServer)).code, 404);
    assert.equal((await get('/containerLogs/default/web/main?tailLines=x', apiServer)).code, 400);
  });

  it('lists its pods and what they use', async () => {
    const pods = JSON.parse((await get('/pods', apiServer)).body);
    assert.deepEqual([pods.kind, pods.items.length, pods.items[0].status.phase], ['PodList', 1, 'Running']);
    const summary = JSON.parse((await get('/stats/summary', apiServer)).body);
    assert.equal(summary.node.nodeName, 'node-1');
    assert.equal(summary.pods[0].podRef.name, 'web');
    assert.equal(summary.pods[0].containers[0].memory.workingSetBytes, 16 * 1024 * 1024);
  });

  it('counts for metrics-server', async () => {
    const { code, body } = await get('/metrics/resource', apiServer);
    assert.equal(code, 200);
    const { node: machine, containers } = parseResourceMetrics(body);
    assert.equal(machine.memoryBytes, 16 * 1024 * 1024);
    const [{ namespace, pod, container }] = containers as [ContainerSample];
    assert.deepEqual([namespace, pod, container], ['default', 'web', 'main']);
  });

  it('says to everybody that it is well, and nothing else', async () => {
    assert.deepEqual(await get('/healthz'), { code: 200, body: 'ok' });
    for (const path of ['/pods', '/containerLogs/default/web/main', '/stats/summary', '/metrics/resource']) {
      assert.equal((await get(path)).code, 401, path);
      assert.equal((await get(path, stranger)).code, 401, path);
      assert.equal((await get(path, somebody)).code, 403, path);
    }
  });

  it('knows no other paths and methods', async () => {
    assert.equal((await get('/exec/default/web', apiServer)).code, 400);
    assert.equal((await get('/containerLogs/default/web', apiServer)).code, 404);
    assert.equal((await get('/pods', apiServer, 'POST')).code, 405);
  });
});
