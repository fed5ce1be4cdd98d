import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createApplication } from './server.ts';

describe('example: Express', () => {
  it('serves the Kubernetes API beside its own pages', async () => {
    const { app, stop } = await createApplication('/k8s');
    const listener = createServer(app);
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;
    const version = (await (await fetch(`${url}/k8s/version`)).json()) as { major: string };
    assert.equal(version.major, '1');
    const created = await fetch(`${url}/k8s/api/v1/namespaces`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'mine' } }),
    });
    assert.equal(created.status, 201);
    assert.deepEqual(await (await fetch(`${url}/about`)).json(), { application: 'mine' });
    listener.closeAllConnections();
    await new Promise((resolve) => listener.close(resolve));
    await stop();
  });
});
