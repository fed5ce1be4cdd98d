/**
 * An Express application that serves the Kubernetes API beside its own pages.
 *
 * Here everybody who reaches the port may do everything: put the authenticators and authorizers of your site in.
 */
import express, { type Express } from 'express';
import { alwaysAllow, builtinTypes, createServer, openMemoryStore } from 'setpoint/server';

export interface Application {
  readonly app: Express;
  stop(): Promise<void>;
}

/** `prefix` is where the API hangs: clients put it into the server's address. */
export async function createApplication(prefix = '/'): Promise<Application> {
  const store = openMemoryStore();
  const server = createServer({
    store,
    types: builtinTypes(),
    authorizers: [alwaysAllow],
  });
  await server.start();

  const app = express();
  app.get('/about', (_request, response) => {
    response.json({ application: 'mine' });
  });
  app.use(prefix, server.handler);
  return {
    app,
    async stop() {
      await server.stop();
      await store.close();
    },
  };
}
