import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import type { Probe } from '../../src/apis/types.ts';
import { systemClock } from '../../src/clock/clock.ts';
import { type ProbeResult, probeOnce } from '../../src/node/agent/probe-handlers.ts';
import { createSimulatedRuntime } from '../../src/node/simulated/simulated-runtime.ts';

describe('one look at a container', () => {
  const runtime = createSimulatedRuntime({ clock: systemClock });
  const servers: Server[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
  });

  async function listen(server: Server): Promise<number> {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    servers.push(server);
    return (server.address() as AddressInfo).port;
  }
  async function freePort(): Promise<number> {
    const port = await listen(createTcpServer());
    await new Promise((resolve) => servers.pop()!.close(resolve));
    return port;
  }
  function look(probe: Probe, ports: { name: string; containerPort: number }[] = []): Promise<ProbeResult> {
    const container = { name: 'main', ports };
    return probeOnce(probe, { runtime, clock: systemClock, containerId: 'x', container, podIP: '127.0.0.1' });
  }
  const healthy: ProbeResult = { healthy: true, output: '' };
  const unhealthy = (output: string): ProbeResult => ({ healthy: false, output });

  describe('by HTTP', () => {
    it('is healthy from 200 to 399', async () => {
      const asked: string[] = [];
      const port = await listen(
        createServer((request, response) => {
          asked.push(`${request.headers['user-agent']} ${request.headers['x-probe']} ${request.url}`);
          response.statusCode = Number(request.url!.slice(1));
          response.end('body');
        }),
      );
      const httpHeaders = [{ name: 'X-Probe', value: 'yes' }];
      for (const status of [200, 204, 302, 399]) {
        assert.deepEqual(await look({ httpGet: { path: `/${status}`, port, httpHeaders } }), healthy);
      }
      for (const status of [400, 404, 503]) {
        const result = await look({ httpGet: { path: `/${status}`, port: 'web' } }, [
          { name: 'web', containerPort: port },
        ]);
        assert.deepEqual(result, unhealthy(`HTTP probe failed with statuscode: ${status}`));
      }
      assert.equal(asked[0], 'kube-probe/1.36 yes /200');
    });

    it('says why there is no answer', async () => {
      const port = await freePort();
      assert.deepEqual(
        await look({ httpGet: { path: '/x', port } }),
        unhealthy(`Get "http://127.0.0.1:${port}/x": dial tcp 127.0.0.1:${port}: connect: connection refused`),
      );
      const silent = await listen(createTcpServer((socket) => void socket.on('error', () => undefined).resume()));
      assert.deepEqual(
        await look({ httpGet: { port: silent }, timeoutSeconds: 0.05 }),
        unhealthy(
          `Get "http://127.0.0.1:${silent}/": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`,
        ),
      );
    });

    it('cannot be done on a port that has no number', async () => {
      assert.deepEqual(await look({ httpGet: { port: 'web' } }), {
        healthy: false,
        errored: true,
        output: 'strconv.Atoi: parsing "web": invalid syntax',
      });
    });
  });

  it('by TCP is healthy when somebody listens', async () => {
    const port = await listen(createTcpServer((socket) => void socket.on('error', () => undefined).end()));
    assert.deepEqual(await look({ tcpSocket: { port } }), healthy);
    const closed = await freePort();
    assert.deepEqual(
      await look({ tcpSocket: { port: closed } }),
      unhealthy(`dial tcp 127.0.0.1:${closed}: connect: connection refused`),
    );
  });

  describe('by gRPC', () => {
    /** Answers by service name: a status of health, or a code of gRPC. */
    async function health(answers: Record<string, { status?: number; code?: number }>): Promise<number> {
      const server = createHttp2Server();
      server.on('stream', (stream, headers) => {
        assert.equal(headers[':path'], '/grpc.health.v1.Health/Check');
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          const { status, code = 0 } = answers[Buffer.concat(chunks).subarray(7).toString()] ?? { code: 5 };
          stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
          stream.on('wantTrailers', () =>
            stream.sendTrailers({ 'grpc-status': String(code), 'grpc-message': 'why%20not' }),
          );
          stream.end(status === undefined ? undefined : Buffer.from([0, 0, 0, 0, 2, 8, status]));
        });
      });
      return await listen(server as unknown as Server);
    }

    it('is healthy when the service is', async () => {
      const port = await health({ '': { status: 1 }, db: { status: 2 }, old: { code: 12 }, broken: { code: 13 } });
      const ask = (service?: string) => look({ grpc: { port, ...(service === undefined ? {} : { service }) } });
      assert.deepEqual(await ask(), healthy);
      assert.deepEqual(await ask('db'), unhealthy('service unhealthy (responded with "NOT_SERVING")'));
      assert.deepEqual(
        await ask('old'),
        unhealthy('error: this server does not implement the grpc health protocol (grpc.health.v1.Health): why not'),
      );
      assert.equal((await ask('broken')).healthy, false);
    });

    it('says why there is no answer', async () => {
      const closed = await freePort();
      const { healthy: is, output } = await look({ grpc: { port: closed } });
      assert.equal(is, false);
      assert.ok(output.startsWith(`timeout: failed to connect service "127.0.0.1:${closed}" within 1s: `), output);
      const silent = await listen(createTcpServer((socket) => void socket.on('error', () => undefined).resume()));
      assert.match((await look({ grpc: { port: silent }, timeoutSeconds: 0.05 })).output, /^timeout: /);
    });
  });
});
