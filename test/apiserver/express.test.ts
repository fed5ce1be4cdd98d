/** The handler inside an Express application: at its root, under a prefix, behind a body parser. */
import assert from 'node:assert/strict';
import { createServer as createHttpServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type Express } from 'express';
import { alwaysAllow } from '../../src/apis/authorizer.ts';
import { builtinTypes } from '../../src/apis/index.ts';
import { type ApiServer, createServer } from '../../src/apiserver/server.ts';
import { openMemoryStore, type Store } from '../../src/storage/index.ts';

describe('in Express', () => {
  let store: Store;
  let server: ApiServer;
  let listener: Server;
  let url: string;

  const start = async (mount: (app: Express, handler: ApiServer['handler']) => void): Promise<void> => {
    store = openMemoryStore();
    server = createServer({ store, types: builtinTypes(), authorizers: [alwaysAllow] });
    await server.start();
    const app = express();
    app.get('/about', (_request, response) => {
      response.json({ application: 'mine' });
    });
    mount(app, server.handler);
    listener = createHttpServer(app);
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;
  };
  afterEach(async () => {
    const closed = new Promise((resolve) => listener.close(resolve));
    await server.stop();
    listener.closeAllConnections();
    await closed;
    await store.close();
  });

  const namespace = (name: string) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  const post = (path: string, body: unknown) =>
    fetch(url + path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });

  const mounts: readonly [string, string, (app: Express, handler: ApiServer['handler']) => void][] = [
    ['at its root', '', (app, handler) => app.use(handler)],
    ['under a prefix', '/clusters/one', (app, handler) => app.use('/clusters/one', handler)],
    ['behind a body parser', '', (app, handler) => app.use(express.json({ limit: '3mb' }), handler)],
  ];
  for (const [title, prefix, mount] of mounts) {
    it(`answers ${title}`, async () => {
      await start(mount);
      const created = await post(`${prefix}/api/v1/namespaces`, namespace('made'));
      assert.equal(created.status, 201);
      const list = (await (await fetch(`${url}${prefix}/api/v1/namespaces`)).json()) as { items: unknown[] };
      assert.equal(list.items.length, 1);
      const refused = await post(`${prefix}/api/v1/namespaces`, namespace('Made'));
      assert.equal(refused.status, 422);
      assert.equal((await fetch(`${url}${prefix}/api/v1/namespaces/none`)).status, 404);
      const deleted = await fetch(`${url}${prefix}/api/v1/namespaces/made`, { method: 'DELETE' });
      assert.equal(deleted.status, 200);
      assert.deepEqual(await (await fetch(`${url}/about`)).json(), { application: 'mine' });
    });
  }

  it('watches', async () => {
    await start((app, handler) => app.use('/k8s', handler));
    const response = await fetch(`${url}/k8s/api/v1/namespaces?watch=1`);
    const reader = response.body!.getReader();
    await post('/k8s/api/v1/namespaces', namespace('seen'));
    const { value } = await reader.read();
    const event = JSON.parse(Buffer.from(value!).toString()) as {
      type: string;
      object: { metadata: { name: string } };
    };
    assert.equal(`${event.type} ${event.object.metadata.name}`, 'ADDED seen');
    await reader.cancel();
  });
});
