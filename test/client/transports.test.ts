import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { admissionPlugins } from '../../src/admission/index.ts';
import { builtinTypes } from '../../src/apis/index.ts';
import { type ApiServer, createServer } from '../../src/apiserver/server.ts';
import { tokenAuthenticator } from '../../src/auth/authenticate.ts';
import { inProcessTransport } from '../../src/client/in-process.ts';
import { createClient, httpTransport, Namespace } from '../../src/client/index.ts';
import { openMemoryStore } from '../../src/storage/index.ts';
import { type OpenTransport, transportContract } from './transport-contract.ts';

const admin = { name: 'admin', groups: ['system:masters'] };

async function openServer(): Promise<{ server: ApiServer; stop: () => Promise<void> }> {
  const store = openMemoryStore();
  const server = createServer({
    store,
    types: builtinTypes(),
    admission: admissionPlugins,
    authenticators: [tokenAuthenticator(new Map([['secret', admin]]))],
  });
  await server.start();
  const transport = inProcessTransport(server, { user: admin });
  await createClient(transport)
    .resource(Namespace)
    .create({ metadata: { name: 'default' } });
  await transport.close();
  return {
    server,
    stop: async () => {
      await server.stop();
      await store.close();
    },
  };
}

describe('transport in process', () => {
  transportContract(async (): Promise<OpenTransport> => {
    const { server, stop } = await openServer();
    const transport = inProcessTransport(server, { user: admin });
    return {
      transport,
      close: async () => {
        await transport.close();
        await stop();
      },
    };
  });
});

describe('transport over HTTP', () => {
  transportContract(async (): Promise<OpenTransport> => {
    const { server, stop } = await openServer();
    const listener = http.createServer(server.handler);
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    const { port } = listener.address() as AddressInfo;
    const transport = httpTransport({ server: `http://127.0.0.1:${port}`, token: 'secret' });
    return {
      transport,
      close: async () => {
        await transport.close();
        await stop();
        await new Promise((resolve) => listener.close(resolve));
      },
    };
  });
});
